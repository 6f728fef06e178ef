//! `prices.json`: prices with their date, what is assumed, and of which calls journeys are made.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Outcome;

/// Picodollars in a dollar.
const PICO: u128 = 1_000_000_000_000;

/// A price: dollars for so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Price {
    /// As it is published, like `0.625`.
    pub(super) usd: String,
    pub(super) per: u128,
    pub(super) what: String,
    /// Picodollars for `per` of them.
    pico: u128,
}

/// What could not be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assumed {
    pub(super) value: u128,
    pub(super) why: String,
}

/// A part of a purchase: how often which function is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Journey {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) is_mail: bool,
    /// Of a thousand requests, so many are answered by the front door alone.
    pub(super) remembered_per_thousand: u128,
    pub(super) steps: Vec<(String, u128)>,
}

#[derive(Debug, Clone)]
pub(super) struct Prices {
    pub(super) date: String,
    pub(super) region: String,
    pub(super) source: String,
    pub(super) list: BTreeMap<String, Price>,
    pub(super) assumed: BTreeMap<String, Assumed>,
    pub(super) password_handlers: Vec<String>,
    pub(super) journeys: Vec<Journey>,
}

impl Prices {
    pub(super) fn read(value: &Value) -> Outcome<Self> {
        let map = |key: &str| {
            let map = value.get(key).and_then(Value::as_object);
            map.ok_or_else(|| format!("the prices have no {key}"))
        };
        let mut prices = BTreeMap::new();
        for (name, one) in map("prices")? {
            let (usd, per) = (text(one, "usd")?, number(one, "per")?);
            let pico = pico(&usd).filter(|_| per > 0);
            let pico = pico.ok_or_else(|| format!("{name}: {usd} for {per} is no price"))?;
            prices.insert(name.clone(), Price { usd, per, what: text(one, "what")?, pico });
        }
        let mut assumed = BTreeMap::new();
        for (name, one) in map("assumed")? {
            let one = Assumed { value: number(one, "value")?, why: text(one, "why")? };
            assumed.insert(name.clone(), one);
        }
        Ok(Self {
            date: text(value, "date")?,
            region: text(value, "region")?,
            source: text(value, "source")?,
            list: prices,
            assumed,
            password_handlers: list(value, "password_handlers")?
                .iter()
                .filter_map(|name| Some(name.as_str()?.to_owned()))
                .collect(),
            journeys: list(value, "journeys")?.iter().map(journey).collect::<Outcome<_>>()?,
        })
    }

    /// Picodollars of so many.
    pub(super) fn of(&self, name: &str, count: u128) -> Outcome<u128> {
        let price = self.list.get(name).ok_or_else(|| format!("there is no price {name}"))?;
        Ok(price.pico * count / price.per)
    }

    pub(super) fn assumed(&self, name: &str) -> Outcome<u128> {
        let found = self.assumed.get(name).map(|one| one.value);
        found.ok_or_else(|| format!("nothing is assumed of {name}").into())
    }
}

fn journey(value: &Value) -> Outcome<Journey> {
    let mut steps = Vec::new();
    for step in list(value, "steps")? {
        let handler = step.get(0).and_then(Value::as_str);
        let times = step.get(1).and_then(Value::as_u64);
        let (Some(handler), Some(times)) = (handler, times) else {
            return Err(format!("a step is a function and how often, not {step}").into());
        };
        steps.push((handler.to_owned(), u128::from(times)));
    }
    Ok(Journey {
        name: text(value, "name")?,
        about: text(value, "about")?,
        is_mail: value.get("is_mail").and_then(Value::as_bool).unwrap_or(false),
        remembered_per_thousand: number(value, "remembered_per_thousand")?.min(1000),
        steps,
    })
}

fn list<'a>(value: &'a Value, key: &str) -> Outcome<&'a Vec<Value>> {
    let found = value.get(key).and_then(Value::as_array);
    found.ok_or_else(|| format!("the prices have no {key}").into())
}

fn text(value: &Value, key: &str) -> Outcome<String> {
    let found = value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(found.ok_or_else(|| format!("{value} has no {key}"))?.to_owned())
}

fn number(value: &Value, key: &str) -> Outcome<u128> {
    let found = value.get(key).and_then(Value::as_u64);
    Ok(u128::from(found.ok_or_else(|| format!("{value} has no {key}"))?))
}

/// Picodollars of a decimal number of dollars.
fn pico(usd: &str) -> Option<u128> {
    let (whole, fraction) = usd.split_once('.').unwrap_or((usd, ""));
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit()) && text.len() <= 12;
    if whole.is_empty() || !is_plain(whole) || !is_plain(fraction) {
        return None;
    }
    let fraction: u128 = format!("{fraction:0<12}").parse().ok()?;
    Some(whole.parse::<u128>().ok()? * PICO + fraction)
}

/// Dollars with so many decimals, rounded half up.
pub(super) fn dollars(pico: u128, decimals: u32) -> String {
    let unit = PICO / 10_u128.pow(decimals);
    let rounded = (pico + unit / 2) / unit;
    let scale = 10_u128.pow(decimals);
    let width = usize::try_from(decimals).unwrap_or(0);
    format!("{}.{:0width$}", rounded / scale, rounded % scale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prices_are_whole_picodollars() {
        assert_eq!(pico("0.625"), Some(625_000_000_000));
        assert_eq!(pico("0.0000133334"), Some(13_333_400));
        assert_eq!(pico("5"), Some(5_000_000_000_000));
        for wrong in ["", ".5", "-1", "1e3", "0.0000000000001", "1.2.3"] {
            assert_eq!(pico(wrong), None, "{wrong}");
        }
        assert_eq!(dollars(625_000, 6), "0.000001");
        assert_eq!(dollars(29_524_999_999_999, 2), "29.52");
        assert_eq!(dollars(29_525_000_000_000, 2), "29.53");
    }

    #[test]
    fn what_is_no_price_is_named() {
        let of = |usd: &str, per: u64| {
            json!({"date": "2026-11-22", "region": "x", "source": "y", "assumed": {},
                "password_handlers": [], "journeys": [],
                "prices": {"read_unit": {"usd": usd, "per": per, "what": "z"}}})
        };
        let prices = Prices::read(&of("0.125", 1_000_000)).unwrap();
        assert_eq!(prices.of("read_unit", 8).unwrap(), 1_000_000);
        assert!(prices.of("write_unit", 8).is_err());
        let refusal = Prices::read(&of("0.125", 0)).unwrap_err().to_string();
        assert_eq!(refusal, "read_unit: 0.125 for 0 is no price");
        assert!(Prices::read(&of("free", 1)).is_err());
        assert!(Prices::read(&json!({})).is_err());
    }
}
