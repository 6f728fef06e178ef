//! Disputes: what is heard twice, late or out of order ends the same, and is counted once.

use super::*;
use crate::currency::Currency;
use crate::id::Ulid;
use crate::order::Status as Order_;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

/// An order of 19.00, paid by card.
fn paid() -> (Order, Payment) {
    let mut order = crate::invoice::tests::order(1, "EUR", "inclusive", &[190_000]);
    order.status = Order_::Placed;
    order.hold = None;
    order.captured = order.totals.total;
    order.refunded = eur(0);
    let mut payment = Payment::open(
        PaymentId::from_ulid(Ulid::from_parts(1, 2)),
        order.id,
        order.captured,
        at(0),
    );
    payment.status = crate::payment::Status::Succeeded;
    payment.captured = order.captured;
    order.follow_money(Some(&payment), at(0));
    (order, payment)
}

fn told(status: Status) -> Told {
    Told {
        provider_ref: "du_1".into(),
        intent: Some("pi_1".into()),
        status,
        is_inquiry: false,
        reason: "fraudulent".into(),
        amount: eur(100),
        due_by: Some(at(900)),
        opened_at: at(0),
    }
}

/// What is left after the provider's words, one after the other; of all but the last nothing may
/// be lost to the machine.
fn heard(words: &[Told]) -> (Order, Vec<Dispute>, Vec<EntryKind>) {
    let (mut order, payment) = paid();
    let (mut disputes, mut entries): (Vec<Dispute>, Vec<EntryKind>) = (Vec::new(), Vec::new());
    for (second, word) in (1..).zip(words) {
        let Some(changed) = order.hear_dispute(&payment, &disputes, word, at(second)) else {
            continue;
        };
        disputes.retain(|one| one.id != changed.dispute.id);
        disputes.push(changed.dispute);
        entries.extend(changed.entry.map(|entry| entry.kind));
        order = changed.order;
    }
    (order, disputes, entries)
}

#[test]
fn the_transition_matrix() {
    expect_test::expect_file!["matrix.txt"]
        .assert_eq(&crate::order::tests::matrix(&Status::ALL, Status::may_become));
}

#[test]
fn a_dispute_holds_its_order_and_its_money_and_a_won_one_gives_both_back() {
    let (before, _) = paid();
    let (order, disputes, entries) = heard(&[told(Status::NeedsResponse)]);
    assert!(order.is_held_for(Cause::Dispute));
    assert_eq!(order.refundable(), before.refundable() - 100);
    assert_eq!((order.dispute_status, disputes[0].waits()), (Some(Status::NeedsResponse), true));
    assert_eq!(order.payment_status, before.payment_status, "nothing is lost yet");
    assert_eq!(entries, []);
    let words = [told(Status::NeedsResponse), told(Status::UnderReview), told(Status::Won)];
    let (order, disputes, entries) = heard(&words);
    assert_eq!((order.status, order.refundable()), (Order_::Placed, before.refundable()));
    assert_eq!((order.payment_status, entries), (before.payment_status, vec![]));
    assert!(disputes[0].closed_at.is_some());
}

#[test]
fn what_is_lost_is_counted_once_and_leaves_the_order_on_hold() {
    let words = [told(Status::NeedsResponse), told(Status::Lost), told(Status::Lost)];
    let (order, _, entries) = heard(&words);
    assert_eq!(
        (order.status, order.refunds.lost, order.refunds.disputed),
        (Order_::OnHold, 100, 0)
    );
    assert_eq!(order.payment_status, crate::order::PaymentStatus::PartiallyPaid);
    assert_eq!(entries, [EntryKind::Lost]);
    // A bank that changes its mind gives it back, once.
    let words = [told(Status::Lost), told(Status::Won), told(Status::Lost), told(Status::Won)];
    let (order, _, entries) = heard(&words);
    assert_eq!(entries, [EntryKind::Lost, EntryKind::LossReturned]);
    assert_eq!((order.refunds.lost, order.dispute_status), (0, Some(Status::Won)));
}

#[test]
fn an_inquiry_takes_no_money_until_it_becomes_a_dispute() {
    let ask = |status| Told { is_inquiry: true, ..told(status) };
    let (order, disputes, _) = heard(&[ask(Status::NeedsResponse)]);
    assert!(order.is_held_for(Cause::Dispute) && disputes[0].is_inquiry);
    assert_eq!(order.refunds.disputed, 0);
    let (order, disputes, _) = heard(&[ask(Status::UnderReview), told(Status::NeedsResponse)]);
    assert_eq!((order.refunds.disputed, disputes[0].is_inquiry), (100, false));
}

#[test]
fn what_staff_hold_stays_held_and_one_of_two_disputes_releases_nothing() {
    let (order, payment) = paid();
    let order = order.hold("Asked for another address".into(), Actor::System, at(0)).unwrap();
    let opened = order.hear_dispute(&payment, &[], &told(Status::NeedsResponse), at(1)).unwrap();
    assert!(opened.order.is_held_for(Cause::Staff));
    let known = [opened.dispute.clone()];
    let won = opened.order.hear_dispute(&payment, &known, &told(Status::Won), at(2)).unwrap();
    assert_eq!(won.order.status, Order_::OnHold);

    let other = |status| Told { provider_ref: "du_2".into(), ..told(status) };
    let words = [told(Status::NeedsResponse), other(Status::NeedsResponse), told(Status::Won)];
    let (order, _, _) = heard(&words);
    assert_eq!((order.status, order.dispute_status), (Order_::OnHold, Some(Status::NeedsResponse)));
    let words = [words.as_slice(), &[other(Status::Won)]].concat();
    assert_eq!(heard(&words).0.status, Order_::Placed);
}

#[test]
fn in_whatever_order_and_however_often_it_is_told_the_last_word_holds() {
    // The provider's object only ever moves on; each word is its state at that moment.
    for repeat in 1..4 {
        for end in [Status::Won, Status::Lost] {
            let words: Vec<Told> = [Status::NeedsResponse, Status::UnderReview, end]
                .into_iter()
                .flat_map(|status| std::iter::repeat_n(told(status), repeat))
                .collect();
            for skipped in 0..3 * repeat - 1 {
                let mut some = words.clone();
                some.remove(skipped);
                let (order, disputes, _) = heard(&some);
                assert_eq!((order.dispute_status, disputes.len()), (Some(end), 1));
                let lost = if end == Status::Lost { 100 } else { 0 };
                assert_eq!((order.refunds.lost, order.refunds.disputed), (lost, 0));
            }
        }
    }
}

#[test]
fn an_answer_is_given_once_in_time_and_again_where_the_provider_did_not_take_it() {
    let (_, mut disputes, _) = heard(&[told(Status::NeedsResponse)]);
    let dispute = disputes.remove(0);
    let answer = |dispute: &Dispute, second| {
        dispute.answer(AnswerKind::Evidence, Evidence::default(), Actor::System, at(second))
    };
    let answered = answer(&dispute, 5).unwrap();
    assert!(!answered.waits() && answered.pending().is_some());
    assert_eq!(answer(&answered, 6), Err(Refusal::Answered));
    let refused = answered.refused("past_due".into(), at(7)).unwrap();
    assert!(refused.waits());
    let again = answer(&refused, 8).unwrap();
    let keys = [&answered, &again].map(|one| one.key(one.answer.as_ref().unwrap()));
    assert_ne!(keys[0], keys[1], "what was refused is asked under another key");
    assert_eq!(answer(&again.taken(at(9)).unwrap(), 10), Err(Refusal::Answered));
    assert_eq!(answer(&dispute, 900), Err(Refusal::TooLate { due_by: at(900) }));
    let won = Dispute { status: Status::Won, ..dispute };
    assert_eq!(answer(&won, 1).unwrap_err().code(), "invalid_transition");
}

#[test]
fn what_the_order_says_for_itself_gives_way_to_what_staff_write() {
    let (order, _) = paid();
    let line = &order.lines[0];
    let known = evidence::Known {
        order: &order,
        parcels: &[],
        refunds: &[],
        downloads: &[(line, 2)],
        letters: &[],
        return_policy: "30 days",
    };
    let pack = Evidence::of(known);
    assert_eq!(pack.customer_email_address.as_deref(), Some(order.email.as_str()));
    assert!(pack.access_activity_log.as_ref().unwrap().contains("2 times"));
    assert!(pack.uncategorized_text.as_ref().unwrap().contains(&order.number));
    let own = Evidence { customer_name: Some("J. Roe".into()), ..Evidence::default() };
    let both = own.or(pack.clone());
    assert_eq!(both.customer_name.as_deref(), Some("J. Roe"));
    assert_eq!(both.product_description, pack.product_description);
    assert!(!format!("{both:?}").contains(order.email.as_str()), "nothing personal is printed");
    for name in Evidence::FIELDS {
        assert!(Evidence::default().field(name).is_some(), "{name}");
    }
}
