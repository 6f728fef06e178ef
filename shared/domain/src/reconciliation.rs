//! Reconciliation: what the payment provider says of a PaymentIntent, the payment and its order,
//! and the ledger, laid side by side. Whatever differs is named with its cause and with what to do.
//!
//! The provider's word about money is the truth about money; our books are made to follow it where
//! a rule exists for that, and shown to a person where none does. Nothing is made up.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{OrderId, PaymentId};
use crate::money::Money;
use crate::order::{Order, Status};
use crate::payment::{self, Entry, EntryKind, Intent, IntentState, Payment};
use crate::refund::{Told, ToldState};

/// Why two of the books differ.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReconciliationCause")]
pub enum Cause {
    /// Money came, and the payment does not know of it: nobody heard the provider's webhook.
    WebhookLost,
    /// Money came that names no order of ours.
    OrderUnknown,
    /// Money came that is not what was asked for; it was set aside when it came.
    Quarantined,
    /// The payment knows of more or less money than came.
    CapturedDiffers,
    /// The provider returned more or less than the payment knows of.
    RefundedDiffers,
    /// The ledger's entries do not add up to what the payment says.
    LedgerDiffers,
    /// Money is there, and its order is neither placed nor was the money sent back.
    OrderNotPlaced,
    /// The payment knows of money, and the provider has no such PaymentIntent.
    ProviderUnknown,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::WebhookLost,
        Self::OrderUnknown,
        Self::Quarantined,
        Self::CapturedDiffers,
        Self::RefundedDiffers,
        Self::LedgerDiffers,
        Self::OrderNotPlaced,
        Self::ProviderUnknown,
    ];

    /// The name in keys and logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::WebhookLost => "webhook_lost",
            Self::OrderUnknown => "order_unknown",
            Self::Quarantined => "quarantined",
            Self::CapturedDiffers => "captured_differs",
            Self::RefundedDiffers => "refunded_differs",
            Self::LedgerDiffers => "ledger_differs",
            Self::OrderNotPlaced => "order_not_placed",
            Self::ProviderUnknown => "provider_unknown",
        }
    }

    /// What is wrong, for a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::WebhookLost => "The customer has paid and the shop was not told.",
            Self::OrderUnknown => "Somebody has paid for something that is no order of this shop.",
            Self::Quarantined => "What was paid is not what was asked for, so it was not believed.",
            Self::CapturedDiffers => "The payment does not say what the provider took.",
            Self::RefundedDiffers => "The payment does not say what the provider gave back.",
            Self::LedgerDiffers => "The ledger's entries do not add up to the payment.",
            Self::OrderNotPlaced => "The money is here and the order is not placed.",
            Self::ProviderUnknown => "The shop knows of money that the provider does not know of.",
        }
    }

    /// What to do about it, for a person.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::WebhookLost | Self::OrderNotPlaced => {
                "The shop asks the provider again and settles the order by itself. Where this \
                 stands for more than a day, look at the webhook endpoint in the provider's \
                 dashboard."
            }
            Self::OrderUnknown => {
                "Look at the payment in the provider's dashboard: another program uses the same \
                 account, or the order was lost. If nobody claims it, refund it there."
            }
            Self::Quarantined => {
                "Compare amount, currency and account in the provider's dashboard, and refund it \
                 there; the customer may order again."
            }
            Self::CapturedDiffers => {
                "Compare the payment with the provider's dashboard. Correct it by a refund of the \
                 difference there, or by an invoice over it."
            }
            Self::RefundedDiffers => {
                "The shop takes over refunds that were made elsewhere by itself. Where this \
                 stands, look for a refund of more than the order has."
            }
            Self::LedgerDiffers => {
                "Nothing may change the ledger. Keep this finding and call whoever runs the shop: \
                 something wrote past it."
            }
            Self::ProviderUnknown => {
                "Look for the payment in the provider's dashboard, in the other accounts and in \
                 test mode, too: the shop's key was changed to another account's, or test data \
                 were deleted. Until it is found, send and refund nothing of this order."
            }
        }
    }

    /// Whether asking the provider again and settling is likely to mend it.
    pub const fn heals(self) -> bool {
        match self {
            Self::WebhookLost | Self::RefundedDiffers | Self::OrderNotPlaced => true,
            Self::OrderUnknown
            | Self::Quarantined
            | Self::CapturedDiffers
            | Self::LedgerDiffers
            | Self::ProviderUnknown => false,
        }
    }
}

/// What our books say of a PaymentIntent.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its payment by this intent.
    pub payment: &'a Payment,
    /// The payment's entries in the ledger.
    pub entries: &'a [Entry],
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Why.
    pub cause: Cause,
    /// The provider's id of the PaymentIntent.
    pub intent: String,
    /// The order, where one is named.
    pub order: Option<OrderId>,
    /// The payment, where there is one.
    pub payment: Option<PaymentId>,
    /// What the provider (of the ledger: the payment) says.
    pub told: Money,
    /// What our payment (of the ledger: its entries) says.
    pub kept: Money,
}

/// A finding as it is kept: when it was seen first and last, and whether it is mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// What.
    pub finding: Finding,
    /// When it was seen first.
    pub first_seen_at: Timestamp,
    /// When it was seen last.
    pub last_seen_at: Timestamp,
    /// Whether the shop has mended it by itself.
    pub is_healed: bool,
}

/// Whether money is there, or reserved.
pub const fn has_money(intent: &Intent) -> bool {
    matches!(intent.state, IntentState::Succeeded | IntentState::RequiresCapture)
        || intent.received.amount() != 0
}

/// Whether a payment knows of money, taken or reserved.
pub const fn knows_money(payment: &Payment) -> bool {
    payment.captured.amount() != 0 || payment.authorized.amount() != 0
}

/// A payment that knows of money by a PaymentIntent which the provider does not have.
pub fn unknown(payment: &Payment, intent: &str) -> Finding {
    let is_taken = payment.captured.amount() != 0;
    Finding {
        cause: Cause::ProviderUnknown,
        intent: intent.to_owned(),
        order: Some(payment.order),
        payment: Some(payment.id),
        told: Money::zero(payment.amount.currency()),
        kept: if is_taken { payment.captured } else { payment.authorized },
    }
}

/// What differs. `told` are the provider's refunds of the intent, where they were asked for.
pub fn compare(intent: &Intent, told: Option<&[Told]>, books: Option<Books<'_>>) -> Vec<Finding> {
    let found = |cause, payment, told, kept| Finding {
        cause,
        intent: intent.id.clone(),
        order: intent.order,
        payment,
        told,
        kept,
    };
    let currency = intent.received.currency();
    let Some(Books { order, payment, entries }) = books else {
        let none = Money::zero(currency);
        return if has_money(intent) {
            vec![found(Cause::OrderUnknown, None, intent.received, none)]
        } else {
            Vec::new()
        };
    };
    let about = |cause, told, kept| found(cause, Some(payment.id), told, kept);
    if payment.status == payment::Status::IntegrityFailed {
        return if has_money(intent) {
            vec![about(Cause::Quarantined, intent.received, payment.amount)]
        } else {
            Vec::new()
        };
    }
    let mut findings = Vec::new();
    let is_reserved = intent.state == IntentState::RequiresCapture;
    if has_money(intent) && !knows_money(payment) {
        let came = if is_reserved { intent.amount } else { intent.received };
        findings.push(about(Cause::WebhookLost, came, payment.captured));
    } else if !has_money(intent) && payment.authorized.is_positive() {
        // What was reserved is let go, and nobody has heard of it.
        findings.push(about(Cause::WebhookLost, intent.received, payment.authorized));
    } else if !is_reserved
        && intent.received != payment.captured
        && payment.authorized.amount() == 0
    {
        findings.push(about(Cause::CapturedDiffers, intent.received, payment.captured));
    }
    if let Some(told) = told {
        let given = told.iter().filter(|one| one.state == ToldState::Succeeded);
        let given: i64 = given.map(|one| one.amount.amount()).sum();
        if given != payment.refunded.amount() {
            let given = Money::new(given, currency);
            findings.push(about(Cause::RefundedDiffers, given, payment.refunded));
        }
    }
    let sum = |kind| -> i64 {
        let of_kind = entries.iter().filter(|entry| entry.kind == kind);
        of_kind.map(|entry| entry.amount.amount()).sum()
    };
    let captured = sum(EntryKind::Captured);
    let refunded = sum(EntryKind::Refunded).saturating_sub(sum(EntryKind::RefundFailed));
    for (kept, says) in [(captured, payment.captured), (refunded, payment.refunded)] {
        if kept != says.amount() {
            findings.push(about(Cause::LedgerDiffers, says, Money::new(kept, currency)));
        }
    }
    let back = payment.refunded.amount().saturating_add(payment.refund_pending.amount());
    let is_there = payment.captured.amount() > back;
    let is_over =
        matches!(order.status, Status::PendingPayment | Status::Expired | Status::Canceled);
    if is_there && is_over && order.placed_at.is_none() {
        findings.push(about(Cause::OrderNotPlaced, intent.received, payment.captured));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::id::{RefundId, Ulid};

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    fn at() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn order(status: Status) -> Order {
        let mut order = crate::invoice::tests::order(1, "EUR", "inclusive", &[190_000]);
        order.status = status;
        order.placed_at = (status == Status::Placed).then(at);
        order
    }

    fn payment(order: &Order, captured: i64, refunded: i64) -> Payment {
        Payment {
            id: PaymentId::from_ulid(Ulid::from_parts(1, 2)),
            order: order.id,
            attempt: 1,
            amount: eur(1000),
            intent: Some("pi_1".into()),
            status: if captured > 0 {
                payment::Status::Succeeded
            } else {
                payment::Status::Created
            },
            authorized: eur(0),
            captured: eur(captured),
            refund_pending: eur(0),
            refunded: eur(refunded),
            failure: None,
            capture: crate::capture::Mode::Automatic,
            redirect: None,
            capture_before: None,
            capture_asked: None,
            capture_warned_at: None,
            is_answered: false,
            version: 1,
            created_at: at(),
            updated_at: at(),
        }
    }

    fn intent(order: &Order, state: IntentState, received: i64) -> Intent {
        Intent {
            id: "pi_1".into(),
            state,
            amount: eur(1000),
            received: eur(received),
            is_live: false,
            order: Some(order.id),
            payment: None,
            attempt: None,
            failure: None,
            capture_before: None,
        }
    }

    fn entries(payment: &Payment) -> Vec<Entry> {
        let entry = |kind, amount| Entry {
            payment: payment.id,
            order: payment.order,
            provider_ref: "pi_1".into(),
            kind,
            amount,
            at: at(),
        };
        [(EntryKind::Captured, payment.captured), (EntryKind::Refunded, payment.refunded)]
            .into_iter()
            .filter(|(_, amount)| amount.amount() != 0)
            .map(|(kind, amount)| entry(kind, amount))
            .collect()
    }

    fn told(amount: i64, state: ToldState) -> Told {
        Told {
            provider_ref: "re_1".into(),
            state,
            amount: eur(amount),
            refund: Some(RefundId::from_ulid(Ulid::from_parts(3, 4))),
            attempt: None,
            failure: None,
        }
    }

    fn causes(found: &[Finding]) -> Vec<Cause> {
        found.iter().map(|finding| finding.cause).collect()
    }

    #[test]
    fn books_that_agree_are_not_spoken_of() {
        let order = order(Status::Placed);
        let payment = payment(&order, 1000, 300);
        let entries = entries(&payment);
        let books = Books { order: &order, payment: &payment, entries: &entries };
        let paid = intent(&order, IntentState::Succeeded, 1000);
        let refunds = [told(300, ToldState::Succeeded), told(100, ToldState::Pending)];
        assert_eq!(compare(&paid, Some(&refunds), Some(books)), []);
        // Nor is a purchase that nobody went on with.
        let waiting = self::order(Status::PendingPayment);
        let none = self::payment(&waiting, 0, 0);
        let books = Books { order: &waiting, payment: &none, entries: &[] };
        let open = intent(&waiting, IntentState::RequiresPaymentMethod, 0);
        assert_eq!(compare(&open, None, Some(books)), []);
        assert_eq!(compare(&open, None, None), []);
    }

    #[test]
    fn every_difference_has_its_cause() {
        let waiting = order(Status::PendingPayment);
        let none = payment(&waiting, 0, 0);
        let books = Books { order: &waiting, payment: &none, entries: &[] };
        let paid = intent(&waiting, IntentState::Succeeded, 1000);
        assert_eq!(causes(&compare(&paid, None, Some(books))), [Cause::WebhookLost]);
        assert_eq!(causes(&compare(&paid, None, None)), [Cause::OrderUnknown]);

        let placed = order(Status::Placed);
        let full = payment(&placed, 1000, 0);
        let kept = entries(&full);
        let books = Books { order: &placed, payment: &full, entries: &kept };
        let less = intent(&placed, IntentState::Succeeded, 900);
        assert_eq!(causes(&compare(&less, None, Some(books))), [Cause::CapturedDiffers]);
        let paid = intent(&placed, IntentState::Succeeded, 1000);
        let elsewhere = [told(250, ToldState::Succeeded)];
        let found = compare(&paid, Some(&elsewhere), Some(books));
        assert_eq!(causes(&found), [Cause::RefundedDiffers]);
        assert_eq!((found[0].told, found[0].kept), (eur(250), eur(0)));
        let bare = Books { entries: &[], ..books };
        assert_eq!(causes(&compare(&paid, None, Some(bare))), [Cause::LedgerDiffers]);

        let ended = order(Status::Expired);
        let books = Books { order: &ended, payment: &full, entries: &kept };
        assert_eq!(causes(&compare(&paid, None, Some(books))), [Cause::OrderNotPlaced]);

        let odd = Payment { status: payment::Status::IntegrityFailed, ..full.clone() };
        let books = Books { order: &placed, payment: &odd, entries: &kept };
        assert_eq!(causes(&compare(&paid, None, Some(books))), [Cause::Quarantined]);
    }

    #[test]
    fn money_that_the_provider_has_not_is_named_as_it_is_kept() {
        let order = order(Status::Placed);
        let none = payment(&order, 0, 0);
        assert!(!knows_money(&none));
        let taken = payment(&order, 1000, 0);
        let reserved = Payment { authorized: eur(700), ..none };
        for (payment, kept) in [(taken, 1000), (reserved, 700)] {
            assert!(knows_money(&payment));
            let finding = unknown(&payment, "pi_1");
            assert_eq!((finding.told, finding.kept), (eur(0), eur(kept)));
            assert_eq!((finding.cause, finding.order), (Cause::ProviderUnknown, Some(order.id)));
        }
    }

    #[test]
    fn every_cause_says_what_to_do_and_what_heals_is_what_the_provider_can_tell() {
        for cause in Cause::ALL {
            assert!(cause.sentence().ends_with('.') && cause.fix().ends_with('.'), "{cause:?}");
            let word = serde_json::to_value(cause).unwrap();
            assert_eq!(word, cause.code());
        }
        let healing = Cause::ALL.into_iter().filter(|cause| cause.heals());
        assert_eq!(healing.count(), 3);
    }
}
