//! Money back, as staff and buyers see it.

use domain::gift_card::Tender;
use domain::id::{OrderId, OrderLineId, PaymentId, RefundId};
use domain::money::Money;
use domain::order::{Order, PaymentStatus};
use domain::refund::{Origin, Part, Plan, Refund, Status};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::order::TenderView;
use crate::cursor::List;
use crate::reply::View;

/// What a part of a refund is for.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RefundPartType")]
pub enum PartKind {
    /// Units of a line.
    Line,
    /// The shipping.
    Shipping,
    /// No part of the order in particular.
    Amount,
    /// A kindness.
    Goodwill,
}

/// A part of a refund.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RefundPart")]
pub struct PartView {
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: PartKind,
    /// The order's line, where it is for one.
    pub line_id: Option<OrderLineId>,
    /// Units of the line, where it is for one.
    pub quantity: Option<u32>,
    /// What is given for it.
    pub amount: Money,
}

impl From<&Part> for PartView {
    fn from(part: &Part) -> Self {
        let amount = part.amount();
        let of = |kind| Self { kind, line_id: None, quantity: None, amount };
        match part {
            Part::Line { line, quantity, .. } => {
                let (line_id, quantity) = (Some(*line), Some(*quantity));
                Self { line_id, quantity, ..of(PartKind::Line) }
            }
            Part::Shipping { .. } => of(PartKind::Shipping),
            Part::Amount { .. } => of(PartKind::Amount),
            Part::Goodwill { .. } => of(PartKind::Goodwill),
        }
    }
}

fn tenders(tenders: &[Tender]) -> Vec<TenderView> {
    tenders.iter().cloned().map(TenderView::from).collect()
}

/// A refund as the order's buyer sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderRefund")]
pub struct OrderRefundView {
    /// Its id.
    pub id: RefundId,
    /// Where it stands.
    pub status: Status,
    /// All that goes back.
    pub amount: Money,
    /// What of it goes back to gift cards and store credit; the rest goes back to the card.
    pub tenders: Vec<TenderView>,
    /// What of it became store credit instead of going back to the card; null for nothing.
    pub store_credit: Option<Money>,
    /// What pays for a replacement besides, instead of going back; null for nothing.
    pub exchanged: Option<Money>,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl From<&Refund> for OrderRefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            status: refund.status,
            amount: refund.amount(),
            tenders: tenders(&refund.tenders),
            store_credit: refund.credit.map(|credit| credit.amount),
            exchanged: refund.exchanged.as_ref().map(|exchanged| exchanged.amount),
            created_at: refund.created_at,
        }
    }
}

/// A refund as staff see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Refund")]
pub struct RefundView {
    /// Its id.
    pub id: RefundId,
    /// The order.
    pub order_id: OrderId,
    /// The payment whose money goes back; null where all goes to gift cards and store credit.
    pub payment_id: Option<PaymentId>,
    /// Where it stands. What failed has opened the order's balance again: retry it, or refund in
    /// another way.
    pub status: Status,
    /// Where it came from.
    pub origin: Origin,
    /// All that goes back.
    pub amount: Money,
    /// What of it goes back by the payment provider.
    pub money: Money,
    /// What of it went back to gift cards and store credit, at once.
    pub tenders: Vec<TenderView>,
    /// What of it became store credit instead of going back by the provider; null for nothing.
    pub store_credit: Option<Money>,
    /// What pays for a replacement besides, instead of going back; null for nothing.
    pub exchanged: Option<Money>,
    /// What it is for; empty where it was made at the provider, or is all that was left.
    pub parts: Vec<PartView>,
    /// Why, as whoever asked for it said.
    pub reason: Option<String>,
    /// Who asked for it: the id of a member of the staff or of an API key, or `system`.
    pub requested_by: String,
    /// Rises each time that it is asked for again.
    pub attempt: u32,
    /// The provider's id of it.
    pub provider_refund_id: Option<String>,
    /// Why it failed, in the provider's words.
    pub failure: Option<String>,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it first succeeded.
    #[schemars(with = "Option<String>")]
    pub succeeded_at: Option<Timestamp>,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for RefundView {}
impl View for List<RefundView> {}

impl From<&Refund> for RefundView {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id,
            order_id: refund.order,
            payment_id: refund.payment,
            status: refund.status,
            origin: refund.origin,
            amount: refund.amount(),
            money: refund.money,
            tenders: tenders(&refund.tenders),
            store_credit: refund.credit.map(|credit| credit.amount),
            exchanged: refund.exchanged.as_ref().map(|exchanged| exchanged.amount),
            parts: refund.parts.iter().map(PartView::from).collect(),
            reason: refund.reason.clone(),
            requested_by: refund.by.to_string(),
            attempt: refund.attempt,
            provider_refund_id: refund.provider_ref.clone(),
            failure: refund.failure.clone(),
            created_at: refund.created_at,
            succeeded_at: refund.succeeded_at,
            updated_at: refund.updated_at,
        }
    }
}

/// What can still be given back for a line.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RefundableLine")]
pub struct RefundableLineView {
    /// The order's line.
    pub line_id: OrderLineId,
    /// Units that were not refunded.
    pub quantity: u32,
    /// What was paid for them.
    pub amount: Money,
}

/// What can still be given back of an order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Refundable")]
pub struct RefundableView {
    /// All together: to gift cards and store credit, and by the payment provider.
    pub amount: Money,
    /// By the payment provider.
    pub money: Money,
    /// For the shipping.
    pub shipping: Money,
    /// For each line.
    pub lines: Vec<RefundableLineView>,
}

impl RefundableView {
    /// Of this order.
    pub fn of(order: &Order) -> Self {
        let currency = order.currency;
        let money = order.refundable().max(0);
        let line = |line: &domain::order::OrderLine| RefundableLineView {
            line_id: line.id,
            quantity: line.refundable_units(),
            amount: Money::new(line.refundable_amount(), currency),
        };
        Self {
            amount: Money::new(money + order.tender_refundable(), currency),
            money: Money::new(money, currency),
            shipping: order.shipping_left(),
            lines: order.lines.iter().map(line).collect(),
        }
    }
}

/// What a refund would give.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RefundPreview")]
pub struct RefundPreviewView {
    /// All that would go back.
    pub amount: Money,
    /// What of it by the payment provider. It moves whole steps of some currencies: what is too
    /// little for a step is given with the next refund.
    pub money: Money,
    /// What of it to gift cards and store credit: they get theirs first.
    pub tenders: Vec<TenderView>,
    /// What each part would give.
    pub parts: Vec<PartView>,
    /// What can be given back now, before this refund.
    pub refundable: RefundableView,
}

impl View for RefundPreviewView {}

impl RefundPreviewView {
    /// Of this plan for this order.
    pub fn of(order: &Order, plan: &Plan) -> Self {
        Self {
            amount: plan.amount,
            money: plan.money,
            tenders: tenders(&plan.tenders),
            parts: plan.parts.iter().map(PartView::from).collect(),
            refundable: RefundableView::of(order),
        }
    }
}

/// An order's refunds, and what is left.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderRefunds")]
pub struct RefundsView {
    /// The refunds, oldest first.
    pub data: Vec<RefundView>,
    /// What can still be given back.
    pub refundable: RefundableView,
    /// How far the order is paid.
    pub payment_status: PaymentStatus,
}

impl View for RefundsView {}

impl RefundsView {
    /// Of this order.
    pub fn of(order: &Order, refunds: &[Refund]) -> Self {
        Self {
            data: refunds.iter().map(RefundView::from).collect(),
            refundable: RefundableView::of(order),
            payment_status: order.payment_status,
        }
    }
}
