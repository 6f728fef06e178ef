//! What an invocation costs, roughly, by a price list with a date.
//!
//! Counted are API Gateway's request, Lambda's request and time, and DynamoDB's units: what a
//! request's own work changes. Not counted are logs, queues, letters, storage and what Stripe
//! takes.
//!
//! The prices are those of `infra/xtask/prices.json`, which `docs/cost.md` reckons with, too.

/// When and where the prices were read; nothing else in this file is to be believed longer.
pub const PRICES_OF: &str = "us-east-1, on demand, arm64, 2026-11-22";

/// A request of an HTTP API, in billionths of a dollar: $1.00 a million.
const GATEWAY: f64 = 1_000.0;
/// A request of a function: $0.20 a million.
const INVOCATION: f64 = 200.0;
/// A gigabyte-second of a function: $0.0000133334.
const GIGABYTE_SECOND: f64 = 13_333.4;
/// A read unit: $0.125 a million.
const READ_UNIT: f64 = 125.0;
/// A write unit: $0.625 a million.
const WRITE_UNIT: f64 = 625.0;

/// What was used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) is_http: bool,
    pub(crate) micros: u32,
    pub(crate) memory_mb: u32,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
}

/// In billionths of a dollar, rounded up. Lambda bills each begun millisecond.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small sum above zero"
)]
pub(crate) fn nanodollars(used: &Use) -> u64 {
    let gateway = if used.is_http { GATEWAY } else { 0.0 };
    let seconds = f64::from(used.micros.div_ceil(1000)) / 1000.0;
    let gigabytes = f64::from(used.memory_mb) / 1024.0;
    let sum = gateway
        + INVOCATION
        + seconds * gigabytes * GIGABYTE_SECOND
        + used.read_units * READ_UNIT
        + used.write_units * WRITE_UNIT;
    sum.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_costs_what_the_list_says() {
        let view =
            Use { is_http: true, micros: 9_400, memory_mb: 256, read_units: 1.5, write_units: 0.0 };
        // 1000 + 200 + 10 ms of a quarter of a gigabyte (33.3) + 187.5
        assert_eq!(nanodollars(&view), 1_421);
        let job = Use { is_http: false, write_units: 2.0, read_units: 0.0, ..view };
        assert_eq!(nanodollars(&job), 1_484);
        let nothing = Use { is_http: false, micros: 0, memory_mb: 128, read_units: 0.0, ..job };
        assert_eq!(nanodollars(&Use { write_units: 0.0, ..nothing }), 200);
    }
    #[test]
    fn the_prices_are_those_of_the_page() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/xtask/prices.json");
        let list = std::fs::read_to_string(file).unwrap();
        let list: serde_json::Value = serde_json::from_str(&list).unwrap();
        let date = list["date"].as_str().unwrap();
        let region = list["region"].as_str().unwrap();
        assert!(PRICES_OF.starts_with(region) && PRICES_OF.ends_with(date));
        for (name, nanodollars) in [
            ("api_request", GATEWAY),
            ("invocation", INVOCATION),
            ("compute_gb_second", GIGABYTE_SECOND),
            ("read_unit", READ_UNIT),
            ("write_unit", WRITE_UNIT),
        ] {
            let price = &list["prices"][name];
            let usd: f64 = price["usd"].as_str().unwrap().parse().unwrap();
            let listed = usd * 1e9 / price["per"].as_f64().unwrap();
            assert!((listed - nanodollars).abs() < 1e-6, "{name}: {listed}");
        }
    }
}
