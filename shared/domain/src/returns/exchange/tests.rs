//! Exchanges: what came back and what is given for it come to the same, to the last minor unit.

use proptest::prelude::*;

use super::*;
use crate::audit::Actor;
use crate::currency::Currency;
use crate::gift_card::{Tender, Tendering};
use crate::id::{GiftEntryId, OrderId, PaymentId, RefundId};
use crate::payment;
use crate::refund::{News, Wanted};
use crate::returns::tests::{line_id, now, order, ulid};

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

fn units(quantity: u32) -> Wanted {
    Wanted { lines: vec![(line_id(0), quantity)], ..Wanted::default() }
}

fn fresh(number: u128) -> refund::Fresh {
    let id = RefundId::from_ulid(ulid(number));
    refund::Fresh { id, by: Actor::System, reason: None, now: now() }
}

fn paid(order: &Order) -> Payment {
    let mut payment = Payment::open(PaymentId::from_ulid(ulid(1)), order.id, order.captured, now());
    payment.status = payment::Status::Succeeded;
    payment.captured = order.captured;
    payment
}

fn exchanged(amount: i64) -> Exchanged {
    let order = OrderId::from_ulid(ulid(7));
    Exchanged { order, gift_card: GiftCardId::from_ulid(ulid(7)), amount: eur(amount) }
}

#[test]
fn the_difference_goes_back_or_is_due_and_never_both() {
    let order = order(&[(2, 2_000)]);
    let sums = |total| {
        let all = difference(&order, &units(2), eur(total)).unwrap();
        assert_eq!(all.worth, eur(2_000));
        (all.credit.amount(), all.back.amount(), all.due.amount())
    };
    assert_eq!(sums(2_000), (2_000, 0, 0));
    assert_eq!(sums(1_500), (1_500, 500, 0));
    assert_eq!(sums(2_600), (2_000, 0, 600));
    // A card is never charged less than its minimum: what is then too much goes back.
    assert_eq!(sums(2_010), (1_960, 40, 50));
    assert_eq!(difference(&order, &units(2), eur(0)), Err(Refusal::NothingToCredit));
}

#[test]
fn what_gift_cards_paid_goes_back_to_them_and_buys_nothing() {
    let mut order = order(&[(1, 2_000)]);
    let id = GiftCardId::from_ulid(ulid(3));
    let source =
        Source::GiftCard { id, last4: "TEST".into(), expires_at: None, is_exchange: false };
    let tender = |amount| Tender { source: source.clone(), amount: eur(amount), refunded: 0 };
    order.tendering = Tendering::of(vec![tender(500)]);
    order.captured = eur(1_500);
    let sums = difference(&order, &units(1), eur(2_000)).unwrap();
    assert_eq!((sums.credit, sums.back, sums.due), (eur(1_500), eur(500), eur(500)));
    order.tendering = Tendering::of(vec![tender(2_000)]);
    order.captured = eur(0);
    let refused = difference(&order, &units(1), eur(2_000));
    assert_eq!(refused, Err(Refusal::NothingToCredit));
}

#[test]
fn units_that_were_exchanged_are_not_paid_back_and_what_paid_comes_back_once() {
    let order = order(&[(2, 2_000), (1, 700)]);
    let payment = paid(&order);
    let done =
        order.request_exchange(Some(&payment), 0, &units(2), exchanged(1_500), fresh(1)).unwrap();
    // Its rest is money on its way; what pays stays, and can not go back.
    assert_eq!(done.refund.money, eur(500));
    assert_eq!((done.order.refundable(), done.order.refunds.credited), (700, 1_500));
    let again = done.order.plan_refund(&units(1));
    let left = refund::Refusal::TooManyUnits { line: line_id(0), left: 0 };
    assert_eq!(again.unwrap_err(), left);
    let all = Wanted { amount: Some(eur(701)), ..Wanted::default() };
    assert!(done.order.plan_refund(&all).is_err());
    // The replacement is called off: the money goes back the way it came.
    let paying = done.payment.unwrap();
    let back = done.order.pay_back(&paying, eur(1_500), fresh(2));
    assert_eq!((back.refund.money, back.order.refunds.credited), (eur(1_500), 0));
    assert_eq!((back.order.refundable(), back.order.refunds.pending), (700, 2_000));
}

#[test]
fn an_even_exchange_is_done_at_once_and_the_order_stays_paid() {
    let order = order(&[(1, 2_000)]);
    let payment = paid(&order);
    let done =
        order.request_exchange(Some(&payment), 0, &units(1), exchanged(2_000), fresh(1)).unwrap();
    assert_eq!((done.refund.status, done.news), (refund::Status::Succeeded, News::Succeeded));
    assert!(done.refund.amount().is_zero() && done.payment.is_none() && done.entry.is_none());
    assert_eq!(done.order.payment_status, order::PaymentStatus::Paid);
    assert_eq!(done.order.refundable(), 0);
}

#[test]
fn the_credit_is_spent_when_it_is_given_and_what_comes_back_is_paid_out_once() {
    let fresh = gift_card::Fresh { entry: GiftEntryId::from_ulid(ulid(4)), by: None, now: now() };
    let (id, code) = (GiftCardId::from_ulid(ulid(3)), Code::issue([7; 10]));
    let of = (eur(900), OrderId::from_ulid(ulid(1)), "K7M-294-QXA");
    let (card, given) = GiftCard::of_exchange(id, &code, of, fresh);
    assert_eq!((card.balance, given.amount), (eur(0), eur(900)));
    assert!(card.clone().pay_out(fresh).is_none(), "nothing came back");
    let back = GiftCard { balance: eur(900), ..card };
    assert!(!back.is_usable(now()), "nobody can spend it");
    let (card, entry) = back.pay_out(fresh).unwrap();
    assert_eq!((card.balance, entry.amount), (eur(0), eur(-900)));
    assert!(card.pay_out(fresh).is_none());
}

proptest! {
    #[test]
    fn credit_and_what_goes_back_are_the_worth_and_credit_and_what_is_due_the_price(
        quantity in 1..5u32, price in 1..5_000i64, total in 51..9_000i64
    ) {
        let order = order(&[(5, price * 5)]);
        let sums = difference(&order, &units(quantity), eur(total)).unwrap();
        prop_assert_eq!(sums.credit.amount() + sums.back.amount(), sums.worth.amount());
        prop_assert_eq!(sums.credit.amount() + sums.due.amount(), total);
        prop_assert!(sums.due.is_zero() || sums.due.amount() >= 50);
        prop_assert!(!sums.back.is_negative());
    }
}
