//! What the endpoints of gift cards and store credit share: how much, why, by whom, and what the
//! audit log is told.

use api::form::{Fields, Form, Integer, Text, currency};
use api::{Problem, Reply, Staff};
use domain::audit::changes;
use domain::event::Event;
use domain::gift_card::{AMOUNT_MAX, Fresh, REASON_CHARS_MAX};
use domain::id::GiftEntryId;
use domain::limit::Limit;
use domain::money::Money;
use runtime::Call;
use serde_json::{Value, json};
use store::limit::Taken;

use crate::App;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const RACES_MAX: usize = 5;

/// An amount that may be below zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed(pub(crate) Money);

impl Form for Signed {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.required("amount", Integer::between(-AMOUNT_MAX, AMOUNT_MAX));
        let currency = fields.required("currency", currency());
        Some(Self(Money::new(amount?, currency?)))
    }
}

/// A correction of what somebody has.
#[derive(Debug)]
pub struct Adjust {
    pub(crate) amount: Money,
    pub(crate) reason: String,
}

impl Form for Adjust {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.required("amount", api::form::Nested::<Signed>::form());
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        Some(Self { amount: amount?.0, reason: reason? })
    }
}

/// What only the outside gives to an entry that a member of the staff makes.
pub(crate) fn fresh<P, I>(app: &App, call: &Call<Staff<P>, I>) -> Fresh {
    let entry = GiftEntryId::from_ulid(app.ids.ulid(call.now));
    Fresh { entry, by: Some(call.who.responsible()), now: call.now }
}

/// An entry of the audit log: what was done to which account, from one state to another.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: impl std::fmt::Display,
    (before, after): &(Value, Value),
) -> Event {
    let changed = changes(before, after);
    app.doors.audit(&call.request, call.who.actor(), action, Some(object.to_string()), changed)
}

/// Money as the audit log may show it.
pub(crate) fn shown(money: Money) -> Value {
    json!({"amount": money.amount(), "currency": money.currency().code()})
}

/// Counts a try of a code from the caller's address.
pub(crate) async fn count_try<W, I>(app: &App, call: &Call<W, I>) -> Reply<()> {
    let mut bucket = app.doors.address_bucket(Limit::GiftCardAddress, &call.request);
    match app.store.take(&mut bucket, 1, call.now).await? {
        Taken::Yes(standing) => {
            call.standing.note(standing);
            Ok(())
        }
        Taken::No(standing) => Err(api::headers::limited(Problem::too_many(&standing), &standing)),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn a_correction_goes_both_ways_and_has_a_reason() {
        let body = |amount: i64, reason: &str| {
            let amount = json!({"amount": amount, "currency": "EUR"});
            json!({"amount": amount, "reason": reason})
        };
        assert_eq!(flaws_of::<Adjust>(&body(500, "Goodwill")), []);
        assert_eq!(flaws_of::<Adjust>(&body(-500, "A mistake")), []);
        let wanted =
            [("/amount/amount".to_owned(), "out_of_range"), ("/reason".to_owned(), "too_short")];
        assert_eq!(flaws_of::<Adjust>(&body(AMOUNT_MAX + 1, "")), wanted);
    }

    #[test]
    fn the_log_sees_amounts_and_no_reasons() {
        let text = shown(Money::new(5, domain::currency::Currency::EUR)).to_string();
        assert_eq!(text, r#"{"amount":5,"currency":"EUR"}"#);
    }
}
