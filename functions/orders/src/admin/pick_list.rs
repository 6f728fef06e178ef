//! `POST /v1/admin/pick_lists`: what is fetched from the shelves for up to fifty orders, as a PDF;
//! with `packing_slips`, the slips of all of them follow in the same file.

use std::collections::BTreeSet;

use api::form::{ListOf, YesOrNo, order_id};
use api::reply::File;
use api::{Body, Fields, Form, Reply, Staff};
use domain::id::OrderId;
use domain::invoice::locale_of;
use domain::paper::picking::{self, ORDERS_MAX};
use domain::permission::grant;
use runtime::Call;

use crate::{App, papers};

/// For which orders.
#[derive(Debug)]
pub struct Wanted {
    orders: Vec<OrderId>,
    has_slips: bool,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let some = ListOf::some_up_to(ORDERS_MAX, order_id(), "Name at least one order.");
        let orders = fields.required("order_ids", some);
        let has_slips = fields.optional("packing_slips", YesOrNo);
        let is_twice = |ids: &Vec<OrderId>| ids.iter().collect::<BTreeSet<_>>().len() < ids.len();
        if orders.as_ref().is_some_and(is_twice) {
            fields.flaw("order_ids", "duplicate", "One of the orders is there twice.");
        }
        Some(Self { orders: orders?, has_slips: has_slips?.unwrap_or(false) })
    }
}

/// Makes the list. Orders that nothing is to be fetched for (unpaid, held, called off, sent) are
/// left out of it.
pub async fn handle(app: &App, call: Call<Staff<grant::OrdersRead>, Body<Wanted>>) -> Reply<File> {
    let Body(Wanted { orders, has_slips }) = &call.input;
    let mut orders = papers::orders(app, orders).await?;
    let idle = picking::idle(&orders);
    orders.retain(|order| !idle.contains(&order.number));
    let shop = app.store.shop().await?.value;
    let locations = app.store.locations(call.now).await?;
    let locale = &shop.default_locale;
    let list = picking::pick_list(&orders, &locations.all, &shop, locale, call.now);
    let mut sheets = vec![list];
    if *has_slips {
        let slip = |order| picking::packing_slip(order, &shop, &locale_of(order, &shop), call.now);
        sheets.extend(orders.iter().map(slip));
    }
    Ok(File {
        name: "pick-list.pdf".to_owned(),
        media_type: documents::MEDIA_TYPE,
        bytes: documents::pdf(&sheets)?,
    })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_for_one_to_fifty_orders_each_once() {
        let id = |at: usize| format!("ord_01ARZ3NDEKTSV4RRFFQ69G5{at:03}");
        let ids = |count: usize| (0..count).map(id).collect::<Vec<_>>();
        assert_eq!(flaws_of::<Wanted>(&json!({"order_ids": ids(50)})), []);
        let flaws = |ids: Vec<String>| flaws_of::<Wanted>(&json!({"order_ids": ids}));
        assert_eq!(flaws(ids(51)), [("/order_ids".to_owned(), "too_many")]);
        assert_eq!(flaws(Vec::new()), [("/order_ids".to_owned(), "required")]);
        assert_eq!(flaws(vec![id(1), id(1)]), [("/order_ids".to_owned(), "duplicate")]);
    }
}
