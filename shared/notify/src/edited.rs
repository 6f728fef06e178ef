//! An edit of an order, as a letter tells of it: what is taken off, what is added, what that comes
//! to. All of it stands still from the proposal on, so that a second copy says the same.

use domain::catalog::Locale;
use domain::money::Money;
use domain::order::Order;
use domain::order_edit::Edit;
use jiff::Timestamp;
use serde::Serialize;

use crate::template::amount;

/// What a letter tells of an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edited {
    pub(crate) removed: Vec<EditedLine>,
    pub(crate) added: Vec<EditedLine>,
    pub(crate) back: Option<String>,
    pub(crate) due: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) expires_on: String,
    pub(crate) order_id: Option<String>,
    pub(crate) order_number: Option<String>,
}

/// Units that are taken off, or added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EditedLine {
    pub(crate) title: String,
    pub(crate) variant: String,
    pub(crate) quantity: u32,
    pub(crate) amount: String,
}

impl Edited {
    /// An edit of an order, its amounts as this language writes them.
    pub fn of(order: &Order, edit: &Edit, locale: &Locale) -> Self {
        let removed = edit.removed.iter().filter_map(|units| {
            let line = order.lines.iter().find(|line| line.id == units.line)?;
            Some(EditedLine {
                title: line.title.clone(),
                variant: line.variant_title.clone(),
                quantity: units.quantity,
                amount: amount(units.amount, locale),
            })
        });
        let added = edit.added.iter().flat_map(|agreed| {
            agreed.lines.iter().zip(&agreed.priced.lines).map(|(line, sums)| EditedLine {
                title: line.title.clone(),
                variant: line.sku.to_string(),
                quantity: sums.quantity,
                amount: amount(sums.total, locale),
            })
        });
        let some = |money: Money| money.is_positive().then(|| amount(money, locale));
        // The day that UTC has then, with its month in letters: no country reads it wrongly.
        let day = |at: Timestamp| at.strftime("%-d %B %Y").to_string();
        let made = edit.made.as_ref();
        Self {
            removed: removed.collect(),
            added: added.collect(),
            back: some(edit.sums.back),
            due: some(edit.sums.due),
            message: edit.message.clone(),
            expires_on: day(edit.until),
            order_id: made.and_then(|made| made.order).map(|id| id.to_string()),
            order_number: made.and_then(|made| made.number.clone()),
        }
    }
}
