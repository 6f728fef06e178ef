//! What the staff's index knows of an order.
//!
//! It is found by names, addresses of mail, numbers and goods; shown is what the table says of it
//! now. Beside its id nothing of an order is kept in the index to be read.

use domain::address::Address;
use domain::order::Order;
use search::{Entry, Language, Price, Tag, Texts};

/// Names and numbers have no language, and no endings to be taken away.
pub(crate) const PLAIN: Language = Language::Other;

/// What can be filtered by.
pub(crate) mod facet {
    pub(crate) const STATUS: &str = "status";
    pub(crate) const PAYMENT: &str = "payment_status";
    pub(crate) const FULFILLMENT: &str = "fulfillment_status";
    pub(crate) const RETURN: &str = "return_status";
    pub(crate) const CUSTOMER: &str = "customer";
}

/// The order as it is indexed.
pub(crate) fn entry(order: &Order) -> Entry {
    let id = order.id.to_string();
    let card = id.clone().into_bytes();
    let customer = order.customer.map(|customer| customer.to_string());
    let mut keys = vec![order.number.clone(), id, order.email.as_str().to_owned()];
    keys.extend(customer.clone());
    let mut tags = tags(order);
    tags.extend(customer.map(|customer| Tag::new(facet::CUSTOMER, customer)));
    Entry {
        id: order.id.ulid(),
        keys,
        texts: vec![texts(order)],
        skus: order.lines.iter().map(|line| line.sku.clone()).collect(),
        tags,
        prices: vec![Price {
            currency: order.currency,
            amount: order.totals.total.amount(),
            from: None,
            until: None,
        }],
        created_at: order.created_at,
        is_available: true,
        card,
    }
}

fn tags(order: &Order) -> Vec<Tag> {
    vec![
        Tag::new(facet::STATUS, order.status.code()),
        Tag::new(facet::PAYMENT, order.payment_status.code()),
        Tag::new(facet::FULFILLMENT, order.fulfillment_status.code()),
        Tag::new(facet::RETURN, order.return_status.code()),
    ]
}

/// People first, then where they live and what names the order, then what they bought.
fn texts(order: &Order) -> Texts {
    let addresses = || order.shipping_address.iter().chain(&order.billing_address);
    let mut people: Vec<&str> = addresses().map(|address| address.name.as_str()).collect();
    people.dedup();
    let place = |address: &Address| {
        let Address { line1, line2, city, postal_code, .. } = address;
        let line2 = line2.as_deref().unwrap_or_default();
        format!("{line1} {line2} {postal_code} {city}")
    };
    let mut names = vec![order.number.clone(), order.email.as_str().to_owned()];
    names.extend(addresses().map(place));
    names.extend(order.lines.iter().map(|line| line.sku.as_str().to_owned()));
    let goods = order.lines.iter().map(|line| format!("{} {}", line.title, line.variant_title));
    Texts {
        language: PLAIN,
        title: people.join(" "),
        names: names.join(" "),
        text: goods.collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{CustomerId, Ulid};
    use serde_json::json;

    use super::*;

    fn order() -> Order {
        let euros = |amount| json!({"amount": amount, "currency": "EUR"});
        let address = |name: &str| {
            json!({
                "name": name, "line1": "Lindenstrasse 1", "city": "Berlin", "postal_code": "10969",
                "country": "DE",
            })
        };
        let at = "2026-11-21T09:00:00Z";
        let line = json!({
            "id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "variant": "var_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "product": "prod_01ARZ3NDEKTSV4RRFFQ69G5FAV", "sku": "MUG-BLUE", "title": "Mug",
            "variant_title": "Blue", "kind": "physical", "quantity": 2,
            "unit_price": euros(1000), "discount": euros(0), "tax": euros(0),
            "total": euros(2000),
        });
        let totals = json!({
            "subtotal": euros(2000), "discount": euros(0), "shipping": euros(0), "tax": euros(0),
            "total": euros(2000),
        });
        serde_json::from_value(json!({
            "id": "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "number": "F-1042",
            "cart": "cart_01ARZ3NDEKTSV4RRFFQ69G5FAV", "customer": null,
            "email": "jane@example.org", "currency": "EUR", "lines": [line],
            "shipping_address": address("Jane Roe"), "billing_address": address("Roe Ltd"),
            "shipping": null, "price_mode": "inclusive", "totals": totals, "status": "placed",
            "payment_status": "paid", "fulfillment_status": "unfulfilled",
            "reservation": {"state": "committed", "expires_at": at}, "payment": null,
            "tendering": {"tenders": [], "is_returned": false, "round": 1},
            "captured": euros(2000), "refunded": euros(0), "events": 1, "version": 3,
            "created_at": at, "placed_at": at, "ended_at": null, "updated_at": at,
        }))
        .unwrap()
    }

    #[test]
    fn an_order_is_found_by_who_bought_what_and_kept_by_its_id_alone() {
        let mut order = order();
        let entry = entry(&order);
        assert_eq!(entry.keys, ["F-1042", "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "jane@example.org"]);
        assert_eq!(entry.texts[0].title, "Jane Roe Roe Ltd");
        let names = "F-1042 jane@example.org Lindenstrasse 1  10969 Berlin Lindenstrasse 1  10969 \
                     Berlin MUG-BLUE";
        assert_eq!(entry.texts[0].names, names);
        assert_eq!(entry.texts[0].text, "Mug Blue");
        assert_eq!(entry.card, order.id.to_string().into_bytes());
        assert_eq!(entry.tags.len(), 4);
        let customer = CustomerId::from_ulid(Ulid(7));
        order.customer = Some(customer);
        let entry = super::entry(&order);
        assert_eq!(entry.keys.last(), Some(&customer.to_string()));
        assert!(entry.tags.contains(&Tag::new(facet::CUSTOMER, customer.to_string())));
    }
}
