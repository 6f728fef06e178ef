//! `PUT /v1/store/me/phone`: another telephone number, and the words that its holder agrees to. A
//! code is texted to it; until it is typed in, nothing changes. Asking again replaces what was
//! asked before.

use api::form::{Text, phone};
use api::reply::{Accepted, View};
use api::{Body, Customer, Fields, Form, Problem, Reply};
use domain::consent::TEXT_CHARS_MAX;
use domain::event::{Event, Fact};
use domain::id::{EventId, MessageId};
use domain::phone::Phone;
use domain::text::{self, CODE_LIFETIME, Pending, Refusal, Says};
use runtime::Call;
use serde::Serialize;
use store::Saved;

use crate::{App, gate};

/// The number, and the version of the words that were shown.
#[derive(Debug)]
pub struct Change {
    phone: Phone,
    text: String,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let phone = fields.required("phone", phone());
        let text = fields.required("text", Text::between(1, TEXT_CHARS_MAX));
        Some(Self { phone: phone?, text: text? })
    }
}

/// What is answered to everybody whose code may be on its way.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Texted {
    /// Always `check_your_phone`.
    status: &'static str,
}

impl View for Texted {}

/// Texts a code.
pub async fn handle(app: &App, call: Call<Customer, Body<Change>>) -> Reply<Accepted<Texted>> {
    let Body(Change { phone, text }) = &call.input;
    let customer = call.who.id;
    app.store.account(customer).await?.ok_or_else(Problem::unauthenticated)?;
    if !app.store.shop().await?.value.texts.is_on {
        return Err(Refusal::TextsOff.into());
    }
    let buckets = gate::texts(app, &call.request, customer, phone);
    gate::pass(app, buckets, &call.standing, call.now).await?;
    let ulid = app.ids.ulid(call.now);
    let message = MessageId::from_ulid(ulid);
    let ends_at = call.now.saturating_add(CODE_LIFETIME).map_err(|_| Problem::internal())?;
    let (phone, text) = (phone.clone(), text.clone());
    let pending = Pending { customer, phone, message, text, guesses: 0, ends_at };
    let text = text::Text { id: message, customer, says: Says::Code, has_waited: false };
    let fact = Fact::TextRequested { text };
    let event = Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact };
    match app.store.ask_phone(&pending, &[event]).await? {
        Saved::Yes => Ok(Accepted(Texted { status: "check_your_phone" })),
        Saved::Raced => Err(Problem::unavailable()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_international_and_comes_with_the_words_that_were_shown() {
        let flaws = flaws_of::<Change>(&json!({"phone": "0151 12345678"}));
        let places: Vec<&str> = flaws.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(places, ["/phone", "/text"]);
        let good = json!({"phone": "+4915112345678", "text": "order-sms-1"});
        assert_eq!(flaws_of::<Change>(&good), []);
    }
}
