//! `POST /v1/admin/gift_cards`: a gift card. Its code is shown this once, and mailed where
//! somebody is to have it; what is kept of it is a hash.
//!
//! The answer is never written down to be repeated. Who loses it finds the card in the list,
//! disables it and issues another.

use api::form::{Text, email, time};
use api::reply::{CreatedVersion, Secret};
use api::view::gift_card::IssuedGiftCardView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::address::Email;
use domain::event::{Event, Fact, Letter, Message};
use domain::gift_card::{CODE_BYTES, Code, Entry, GiftCard, REASON_CHARS_MAX, Refusal, Wanted};
use domain::id::{EventId, GiftCardId, MessageId};
use domain::money::Money;
use domain::permission::grant;
use jiff::Timestamp;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;

use crate::App;
use crate::gift_card::{fresh, note, shown};

/// What the card is worth, until when, and for whom.
#[derive(Debug)]
pub struct Issue {
    wanted: Wanted,
    recipient: Option<Email>,
}

impl Form for Issue {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let wanted = read_wanted(fields);
        let recipient = fields.optional("recipient_email", email());
        Some(Self { wanted: wanted?, recipient: recipient? })
    }
}

/// The fields that one card and many have in common.
pub(crate) fn read_wanted(fields: &mut Fields<'_>) -> Option<Wanted> {
    let amount = fields.required("amount", api::form::Nested::<Money>::form());
    let expires_at = fields.optional("expires_at", time());
    let note = fields.optional("note", Text::between(1, REASON_CHARS_MAX));
    Some(Wanted { amount: amount?, expires_at: expires_at?, note: note? })
}

/// Issues a gift card.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::GiftCardsIssue>, Body<Issue>>,
) -> Reply<Secret<CreatedVersion<IssuedGiftCardView>>> {
    let Body(Issue { wanted, recipient }) = &call.input;
    let (code, card, entry) = issue(app, &call, wanted)?;
    let mut events = vec![note(app, &call, "gift_card.issue", card.id, &states(&card))];
    events.extend(recipient.as_ref().map(|to| letter(app, to, &card, &code, call.now)));
    match app.store.issue_gift_cards(&[(card.clone(), entry)], &events).await? {
        Saved::Yes => {
            let version = card.version + 1;
            Ok(Secret(CreatedVersion(IssuedGiftCardView::of(card, &code), version)))
        }
        Saved::Raced => Err(Problem::unavailable()),
    }
}

/// A card with a code of its own.
pub(crate) fn issue<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    wanted: &Wanted,
) -> Result<(Code, GiftCard, Entry), Refusal> {
    let mut random = [0; CODE_BYTES];
    for (slot, byte) in random.iter_mut().zip(app.ids.salt()) {
        *slot = byte;
    }
    let (id, code) = (GiftCardId::from_ulid(app.ids.ulid(call.now)), Code::issue(random));
    let (card, entry) = GiftCard::issue(id, &code, wanted.clone(), fresh(app, call))?;
    Ok((code, card, entry))
}

fn states(card: &GiftCard) -> (Value, Value) {
    let mut after = shown(card.initial);
    if let Value::Object(after) = &mut after {
        after.insert("status".into(), json!(card.status));
        after.insert("expires_at".into(), json!(card.expires_at));
    }
    (Value::Null, after)
}

fn letter(app: &App, to: &Email, card: &GiftCard, code: &Code, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let (amount, expires_at) = (card.initial, card.expires_at);
    let letter = Letter::GiftCard { code: code.reveal(), amount, expires_at };
    let message = Message { id: MessageId::from_ulid(ulid), to: to.clone(), letter };
    let fact = Fact::MessageRequested { message };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn every_flaw_is_named() {
        let good = json!({
            "amount": {"amount": 2500, "currency": "EUR"}, "recipient_email": "jane@example.org",
            "expires_at": "2029-11-21T09:00:00Z", "note": "For a good customer",
        });
        assert_eq!(flaws_of::<Issue>(&good), []);
        let body = json!({"amount": {"amount": 1}, "recipient_email": "j", "code": "mine"});
        let pointers: Vec<_> =
            flaws_of::<Issue>(&body).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/amount/currency", "/recipient_email", "/code"]);
    }
}
