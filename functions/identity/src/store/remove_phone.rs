//! `DELETE /v1/store/me/phone`: forgets the customer's telephone number, and that they agreed to be
//! texted. One that waits for its code is forgotten, too.

use api::{Customer, NoContent, Problem, Reply};
use domain::audit::Actor;
use domain::consent::{Consent, Purpose, Said};
use runtime::Call;
use store::Saved;

use crate::App;

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// Forgets the number.
pub async fn handle(app: &App, call: Call<Customer>) -> Reply<NoContent> {
    let (customer, purpose) = (call.who.id, Purpose::OrderSms);
    for _ in 0..RACES_MAX {
        let before = app.store.last_consent(customer, purpose).await?;
        // Who never agreed takes nothing back.
        let refused = match &before {
            Some(last) if last.is_given => {
                let (text, request) = (last.text.as_str(), call.request.id.as_str());
                let said = Said { purpose, is_given: false, text, request, at: call.now };
                Consent::after(Some(last), customer, said)?
            }
            Some(_) | None => None,
        };
        let (actor, object) = (Actor::Customer(customer), Some(customer.to_string()));
        let event = app.doors.audit(&call.request, actor, "phone.remove", object, Vec::new());
        let events = [event];
        let removed = app.store.remove_phone(customer, refused.as_ref(), &events);
        if removed.await? == Saved::Yes {
            return Ok(NoContent);
        }
    }
    Err(Problem::unavailable())
}
