//! 9: the audit log is a whole chain, and what somebody of the staff did stands in it.

use std::collections::{BTreeMap, BTreeSet};

use domain::audit::{Actor, Link, verify};
use domain::id::{RefundId, ReturnId};
use domain::order::Cause;
use domain::refund::{Origin, Refund};
use domain::returns::{Resolution, Return};

use super::Facts;

/// What was done by whom to what: its action, and the id of its object.
type Deed = (String, String, String);

/// What the facts say that staff did is in the log as often as they say it; what they do not know
/// any more, such as an earlier hold, is not asked for.
pub(super) fn audit(facts: &Facts, broken: &mut Vec<String>) {
    let mut links: Vec<&Link> = facts.audit.iter().collect();
    links.sort_by_key(|link| link.sequence);
    if let Err(flaw) = verify(links.iter().copied()) {
        broken.push(flaw.to_string());
    }
    let (mut ids, mut written) = (BTreeSet::new(), BTreeMap::<Deed, usize>::new());
    for link in links {
        let entry = &link.entry;
        if !ids.insert(entry.id) {
            broken.push(format!("{}: twice in the audit log", entry.id));
        }
        let object = entry.object.clone().unwrap_or_default();
        *written.entry((entry.action.clone(), object, entry.actor.to_string())).or_default() += 1;
    }
    let opened = |id: &str| {
        written.keys().any(|(action, object, _)| action == "fulfillment.create" && object == id)
    };
    for parcel in facts.parcels.iter().filter(|parcel| !parcel.lines.is_empty()) {
        if !opened(&parcel.id.to_string()) {
            broken.push(format!("{}: the audit log does not know who opened it", parcel.id));
        }
    }
    for ((action, object, actor), times) in deeds(facts) {
        let deed = (action, object, actor);
        let there = written.get(&deed).copied().unwrap_or(0);
        if there < times {
            let (action, object, actor) = deed;
            broken.push(format!(
                "{object}: {actor} did {action} {times} times, {there} are in the audit log"
            ));
        }
    }
}

/// What the facts say that members of the staff and keys did, and how often.
fn deeds(facts: &Facts) -> BTreeMap<Deed, usize> {
    let mut deeds = BTreeMap::new();
    let mut did = |action: &str, object: String, by: Actor| {
        if matches!(by, Actor::Staff(_) | Actor::Key(_)) {
            *deeds.entry((action.to_owned(), object, by.to_string())).or_default() += 1;
        }
    };
    for order in &facts.orders {
        if let Some(hold) = order.hold.as_ref().filter(|hold| hold.cause == Cause::Staff) {
            did("order.hold", order.id.to_string(), hold.by);
        }
        if let Some(hold) = order.hold.as_ref().filter(|hold| hold.cause == Cause::CallingOff) {
            did("order.begin_cancel", order.id.to_string(), hold.by);
        }
        // What an edit takes off is noted with the edit.
        for off in order.cancellations.iter().filter(|off| off.edit.is_none()) {
            did("order.cancel_lines", order.id.to_string(), off.by);
        }
    }
    for refund in &facts.paid_back {
        let (order, by) = (refund.order.to_string(), refund.by);
        match refund.origin {
            Origin::Staff => match facts.returns.iter().find_map(|one| settled_by(one, refund)) {
                Some((action, id)) => did(action, id.to_string(), by),
                None => did("order.refund", order, by),
            },
            Origin::Cancellation if !is_of_units(facts, refund.id) => {
                did("order.cancel", order, by);
            }
            Origin::Cancellation
            | Origin::LatePayment
            | Origin::FraudWarning
            | Origin::Provider
            | Origin::Exchange => {}
        }
    }
    for payment in &facts.payments {
        if let Some(asked) = &payment.capture_asked {
            did("order.capture", payment.order.to_string(), asked.by);
        }
    }
    deeds
}

/// What settles a return by this refund is noted with the return.
fn settled_by(one: &Return, by: &Refund) -> Option<(&'static str, ReturnId)> {
    match one.resolution.as_ref()? {
        Resolution::Refund { refund, .. } if *refund == by.id => Some(("return.refund", one.id)),
        Resolution::StoreCredit { refund, .. } if *refund == by.id => {
            Some(("return.credit", one.id))
        }
        Resolution::Exchange { refund, .. } if *refund == by.id => {
            Some(("return.exchange", one.id))
        }
        Resolution::Refund { .. }
        | Resolution::StoreCredit { .. }
        | Resolution::Exchange { .. }
        | Resolution::None { .. } => None,
    }
}

/// Whether units were called off with it, and not the whole order.
fn is_of_units(facts: &Facts, refund: RefundId) -> bool {
    let mut offs = facts.orders.iter().flat_map(|order| &order.cancellations);
    offs.any(|off| off.refund == Some(refund))
}

#[cfg(test)]
mod tests {
    use domain::audit::Entry;
    use domain::currency::Currency;
    use domain::id::{AuditId, OrderId, StaffId, Ulid};
    use domain::money::Money;
    use domain::refund::Status;
    use jiff::Timestamp;

    use super::*;

    fn ulid(number: u128) -> Ulid {
        Ulid::from_parts(1, number)
    }

    fn clerk() -> Actor {
        Actor::Staff(StaffId::from_ulid(ulid(1)))
    }

    /// The log of a shop in which this was done to one order, in this order.
    fn log(actions: &[&str]) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for (number, action) in (1_u128..).zip(actions) {
            let entry = Entry {
                id: AuditId::from_ulid(ulid(number)),
                at: Timestamp::UNIX_EPOCH,
                actor: clerk(),
                action: (*action).to_owned(),
                object: Some(OrderId::from_ulid(ulid(7)).to_string()),
                network: None,
                request_id: None,
                changes: Vec::new(),
            };
            links.push(Link::next(links.last(), entry));
        }
        links
    }

    fn refund(number: u128, origin: Origin, by: Actor) -> Refund {
        Refund {
            id: RefundId::from_ulid(ulid(number)),
            order: OrderId::from_ulid(ulid(7)),
            payment: None,
            status: Status::Succeeded,
            origin,
            parts: Vec::new(),
            tenders: Vec::new(),
            money: Money::new(500, Currency::EUR),
            credit: None,
            exchanged: None,
            carry: 0,
            reason: None,
            by,
            attempt: 1,
            asked_at: None,
            provider_ref: None,
            former_refs: Vec::new(),
            failure: None,
            succeeded_at: None,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn asked(audit_log: Vec<Link>, paid_back: Vec<Refund>) -> Vec<String> {
        let facts = Facts { audit: audit_log, paid_back, ..Facts::default() };
        let mut broken = Vec::new();
        audit(&facts, &mut broken);
        broken
    }

    #[test]
    fn each_refund_of_the_staff_has_an_entry_of_its_own() {
        let refunds = |times| (0..times).map(|at| refund(at, Origin::Staff, clerk())).collect();
        assert!(asked(log(&["order.refund", "order.refund"]), refunds(2)).is_empty());
        let broken = asked(log(&["order.refund", "order.cancel"]), refunds(2));
        assert!(broken.len() == 1 && broken[0].contains("order.refund 2 times"), "{broken:?}");
        let cancellation = vec![refund(1, Origin::Cancellation, clerk())];
        assert!(asked(log(&["order.cancel"]), cancellation.clone()).is_empty());
        assert_eq!(asked(log(&["order.refund"]), cancellation).len(), 1);
    }

    #[test]
    fn what_the_shop_does_by_itself_needs_no_entry() {
        let by = Actor::System;
        let refunds = [Origin::Staff, Origin::Cancellation, Origin::LatePayment];
        let refunds = refunds.map(|origin| refund(1, origin, by)).to_vec();
        assert!(asked(Vec::new(), refunds).is_empty());
    }

    #[test]
    fn a_log_that_lacks_a_link_is_broken_in_whatever_order_it_was_read() {
        let mut links = log(&["order.hold", "order.release", "order.hold"]);
        links.reverse();
        assert!(asked(links.clone(), Vec::new()).is_empty());
        links.remove(1);
        assert_eq!(asked(links, Vec::new()), ["link 2 of the audit log is missing"]);
    }
}
