//! `GET /v1/store/pickup_points`: where a shopper can fetch their parcel, the nearest first as far
//! as postal codes tell: those that share most of their first characters.

use api::form::{Integer, Text, country};
use api::reply::{Cache, View};
use api::{Anyone, Cached, Fields, Form, Query, Reply};
use domain::address::{Country, POSTAL_CODE_CHARS_MAX, postal_key};
use domain::shipping::{By, PickupPoint, ShippingTable};
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// Points that one answer shows at most.
const POINTS_MAX: i64 = 100;
/// Points unless the caller says otherwise.
const POINTS_DEFAULT: i64 = 20;

/// Where the shopper is.
#[derive(Debug)]
pub struct Wanted {
    country: Country,
    postal_code: String,
    limit: usize,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let country = fields.required("country", country());
        let postal = fields.optional("postal_code", Text::between(0, POSTAL_CODE_CHARS_MAX));
        let limit = fields.optional("limit", Integer::between(1, POINTS_MAX));
        let postal_code = postal?.unwrap_or_default();
        let limit = usize::try_from(limit?.unwrap_or(POINTS_DEFAULT)).ok();
        Some(Self { country: country?, postal_code, limit: limit? })
    }
}

/// Pickup points.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NearestView {
    /// Those with the most similar postal code first.
    data: Vec<PickupPoint>,
}

impl View for NearestView {}

/// Lists the points that some way of sending goes to.
pub async fn handle(app: &App, call: Call<Anyone, Query<Wanted>>) -> Reply<Cached<NearestView>> {
    // Caches in front of the shop ask once a minute at most.
    let table = app.store.shipping_table().await?.value;
    let data = nearest(&table, &call.input.0);
    Ok(Cached(NearestView { data }, Cache::Public))
}

fn nearest(table: &ShippingTable, wanted: &Wanted) -> Vec<PickupPoint> {
    let near = postal_key(&wanted.postal_code);
    let is_served = |point: &&PickupPoint| {
        table.zone(&point.destination()).is_some_and(|zone| {
            table.methods().iter().any(|m| m.by == By::Pickup && m.zone == zone.id)
        })
    };
    let mut points: Vec<PickupPoint> = table
        .pickup_points()
        .iter()
        .filter(|point| point.country == wanted.country)
        .filter(is_served)
        .cloned()
        .collect();
    points.sort_by_key(|point| {
        let key = postal_key(&point.postal_code);
        let shared = key.bytes().zip(near.bytes()).take_while(|(a, b)| a == b).count();
        (std::cmp::Reverse(shared), point.id.clone())
    });
    points.truncate(wanted.limit);
    points
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> ShippingTable {
        let point = |id: &str, postal_code: &str, country: &str| {
            json!({"id": id, "name": id, "line1": "Weg 1", "city": "Ort",
                "postal_code": postal_code, "country": country})
        };
        serde_json::from_value(json!({
            "zones": [
                {"id": "de", "name": "DE", "countries": [{"country": "DE"}]},
                {"id": "at", "name": "AT", "countries": [{"country": "AT"}]},
            ],
            "methods": [{"id": "shop", "name": "Pick up", "zone": "de", "by": "pickup",
                "tiers": {"EUR": [{"price": 0}]}, "lead_days": [0, 1]}],
            "pickup_points": [point("bonn", "53111", "DE"), point("mitte", "10117", "DE"),
                point("pankow", "13187", "DE"), point("wien", "1010", "AT")],
        }))
        .unwrap()
    }

    fn ids(country: Country, postal_code: &str, limit: usize) -> Vec<String> {
        let wanted = Wanted { country, postal_code: postal_code.into(), limit };
        nearest(&table(), &wanted).iter().map(|point| point.id.to_string()).collect()
    }

    #[test]
    fn the_most_similar_postal_code_comes_first() {
        assert_eq!(ids(Country::DE, "10115", 9), ["mitte", "pankow", "bonn"]);
        assert_eq!(ids(Country::DE, "53", 1), ["bonn"]);
        assert_eq!(ids(Country::DE, "", 9), ["bonn", "mitte", "pankow"]);
    }

    #[test]
    fn a_point_that_no_way_goes_to_is_not_shown() {
        assert!(ids(Country::AT, "1010", 9).is_empty());
    }

    #[test]
    fn every_flaw_of_a_query_is_named() {
        let flaws = api::form::flaws_of::<Wanted>(&json!({"postal_code": [], "limit": 0}));
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.0.as_str()).collect();
        assert_eq!(pointers, ["/country", "/postal_code", "/limit"]);
        assert_eq!(
            api::form::flaws_of::<Wanted>(&json!({"country": "DE", "postal_code": "10117"})),
            []
        );
    }
}
