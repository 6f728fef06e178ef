//! The doctor: an order explained from its facts, in plain language, for whoever has to answer a
//! customer or to find out what is stuck. It changes nothing and knows nothing that is not in the
//! order; who bought it and where it goes is not said.

mod paperwork;

use jiff::{SignedDuration, Timestamp};

use crate::dispute::{self, Dispute};
use crate::fulfillment::{self, Fulfillment};
use crate::invoice::Invoice;
use crate::line_cancel::Cancellation;
use crate::message::Delivery;
use crate::money::Money;
use crate::order::{Cause, Order, Status};
use crate::order_edit::Edit;
use crate::payment::{self, Entry, EntryKind, Payment};
use crate::refund::{self, Refund};
use crate::reservation::State;
use crate::returns::{self, Resolution, Return};

/// Who sent something back that was looked at gets what they get within this time; the law gives a
/// shop two weeks from the withdrawal (Directive 2011/83/EU art. 13).
const RESOLVED_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All that is kept of an order and that the doctor looks at.
#[derive(Debug, Clone, Copy)]
pub struct Chart<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its payments, oldest first.
    pub payments: &'a [Payment],
    /// Their entries in the ledger.
    pub entries: &'a [Entry],
    /// Its refunds, oldest first.
    pub refunds: &'a [Refund],
    /// Its parcels, oldest first.
    pub parcels: &'a [Fulfillment],
    /// Its returns, oldest first.
    pub returns: &'a [Return],
    /// Its disputes, oldest first.
    pub disputes: &'a [Dispute],
    /// Its edits, oldest first.
    pub edits: &'a [Edit],
    /// Its invoice and its credit notes.
    pub invoices: &'a [Invoice],
    /// The letters about it, oldest first.
    pub letters: &'a [Delivery],
}

/// Explains an order, a sentence a line: what it is, what happened, what is odd, what comes next.
pub fn explain(chart: Chart<'_>, now: Timestamp) -> Vec<String> {
    let mut said = vec![what_it_is(chart.order), where_it_stands(chart.order, now)];
    said.extend(chart.payments.iter().map(money));
    if chart.payments.is_empty() {
        said.push("Nothing was to be paid by card.".to_owned());
    }
    said.extend(chart.refunds.iter().map(back));
    said.extend(chart.order.cancellations.iter().map(called_off));
    said.extend(chart.edits.iter().map(|edit| paperwork::edited(edit, now)));
    said.push(stock(chart.order));
    said.extend(chart.parcels.iter().map(parcel));
    said.extend(chart.returns.iter().map(coming_back));
    said.extend(chart.disputes.iter().map(disputed));
    said.extend(chart.invoices.iter().map(paperwork::issued));
    said.extend(chart.letters.iter().map(paperwork::written));
    let odd = oddities(chart, now);
    if odd.is_empty() {
        said.push("Nothing about it is odd.".to_owned());
    }
    said.extend(odd.into_iter().map(|odd| format!("ODD: {odd}")));
    said
}

fn what_it_is(order: &Order) -> String {
    let units: u32 = order.lines.iter().map(|line| line.quantity).sum();
    let by = if order.customer.is_some() { "a customer with an account" } else { "a guest" };
    format!(
        "Order {} ({}) was made by {by} at {}: {units} units in {} lines, for {}.",
        order.number,
        order.id,
        order.created_at,
        order.lines.len(),
        order.totals.total,
    )
}

fn where_it_stands(order: &Order, now: Timestamp) -> String {
    let ended = order.ended_at.map_or_else(String::new, |at| format!(" at {at}"));
    match order.status {
        Status::PendingPayment if order.reservation.expires_at > now => format!(
            "It waits for its payment until {}; then it expires by itself.",
            order.reservation.expires_at
        ),
        Status::PendingPayment => {
            "It waits for its payment, its time is over, and the sweeper of the next minute ends \
             it or finds the money."
                .to_owned()
        }
        Status::Placed if order.done_since().is_some() => {
            "It is placed, all of it went out and nothing is owed: it is completed by itself when \
             nothing may come back any more."
                .to_owned()
        }
        Status::Placed => {
            let at = order.placed_at.map_or_else(String::new, |at| format!(" since {at}"));
            format!("It is placed{at}: paid as far as it has to be, and to be fulfilled.")
        }
        Status::OnHold => {
            "It is on hold: it is neither packed nor captured until somebody lets it go on."
                .to_owned()
        }
        Status::Completed => "It is completed: everything is done.".to_owned(),
        Status::Canceled => format!("It was canceled{ended}."),
        Status::Expired => format!("It expired{ended}: nobody paid in time."),
    }
}

fn money(payment: &Payment) -> String {
    let intent = payment.intent.as_deref().unwrap_or("no PaymentIntent yet");
    let by = match (&payment.redirect, payment.session()) {
        (None, _) => intent.to_owned(),
        (Some(_), Some(session)) => format!("{intent}, on the provider's page {session}"),
        (Some(_), None) => format!("{intent}, on a page of the provider's that is not open yet"),
    };
    let what = match payment.status {
        payment::Status::Created => "was not tried yet".to_owned(),
        payment::Status::RequiresAction => "waits for the customer's bank (3-D Secure)".to_owned(),
        payment::Status::Processing => "is under way at the provider".to_owned(),
        payment::Status::Authorized => format!("is reserved: {}", payment.authorized),
        payment::Status::Succeeded => format!("was taken: {}", payment.captured),
        payment::Status::Failed => {
            let code = payment.failure.as_ref().map_or("unknown", |failure| failure.code.as_str());
            format!("was declined ({code}); the customer may try again")
        }
        payment::Status::Canceled => "was given up before money moved".to_owned(),
        payment::Status::Expired => "was reserved, and the reservation lapsed".to_owned(),
        payment::Status::IntegrityFailed => {
            "is not what was asked for and was set aside; compare it in the provider's dashboard"
                .to_owned()
        }
    };
    format!("Payment {} of {} ({by}) {what}.", payment.id, payment.amount)
}

fn called_off(one: &Cancellation) -> String {
    let units: u32 = one.units.iter().map(|of| of.quantity).sum();
    format!("At {} {units} units for {} were called off by {}.", one.at, one.amount, one.by)
}

fn back(refund: &Refund) -> String {
    let what = match refund.status {
        refund::Status::Requested => "was decided and not asked for yet",
        refund::Status::Processing => "is under way at the provider",
        refund::Status::RequiresAction => "waits for something of the customer",
        refund::Status::Succeeded => "is on its way to the customer",
        refund::Status::Failed => "did not come about, or came back: try it again",
        refund::Status::Canceled => "was called off",
    };
    format!("Refund {} of {} {what}.", refund.id, refund.money)
}

fn stock(order: &Order) -> String {
    match order.reservation.state {
        State::NotRequired => "It needs no stock.",
        State::Held => "Its stock is held while the payment is awaited.",
        State::Committed => "Its stock is set aside for it.",
        State::Consumed => "Its stock has left.",
        State::Released => "Its stock was given back when it was canceled.",
        State::Expired => "Its stock was given back when it expired.",
        State::Restocked => "Its stock came back and is for sale again.",
        State::WrittenOff => "Its stock came back and was written off.",
    }
    .to_owned()
}

fn parcel(parcel: &Fulfillment) -> String {
    let what = match parcel.status {
        fulfillment::Status::Open => "is to be packed",
        fulfillment::Status::Packed => "is packed and waits for the carrier",
        fulfillment::Status::Shipped => "has left",
        fulfillment::Status::Delivered => "arrived",
        fulfillment::Status::Canceled => "was called off before it left",
        fulfillment::Status::Lost => "left and arrived nowhere",
        fulfillment::Status::ReturnedToSender => "left and came back",
    };
    let units: u32 = parcel.lines.iter().map(|line| line.quantity).sum();
    format!("Parcel {} of {units} units {what}.", parcel.id)
}

fn coming_back(one: &Return) -> String {
    let units: u32 = one.items.iter().map(|item| item.quantity).sum();
    let what = match one.status {
        returns::Status::Requested => "was asked for; somebody has to approve or reject it".into(),
        returns::Status::Approved => match one.expires_at {
            Some(at) => format!("was approved and is awaited until {at}"),
            None => "was approved and is awaited".to_owned(),
        },
        returns::Status::InTransit => "is on its way, as the buyer says".to_owned(),
        returns::Status::PartiallyReceived => "came in part, and was looked at".to_owned(),
        returns::Status::Received => {
            "was looked at; somebody has to decide what the buyer gets".to_owned()
        }
        returns::Status::Resolved => format!("is settled: {}", given(one.resolution.as_ref())),
        returns::Status::Rejected => "was rejected".to_owned(),
        returns::Status::Canceled => "was called off before anything came".to_owned(),
        returns::Status::Expired => "came to nothing: nothing was sent in time".to_owned(),
    };
    format!("Return {} of {units} units {what}.", one.id)
}

/// What the buyer got for what came back.
fn given(resolution: Option<&Resolution>) -> String {
    match resolution {
        Some(Resolution::Refund { refund, amount }) => {
            format!("{amount} go back by refund {refund}")
        }
        Some(Resolution::StoreCredit { amount, .. }) => format!("{amount} are store credit"),
        Some(Resolution::Exchange { order, due, .. }) => {
            format!("other goods go out by order {order}, with {due} to be paid")
        }
        Some(Resolution::None { .. }) | None => "the buyer got nothing for it".to_owned(),
    }
}

fn disputed(one: &Dispute) -> String {
    let name = if one.is_inquiry { "Inquiry" } else { "Dispute" };
    let what = match one.status {
        dispute::Status::NeedsResponse if one.pending().is_some() => {
            "was answered, and the provider is being told".to_owned()
        }
        dispute::Status::NeedsResponse => match one.due_by {
            Some(at) => format!("waits for the shop's answer until {at}"),
            None => "waits for the shop's answer".to_owned(),
        },
        dispute::Status::UnderReview => "was answered, and the bank decides".to_owned(),
        dispute::Status::Won => "was won: its money is the shop's".to_owned(),
        dispute::Status::Lost => "was lost: its money is gone".to_owned(),
    };
    format!("{name} {} about {} ({}) {what}.", one.id, one.amount, one.reason)
}

/// What does not fit together, each with what to do.
fn oddities(chart: Chart<'_>, now: Timestamp) -> Vec<String> {
    let mut odd = odd_money(chart, now);
    odd.extend(odd_disputes(chart, now));
    odd.extend(chart.returns.iter().filter_map(|one| odd_return(one, now)));
    odd.extend(paperwork::odd(chart.invoices, chart.letters, now));
    odd
}

fn odd_disputes(chart: Chart<'_>, now: Timestamp) -> Vec<String> {
    let Chart { order, disputes, .. } = chart;
    let mut odd = Vec::new();
    for one in disputes.iter().filter(|one| one.waits()) {
        if let Some(failure) = one.answer.as_ref().and_then(|answer| answer.failure.as_ref()) {
            odd.push(format!(
                "the answer to dispute {} was not taken ({failure}); answer again.",
                one.id
            ));
        }
        if one.due_by.is_some_and(|at| at < now) {
            odd.push(format!(
                "the time to answer dispute {} is over; the hourly reconciliation asks the \
                 provider what became of it.",
                one.id
            ));
        }
    }
    let is_open = |one: &&Dispute| one.status.is_open() && !one.is_inquiry;
    let is_lost = |one: &&Dispute| one.status == dispute::Status::Lost;
    let sum = |which: &dyn Fn(&&Dispute) -> bool| -> i64 {
        disputes.iter().filter(|one| which(one)).map(|one| one.amount.amount()).sum()
    };
    if (order.refunds.disputed, order.refunds.lost) != (sum(&is_open), sum(&is_lost)) {
        odd.push("what it counts as disputed or lost is not what its disputes say.".to_owned());
    }
    if order.status == Status::Placed
        && disputes.iter().any(|one| is_open(&one))
        && !order.unshipped_units().is_empty()
    {
        odd.push("it is disputed and its goods may leave all the same; hold it.".to_owned());
    }
    let all_won = disputes.iter().all(|one| one.status == dispute::Status::Won);
    if order.is_held_for(Cause::Dispute) && all_won {
        odd.push("it is held for a dispute and none is open or lost; let it go on.".to_owned());
    }
    if order.is_held_for(Cause::CallingOff) {
        odd.push("somebody began to call it off and did not come to the end; do so.".to_owned());
    }
    odd
}

fn odd_return(one: &Return, now: Timestamp) -> Option<String> {
    let id = one.id;
    match one.status {
        returns::Status::Approved if one.expires_at.is_some_and(|at| at < now) => {
            Some(format!("return {id} is awaited no more; the job of the next hour ends it."))
        }
        returns::Status::Received
            if one.received_at.is_some_and(|at| now.duration_since(at) > RESOLVED_WITHIN) =>
        {
            Some(format!(
                "return {id} was looked at more than a week ago, and its buyer still waits for \
                 what they get."
            ))
        }
        returns::Status::Requested
        | returns::Status::Approved
        | returns::Status::InTransit
        | returns::Status::PartiallyReceived
        | returns::Status::Received
        | returns::Status::Resolved
        | returns::Status::Rejected
        | returns::Status::Canceled
        | returns::Status::Expired => None,
    }
}

fn odd_money(chart: Chart<'_>, now: Timestamp) -> Vec<String> {
    let Chart { order, payments, entries, refunds, .. } = chart;
    let mut odd = Vec::new();
    let currency = order.currency;
    let sum = |amounts: &dyn Fn(&Payment) -> Money| -> i64 {
        payments.iter().map(|payment| amounts(payment).amount()).sum()
    };
    let captured = sum(&|payment| payment.captured);
    let refunded = sum(&|payment| payment.refunded);
    if captured != order.captured.amount() {
        let there = Money::new(captured, currency);
        odd.push(format!(
            "its payments took {there} and it says {}; run the reconciliation.",
            order.captured
        ));
    }
    let written = |kind| -> i64 {
        let of_kind = entries.iter().filter(|entry| entry.kind == kind);
        of_kind.map(|entry| entry.amount.amount()).sum()
    };
    let back = written(EntryKind::Refunded).saturating_sub(written(EntryKind::RefundFailed));
    if written(EntryKind::Captured) != captured || back != refunded {
        odd.push(
            "the ledger's entries do not add up to its payments; keep it as it is.".to_owned(),
        );
    }
    if order.status == Status::PendingPayment && captured > refunded {
        odd.push(
            "it is paid and waits all the same; the webhook was lost, and the hourly \
             reconciliation asks the provider again."
                .to_owned(),
        );
    }
    let is_over = matches!(order.status, Status::Canceled | Status::Expired);
    let pending = sum(&|payment| payment.refund_pending);
    if is_over && captured > refunded.saturating_add(pending) {
        odd.push("it is over and its money is still here; refund it.".to_owned());
    }
    if is_over && matches!(order.reservation.state, State::Held | State::Committed) {
        odd.push("it is over and its stock is still set aside; call whoever runs it.".to_owned());
    }
    if order.status == Status::PendingPayment && order.reservation.may_be_taken_over(now) {
        odd.push("its hold is over: the next buyer may have the units.".to_owned());
    }
    for refund in refunds.iter().filter(|refund| refund.status == refund::Status::Failed) {
        odd.push(format!("refund {} failed and somebody has to decide about it.", refund.id));
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn order(status: Status, stock: State) -> Order {
        let mut order = crate::invoice::tests::order(2, "EUR", "inclusive", &[190_000]);
        order.status = status;
        order.reservation.state = stock;
        order.captured = Money::zero(order.currency);
        order
    }

    fn chart(order: &Order) -> Chart<'_> {
        Chart {
            order,
            payments: &[],
            entries: &[],
            refunds: &[],
            parcels: &[],
            returns: &[],
            disputes: &[],
            edits: &[],
            invoices: &[],
            letters: &[],
        }
    }

    #[test]
    fn an_order_is_explained_without_saying_whose_it_is() {
        let order = order(Status::Placed, State::Committed);
        let said = explain(chart(&order), at());
        assert!(said[0].starts_with(&format!("Order {}", order.number)), "{said:?}");
        assert!(said[1].starts_with("It is placed"));
        assert_eq!(said.last().unwrap(), "Nothing about it is odd.");
        let all = said.join("\n");
        assert!(!all.contains(order.email.as_str()) && !all.contains('@'), "{all}");
    }

    #[test]
    fn what_does_not_fit_together_is_said_with_what_to_do() {
        let order = order(Status::Canceled, State::Committed);
        let said = explain(chart(&order), at());
        let odd: Vec<_> = said.iter().filter(|line| line.starts_with("ODD: ")).collect();
        assert_eq!(odd.len(), 1, "{said:?}");
        assert!(odd[0].contains("its stock is still set aside"));
    }

    fn dispute(order: &Order, status: dispute::Status) -> Dispute {
        let ulid = crate::id::Ulid::from_parts(1, 1);
        Dispute {
            id: crate::id::DisputeId::from_ulid(ulid),
            order: order.id,
            order_number: order.number.clone(),
            payment: crate::id::PaymentId::from_ulid(ulid),
            provider_ref: "du_1".into(),
            status,
            is_inquiry: false,
            reason: "fraudulent".into(),
            amount: Money::new(1_000, order.currency),
            due_by: Some(at()),
            answer: None,
            answers: 0,
            opened_at: at(),
            closed_at: None,
            lost_at: None,
            version: 1,
            created_at: at(),
            updated_at: at(),
        }
    }

    fn return_of(order: &Order, status: returns::Status) -> Return {
        Return {
            id: crate::id::ReturnId::from_ulid(crate::id::Ulid::from_parts(1, 1)),
            order: order.id,
            order_number: order.number.clone(),
            status,
            items: Vec::new(),
            by: crate::audit::Actor::System,
            wish: Vec::new(),
            approval: None,
            rejection: None,
            carriage: crate::fulfillment::Carriage::default(),
            resolution: None,
            version: 1,
            created_at: at(),
            expires_at: Some(at()),
            sent_at: None,
            received_at: Some(at()),
            resolved_at: None,
            ended_at: None,
            updated_at: at(),
        }
    }

    /// What is odd about an order with this dispute, so long after.
    fn odd_with(order: &Order, dispute: &Dispute, days: i64) -> Vec<String> {
        let disputes = std::slice::from_ref(dispute);
        let now = at() + SignedDuration::from_hours(days * 24);
        let said = explain(Chart { disputes, ..chart(order) }, now);
        said.into_iter().filter(|line| line.starts_with("ODD: ")).collect()
    }

    #[test]
    fn a_dispute_is_told_of_with_what_is_to_be_done_about_it() {
        let mut order = order(Status::OnHold, State::Committed);
        let by = crate::audit::Actor::System;
        let placed = Order { status: Status::Placed, ..order.clone() };
        order = placed.clone().hold_for(Cause::Dispute, "Dispute".into(), by, at()).unwrap();
        order.refunds.disputed = 1_000;
        let open = dispute(&order, dispute::Status::NeedsResponse);
        assert!(disputed(&open).contains("waits for the shop's answer until 2026"));
        assert!(odd_with(&order, &open, -1).is_empty());
        let late = odd_with(&order, &open, 1);
        assert!(late.len() == 1 && late[0].contains("the time to answer"), "{late:?}");
        let going = Order { refunds: order.refunds, ..placed };
        let odd = odd_with(&going, &open, -1);
        assert!(odd.len() == 1 && odd[0].contains("hold it"), "{odd:?}");

        let won = dispute(&order, dispute::Status::Won);
        let odd = odd_with(&order, &won, 0);
        assert_eq!(odd.len(), 2, "held for nothing, and counted as disputed: {odd:?}");
        order.refunds.disputed = 0;
        let odd = odd_with(&order, &won, 0);
        assert!(odd.len() == 1 && odd[0].contains("let it go on"), "{odd:?}");
        let lost = dispute(&order, dispute::Status::Lost);
        order.refunds.lost = 1_000;
        assert!(odd_with(&order, &lost, 0).is_empty());
    }

    #[test]
    fn a_return_that_hangs_is_odd() {
        let order = order(Status::Completed, State::Consumed);
        let say = |one: &Return, days: i64| {
            let now = at() + SignedDuration::from_hours(days * 24);
            explain(Chart { returns: std::slice::from_ref(one), ..chart(&order) }, now)
        };
        for status in returns::Status::ALL {
            let one = return_of(&order, status);
            let sentence = coming_back(&one);
            assert!(sentence.starts_with("Return ret_") && sentence.ends_with('.'), "{sentence}");
            assert_eq!(say(&one, 0).last().unwrap(), "Nothing about it is odd.");
            let hangs = matches!(status, returns::Status::Approved | returns::Status::Received);
            assert_eq!(say(&one, 8).last().unwrap().starts_with("ODD: return ret_"), hangs);
        }
    }

    #[test]
    fn every_status_has_its_sentence() {
        for status in Status::ALL {
            let order = order(status, State::NotRequired);
            let sentence = where_it_stands(&order, at());
            assert!(sentence.starts_with("It ") && sentence.ends_with('.'), "{sentence}");
        }
    }
}
