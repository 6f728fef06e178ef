//! What happened, said to the rest of the shop through the outbox.
//!
//! An event is written in the transaction of the fact it tells of and sent afterwards, at least
//! once; its consumers are idempotent by its id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Email;
use crate::audit::Entry;
use crate::catalog::{Sku, Slug};
use crate::exchange::Work;
use crate::id::{EventId, MessageId, OrderId};
use crate::money::Money;

/// An event with its name and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The consumers' idempotency key.
    pub id: EventId,
    /// When the fact was written.
    pub at: Timestamp,
    /// Rises by one with each event of the same subject.
    pub sequence: u64,
    /// The fact.
    #[serde(flatten)]
    pub fact: Fact,
}

/// The facts that leave by the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Fact {
    /// The order is paid (or needs no payment) and its stock is committed.
    #[serde(rename = "order.placed")]
    OrderPlaced {
        /// Which order.
        order_id: OrderId,
    },
    /// A payment came after the order's end and the goods were gone: it was sent back.
    #[serde(rename = "order.refunded_late")]
    OrderRefundedLate {
        /// Which order.
        order_id: OrderId,
    },
    /// A pool of keys has new ones: orders whose keys follow may get theirs.
    #[serde(rename = "keys.added")]
    KeysAdded {
        /// Of what.
        sku: Sku,
    },
    /// Something happened that the audit log keeps.
    #[serde(rename = "audit.noted")]
    AuditNoted {
        /// What.
        entry: Entry,
    },
    /// An import or an export has something to do.
    #[serde(rename = "exchange.due")]
    ExchangeDue {
        /// Which one.
        work: Work,
    },
    /// Somebody is to be written to.
    #[serde(rename = "message.requested")]
    MessageRequested {
        /// What to whom.
        message: Message,
    },
}

/// Which queue carries an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Order processing.
    OrderEvents,
    /// Mail.
    Mail,
    /// The audit log.
    Audit,
    /// Imports and exports.
    Exchange,
}

impl Fact {
    /// Where the event is sent.
    pub const fn destination(&self) -> Destination {
        match self {
            Self::OrderPlaced { .. } | Self::OrderRefundedLate { .. } | Self::KeysAdded { .. } => {
                Destination::OrderEvents
            }
            Self::MessageRequested { .. } => Destination::Mail,
            Self::AuditNoted { .. } => Destination::Audit,
            Self::ExchangeDue { .. } => Destination::Exchange,
        }
    }

    /// The event's name as in logs and webhooks.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OrderPlaced { .. } => "order.placed",
            Self::OrderRefundedLate { .. } => "order.refunded_late",
            Self::KeysAdded { .. } => "keys.added",
            Self::MessageRequested { .. } => "message.requested",
            Self::AuditNoted { .. } => "audit.noted",
            Self::ExchangeDue { .. } => "exchange.due",
        }
    }
}

/// A message to a person. The same id is never delivered with two different contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The delivery's idempotency key.
    pub id: MessageId,
    /// To whom.
    pub to: Email,
    /// What it says.
    #[serde(flatten)]
    pub letter: Letter,
}

/// What a message says. Order letters name the order; its content is read when the letter is
/// written, so that no queue carries an address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum Letter {
    /// Please confirm this address.
    VerifyEmail {
        /// The single-use token of the link.
        token: String,
    },
    /// Somebody registered with an address that has an account.
    AlreadyRegistered,
    /// Choose another password.
    ResetPassword {
        /// The single-use token of the link.
        token: String,
    },
    /// The password was changed: who did not do it should know.
    PasswordChanged,
    /// Somebody wants the account's mail to go to another address: please agree, at both.
    ConfirmEmailChange {
        /// The single-use token of this address's link.
        token: String,
        /// Whether this is the address that the account would move to.
        is_new: bool,
    },
    /// The account's mail goes to another address from now on; said to the old one.
    EmailChanged,
    /// The account was closed.
    AccountClosed,
    /// Somebody is invited to work here.
    StaffInvitation {
        /// The single-use token of the link.
        token: String,
    },
    /// A member of the staff chooses another password.
    StaffResetPassword {
        /// The single-use token of the link.
        token: String,
    },
    /// A member of the staff has another second factor, or none until the next sign-in.
    SecondFactorChanged,
    /// Here is a gift card.
    GiftCard {
        /// The code that opens it.
        code: String,
        /// What it is worth.
        amount: Money,
        /// When its time is over.
        expires_at: Option<Timestamp>,
    },
    /// Thank you for your order.
    OrderConfirmation {
        /// Which order.
        order_id: OrderId,
    },
    /// Your payment came too late and was sent back.
    LatePaymentRefunded {
        /// Which order.
        order_id: OrderId,
    },
    /// The keys of your order that were to follow are there.
    KeysReady {
        /// Which order.
        order_id: OrderId,
    },
    /// What you waited for is back.
    BackInStock {
        /// What it is called.
        title: String,
        /// Where it is shown.
        slug: Slug,
        /// Opens nothing but the way out: forgets all that the address waits for.
        token: String,
    },
    /// What runs low; to the staff.
    StockDigest {
        /// Each level, the emptiest first.
        lines: Vec<DigestLine>,
        /// Levels that are not listed.
        more: u32,
    },
}

/// A line of the daily letter about stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestLine {
    /// Of what.
    pub sku: Sku,
    /// What its location is called.
    pub location: String,
    /// Units for sale.
    pub available: i64,
    /// Whole days that it lasts; none where nothing is sold.
    pub days_left: Option<u64>,
}

impl Letter {
    /// The template's name; safe to log.
    pub const fn template(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword { .. } => "reset_password",
            Self::PasswordChanged => "password_changed",
            Self::ConfirmEmailChange { .. } => "confirm_email_change",
            Self::EmailChanged => "email_changed",
            Self::AccountClosed => "account_closed",
            Self::StaffInvitation { .. } => "staff_invitation",
            Self::StaffResetPassword { .. } => "staff_reset_password",
            Self::SecondFactorChanged => "second_factor_changed",
            Self::GiftCard { .. } => "gift_card",
            Self::OrderConfirmation { .. } => "order_confirmation",
            Self::LatePaymentRefunded { .. } => "late_payment_refunded",
            Self::KeysReady { .. } => "keys_ready",
            Self::BackInStock { .. } => "back_in_stock",
            Self::StockDigest { .. } => "stock_digest",
        }
    }
}

/// Without the token: this may end in a log.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.template())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    #[test]
    fn every_event_survives_its_text_form() {
        let ulid = Ulid::from_parts(1, 2);
        let order_id = OrderId::from_ulid(ulid);
        let to = Email::parse("jane@example.org").unwrap();
        let letters = [
            Letter::VerifyEmail { token: "t".into() },
            Letter::AlreadyRegistered,
            Letter::ResetPassword { token: "t".into() },
            Letter::PasswordChanged,
            Letter::ConfirmEmailChange { token: "t".into(), is_new: true },
            Letter::EmailChanged,
            Letter::AccountClosed,
            Letter::StaffInvitation { token: "t".into() },
            Letter::StaffResetPassword { token: "t".into() },
            Letter::SecondFactorChanged,
            Letter::GiftCard {
                code: "c".into(),
                amount: Money::new(2500, crate::currency::Currency::EUR),
                expires_at: None,
            },
            Letter::OrderConfirmation { order_id },
            Letter::LatePaymentRefunded { order_id },
            Letter::KeysReady { order_id },
            Letter::BackInStock {
                title: "Mug".into(),
                slug: Slug::parse("mug").unwrap(),
                token: "t".into(),
            },
            Letter::StockDigest {
                lines: vec![DigestLine {
                    sku: Sku::parse("MUG").unwrap(),
                    location: "Lyon".into(),
                    available: -1,
                    days_left: Some(3),
                }],
                more: 2,
            },
        ];
        let messages = letters.into_iter().map(|letter| {
            let message = Message { id: MessageId::from_ulid(ulid), to: to.clone(), letter };
            Fact::MessageRequested { message }
        });
        let keys = Fact::KeysAdded { sku: Sku::parse("KEYS").unwrap() };
        let facts = [Fact::OrderPlaced { order_id }, Fact::OrderRefundedLate { order_id }, keys];
        for fact in facts.into_iter().chain(messages) {
            let at = Timestamp::from_second(1_790_000_000).unwrap();
            let event = Event { id: EventId::from_ulid(ulid), at, sequence: 3, fact };
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        }
    }
}
