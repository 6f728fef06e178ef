//! Orders as staff see them.

use domain::address::{Email, PersonName};
use domain::allocation::Allocation;
use domain::capture;
use domain::catalog::Sku;
use domain::currency::Currency;
use domain::dispute;
use domain::id::{CustomerId, DraftId, LocationId, OrderId, OrderLineId, PaymentId, RefundId};
use domain::line_cancel::{Cancellation, Units};
use domain::money::Money;
use domain::order::{Cause, FulfillmentStatus, Hold, Order, PaymentStatus, Status};
use domain::payment::{self, Failure, Payment};
use domain::refund::Refund;
use domain::reservation::State;
use domain::tax::PriceMode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::order::OrderView;
use super::refund::RefundView;
use crate::reply::View;

/// An order in a list.
#[derive(Serialize, JsonSchema)]
pub struct OrderEntryView {
    /// Its id.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// Where it stands.
    pub status: Status,
    /// How far it is paid.
    pub payment_status: PaymentStatus,
    /// How far it is fulfilled.
    pub fulfillment_status: FulfillmentStatus,
    /// Who bought it; null for a guest.
    pub customer_id: Option<CustomerId>,
    /// Where the letters go.
    #[schemars(with = "String")]
    pub email: Email,
    /// Who receives the parcel, or pays where nothing is sent.
    pub name: Option<PersonName>,
    /// Units in it.
    pub quantity: u64,
    /// What it is priced in.
    pub currency: Currency,
    /// What it costs.
    pub total: Money,
    /// What is left to be paid by card; nothing, where the order came to nothing.
    pub due: Money,
    /// Money taken.
    pub captured: Money,
    /// Money returned.
    pub refunded: Money,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was placed.
    #[schemars(with = "Option<String>")]
    pub placed_at: Option<Timestamp>,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

/// It says who bought what.
impl std::fmt::Debug for OrderEntryView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OrderEntryView({})", self.id)
    }
}

impl From<Order> for OrderEntryView {
    fn from(order: Order) -> Self {
        let address = order.shipping_address.as_ref().or(order.billing_address.as_ref());
        let name = address.map(|address| address.name.clone());
        let due = order.due();
        Self {
            id: order.id,
            number: order.number,
            status: order.status,
            payment_status: order.payment_status,
            fulfillment_status: order.fulfillment_status,
            customer_id: order.customer,
            email: order.email,
            name,
            quantity: order.lines.iter().map(|line| u64::from(line.quantity)).sum(),
            currency: order.currency,
            total: order.totals.total,
            due,
            captured: order.captured,
            refunded: order.refunded,
            created_at: order.created_at,
            placed_at: order.placed_at,
            updated_at: order.updated_at,
        }
    }
}

/// A page of orders.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderEntriesView {
    /// The orders.
    pub data: Vec<OrderEntryView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
    /// How many there are on all pages.
    pub total: u64,
}

impl View for OrderEntriesView {}

/// An order with all that staff may see of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderFileView {
    /// What its buyer sees, too.
    #[serde(flatten)]
    pub order: OrderView,
    /// Who bought it; null for a guest.
    pub customer_id: Option<CustomerId>,
    /// The draft order that it was agreed by; null for what a shopper put together.
    pub draft_id: Option<DraftId>,
    /// Whether its prices contain their tax.
    pub price_mode: PriceMode,
    /// Why it is held, or was last.
    pub hold: Option<HoldView>,
    /// Where the gravest of its disputes stands; null where it has none.
    pub dispute_status: Option<dispute::Status>,
    /// When it was completed; null while it is open.
    #[schemars(with = "Option<String>")]
    pub completed_at: Option<Timestamp>,
    /// Which of its units were called off while the rest went on, oldest first.
    pub cancellations: Vec<CancellationView>,
    /// Where its stock stands.
    pub reservation: ReservationView,
    /// What is known of the money of each payment, oldest first.
    pub payment_details: Vec<PaymentDetailView>,
    /// What is known of each refund, oldest first.
    pub refund_details: Vec<RefundView>,
}

impl View for OrderFileView {}

impl OrderFileView {
    /// The view of an order with its payments and refunds.
    pub fn of(order: Order, payments: &[Payment], refunds: &[Refund]) -> Self {
        let parts = order.allocations();
        Self {
            customer_id: order.customer,
            draft_id: order.draft,
            price_mode: order.price_mode,
            hold: order.hold.as_ref().map(HoldView::from),
            dispute_status: order.dispute_status,
            cancellations: order.cancellations.iter().map(CancellationView::from).collect(),
            completed_at: order.completed_at.filter(|_| order.status == Status::Completed),
            reservation: ReservationView {
                state: order.reservation.state,
                expires_at: order.reservation.expires_at,
                allocations: parts.into_iter().map(PartView::from).collect(),
            },
            payment_details: payments.iter().map(PaymentDetailView::from).collect(),
            refund_details: refunds.iter().map(RefundView::from).collect(),
            order: OrderView::of(order, payments, Vec::new()).with_refunds(refunds),
        }
    }
}

/// Units of a line that were called off.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CanceledUnits")]
pub struct CanceledUnitsView {
    /// The order's line.
    pub line_id: OrderLineId,
    /// How many.
    pub quantity: u32,
    /// What they cost.
    pub amount: Money,
}

/// Units of an order that were called off together.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderCancellation")]
pub struct CancellationView {
    /// Which.
    pub lines: Vec<CanceledUnitsView>,
    /// What they cost.
    pub amount: Money,
    /// The refund of what of it had been paid; null where nothing had to go back.
    pub refund_id: Option<RefundId>,
    /// Why, as whoever called them off said.
    pub reason: Option<String>,
    /// Who called them off: the id of a member of the staff or of an API key, or `system`.
    pub canceled_by: String,
    /// When.
    #[schemars(with = "String")]
    pub canceled_at: Timestamp,
}

impl From<&Cancellation> for CancellationView {
    fn from(one: &Cancellation) -> Self {
        let units = |units: &Units| CanceledUnitsView {
            line_id: units.line,
            quantity: units.quantity,
            amount: units.amount,
        };
        Self {
            lines: one.units.iter().map(units).collect(),
            amount: one.amount,
            refund_id: one.refund,
            reason: one.reason.clone(),
            canceled_by: one.by.to_string(),
            canceled_at: one.at,
        }
    }
}

/// Why an order is held, or was.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderHold")]
pub struct HoldView {
    /// What led to it.
    pub cause: Cause,
    /// Why, as whoever held it said.
    pub reason: String,
    /// Who held it: the id of a member of the staff or of an API key, or `system`.
    pub held_by: String,
    /// Since when.
    #[schemars(with = "String")]
    pub held_at: Timestamp,
    /// When it was let go on; null while it is held.
    #[schemars(with = "Option<String>")]
    pub released_at: Option<Timestamp>,
}

impl From<&Hold> for HoldView {
    fn from(hold: &Hold) -> Self {
        let (held_by, held_at) = (hold.by.to_string(), hold.at);
        let (cause, reason) = (hold.cause, hold.reason.clone());
        Self { cause, reason, held_by, held_at, released_at: hold.released_at }
    }
}

/// Where the stock of an order stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReservationView {
    /// Where it stands.
    pub state: State,
    /// Until when a hold is kept that nobody pays.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// Which units are held, or were, at which locations.
    pub allocations: Vec<PartView>,
}

/// Units of an order at one location.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderAllocation")]
pub struct PartView {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location_id: LocationId,
    /// How many.
    pub quantity: u32,
}

impl From<Allocation> for PartView {
    fn from(part: Allocation) -> Self {
        let Allocation { place, quantity } = part;
        Self { sku: place.sku, location_id: place.location, quantity }
    }
}

/// A payment as staff see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PaymentDetail")]
pub struct PaymentDetailView {
    /// Its id.
    pub id: PaymentId,
    /// Where it stands.
    pub status: payment::Status,
    /// Rises when a canceled PaymentIntent is replaced by a new one.
    pub attempt: u32,
    /// The provider's id.
    pub payment_intent_id: Option<String>,
    /// What was asked for.
    pub amount: Money,
    /// Money reserved and not yet taken.
    pub authorized: Money,
    /// Money taken.
    pub captured: Money,
    /// Money whose return was asked for.
    pub refund_pending: Money,
    /// Money returned.
    pub refunded: Money,
    /// When it is taken.
    pub capture: capture::Mode,
    /// Until when reserved money can be taken; null where none is reserved.
    #[schemars(with = "Option<String>")]
    pub capture_before: Option<Timestamp>,
    /// What was to be taken of it; null where nobody has asked for it.
    pub capture_requested: Option<Money>,
    /// Why the provider did not take it, in its words.
    pub capture_failure: Option<String>,
    /// Why the last try failed.
    pub failure: Option<Failure>,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for PaymentDetailView {}

impl From<&Payment> for PaymentDetailView {
    fn from(payment: &Payment) -> Self {
        Self {
            id: payment.id,
            status: payment.status,
            attempt: payment.attempt,
            payment_intent_id: payment.intent.clone(),
            amount: payment.amount,
            authorized: payment.authorized,
            captured: payment.captured,
            refund_pending: payment.refund_pending,
            refunded: payment.refunded,
            capture: payment.capture,
            capture_before: payment.capture_before,
            capture_requested: payment.capture_asked.as_ref().map(|asked| asked.amount),
            capture_failure: payment.capture_asked.as_ref().and_then(|it| it.failure.clone()),
            failure: payment.failure.clone(),
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}
