//! `GET /v1/admin/pickup_points`: the places where parcels wait, with the version to change them
//! by.

use api::reply::View;
use api::{Reply, Staff, Versioned};
use domain::permission::grant;
use domain::shipping::PickupPoint;
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// Every pickup point; there are at most 200.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PointsView {
    /// In the table's order.
    data: Vec<PickupPoint>,
}

impl View for PointsView {}

/// A pickup point.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct PointView(pub(crate) PickupPoint);

impl View for PointView {}

/// Lists the points. Their ETag is the shipping table's: points are a part of it.
pub async fn handle(
    app: &App,
    _: Call<Staff<grant::SettingsRead>>,
) -> Reply<Versioned<PointsView>> {
    let kept = app.store.shipping_table().await?;
    Ok(Versioned(PointsView { data: kept.value.pickup_points().to_vec() }, kept.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_without_pickup_points_has_an_empty_list() {
        let shown = serde_json::to_value(PointsView { data: Vec::new() }).unwrap();
        assert_eq!(shown, serde_json::json!({"data": []}));
    }
}
