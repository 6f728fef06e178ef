//! What became of a letter, from the request to the reader's mailbox.
//!
//! queued → sending → sent → delivered | bounced | complained; what is not sent at all is
//! suppressed or failed. The mail service tells what became of a letter late, twice and out of
//! order: news only ever moves a letter on, and older news never takes a complaint or a bounce
//! back.
//!
//! The log of letters holds no address: its mask, for people, and a keyed hash, to find out whether
//! the address may be written to.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Email;
use crate::catalog::Locale;
use crate::event::{Letter, Message};
use crate::id::{MessageId, OrderId};
use crate::phone::Phone;
use crate::text::{Says, Text};

/// How often one letter may be sent again by hand: who did not get it five times will not.
pub const RESENDS_MAX: u32 = 5;
/// How long a letter about an order is remembered: longer than a card holder may dispute a payment
/// (540 days, Visa's longest), so that the log can be shown as evidence.
pub const ORDER_LETTER_KEPT: SignedDuration = SignedDuration::from_hours(550 * 24);
/// How long any other letter is remembered: longer than its links are good and its news late.
pub const LETTER_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LetterStatus")]
pub enum Status {
    /// Asked for; nobody has begun.
    Queued,
    /// Somebody is at it, or died at it: it is tried again.
    Sending,
    /// The mail service took it.
    Sent,
    /// The reader's mail service took it.
    Delivered,
    /// The reader's mail service sent it back.
    Bounced,
    /// The reader calls it spam.
    Complained,
    /// Not sent: the address is on the list of those that are not written to.
    Suppressed,
    /// The mail service will never take it.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Bounced,
        Self::Complained,
        Self::Suppressed,
        Self::Failed,
    ];

    /// The name in tables and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Suppressed => "suppressed",
            Self::Failed => "failed",
        }
    }

    /// Whether a letter may go from here to there.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            // What waited while its reader took their word back is not sent at all.
            Self::Queued => matches!(next, Self::Sending | Self::Suppressed),
            // What was refused once is tried again when somebody redrives the queue.
            Self::Failed => matches!(next, Self::Sending),
            // News may overtake the sender's own mark: it is there before the letter is "sent".
            Self::Sending => matches!(
                next,
                Self::Sent
                    | Self::Delivered
                    | Self::Bounced
                    | Self::Complained
                    | Self::Suppressed
                    | Self::Failed
            ),
            Self::Sent => matches!(next, Self::Delivered | Self::Bounced | Self::Complained),
            // Mail services take a letter and send it back minutes later, or its reader complains.
            Self::Delivered => matches!(next, Self::Bounced | Self::Complained),
            Self::Bounced => matches!(next, Self::Complained),
            Self::Complained | Self::Suppressed => false,
        }
    }

    /// Whether the letter has left: it is not sent again under its id.
    pub const fn has_left(self) -> bool {
        match self {
            Self::Sent | Self::Delivered | Self::Bounced | Self::Complained => true,
            Self::Queued | Self::Sending | Self::Suppressed | Self::Failed => false,
        }
    }
}

/// How a letter was sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounce {
    /// There is no such mailbox; there never will be.
    Permanent,
    /// A full mailbox, a service that is down, a reader on holiday.
    Transient,
}

/// What the mail service tells of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// The reader's mail service took it.
    Delivered,
    /// It was sent back.
    Bounced(Bounce),
    /// Its reader calls it spam.
    Complained,
}

impl News {
    /// Where the letter stands by this news; none where it tells nothing new.
    ///
    /// A letter that was delivered and then "bounces" for a while is an absence note: it stays
    /// delivered.
    pub fn moves(self, from: Status) -> Option<Status> {
        let next = match self {
            Self::Delivered => Status::Delivered,
            Self::Bounced(Bounce::Transient) if from == Status::Delivered => return None,
            Self::Bounced(Bounce::Permanent | Bounce::Transient) => Status::Bounced,
            Self::Complained => Status::Complained,
        };
        from.may_become(next).then_some(next)
    }

    /// Why the address is not written to from now on; none where it goes on.
    pub const fn suppresses(self) -> Option<Cause> {
        match self {
            Self::Bounced(Bounce::Permanent) => Some(Cause::Bounce),
            Self::Complained => Some(Cause::Complaint),
            Self::Delivered | Self::Bounced(Bounce::Transient) => None,
        }
    }

    /// The reason in the log of letters.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Delivered => None,
            Self::Bounced(Bounce::Permanent) => Some("permanent_bounce"),
            Self::Bounced(Bounce::Transient) => Some("transient_bounce"),
            Self::Complained => Some("complaint"),
        }
    }
}

/// Why an address is not written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SuppressionCause")]
pub enum Cause {
    /// There is no such mailbox.
    Bounce,
    /// Its reader called a letter spam.
    Complaint,
    /// The staff said so.
    Staff,
    /// Its holder answered STOP to a text; START takes it back, and nobody else.
    Stop,
}

/// An address that is not written to, but for letters about security.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// A keyed hash of the address: the same address has the same one.
    pub id: String,
    /// The address's mask.
    pub to: String,
    /// Why.
    pub cause: Cause,
    /// Which letter led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a message goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MessageChannel")]
pub enum Channel {
    /// A letter to a mailbox.
    #[default]
    Mail,
    /// A text to a telephone.
    Sms,
}

/// A letter in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The letter's id.
    pub id: MessageId,
    /// Which letter.
    pub letter: String,
    /// What it goes by.
    #[serde(default)]
    pub channel: Channel,
    /// The order it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The mask of its reader's address.
    pub to: String,
    /// The keyed hash of its reader's address.
    pub address: String,
    /// Where it stands.
    pub status: Status,
    /// Why, where it did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was first worked on, or asked for by hand.
    pub queued_at: Timestamp,
    /// When the mail service took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When it came to the end where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// The letter that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<MessageId>,
    /// How often this one was repeated.
    #[serde(default)]
    pub resends: u32,
    /// The language and version of the merchant's own words that it was first written with; none
    /// for the shop's. A second attempt is written with the same ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<(Locale, u32)>,
    /// What it says, where that is read from an order: so much can be written again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Letter>,
}

impl Delivery {
    /// A letter that was asked for; `address` is the keyed hash of its reader's address.
    pub fn queued(message: &Message, address: String, now: Timestamp) -> Self {
        Self {
            id: message.id,
            letter: message.letter.template().to_owned(),
            channel: Channel::Mail,
            order: message.letter.order(),
            to: masked(&message.to),
            address,
            status: Status::Queued,
            reason: None,
            queued_at: now,
            sent_at: None,
            settled_at: None,
            repeats: None,
            resends: 0,
            words: None,
            again: message.letter.order().map(|_| message.letter.clone()),
        }
    }

    /// A text that was asked for; `address` is the keyed hash of its reader's number.
    pub fn texted(text: &Text, to: &Phone, address: String, now: Timestamp) -> Self {
        let again = match &text.says {
            Says::Code => None,
            Says::About { letter } => Some(letter.clone()),
        };
        Self {
            id: text.id,
            letter: text.says.name().to_owned(),
            channel: Channel::Sms,
            order: again.as_ref().and_then(Letter::order),
            to: to.masked(),
            address,
            status: Status::Queued,
            reason: None,
            queued_at: now,
            sent_at: None,
            settled_at: None,
            repeats: None,
            resends: 0,
            words: None,
            again,
        }
    }

    /// How long it is remembered.
    pub const fn kept(&self) -> SignedDuration {
        if self.order.is_some() { ORDER_LETTER_KEPT } else { LETTER_KEPT }
    }

    /// What is written once more, and the order that it is about, if it may be.
    ///
    /// # Errors
    ///
    /// Refused where the letter carries a link or a code of its own, which the log does not hold,
    /// where it is not on its way to an end yet, and where it was repeated too often.
    pub fn may_be_repeated(&self) -> Result<(OrderId, Letter), Refusal> {
        let (Some(order), Some(letter)) = (self.order, &self.again) else {
            return Err(Refusal::NotAboutAnOrder);
        };
        match self.status {
            Status::Queued | Status::Sending => return Err(Refusal::Underway(self.status)),
            Status::Sent
            | Status::Delivered
            | Status::Bounced
            | Status::Complained
            | Status::Suppressed
            | Status::Failed => {}
        }
        if self.resends >= RESENDS_MAX {
            return Err(Refusal::RepeatedTooOften);
        }
        Ok((order, letter.clone()))
    }
}

/// Why a letter is not sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It carries a link or a code of its own: whoever lost it asks for another.
    NotAboutAnOrder,
    /// It is on its way.
    Underway(Status),
    /// It was repeated [`RESENDS_MAX`] times.
    RepeatedTooOften,
}

impl Refusal {
    /// The code that clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAboutAnOrder => "letter_not_repeatable",
            Self::Underway(_) => "letter_underway",
            Self::RepeatedTooOften => "letter_repeated_too_often",
        }
    }
}

/// An address as people may see it who need not know it: `j•••@e•••.org`.
pub fn masked(address: &Email) -> String {
    let (local, domain) = address.as_str().rsplit_once('@').unwrap_or((address.as_str(), ""));
    let (name, end) = domain.rsplit_once('.').unwrap_or((domain, ""));
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    format!("{}•••@{}•••.{end}", first(local), first(name))
}

impl Letter {
    /// The order that it is about. What it says is read from there: it can be written again.
    pub const fn order(&self) -> Option<OrderId> {
        match self {
            Self::OrderConfirmation { order_id }
            | Self::LatePaymentRefunded { order_id }
            | Self::OrderShipped { order_id, .. }
            | Self::OrderDelivered { order_id, .. }
            | Self::OrderRefunded { order_id, .. }
            | Self::OrderCanceled { order_id, .. }
            | Self::OrderLinesCanceled { order_id, .. }
            | Self::ReturnRequested { order_id, .. }
            | Self::ReturnApproved { order_id, .. }
            | Self::ReturnRejected { order_id, .. }
            | Self::ReturnReceived { order_id, .. }
            | Self::ReturnResolved { order_id, .. }
            | Self::KeysReady { order_id } => Some(*order_id),
            Self::VerifyEmail { .. }
            | Self::AlreadyRegistered
            | Self::ResetPassword { .. }
            | Self::PasswordChanged
            | Self::ConfirmEmailChange { .. }
            | Self::EmailChanged
            | Self::AccountClosed
            | Self::DataExported { .. }
            | Self::DataErased
            | Self::StaffInvitation { .. }
            | Self::StaffResetPassword { .. }
            | Self::SecondFactorChanged
            | Self::GiftCard { .. }
            | Self::BackInStock { .. }
            | Self::TemplateTest { .. }
            | Self::PaymentFailed { .. }
            | Self::ExchangeToPay { .. }
            | Self::OrderEditToApprove { .. }
            | Self::OrderEdited { .. }
            | Self::OrderEditClosed { .. }
            | Self::OrderLink { .. }
            | Self::PayLink { .. }
            | Self::DisputeOpened { .. }
            | Self::CaptureDue { .. }
            | Self::StockDigest { .. } => None,
        }
    }

    /// Whether it opens an account or warns its holder. Such a letter goes out whatever is said of
    /// the address: nobody may silence the warning that their account was taken.
    pub const fn is_about_security(&self) -> bool {
        match self {
            Self::VerifyEmail { .. }
            | Self::AlreadyRegistered
            | Self::ResetPassword { .. }
            | Self::PasswordChanged
            | Self::ConfirmEmailChange { .. }
            | Self::EmailChanged
            | Self::AccountClosed
            | Self::DataExported { .. }
            | Self::DataErased
            | Self::StaffInvitation { .. }
            | Self::StaffResetPassword { .. }
            | Self::SecondFactorChanged => true,
            Self::OrderConfirmation { .. }
            | Self::LatePaymentRefunded { .. }
            | Self::OrderShipped { .. }
            | Self::OrderDelivered { .. }
            | Self::OrderRefunded { .. }
            | Self::OrderCanceled { .. }
            | Self::OrderLinesCanceled { .. }
            | Self::ReturnRequested { .. }
            | Self::ReturnApproved { .. }
            | Self::ReturnRejected { .. }
            | Self::ReturnReceived { .. }
            | Self::ReturnResolved { .. }
            | Self::KeysReady { .. }
            | Self::GiftCard { .. }
            | Self::BackInStock { .. }
            | Self::TemplateTest { .. }
            | Self::PaymentFailed { .. }
            | Self::ExchangeToPay { .. }
            | Self::OrderEditToApprove { .. }
            | Self::OrderEdited { .. }
            | Self::OrderEditClosed { .. }
            | Self::OrderLink { .. }
            | Self::PayLink { .. }
            | Self::DisputeOpened { .. }
            | Self::CaptureDue { .. }
            | Self::StockDigest { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    const NEWS: [News; 4] = [
        News::Delivered,
        News::Bounced(Bounce::Permanent),
        News::Bounced(Bounce::Transient),
        News::Complained,
    ];

    fn delivery(status: Status) -> Delivery {
        let order_id = OrderId::from_ulid(Ulid::from_parts(1, 2));
        let message = Message {
            id: MessageId::from_ulid(Ulid::from_parts(1, 1)),
            to: Email::parse("jane@example.org").unwrap(),
            letter: Letter::OrderConfirmation { order_id },
        };
        Delivery { status, ..Delivery::queued(&message, "hash".into(), Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn in_whatever_order_news_comes_it_ends_the_same() {
        // Every order of every choice of news, each told once or twice, ends where the gravest
        // of them leads.
        for mask in 1_u32..16 {
            let told: Vec<News> =
                (0..4).filter(|bit| mask >> bit & 1 == 1).map(|bit| NEWS[bit]).collect();
            let fold = |order: &[News]| {
                order.iter().fold(Status::Sent, |status, news| news.moves(status).unwrap_or(status))
            };
            let has = |news: News| told.contains(&news);
            let is_grave = has(News::Complained) || has(News::Bounced(Bounce::Permanent));
            let mut ends = Vec::new();
            for turn in 0..told.len() {
                let mut order = told.clone();
                order.rotate_left(turn);
                ends.push(fold(&order));
                order.reverse();
                ends.push(fold(&order));
                let twice: Vec<News> = order.iter().chain(&order).copied().collect();
                ends.push(fold(&twice));
            }
            if is_grave {
                ends.dedup();
                let end = if has(News::Complained) { Status::Complained } else { Status::Bounced };
                assert_eq!(ends, [end], "{told:?}");
            }
        }
    }

    #[test]
    fn a_letter_that_never_left_has_no_news() {
        for status in [Status::Queued, Status::Suppressed, Status::Failed] {
            assert!(NEWS.iter().all(|news| news.moves(status).is_none()), "{status:?}");
        }
    }

    #[test]
    fn an_absence_note_takes_nothing_back() {
        let note = News::Bounced(Bounce::Transient);
        assert_eq!(note.moves(Status::Delivered), None);
        assert_eq!(note.moves(Status::Sent), Some(Status::Bounced));
        assert_eq!(note.suppresses(), None);
    }

    #[test]
    fn what_has_left_is_not_sent_again() {
        for status in Status::ALL {
            let may = status == Status::Sending || status.may_become(Status::Sending);
            assert!(!(may && status.has_left()), "{status:?}");
        }
    }

    #[test]
    fn only_a_letter_about_an_order_that_came_to_an_end_is_repeated() {
        for status in Status::ALL {
            let may = delivery(status).may_be_repeated().is_ok();
            assert_eq!(may, !matches!(status, Status::Queued | Status::Sending), "{status:?}");
        }
        let mut worn = delivery(Status::Delivered);
        worn.resends = RESENDS_MAX;
        assert_eq!(worn.may_be_repeated(), Err(Refusal::RepeatedTooOften));
        let alone = Delivery { order: None, ..delivery(Status::Delivered) };
        assert_eq!(alone.may_be_repeated(), Err(Refusal::NotAboutAnOrder));
    }

    #[test]
    fn a_mask_shows_neither_name_nor_house() {
        let mask = |text| masked(&Email::parse(text).unwrap());
        assert_eq!(mask("jane.roe@example.org"), "j•••@e•••.org");
        assert_eq!(mask("a@janeroe.co.uk"), "a•••@j•••.uk");
    }
}
