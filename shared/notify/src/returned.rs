//! A return, as a letter tells of it: what comes back, what to do, what was found, what the buyer
//! gets. Each letter tells what does not change any more when it is written, so that a second copy
//! says the same.

use domain::address::Address;
use domain::catalog::Locale;
use domain::money::Money;
use domain::order::Order;
use domain::returns::{Reception, Resolution, Return};
use jiff::Timestamp;
use serde::Serialize;

use crate::template::amount as written;

/// What a letter tells of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Returned {
    lines: Vec<Line>,
    instructions: Option<String>,
    label_url: Option<String>,
    send_to: Option<Vec<String>>,
    send_by: Option<String>,
    rejection: Option<String>,
    given: Option<String>,
    is_credit: bool,
    pub(crate) replacement: Option<String>,
    pub(crate) due: Option<String>,
    pub(crate) closing: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    title: String,
    variant: String,
    quantity: u32,
    received: u32,
    damaged: u32,
    wrong: u32,
    short: u32,
}

impl Returned {
    /// A return of an order, its amounts as this language writes them.
    pub fn of(order: &Order, returned: &Return, locale: &Locale) -> Self {
        let sum = |money: &Money| written(*money, locale);
        let lines = returned.items.iter().filter_map(|item| {
            let line = order.lines.iter().find(|line| line.id == item.line)?;
            Some(Line {
                title: line.title.clone(),
                variant: line.variant_title.clone(),
                quantity: item.quantity,
                received: item.found(Reception::Received),
                damaged: item.found(Reception::Damaged),
                wrong: item.found(Reception::WrongItem),
                short: item.found(Reception::Short),
            })
        });
        let (given, is_credit, closing) = match &returned.resolution {
            Some(Resolution::Refund { amount, .. }) => (Some(sum(amount)), false, None),
            Some(Resolution::StoreCredit { amount, .. }) => (Some(sum(amount)), true, None),
            Some(Resolution::Exchange { amount, .. }) => {
                (amount.is_positive().then(|| sum(amount)), false, None)
            }
            Some(Resolution::None { reason }) => (None, false, Some(reason.clone())),
            None => (None, false, None),
        };
        let (replacement, due) = match &returned.resolution {
            Some(Resolution::Exchange { number, due, .. }) => {
                (Some(number.clone()), due.is_positive().then(|| sum(due)))
            }
            Some(
                Resolution::Refund { .. }
                | Resolution::StoreCredit { .. }
                | Resolution::None { .. },
            )
            | None => (None, None),
        };
        let approval = returned.approval.as_ref();
        // The day that UTC has then, with its month in letters: no country reads it wrongly.
        let day = |at: Timestamp| at.strftime("%-d %B %Y").to_string();
        Self {
            lines: lines.collect(),
            instructions: approval.and_then(|told| told.instructions.clone()),
            label_url: approval.and_then(|told| told.label_url.clone()),
            send_to: approval.and_then(|told| told.address.as_ref()).map(address),
            send_by: returned.expires_at.map(day),
            rejection: returned.rejection.clone(),
            given,
            is_credit,
            replacement,
            due,
            closing,
        }
    }
}

fn address(to: &Address) -> Vec<String> {
    let mut lines = vec![to.name.as_str().to_owned(), to.line1.clone()];
    lines.extend(to.line2.clone());
    lines.push(format!("{} {}", to.postal_code, to.city).trim().to_owned());
    lines.extend(to.region.clone());
    lines.push(to.country.code().to_owned());
    lines
}
