//! Outgoing webhooks: endpoints and deliveries as staff see them, and what the merchant's systems
//! are sent.

use domain::catalog::{Kind, Sku};
use domain::currency::Currency;
use domain::event::Fact;
use domain::id::{
    CustomerId, DisputeId, EventId, FulfillmentId, OrderId, OrderLineId, ProductId, RefundId,
    ReturnId, VariantId, WebhookId,
};
use domain::money::Money;
use domain::order::{FulfillmentStatus, Order, OrderLine, PaymentStatus, Status};
use domain::pricing::Totals;
use domain::webhook::delivery::{Attempt, Delivery, Outcome, State};
use domain::webhook::{self, Endpoint, Secrets, Topic, Why};
use domain::{dispute, fulfillment, refund, returns};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// An endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookEndpoint")]
pub struct EndpointView {
    /// Its id.
    pub id: WebhookId,
    /// Where events are sent. To whoever may not manage webhooks, the values of its query are shown
    /// as `***`: one of them may be a token.
    pub url: String,
    /// What it is called.
    pub description: String,
    /// The events that it is told of, by name; `*` stands for all.
    pub events: Vec<&'static str>,
    /// Whether it is told of anything.
    pub status: EndpointStatus,
    /// Why the shop has switched it off; null where it has not.
    pub disabled_reason: Option<Why>,
    /// When the shop has switched it off; null where it has not.
    #[schemars(with = "Option<String>")]
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

/// Whether an endpoint is told of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WebhookEndpointStatus")]
pub enum EndpointStatus {
    /// It is.
    Active,
    /// Somebody has switched it off.
    Paused,
    /// The shop has switched it off.
    Disabled,
}

impl EndpointView {
    /// An endpoint for somebody who may change it, or may only look.
    pub fn shown(endpoint: Endpoint, may_manage: bool) -> Self {
        let masked = endpoint.url.masked();
        let view = Self::from(endpoint);
        if may_manage { view } else { Self { url: masked, ..view } }
    }
}

impl View for EndpointView {}
impl View for List<EndpointView> {}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        let (status, disabled_reason, disabled_at) = match endpoint.status {
            webhook::Status::Active => (EndpointStatus::Active, None, None),
            webhook::Status::Paused => (EndpointStatus::Paused, None, None),
            webhook::Status::Disabled { why, at } => {
                (EndpointStatus::Disabled, Some(why), Some(at))
            }
        };
        Self {
            id: endpoint.id,
            url: endpoint.url.as_str().to_owned(),
            description: endpoint.description,
            events: endpoint.events.names(),
            status,
            disabled_reason,
            disabled_at,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// An endpoint with its secret, which is shown this once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IssuedWebhookEndpoint")]
pub struct IssuedEndpointView {
    /// The endpoint.
    pub endpoint: EndpointView,
    /// What its webhooks are signed with from now on.
    pub secret: String,
    /// Until when the secret before signs as well; null where there is none.
    #[schemars(with = "Option<String>")]
    pub previous_secret_expires_at: Option<Timestamp>,
}

impl View for IssuedEndpointView {}

/// It holds a secret.
impl std::fmt::Debug for IssuedEndpointView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuedEndpointView({})", self.endpoint.id)
    }
}

impl IssuedEndpointView {
    /// An endpoint with the secrets that it has now.
    pub fn of(endpoint: Endpoint, secrets: &Secrets) -> Self {
        Self {
            endpoint: endpoint.into(),
            secret: secrets.current.text().to_owned(),
            previous_secret_expires_at: secrets.before.as_ref().map(|(_, until)| *until),
        }
    }
}

/// A try to tell an endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookAttempt")]
pub struct AttemptView {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
    /// The status of the answer; null where there was none.
    pub status: Option<u16>,
    /// How the answer begins.
    pub answer: String,
}

impl From<Attempt> for AttemptView {
    fn from(Attempt { at, outcome, status, answer }: Attempt) -> Self {
        Self { at, outcome, status, answer }
    }
}

/// An event on its way to an endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookDelivery")]
pub struct DeliveryView {
    /// The event, and the delivery of it to this endpoint: the `webhook-id`.
    pub id: EventId,
    /// To whom.
    pub endpoint_id: WebhookId,
    /// What happened.
    #[serde(rename = "type")]
    pub topic: Topic,
    /// When it happened.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Where it stands.
    pub state: State,
    /// When it is tried next, at the earliest; null where it is not.
    #[schemars(with = "Option<String>")]
    pub next_attempt_at: Option<Timestamp>,
    /// The last tries, oldest first.
    pub attempts: Vec<AttemptView>,
}

impl View for DeliveryView {}
impl View for List<DeliveryView> {}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.event,
            endpoint_id: delivery.endpoint,
            topic: delivery.topic,
            at: delivery.at,
            state: delivery.state,
            next_attempt_at: delivery.due_at,
            attempts: delivery.attempts.into_iter().map(AttemptView::from).collect(),
        }
    }
}

/// Something is on its way to an endpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookSending")]
pub struct SendingView {
    /// The endpoint.
    pub endpoint_id: WebhookId,
    /// The event of a test, which is its `webhook-id`; null for a replay, which may be many.
    pub event_id: Option<EventId>,
}

impl View for SendingView {}

/// What a merchant's system is sent: who it was is not in it, where it is to go neither.
#[derive(Debug, Serialize)]
pub struct EventBody {
    /// The name of the event.
    #[serde(rename = "type")]
    topic: Topic,
    /// When it happened.
    timestamp: Timestamp,
    /// Rises with each event of the same order: what comes late is known by it.
    sequence: u64,
    /// What it is about.
    data: EventData,
}

#[derive(Debug, Serialize)]
struct EventData {
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fulfillment: Option<FulfillmentBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<RefundBody>,
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    returned: Option<ReturnBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dispute: Option<DisputeBody>,
}

#[derive(Debug, Serialize)]
struct OrderBody {
    id: OrderId,
    number: String,
    customer_id: Option<CustomerId>,
    status: Status,
    payment_status: PaymentStatus,
    fulfillment_status: FulfillmentStatus,
    currency: Currency,
    totals: Totals,
    lines: Vec<LineBody>,
    created_at: Timestamp,
    placed_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct LineBody {
    id: OrderLineId,
    variant_id: VariantId,
    product_id: ProductId,
    sku: Sku,
    #[serde(rename = "type")]
    kind: Kind,
    quantity: u32,
    canceled_quantity: u32,
    fulfilled_quantity: u32,
    unit_price: Money,
    discount: Money,
    tax: Money,
    total: Money,
}

#[derive(Debug, Serialize)]
struct FulfillmentBody {
    id: FulfillmentId,
    status: fulfillment::Status,
}

#[derive(Debug, Serialize)]
struct RefundBody {
    id: RefundId,
    status: refund::Status,
    amount: Money,
}

#[derive(Debug, Serialize)]
struct ReturnBody {
    id: ReturnId,
    status: returns::Status,
}

#[derive(Debug, Serialize)]
struct DisputeBody {
    id: DisputeId,
    status: dispute::Status,
    amount: Money,
}

impl From<OrderLine> for LineBody {
    fn from(line: OrderLine) -> Self {
        Self {
            id: line.id,
            variant_id: line.variant,
            product_id: line.product,
            sku: line.sku,
            kind: line.kind,
            quantity: line.quantity,
            canceled_quantity: line.canceled,
            fulfilled_quantity: line.fulfilled,
            unit_price: line.unit_price,
            discount: line.discount,
            tax: line.tax,
            total: line.total,
        }
    }
}

impl From<Order> for OrderBody {
    fn from(order: Order) -> Self {
        Self {
            id: order.id,
            number: order.number,
            customer_id: order.customer,
            status: order.status,
            payment_status: order.payment_status,
            fulfillment_status: order.fulfillment_status,
            currency: order.currency,
            totals: order.totals,
            lines: order.lines.into_iter().map(LineBody::from).collect(),
            created_at: order.created_at,
            placed_at: order.placed_at,
        }
    }
}

impl EventBody {
    /// What is sent of an event: the order as it stands when this is written, and what of it moved.
    pub fn of(topic: Topic, event: &domain::event::Event, order: Option<Order>) -> Self {
        let (mut dispute, mut returned) = (None, None);
        let (fulfillment, refund) = match &event.fact {
            Fact::FulfillmentMoved { fulfillment_id, status, .. } => {
                (Some(FulfillmentBody { id: *fulfillment_id, status: *status }), None)
            }
            Fact::RefundMoved { refund_id, amount, status, .. } => {
                (None, Some(RefundBody { id: *refund_id, status: *status, amount: *amount }))
            }
            Fact::ReturnMoved { return_id, status, .. } => {
                returned = Some(ReturnBody { id: *return_id, status: *status });
                (None, None)
            }
            Fact::DisputeMoved { dispute_id, amount, status, .. } => {
                dispute = Some(DisputeBody { id: *dispute_id, status: *status, amount: *amount });
                (None, None)
            }
            Fact::OrderPlaced { .. }
            | Fact::OrderRefundedLate { .. }
            | Fact::RefundRequested { .. }
            | Fact::DisputeAnswered { .. }
            | Fact::CaptureRequested { .. }
            | Fact::OrderMoved { .. }
            | Fact::OrderLinesCanceled { .. }
            | Fact::OrderEditClosed { .. }
            | Fact::OrderReopened { .. }
            | Fact::PaymentFailed { .. }
            | Fact::KeysAdded { .. }
            | Fact::AuditNoted { .. }
            | Fact::ExchangeDue { .. }
            | Fact::WebhookTest { .. }
            | Fact::WebhookReplay { .. }
            | Fact::MessageRequested { .. }
            | Fact::TextRequested { .. } => (None, None),
        };
        let order = order.map(OrderBody::from);
        let data = EventData { order, fulfillment, refund, returned, dispute };
        Self { topic, timestamp: event.at, sequence: event.sequence, data }
    }
}
