//! Edits: what is taken off, what is added, and the money between the two come to the same, to the
//! last minor unit; and whatever was decided once is decided so again, or not at all.

use expect_test::expect_file;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::currency::Currency;
use crate::gift_card::CODE_BYTES;
use crate::id::{GiftEntryId, PaymentId, RefundId, Ulid};
use crate::line_cancel::tests::{line_id, now, parcel, placed, reserved};
use crate::order::PaymentStatus;
use crate::tax::tests::sample;

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn ulid(number: u128) -> Ulid {
    Ulid::from_parts(7, number)
}

fn fresh(number: u128, now: Timestamp) -> Fresh {
    let (order, payment) = (OrderId::from_ulid(ulid(number)), PaymentId::from_ulid(ulid(number)));
    Fresh {
        order: order::Fresh { order, payment, number: format!("N-{number}"), now },
        refund: refund::Fresh {
            id: RefundId::from_ulid(ulid(number)),
            by: Actor::System,
            reason: Some("Called".into()),
            now,
        },
        card: GiftCardId::from_ulid(ulid(number)),
        code: gift_card::Code::issue([7; CODE_BYTES]),
        entry: gift_card::Fresh { entry: GiftEntryId::from_ulid(ulid(number)), by: None, now },
    }
}

/// A good that is downloaded: it needs no address.
fn offer(sku: &Sku, price: i64) -> Offer {
    let offer = json!({
        "variant": format!("var_{}", ulid(9)), "product": format!("prod_{}", ulid(9)),
        "sku": sku, "product_title": "Song", "variant_title": "", "kind": "digital",
        "prices": {"EUR": price}, "tax_category": "standard", "weight_grams": 0,
        "quantity_max": 100, "is_active": true, "download": null,
    });
    serde_json::from_value(offer).unwrap()
}

fn sku(name: &str) -> Sku {
    Sku::parse(name).unwrap()
}

/// So many units of a good at this price.
fn goods(order: &Order, units: u32, price: i64) -> Option<Goods> {
    let goods = Replacement { sku: sku("SONG"), quantity: cart::Quantity::new(units).unwrap() };
    let wanted = [Addition { goods, unit_price: None }];
    read(order, &wanted, price).unwrap()
}

fn read(order: &Order, wanted: &[Addition], price: i64) -> Result<Option<Goods>, Refusal> {
    let mut lines = 0;
    let line = || {
        lines += 1;
        LineId::from_ulid(ulid(lines))
    };
    let (shipping, tax) = (ShippingTable::default(), sample());
    let with = (&shipping, &tax, now());
    let id = CartId::from_ulid(ulid(1));
    Goods::read(order, id, (wanted, "Called"), |sku| Some(offer(sku, price)), line, with)
}

fn of<'a>(order: &'a Order, payment: &'a Payment) -> Of<'a> {
    Of { order, parcels: &[], payment: Some(payment), refunds: &[] }
}

fn decided(
    (order, payment): (&Order, &Payment),
    removals: &[(usize, u32)],
    goods: Option<Goods>,
) -> Result<Decided, Refusal> {
    let removals: Vec<_> = removals.iter().map(|(at, units)| (line_id(*at), *units)).collect();
    decide(of(order, payment), &removals, goods, 1, fresh(1, now()))
}

fn proposal(days: u8) -> Proposal {
    Proposal {
        reason: "Called".into(),
        message: None,
        token_hash: Some("a".repeat(64)),
        by: Actor::System,
        responsible: StaffId::from_ulid(ulid(1)),
        days,
        now: now(),
    }
}

fn later(days: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_hours(days * 24)).unwrap()
}

fn figures(sums: Sums) -> [i64; 6] {
    let Sums { removed, added, credit, back, not_due, due } = sums;
    [removed, added, credit, back, not_due, due].map(Money::amount)
}

#[test]
fn the_transition_matrix() {
    expect_file!["matrix.txt"].assert_eq(&order::tests::matrix(&Status::ALL, Status::may_become));
}

#[test]
fn what_is_added_is_an_order_that_waits_for_what_it_costs_more() {
    let (order, payment) = placed(&[(2, 2_000), (1, 500)], 0);
    let paid = (&order, &payment);
    let more = decided(paid, &[(0, 1)], goods(&order, 1, 1_600)).unwrap();
    assert_eq!(figures(more.sums), [1_000, 1_600, 1_000, 0, 0, 600]);
    let Added { placement, credit } = more.added.unwrap();
    assert_eq!(placement.order.status, order::Status::PendingPayment);
    assert_eq!(placement.payment.unwrap().amount, eur(600));
    assert_eq!(placement.order.exchange_of, Some(order.id));
    assert_eq!(placement.order.reservation.expires_at, now() + PAID_WITHIN);
    let (card, entries) = credit.unwrap();
    assert_eq!((card.balance, entries.len()), (eur(0), 2), "given and spent");
    // What paid stays with the first order, of which nothing more is due and nothing goes back.
    assert_eq!(more.order.refunds.credited, 1_000);
    assert_eq!(more.order.payment_status, PaymentStatus::Paid);
    assert_eq!(more.order.refundable(), order.refundable() - 1_000);
    assert!(more.changed.unwrap().refund.money.is_zero());
}

#[test]
fn what_costs_less_gives_the_rest_back_and_is_placed_at_once() {
    let (order, payment) = placed(&[(2, 2_000), (1, 500)], 0);
    let less = decided((&order, &payment), &[(0, 1)], goods(&order, 1, 400)).unwrap();
    assert_eq!(figures(less.sums), [1_000, 400, 400, 600, 0, 0]);
    let placed = less.added.unwrap().placement;
    assert_eq!((placed.order.status, placed.payment), (order::Status::Placed, None));
    assert_eq!(less.changed.unwrap().refund.money, eur(600));
    assert_eq!(less.order.refunds.pending, 600);
    assert_eq!(less.order.due(), eur(2_990 - 600));
}

#[test]
fn of_money_that_is_only_reserved_less_is_taken_and_all_that_is_added_is_paid() {
    let (order, payment) = reserved(placed(&[(2, 2_000), (1, 500)], 0));
    let some = decided((&order, &payment), &[(0, 1)], goods(&order, 1, 1_600)).unwrap();
    assert_eq!(figures(some.sums), [1_000, 1_600, 0, 0, 1_000, 1_600]);
    assert_eq!(some.order.due(), eur(1_990));
    assert!(some.changed.is_none() && some.added.unwrap().credit.is_none());
}

#[test]
fn what_gift_cards_paid_goes_back_to_them_and_buys_nothing() {
    let (order, payment) = placed(&[(2, 2_000)], 2_490);
    let some = decided((&order, &payment), &[(0, 1)], goods(&order, 1, 1_600)).unwrap();
    assert_eq!(figures(some.sums), [1_000, 1_600, 0, 1_000, 0, 1_600]);
}

#[test]
fn all_of_an_order_is_taken_off_only_where_something_else_comes() {
    let (order, payment) = placed(&[(1, 1_000)], 0);
    let paid = (&order, &payment);
    let nothing = decided(paid, &[(0, 1)], None).unwrap_err();
    assert_eq!((nothing.code(), nothing.is_final()), ("entire_order", true));
    let swapped = decided(paid, &[(0, 1)], goods(&order, 1, 1_000)).unwrap();
    assert_eq!(figures(swapped.sums), [1_000, 1_000, 1_000, 0, 0, 0]);
    assert!(swapped.order.allocations().is_empty(), "its stock is free");
}

#[test]
fn what_can_not_be_is_refused_by_its_name() {
    let (order, payment) = placed(&[(2, 2_000), (1, 500)], 0);
    let paid = (&order, &payment);
    assert_eq!(decided(paid, &[], None).unwrap_err(), Refusal::Nothing);
    let many = decided(paid, &[(0, 3)], None).unwrap_err();
    assert_eq!((many.code(), many.is_final()), ("quantity_not_cancelable", true));
    let song = |unit_price| {
        let quantity = cart::Quantity::new(1).unwrap();
        Addition { goods: Replacement { sku: sku("SONG"), quantity }, unit_price }
    };
    let twice = read(&order, &[song(None), song(None)], 100).unwrap_err();
    assert_eq!(twice, Refusal::Twice { sku: sku("SONG") });
    let yen = song(Some(Money::new(100, Currency::JPY)));
    assert_eq!(read(&order, &[yen], 100).unwrap_err(), Refusal::OtherCurrency(0));
    let agreed = read(&order, &[song(Some(eur(90)))], 100).unwrap().unwrap();
    assert_eq!(agreed.priced.priced.totals.total, eur(90));
    // One SKU would move twice in one write.
    let mut same = order.clone();
    same.lines[0].sku = sku("SONG");
    let same = decided((&same, &payment), &[(0, 1)], goods(&order, 1, 100)).unwrap_err();
    assert_eq!(same.code(), "sku_twice");
    for status in [order::Status::OnHold, order::Status::Canceled, order::Status::Completed] {
        let other = Order { status, ..order.clone() };
        let refused = decided((&other, &payment), &[], goods(&order, 1, 100)).unwrap_err();
        assert_eq!(refused, Refusal::NotPlaced { status });
        assert_eq!(refused.is_final(), status != order::Status::OnHold);
    }
    let mut sent = order.clone();
    sent.lines.iter_mut().for_each(|line| line.fulfilled = line.quantity);
    let sent = decided((&sent, &payment), &[], goods(&order, 1, 100)).unwrap_err();
    assert_eq!((sent.code(), sent.is_final()), ("already_fulfilled", true));
    let packed = [parcel(&order, 1, 2)];
    let packed = Of { parcels: &packed, ..of(&order, &payment) };
    let packed = decide(packed, &[(line_id(0), 1)], None, 1, fresh(1, now())).unwrap_err();
    assert_eq!((packed.code(), packed.is_final()), ("units_in_parcel", false));
}

#[test]
fn what_is_proposed_is_decided_again_and_fits_or_came_to_nothing() {
    let (order, payment) = placed(&[(2, 2_000), (1, 500)], 0);
    let goods = goods(&order, 1, 1_600);
    let seen = decided((&order, &payment), &[(0, 1)], goods.clone()).unwrap();
    let edit = Edit::propose(&seen, goods.as_ref(), 1, proposal(3));
    assert!(edit.costs_more());
    let again = |edit: &Edit, order: &Order, is_buyer, now| {
        let agreed = edit.added.as_ref().unwrap();
        // The catalogue goes on.
        let dearer = |_| Some(offer(&sku("SONG"), 9_999));
        let goods = Goods::again(order, CartId::from_ulid(ulid(2)), agreed, dearer, now);
        edit.decide(of(order, &payment), Some(goods), is_buyer, fresh(2, now))
    };
    let done = again(&edit, &order, true, later(2)).unwrap();
    assert_eq!(
        (done.sums, done.added.unwrap().placement.order.totals.total),
        (seen.sums, eur(1_600))
    );
    let staff = again(&edit, &order, false, later(2)).unwrap_err();
    assert_eq!(staff, Refusal::ApprovalRequired { due: eur(600) });
    let late = again(&edit, &order, true, later(3)).unwrap_err();
    assert_eq!((late.code(), edit.standing(later(3))), ("edit_expired", Status::Expired));
    // A unit of the same line was called off meanwhile: it can be taken off once more, and one
    // whose money went back costs nothing any more.
    let mut other = order.clone();
    other.lines[0].refunded = refund::OfLine { units: 1, amount: 500 };
    other.refunded = eur(500);
    let changed = again(&edit, &other, true, later(2)).unwrap_err();
    assert_eq!((changed.clone(), changed.is_final()), (Refusal::Superseded, true));
    let closed = edit.clone().decline(None, Actor::Nobody, later(1)).unwrap();
    let refused = again(&closed, &order, true, later(2)).unwrap_err();
    assert_eq!(refused, Refusal::Closed { status: Status::Declined });
}

#[test]
fn one_edit_is_open_at_a_time_and_time_closes_it() {
    let (order, payment) = placed(&[(2, 2_000), (1, 500)], 0);
    let seen = decided((&order, &payment), &[(0, 1)], None).unwrap();
    let edit = Edit::propose(&seen, None, 1, proposal(3));
    assert!(!edit.costs_more());
    assert_eq!(next(&[], now()), Ok((1, None)));
    let edits = [edit.clone()];
    assert_eq!(next(&edits, later(2)), Err(Refusal::EditOpen { number: 1 }));
    let (number, late) = next(&edits, later(3)).unwrap();
    assert_eq!((number, late.unwrap().status), (2, Status::Expired));
    assert!(edit.clone().expire(later(2)).is_none());
    let withdrawn = edit.clone().withdraw(Actor::System, later(4)).unwrap();
    assert_eq!(next(std::slice::from_ref(&withdrawn), now()), Ok((2, None)));
    assert!(withdrawn.clone().expire(later(4)).is_none());
    let again = withdrawn.withdraw(Actor::System, later(4)).unwrap_err();
    assert_eq!(again, Refusal::Closed { status: Status::Withdrawn });
    assert_eq!(
        edit.clone().decline(None, Actor::Nobody, later(4)).unwrap_err().code(),
        "edit_expired"
    );
    let last = Edit { number: EDITS_MAX, ..edit };
    assert_eq!(next(&[last], later(9)), Err(Refusal::TooOften));
}

/// What is owed for an order as it stands: its lines without what was called off, and its shipping.
fn worth(order: &Order) -> i64 {
    let off: i64 = order.cancellations.iter().map(|one| one.amount.amount()).sum();
    order.totals.total.amount() - off
}

/// The order of what was added, paid.
fn settled(added: Added) -> (Order, Payment) {
    let mut order = added.placement.order;
    let mut payment = added
        .placement
        .payment
        .unwrap_or_else(|| Payment::open(PaymentId::from_ulid(ulid(5)), order.id, eur(0), now()));
    payment.captured = order.due();
    payment.status = crate::payment::Status::Succeeded;
    order.captured = payment.captured;
    order.status = order::Status::Placed;
    order.version = 1;
    (order, payment)
}

proptest! {
    #[test]
    fn what_an_edit_takes_and_gives_adds_up(
        total in 1..50_000i64, units in 2..9u32, off in 1..9u32, gift in 0..2_000i64,
        price in 50..9_000i64, more in 1..5u32, is_reserved in any::<bool>()
    ) {
        let off = off.min(units - 1);
        let gift = gift.min(total);
        let (order, payment) = match (is_reserved, placed(&[(units, total), (1, 500)], gift)) {
            (true, both) => reserved(both),
            (false, both) => both,
        };
        let done = decided((&order, &payment), &[(0, off)], goods(&order, more, price)).unwrap();
        let sums = done.sums;
        let [removed, added, credit, back, not_due, due] = figures(sums);
        prop_assert_eq!(removed, credit + back + not_due);
        prop_assert_eq!(added, credit + due);
        prop_assert_eq!(added, i64::from(more) * price);
        prop_assert!([removed, added, credit, back, not_due, due].iter().all(|one| *one >= 0));
        prop_assert!(due == 0 || due >= 50, "a card is never charged less");
        // What the two orders come to is what the one came to, without the one and with the other.
        let both = worth(&done.order) + worth(&done.added.as_ref().unwrap().placement.order);
        prop_assert_eq!(both, worth(&order) - removed + added);
        // No cent of what was paid is made or lost: it stays, is on its way, or pays for the other.
        let gone = |order: &Order| order.refunds.pending + order.refunds.credited;
        let to_cards = order.tender_refundable() - done.order.tender_refundable();
        prop_assert_eq!(gone(&done.order) - gone(&order), credit + back - to_cards);
        prop_assert!(done.order.refundable() >= 0);
        let spent = done.added.unwrap().placement.order.tendering.paid();
        prop_assert_eq!(spent, credit);
    }

    #[test]
    fn an_edit_and_the_edit_back_come_to_what_there_was(
        each in 50..9_000i64, units in 2..9u32, price in 50..9_000i64
    ) {
        let (order, payment) = placed(&[(units, each * i64::from(units)), (1, 500)], 0);
        let there = decided((&order, &payment), &[(0, 1)], goods(&order, 1, price)).unwrap();
        let (first, (second, paying)) = (there.order, settled(there.added.unwrap()));
        // What was added is taken off again, and what was taken off is added.
        let song = [(second.lines[0].id, 1)];
        let again = goods(&second, 1, each).map(|mut goods| {
            goods.cart.lines[0].sku = sku("SKU-0");
            goods
        });
        let back = decide(of(&second, &paying), &song, again, 1, fresh(3, now())).unwrap();
        let third = back.added.unwrap().placement.order;
        prop_assert_eq!(worth(&first) + worth(&back.order) + worth(&third), worth(&order));
        prop_assert_eq!(back.sums.removed.amount(), price);
        prop_assert_eq!(back.sums.added.amount(), each);
    }
}
