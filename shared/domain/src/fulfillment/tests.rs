//! Parcels: whatever is done to them in whatever order, no unit leaves twice and none is lost.

use expect_test::expect_file;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::id::Ulid;
use crate::order::FulfillmentStatus;
use crate::order::tests::matrix;
use crate::stock::{FIRST_LOCATION, Place};

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn ulid(number: u128) -> Ulid {
    Ulid::from_parts(1, number)
}

fn line_id(number: u128) -> OrderLineId {
    OrderLineId::from_ulid(ulid(number))
}

fn location(number: u128) -> LocationId {
    LocationId::from_ulid(ulid(number))
}

fn sku(number: u128) -> Sku {
    Sku::parse(&format!("GOOD-{number}")).unwrap()
}

/// A placed and paid order: a line of each number of units, all of a SKU of their own, at the first
/// location; behind them a digital line.
fn order(quantities: &[u32]) -> Order {
    let eur = |amount: i64| json!({"amount": amount, "currency": "EUR"});
    let line = |number: u128, quantity: u32, kind: &str| {
        json!({
            "id": line_id(number), "variant": format!("var_{}", ulid(1)),
            "product": format!("prod_{}", ulid(1)), "sku": sku(number), "title": "Good",
            "variant_title": "", "kind": kind, "quantity": quantity, "unit_price": eur(100),
            "discount": eur(0), "tax": eur(0), "total": eur(100),
        })
    };
    let mut lines: Vec<_> =
        (1..).zip(quantities).map(|(number, units)| line(number, *units, "physical")).collect();
    lines.push(line(99, 1, "digital"));
    let order = json!({
        "id": OrderId::from_ulid(ulid(1)), "number": "N", "cart": format!("cart_{}", ulid(1)),
        "customer": null, "email": "jane@example.org", "currency": "EUR", "lines": lines,
        "shipping_address": null, "billing_address": null, "shipping": null,
        "price_mode": "inclusive",
        "totals": {"subtotal": eur(0), "discount": eur(0), "shipping": eur(0), "tax": eur(0),
            "total": eur(0)},
        "status": "placed", "payment_status": "paid", "fulfillment_status": "unfulfilled",
        "reservation": {"state": "committed", "expires_at": now()}, "payment": null,
        "captured": eur(0), "refunded": eur(0), "events": 1, "version": 1, "created_at": now(),
        "placed_at": now(), "ended_at": null, "updated_at": now(),
    });
    serde_json::from_value(order).unwrap()
}

fn id(number: u128) -> FulfillmentId {
    FulfillmentId::from_ulid(ulid(number))
}

fn opened(order: &Order, others: &[Fulfillment], wanted: &[(u128, u32)]) -> Result<Step, Refusal> {
    let wanted: Vec<_> = wanted.iter().map(|(line, units)| (line_id(*line), *units)).collect();
    open(order, others, id(others.len() as u128 + 1), None, &wanted, now())
}

fn nothing_said() -> Carriage {
    Carriage::default()
}

fn told(status: Tracking, second: i64) -> Tracked {
    Tracked { status, at: Timestamp::from_second(second).unwrap() }
}

#[test]
fn the_transition_matrix() {
    expect_file!["matrix.txt"].assert_eq(&matrix(&Status::ALL, Status::may_become));
}

/// Every step tried from every state: it goes where the machine has an edge, and nowhere else.
#[test]
fn every_step_of_every_state_is_an_edge_or_is_refused() {
    let order = order(&[2]);
    let mut shipped = order.clone();
    shipped.lines[0].fulfilled = 2;
    let parcel = opened(&order, &[], &[(1, 2)]).unwrap().parcel;
    for from in Status::ALL {
        let parcel = Fulfillment { status: from, ..parcel.clone() };
        let steps = [
            (Status::Packed, parcel.clone().pack(&order, now())),
            (Status::Shipped, parcel.clone().ship(&order, nothing_said(), now())),
            (Status::Delivered, parcel.clone().deliver(&shipped, now())),
            (Status::Canceled, parcel.clone().cancel(&order, now())),
            (Status::Lost, parcel.clone().fail(&shipped, Status::Lost, now())),
            (
                Status::ReturnedToSender,
                parcel.clone().fail(&shipped, Status::ReturnedToSender, now()),
            ),
        ];
        for (to, step) in steps {
            match step {
                Ok(step) => assert!(from.may_become(to) && step.parcel.status == to, "{from:?}"),
                Err(refusal) => {
                    assert!(!from.may_become(to), "{from:?} to {to:?}: {refusal:?}");
                    assert_eq!(refusal, Refusal::InvalidTransition { from, to });
                }
            }
        }
    }
}

#[test]
fn units_leave_the_stock_when_the_parcel_does_and_count_in_the_order() {
    let order = order(&[3, 1]);
    let opened = opened(&order, &[], &[(1, 2)]).unwrap();
    assert!(opened.leaving.is_empty() && opened.parcel.location == FIRST_LOCATION);
    let packed = opened.parcel.pack(&opened.order, now()).unwrap();
    assert!(packed.leaving.is_empty());
    let shipped = packed.parcel.ship(&packed.order, nothing_said(), now()).unwrap();
    let place = Place::at(sku(1), FIRST_LOCATION);
    assert_eq!(shipped.leaving, [Allocation { place, quantity: 2 }]);
    assert_eq!(shipped.order.lines[0].fulfilled, 2);
    assert_eq!(shipped.order.fulfillment_status, FulfillmentStatus::PartiallyFulfilled);
    assert_eq!(shipped.order.reservation.state, State::Committed);
    let arrived = shipped.parcel.deliver(&shipped.order, now()).unwrap();
    assert_eq!(arrived.order.fulfillment_status, FulfillmentStatus::PartiallyDelivered);
    let rest = super::tests::opened(&arrived.order, &[arrived.parcel], &[(1, 1), (2, 1)]).unwrap();
    let rest = rest.parcel.ship(&rest.order, nothing_said(), now()).unwrap();
    assert_eq!(rest.order.reservation.state, State::Consumed);
    assert!(rest.order.allocations().is_empty(), "nothing is held any more");
    assert!(!is_due(&rest.order));
}

#[test]
fn what_is_unpaid_on_hold_or_called_off_does_not_leave() {
    let good = order(&[1]);
    let parcel = opened(&good, &[], &[(1, 1)]).unwrap().parcel;
    for status in order::Status::ALL {
        let order = Order { status, ..good.clone() };
        let is_placed = status == order::Status::Placed;
        assert_eq!(opened(&order, &[], &[(1, 1)]).is_ok(), is_placed, "{status:?}");
        let left = parcel.clone().ship(&order, nothing_said(), now());
        assert_eq!(left.is_ok(), is_placed, "{status:?}");
    }
    for payment_status in PaymentStatus::ALL {
        let order = Order { payment_status, ..good.clone() };
        let is_paid = matches!(
            payment_status,
            PaymentStatus::NotRequired
                | PaymentStatus::Paid
                | PaymentStatus::Overpaid
                | PaymentStatus::Authorized
                | PaymentStatus::PartiallyRefunded
        );
        let left = parcel.clone().ship(&order, nothing_said(), now());
        assert_eq!(left.is_ok(), is_paid, "{payment_status:?}");
        assert_eq!(is_due(&order), is_paid, "{payment_status:?}");
    }
    // Called off since it was packed.
    let mut fewer = good;
    fewer.lines[0].canceled = 1;
    let left = parcel.ship(&fewer, nothing_said(), now());
    assert_eq!(left, Err(Refusal::TooMany { line: line_id(1), left: 0 }));
}

#[test]
fn a_parcel_holds_what_is_left_of_lines_that_are_sent() {
    let order = order(&[3]);
    let refused = |wanted: &[(u128, u32)]| opened(&order, &[], wanted).unwrap_err();
    assert_eq!(refused(&[]), Refusal::Empty);
    assert_eq!(refused(&[(1, 0)]), Refusal::Empty);
    assert_eq!(refused(&[(1, 1), (1, 1)]), Refusal::Twice(1));
    assert_eq!(refused(&[(1, 1), (7, 1)]), Refusal::UnknownLine(1));
    assert_eq!(refused(&[(99, 1)]), Refusal::Digital(0));
    assert_eq!(refused(&[(1, 4)]), Refusal::TooMany { line: line_id(1), left: 3 });
    let first = opened(&order, &[], &[(1, 2)]).unwrap();
    let others = [first.parcel.clone()];
    let second = opened(&first.order, &others, &[(1, 2)]);
    assert_eq!(second, Err(Refusal::TooMany { line: line_id(1), left: 1 }));
    let canceled = first.parcel.cancel(&first.order, now()).unwrap();
    assert!(opened(&canceled.order, &[canceled.parcel], &[(1, 3)]).is_ok());
    let many = vec![others[0].clone(); PARCELS_MAX];
    assert_eq!(opened(&order, &many, &[(1, 1)]), Err(Refusal::TooManyParcels));
}

#[test]
fn a_parcel_leaves_from_one_location_with_what_is_held_there() {
    let mut order = order(&[4, 1]);
    let at = |number, good, quantity| {
        let place = Place::at(sku(good), location(number));
        Allocation { place, quantity }
    };
    let shard = Place { shard: Some(2), ..Place::at(sku(1), location(1)) };
    order.reservation.allocations =
        vec![at(1, 1, 1), Allocation { place: shard, quantity: 1 }, at(2, 1, 2), at(2, 2, 1)];
    let from = |location, wanted: &[(u128, u32)]| {
        let wanted: Vec<_> = wanted.iter().map(|(line, units)| (line_id(*line), *units)).collect();
        open(&order, &[], id(1), location, &wanted, now())
    };
    let locations = vec![location(1), location(2)];
    assert_eq!(from(None, &[(1, 2)]), Err(Refusal::ChooseLocation { locations }));
    assert_eq!(from(None, &[(2, 1)]).unwrap().parcel.location, location(2));
    let short = Refusal::NotHere { sku: sku(1), held: 2 };
    assert_eq!(from(Some(location(1)), &[(1, 3)]), Err(short));
    let short = Refusal::NotHere { sku: sku(2), held: 0 };
    assert_eq!(from(Some(location(1)), &[(2, 1)]), Err(short));
    let step = from(Some(location(1)), &[(1, 2)]).unwrap();
    let step = step.parcel.ship(&step.order, nothing_said(), now()).unwrap();
    assert_eq!(step.leaving.len(), 2, "from the location and from its shard");
    assert_eq!(step.order.allocations(), [at(2, 1, 2), at(2, 2, 1)]);
}

#[test]
fn keys_that_follow_keep_the_reservation() {
    let mut order = order(&[1]);
    let held = |good, location| Allocation { place: Place::at(sku(good), location), quantity: 1 };
    order.reservation.allocations = vec![held(1, FIRST_LOCATION), held(99, KEY_POOL)];
    let step = opened(&order, &[], &[(1, 1)]).unwrap();
    let step = step.parcel.ship(&step.order, nothing_said(), now()).unwrap();
    assert_eq!(step.order.reservation.state, State::Committed);
    assert_eq!(step.order.allocations(), [held(99, KEY_POOL)]);
}

#[test]
fn a_label_says_what_nobody_said_and_keeps_a_parcel_from_being_called_off() {
    let order = order(&[1]);
    let mut parcel = opened(&order, &[], &[(1, 1)]).unwrap().parcel;
    let label: Label = serde_json::from_value(json!({
        "parcel": "shp_1", "tracking_code": "9400", "url": "https://labels.example/1.png",
        "service": {"carrier": "USPS", "service": "Priority"},
        "price": {"amount": 790, "currency": "USD"},
    }))
    .unwrap();
    let step = parcel.clone().buy(&order, label, now()).unwrap();
    parcel = step.parcel;
    assert_eq!(parcel.clone().cancel(&order, now()), Err(Refusal::HasLabel));
    let shipped = parcel.clone().ship(&order, nothing_said(), now()).unwrap().parcel;
    assert_eq!(shipped.carriage.tracking_number.as_deref(), Some("9400"));
    assert_eq!(shipped.carriage.carrier.as_deref(), Some("USPS"));
    let said = Carriage { tracking_number: Some("1".into()), ..Carriage::default() };
    let shipped = parcel.clone().ship(&order, said, now()).unwrap().parcel;
    assert_eq!(shipped.carriage.tracking_number.as_deref(), Some("1"));
    let given_back = parcel.give_label_back(&order, now()).unwrap().parcel;
    assert_eq!((given_back.label(), &given_back.carriage), (None, &Carriage::default()));
    assert!(given_back.cancel(&order, now()).is_ok());
}

#[test]
fn a_label_that_may_be_bought_is_the_only_one_and_stands_in_the_way_until_it_is_given_back() {
    let order = order(&[1]);
    let mut parcel = opened(&order, &[], &[(1, 1)]).unwrap().parcel;
    parcel.version = 3;
    assert_eq!(parcel.version_before_choice(), 3);
    let chosen = ("shp_1".to_owned(), "rate_1".to_owned());
    let mut chosen = parcel.clone().choose(&order, chosen, now()).unwrap().parcel;
    chosen.version = 4;
    assert_eq!(chosen.version_before_choice(), 3, "who asked asks again");
    assert_eq!(chosen.clone().cancel(&order, now()), Err(Refusal::HasLabel));
    let mut packed = chosen.clone().pack(&order, now()).unwrap().parcel;
    packed.version = 5;
    assert_eq!(packed.version_before_choice(), 5, "more than the choice has happened since");
    let back = chosen.clone().give_label_back(&order, now()).unwrap().parcel;
    assert!(back.postage.is_none() && back.cancel(&order, now()).is_ok());
    let forgotten = chosen.forget_choice(&order, now()).parcel;
    assert!(forgotten.postage.is_none() && forgotten.may_be_labelled().is_ok());
    assert_eq!(parcel.give_label_back(&order, now()), Err(Refusal::NoLabel));
}

#[test]
fn a_report_moves_a_parcel_on_whenever_it_comes_and_never_back() {
    let order = order(&[1]);
    let parcel = opened(&order, &[], &[(1, 1)]).unwrap().parcel;
    let left = parcel.clone().ship(&order, nothing_said(), now()).unwrap();
    let under_way = left.parcel.hear(&left.order, told(Tracking::InTransit, 10), now()).unwrap();
    assert_eq!(under_way.parcel.status, Status::Shipped);
    let again = under_way.parcel.clone().hear(&left.order, told(Tracking::InTransit, 10), now());
    assert_eq!(again, None, "the same report again");
    let stale = under_way.parcel.clone().hear(&left.order, told(Tracking::PreTransit, 9), now());
    assert_eq!(stale, None, "an older report");
    let there = under_way.parcel.hear(&left.order, told(Tracking::Delivered, 20), now()).unwrap();
    assert_eq!((there.parcel.status, there.order.lines[0].delivered), (Status::Delivered, 1));
    let late = there.parcel.hear(&there.order, told(Tracking::OutForDelivery, 30), now());
    assert_eq!(late, None, "it has arrived");
    // The carrier was faster than whoever should have said that it left.
    let early = parcel.hear(&order, told(Tracking::Delivered, 20), now()).unwrap();
    assert_eq!((early.parcel.status, early.order.lines[0].delivered), (Status::Open, 0));
    let both = early.parcel.ship(&early.order, nothing_said(), now()).unwrap();
    assert_eq!((both.parcel.status, both.leaving.len()), (Status::Delivered, 1));
    assert_eq!((both.order.lines[0].fulfilled, both.order.lines[0].delivered), (1, 1));
}

/// Something that is done to an order and its parcels.
#[derive(Debug, Clone)]
enum Deed {
    Open(u128, u32),
    Pack(usize),
    Ship(usize),
    Deliver(usize),
    Cancel(usize),
    Lose(usize),
    Return(usize),
    Hear(usize, Tracking, i64),
    CallOff(usize, u32),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let words = prop::sample::select(vec![
        Tracking::PreTransit,
        Tracking::InTransit,
        Tracking::Delivered,
        Tracking::ReturnToSender,
        Tracking::Failed,
    ]);
    let deed = prop_oneof![
        3 => (1..4_u128, 0..4_u32).prop_map(|(line, units)| Deed::Open(line, units)),
        1 => (0..6_usize).prop_map(Deed::Pack),
        3 => (0..6_usize).prop_map(Deed::Ship),
        1 => (0..6_usize).prop_map(Deed::Deliver),
        1 => (0..6_usize).prop_map(Deed::Cancel),
        1 => (0..6_usize).prop_map(Deed::Lose),
        1 => (0..6_usize).prop_map(Deed::Return),
        1 => (0..6_usize, words, 0..9_i64).prop_map(|(at, word, s)| Deed::Hear(at, word, s)),
        1 => (0..3_usize, 1..3_u32).prop_map(|(line, units)| Deed::CallOff(line, units)),
    ];
    prop::collection::vec(deed, 0..40)
}

/// Does it; what is refused changes nothing.
fn do_it(order: &mut Order, parcels: &mut Vec<Fulfillment>, deed: &Deed) -> Vec<Allocation> {
    let parcel = |at: &usize| parcels.get(*at).cloned();
    let step = match deed {
        Deed::Open(line, units) => opened(order, parcels, &[(*line, *units)]).ok(),
        Deed::Pack(at) => parcel(at).and_then(|one| one.pack(order, now()).ok()),
        Deed::Ship(at) => parcel(at).and_then(|one| one.ship(order, nothing_said(), now()).ok()),
        Deed::Deliver(at) => parcel(at).and_then(|one| one.deliver(order, now()).ok()),
        Deed::Cancel(at) => parcel(at).and_then(|one| one.cancel(order, now()).ok()),
        Deed::Lose(at) => parcel(at).and_then(|one| one.fail(order, Status::Lost, now()).ok()),
        Deed::Return(at) => {
            parcel(at).and_then(|one| one.fail(order, Status::ReturnedToSender, now()).ok())
        }
        Deed::Hear(at, word, second) => {
            parcel(at).and_then(|one| one.hear(order, told(*word, *second), now()))
        }
        Deed::CallOff(at, units) => {
            let held = order.allocations();
            let line = &mut order.lines[*at];
            let units = (*units).min(unshipped(line));
            line.canceled += units;
            let mut left = units;
            let sku = line.sku.clone();
            order.reservation.allocations = held;
            for one in order.reservation.allocations.iter_mut().filter(|one| one.place.sku == sku) {
                let less = one.quantity.min(left);
                one.quantity -= less;
                left -= less;
            }
            order.reservation.allocations.retain(|one| one.quantity > 0);
            None
        }
    };
    let Some(step) = step else { return Vec::new() };
    match parcels.iter_mut().find(|one| one.id == step.parcel.id) {
        Some(one) => *one = step.parcel,
        None => parcels.push(step.parcel),
    }
    *order = step.order;
    step.leaving
}

proptest! {
    #[test]
    fn whatever_is_done_the_counters_are_what_the_parcels_say(deeds in deeds()) {
        let quantities = [3_u32, 2, 5];
        let (mut order, mut parcels) = (order(&quantities), Vec::new());
        let mut left: BTreeMap<Sku, u32> = BTreeMap::new();
        for deed in &deeds {
            for one in do_it(&mut order, &mut parcels, deed) {
                *left.entry(one.place.sku).or_default() += one.quantity;
            }
            for line in order.lines.iter().filter(|line| line.kind == Kind::Physical) {
                let sum = |which: fn(Status) -> bool| -> u32 {
                    let of = parcels.iter().filter(|parcel| which(parcel.status));
                    of.flat_map(|one| &one.lines).filter(|l| l.line == line.id)
                        .map(|l| l.quantity).sum()
                };
                prop_assert_eq!(line.fulfilled, sum(Status::has_left));
                prop_assert_eq!(line.delivered, sum(|status| status == Status::Delivered));
                prop_assert!(line.fulfilled + line.canceled <= line.quantity);
                prop_assert!(line.delivered <= line.fulfilled);
                let gone = left.get(&line.sku).copied().unwrap_or(0);
                prop_assert_eq!(gone, line.fulfilled, "each unit left the stock once");
                let held: u32 = order.allocations().iter()
                    .filter(|one| one.place.sku == line.sku).map(|one| one.quantity).sum();
                prop_assert_eq!(held, unshipped(line), "what has not left is held");
            }
        }
    }
}
