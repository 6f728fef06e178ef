//! What the story of the budgets counted on the wire: one function a line, with its read and write
//! units in tenths, how many calls of which service, and the calls in their order.

use std::collections::BTreeMap;

use crate::Outcome;

/// What one call of a function costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calls {
    /// Tenths of a read unit.
    pub(super) reads: u128,
    /// Tenths of a write unit.
    pub(super) writes: u128,
    /// Calls by service.
    pub(super) services: BTreeMap<String, u128>,
    /// Of those of S3, so many write.
    pub(super) files_written: u128,
}

impl Calls {
    pub(super) fn of(&self, service: &str) -> u128 {
        self.services.get(service).copied().unwrap_or(0)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Counted(BTreeMap<String, Calls>);

/// Operations of S3 that are paid for as writing is.
const WRITES: [&str; 3] = ["CopyObject", "ListObjectsV2", "PutObject"];

impl Counted {
    pub(super) fn read(text: &str) -> Outcome<Self> {
        let mut counted = BTreeMap::new();
        for (at, line) in text.lines().enumerate().skip(1) {
            let read = row(line).ok_or_else(|| format!("line {}: what is `{line}`?", at + 1))?;
            counted.insert(read.0, read.1);
        }
        if counted.is_empty() {
            return Err("nothing was counted".into());
        }
        Ok(Self(counted))
    }

    pub(super) fn of(&self, handler: &str) -> Outcome<&Calls> {
        self.0.get(handler).ok_or_else(|| format!("{handler} was not counted").into())
    }

    pub(super) fn handlers(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn row(line: &str) -> Option<(String, Calls)> {
    let (figures, operations) = line.strip_suffix(')')?.split_once(" (")?;
    let mut words = figures.split_whitespace();
    let handler = words.next()?.to_owned();
    let (reads, writes) = (tenths(words.next()?)?, tenths(words.next()?)?);
    let mut services = BTreeMap::new();
    let rest: Vec<&str> = words.collect();
    for part in rest.join(" ").split(", ").filter(|part| *part != "none") {
        let (count, service) = part.split_once(' ')?;
        services.insert(service.to_owned(), count.parse().ok()?);
    }
    let written = operations.split(", ").filter(|operation| WRITES.contains(operation));
    let files_written = u128::try_from(written.count()).ok()?;
    Some((handler, Calls { reads, writes, services, files_written }))
}

/// `1.5` is fifteen tenths.
fn tenths(text: &str) -> Option<u128> {
    let (whole, tenth) = text.split_once('.')?;
    (tenth.len() == 1).then_some(())?;
    Some(whole.parse::<u128>().ok()? * 10 + tenth.parse::<u128>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_function_its_units_and_its_calls() {
        let text = "handler read write calls\n\
            cart.store.view      1.5    0.0  2 dynamodb (Query, BatchGetItem)\n\
            orders.jobs.index_orders 0.5 37.0  1 dynamodb, 2 s3 (Query, GetObject, PutObject)\n\
            cart.unknown         0.0    0.0  none ()\n";
        let counted = Counted::read(text).unwrap();
        let view = counted.of("cart.store.view").unwrap();
        assert_eq!((view.reads, view.writes, view.of("dynamodb")), (15, 0, 2));
        let index = counted.of("orders.jobs.index_orders").unwrap();
        assert_eq!((index.reads, index.writes), (5, 370));
        assert_eq!((index.of("s3"), index.files_written, index.of("ses")), (2, 1, 0));
        assert_eq!(counted.of("cart.unknown").unwrap(), &Calls::default());
        assert!(counted.of("cart.store.fly").is_err());
    }

    #[test]
    fn what_is_no_line_is_named() {
        let refusal = Counted::read("handler\ncart.store.view 1 2\n").unwrap_err().to_string();
        assert_eq!(refusal, "line 2: what is `cart.store.view 1 2`?");
        assert!(Counted::read("handler\n").is_err());
    }
}
