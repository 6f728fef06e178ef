//! `POST /v1/store/orders/lookup`: mails whoever bought without an account a link that shows the
//! order for a while. 202 whether or not there is such an order, after the same work.

use api::form::{Text, email};
use api::reply::Accepted;
use api::seal::token_hash;
use api::view::order::LookedUpView;
use api::{Anyone, Body, Fields, Form, Metered, Problem, Reply};
use domain::address::Email;
use domain::event::{Event, Fact, Letter, Message};
use domain::id::{EventId, MessageId};
use domain::order::Order;
use runtime::Call;

use crate::App;

/// Characters of an order's number, with room for how people write it.
const NUMBER_CHARS_MAX: usize = 64;

/// Which order, and whose.
#[derive(Debug)]
pub struct LookUp {
    number: String,
    email: Email,
}

impl Form for LookUp {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let number = fields.required("number", Text::between(1, NUMBER_CHARS_MAX));
        let email = fields.required("email", email());
        Some(Self { number: number?, email: email? })
    }
}

/// The answer to everybody.
const MAILED: Accepted<LookedUpView> = Accepted(LookedUpView { status: "check_your_email" });

/// Mails a link that shows the order.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<LookUp>>,
) -> Reply<Accepted<LookedUpView>> {
    let Body(LookUp { number, email }) = &call.input;
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    doors.may_write_to(&app.store, &call, &format!("order {}", email.key())).await?;
    let token = app.ids.token();
    let hash = token_hash(&token);
    let found = app.store.order_by_number(&written(number)).await?;
    match found.filter(|order| order.email.key() == email.key()) {
        Some(order) => {
            let letter = letter(app, &order, token, &call);
            app.store.issue_order_link(&hash, &order, &letter).await?;
        }
        None => app.store.issue_no_link(&hash, email, call.now).await?,
    }
    Ok(MAILED)
}

/// A number as it is written down: people type small letters, and a space too many.
fn written(number: &str) -> String {
    number.trim().to_ascii_uppercase()
}

fn letter<W, I>(app: &App, order: &Order, token: String, call: &Call<W, I>) -> Event {
    let ulid = app.ids.ulid(call.now);
    let letter = Letter::OrderLink { order_id: order.id, token };
    let message = Message { id: MessageId::from_ulid(ulid), to: order.email.clone(), letter };
    let fact = Fact::MessageRequested { message };
    Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_and_an_address_are_needed_and_nothing_else_is_taken() {
        let good = json!({"number": "K7M-294-QXA", "email": "jane@example.org"});
        assert_eq!(flaws_of::<LookUp>(&good), []);
        let required = |name: &str| (format!("/{name}"), "required");
        assert_eq!(flaws_of::<LookUp>(&json!({})), [required("number"), required("email")]);
        let link = json!({"number": "1", "email": "jane@example.org", "link": "https://x.example"});
        assert_eq!(flaws_of::<LookUp>(&link), [("/link".to_owned(), "unknown_field")]);
    }

    #[test]
    fn a_number_is_found_however_it_is_typed() {
        assert_eq!(written(" k7m-294-qxa "), "K7M-294-QXA");
    }

    #[test]
    fn the_answer_says_nothing_about_the_order() {
        let body = serde_json::to_value(&MAILED.0).unwrap();
        assert_eq!(body, json!({"status": "check_your_email"}));
    }
}
