//! `cargo xtask cost`: what the shop costs at AWS, written to `docs/cost.md`, and the table of
//! round trips in `docs/performance.md`.
//!
//! Three things go in. What was counted: the calls and units of each function, from the wire
//! (`infra/local/tests/it/costs.txt`, which the story of the budgets writes). What stands in
//! the templates: memory, schedules, queues, secrets, alarms. And `infra/xtask/prices.json`: prices
//! with their date, what had to be assumed, and of which calls a purchase is made. Nothing is
//! measured in the cloud, and the page says so.
//!
//! Money is whole picodollars here: a read unit is 125 000 of them.

mod counted;
mod page;
mod prices;
mod stacks;
mod trips;

use std::fs;

use crate::Outcome;
use crate::repository::{self, Repository};
use counted::Counted;
use prices::Prices;
use stacks::Stacks;

const PAGE: &str = "docs/cost.md";
const SPEED: &str = "docs/performance.md";
const PRICES: &str = "infra/xtask/prices.json";
const COUNTED: &str = "infra/local/tests/it/costs.txt";

/// Writes both pages, or with `--check` says whether they are what would be written.
pub(crate) fn cost(arguments: &[&str]) -> Outcome<bool> {
    let root = repository::root()?;
    let written = written(&Repository::read(&root)?)?;
    match arguments {
        [] => {
            for (page, text) in written {
                fs::write(root.join(page), text)?;
                println!("cost: written to {page}");
            }
            Ok(true)
        }
        ["--check"] => {
            let mut all_are = true;
            for (page, text) in written {
                let is_so = fs::read_to_string(root.join(page)).unwrap_or_default() == text;
                let anew = "`cargo xtask cost` writes it anew";
                let says = if is_so { "is up to date" } else { anew };
                println!("{page}: {says}");
                all_are &= is_so;
            }
            Ok(all_are)
        }
        other => Err(format!("cost takes nothing or `--check`, not {other:?}").into()),
    }
}

fn written(repository: &Repository) -> Outcome<[(&'static str, String); 2]> {
    let text = |path: &str| repository.text(path).ok_or_else(|| format!("there is no {path}"));
    let prices = Prices::read(&serde_json::from_str(text(PRICES)?)?)?;
    let counted = Counted::read(text(COUNTED)?)?;
    let stacks = Stacks::read(repository)?;
    let speed = trips::placed(text(SPEED)?, &counted)?;
    Ok([(PAGE, page::write(&prices, &counted, &stacks)?), (SPEED, speed)])
}
