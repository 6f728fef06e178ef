//! `POST /v1/admin/draft_orders/{id}/send`: mails the buyer a link by which a draft order is paid.
//! From then on its prices stand still. One write makes the cart that the link opens, closes that
//! of an earlier link and asks for the letter; nobody but the mailbox gets the link's token.

use api::form::{DraftPath, Integer, Text};
use api::reply::{Output as _, Remembered};
use api::seal::token_hash;
use api::view::draft::DraftView;
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff, Versioned};
use domain::cart::Cart;
use domain::draft::{Fresh, LINK_DAYS, LINK_DAYS_MAX, MESSAGE_CHARS_MAX};
use domain::event::{Event, Fact, Letter, Message};
use domain::id::{CartId, EventId, MessageId};
use domain::permission::grant;
use runtime::Call;
use runtime::endpoint::stored;
use store::Saved;

use crate::App;
use crate::drafts::{Facts, RACES_MAX, linked, load, noted};

/// How long the link is good, and what is said beside it.
#[derive(Debug)]
pub struct Wanted {
    days: u8,
    message: Option<String>,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let days = fields.optional("days", Integer::between(1, i64::from(LINK_DAYS_MAX)));
        let message = fields.optional("message", Text::lines(MESSAGE_CHARS_MAX));
        let days = u8::try_from(days?.unwrap_or(i64::from(LINK_DAYS))).ok()?;
        Some(Self { days, message: message? })
    }
}

type Given = (Path<DraftPath>, (KeyRequired, Body<Wanted>));

/// Sends the link.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Given>,
) -> Reply<Remembered<Versioned<DraftView>>> {
    let (Path(DraftPath { id }), (_, Body(Wanted { days, message }))) = &call.input;
    for _ in 0..RACES_MAX {
        let before = load(app, *id).await?;
        let cart = linked(app, &before).await?;
        let facts = Facts::about(app, &before, call.now).await?;
        let (ulid, token) = (app.ids.ulid(call.now), app.ids.token());
        let (token_hash, days) = (token_hash(&token), *days);
        let fresh = Fresh { cart: CartId::from_ulid(ulid), token_hash, days, now: call.now };
        let priced = facts.price_anew(&before)?;
        let changed = before.clone().send(cart, priced, fresh)?;
        let opened = changed.opened.as_ref().ok_or_else(Problem::internal)?;
        let version = before.version + 1;
        let view = || facts.show(&changed.draft, version);
        let noted = noted(app, &call, "draft_order.send", Some(&before), &changed.draft)?;
        let letter = letter(app, &call, opened, (token, message.clone()))?;
        let remembered = stored(&Versioned(view()?, version).answer(&call.request));
        let remembered = call.claim.as_ref().map(|claim| (claim, &remembered));
        let events = [noted, letter];
        if app.store.save_draft(&changed, &events, remembered).await? == Saved::Yes {
            return Ok(Remembered(Versioned(view()?, version)));
        }
    }
    Err(Problem::unavailable())
}

/// The letter that carries the link.
fn letter<W, I>(
    app: &App,
    call: &Call<W, I>,
    cart: &Cart,
    (token, message): (String, Option<String>),
) -> Reply<Event> {
    let agreed = cart.agreed.as_ref().ok_or_else(Problem::internal)?;
    let to = cart.email.clone().ok_or_else(Problem::internal)?;
    let ulid = app.ids.ulid(call.now);
    let (total, expires_at) = (agreed.priced.totals.total, agreed.until);
    let letter = Letter::PayLink { cart_id: cart.id, token, total, expires_at, message };
    let message = Message { id: MessageId::from_ulid(ulid), to, letter };
    let fact = Fact::MessageRequested { message };
    Ok(Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_is_good_for_days_and_comes_with_a_word_or_without() {
        assert_eq!(flaws_of::<Wanted>(&json!({})), []);
        assert_eq!(flaws_of::<Wanted>(&json!({"days": 14, "message": "As we said.\nBye"})), []);
        let wrong = flaws_of::<Wanted>(&json!({"days": 15, "message": 7}));
        let wanted = [("/days", "out_of_range"), ("/message", "wrong_type")];
        assert_eq!(wrong, wanted.map(|(at, code)| (at.to_owned(), code)));
    }
}
