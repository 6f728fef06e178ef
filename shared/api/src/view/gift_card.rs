//! Gift cards and store credit, as the staff and their holders see them. A code is shown once, to
//! whoever issues the card.

use domain::currency::Currency;
use domain::gift_card::{Code, Entry, EntryKind, GiftCard, Status, StoreCredit};
use domain::id::{CustomerId, GiftCardId, GiftEntryId, OrderId, StaffId};
use domain::money::Money;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A gift card.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GiftCardView {
    /// Its id, which opens nothing.
    pub id: GiftCardId,
    /// The last four characters of its code.
    pub last4: String,
    /// What it is priced in.
    pub currency: Currency,
    /// What it was worth when it was issued.
    pub initial: Money,
    /// What it is worth.
    pub balance: Money,
    /// Where it stands.
    pub status: Status,
    /// When its time is over.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// What was noted when it was issued.
    pub note: Option<String>,
    /// Who issued it.
    pub issued_by: Option<StaffId>,
    /// When it was issued.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When the staff last changed it.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for GiftCardView {}
impl View for List<GiftCardView> {}

impl From<GiftCard> for GiftCardView {
    fn from(card: GiftCard) -> Self {
        Self {
            id: card.id,
            last4: card.last4,
            currency: card.initial.currency(),
            initial: card.initial,
            balance: card.balance,
            status: card.status,
            expires_at: card.expires_at,
            note: card.note,
            issued_by: card.issued_by,
            created_at: card.created_at,
            updated_at: card.updated_at,
        }
    }
}

/// A gift card with its code, this once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IssuedGiftCardView {
    /// The gift card.
    #[serde(flatten)]
    pub gift_card: GiftCardView,
    /// Its code. It is not stored and never shown again.
    pub code: String,
}

impl View for IssuedGiftCardView {}

impl IssuedGiftCardView {
    /// The view of a card and its code.
    pub fn of(card: GiftCard, code: &Code) -> Self {
        Self { gift_card: card.into(), code: code.reveal() }
    }
}

/// Gift cards that were issued together, with their codes, this once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IssuedGiftCardsView {
    /// The gift cards.
    pub data: Vec<IssuedGiftCardView>,
    /// How many were asked for. Where fewer were issued, a part of them failed: ask for the rest.
    pub requested: u32,
}

impl View for IssuedGiftCardsView {}

/// A gift card with what happened to it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GiftCardFileView {
    /// The gift card.
    #[serde(flatten)]
    pub gift_card: GiftCardView,
    /// What happened to it, newest first; the last hundred.
    pub entries: Vec<GiftEntryView>,
}

impl View for GiftCardFileView {}

/// Something that happened to a gift card or to store credit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GiftEntryView {
    /// Its id.
    pub id: GiftEntryId,
    /// What happened.
    pub kind: EntryKind,
    /// By how much the balance rose; below zero, fell.
    pub amount: Money,
    /// The order that was paid.
    pub order_id: Option<OrderId>,
    /// Who did it, where a person did.
    pub by: Option<StaffId>,
    /// Why, where a person did.
    pub reason: Option<String>,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl From<Entry> for GiftEntryView {
    fn from(entry: Entry) -> Self {
        let Entry { id, kind, amount, order, by, reason, at, account: _ } = entry;
        Self { id, kind, amount, order_id: order, by, reason, at }
    }
}

/// What is on a gift card.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BalanceView {
    /// The last four characters of its code.
    pub last4: String,
    /// What it is worth.
    pub balance: Money,
    /// When its time is over.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

impl View for BalanceView {}

/// A customer's store credit as the staff see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StoreCreditView {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// What it is worth, one for each currency that they ever had any in.
    pub balances: Vec<Money>,
    /// What happened to it, newest first.
    pub data: Vec<GiftEntryView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

impl View for StoreCreditView {}

/// A correction of store credit, and what it is worth after it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CorrectedCreditView {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// What it is worth now, in this currency.
    pub balance: Money,
    /// What was done.
    pub entry: GiftEntryView,
}

impl View for CorrectedCreditView {}

/// A correction of a gift card, and the card after it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CorrectedGiftCardView {
    /// The gift card as it is now.
    #[serde(flatten)]
    pub gift_card: GiftCardView,
    /// What was done.
    pub entry: GiftEntryView,
}

impl View for CorrectedGiftCardView {}

/// The signed-in customer's store credit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnStoreCreditView {
    /// What it is worth, one for each currency that they ever had any in.
    pub balances: Vec<Money>,
    /// What happened to it, newest first.
    pub data: Vec<OwnEntryView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

impl View for OwnStoreCreditView {}

/// Something that happened to the customer's store credit. Who of the staff did it, and what they
/// noted, stays with the staff.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnEntryView {
    /// Its id.
    pub id: GiftEntryId,
    /// What happened.
    pub kind: EntryKind,
    /// By how much the balance rose; below zero, fell.
    pub amount: Money,
    /// The order that was paid.
    pub order_id: Option<OrderId>,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl From<Entry> for OwnEntryView {
    fn from(entry: Entry) -> Self {
        let Entry { id, kind, amount, order, at, account: _, by: _, reason: _ } = entry;
        Self { id, kind, amount, order_id: order, at }
    }
}

/// What accounts are worth, in a stable order.
pub fn balances(credits: Vec<StoreCredit>) -> Vec<Money> {
    credits.into_iter().map(|credit| credit.balance).collect()
}
