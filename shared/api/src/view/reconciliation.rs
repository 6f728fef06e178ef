//! What differs between the shop's books and the payment provider's, as staff see it.

use domain::id::{OrderId, PaymentId};
use domain::money::Money;
use domain::reconciliation::{Cause, Noted};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// Something that differs, or differed until the shop mended it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mismatch")]
pub struct MismatchView {
    /// Why.
    pub cause: Cause,
    /// What is wrong, in a sentence.
    pub explanation: &'static str,
    /// What to do about it.
    pub proposed_fix: &'static str,
    /// Whether the shop has mended it by itself.
    pub is_healed: bool,
    /// The order; null where none is named.
    pub order_id: Option<OrderId>,
    /// The payment; null where there is none.
    pub payment_id: Option<PaymentId>,
    /// The provider's id of the PaymentIntent.
    pub payment_intent_id: String,
    /// What the provider says; where the ledger differs, what the payment says.
    pub told: Money,
    /// What the payment says; where the ledger differs, what its entries add up to.
    pub kept: Money,
    /// When it was seen first.
    #[schemars(with = "String")]
    pub first_seen_at: Timestamp,
    /// When it was seen last.
    #[schemars(with = "String")]
    pub last_seen_at: Timestamp,
}

impl View for List<MismatchView> {}

impl From<Noted> for MismatchView {
    fn from(noted: Noted) -> Self {
        let Noted { finding, first_seen_at, last_seen_at, is_healed } = noted;
        Self {
            cause: finding.cause,
            explanation: finding.cause.sentence(),
            proposed_fix: finding.cause.fix(),
            is_healed,
            order_id: finding.order,
            payment_id: finding.payment,
            payment_intent_id: finding.intent,
            told: finding.told,
            kept: finding.kept,
            first_seen_at,
            last_seen_at,
        }
    }
}
