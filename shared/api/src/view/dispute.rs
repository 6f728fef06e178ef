//! Disputes, as staff see them.

use domain::dispute::{AnswerKind, Dispute, Evidence, Status};
use domain::id::{DisputeId, OrderId, PaymentId};
use domain::money::Money;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A dispute.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Dispute")]
pub struct DisputeView {
    /// Its id.
    pub id: DisputeId,
    /// The order.
    pub order_id: OrderId,
    /// What people call the order.
    pub order_number: String,
    /// The payment that is disputed.
    pub payment_id: PaymentId,
    /// The provider's id of it.
    pub provider_dispute_id: String,
    /// Where it stands.
    pub status: Status,
    /// Whether the bank only asks: no money was taken, and none is lost by it. It may become a
    /// dispute.
    pub is_inquiry: bool,
    /// Why, in the provider's words: `fraudulent`, `product_not_received`, `duplicate` …
    pub reason: String,
    /// How much it is about.
    pub amount: Money,
    /// Until when it may be answered; null where the bank takes no answer.
    #[schemars(with = "Option<String>")]
    pub due_by: Option<Timestamp>,
    /// Whether somebody has to answer: it waits, and no answer is on its way.
    pub needs_answer: bool,
    /// What was answered; null where nothing was.
    pub answer: Option<AnswerView>,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When the shop heard that it was decided.
    #[schemars(with = "Option<String>")]
    pub closed_at: Option<Timestamp>,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for DisputeView {}
impl View for List<DisputeView> {}

/// What was answered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DisputeAnswer")]
pub struct AnswerView {
    /// Evidence, or that the shop gives in.
    #[serde(rename = "type")]
    pub kind: AnswerKind,
    /// Who decided it: the id of a member of the staff or of an API key.
    pub answered_by: String,
    /// When.
    #[schemars(with = "String")]
    pub answered_at: Timestamp,
    /// When the provider took it; null while it is on its way.
    #[schemars(with = "Option<String>")]
    pub sent_at: Option<Timestamp>,
    /// Why the provider did not take it, in its words: answer once more.
    pub failure: Option<String>,
}

impl From<&Dispute> for DisputeView {
    fn from(dispute: &Dispute) -> Self {
        Self {
            id: dispute.id,
            order_id: dispute.order,
            order_number: dispute.order_number.clone(),
            payment_id: dispute.payment,
            provider_dispute_id: dispute.provider_ref.clone(),
            status: dispute.status,
            is_inquiry: dispute.is_inquiry,
            reason: dispute.reason.clone(),
            amount: dispute.amount,
            due_by: dispute.due_by,
            needs_answer: dispute.waits(),
            answer: dispute.answer.as_ref().map(|answer| AnswerView {
                kind: answer.kind,
                answered_by: answer.by.to_string(),
                answered_at: answer.at,
                sent_at: answer.sent_at,
                failure: answer.failure.clone(),
            }),
            opened_at: dispute.opened_at,
            closed_at: dispute.closed_at,
            updated_at: dispute.updated_at,
        }
    }
}

/// A dispute with what can be said about it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DisputeFile")]
pub struct DisputeFileView {
    /// The dispute.
    #[serde(flatten)]
    pub dispute: DisputeView,
    /// What would be sent to the bank, or was: what the order says for itself, and what staff
    /// wrote in its place.
    pub evidence: Evidence,
    /// The number of the invoice whose PDF goes along as the receipt; null where none is written.
    pub receipt: Option<String>,
}

impl View for DisputeFileView {}
