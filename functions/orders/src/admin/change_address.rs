//! `PUT /v1/admin/orders/{id}/shipping_address`: sends what has not left to another address, for
//! which the same prices and taxes hold. The audit log learns that it was done, not from where to
//! where.

use api::form::{Nested, OrderPath, Text};
use api::view::order_desk::OrderFileView;
use api::{Body, Fields, Form, IfMatch, Path, Problem, Reply, Staff, Versioned};
use domain::address::Address;
use domain::order::Order;
use domain::permission::grant;
use domain::refund::REASON_CHARS_MAX;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;
use store::refund::Move;

use crate::App;
use crate::desk::{RACES_MAX, load, note};

/// Where to, and why.
#[derive(Debug)]
pub struct Elsewhere {
    address: Address,
    reason: String,
}

impl Form for Elsewhere {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let address = fields.required("address", Nested::form());
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        Some(Self { address: address?, reason: reason? })
    }
}

type Given = (Path<OrderPath>, (IfMatch, Body<Elsewhere>));

/// Sends an order elsewhere.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Given>,
) -> Reply<Versioned<OrderFileView>> {
    let (Path(OrderPath { id }), (seen, Body(Elsewhere { address, reason }))) = &call.input;
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        // Whoever was overtaken has not seen what stands there now.
        seen.check(file.order.version)?;
        let settings = app.store.replacement_facts(&[], call.now).await?.settings;
        let with = (&settings.shipping, &settings.tax);
        let order = file.order.clone().send_to(address.clone(), &file.parcels, with, call.now)?;
        let states = (Value::Null, json!({"is_sent_elsewhere": true, "reason": reason}));
        let events = [note(app, &call, "order.change_address", id, &states)?];
        let version = order.version + 1;
        let step = Move {
            before: &file.order,
            order: &order,
            payment: None,
            refund: None,
            entry: None,
            events: &events,
            remembered: None,
        };
        if app.store.move_money(&step).await? == Saved::Yes {
            let view = OrderFileView::of(Order { version, ..order }, &file.payments, &file.refunds);
            return Ok(Versioned(view, version));
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn an_order_is_sent_to_a_whole_address_and_for_a_reason() {
        let address = json!({"name": "Jane Roe", "line1": "Lindenstrasse 1", "city": "Berlin",
            "postal_code": "10969", "country": "DE"});
        assert_eq!(flaws_of::<Elsewhere>(&json!({"address": address, "reason": "Misspelt"})), []);
        let wrong = flaws_of::<Elsewhere>(&json!({"address": {"name": "Jane Roe"}}));
        assert!(wrong.contains(&("/reason".to_owned(), "required")), "{wrong:?}");
        assert!(wrong.contains(&("/address/line1".to_owned(), "required")), "{wrong:?}");
    }
}
