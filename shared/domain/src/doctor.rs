//! The doctor: an order explained from its facts, in plain language, for whoever has to answer a
//! customer or to find out what is stuck. It changes nothing and knows nothing that is not in the
//! order; who bought it and where it goes is not said.

use jiff::Timestamp;

use crate::fulfillment::{self, Fulfillment};
use crate::line_cancel::Cancellation;
use crate::money::Money;
use crate::order::{Order, Status};
use crate::payment::{self, Entry, EntryKind, Payment};
use crate::refund::{self, Refund};
use crate::reservation::State;

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
    said.push(stock(chart.order));
    said.extend(chart.parcels.iter().map(parcel));
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
    format!("Payment {} of {} ({intent}) {what}.", payment.id, payment.amount)
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

/// What does not fit together, each with what to do.
fn oddities(chart: Chart<'_>, now: Timestamp) -> Vec<String> {
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
        Chart { order, payments: &[], entries: &[], refunds: &[], parcels: &[] }
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

    #[test]
    fn every_status_has_its_sentence() {
        for status in Status::ALL {
            let order = order(status, State::NotRequired);
            let sentence = where_it_stands(&order, at());
            assert!(sentence.starts_with("It ") && sentence.ends_with('.'), "{sentence}");
        }
    }
}
