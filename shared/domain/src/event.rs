//! What happened, said to the rest of the shop through the outbox.
//!
//! An event is written in the transaction of the fact it tells of and sent afterwards, at least
//! once; its consumers are idempotent by its id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::address::Email;
use crate::audit::Entry;
use crate::catalog::{Locale, Sku, Slug};
use crate::exchange::Work;
use crate::fulfillment;
use crate::id::{
    CartId, DisputeId, EventId, FulfillmentId, MessageId, OrderId, RefundId, ReturnId, WebhookId,
};
use crate::money::Money;
use crate::text::Text;
use crate::webhook::{Replay, Topic};
use crate::{dispute, order, order_edit, refund, returns};

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

/// What the shop's health is read from, counted where it is written down for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Somebody has bought: an order was made, whether or not it waits for its payment.
    OrderPlaced,
    /// An order is sure of its money: it is taken, or reserved, or nothing was to pay.
    OrderPaid,
    /// An order ended without having been paid.
    OrderFailed,
    /// Money, or what stands for it, went back.
    Refund,
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
    /// A parcel of an order was opened, packed, shipped, …: it stands there now.
    #[serde(rename = "fulfillment.moved")]
    FulfillmentMoved {
        /// Which order.
        order_id: OrderId,
        /// Which parcel.
        fulfillment_id: FulfillmentId,
        /// Where it stands.
        status: fulfillment::Status,
    },
    /// Money of an order is to go back by the payment provider.
    #[serde(rename = "refund.requested")]
    RefundRequested {
        /// Which order.
        order_id: OrderId,
        /// Which refund.
        refund_id: RefundId,
    },
    /// A refund is under way, came about, or failed: it stands there now.
    #[serde(rename = "refund.moved")]
    RefundMoved {
        /// Which order.
        order_id: OrderId,
        /// Which refund.
        refund_id: RefundId,
        /// How much: all that goes back.
        amount: Money,
        /// Where it stands.
        status: refund::Status,
        /// Whether it had come about before and had come back: the buyer and the books know of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_again: bool,
    },
    /// A return was asked for, approved, received, …: it stands there now.
    #[serde(rename = "return.moved")]
    ReturnMoved {
        /// Which order.
        order_id: OrderId,
        /// Which return.
        return_id: ReturnId,
        /// Where it stands.
        status: returns::Status,
    },
    /// A dispute was opened, or moved on: it stands there now.
    #[serde(rename = "dispute.moved")]
    DisputeMoved {
        /// Which order.
        order_id: OrderId,
        /// Which dispute.
        dispute_id: DisputeId,
        /// How much it is about.
        amount: Money,
        /// Where it stands.
        status: dispute::Status,
    },
    /// The payment provider is to be told what the shop answers to a dispute.
    #[serde(rename = "dispute.answered")]
    DisputeAnswered {
        /// Which order.
        order_id: OrderId,
        /// Which dispute.
        dispute_id: DisputeId,
    },
    /// Reserved money of an order is to be taken by the payment provider.
    #[serde(rename = "capture.requested")]
    CaptureRequested {
        /// Which order.
        order_id: OrderId,
    },
    /// A completed order is open again.
    #[serde(rename = "order.reopened")]
    OrderReopened {
        /// Which order.
        order_id: OrderId,
    },
    /// A debit failed after its buyer had left; the order waits for another payment.
    #[serde(rename = "payment.failed")]
    PaymentFailed {
        /// Which order.
        order_id: OrderId,
    },
    /// An order was called off, held, let go on, completed or not paid in time: it stands there
    /// now.
    #[serde(rename = "order.moved")]
    OrderMoved {
        /// Which order.
        order_id: OrderId,
        /// Where it stands.
        status: order::Status,
    },
    /// Units of an order were called off before they left.
    #[serde(rename = "order.lines_canceled")]
    OrderLinesCanceled {
        /// Which order.
        order_id: OrderId,
        /// Which of its cancellations, counted from 1.
        number: u32,
    },
    /// An edit that was proposed of an order came to nothing.
    #[serde(rename = "order.edit_closed")]
    OrderEditClosed {
        /// Which order.
        order_id: OrderId,
        /// Which of its edits, counted from 1.
        number: u32,
        /// Where it stands.
        status: order_edit::Status,
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
    /// An endpoint of the merchant is to be told that it can be reached.
    #[serde(rename = "webhook.test")]
    WebhookTest {
        /// Which endpoint.
        endpoint: WebhookId,
    },
    /// An endpoint of the merchant is to be told again of all that happened between two moments.
    #[serde(rename = "webhook.replay")]
    WebhookReplay {
        /// Which endpoint, and of what.
        replay: Replay,
    },
    /// Somebody is to be written to.
    #[serde(rename = "message.requested")]
    MessageRequested {
        /// What to whom.
        message: Message,
    },
    /// Somebody is to be texted.
    #[serde(rename = "text.requested")]
    TextRequested {
        /// What to whom.
        text: Text,
    },
}

/// Which queue carries an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Destination {
    /// Order processing.
    OrderEvents,
    /// What is to be done at the payment provider, and what it says.
    Payments,
    /// Mail.
    Mail,
    /// Texts to telephones.
    Texts,
    /// The audit log.
    Audit,
    /// Imports and exports.
    Exchange,
    /// The systems of the merchant.
    Webhooks,
}

impl Fact {
    /// Where the event is sent.
    pub const fn destination(&self) -> Destination {
        match self {
            Self::OrderPlaced { .. }
            | Self::OrderRefundedLate { .. }
            | Self::FulfillmentMoved { .. }
            | Self::RefundMoved { .. }
            | Self::ReturnMoved { .. }
            | Self::DisputeMoved { .. }
            | Self::OrderMoved { .. }
            | Self::OrderReopened { .. }
            | Self::OrderLinesCanceled { .. }
            | Self::OrderEditClosed { .. }
            | Self::PaymentFailed { .. }
            | Self::KeysAdded { .. } => Destination::OrderEvents,
            Self::RefundRequested { .. }
            | Self::DisputeAnswered { .. }
            | Self::CaptureRequested { .. } => Destination::Payments,
            Self::MessageRequested { .. } => Destination::Mail,
            Self::TextRequested { .. } => Destination::Texts,
            Self::AuditNoted { .. } => Destination::Audit,
            Self::ExchangeDue { .. } => Destination::Exchange,
            Self::WebhookTest { .. } | Self::WebhookReplay { .. } => Destination::Webhooks,
        }
    }

    /// The event's name as in logs and webhooks.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OrderPlaced { .. } => "order.placed",
            Self::OrderRefundedLate { .. } => "order.refunded_late",
            Self::FulfillmentMoved { status, .. } => match status {
                fulfillment::Status::Open => "fulfillment.created",
                fulfillment::Status::Packed => "fulfillment.packed",
                fulfillment::Status::Shipped => "fulfillment.shipped",
                fulfillment::Status::Delivered => "fulfillment.delivered",
                fulfillment::Status::Canceled => "fulfillment.canceled",
                fulfillment::Status::Lost => "fulfillment.lost",
                fulfillment::Status::ReturnedToSender => "fulfillment.returned_to_sender",
            },
            Self::RefundRequested { .. } => "refund.requested",
            Self::RefundMoved { status, .. } => match status {
                refund::Status::Requested
                | refund::Status::Processing
                | refund::Status::RequiresAction => "refund.updated",
                refund::Status::Succeeded => "refund.succeeded",
                refund::Status::Failed => "refund.failed",
                refund::Status::Canceled => "refund.canceled",
            },
            Self::ReturnMoved { status, .. } => match status {
                returns::Status::Requested => "return.requested",
                returns::Status::Approved => "return.approved",
                returns::Status::InTransit => "return.in_transit",
                returns::Status::PartiallyReceived => "return.partially_received",
                returns::Status::Received => "return.received",
                returns::Status::Resolved => "return.resolved",
                returns::Status::Rejected => "return.rejected",
                returns::Status::Canceled => "return.canceled",
                returns::Status::Expired => "return.expired",
            },
            Self::DisputeMoved { status, .. } => match status {
                dispute::Status::NeedsResponse => "dispute.opened",
                dispute::Status::UnderReview => "dispute.under_review",
                dispute::Status::Won => "dispute.won",
                dispute::Status::Lost => "dispute.lost",
            },
            Self::DisputeAnswered { .. } => "dispute.answered",
            Self::CaptureRequested { .. } => "capture.requested",
            Self::OrderReopened { .. } => "order.reopened",
            Self::PaymentFailed { .. } => "payment.failed",
            Self::OrderMoved { status, .. } => match status {
                order::Status::PendingPayment => "order.moved",
                order::Status::Placed => "order.released",
                order::Status::OnHold => "order.held",
                order::Status::Completed => "order.completed",
                order::Status::Canceled => "order.canceled",
                order::Status::Expired => "order.expired",
            },
            Self::OrderLinesCanceled { .. } => "order.lines_canceled",
            Self::OrderEditClosed { .. } => "order.edit_closed",
            Self::KeysAdded { .. } => "keys.added",
            Self::MessageRequested { .. } => "message.requested",
            Self::TextRequested { .. } => "text.requested",
            Self::AuditNoted { .. } => "audit.noted",
            Self::ExchangeDue { .. } => "exchange.due",
            Self::WebhookTest { .. } => "webhook.test",
            Self::WebhookReplay { .. } => "webhook.replay",
        }
    }

    /// What is counted of it.
    pub const fn counted(&self) -> Option<Counted> {
        match self {
            Self::OrderPlaced { .. } => Some(Counted::OrderPaid),
            Self::RefundMoved { status: refund::Status::Succeeded, is_again: false, .. } => {
                Some(Counted::Refund)
            }
            Self::RefundMoved { .. }
            | Self::PaymentFailed { .. }
            | Self::OrderRefundedLate { .. }
            | Self::FulfillmentMoved { .. }
            | Self::RefundRequested { .. }
            | Self::ReturnMoved { .. }
            | Self::DisputeMoved { .. }
            | Self::DisputeAnswered { .. }
            | Self::CaptureRequested { .. }
            | Self::OrderReopened { .. }
            | Self::OrderMoved { .. }
            | Self::OrderLinesCanceled { .. }
            | Self::OrderEditClosed { .. }
            | Self::KeysAdded { .. }
            | Self::MessageRequested { .. }
            | Self::TextRequested { .. }
            | Self::AuditNoted { .. }
            | Self::ExchangeDue { .. }
            | Self::WebhookTest { .. }
            | Self::WebhookReplay { .. } => None,
        }
    }

    /// As what the systems of the merchant are told of it; none where they are not.
    pub fn topic(&self) -> Option<Topic> {
        match self {
            Self::OrderPlaced { .. }
            | Self::OrderRefundedLate { .. }
            | Self::FulfillmentMoved { .. }
            | Self::RefundMoved { .. }
            | Self::ReturnMoved { .. }
            | Self::DisputeMoved { .. }
            | Self::OrderMoved { .. }
            | Self::OrderReopened { .. }
            | Self::OrderLinesCanceled { .. }
            | Self::WebhookTest { .. } => Topic::parse(self.name()),
            Self::RefundRequested { .. }
            | Self::PaymentFailed { .. }
            | Self::DisputeAnswered { .. }
            | Self::CaptureRequested { .. }
            | Self::OrderEditClosed { .. }
            | Self::KeysAdded { .. }
            | Self::MessageRequested { .. }
            | Self::TextRequested { .. }
            | Self::AuditNoted { .. }
            | Self::ExchangeDue { .. }
            | Self::WebhookReplay { .. } => None,
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
    /// All that the shop knows of its reader can be fetched.
    DataExported {
        /// The single-use token of the link.
        token: String,
    },
    /// The shop has forgotten its reader.
    DataErased,
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
    /// Your payment came to nothing: here is the way to pay again.
    PaymentFailed {
        /// Which order.
        order_id: OrderId,
        /// The token of the link.
        token: String,
    },
    /// A parcel of your order is on its way.
    OrderShipped {
        /// Which order.
        order_id: OrderId,
        /// Which parcel.
        fulfillment_id: FulfillmentId,
    },
    /// A parcel of your order has arrived.
    OrderDelivered {
        /// Which order.
        order_id: OrderId,
        /// Which parcel.
        fulfillment_id: FulfillmentId,
    },
    /// Money of your order is on its way back to you.
    OrderRefunded {
        /// Which order.
        order_id: OrderId,
        /// How much.
        amount: Money,
    },
    /// Your order was called off.
    OrderCanceled {
        /// Which order.
        order_id: OrderId,
    },
    /// Units of your order were called off.
    OrderLinesCanceled {
        /// Which order.
        order_id: OrderId,
        /// Which of its cancellations, counted from 1.
        number: u32,
    },
    /// What you get for your return costs more: here is the way to pay the difference.
    ExchangeToPay {
        /// The order of the replacement.
        order_id: OrderId,
        /// The token of the link.
        token: String,
    },
    /// We would change your order like this: here is the way to say yes or no.
    OrderEditToApprove {
        /// Which order.
        order_id: OrderId,
        /// Which of its edits, counted from 1.
        number: u32,
        /// The token of the link.
        token: String,
    },
    /// Your order was changed.
    OrderEdited {
        /// Which order.
        order_id: OrderId,
        /// Which of its edits, counted from 1.
        number: u32,
        /// The token of the link by which what was added is paid, where something is due.
        token: Option<String>,
    },
    /// A change of an order came to nothing.
    OrderEditClosed {
        /// What people call the order.
        order_number: String,
        /// Where the change stands.
        status: order_edit::Status,
        /// What the buyer said.
        answer: Option<String>,
    },
    /// Somebody, probably you, wants to see your order: here is the way.
    OrderLink {
        /// Which order.
        order_id: OrderId,
        /// The token of the link, which shows the order for a while.
        token: String,
    },
    /// Here is what was agreed on: please pay it.
    PayLink {
        /// The cart that the link opens.
        cart_id: CartId,
        /// The token of the link.
        token: String,
        /// What is to be paid.
        total: Money,
        /// Until when the link is good.
        expires_at: Timestamp,
        /// What the shop says beside it.
        message: Option<String>,
    },
    /// We have got your wish to send something back.
    ReturnRequested {
        /// Of which order.
        order_id: OrderId,
        /// Which return.
        return_id: ReturnId,
    },
    /// You may send it back, and how.
    ReturnApproved {
        /// Of which order.
        order_id: OrderId,
        /// Which return.
        return_id: ReturnId,
    },
    /// You may not send it back, and why.
    ReturnRejected {
        /// Of which order.
        order_id: OrderId,
        /// Which return.
        return_id: ReturnId,
    },
    /// What you sent back has come.
    ReturnReceived {
        /// Of which order.
        order_id: OrderId,
        /// Which return.
        return_id: ReturnId,
    },
    /// What you get for what you sent back.
    ReturnResolved {
        /// Of which order.
        order_id: OrderId,
        /// Which return.
        return_id: ReturnId,
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
    /// How a letter would look; to the member of the staff who has written it.
    TemplateTest {
        /// Which letter.
        of: String,
        /// In which language.
        locale: Locale,
        /// Which version of it.
        version: u32,
    },
    /// A dispute is to be answered; to the staff.
    DisputeOpened {
        /// What people call the order.
        order_number: String,
        /// How much it is about.
        amount: Money,
        /// Why, in the provider's words.
        reason: String,
        /// Whether it is a question only.
        is_inquiry: bool,
        /// Until when; none where no answer is taken.
        due_by: Option<Timestamp>,
    },
    /// Reserved money is to be taken before its time is over; to the staff.
    CaptureDue {
        /// What people call the order.
        order_number: String,
        /// How much is reserved.
        amount: Money,
        /// When the reservation ends.
        capture_before: Timestamp,
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
            Self::DataExported { .. } => "data_exported",
            Self::DataErased => "data_erased",
            Self::StaffInvitation { .. } => "staff_invitation",
            Self::StaffResetPassword { .. } => "staff_reset_password",
            Self::SecondFactorChanged => "second_factor_changed",
            Self::GiftCard { .. } => "gift_card",
            Self::OrderConfirmation { .. } => "order_confirmation",
            Self::LatePaymentRefunded { .. } => "late_payment_refunded",
            Self::PaymentFailed { .. } => "payment_failed",
            Self::OrderShipped { .. } => "order_shipped",
            Self::OrderDelivered { .. } => "order_delivered",
            Self::OrderRefunded { .. } => "order_refunded",
            Self::OrderCanceled { .. } => "order_canceled",
            Self::OrderLinesCanceled { .. } => "order_lines_canceled",
            Self::ExchangeToPay { .. } => "exchange_to_pay",
            Self::OrderEditToApprove { .. } => "order_edit_to_approve",
            Self::OrderEdited { .. } => "order_edited",
            Self::OrderEditClosed { .. } => "order_edit_closed",
            Self::OrderLink { .. } => "order_link",
            Self::PayLink { .. } => "pay_link",
            Self::ReturnRequested { .. } => "return_requested",
            Self::ReturnApproved { .. } => "return_approved",
            Self::ReturnRejected { .. } => "return_rejected",
            Self::ReturnReceived { .. } => "return_received",
            Self::ReturnResolved { .. } => "return_resolved",
            Self::KeysReady { .. } => "keys_ready",
            Self::BackInStock { .. } => "back_in_stock",
            Self::TemplateTest { .. } => "template_test",
            Self::DisputeOpened { .. } => "dispute_opened",
            Self::CaptureDue { .. } => "capture_due",
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
        let fulfillment_id = FulfillmentId::from_ulid(ulid);
        let refund_id = RefundId::from_ulid(ulid);
        let return_id = ReturnId::from_ulid(ulid);
        let dispute_id = DisputeId::from_ulid(ulid);
        let amount = Money::new(990, crate::currency::Currency::EUR);
        let to = Email::parse("jane@example.org").unwrap();
        let letters = [
            Letter::VerifyEmail { token: "t".into() },
            Letter::AlreadyRegistered,
            Letter::ResetPassword { token: "t".into() },
            Letter::PasswordChanged,
            Letter::ConfirmEmailChange { token: "t".into(), is_new: true },
            Letter::EmailChanged,
            Letter::AccountClosed,
            Letter::DataExported { token: "t".into() },
            Letter::DataErased,
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
            Letter::PaymentFailed { order_id, token: "t".into() },
            Letter::OrderShipped { order_id, fulfillment_id },
            Letter::OrderDelivered { order_id, fulfillment_id },
            Letter::OrderRefunded { order_id, amount },
            Letter::OrderCanceled { order_id },
            Letter::OrderLinesCanceled { order_id, number: 2 },
            Letter::ExchangeToPay { order_id, token: "t".into() },
            Letter::OrderEditToApprove { order_id, number: 1, token: "t".into() },
            Letter::OrderEdited { order_id, number: 1, token: None },
            Letter::OrderEditClosed {
                order_number: "STH-42T-DMW".into(),
                status: order_edit::Status::Declined,
                answer: Some("No.".into()),
            },
            Letter::OrderLink { order_id, token: "t".into() },
            Letter::ReturnRequested { order_id, return_id },
            Letter::ReturnApproved { order_id, return_id },
            Letter::ReturnRejected { order_id, return_id },
            Letter::ReturnReceived { order_id, return_id },
            Letter::ReturnResolved { order_id, return_id },
            Letter::KeysReady { order_id },
            Letter::BackInStock {
                title: "Mug".into(),
                slug: Slug::parse("mug").unwrap(),
                token: "t".into(),
            },
            Letter::TemplateTest {
                of: "gift_card".into(),
                locale: Locale::parse("de").unwrap(),
                version: 3,
            },
            Letter::DisputeOpened {
                order_number: "STH-42T-DMW".into(),
                amount,
                reason: "fraudulent".into(),
                is_inquiry: false,
                due_by: None,
            },
            Letter::CaptureDue {
                order_number: "STH-42T-DMW".into(),
                amount,
                capture_before: Timestamp::from_second(1_790_000_000).unwrap(),
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
        let status = fulfillment::Status::ReturnedToSender;
        let moved = Fact::FulfillmentMoved { order_id, fulfillment_id, status };
        let status = refund::Status::Succeeded;
        let refunded = Fact::RefundMoved { order_id, refund_id, amount, status, is_again: true };
        let facts = [
            Fact::OrderPlaced { order_id },
            Fact::OrderRefundedLate { order_id },
            Fact::RefundRequested { order_id, refund_id },
            Fact::ReturnMoved { order_id, return_id, status: returns::Status::InTransit },
            Fact::OrderMoved { order_id, status: order::Status::OnHold },
            Fact::OrderReopened { order_id },
            Fact::PaymentFailed { order_id },
            Fact::OrderLinesCanceled { order_id, number: 1 },
            Fact::OrderEditClosed { order_id, number: 1, status: order_edit::Status::Expired },
            Fact::DisputeMoved { order_id, dispute_id, amount, status: dispute::Status::Lost },
            Fact::DisputeAnswered { order_id, dispute_id },
            Fact::CaptureRequested { order_id },
            refunded,
            keys,
            moved,
        ];
        for fact in facts.into_iter().chain(messages) {
            let at = Timestamp::from_second(1_790_000_000).unwrap();
            let event = Event { id: EventId::from_ulid(ulid), at, sequence: 3, fact };
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event, "{text}");
        }
    }
}
