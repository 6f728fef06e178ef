//! Returns: whatever is asked for and received in whatever order, no unit comes back twice, and
//! what comes back is worth what it cost.

use expect_test::expect_file;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::currency::Currency;
use crate::fulfillment::Line;
use crate::id::{CustomerId, FulfillmentId, StaffId, Ulid};
use crate::order::tests::matrix;
use crate::stock::FIRST_LOCATION;

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn later(hours: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_hours(hours)).unwrap()
}

pub(super) fn ulid(number: u128) -> Ulid {
    Ulid::from_parts(1, number)
}

pub(super) fn line_id(number: usize) -> OrderLineId {
    OrderLineId::from_ulid(ulid(number as u128 + 1))
}

/// A paid order of these lines (units, total), all of which went out and arrived; behind them a
/// digital line.
pub(super) fn order(lines: &[(u32, i64)]) -> Order {
    let eur = |amount: i64| json!({"amount": amount, "currency": "EUR"});
    let line = |at: usize, quantity: u32, total: i64, kind: &str| {
        json!({
            "id": line_id(at), "variant": format!("var_{}", ulid(1)),
            "product": format!("prod_{}", ulid(1)), "sku": format!("GOOD-{at}"), "title": "Good",
            "variant_title": "", "kind": kind, "quantity": quantity, "unit_price": eur(100),
            "discount": eur(0), "tax": eur(0), "total": eur(total),
            "fulfilled": quantity, "delivered": quantity,
        })
    };
    let mut all: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(at, (units, total))| line(at, *units, *total, "physical"))
        .collect();
    all.push(line(99, 1, 0, "digital"));
    let total: i64 = lines.iter().map(|(_, total)| total).sum();
    let order = json!({
        "id": OrderId::from_ulid(ulid(1)), "number": "N", "cart": format!("cart_{}", ulid(1)),
        "customer": null, "email": "jane@example.org", "currency": "EUR", "lines": all,
        "shipping_address": null, "billing_address": null, "shipping": null,
        "price_mode": "inclusive",
        "totals": {"subtotal": eur(0), "discount": eur(0), "shipping": eur(0), "tax": eur(0),
            "total": eur(total)},
        "status": "placed", "payment_status": "paid", "fulfillment_status": "delivered",
        "reservation": {"state": "consumed", "expires_at": now()}, "payment": null,
        "captured": eur(total), "refunded": eur(0), "events": 1, "version": 1,
        "created_at": now(), "placed_at": now(), "ended_at": null, "updated_at": now(),
    });
    serde_json::from_value(order).unwrap()
}

/// A parcel with so many units of the first line.
fn parcel(status: fulfillment::Status, units: u32, delivered: Option<Timestamp>) -> Fulfillment {
    let parcel = json!({
        "id": FulfillmentId::from_ulid(ulid(1)), "order": OrderId::from_ulid(ulid(1)),
        "order_number": "N", "location": FIRST_LOCATION, "status": status,
        "lines": [Line { line: line_id(0), sku: Sku::parse("GOOD-0").unwrap(), quantity: units }],
        "version": 1, "created_at": now(), "packed_at": null, "shipped_at": now(),
        "delivered_at": delivered, "ended_at": null, "updated_at": now(),
    });
    serde_json::from_value(parcel).unwrap()
}

const BUYER: Asker = Asker::Buyer { days: 14 };

fn clerk() -> Actor {
    Actor::Staff(StaffId::from_ulid(ulid(1)))
}

fn wanted(line: usize, quantity: u32) -> Wanted {
    Wanted { line: line_id(line), quantity, reason: Reason::DoesNotFit, note: None }
}

fn fresh(number: u128, now: Timestamp) -> Fresh {
    let by = Actor::Customer(CustomerId::from_ulid(ulid(1)));
    Fresh { id: ReturnId::from_ulid(ulid(number)), by, now }
}

fn approval(at: Timestamp) -> Approval {
    Approval { instructions: None, label_url: None, address: None, by: clerk(), at }
}

fn found(line: usize, quantity: u32, reception: Reception) -> Found {
    let disposition = reception.came().then_some(Disposition::Restock);
    Found { line: line_id(line), quantity, reception, disposition }
}

fn requested(order: &Order, units: u32) -> Step {
    request(order, &[], &[], &[wanted(0, units)], BUYER, fresh(1, now())).unwrap()
}

fn approved(order: &Order, units: u32) -> Step {
    let Step { order, returned, .. } = requested(order, units);
    returned.approve(&order, &[], approval(now())).unwrap()
}

fn looked(step: Step, found: &[Found]) -> Result<Step, Refusal> {
    let Step { order, returned, .. } = step;
    returned.receive(&order, &[], (FIRST_LOCATION, found), clerk(), now())
}

#[test]
fn the_transition_matrix() {
    expect_file!["matrix.txt"].assert_eq(&matrix(&Status::ALL, Status::may_become));
}

#[test]
fn a_return_goes_its_way_and_the_order_says_how_far() {
    let order = order(&[(3, 900)]);
    let step = requested(&order, 2);
    assert_eq!(step.order.return_status, ReturnStatus::Requested);
    let step = step.returned.approve(&step.order, &[], approval(now())).unwrap();
    assert_eq!(step.order.return_status, ReturnStatus::InProgress);
    assert_eq!(step.returned.expires_at, Some(later(30 * 24)));
    let sent = step.returned.send(&step.order, &[], Carriage::default(), now()).unwrap();
    let step = looked(sent, &[found(0, 1, Reception::Received)]).unwrap();
    assert_eq!(step.returned.status, Status::PartiallyReceived);
    assert_eq!(step.arrivals.len(), 1);
    let step = looked(step, &[found(0, 1, Reception::Damaged)]).unwrap();
    assert_eq!((step.returned.status, step.order.lines[0].returned), (Status::Received, 2));
    let nothing = Resolution::None { reason: "Worn".to_owned() };
    let step = step.returned.resolve(&step.order, &[], nothing, now()).unwrap();
    assert_eq!(step.order.return_status, ReturnStatus::PartiallyReturned);
    assert_eq!(step.order.reservation.state, State::Consumed, "one unit is still out");
}

#[test]
fn when_all_is_back_the_stock_says_so() {
    for (disposition, state) in
        [(Disposition::Restock, State::Restocked), (Disposition::WriteOff, State::WrittenOff)]
    {
        let found = Found { disposition: Some(disposition), ..found(0, 2, Reception::Received) };
        let step = looked(approved(&order(&[(2, 500)]), 2), &[found]).unwrap();
        let nothing = Resolution::None { reason: "A gift".to_owned() };
        let step = step.returned.resolve(&step.order, &[], nothing, now()).unwrap();
        assert_eq!(step.order.return_status, ReturnStatus::Returned);
        assert_eq!(step.order.reservation.state, state);
    }
}

#[test]
fn an_order_that_was_completed_is_open_again() {
    let mut order = order(&[(1, 100)]);
    order.status = order::Status::Completed;
    let step = request(&order, &[], &[], &[wanted(0, 1)], Asker::Staff, fresh(1, now())).unwrap();
    assert_eq!((step.order.status, step.reopens), (order::Status::Placed, true));
    assert_eq!(step.order.reopened_at, Some(now()), "it has the whole time once more");
}

#[test]
fn what_may_not_come_back_is_refused_for_its_reason() {
    let order = order(&[(2, 500)]);
    let ask = |order: &Order, wanted: &[Wanted], now| {
        request(order, &[], &[], wanted, BUYER, fresh(1, now)).map(|step| step.returned.status)
    };
    assert_eq!(ask(&order, &[], now()), Err(Refusal::Empty));
    assert_eq!(ask(&order, &[wanted(0, 1), wanted(0, 1)], now()), Err(Refusal::Twice(1)));
    assert_eq!(ask(&order, &[wanted(7, 1)], now()), Err(Refusal::UnknownLine(0)));
    assert_eq!(ask(&order, &[wanted(99, 1)], now()), Err(Refusal::Digital(0)));
    let many = Refusal::TooManyUnits { line: line_id(0), left: 2 };
    assert_eq!(ask(&order, &[wanted(0, 3)], now()), Err(many));
    let late = Refusal::WindowOver { line: line_id(0), until: later(14 * 24) };
    assert_eq!(ask(&order, &[wanted(0, 1)], later(14 * 24 + 1)), Err(late));
    assert_eq!(ask(&order, &[wanted(0, 1)], later(14 * 24)), Ok(Status::Requested));
    let by_staff =
        request(&order, &[], &[], &[wanted(0, 1)], Asker::Staff, fresh(1, later(90 * 24)));
    assert!(by_staff.is_ok(), "staff know better");
    let unpaid = Order { status: order::Status::PendingPayment, ..order };
    let status = order::Status::PendingPayment;
    assert_eq!(ask(&unpaid, &[wanted(0, 1)], now()), Err(Refusal::OrderNotPlaced { status }));
}

#[test]
fn the_time_runs_from_the_last_parcel_with_the_line() {
    let order = order(&[(3, 500)]);
    let early = parcel(fulfillment::Status::Delivered, 1, Some(later(24)));
    let late = parcel(fulfillment::Status::Delivered, 2, Some(later(72)));
    let shipped = parcel(fulfillment::Status::Shipped, 1, None);
    let end = |parcels: &[Fulfillment]| window_end(&order, line_id(0), parcels, 1);
    assert_eq!(end(&[early.clone(), late]), later(96));
    assert_eq!(end(&[shipped]), later(24), "nobody heard that it arrived");
    assert_eq!(end(&[]), later(24), "an order from before there were parcels");
    assert_eq!(window_end(&order, line_id(0), &[early], u16::MAX).as_second(), {
        later(24 + 24 * i64::from(u16::MAX)).as_second()
    });
}

#[test]
fn a_buyer_does_not_send_back_what_never_came() {
    let order = order(&[(3, 500)]);
    let lost = [parcel(fulfillment::Status::Lost, 2, None)];
    let left = |asker| returnable(&order.lines[0], &lost, &[], asker);
    assert_eq!((left(BUYER), left(Asker::Staff)), (1, 3));
}

#[test]
fn what_did_not_come_may_be_asked_for_again() {
    let step = approved(&order(&[(2, 500)]), 2);
    let found = [found(0, 1, Reception::Short), found(0, 1, Reception::WrongItem)];
    let Step { order, returned, arrivals, .. } = looked(step, &found).unwrap();
    assert_eq!((returned.status, arrivals.len()), (Status::Received, 0));
    assert_eq!(order.lines[0].returned, 0);
    assert_eq!(returnable(&order.lines[0], &[], &[returned], BUYER), 2);
}

#[test]
fn a_look_says_what_becomes_of_what_came_and_of_nothing_else() {
    let look = |found: Found| looked(approved(&order(&[(2, 500)]), 2), &[found]).map(|_| ());
    let came = found(0, 1, Reception::Damaged);
    assert_eq!(look(Found { disposition: None, ..came }), Err(Refusal::DispositionMissing(0)));
    let short = Found { reception: Reception::Short, ..came };
    assert_eq!(look(short), Err(Refusal::NothingCame(0)));
    let awaiting = 2;
    let many = Refusal::NotAwaited { line: line_id(0), awaiting };
    assert_eq!(look(found(0, 3, Reception::Received)), Err(many));
    assert_eq!(look(found(5, 1, Reception::Received)), Err(Refusal::UnknownLine(0)));
}

#[test]
fn what_is_awaited_ends_when_its_time_is_over_and_not_before() {
    let Step { order, returned, .. } = approved(&order(&[(1, 100)]), 1);
    let until = later(30 * 24);
    let early = returned.clone().expire(&order, &[], later(1));
    assert_eq!(early, Err(Refusal::NotOver { until }));
    let step = returned.expire(&order, &[], until).unwrap();
    assert_eq!(step.order.return_status, ReturnStatus::None);
    assert_eq!(returnable(&order.lines[0], &[], &[step.returned], BUYER), 1);
}

#[test]
fn only_what_came_back_is_refunded() {
    let step = looked(
        approved(&order(&[(3, 1000)]), 3),
        &[found(0, 2, Reception::Received), found(0, 1, Reception::Short)],
    );
    let Step { order, returned, .. } = step.unwrap();
    let wanted = returned.refund(None, None).unwrap();
    assert_eq!(wanted.lines, [(line_id(0), 2)]);
    let three = returned.refund(Some(&[(line_id(0), 3)]), None);
    assert_eq!(three, Err(Refusal::NotBack { line: line_id(0), came_back: 2 }));
    let plan = order.plan_refund(&wanted).unwrap();
    assert_eq!(plan.amount, Money::new(667, Currency::EUR), "the first units get the odd cent");
    let open = requested(&order, 1).returned.refund(None, None);
    assert!(matches!(open, Err(Refusal::InvalidTransition { .. })));
}

#[test]
fn no_debug_says_what_people_write() {
    let note = Some("My name is Jane".to_owned());
    let wanted = Wanted { note, ..wanted(0, 1) };
    let step = request(
        &order(&[(1, 100)]),
        &[],
        &[],
        std::slice::from_ref(&wanted),
        BUYER,
        fresh(1, now()),
    );
    let text = format!("{wanted:?} {step:?}");
    assert!(!text.contains("Jane"), "{text}");
}

#[derive(Debug, Clone)]
enum Deed {
    Ask(usize, u32),
    Approve(usize),
    Reject(usize),
    Cancel(usize),
    Send(usize),
    Look(usize, usize, u32, Reception),
    Resolve(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let reception = prop_oneof![
        Just(Reception::Received),
        Just(Reception::Damaged),
        Just(Reception::WrongItem),
        Just(Reception::Short),
    ];
    prop_oneof![
        3 => (0..2usize, 1..4u32).prop_map(|(line, units)| Deed::Ask(line, units)),
        3 => (0..5usize).prop_map(Deed::Approve),
        1 => (0..5usize).prop_map(Deed::Reject),
        1 => (0..5usize).prop_map(Deed::Cancel),
        1 => (0..5usize).prop_map(Deed::Send),
        4 => (0..5usize, 0..2usize, 1..4u32, reception)
            .prop_map(|(at, line, units, what)| Deed::Look(at, line, units, what)),
        2 => (0..5usize).prop_map(Deed::Resolve),
    ]
}

/// What a deed makes of an order and its returns; none where it is refused.
fn done(order: &Order, returns: &[Return], deed: &Deed) -> Option<(Step, i64)> {
    let of = |at: &usize| returns.get(*at).cloned();
    let step = match deed {
        Deed::Ask(line, units) => {
            let fresh = fresh(returns.len() as u128 + 1, now());
            request(order, &[], returns, &[wanted(*line, *units)], BUYER, fresh)
        }
        Deed::Approve(at) => of(at)?.approve(order, returns, approval(now())),
        Deed::Reject(at) => of(at)?.reject(order, returns, "No".to_owned(), now()),
        Deed::Cancel(at) => of(at)?.cancel(order, returns, now()),
        Deed::Send(at) => of(at)?.send(order, returns, Carriage::default(), now()),
        Deed::Look(at, line, units, what) => {
            let found = [found(*line, *units, *what)];
            of(at)?.receive(order, returns, (FIRST_LOCATION, &found), clerk(), now())
        }
        Deed::Resolve(at) => {
            let wanted = of(at)?.refund(None, None).ok()?;
            let Ok(plan) = order.plan_refund(&wanted) else {
                let nothing = Resolution::None { reason: "Nothing came".to_owned() };
                let step = of(at)?.resolve(order, returns, nothing, now()).ok()?;
                return Some((step, 0));
            };
            let mut order = order.clone();
            for part in &plan.parts {
                if let refund::Part::Line { line, quantity, amount } = part {
                    let line = order.lines.iter_mut().find(|of| of.id == *line).unwrap();
                    line.refunded.units += quantity;
                    line.refunded.amount += amount.amount();
                }
            }
            let amount = plan.amount;
            order.refunded = Money::new(order.refunded.amount() + amount.amount(), Currency::EUR);
            let refund = RefundId::from_ulid(ulid(1));
            let resolution = Resolution::Refund { refund, amount };
            let step = of(at)?.resolve(&order, returns, resolution, now()).ok()?;
            return Some((step, amount.amount()));
        }
    };
    Some((step.ok()?, 0))
}

proptest! {
    #[test]
    fn no_unit_comes_back_twice_and_none_is_worth_more_than_it_cost(
        units in 1..5u32, total in 1..10_000i64, deeds in prop::collection::vec(deed(), 1..60)
    ) {
        let mut order = order(&[(units, total), (2, 333)]);
        let mut returns: Vec<Return> = Vec::new();
        let mut given = 0;
        for deed in &deeds {
            let Some((step, amount)) = done(&order, &returns, deed) else { continue };
            given += amount;
            order = step.order;
            match returns.iter_mut().find(|one| one.id == step.returned.id) {
                Some(known) => *known = step.returned,
                None => returns.push(step.returned),
            }
            for line in order.lines.iter().filter(|line| line.kind == Kind::Physical) {
                let back: u32 = returns
                    .iter()
                    .flat_map(|one| &one.items)
                    .filter(|item| item.line == line.id)
                    .map(Item::came_back)
                    .sum();
                prop_assert_eq!(back, line.returned);
                prop_assert!(claimed(line.id, &returns) <= line.fulfilled);
                prop_assert!(line.returned <= line.fulfilled);
                prop_assert!(line.refunded.units <= line.returned);
            }
            let is_open = returns.iter().any(|one| one.status.is_open());
            let says = matches!(
                order.return_status, ReturnStatus::Requested | ReturnStatus::InProgress
            );
            prop_assert_eq!(is_open, says);
            prop_assert!(given <= total + 333);
        }
        let all_back = order
            .lines
            .iter()
            .filter(|line| line.kind == Kind::Physical)
            .all(|line| line.refunded.units == line.quantity);
        if all_back {
            prop_assert_eq!(given, total + 333, "all units get exactly what they cost");
        }
    }
}
