//! Sending an order to another address than it was placed with: a street that was misspelt, a
//! neighbour who takes the parcel.
//!
//! What was agreed on for the way and for the taxes stays as it is, so the new address has to be
//! one for which the same holds: of the same country and region, the same zone of shipping and the
//! same taxes. Who moves further buys anew. What is packed is unpacked first: labels name
//! addresses.

use jiff::Timestamp;

use crate::address::Address;
use crate::fulfillment::Fulfillment;
use crate::order::{Order, Status};
use crate::shipping::ShippingTable;
use crate::tax::TaxTable;

/// Why an order is not sent elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The order is not placed, or it is over.
    NotPlaced {
        /// Where it stands.
        status: Status,
    },
    /// Nothing of it is sent to an address: it is downloaded, or fetched.
    NotSent,
    /// All of it has left, or was called off.
    AllSent,
    /// A parcel of it is open or packed: that is called off first.
    HasParcels,
    /// Another price, or another tax, would hold there.
    OtherTerms,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPlaced { .. } => "order_not_placed",
            Self::NotSent => "shipping_not_needed",
            Self::AllSent => "already_fulfilled",
            Self::HasParcels => "has_parcels",
            Self::OtherTerms => "address_changes_price",
        }
    }
}

impl Order {
    /// Sends what has not left to another address.
    pub fn send_to(
        mut self,
        address: Address,
        parcels: &[Fulfillment],
        (shipping, tax): (&ShippingTable, &TaxTable),
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        match self.status {
            Status::Placed | Status::OnHold => {}
            status @ (Status::PendingPayment
            | Status::Completed
            | Status::Canceled
            | Status::Expired) => return Err(Refusal::NotPlaced { status }),
        }
        let is_fetched = self.shipping.as_ref().is_some_and(|way| way.pickup_point.is_some());
        let Some(before) = self.shipping_address.as_ref().filter(|_| !is_fetched) else {
            return Err(Refusal::NotSent);
        };
        if self.unshipped_units().is_empty() {
            return Err(Refusal::AllSent);
        }
        if parcels.iter().any(|parcel| parcel.status.is_here()) {
            return Err(Refusal::HasParcels);
        }
        let (from, to) = (before.destination(), address.destination());
        let zone = |at| shipping.zone(at).map(|zone| &zone.id);
        let is_alike = before.country == address.country
            && before.region == address.region
            && zone(&from) == zone(&to)
            && tax.region_for(&from) == tax.region_for(&to);
        if !is_alike {
            return Err(Refusal::OtherTerms);
        }
        self.shipping_address = Some(address);
        self.updated_at = now;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::line_cancel::tests::{now, parcel, placed};
    use crate::tax::tests::sample;

    fn address(changes: &Value) -> Address {
        let mut address = json!({
            "name": "Jane Roe", "line1": "Lindenstrasse 1", "city": "Berlin",
            "postal_code": "10969", "country": "DE",
        });
        for (name, value) in changes.as_object().unwrap() {
            address[name] = value.clone();
        }
        serde_json::from_value(address).unwrap()
    }

    fn sent() -> Order {
        let (order, _) = placed(&[(2, 2_000)], 0);
        Order { shipping_address: Some(address(&json!({}))), ..order }
    }

    fn sent_to(order: &Order, changes: &Value, parcels: &[Fulfillment]) -> Result<Order, Refusal> {
        let with = (&ShippingTable::default(), &sample());
        order.clone().send_to(address(changes), parcels, with, now())
    }

    #[test]
    fn another_street_is_another_street_and_nothing_else() {
        let order = sent();
        let after = sent_to(&order, &json!({"line1": "Lindenstrasse 2"}), &[]).unwrap();
        let expected = address(&json!({"line1": "Lindenstrasse 2"}));
        assert_eq!(after.shipping_address, Some(expected));
        let updated_at = after.updated_at;
        let shipping_address = after.shipping_address.clone();
        assert_eq!(after, Order { shipping_address, updated_at, ..order });
    }

    #[test]
    fn where_another_price_or_tax_would_hold_nothing_is_sent() {
        let order = sent();
        let refused = |changes: Value| sent_to(&order, &changes, &[]).unwrap_err();
        assert_eq!(refused(json!({"country": "FR", "postal_code": "75001"})), Refusal::OtherTerms);
        // Büsingen lies in Germany and is taxed by nobody.
        assert_eq!(refused(json!({"postal_code": "78266"})), Refusal::OtherTerms);
    }

    #[test]
    fn what_is_packed_sent_fetched_or_over_stays_as_it_is() {
        let order = sent();
        let elsewhere = json!({"line1": "Lindenstrasse 2"});
        let packed = [parcel(&order, 1, 1)];
        assert_eq!(sent_to(&order, &elsewhere, &packed), Err(Refusal::HasParcels));
        let mut left = order.clone();
        left.lines.iter_mut().for_each(|line| line.fulfilled = line.quantity);
        assert_eq!(sent_to(&left, &elsewhere, &[]), Err(Refusal::AllSent));
        let nowhere = Order { shipping_address: None, ..order.clone() };
        assert_eq!(sent_to(&nowhere, &elsewhere, &[]), Err(Refusal::NotSent));
        for status in [Status::PendingPayment, Status::Completed, Status::Canceled] {
            let over = Order { status, ..order.clone() };
            assert_eq!(sent_to(&over, &elsewhere, &[]), Err(Refusal::NotPlaced { status }));
        }
    }
}
