//! Edits of orders, as staff and buyers see them.

use domain::cart::Shortage;
use domain::catalog::Sku;
use domain::id::{OrderId, OrderLineId, RefundId};
use domain::line_cancel::Units;
use domain::money::Money;
use domain::order::Order;
use domain::order_edit::{Agreed, Decided, Edit, Made, Status, Sums};
use domain::pricing::{Priced, PricedLine};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// Units that an edit takes off.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderEditRemoved")]
pub struct RemovedView {
    /// The order's line.
    pub line_id: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Its product's name.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What they cost.
    pub amount: Money,
}

fn removed(order: &Order, units: &[Units]) -> Vec<RemovedView> {
    let view = |one: &Units| {
        let line = order.lines.iter().find(|line| line.id == one.line)?;
        Some(RemovedView {
            line_id: line.id,
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: one.quantity,
            amount: one.amount,
        })
    };
    units.iter().filter_map(view).collect()
}

/// Goods that an edit adds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderEditAdded")]
pub struct AddedView {
    /// Its SKU.
    pub sku: Sku,
    /// Its product's name.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit_price: Money,
    /// The tax on all of them, contained or on top.
    pub tax: Money,
    /// What all of them cost.
    pub total: Money,
}

fn added(lines: &[domain::cart::Line], priced: &Priced) -> Vec<AddedView> {
    let view = |(line, sums): (&domain::cart::Line, &PricedLine)| AddedView {
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: sums.quantity,
        unit_price: sums.unit_price,
        tax: sums.tax,
        total: sums.total,
    };
    lines.iter().zip(&priced.lines).map(view).collect()
}

/// What an edit comes to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderEditSums")]
pub struct SumsView {
    /// What the units cost that are taken off.
    pub removed: Money,
    /// What the goods cost that are added, with their tax.
    pub added: Money,
    /// What of the first pays for the second.
    pub credit: Money,
    /// What goes back: to gift cards that had paid, and by the payment provider.
    pub back: Money,
    /// What is not due any more, because nobody had paid it yet or it went back before.
    pub not_due: Money,
    /// What is left to be paid: what `expected_due` of a proposal has to be.
    pub due: Money,
}

impl From<Sums> for SumsView {
    fn from(sums: Sums) -> Self {
        let Sums { removed, added, credit, back, not_due, due } = sums;
        Self { removed, added, credit, back, not_due, due }
    }
}

/// Units that are not there.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderEditShortage")]
pub struct ShortageView {
    /// Of what.
    pub sku: Sku,
    /// Units that would be added.
    pub wanted: u32,
    /// Units for sale.
    pub available: u32,
}

impl From<Shortage> for ShortageView {
    fn from(short: Shortage) -> Self {
        Self { sku: short.sku, wanted: short.wanted, available: short.available }
    }
}

/// What an edit would come to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderEditPreview")]
pub struct EditPreviewView {
    /// Units that would be taken off.
    pub removed: Vec<RemovedView>,
    /// Goods that would be added.
    pub added: Vec<AddedView>,
    /// What it would come to.
    pub sums: SumsView,
    /// Whether the buyer has to say yes, because they would pay for it.
    pub is_approval_required: bool,
    /// What is not there; empty where all of it is.
    pub shortages: Vec<ShortageView>,
}

impl View for EditPreviewView {}

impl EditPreviewView {
    /// Of what was decided.
    pub fn of(
        order: &Order,
        decided: &Decided,
        goods: Option<(&[domain::cart::Line], &Priced)>,
        shortages: Vec<Shortage>,
    ) -> Self {
        Self {
            removed: removed(order, &decided.removed),
            added: goods.map(|(lines, priced)| added(lines, priced)).unwrap_or_default(),
            sums: decided.sums.into(),
            is_approval_required: decided.sums.due.is_positive(),
            shortages: shortages.into_iter().map(ShortageView::from).collect(),
        }
    }
}

/// What an edit made.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderEditMade")]
pub struct MadeView {
    /// The refund of what was taken off; null where nothing went back or paid for other goods.
    pub refund_id: Option<RefundId>,
    /// The order of what was added; null where nothing was.
    pub order_id: Option<OrderId>,
    /// What people call that order.
    pub order_number: Option<String>,
}

impl From<&Made> for MadeView {
    fn from(made: &Made) -> Self {
        let Made { refund, order, number } = made;
        Self { refund_id: *refund, order_id: *order, order_number: number.clone() }
    }
}

fn goods(agreed: Option<&Agreed>) -> Vec<AddedView> {
    agreed.map(|agreed| added(&agreed.lines, &agreed.priced)).unwrap_or_default()
}

/// An edit, as staff see it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrderEdit")]
pub struct OrderEditView {
    /// The order.
    pub order_id: OrderId,
    /// Which of its edits, counted from 1.
    pub number: u32,
    /// Where it stands.
    pub status: Status,
    /// Units that are taken off.
    pub removed: Vec<RemovedView>,
    /// Goods that are added.
    pub added: Vec<AddedView>,
    /// What it comes to.
    pub sums: SumsView,
    /// Why.
    pub reason: String,
    /// What the buyer is told.
    pub message: Option<String>,
    /// Whether the buyer was mailed a link.
    pub is_link_sent: bool,
    /// Who proposed it: the id of a member of the staff or of an API key.
    pub proposed_by: String,
    /// Until when it can be agreed to.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// What it made; null until it is applied.
    pub made: Option<MadeView>,
    /// What the buyer said when they declined.
    pub answer: Option<String>,
    /// Who closed it: the id of a customer, of a member of the staff or of an API key; `nobody` for
    /// a guest, `system` for the shop itself.
    pub closed_by: Option<String>,
    /// When it was closed.
    #[schemars(with = "Option<String>")]
    pub closed_at: Option<Timestamp>,
    /// When it was proposed.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for OrderEditView {}
impl View for List<OrderEditView> {}

/// People write of themselves.
impl std::fmt::Debug for OrderEditView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OrderEditView({}, {})", self.order_id, self.number)
    }
}

impl OrderEditView {
    /// As it stands now.
    pub fn of(order: &Order, edit: &Edit, now: Timestamp) -> Self {
        Self {
            order_id: edit.order,
            number: edit.number,
            status: edit.standing(now),
            removed: removed(order, &edit.removed),
            added: goods(edit.added.as_ref()),
            sums: edit.sums.into(),
            reason: edit.reason.clone(),
            message: edit.message.clone(),
            is_link_sent: edit.token_hash.is_some(),
            proposed_by: edit.by.to_string(),
            expires_at: edit.until,
            made: edit.made.as_ref().map(MadeView::from),
            answer: edit.answer.clone(),
            closed_by: edit.closed_by.map(|by| by.to_string()),
            closed_at: edit.closed_at,
            created_at: edit.created_at,
        }
    }
}

/// An edit, as the buyer sees it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProposedEdit")]
pub struct ProposedEditView {
    /// The order.
    pub order_id: OrderId,
    /// What people call it.
    pub order_number: String,
    /// Which of its edits: what approving and declining have to name.
    pub number: u32,
    /// Where it stands.
    pub status: Status,
    /// Units that are taken off.
    pub removed: Vec<RemovedView>,
    /// Goods that are added.
    pub added: Vec<AddedView>,
    /// What it comes to.
    pub sums: SumsView,
    /// What the shop says.
    pub message: Option<String>,
    /// Until when it can be agreed to.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// The order of what was added, once it is applied: where `sums.due` is more than nothing it
    /// waits for its payment, by `POST /v1/store/orders/{id}/retry_payment`.
    pub added_order_id: Option<OrderId>,
}

impl View for ProposedEditView {}

/// People write of themselves.
impl std::fmt::Debug for ProposedEditView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProposedEditView({}, {})", self.order_id, self.number)
    }
}

impl ProposedEditView {
    /// As it stands now.
    pub fn of(order: &Order, edit: &Edit, now: Timestamp) -> Self {
        Self {
            order_id: edit.order,
            order_number: order.number.clone(),
            number: edit.number,
            status: edit.standing(now),
            removed: removed(order, &edit.removed),
            added: goods(edit.added.as_ref()),
            sums: edit.sums.into(),
            message: edit.message.clone(),
            expires_at: edit.until,
            added_order_id: edit.made.as_ref().and_then(|made| made.order),
        }
    }
}

/// An edit that its buyer has agreed to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ApprovedEdit")]
pub struct ApprovedEditView {
    /// The edit, applied.
    pub edit: ProposedEditView,
    /// What opens the order of what was added, as `X-Order-Token`; null where nothing was added.
    pub order_token: Option<String>,
}

impl View for ApprovedEditView {}

/// It holds a token.
impl std::fmt::Debug for ApprovedEditView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApprovedEditView({:?})", self.edit)
    }
}
