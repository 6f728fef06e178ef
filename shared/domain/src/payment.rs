//! The payment of an order: what we expect, what the provider says, what we make of it.
//!
//! One payment owns one PaymentIntent. Where the buyer pays on the provider's own page, the payment
//! owns one Session of it, and the PaymentIntent is the Session's: we learn of it when there is
//! one. What the provider says is compared with what we asked for before any of it is believed; a
//! mismatch is quarantined, never accepted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::capture;
use crate::id::{OrderId, PaymentId, RefundId};
use crate::money::Money;
use crate::return_url::ReturnUrl;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PaymentState")]
pub enum Status {
    /// Nothing was tried yet.
    Created,
    /// The customer has to do something (3-D Secure).
    RequiresAction,
    /// The provider is at it.
    Processing,
    /// Money is reserved, not taken.
    Authorized,
    /// Money was taken.
    Succeeded,
    /// The last try was declined; another may follow.
    Failed,
    /// Given up before money moved.
    Canceled,
    /// An authorization lapsed.
    Expired,
    /// The provider's object is not what we asked for.
    IntegrityFailed,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::RequiresAction,
        Self::Processing,
        Self::Authorized,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
        Self::Expired,
        Self::IntegrityFailed,
    ];

    /// Whether the machine has the edge `self → to`. Events come late and out of order, so every
    /// open status may jump ahead; none may go back over money that moved.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Created | Self::RequiresAction | Self::Processing | Self::Failed => {
                matches!(
                    (self, to),
                    (
                        _,
                        Self::Authorized | Self::Succeeded | Self::Canceled | Self::IntegrityFailed
                    ) | (Self::Created | Self::RequiresAction | Self::Processing, Self::Failed)
                        | (Self::Created | Self::Processing | Self::Failed, Self::RequiresAction)
                        | (Self::Created | Self::RequiresAction | Self::Failed, Self::Processing)
                )
            }
            Self::Authorized => matches!(
                to,
                Self::Succeeded | Self::Canceled | Self::Expired | Self::IntegrityFailed
            ),
            // The provider says it took money for an intent that we had given up: believe it.
            Self::Canceled | Self::Expired => matches!(to, Self::Succeeded),
            Self::Succeeded | Self::IntegrityFailed => false,
        }
    }
}

/// Why the provider declined, in its own codes; safe to show and to log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failure {
    /// `card_declined`, `expired_card` …
    pub code: String,
    /// `insufficient_funds`, `generic_decline` …
    pub decline_code: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id; the root of every idempotency key we send to the provider.
    pub id: PaymentId,
    /// What is paid.
    pub order: OrderId,
    /// Rises when a canceled intent is replaced by a new one.
    pub attempt: u32,
    /// What we asked for.
    pub amount: Money,
    /// The provider's id of the PaymentIntent, once known.
    pub intent: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Money reserved and not yet taken.
    pub authorized: Money,
    /// Money taken.
    pub captured: Money,
    /// Money whose return was asked for.
    pub refund_pending: Money,
    /// Money returned.
    pub refunded: Money,
    /// Why the last try failed.
    pub failure: Option<Failure>,
    /// When its money is taken; what holds when it is made holds for good.
    #[serde(default)]
    pub capture: capture::Mode,
    /// How the buyer gets to the provider's page and back; none where the form of the provider
    /// stands in the shop's own. What holds when it is made holds for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// Until when reserved money can be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_before: Option<Timestamp>,
    /// That reserved money is to be taken, or was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_asked: Option<capture::Asked>,
    /// When staff were told that its time is nearly over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_warned_at: Option<Timestamp>,
    /// Whether the buyer was answered with a way to pay it. Orders of before say so themselves.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_answered: bool,
    /// Rises with every write.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The way over the provider's own page. The addresses are kept with the payment: a Session that is
/// asked for again under its key has to be asked for in the same words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// Where a buyer goes who has paid.
    pub success_url: ReturnUrl,
    /// Where a buyer goes who turned back.
    pub cancel_url: ReturnUrl,
    /// The provider's id of the Session, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// What the provider says of a PaymentIntent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// The provider's id.
    pub id: String,
    /// Where it stands.
    pub state: IntentState,
    /// What it is for.
    pub amount: Money,
    /// Money taken.
    pub received: Money,
    /// Whether real money moves.
    pub is_live: bool,
    /// The order that we named when we made it.
    pub order: Option<OrderId>,
    /// The payment that we named when we made it.
    pub payment: Option<PaymentId>,
    /// The attempt that we named when we made its Session; none on one that was made by itself.
    pub attempt: Option<u32>,
    /// Why the last try failed.
    pub failure: Option<Failure>,
    /// Until when money that is reserved can be taken.
    pub capture_before: Option<Timestamp>,
}

/// Where a PaymentIntent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentState {
    /// Waits for a card; after a decline, too.
    RequiresPaymentMethod,
    /// Waits to be confirmed.
    RequiresConfirmation,
    /// Waits for the customer.
    RequiresAction,
    /// The provider is at it.
    Processing,
    /// Money is reserved.
    RequiresCapture,
    /// Money was taken.
    Succeeded,
    /// Over.
    Canceled,
}

/// What may not differ between what we asked for and what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// The amount or its currency.
    Amount,
    /// Test money in a live shop, or the reverse.
    Livemode,
    /// The order or payment that we named.
    Metadata,
    /// A second intent for the same payment.
    Intent,
}

impl Mismatch {
    /// The name in logs and alarms.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Amount => "amount_mismatch",
            Self::Livemode => "livemode_mismatch",
            Self::Metadata => "metadata_mismatch",
            Self::Intent => "intent_mismatch",
        }
    }
}

/// A fact of the append-only payment ledger; unique by provider reference and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The payment it belongs to.
    pub payment: PaymentId,
    /// The order it belongs to.
    pub order: OrderId,
    /// The provider's id of the object.
    pub provider_ref: String,
    /// What happened.
    pub kind: EntryKind,
    /// How much of it.
    pub amount: Money,
    /// When we learned of it.
    pub at: Timestamp,
}

/// What a ledger entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Money was reserved.
    Authorized,
    /// Money was taken.
    Captured,
    /// Money was returned.
    Refunded,
    /// Returned money came back: the customer's bank did not take it.
    RefundFailed,
    /// A dispute was lost: money is gone.
    Lost,
    /// Money of a dispute that was lost came back.
    LossReturned,
    /// Money came that we did not ask for in this form.
    Quarantined,
}

impl EntryKind {
    /// The name in keys.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
            Self::Lost => "lost",
            Self::LossReturned => "loss_returned",
            Self::Quarantined => "quarantined",
        }
    }
}

/// What the provider's word makes of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// We knew that, or it is older than what we know.
    Known,
    /// The payment moved on, but no money did.
    Moved(Payment),
    /// Money was reserved or taken: the order may be placed.
    Paid(Payment, Entry),
    /// Reserved money was let go: by its time, or by somebody at the provider.
    Lapsed(Payment),
    /// Do not believe it.
    Quarantined(Payment, Entry, Mismatch),
}

impl Payment {
    /// A payment of an order, before the provider knows of it.
    pub fn open(id: PaymentId, order: OrderId, amount: Money, now: Timestamp) -> Self {
        let nothing = Money::zero(amount.currency());
        Self {
            id,
            order,
            attempt: 1,
            amount,
            intent: None,
            status: Status::Created,
            authorized: nothing,
            captured: nothing,
            refund_pending: nothing,
            refunded: nothing,
            failure: None,
            capture: capture::Mode::Automatic,
            redirect: None,
            capture_before: None,
            capture_asked: None,
            capture_warned_at: None,
            is_answered: false,
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// The idempotency key under which this attempt's PaymentIntent is made: from immutable ids,
    /// never from amounts.
    pub fn intent_key(&self) -> String {
        format!("{}:intent:{}", self.id, self.attempt)
    }

    /// The idempotency key under which this attempt's Session is made.
    pub fn session_key(&self) -> String {
        format!("{}:session:{}", self.id, self.attempt)
    }

    /// The provider's id of its Session, where it has one.
    pub fn session(&self) -> Option<&str> {
        self.redirect.as_ref().and_then(|redirect| redirect.session.as_deref())
    }

    /// Begins anew, because what it had at the provider is over: under other keys, and without
    /// what the provider said of the last attempt.
    pub fn begin_anew(&mut self, now: Timestamp) {
        self.attempt += 1;
        self.intent = None;
        if let Some(redirect) = &mut self.redirect {
            redirect.session = None;
        }
        self.status = Status::Created;
        self.failure = None;
        self.updated_at = now;
    }

    /// The refund of a payment that came too late. Its id is derived, so that however often it is
    /// asked for there is one.
    pub fn late_refund(&self) -> RefundId {
        RefundId::from_ulid(self.id.ulid())
    }

    /// Compares what the provider says with what we asked for, and reads it.
    pub fn read(&self, intent: &Intent, is_live_shop: bool, now: Timestamp) -> Reading {
        let has_money =
            matches!(intent.state, IntentState::Succeeded | IntentState::RequiresCapture);
        if let Some(mismatch) = self.mismatch(intent, is_live_shop) {
            if !has_money || !self.status.may_become(Status::IntegrityFailed) {
                return Reading::Known;
            }
            let status = Status::IntegrityFailed;
            let payment = Self { status, updated_at: now, ..self.clone() };
            let entry = self.entry(intent, EntryKind::Quarantined, intent.received, now);
            return Reading::Quarantined(payment, entry, mismatch);
        }
        let status = match (intent.state, &intent.failure) {
            (IntentState::RequiresPaymentMethod, Some(_)) => Status::Failed,
            (IntentState::RequiresPaymentMethod | IntentState::RequiresConfirmation, _) => {
                return self.linked(intent, now);
            }
            (IntentState::RequiresAction, _) => Status::RequiresAction,
            (IntentState::Processing, _) => Status::Processing,
            (IntentState::RequiresCapture, _) => Status::Authorized,
            (IntentState::Succeeded, _) => Status::Succeeded,
            (IntentState::Canceled, _) if self.status == Status::Authorized => Status::Expired,
            (IntentState::Canceled, _) => Status::Canceled,
        };
        if status == Status::Failed && self.status == status && self.failure != intent.failure {
            // The next try was declined, too, and for another reason.
            let failure = intent.failure.clone();
            return Reading::Moved(Self { failure, updated_at: now, ..self.clone() });
        }
        if !self.status.may_become(status) {
            return Reading::Known;
        }
        let intent_id = Some(intent.id.clone());
        let mut payment = Self { status, intent: intent_id, updated_at: now, ..self.clone() };
        payment.failure.clone_from(&intent.failure);
        match status {
            Status::Succeeded => {
                payment.captured = intent.received;
                payment.authorized = Money::zero(self.amount.currency());
                payment.capture_before = None;
                let entry = self.entry(intent, EntryKind::Captured, intent.received, now);
                Reading::Paid(payment, entry)
            }
            Status::Authorized => {
                payment.authorized = intent.amount;
                payment.capture_before = intent.capture_before;
                let entry = self.entry(intent, EntryKind::Authorized, intent.amount, now);
                Reading::Paid(payment, entry)
            }
            Status::Expired => {
                payment.authorized = Money::zero(self.amount.currency());
                payment.capture_before = None;
                Reading::Lapsed(payment)
            }
            Status::Created
            | Status::RequiresAction
            | Status::Processing
            | Status::Failed
            | Status::Canceled
            | Status::IntegrityFailed => Reading::Moved(payment),
        }
    }

    /// An intent without news: at most we learn its id.
    fn linked(&self, intent: &Intent, now: Timestamp) -> Reading {
        if self.intent.is_some() {
            return Reading::Known;
        }
        let intent_id = Some(intent.id.clone());
        Reading::Moved(Self { intent: intent_id, updated_at: now, ..self.clone() })
    }

    fn mismatch(&self, intent: &Intent, is_live_shop: bool) -> Option<Mismatch> {
        // Of what was reserved a part may be taken; the rest is let go.
        let is_part = self.capture.reserves()
            && intent.received.currency() == self.amount.currency()
            && intent.received.amount() < self.amount.amount()
            && intent.received.is_positive();
        let took_all = intent.received == self.amount;
        let took_less = intent.state == IntentState::Succeeded && !took_all && !is_part;
        if intent.is_live != is_live_shop {
            Some(Mismatch::Livemode)
        } else if intent.order != Some(self.order) || intent.payment != Some(self.id) {
            Some(Mismatch::Metadata)
        } else if self.intent.as_ref().is_some_and(|known| *known != intent.id)
            || (self.redirect.is_some() && intent.attempt != Some(self.attempt))
        {
            Some(Mismatch::Intent)
        } else if intent.amount != self.amount || took_less {
            Some(Mismatch::Amount)
        } else {
            None
        }
    }

    /// An entry of the ledger about this payment.
    fn entry(&self, intent: &Intent, kind: EntryKind, amount: Money, at: Timestamp) -> Entry {
        let provider_ref = intent.id.clone();
        Entry { payment: self.id, order: self.order, provider_ref, kind, amount, at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::id::Ulid;

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn payment() -> Payment {
        let ulid = Ulid::from_parts(1, 1);
        let amount = Money::new(4990, Currency::EUR);
        Payment::open(PaymentId::from_ulid(ulid), OrderId::from_ulid(ulid), amount, now())
    }

    fn intent(state: IntentState) -> Intent {
        let payment = payment();
        Intent {
            id: "pi_1".into(),
            state,
            amount: payment.amount,
            received: match state {
                IntentState::Succeeded => payment.amount,
                _ => Money::zero(Currency::EUR),
            },
            is_live: false,
            order: Some(payment.order),
            payment: Some(payment.id),
            attempt: None,
            failure: None,
            capture_before: None,
        }
    }

    #[test]
    fn a_captured_intent_pays() {
        let Reading::Paid(paid, entry) =
            payment().read(&intent(IntentState::Succeeded), false, now())
        else {
            panic!("not paid")
        };
        assert_eq!(paid.captured, paid.amount);
        assert_eq!(entry.kind, EntryKind::Captured);
    }

    #[test]
    fn the_same_news_twice_is_known() {
        let news = intent(IntentState::Succeeded);
        let Reading::Paid(paid, _) = payment().read(&news, false, now()) else { panic!() };
        assert_eq!(paid.read(&news, false, now()), Reading::Known);
    }

    #[test]
    fn a_second_decline_says_its_own_reason() {
        let declined = |reason: &str| {
            let decline_code = Some(reason.to_owned());
            let failure = Some(Failure { code: "card_declined".into(), decline_code });
            Intent { failure, ..intent(IntentState::RequiresPaymentMethod) }
        };
        let Reading::Moved(first) = payment().read(&declined("lost_card"), false, now()) else {
            panic!()
        };
        assert_eq!(first.read(&declined("lost_card"), false, now()), Reading::Known);
        let second = declined("insufficient_funds");
        let Reading::Moved(again) = first.read(&second, false, now()) else { panic!() };
        assert_eq!((again.status, again.failure), (Status::Failed, second.failure));
    }

    #[test]
    fn older_news_never_takes_money_back() {
        let Reading::Paid(paid, _) = payment().read(&intent(IntentState::Succeeded), false, now())
        else {
            panic!()
        };
        for state in [IntentState::Processing, IntentState::RequiresAction, IntentState::Canceled] {
            assert_eq!(paid.read(&intent(state), false, now()), Reading::Known);
        }
    }

    #[test]
    fn whatever_differs_is_quarantined_and_never_accepted() {
        let base = || intent(IntentState::Succeeded);
        let other = OrderId::from_ulid(Ulid::from_parts(2, 2));
        let cent_less = Money::new(4989, Currency::EUR);
        let yen = Money::new(4990, Currency::JPY);
        let cases = [
            (Intent { amount: cent_less, received: cent_less, ..base() }, Mismatch::Amount),
            (Intent { received: cent_less, ..base() }, Mismatch::Amount),
            (Intent { amount: yen, received: yen, ..base() }, Mismatch::Amount),
            (Intent { is_live: true, ..base() }, Mismatch::Livemode),
            (Intent { order: Some(other), ..base() }, Mismatch::Metadata),
            (Intent { payment: None, ..base() }, Mismatch::Metadata),
        ];
        for (wrong, why) in cases {
            let Reading::Quarantined(held, entry, mismatch) = payment().read(&wrong, false, now())
            else {
                panic!("{why:?} was accepted")
            };
            assert_eq!((held.status, mismatch), (Status::IntegrityFailed, why));
            assert_eq!(entry.kind, EntryKind::Quarantined);
        }
    }

    #[test]
    fn a_part_of_what_was_reserved_is_believed_and_what_lapsed_is_voided() {
        let manual = Payment { capture: capture::Mode::Manual, ..payment() };
        let news = intent(IntentState::RequiresCapture);
        let news = Intent { capture_before: Some(now()), ..news };
        let Reading::Paid(held, entry) = manual.read(&news, false, now()) else { panic!() };
        assert_eq!((held.status, entry.kind), (Status::Authorized, EntryKind::Authorized));
        assert_eq!((held.authorized, held.capture_before), (held.amount, Some(now())));
        let part = Money::new(1000, Currency::EUR);
        let taken = Intent { received: part, ..intent(IntentState::Succeeded) };
        let Reading::Paid(paid, _) = held.read(&taken, false, now()) else { panic!() };
        assert_eq!((paid.captured, paid.authorized.amount()), (part, 0));
        let Reading::Lapsed(gone) = held.read(&intent(IntentState::Canceled), false, now()) else {
            panic!()
        };
        assert_eq!((gone.status, gone.authorized.amount()), (Status::Expired, 0));
        // Nobody takes a part of what was to be taken at once.
        let read = payment().read(&taken, false, now());
        assert!(matches!(read, Reading::Quarantined(_, _, Mismatch::Amount)));
    }

    #[test]
    fn money_may_be_reserved_for_the_next_attempt_when_the_last_was_canceled() {
        let first = Payment {
            capture: capture::Mode::Manual,
            intent: Some("pi_1".into()),
            failure: Some(Failure { code: "card_declined".into(), decline_code: None }),
            ..payment()
        };
        let Reading::Moved(mut next) = first.read(&intent(IntentState::Canceled), false, now())
        else {
            panic!("not canceled")
        };
        next.begin_anew(now());
        assert_eq!((next.attempt, next.status, &next.failure), (2, Status::Created, &None));
        let news = Intent { id: "pi_2".into(), ..intent(IntentState::RequiresCapture) };
        let Reading::Paid(held, _) = next.read(&news, false, now()) else { panic!("not believed") };
        assert_eq!((held.status, held.authorized), (Status::Authorized, held.amount));
    }

    #[test]
    fn a_second_intent_for_one_payment_is_quarantined() {
        let known = Payment { intent: Some("pi_0".into()), ..payment() };
        let read = known.read(&intent(IntentState::Succeeded), false, now());
        assert!(matches!(read, Reading::Quarantined(_, _, Mismatch::Intent)));
    }

    #[test]
    fn of_the_providers_page_only_the_session_of_this_attempt_counts() {
        let url = |text| ReturnUrl::parse(text).unwrap();
        let redirect = Redirect {
            success_url: url("https://shop.example/thanks"),
            cancel_url: url("https://shop.example/cart"),
            session: Some("cs_1".into()),
        };
        let first = Payment { redirect: Some(redirect), ..payment() };
        let of = |attempt, state| Intent { attempt: Some(attempt), ..intent(state) };
        let read = first.read(&of(1, IntentState::Succeeded), false, now());
        let Reading::Paid(paid, _) = read else { panic!("{read:?}") };
        assert_eq!((paid.intent.as_deref(), paid.session()), (Some("pi_1"), Some("cs_1")));

        let Reading::Moved(over) = first.read(&of(1, IntentState::Canceled), false, now()) else {
            panic!()
        };
        let mut second = over;
        second.begin_anew(now());
        assert_eq!(
            (second.status, second.session(), &second.intent),
            (Status::Created, None, &None)
        );
        assert_ne!(second.session_key(), first.session_key());
        // What is said late of the first attempt is no news of the second.
        let late = second.read(&of(1, IntentState::Canceled), false, now());
        assert_eq!(late, Reading::Known);
        let late = second.read(&of(1, IntentState::Succeeded), false, now());
        assert!(matches!(late, Reading::Quarantined(_, _, Mismatch::Intent)));
        let read = second.read(&of(2, IntentState::RequiresCapture), false, now());
        assert!(matches!(read, Reading::Paid(..)));
    }
}
