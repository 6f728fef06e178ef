//! Parcels, as staff and buyers see them.

use domain::carrier::Tracking;
use domain::catalog::Sku;
use domain::fulfillment::{Fulfillment, Status, bound, unshipped};
use domain::id::{FulfillmentId, LocationId, OrderId, OrderLineId};
use domain::money::Money;
use domain::order::{FulfillmentStatus, Order};
use domain::stock::KEY_POOL;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::order_desk::PartView;
use crate::cursor::List;
use crate::reply::View;

/// Units of a line in a parcel.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ParcelLine")]
pub struct ParcelLineView {
    /// The order's line.
    pub order_line_id: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units in the parcel.
    pub quantity: u32,
}

fn lines(parcel: &Fulfillment) -> Vec<ParcelLineView> {
    let line = |one: &domain::fulfillment::Line| ParcelLineView {
        order_line_id: one.line,
        sku: one.sku.clone(),
        quantity: one.quantity,
    };
    parcel.lines.iter().map(line).collect()
}

/// The label on a parcel.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ParcelLabel")]
pub struct LabelView {
    /// Whose service it is.
    pub carrier: String,
    /// Which of the carrier's services.
    pub service: String,
    /// What it cost.
    pub price: Money,
    /// Where it is, to print it.
    pub url: String,
}

/// A parcel, as staff see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Fulfillment")]
pub struct FulfillmentView {
    /// Its id.
    pub id: FulfillmentId,
    /// Whose it is.
    pub order_id: OrderId,
    /// What people call that order.
    pub order_number: String,
    /// Where it leaves from.
    pub location_id: LocationId,
    /// Where it stands.
    pub status: Status,
    /// What is in it.
    pub lines: Vec<ParcelLineView>,
    /// Who carries it; null until somebody says so.
    pub carrier: Option<String>,
    /// What the carrier calls it.
    pub tracking_number: Option<String>,
    /// Where the buyer can follow it.
    pub tracking_url: Option<String>,
    /// What the carrier said of it last; null where nothing was heard.
    pub tracking_status: Option<Tracking>,
    /// Its label; null where none was bought here.
    pub label: Option<LabelView>,
    /// Rises with every change.
    pub version: u64,
    /// When it was opened.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was packed.
    #[schemars(with = "Option<String>")]
    pub packed_at: Option<Timestamp>,
    /// When it left.
    #[schemars(with = "Option<String>")]
    pub shipped_at: Option<Timestamp>,
    /// When it arrived.
    #[schemars(with = "Option<String>")]
    pub delivered_at: Option<Timestamp>,
    /// When it was called off, was lost, or came back.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for FulfillmentView {}
impl View for List<FulfillmentView> {}

impl From<&Fulfillment> for FulfillmentView {
    fn from(parcel: &Fulfillment) -> Self {
        let label = parcel.label().map(|label| LabelView {
            carrier: label.service.carrier.clone(),
            service: label.service.service.clone(),
            price: label.price,
            url: label.url.clone(),
        });
        Self {
            id: parcel.id,
            order_id: parcel.order,
            order_number: parcel.order_number.clone(),
            location_id: parcel.location,
            status: parcel.status,
            lines: lines(parcel),
            carrier: parcel.carriage.carrier.clone(),
            tracking_number: parcel.carriage.tracking_number.clone(),
            tracking_url: parcel.carriage.tracking_url.clone(),
            tracking_status: parcel.tracked.as_ref().map(|tracked| tracked.status),
            label,
            version: parcel.version,
            created_at: parcel.created_at,
            packed_at: parcel.packed_at,
            shipped_at: parcel.shipped_at,
            delivered_at: parcel.delivered_at,
            ended_at: parcel.ended_at,
            updated_at: parcel.updated_at,
        }
    }
}

/// How far a line of an order is sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LineProgressView {
    /// The order's line.
    pub order_line_id: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units bought.
    pub quantity: u32,
    /// Units called off.
    pub canceled_quantity: u32,
    /// Units that left.
    pub fulfilled_quantity: u32,
    /// Units that arrived.
    pub delivered_quantity: u32,
    /// Units in parcels that have not left.
    pub packing_quantity: u32,
    /// Units that are in no parcel yet. What is downloaded is in none, ever.
    pub open_quantity: u32,
}

/// The parcels of an order, and what is still in none.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FulfillmentsView {
    /// Its parcels, oldest first.
    pub data: Vec<FulfillmentView>,
    /// How far the order is fulfilled.
    pub fulfillment_status: FulfillmentStatus,
    /// How far each of its lines is.
    pub lines: Vec<LineProgressView>,
    /// Where its units lie that have not left.
    pub allocations: Vec<PartView>,
}

impl View for FulfillmentsView {}

impl FulfillmentsView {
    /// The parcels of an order.
    pub fn of(order: &Order, parcels: &[Fulfillment]) -> Self {
        let progress = order.lines.iter().map(|line| {
            let packing = bound(line.id, parcels);
            LineProgressView {
                order_line_id: line.id,
                sku: line.sku.clone(),
                quantity: line.quantity,
                canceled_quantity: line.canceled,
                fulfilled_quantity: line.fulfilled,
                delivered_quantity: line.delivered,
                packing_quantity: packing,
                open_quantity: unshipped(line).saturating_sub(packing),
            }
        });
        let held = order.allocations().into_iter();
        let held = held.filter(|one| one.place.location != KEY_POOL);
        Self {
            data: parcels.iter().map(FulfillmentView::from).collect(),
            fulfillment_status: order.fulfillment_status,
            lines: progress.collect(),
            allocations: held.map(PartView::from).collect(),
        }
    }
}

/// An order that has units to send.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DueOrderView {
    /// Its id.
    pub order_id: OrderId,
    /// What people call it.
    pub order_number: String,
    /// How far it is fulfilled.
    pub fulfillment_status: FulfillmentStatus,
    /// Units that have not left.
    pub quantity: u64,
    /// How it shall go.
    pub shipping_option_name: Option<String>,
    /// Where its units lie.
    pub allocations: Vec<PartView>,
    /// Since when it waits.
    #[schemars(with = "String")]
    pub placed_at: Timestamp,
}

impl View for List<DueOrderView> {}

impl From<&Order> for DueOrderView {
    fn from(order: &Order) -> Self {
        let held = order.allocations().into_iter();
        let held = held.filter(|one| one.place.location != KEY_POOL);
        Self {
            order_id: order.id,
            order_number: order.number.clone(),
            fulfillment_status: order.fulfillment_status,
            quantity: order.unshipped_units().iter().map(|(_, units)| u64::from(*units)).sum(),
            shipping_option_name: order.shipping.as_ref().map(|option| option.name.clone()),
            allocations: held.map(PartView::from).collect(),
            placed_at: order.placed_at.unwrap_or(order.created_at),
        }
    }
}

/// A parcel that left, as its buyer sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Parcel")]
pub struct ParcelView {
    /// Its id.
    pub id: FulfillmentId,
    /// Where it stands.
    pub status: Status,
    /// What is in it.
    pub lines: Vec<ParcelLineView>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// What the carrier calls it.
    pub tracking_number: Option<String>,
    /// Where it can be followed.
    pub tracking_url: Option<String>,
    /// When it left.
    #[schemars(with = "Option<String>")]
    pub shipped_at: Option<Timestamp>,
    /// When it arrived.
    #[schemars(with = "Option<String>")]
    pub delivered_at: Option<Timestamp>,
}

/// The parcels that have left. What is being packed is nobody's business but ours.
pub fn parcels_of(parcels: &[Fulfillment]) -> Vec<ParcelView> {
    let view = |parcel: &Fulfillment| ParcelView {
        id: parcel.id,
        status: parcel.status,
        lines: lines(parcel),
        carrier: parcel.carriage.carrier.clone(),
        tracking_number: parcel.carriage.tracking_number.clone(),
        tracking_url: parcel.carriage.tracking_url.clone(),
        shipped_at: parcel.shipped_at,
        delivered_at: parcel.delivered_at,
    };
    parcels.iter().filter(|parcel| parcel.status.has_left()).map(view).collect()
}
