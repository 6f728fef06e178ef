//! What is given back adds up, however often and in whatever order it is asked for.

use expect_test::expect_file;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::currency::Currency;
use crate::event::Fact;
use crate::gift_card::{Account, Source};
use crate::id::GiftCardId;
use crate::order::tests::matrix;
use crate::order::{Cause, PaymentStatus};

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn line_id(number: usize) -> OrderLineId {
    OrderLineId::from_ulid(Ulid::from_parts(1, number as u128 + 1))
}

fn refund_id(number: u128) -> RefundId {
    RefundId::from_ulid(Ulid::from_parts(2, number))
}

/// A placed order of these lines (units, total), that cost so much to ship, paid by card but for
/// what a gift card paid.
fn paid(
    currency: Currency,
    lines: &[(u32, i64)],
    shipping: i64,
    gift_card: i64,
) -> (Order, Payment) {
    let ulid = |n: u128| Ulid::from_parts(1, n);
    let money = |amount: i64| json!({"amount": amount, "currency": currency.code()});
    let total: i64 = lines.iter().map(|(_, total)| total).sum::<i64>() + shipping;
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
    let lines: Vec<_> = lines.iter().enumerate().map(line).collect();
    let order = json!({
        "id": OrderId::from_ulid(ulid(1)), "number": "N", "cart": format!("cart_{}", ulid(1)),
        "customer": null, "email": "jane@example.org", "currency": currency.code(),
        "lines": lines, "shipping_address": null, "billing_address": null, "shipping": null,
        "price_mode": "inclusive",
        "totals": {"subtotal": money(0), "discount": money(0), "shipping": money(shipping),
            "tax": money(0), "total": money(total)},
        "status": "placed", "payment_status": "paid", "fulfillment_status": "unfulfilled",
        "reservation": {"state": "committed", "expires_at": now()},
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
        let tender = Tender { source, amount, refunded: 0 };
        order.tendering = gift_card::Tendering::of(vec![tender]);
    }
    let id = PaymentId::from_ulid(ulid(1));
    let amount = Money::new(due, currency);
    let mut payment = Payment::open(id, order.id, amount, now());
    payment.status = crate::payment::Status::Succeeded;
    payment.captured = amount;
    payment.intent = Some("pi_1".into());
    (order, payment)
}

fn fresh(number: u128) -> Fresh {
    Fresh { id: refund_id(number), by: Actor::System, reason: None, now: now() }
}

fn of_lines(lines: &[(usize, u32)]) -> Wanted {
    let lines = lines.iter().map(|(at, quantity)| (line_id(*at), *quantity)).collect();
    Wanted { lines, ..Wanted::default() }
}

fn of_amount(amount: i64) -> Wanted {
    Wanted { amount: Some(Money::new(amount, Currency::EUR)), ..Wanted::default() }
}

fn told(refund: &Refund, state: ToldState) -> Told {
    Told {
        provider_ref: format!("re_{}_{}", refund.id, refund.attempt),
        state,
        amount: refund.money,
        refund: Some(refund.id),
        attempt: Some(refund.attempt),
        failure: None,
    }
}

/// Asks for it and has the provider say that it is done.
fn refunded(order: &Order, payment: &Payment, number: u128, wanted: &Wanted) -> Changed {
    let asked = order.request_refund(Some(payment), 0, wanted, fresh(number)).unwrap();
    let Some(paying) = asked.payment.clone() else { return asked };
    let refund = asked.refund.ask(now()).unwrap();
    let done = told(&refund, ToldState::Succeeded);
    refund.hear(&asked.order, &paying, &done, now()).unwrap()
}

#[test]
fn the_machine_of_a_refund() {
    expect_file!["matrix.txt"].assert_eq(&matrix(&Status::ALL, Status::may_become));
}

#[test]
fn lines_and_shipping_give_exactly_what_was_paid_for_them() {
    let (order, payment) = paid(Currency::EUR, &[(3, 1000), (1, 500)], 490, 0);
    let one = refunded(&order, &payment, 1, &of_lines(&[(0, 1)]));
    assert_eq!(one.refund.money.amount(), 334, "the first of three gets the cent");
    assert_eq!(one.order.payment_status, PaymentStatus::PartiallyRefunded);
    let payment = one.payment.unwrap();
    let rest =
        Wanted { shipping: Some(Money::new(490, Currency::EUR)), ..of_lines(&[(0, 2), (1, 1)]) };
    let all = refunded(&one.order, &payment, 2, &rest);
    assert_eq!(all.refund.money.amount(), 666 + 500 + 490);
    assert_eq!(all.order.refundable(), 0);
    assert_eq!(all.order.payment_status, PaymentStatus::Refunded);
}

#[test]
fn what_is_more_than_is_left_is_refused_with_what_is_left() {
    let (order, payment) = paid(Currency::EUR, &[(2, 1000)], 490, 0);
    let refusal = |wanted: &Wanted| order.plan_refund(wanted).unwrap_err();
    let line = line_id(0);
    assert_eq!(refusal(&of_lines(&[(0, 3)])), Refusal::TooManyUnits { line, left: 2 });
    assert_eq!(refusal(&of_lines(&[(0, 1), (0, 1)])), Refusal::LineTwice(line));
    assert_eq!(refusal(&of_lines(&[(7, 1)])), Refusal::UnknownLine(line_id(7)));
    assert_eq!(refusal(&Wanted::default()), Refusal::Nothing);
    let eur = |amount| Money::new(amount, Currency::EUR);
    let shipping = Wanted { shipping: Some(eur(491)), ..Wanted::default() };
    assert_eq!(refusal(&shipping), Refusal::TooMuchShipping { left: eur(490) });
    assert_eq!(refusal(&of_amount(1491)), Refusal::ExceedsRefundable { refundable: eur(1490) });
    let dollars = Wanted { goodwill: Some(Money::new(1, Currency::USD)), ..Wanted::default() };
    assert_eq!(refusal(&dollars), Refusal::OtherCurrency);
    let waiting = Order { status: order::Status::PendingPayment, ..order.clone() };
    assert_eq!(waiting.plan_refund(&of_amount(1)).unwrap_err(), Refusal::NotPlaced);
    let many = order.request_refund(Some(&payment), REFUNDS_MAX, &of_amount(1), fresh(1));
    assert_eq!(many.unwrap_err(), Refusal::TooMany);
}

#[test]
fn what_is_under_way_is_not_given_twice() {
    let (order, payment) = paid(Currency::EUR, &[(1, 1000)], 0, 0);
    let asked = order.request_refund(Some(&payment), 0, &of_amount(700), fresh(1)).unwrap();
    assert_eq!((asked.order.refundable(), asked.order.refunds.pending), (300, 700));
    assert_eq!(asked.order.payment_status, PaymentStatus::Paid, "nothing went back yet");
    let more = asked.order.plan_refund(&of_amount(301)).unwrap_err();
    assert_eq!(more.code(), "exceeds_refundable");
    assert_eq!(asked.payment.unwrap().refund_pending.amount(), 700);
}

#[test]
fn gift_cards_get_theirs_first_and_money_goes_last() {
    let (order, payment) = paid(Currency::EUR, &[(2, 2000)], 0, 700);
    let first = refunded(&order, &payment, 1, &of_lines(&[(0, 1)]));
    assert_eq!(first.refund.money.amount(), 300);
    assert_eq!(first.refund.amount().amount(), 1000);
    assert_eq!(first.refund.gift_entries()[0].amount.amount(), 700);
    assert_eq!(first.order.tender_refundable(), 0);
    assert_eq!(first.order.payment_status, PaymentStatus::PartiallyRefunded);
    let second = refunded(&first.order, &first.payment.unwrap(), 2, &of_lines(&[(0, 1)]));
    assert_eq!(second.refund.money.amount(), 1000);
    assert_eq!(second.order.payment_status, PaymentStatus::Refunded);
    // Called off afterwards, the card is not given its money once more.
    let off = first.order.clone().call_off(now()).unwrap();
    let entries = off.tendering.since(Some(&first.order.tendering), off.id, now());
    assert!(entries[0].amount.is_zero());
    assert_eq!(
        entries[0].account,
        Account::GiftCard(GiftCardId::from_ulid(Ulid::from_parts(1, 1)))
    );
}

#[test]
fn what_only_gift_cards_paid_is_back_at_once() {
    let (mut order, _) = paid(Currency::EUR, &[(1, 1000)], 0, 1000);
    order.payment = None;
    let all = order.request_refund(None, 0, &of_lines(&[(0, 1)]), fresh(1)).unwrap();
    assert_eq!((all.refund.status, all.news), (Status::Succeeded, News::Succeeded));
    assert_eq!((all.refund.payment, all.entry, all.payment), (None, None, None));
    assert_eq!(all.order.payment_status, PaymentStatus::Refunded);
}

#[test]
fn a_refund_that_fails_opens_the_balance_again_also_after_it_succeeded() {
    let (order, payment) = paid(Currency::EUR, &[(2, 1001)], 0, 0);
    let done = refunded(&order, &payment, 1, &of_lines(&[(0, 1)]));
    assert_eq!(done.entry.as_ref().unwrap().kind, EntryKind::Refunded);
    let paying = done.payment.unwrap();
    let news = told(&done.refund, ToldState::Failed);
    let failed = done.refund.hear(&done.order, &paying, &news, now()).unwrap();
    assert_eq!(failed.news, News::Failed);
    assert_eq!(failed.entry.as_ref().unwrap().kind, EntryKind::RefundFailed);
    assert_eq!((failed.order.refundable(), failed.order.lines[0].refunded.units), (1001, 0));
    assert_eq!(failed.order.payment_status, PaymentStatus::Paid);
    // Older news changes nothing.
    let paying = failed.payment.unwrap();
    let old = told(&failed.refund, ToldState::Succeeded);
    assert_eq!(failed.refund.hear(&failed.order, &paying, &old, now()), None);
    // Staff ask for it again: another attempt, another key, the old name known.
    let again = failed.refund.retry(&failed.order, &paying, now()).unwrap();
    assert_ne!(again.refund.key(), failed.refund.key());
    assert!(again.refund.was_told_by(&old) && !again.refund.is_told_by(&old));
    assert_eq!((again.order.refunds.pending, again.order.lines[0].refunded.units), (501, 1));
    let twice = again.refund.retry(&again.order, &paying, now()).unwrap_err();
    assert_eq!(twice.code(), "invalid_transition");
}

#[test]
fn what_only_gift_cards_get_back_leaves_reserved_money_reserved() {
    let (mut order, mut payment) = paid(Currency::EUR, &[(1, 10_000)], 0, 4000);
    payment.authorized = std::mem::replace(&mut payment.captured, Money::zero(Currency::EUR));
    payment.status = crate::payment::Status::Authorized;
    order.captured = Money::zero(Currency::EUR);
    order.customer = Some(crate::id::CustomerId::from_ulid(Ulid::from_parts(1, 1)));
    let goodwill = Some(Money::new(1000, Currency::EUR));
    let wanted = Wanted { goodwill, ..Wanted::default() };
    let given = order.request_refund(Some(&payment), 0, &wanted, fresh(1)).unwrap();
    assert_eq!(given.order.payment_status, PaymentStatus::Authorized);
    assert_eq!((given.payment, given.refund.payment), (None, None), "nothing of it moves");
    let credited = order.request_credit(Some(&payment), 0, &wanted, fresh(1)).unwrap();
    assert_eq!(credited.order.payment_status, PaymentStatus::Authorized);
}

/// Asks for it, and the provider refuses.
fn failed(order: &Order, payment: &Payment, number: u128, wanted: &Wanted) -> Changed {
    let asked = order.request_refund(Some(payment), 0, wanted, fresh(number)).unwrap();
    let refund = asked.refund.ask(now()).unwrap();
    let paying = asked.payment.unwrap();
    refund.refused(&asked.order, &paying, "charge_disputed".into(), now()).unwrap()
}

#[test]
fn what_was_given_meanwhile_is_not_given_again_by_a_refund_that_is_tried_again() {
    let (order, payment) = paid(Currency::EUR, &[(3, 1000)], 490, 0);
    let shipping = Wanted { shipping: Some(Money::new(490, Currency::EUR)), ..Wanted::default() };
    let first = failed(&order, &payment, 1, &shipping);
    let done = refunded(&first.order, &first.payment.unwrap(), 2, &shipping);
    let refusal = first.refund.retry(&done.order, &done.payment.unwrap(), now()).unwrap_err();
    assert_eq!(refusal, Refusal::TooMuchShipping { left: Money::zero(Currency::EUR) });

    // The first of three units costs a cent more than the last.
    let first = failed(&order, &payment, 1, &of_lines(&[(0, 1)]));
    let done = refunded(&first.order, &first.payment.unwrap(), 2, &of_lines(&[(0, 2)]));
    let refusal = first.refund.retry(&done.order, &done.payment.unwrap(), now()).unwrap_err();
    let refundable = Money::new(333, Currency::EUR);
    assert_eq!(refusal, Refusal::ExceedsRefundable { refundable });
}

#[test]
fn a_refund_that_came_back_is_tried_again_and_not_replaced_by_another() {
    let (order, payment) = paid(Currency::EUR, &[(3, 1000), (1, 500)], 490, 0);
    let done = refunded(&order, &payment, 1, &of_lines(&[(0, 2)]));
    let back = told(&done.refund, ToldState::Failed);
    let back = done.refund.hear(&done.order, &done.payment.unwrap(), &back, now()).unwrap();
    let (order, payment) = (back.order, back.payment.unwrap());
    let spared = |order: &Order, refund: &Refund, wanted: &Wanted| {
        let given = order.request_refund(Some(&payment), 1, wanted, fresh(2)).unwrap();
        given.spares(order, std::slice::from_ref(refund))
    };
    let came_back = Err(Refusal::CameBack { refund: back.refund.id });
    assert_eq!(spared(&order, &back.refund, &of_lines(&[(0, 2)])), came_back);
    assert_eq!(spared(&order, &back.refund, &of_amount(1990 - 666)), came_back);
    assert_eq!(spared(&order, &back.refund, &of_lines(&[(1, 1)])), Ok(()));
    assert_eq!(spared(&order, &back.refund, &of_amount(1990 - 667)), Ok(()));
    // One that never succeeded has no credit note, and one that can not be had needs nothing.
    let never = Refund { succeeded_at: None, ..back.refund.clone() };
    assert_eq!(spared(&order, &never, &of_lines(&[(0, 2)])), Ok(()));
    let mut poor = order.clone();
    poor.refunds.lost = 1990 - 666;
    assert_eq!(spared(&poor, &back.refund, &of_amount(666)), Ok(()));
    let again = back.refund.retry(&order, &payment, now()).unwrap();
    let taken = told(&again.refund, ToldState::Succeeded);
    let again =
        again.refund.ask(now()).unwrap().hear(&again.order, &again.payment.unwrap(), &taken, now());
    let mut again = again.unwrap();
    assert_eq!(again.news, News::SucceededAgain, "the buyer and the books know of it");
    let fact = again.order.say_refund_moved(&again.refund, again.news);
    assert!(matches!(fact, Fact::RefundMoved { is_again: true, .. }), "{fact:?}");
    assert_eq!((fact.name(), fact.counted()), ("refund.succeeded", None));
}

#[test]
fn every_step_of_a_refund_at_the_provider_is_news() {
    let (order, payment) = paid(Currency::EUR, &[(2, 1001)], 0, 0);
    let asked = order.request_refund(Some(&payment), 0, &of_lines(&[(0, 1)]), fresh(1)).unwrap();
    assert_eq!(asked.news, News::None, "the queue hears of it");
    let (paying, order) = (asked.payment.unwrap(), asked.order);
    let asking = asked.refund.ask(now()).unwrap();
    let step = |refund: &Refund, state| refund.hear(&order, &paying, &told(refund, state), now());
    let pending = step(&asking, ToldState::Pending).unwrap();
    assert_eq!(pending.news, News::Underway);
    assert_eq!(step(&pending.refund, ToldState::Pending), None, "once");
    let waiting = step(&pending.refund, ToldState::RequiresAction).unwrap();
    assert_eq!(waiting.news, News::Underway);
    assert_eq!(step(&waiting.refund, ToldState::Succeeded).unwrap().news, News::Succeeded);
    assert_eq!(step(&waiting.refund, ToldState::Canceled).unwrap().news, News::Failed);
}

#[test]
fn all_that_the_provider_can_move_goes_back_where_credit_left_less_than_a_step() {
    let (mut order, payment) = paid(Currency::KWD, &[(1, 10_000)], 0, 0);
    order.customer = Some(crate::id::CustomerId::from_ulid(Ulid::from_parts(1, 1)));
    let amount = Some(Money::new(1235, Currency::KWD));
    let wanted = Wanted { amount, ..Wanted::default() };
    let credited = order.request_credit(Some(&payment), 0, &wanted, fresh(1)).unwrap();
    let back = credited.order.return_all(&payment, Origin::Cancellation, fresh(2)).unwrap();
    assert_eq!((back.refund.money.amount(), back.order.refundable()), (8760, 5));
    assert_eq!(back.order.return_all(&payment, Origin::Cancellation, fresh(3)), None);
}

#[test]
fn a_refund_made_at_the_provider_is_taken_over_as_what_it_is() {
    let (order, payment) = paid(Currency::EUR, &[(1, 1000)], 0, 0);
    let told = |state| Told {
        provider_ref: "re_dashboard".into(),
        state,
        amount: Money::new(400, Currency::EUR),
        refund: None,
        attempt: None,
        failure: None,
    };
    let taken = order.adopt_refund(&payment, &told(ToldState::Pending), now()).unwrap();
    assert_eq!((taken.order.refundable(), taken.refund.origin), (600, Origin::Provider));
    let paying = taken.payment.unwrap();
    let done = taken.refund.hear(&taken.order, &paying, &told(ToldState::Succeeded), now());
    let done = done.unwrap();
    assert_eq!((done.order.refunded.amount(), done.order.refunds.pending), (400, 0));
    let twin = order.adopt_refund(&payment, &told(ToldState::Succeeded), now()).unwrap();
    assert_eq!(twin.refund.id, done.refund.id, "one id, so that it counts once");
    assert_eq!(order.adopt_refund(&payment, &told(ToldState::Failed), now()), None);
}

#[test]
fn the_provider_may_refuse_and_the_money_is_refundable_again() {
    let (order, payment) = paid(Currency::EUR, &[(1, 1000)], 0, 0);
    let asked = order.request_refund(Some(&payment), 0, &of_amount(1000), fresh(1)).unwrap();
    let refund = asked.refund.ask(now()).unwrap();
    let paying = asked.payment.unwrap();
    let refused = refund.refused(&asked.order, &paying, "charge_disputed".into(), now()).unwrap();
    assert_eq!((refused.refund.status, refused.order.refundable()), (Status::Failed, 1000));
    let again = refused.refund.refused(&refused.order, &paying, "x".into(), now());
    assert_eq!(again, None);
}

/// Each step of a customer's whims, as far as it is possible: never more than was taken, and the
/// rest of everything gives exactly what is left.
fn whims(currency: Currency, lines: &[(u32, i64)], shipping: i64, gift: i64, steps: &[(u8, u32)]) {
    let (mut order, mut payment) = paid(currency, lines, shipping, gift);
    let mut given = 0;
    let mut number = 0;
    let mut go = |order: &mut Order, payment: &mut Payment, wanted: &Wanted| {
        number += 1;
        let Ok(asked) = order.request_refund(Some(payment), 0, wanted, fresh(number)) else {
            return;
        };
        given += asked.refund.amount().amount();
        let paying = asked.payment.clone().unwrap_or_else(|| payment.clone());
        let (mut after, mut paid) = (asked.order.clone(), paying.clone());
        if asked.refund.money.is_positive() {
            assert!(currency.stripe_amount(asked.refund.money.amount()).is_ok());
            let refund = asked.refund.ask(now()).unwrap();
            let done = told(&refund, ToldState::Succeeded);
            let done = refund.hear(&after, &paid, &done, now()).unwrap();
            (after, paid) = (done.order, done.payment.unwrap());
        }
        (*order, *payment) = (after, paid);
        assert!(order.refundable() >= 0 && order.tender_refundable() >= 0);
    };
    for (kind, number) in steps {
        let at = usize::from(*kind) % (lines.len() + 1);
        let wanted = if at < lines.len() {
            of_lines(&[(at, number % 3 + 1)])
        } else {
            let left = order.shipping_left().amount();
            let part = left * i64::from(number % 4) / 3;
            Wanted { shipping: Some(Money::new(part.min(left), currency)), ..Wanted::default() }
        };
        go(&mut order, &mut payment, &wanted);
    }
    let left: Vec<(OrderLineId, u32)> = order
        .lines
        .iter()
        .map(|line| (line.id, line.quantity - line.refunded.units))
        .filter(|(_, left)| *left > 0)
        .collect();
    let rest = Wanted { lines: left, shipping: Some(order.shipping_left()), ..Wanted::default() };
    go(&mut order, &mut payment, &rest);
    assert_eq!((order.refundable(), order.tender_refundable()), (0, 0), "to exactly nothing");
    assert_eq!(given, order.totals.total.amount());
    assert_eq!((order.refunds.carried, order.refunds.pending), (0, 0));
    assert_eq!(order.payment_status, PaymentStatus::Refunded);
}

proptest! {
    #[test]
    fn parts_of_an_order_refunded_in_any_order_come_to_what_was_taken(
        lines in proptest::collection::vec((1..7u32, 1..5_000i64), 1..4),
        shipping in 0..900i64,
        gift in 0..3_000i64,
        steps in proptest::collection::vec((0..8u8, 0..9u32), 0..12),
    ) {
        let total: i64 = lines.iter().map(|(_, total)| total).sum::<i64>() + shipping;
        for currency in [Currency::EUR, Currency::JPY] {
            whims(currency, &lines, shipping, gift.min(total - 1), &steps);
        }
        // Dinars have three places, of which the provider moves two: the last digit is carried.
        let due = (total - gift.min(total - 1)) / 10 * 10;
        if due > 0 {
            whims(Currency::KWD, &lines, shipping, total - due, &steps);
        }
    }

    #[test]
    fn however_many_ask_at_once_no_more_is_promised_than_was_taken(
        amounts in proptest::collection::vec(1..800i64, 1..40)
    ) {
        let (mut order, mut payment) = paid(Currency::EUR, &[(1, 3000)], 0, 0);
        for (at, amount) in amounts.iter().enumerate() {
            let wanted = of_amount(*amount);
            let asked = order.request_refund(Some(&payment), at, &wanted, fresh(at as u128));
            if let Ok(asked) = asked {
                (order, payment) = (asked.order, asked.payment.unwrap());
            }
            prop_assert!(order.refundable() >= 0);
            prop_assert_eq!(order.refunds.pending, payment.refund_pending.amount());
        }
    }
}

#[test]
fn an_order_is_held_and_released_and_called_off_only_before_anything_went_out() {
    let (order, _) = paid(Currency::EUR, &[(2, 1000)], 0, 0);
    let held = order.clone().hold("Fraud?".into(), Actor::System, now()).unwrap();
    assert_eq!(held.status, order::Status::OnHold);
    assert!(held.clone().hold("Again".into(), Actor::System, now()).is_err());
    let released = held.clone().release(now()).unwrap();
    assert_eq!(released.status, order::Status::Placed);
    assert!(released.hold.as_ref().unwrap().released_at.is_some());
    assert!(released.clone().release(now()).is_err());
    let off = held.call_off(now()).unwrap();
    assert_eq!(off.status, order::Status::Canceled);
    assert_eq!(off.reservation.state, crate::reservation::State::Released);
    assert!(!off.uses_counted && off.due().is_zero());
    assert_eq!(off.clone().call_off(now()).unwrap_err().code(), "invalid_transition");
    let mut gone = order.clone();
    gone.lines[0].fulfilled = 1;
    assert_eq!(gone.call_off(now()).unwrap_err().code(), "already_fulfilled");
}

#[test]
fn what_is_being_called_off_is_held_once_and_not_released() {
    let (placed, _) = paid(Currency::EUR, &[(1, 1000)], 0, 0);
    let begun = placed.begin_call_off(Actor::System, now()).unwrap();
    assert!(begun.is_held_for(Cause::CallingOff));
    assert_eq!(begun.begin_call_off(Actor::System, now()), None);
    assert_eq!(begun.clone().release(now()).unwrap_err().code(), "being_called_off");
    let looked_at = placed.clone().hold("Fraud?".into(), Actor::System, now()).unwrap();
    let begun = looked_at.begin_call_off(Actor::System, now()).unwrap();
    assert!(begun.is_held_for(Cause::CallingOff));
    assert!(begun.hold.as_ref().unwrap().reason.ends_with("Fraud?"));
    let off = begun.call_off(now()).unwrap();
    assert_eq!(off.begin_call_off(Actor::System, now()), None);
}

#[test]
fn what_is_not_paid_or_was_paid_back_is_not_given() {
    use order::Status;
    let (placed, _) = paid(Currency::EUR, &[(1, 1000)], 0, 0);
    let at = |status| Order { status, ..placed.clone() };
    for status in [Status::Placed, Status::OnHold, Status::Completed] {
        assert!(at(status).gives_access());
    }
    for status in [Status::PendingPayment, Status::Canceled, Status::Expired] {
        assert!(!at(status).gives_access());
    }
    for (cause, is_given) in [
        (Cause::Staff, true),
        (Cause::Dispute, true),
        (Cause::FraudWarning, true),
        (Cause::PaymentLapsed, false),
        (Cause::CallingOff, false),
    ] {
        let held = placed.clone().hold_for(cause, "Look".into(), Actor::System, now()).unwrap();
        assert_eq!(held.gives_access(), is_given, "{cause:?}");
    }
}

#[test]
fn the_return_of_all_that_is_left_leaves_what_is_under_way_alone() {
    let (order, payment) = paid(Currency::EUR, &[(1, 1000)], 0, 0);
    let asked = order.request_refund(Some(&payment), 0, &of_amount(300), fresh(1)).unwrap();
    let off = asked.order.clone().call_off(now()).unwrap();
    let paying = asked.payment.unwrap();
    let back = off.return_all(&paying, Origin::Cancellation, fresh(2)).unwrap();
    assert_eq!((back.refund.money.amount(), back.order.refundable()), (700, 0));
    let nothing = back.order.return_all(&paying, Origin::Cancellation, fresh(3));
    assert_eq!(nothing, None);
}

#[test]
fn the_timeline_says_what_the_facts_say_in_their_order() {
    use crate::timeline::{Note, timeline};

    let (order, payment) = paid(Currency::EUR, &[(1, 1000)], 0, 0);
    let done = refunded(&order, &payment, 1, &of_amount(300));
    let later = now().saturating_add(jiff::SignedDuration::from_secs(60)).unwrap();
    let held = done.order.hold("Look".into(), Actor::System, later).unwrap();
    let note = Note {
        id: crate::id::NoteId::from_ulid(Ulid::from_parts(1, 1)),
        order: held.id,
        text: "Called".into(),
        by: Actor::System,
        at: now(),
    };
    let told = timeline(&held, &[payment], &[], &[done.refund], &[], &[note]);
    let what: Vec<&str> = told.iter().map(|moment| moment.what).collect();
    let wanted = [
        "order.created",
        "order.placed",
        "payment.created",
        "refund.requested",
        "refund.succeeded",
        "note.added",
        "order.held",
    ];
    assert_eq!(what, wanted);
    assert_eq!(told[3].amount, Some(Money::new(300, Currency::EUR)));
}
