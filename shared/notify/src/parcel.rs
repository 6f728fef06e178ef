//! A parcel, as a letter tells of it: what is in it, who carries it, where it can be followed.
//! Nothing here changes once the parcel has left, so that a second copy of the letter says the
//! same.

use domain::fulfillment::Fulfillment;
use domain::order::Order;
use serde::Serialize;

/// What a letter tells of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parcel {
    lines: Vec<Line>,
    carrier: Option<String>,
    tracking_number: Option<String>,
    tracking_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    title: String,
    variant: String,
    quantity: u32,
}

impl Parcel {
    /// A parcel of an order.
    pub fn of(order: &Order, parcel: &Fulfillment) -> Self {
        let lines = parcel.lines.iter().filter_map(|one| {
            let line = order.lines.iter().find(|line| line.id == one.line)?;
            let (title, variant) = (line.title.clone(), line.variant_title.clone());
            Some(Line { title, variant, quantity: one.quantity })
        });
        Self {
            lines: lines.collect(),
            carrier: parcel.carriage.carrier.clone(),
            tracking_number: parcel.carriage.tracking_number.clone(),
            tracking_url: parcel.carriage.tracking_url.clone(),
        }
    }
}
