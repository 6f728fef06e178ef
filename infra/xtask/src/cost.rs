//! `cargo xtask cost`: what the shop costs at AWS, written to `docs/cost.md`.
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

use std::fs;

use crate::Outcome;
use crate::repository::{self, Repository};
use counted::Counted;
use prices::Prices;
use stacks::Stacks;

const PAGE: &str = "docs/cost.md";
const PRICES: &str = "infra/xtask/prices.json";
const COUNTED: &str = "infra/local/tests/it/costs.txt";

/// Writes the page, or with `--check` says whether it is what would be written.
pub(crate) fn cost(arguments: &[&str]) -> Outcome<bool> {
    let root = repository::root()?;
    let written = written(&Repository::read(&root)?)?;
    match arguments {
        [] => {
            fs::write(root.join(PAGE), &written)?;
            println!("cost: written to {PAGE}");
            Ok(true)
        }
        ["--check"] => {
            let is_so = fs::read_to_string(root.join(PAGE)).unwrap_or_default() == written;
            let says = if is_so { "is up to date" } else { "`cargo xtask cost` writes it anew" };
            println!("{PAGE}: {says}");
            Ok(is_so)
        }
        other => Err(format!("cost takes nothing or `--check`, not {other:?}").into()),
    }
}

fn written(repository: &Repository) -> Outcome<String> {
    let text = |path: &str| repository.text(path).ok_or_else(|| format!("there is no {path}"));
    let prices = Prices::read(&serde_json::from_str(text(PRICES)?)?)?;
    let counted = Counted::read(text(COUNTED)?)?;
    let stacks = Stacks::read(repository)?;
    page::write(&prices, &counted, &stacks)
}
