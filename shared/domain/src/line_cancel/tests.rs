//! What is called off adds up, wherever it lies and however it was paid.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::currency::Currency;
use crate::fulfillment::{self, Carriage};
use crate::gift_card::{Source, Tender, Tendering};
use crate::id::{FulfillmentId, GiftCardId, OrderId, PaymentId, Ulid};
use crate::order::{FulfillmentStatus, PaymentStatus, Settlement};
use crate::payment::{Intent, IntentState};
use crate::stock::Place;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

pub(crate) fn line_id(number: usize) -> OrderLineId {
    OrderLineId::from_ulid(Ulid::from_parts(1, number as u128 + 1))
}

fn location(number: u128) -> LocationId {
    LocationId::from_ulid(Ulid::from_parts(1, number))
}

fn place(sku: usize, at: u128) -> Place {
    Place::at(Sku::parse(&format!("SKU-{sku}")).unwrap(), location(at))
}

pub(crate) fn fresh(number: u128) -> Fresh {
    let id = RefundId::from_ulid(Ulid::from_parts(2, number));
    Fresh { id, by: Actor::System, reason: Some("Out of stock".into()), now: now() }
}

/// A placed order of these lines (units, total) that cost 490 to ship, held at one location.
pub(crate) fn placed(lines: &[(u32, i64)], gift_card: i64) -> (Order, Payment) {
    placed_in(Currency::EUR, lines, gift_card)
}

fn placed_in(currency: Currency, lines: &[(u32, i64)], gift_card: i64) -> (Order, Payment) {
    let ulid = |n: u128| Ulid::from_parts(1, n);
    let money = |amount: i64| json!({"amount": amount, "currency": currency.code()});
    let total = lines.iter().map(|(_, total)| total).sum::<i64>() + 490;
    let due = total - gift_card;
    let line = |(at, (quantity, total)): (usize, &(u32, i64))| {
        json!({
            "id": line_id(at), "variant": format!("var_{}", ulid(1)),
            "product": format!("prod_{}", ulid(1)), "sku": format!("SKU-{at}"), "title": "Mug",
            "variant_title": "", "kind": "physical", "quantity": quantity,
            "unit_price": money(100), "discount": money(0), "tax": money(0),
            "total": money(*total),
        })
    };
    let held: Vec<Allocation> = lines
        .iter()
        .enumerate()
        .map(|(at, (quantity, _))| Allocation { place: place(at, 1), quantity: *quantity })
        .collect();
    let lines: Vec<_> = lines.iter().enumerate().map(line).collect();
    let order = json!({
        "id": OrderId::from_ulid(ulid(1)), "number": "N", "cart": format!("cart_{}", ulid(1)),
        "customer": null, "email": "jane@example.org", "currency": currency.code(),
        "lines": lines, "shipping_address": null, "billing_address": null, "shipping": null,
        "price_mode": "inclusive",
        "totals": {"subtotal": money(0), "discount": money(0), "shipping": money(490),
            "tax": money(0), "total": money(total)},
        "status": "placed", "payment_status": "paid", "fulfillment_status": "unfulfilled",
        "reservation": {"state": "committed", "expires_at": now(), "allocations": held},
        "payment": format!("pay_{}", ulid(1)),
        "captured": money(due), "refunded": money(0), "events": 1, "version": 1,
        "created_at": now(), "placed_at": now(), "ended_at": null, "updated_at": now(),
    });
    let mut order: Order = serde_json::from_value(order).unwrap();
    if gift_card > 0 {
        let id = GiftCardId::from_ulid(ulid(1));
        let source =
            Source::GiftCard { id, last4: "TEST".into(), expires_at: None, is_exchange: false };
        let amount = Money::new(gift_card, currency);
        order.tendering = Tendering::of(vec![Tender { source, amount, refunded: 0 }]);
    }
    let amount = Money::new(due, currency);
    let mut payment = Payment::open(PaymentId::from_ulid(ulid(1)), order.id, amount, now());
    payment.status = crate::payment::Status::Succeeded;
    payment.captured = amount;
    payment.intent = Some("pi_1".into());
    (order, payment)
}

/// Its money is only reserved.
pub(crate) fn reserved((mut order, mut payment): (Order, Payment)) -> (Order, Payment) {
    let nothing = Money::zero(order.currency);
    payment.authorized = std::mem::replace(&mut payment.captured, nothing);
    payment.status = crate::payment::Status::Authorized;
    order.captured = nothing;
    (order, payment)
}

fn off(order: &Order, payment: &Payment, wanted: &[(usize, u32)]) -> Result<Off, Refusal> {
    let wanted: Vec<_> = wanted.iter().map(|(at, units)| (line_id(*at), *units)).collect();
    order.cancel_units(&[], (Some(payment), 0), &wanted, fresh(order.version.into()))
}

/// The provider says that it is done.
fn succeeded(asked: Changed) -> Changed {
    let refund = asked.refund.ask(now()).unwrap();
    let told = refund::Told {
        provider_ref: format!("re_{}", refund.id),
        state: refund::ToldState::Succeeded,
        amount: refund.money,
        refund: Some(refund.id),
        attempt: Some(refund.attempt),
        failure: None,
    };
    refund.hear(&asked.order, &asked.payment.unwrap(), &told, now()).unwrap()
}

fn held(order: &Order) -> Vec<(LocationId, u32)> {
    let at = |one: &Allocation| (one.place.location, one.quantity);
    order.reservation.allocations.iter().map(at).collect()
}

pub(crate) fn parcel(order: &Order, at: u128, units: u32) -> Fulfillment {
    let id = FulfillmentId::from_ulid(Ulid::from_parts(3, 1));
    let wanted = [(line_id(0), units)];
    fulfillment::open(order, &[], id, Some(location(at)), &wanted, now()).unwrap().parcel
}

#[test]
fn units_give_back_their_stock_their_money_and_nothing_else() {
    let (order, payment) = placed(&[(3, 2500), (1, 1000)], 0);
    let Off::WithMoney(changed) = off(&order, &payment, &[(0, 1)]).unwrap() else { panic!() };
    let after = &changed.order;
    assert_eq!(changed.refund.amount(), Money::new(834, Currency::EUR));
    assert_eq!(changed.refund.origin, Origin::Cancellation);
    assert_eq!((after.lines[0].canceled, after.lines[0].refunded.units), (1, 1));
    assert_eq!(held(after), [(location(1), 2), (location(1), 1)]);
    assert_eq!(after.due(), Money::new(3990 - 834, Currency::EUR));
    assert_eq!(after.payment_status, PaymentStatus::Overpaid, "until the money is there");
    assert_eq!(after.cancellations[0].refund, Some(changed.refund.id));
    assert_eq!(after.status, Status::Placed);
}

#[test]
fn what_is_not_taken_yet_is_not_due_any_more_and_nothing_goes_back() {
    let (order, payment) = reserved(placed(&[(3, 2500), (1, 1000)], 0));
    let Off::WithoutMoney(after) = off(&order, &payment, &[(0, 1)]).unwrap() else { panic!() };
    assert_eq!(after.due(), Money::new(3990 - 834, Currency::EUR));
    assert_eq!((after.refundable(), after.cancellations[0].refund), (0, None));
    let asked = payment.ask_capture(&order, None, Actor::System, now()).unwrap();
    assert_eq!(off(&order, &asked, &[(0, 1)]), Err(Refusal::CaptureUnderway));
    // Of what is taken later, the two units that are left cost what they cost.
    assert_eq!((after.lines[0].refundable_units(), after.lines[0].refundable_amount()), (2, 1666));
}

#[test]
fn a_gift_card_gets_its_money_first_and_the_card_is_due_as_before() {
    let (order, payment) = placed(&[(2, 2000)], 1500);
    let Off::WithMoney(changed) = off(&order, &payment, &[(0, 1)]).unwrap() else { panic!() };
    assert!(changed.refund.money.is_zero());
    assert_eq!(changed.order.tendering.refunded(), 1000);
    assert_eq!(changed.order.due(), changed.order.captured);
}

#[test]
fn what_went_back_before_does_not_go_back_again() {
    let (order, payment) = placed(&[(2, 2000)], 0);
    let wanted = refund::Wanted {
        amount: Some(Money::new(2000, Currency::EUR)),
        ..refund::Wanted::default()
    };
    let asked = order.request_refund(Some(&payment), 0, &wanted, fresh(9)).unwrap();
    // Until it is there it may come back.
    let early = off(&asked.order, &asked.payment.clone().unwrap(), &[(0, 1)]);
    assert_eq!(early, Err(Refusal::MoneyUndecided));
    let given = succeeded(asked);
    let paid = given.payment.unwrap();
    let Off::WithMoney(changed) = off(&given.order, &paid, &[(0, 1)]).unwrap() else { panic!() };
    assert_eq!(changed.refund.money, Money::new(490, Currency::EUR), "all that is left");
    let Off::WithoutMoney(_) = off(&changed.order, &paid, &[]).unwrap() else { panic!() };
}

#[test]
fn while_a_bank_has_the_money_units_are_not_called_off_for_nothing() {
    let (mut order, payment) = placed(&[(2, 2000)], 0);
    order.refunds.disputed = 2490;
    let refusal = off(&order, &payment, &[(0, 1)]).unwrap_err();
    assert_eq!((&refusal, refusal.code()), (&Refusal::MoneyUndecided, "money_undecided"));
    // What is left is enough.
    order.refunds.disputed = 1490;
    let Off::WithMoney(changed) = off(&order, &payment, &[(0, 1)]).unwrap() else { panic!() };
    assert_eq!(changed.refund.money, Money::new(1000, Currency::EUR));
    // What a dispute took is gone.
    (order.refunds.disputed, order.refunds.lost) = (0, 2490);
    let Off::WithoutMoney(after) = off(&order, &payment, &[(0, 1)]).unwrap() else { panic!() };
    assert_eq!(after.lines[0].waived.amount, 1000);
}

#[test]
fn a_reservation_for_which_nothing_is_due_any_more_lapses_and_holds_nobody_up() {
    let (order, payment) = reserved(placed(&[(1, 6000), (1, 4000)], 5490));
    let off = off(&order, &payment, &[(0, 1)]).unwrap();
    let order = off.order();
    assert_eq!((order.due().amount(), order.tendering.refunded()), (0, 1000));
    assert_eq!(order.payment_status, PaymentStatus::Authorized);
    let gone = Intent {
        id: "pi_1".into(),
        state: IntentState::Canceled,
        amount: payment.amount,
        received: Money::zero(Currency::EUR),
        is_live: false,
        order: Some(order.id),
        payment: Some(payment.id),
        failure: None,
        capture_before: None,
        attempt: None,
    };
    let Settlement::Lapsed(after, _) = order.settle(&payment, &gone, false, now()) else {
        panic!("not let go")
    };
    assert_eq!(after.status, Status::Placed);
    assert_eq!(after.payment_status, PaymentStatus::PartiallyRefunded);
    assert!(fulfillment::is_due(&after));
    let Settlement::Lapsed(unpaid, _) = reserved(placed(&[(1, 6000)], 0)).0.settle(
        &Payment { amount: payment.amount, ..payment.clone() },
        &gone,
        false,
        now(),
    ) else {
        panic!("not let go")
    };
    assert_eq!((unpaid.status, unpaid.payment_status), (Status::OnHold, PaymentStatus::Voided));
}

#[test]
fn what_may_not_be_called_off_is_refused() {
    let (order, payment) = placed(&[(2, 2000), (1, 500)], 0);
    let refused = |order: &Order, wanted: &[(usize, u32)]| {
        off(order, &payment, wanted).map(|_| ()).unwrap_err().code()
    };
    assert_eq!(refused(&order, &[(0, 3)]), "quantity_not_cancelable");
    assert_eq!(refused(&order, &[(7, 1)]), "line_not_found");
    assert_eq!(refused(&order, &[(0, 1), (0, 1)]), "duplicate_line");
    assert_eq!(refused(&order, &[(0, 2), (1, 1)]), "entire_order");
    for status in [Status::PendingPayment, Status::Completed, Status::Canceled, Status::Expired] {
        assert_eq!(refused(&Order { status, ..order.clone() }, &[(0, 1)]), "order_not_placed");
    }
    let held = Order { status: Status::OnHold, ..order.clone() };
    assert!(off(&held, &payment, &[(0, 1)]).is_ok());
    let parcels = [parcel(&order, 1, 1)];
    let both = [(line_id(0), 2)];
    let refusal = order.cancel_units(&parcels, (Some(&payment), 0), &both, fresh(1)).unwrap_err();
    assert_eq!(refusal, Refusal::InParcel { line: line_id(0), free: 1 });
    assert!(
        order.cancel_units(&parcels, (Some(&payment), 0), &[(line_id(0), 1)], fresh(1)).is_ok()
    );
    let one = order.cancellations.clone();
    let cancellation = Cancellation {
        units: vec![],
        amount: Money::zero(Currency::EUR),
        refund: None,
        reason: None,
        by: Actor::System,
        edit: None,
        at: now(),
    };
    let often = Order { cancellations: vec![cancellation; CANCELLATIONS_MAX], ..order };
    assert_eq!(refused(&often, &[(0, 1)]), "too_many_cancellations");
    assert!(one.is_empty());
}

#[test]
fn units_go_from_where_the_fewest_lie_and_never_out_of_a_parcel() {
    let (mut order, payment) = placed(&[(5, 5000), (1, 500)], 0);
    order.reservation.allocations = vec![
        Allocation { place: place(0, 1), quantity: 3 },
        Allocation { place: place(0, 2), quantity: 2 },
        Allocation { place: place(1, 1), quantity: 1 },
    ];
    let changed = off(&order, &payment, &[(0, 1)]).unwrap();
    let left = [(location(1), 3), (location(2), 1), (location(1), 1)];
    assert_eq!(held(changed.order()), left);
    // Both units of the second location are in a parcel.
    let parcels = [parcel(&order, 2, 2)];
    let one = [(line_id(0), 1)];
    let changed = order.cancel_units(&parcels, (Some(&payment), 0), &one, fresh(1)).unwrap();
    let left = [(location(1), 2), (location(2), 2), (location(1), 1)];
    assert_eq!(held(changed.order()), left);
}

#[test]
fn when_the_rest_has_left_the_order_is_fulfilled() {
    let (order, payment) = placed(&[(3, 3000)], 0);
    let shipped = parcel(&order, 1, 2).ship(&order, Carriage::default(), now()).unwrap();
    assert_eq!(shipped.order.fulfillment_status, FulfillmentStatus::PartiallyFulfilled);
    let after = off(&shipped.order, &payment, &[(0, 1)]).unwrap();
    let after = after.order();
    assert_eq!(after.fulfillment_status, FulfillmentStatus::Fulfilled);
    assert_eq!((after.reservation.state, held(after)), (State::Consumed, vec![]));
    assert!(!fulfillment::is_due(after));
}

proptest! {
    #[test]
    fn however_often_units_are_called_off_it_adds_up(
        lines in prop::collection::vec((1..6_u32, 0..5000_i64), 1..4),
        wanted in prop::collection::vec((0..4_usize, 1..4_u32), 1..8),
        gift_card in 0..2000_i64,
        is_reserved: bool,
    ) {
        let total: i64 = lines.iter().map(|(_, total)| total).sum();
        let (mut order, mut payment) = placed(&lines, gift_card.min(total));
        if is_reserved {
            (order, payment) = reserved((order, payment));
        }
        let (before, mut number) = (order.clone(), 0_u64);
        for one in wanted {
            let Ok(changed) = off(&order, &payment, &[one]) else { continue };
            if let Off::WithMoney(changed) = &changed {
                payment = changed.payment.clone().unwrap_or(payment);
            }
            number += 1;
            order = Order { version: number, ..changed.order().clone() };
        }
        let canceled: u32 = order.lines.iter().map(|line| line.canceled).sum();
        let units: u32 = lines.iter().map(|(units, _)| units).sum();
        let still: u32 = order.allocations().iter().map(|one| one.quantity).sum();
        prop_assert_eq!(still + canceled, units);
        // Each line's units cost what the line costs, and never a cent more.
        for line in &order.lines {
            prop_assert!((0..=line.total.amount()).contains(&line.refundable_amount()));
        }
        let off: i64 = order.cancellations.iter().map(|one| one.amount.amount()).sum();
        let tendered = order.tendering.refunded();
        prop_assert_eq!(before.due().amount() - order.due().amount() + tendered, off);
        prop_assert!(order.refundable() >= 0 && order.due().amount() >= 0);
        if !is_reserved {
            prop_assert_eq!(order.captured.amount(), order.due().amount() + order.called_off.taken);
            prop_assert_eq!(order.refunds.pending, order.called_off.taken);
        }
    }

    // Dinars have three places, of which the provider moves two.
    #[test]
    fn where_only_steps_can_be_moved_an_order_owes_nothing_that_is_less_than_one(
        lines in prop::collection::vec((1..6_u32, 0..5000_i64), 1..4),
        wanted in prop::collection::vec((0..4_usize, 1..4_u32), 1..8),
        gift_card in 0..2000_i64,
        is_reserved: bool,
        taken_after in 0..8_usize,
    ) {
        let total: i64 = lines.iter().map(|(_, total)| total).sum::<i64>() + 490;
        let card = (total - gift_card).max(10) / 10 * 10;
        let (mut order, mut payment) = placed_in(Currency::KWD, &lines, total - card);
        if is_reserved {
            (order, payment) = reserved((order, payment));
        }
        for (number, one) in wanted.iter().enumerate() {
            if number == taken_after {
                (order, payment) = settled(order, payment);
            }
            let Ok(changed) = off(&order, &payment, &[*one]) else { continue };
            order = changed.order().clone();
            if let Off::WithMoney(changed) = changed
                && changed.refund.money.is_positive()
            {
                let done = succeeded(*changed);
                (order, payment) = (done.order, done.payment.unwrap());
            }
            order.version = number as u64 + 2;
        }
        (order, payment) = settled(order, payment);
        let kept = order.captured.amount() - order.refunded.amount();
        prop_assert_eq!(kept, order.payable());
        prop_assert!((order.due().amount() - kept).abs() < 10);
        prop_assert!(matches!(
            order.payment_status,
            PaymentStatus::Paid | PaymentStatus::PartiallyRefunded
        ), "{:?} of {:?}", order.payment_status, payment.status);
    }
}

/// What is reserved is taken, or let go where nothing is due any more.
fn settled(mut order: Order, mut payment: Payment) -> (Order, Payment) {
    if payment.status != crate::payment::Status::Authorized {
        return (order, payment);
    }
    let nothing = Money::zero(order.currency);
    match payment.ask_capture(&order, None, Actor::System, now()) {
        Ok(asked) => {
            payment.captured = asked.pending_capture().unwrap().amount;
            payment.status = crate::payment::Status::Succeeded;
        }
        Err(_) => payment.status = crate::payment::Status::Expired,
    }
    payment.authorized = nothing;
    order.captured = payment.captured;
    order.follow_money(Some(&payment), now());
    (order, payment)
}
