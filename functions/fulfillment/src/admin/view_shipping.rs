//! `GET /v1/admin/shipping`: the whole shipping table, with the version to change it by.

use api::reply::View;
use api::{Reply, Staff, Versioned};
use domain::permission::grant;
use domain::shipping::{Gap, ShippingTable};
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// The shipping table, and what is to be looked at in it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShippingView {
    /// The table; send it back to change it.
    table: ShippingTable,
    /// Parcels that fall between a method's tiers, one for each hole: mostly mistakes.
    gaps: Vec<Gap>,
}

impl View for ShippingView {}

impl From<ShippingTable> for ShippingView {
    fn from(table: ShippingTable) -> Self {
        Self { gaps: table.gaps(), table }
    }
}

/// Shows the table; an empty one where nobody has written any.
pub async fn handle(
    app: &App,
    _: Call<Staff<grant::SettingsRead>>,
) -> Reply<Versioned<ShippingView>> {
    let kept = app.store.shipping_table().await?;
    Ok(Versioned(kept.value.into(), kept.version))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hole_between_tiers_is_shown_beside_the_table() {
        let table: ShippingTable = serde_json::from_value(json!({
            "zones": [{"id": "de", "name": "DE", "countries": [{"country": "DE"}]}],
            "methods": [{"id": "std", "name": "Standard", "zone": "de", "lead_days": [1, 2],
                "tiers": {"EUR": [
                    {"max_subtotal": 5000, "price": 490},
                    {"min_subtotal": 5001, "price": 0},
                ]}}],
        }))
        .unwrap();
        let shown = serde_json::to_value(ShippingView::from(table)).unwrap();
        assert_eq!(
            shown["gaps"],
            json!([{"method": "std", "profile": "default", "weight_grams": 0, "volume_mm3": 0,
                "subtotal": {"amount": 5000, "currency": "EUR"}}])
        );
    }
}
