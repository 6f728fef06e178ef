//! Returns, as staff and buyers see them.

use domain::address::{Address, AddressForm};
use domain::cart::{Cart, PricedCart};
use domain::catalog::{Kind, Sku};
use domain::fulfillment::Fulfillment;
use domain::id::{LocationId, OrderId, OrderLineId, RefundId, ReturnId};
use domain::money::Money;
use domain::order::Order;
use domain::pricing::PricedLine;
use domain::returns::exchange::Difference;
use domain::returns::{
    Asker, Disposition, Inspection, Item, Reason, Reception, Replacement, Resolution, Return,
    ReturnStatus, Status, returnable, window_end,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// What the buyer got for what came back.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReturnResolutionType")]
pub enum ResolutionKind {
    /// Their money, the way it came.
    Refund,
    /// Store credit instead of money; what was paid with gift cards is on them again.
    StoreCredit,
    /// Other goods; what they cost less goes back, what they cost more is to be paid.
    Exchange,
    /// Nothing.
    None,
}

/// How a return was settled.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReturnResolution")]
pub struct ResolutionView {
    /// What the buyer got.
    #[serde(rename = "type")]
    pub kind: ResolutionKind,
    /// The refund that gives it; null for nothing.
    pub refund_id: Option<RefundId>,
    /// How much goes back; null for nothing.
    pub amount: Option<Money>,
    /// What is given instead; null unless it was exchanged.
    pub exchange: Option<ExchangeView>,
    /// Why the buyer got nothing; null otherwise.
    pub reason: Option<String>,
}

/// What is given for what came back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReturnExchange")]
pub struct ExchangeView {
    /// The order of the replacement. Where something is due it waits for its payment, for 48 hours;
    /// whoever may see the first order may see and pay this one.
    pub order_id: OrderId,
    /// What people call it.
    pub order_number: String,
    /// What of the worth of what came back pays for it.
    pub credit: Money,
    /// What was left to be paid when it was exchanged.
    pub due: Money,
}

/// Goods that are wished for instead of what comes back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReturnReplacement")]
pub struct ReplacementView {
    /// Which.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
}

fn wishes(returned: &Return) -> Vec<ReplacementView> {
    let wish =
        |one: &Replacement| ReplacementView { sku: one.sku.clone(), quantity: one.quantity.get() };
    returned.wish.iter().map(wish).collect()
}

/// A line of goods that would be given.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExchangePreviewLine")]
pub struct ExchangeLineView {
    /// Which.
    pub sku: Sku,
    /// The product's name.
    pub title: String,
    /// How many.
    pub quantity: u32,
    /// What one costs today.
    pub unit_price: Money,
    /// What all of them cost, as they are taxed for this buyer.
    pub total: Money,
}

/// What an exchange would come to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExchangePreview")]
pub struct ExchangePreviewView {
    /// What would be given.
    pub lines: Vec<ExchangeLineView>,
    /// What the units that came back are worth.
    pub worth: Money,
    /// What the replacement costs: what `expected_total` of the exchange has to be.
    pub total: Money,
    /// What of the worth pays for it.
    pub credit: Money,
    /// What would go back: to gift cards that had paid for it, and by the payment provider.
    pub back: Money,
    /// What would be left to be paid.
    pub due: Money,
}

impl View for ExchangePreviewView {}

impl ExchangePreviewView {
    /// Of these goods.
    pub fn of(cart: &Cart, priced: &PricedCart, sums: &Difference) -> Self {
        let line = |(line, priced): (&domain::cart::Line, &PricedLine)| ExchangeLineView {
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: line.quantity.get(),
            unit_price: priced.unit_price,
            total: priced.total,
        };
        Self {
            lines: cart.lines.iter().zip(&priced.priced.lines).map(line).collect(),
            worth: sums.worth,
            total: sums.total,
            credit: sums.credit,
            back: sums.back,
            due: sums.due,
        }
    }
}

impl From<&Resolution> for ResolutionView {
    fn from(resolution: &Resolution) -> Self {
        let given = |kind, refund, amount| Self {
            kind,
            refund_id: Some(refund),
            amount: Some(amount),
            exchange: None,
            reason: None,
        };
        match resolution {
            Resolution::Refund { refund, amount } => {
                given(ResolutionKind::Refund, *refund, *amount)
            }
            Resolution::StoreCredit { refund, amount } => {
                given(ResolutionKind::StoreCredit, *refund, *amount)
            }
            Resolution::Exchange { refund, amount, order, number, credit, due } => {
                let exchange = ExchangeView {
                    order_id: *order,
                    order_number: number.clone(),
                    credit: *credit,
                    due: *due,
                };
                let given = given(ResolutionKind::Exchange, *refund, *amount);
                Self { exchange: Some(exchange), ..given }
            }
            Resolution::None { reason } => Self {
                kind: ResolutionKind::None,
                refund_id: None,
                amount: None,
                exchange: None,
                reason: Some(reason.clone()),
            },
        }
    }
}

/// Units of a line that come back, as the buyer sees them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrderReturnItem")]
pub struct OrderReturnItemView {
    /// The order's line.
    pub order_line_id: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units that were asked for.
    pub quantity: u32,
    /// Why.
    pub reason: Reason,
    /// What was said about it.
    pub note: Option<String>,
    /// Units that nobody has looked at yet.
    pub awaiting_quantity: u32,
    /// Units that came as they went.
    pub received_quantity: u32,
    /// Units that came damaged.
    pub damaged_quantity: u32,
    /// Units instead of which something else came.
    pub wrong_quantity: u32,
    /// Units that did not come.
    pub short_quantity: u32,
}

impl From<&Item> for OrderReturnItemView {
    fn from(item: &Item) -> Self {
        Self {
            order_line_id: item.line,
            sku: item.sku.clone(),
            quantity: item.quantity,
            reason: item.reason,
            note: item.note.clone(),
            awaiting_quantity: item.awaiting(),
            received_quantity: item.found(Reception::Received),
            damaged_quantity: item.found(Reception::Damaged),
            wrong_quantity: item.found(Reception::WrongItem),
            short_quantity: item.found(Reception::Short),
        }
    }
}

/// A return, as the buyer sees it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrderReturn")]
pub struct OrderReturnView {
    /// Its id.
    pub id: ReturnId,
    /// Where it stands.
    pub status: Status,
    /// What comes back.
    pub items: Vec<OrderReturnItemView>,
    /// What the buyer would like instead; empty where they would like their money.
    pub wish: Vec<ReplacementView>,
    /// What to do, once it is approved.
    pub instructions: Option<String>,
    /// Where the label is to be had.
    pub label_url: Option<String>,
    /// Where it goes to.
    #[schemars(with = "Option<AddressForm>")]
    pub address: Option<Address>,
    /// Until when it has to be sent, once it is approved; then it is called off by itself.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
    /// Who carries it, as the buyer said.
    pub carrier: Option<String>,
    /// What the carrier calls it, as the buyer said.
    pub tracking_number: Option<String>,
    /// What the buyer got for it; null until it is settled.
    pub resolution: Option<ResolutionView>,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

/// People write of themselves.
impl std::fmt::Debug for OrderReturnView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OrderReturnView({})", self.id)
    }
}

impl View for OrderReturnView {}

impl From<&Return> for OrderReturnView {
    fn from(returned: &Return) -> Self {
        let told = returned.approval.as_ref();
        Self {
            id: returned.id,
            status: returned.status,
            items: returned.items.iter().map(OrderReturnItemView::from).collect(),
            wish: wishes(returned),
            instructions: told.and_then(|told| told.instructions.clone()),
            label_url: told.and_then(|told| told.label_url.clone()),
            address: told.and_then(|told| told.address.clone()),
            expires_at: returned.expires_at,
            rejection_reason: returned.rejection.clone(),
            carrier: returned.carriage.carrier.clone(),
            tracking_number: returned.carriage.tracking_number.clone(),
            resolution: returned.resolution.as_ref().map(ResolutionView::from),
            created_at: returned.created_at,
            updated_at: returned.updated_at,
        }
    }
}

/// What of a line may still come back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReturnableLine")]
pub struct ReturnableLineView {
    /// The order's line.
    pub order_line_id: OrderLineId,
    /// Units that went out and were not asked for yet; none once the time is over.
    pub quantity: u32,
    /// Until when the buyer may ask for it.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// The returns of an order, and what may still come back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderReturns")]
pub struct OrderReturnsView {
    /// How far the order came back.
    pub return_status: ReturnStatus,
    /// The returns, oldest first.
    pub data: Vec<OrderReturnView>,
    /// What may still come back of each line that is shipped.
    pub returnable: Vec<ReturnableLineView>,
}

impl View for OrderReturnsView {}

impl OrderReturnsView {
    /// Of this order, for its buyer, who has so many days.
    pub fn of(
        order: &Order,
        parcels: &[Fulfillment],
        returns: &[Return],
        days: u16,
        now: Timestamp,
    ) -> Self {
        let asker = Asker::Buyer { days };
        let physical = order.lines.iter().filter(|line| line.kind == Kind::Physical);
        let line = |line: &domain::order::OrderLine| {
            let until = window_end(order, line.id, parcels, days);
            let left = returnable(line, parcels, returns, asker);
            let quantity = if now > until { 0 } else { left };
            ReturnableLineView { order_line_id: line.id, quantity, until }
        };
        Self {
            return_status: order.return_status,
            data: returns.iter().map(OrderReturnView::from).collect(),
            returnable: physical.map(line).collect(),
        }
    }
}

/// A look at units of a line.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReturnInspection")]
pub struct InspectionView {
    /// What was found.
    pub reception: Reception,
    /// What becomes of the units; null where they did not come.
    pub disposition: Option<Disposition>,
    /// How many.
    pub quantity: u32,
    /// Where they came to, or were awaited.
    pub location_id: LocationId,
    /// Who looked: the id of a member of the staff or of an API key.
    pub inspected_by: String,
    /// When.
    #[schemars(with = "String")]
    pub inspected_at: Timestamp,
}

impl From<&Inspection> for InspectionView {
    fn from(look: &Inspection) -> Self {
        Self {
            reception: look.reception,
            disposition: look.disposition,
            quantity: look.quantity,
            location_id: look.location,
            inspected_by: look.by.to_string(),
            inspected_at: look.at,
        }
    }
}

/// Units of a line that come back, as staff see them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReturnItem")]
pub struct ReturnItemView {
    /// The order's line.
    pub order_line_id: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units that were asked for.
    pub quantity: u32,
    /// Why.
    pub reason: Reason,
    /// What was said about it.
    pub note: Option<String>,
    /// Units that nobody has looked at yet.
    pub awaiting_quantity: u32,
    /// Units that are here, damaged ones too.
    pub returned_quantity: u32,
    /// What was found, look by look.
    pub inspections: Vec<InspectionView>,
}

impl From<&Item> for ReturnItemView {
    fn from(item: &Item) -> Self {
        Self {
            order_line_id: item.line,
            sku: item.sku.clone(),
            quantity: item.quantity,
            reason: item.reason,
            note: item.note.clone(),
            awaiting_quantity: item.awaiting(),
            returned_quantity: item.came_back(),
            inspections: item.inspected.iter().map(InspectionView::from).collect(),
        }
    }
}

/// A return, as staff see it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Return")]
pub struct ReturnView {
    /// Its id.
    pub id: ReturnId,
    /// Of which order.
    pub order_id: OrderId,
    /// What people call that order.
    pub order_number: String,
    /// Where it stands.
    pub status: Status,
    /// What comes back.
    pub items: Vec<ReturnItemView>,
    /// What the buyer would like instead; empty where they would like their money.
    pub wish: Vec<ReplacementView>,
    /// Who asked for it: the id of a customer, of a member of the staff or of an API key; `nobody`
    /// for a guest.
    pub requested_by: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When.
    #[schemars(with = "Option<String>")]
    pub approved_at: Option<Timestamp>,
    /// What the buyer was told to do.
    pub instructions: Option<String>,
    /// Where the label is to be had.
    pub label_url: Option<String>,
    /// Where it goes to.
    #[schemars(with = "Option<AddressForm>")]
    pub address: Option<Address>,
    /// Until when it is awaited, once it is approved.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
    /// Why it was rejected.
    pub rejection_reason: Option<String>,
    /// Who carries it, as the buyer said.
    pub carrier: Option<String>,
    /// What the carrier calls it, as the buyer said.
    pub tracking_number: Option<String>,
    /// What the buyer got for it; null until it is settled.
    pub resolution: Option<ResolutionView>,
    /// Rises with every change.
    pub version: u64,
    /// When it was asked for.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When the buyer sent it, as they said.
    #[schemars(with = "Option<String>")]
    pub sent_at: Option<Timestamp>,
    /// When the last of it was looked at.
    #[schemars(with = "Option<String>")]
    pub received_at: Option<Timestamp>,
    /// When it was settled.
    #[schemars(with = "Option<String>")]
    pub resolved_at: Option<Timestamp>,
    /// When it came to nothing.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

/// People write of themselves.
impl std::fmt::Debug for ReturnView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReturnView({})", self.id)
    }
}

impl View for ReturnView {}
impl View for List<ReturnView> {}

impl From<&Return> for ReturnView {
    fn from(returned: &Return) -> Self {
        let told = returned.approval.as_ref();
        Self {
            id: returned.id,
            order_id: returned.order,
            order_number: returned.order_number.clone(),
            status: returned.status,
            items: returned.items.iter().map(ReturnItemView::from).collect(),
            wish: wishes(returned),
            requested_by: returned.by.to_string(),
            approved_by: told.map(|told| told.by.to_string()),
            approved_at: told.map(|told| told.at),
            instructions: told.and_then(|told| told.instructions.clone()),
            label_url: told.and_then(|told| told.label_url.clone()),
            address: told.and_then(|told| told.address.clone()),
            expires_at: returned.expires_at,
            rejection_reason: returned.rejection.clone(),
            carrier: returned.carriage.carrier.clone(),
            tracking_number: returned.carriage.tracking_number.clone(),
            resolution: returned.resolution.as_ref().map(ResolutionView::from),
            version: returned.version,
            created_at: returned.created_at,
            sent_at: returned.sent_at,
            received_at: returned.received_at,
            resolved_at: returned.resolved_at,
            ended_at: returned.ended_at,
            updated_at: returned.updated_at,
        }
    }
}

/// What of a line may still come back, as staff may ask for it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReturnQuantity")]
pub struct ReturnQuantityView {
    /// The order's line.
    pub order_line_id: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units that went out and are in no return.
    pub quantity: u32,
    /// Units that came back.
    pub returned_quantity: u32,
}

/// The returns of an order, as staff see them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Returns")]
pub struct ReturnsView {
    /// How far the order came back.
    pub return_status: ReturnStatus,
    /// The returns, oldest first.
    pub data: Vec<ReturnView>,
    /// What may still come back of each line that is shipped, whatever the time.
    pub returnable: Vec<ReturnQuantityView>,
}

impl View for ReturnsView {}

impl ReturnsView {
    /// Of this order.
    pub fn of(order: &Order, parcels: &[Fulfillment], returns: &[Return]) -> Self {
        let physical = order.lines.iter().filter(|line| line.kind == Kind::Physical);
        let line = |line: &domain::order::OrderLine| ReturnQuantityView {
            order_line_id: line.id,
            sku: line.sku.clone(),
            quantity: returnable(line, parcels, returns, Asker::Staff),
            returned_quantity: line.returned,
        };
        Self {
            return_status: order.return_status,
            data: returns.iter().map(ReturnView::from).collect(),
            returnable: physical.map(line).collect(),
        }
    }
}
