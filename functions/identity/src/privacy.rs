//! What the endpoints of privacy share: how somebody asks, and who is found to be asked about.

use api::form::YesOrNo;
use api::reply::Accepted;
use api::view::privacy::PrivacyRequestView;
use api::{Fields, Form, Problem, Reply};
use domain::audit::Actor;
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, PrivacyRequestId};
use domain::order::Order;
use domain::privacy::{Kind, Request, may_be_forgotten};
use runtime::Call;
use store::Saved;

use crate::App;

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 3;
/// Orders in one page.
const PAGE: i32 = 100;
/// Pages of one customer's orders: nobody buys more than a hundred thousand times.
const PAGES_MAX: usize = 1_000;

/// What whoever is to be forgotten says.
#[derive(Debug)]
pub struct Farewell {
    pub(crate) gives_up_credit: bool,
}

impl Form for Farewell {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let gives_up_credit = fields.optional("gives_up_credit", YesOrNo);
        Some(Self { gives_up_credit: gives_up_credit?.unwrap_or(false) })
    }
}

/// Writes a request down; the open one is answered where there is one.
pub(crate) async fn ask<W, I>(
    app: &App,
    call: &Call<W, I>,
    (kind, action): (Kind, &str),
    customer: CustomerId,
    actor: Actor,
) -> Reply<Accepted<PrivacyRequestView>> {
    for _ in 0..RACES_MAX {
        let before = app.store.privacy_request(customer, kind).await?;
        if let Some(open) = &before
            && !open.may_be_followed(call.now)?
        {
            return Ok(Accepted(open.clone().into()));
        }
        let id = PrivacyRequestId::from_ulid(app.ids.ulid(call.now));
        let request = Request::new((id, kind), customer, actor, call.now);
        let object = Some(customer.to_string());
        let events = [app.doors.audit(&call.request, actor, action, object, Vec::new())];
        if app.store.ask(before.as_ref(), &request, &events).await? == Saved::Yes {
            return Ok(Accepted(request.into()));
        }
    }
    Err(Problem::unavailable())
}

/// Whether somebody with these orders may be forgotten now.
pub(crate) async fn look(
    app: &App,
    customer: CustomerId,
    orders: &[Order],
    farewell: &Farewell,
) -> Reply<()> {
    let credits = app.store.store_credits(customer).await?;
    Ok(may_be_forgotten(orders, &credits, farewell.gives_up_credit)?)
}

/// All orders of a customer, newest first.
pub(crate) async fn orders_of(app: &App, customer: CustomerId) -> Result<Vec<Order>, Fault> {
    let (mut orders, mut position) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let page = app.store.orders_of(customer, PAGE, position.as_deref()).await?;
        orders.extend(page.entries);
        position = page.next;
        if position.is_none() {
            return Ok(orders);
        }
    }
    Err(Fault::noticed("read all orders of a customer", Retry::Useless))
}

/// Where the exports of a customer are kept.
pub(crate) fn folder(customer: CustomerId) -> String {
    format!("{}customers/{customer}/", files::EXPORTS)
}

/// Where an export is kept.
pub(crate) fn file_key(request: &Request) -> String {
    format!("{}{}.json", folder(request.customer), request.id)
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn credit_is_given_up_by_words_and_never_by_silence() {
        let read = |body| read_value::<Farewell>(&body, "", &mut Vec::new()).unwrap();
        assert!(!read(json!({})).gives_up_credit);
        assert!(read(json!({"gives_up_credit": true})).gives_up_credit);
        let flaws = flaws_of::<Farewell>(&json!({"gives_up_credit": "yes"}));
        assert_eq!(flaws, [("/gives_up_credit".to_owned(), "wrong_type")]);
    }
}
