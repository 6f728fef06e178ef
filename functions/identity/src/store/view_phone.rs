//! `GET /v1/store/me/phone`: the customer's telephone number, and whether they are texted.

use api::{Customer, Reply};
use domain::consent::Purpose;
use runtime::Call;

use crate::App;
use crate::phone::PhoneView;

/// Shows the number.
pub async fn handle(app: &App, call: Call<Customer>) -> Reply<PhoneView> {
    let confirmed = app.store.phone(call.who.id).await?;
    let agreed = app.store.last_consent(call.who.id, Purpose::OrderSms).await?;
    Ok(PhoneView::of(confirmed, agreed.is_some_and(|last| last.is_given)))
}
