//! `POST /v1/admin/shipping/simulate`: which zone a destination is in and why, and of each method
//! what it costs or why it does not serve. Nothing is written and no carrier is asked.

use std::collections::BTreeMap;

use api::form::{Integer, ListOf, Nested, Parsed, Text, country, currency, time};
use api::reply::View;
use api::{Body, Fields, Form, Reply, Staff};
use domain::address::{Country, Destination, POSTAL_CODE_CHARS_MAX, REGION_CHARS_MAX};
use domain::cart::{LINES_MAX, QUANTITY_MAX};
use domain::currency::Currency;
use domain::money::Money;
use domain::permission::grant;
use domain::shipping::{
    Load, OptionKind, ProfileId, Shipment, ShippingOptionId, ShippingTable, Window, Zone,
};
use jiff::Timestamp;
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// The heaviest and the largest single thing.
const LOAD_MAX: i64 = 1_000_000_000;
/// The dearest single thing, in minor units.
const PRICE_MAX: i64 = 999_999_999;

/// Where something would go.
#[derive(Debug)]
pub struct Place {
    pub(crate) country: Country,
    pub(crate) region: Option<String>,
    pub(crate) postal_code: String,
}

impl Form for Place {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let country = fields.required("country", country());
        let region = fields.optional("region", Text::between(1, REGION_CHARS_MAX));
        let postal = fields.optional("postal_code", Text::between(0, POSTAL_CODE_CHARS_MAX));
        let postal_code = postal?.unwrap_or_default();
        Some(Self { country: country?, region: region?, postal_code })
    }
}

impl Place {
    pub(crate) fn destination(&self) -> Destination<'_> {
        let Self { country, region, postal_code } = self;
        Destination { country: *country, region: region.as_deref(), postal_code }
    }
}

#[derive(Debug)]
struct Thing {
    quantity: u32,
    price: i64,
    load: Load,
    profile: ProfileId,
}

impl Form for Thing {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let quantity = fields.required("quantity", Integer::between(1, i64::from(QUANTITY_MAX)));
        let price = fields.required("unit_price", Integer::between(0, PRICE_MAX));
        let weight = fields.required("weight_grams", Integer::between(0, LOAD_MAX));
        let volume = fields.optional("volume_mm3", Integer::between(0, LOAD_MAX));
        let profile = Parsed::by(ProfileId::parse, "the id of a shipping profile", 40)
            .pattern("^[a-z0-9_-]{1,40}$");
        let profile = fields.optional("shipping_profile", profile);
        let quantity = u32::try_from(quantity?).ok();
        let (weight, volume) = (weight?, volume?.unwrap_or(0));
        Some(Self {
            quantity: quantity?,
            price: price?,
            load: Load { weight_grams: weight.unsigned_abs(), volume_mm3: volume.unsigned_abs() },
            profile: profile?.unwrap_or_default(),
        })
    }
}

/// What would be sent where, and when it would be ordered.
#[derive(Debug)]
pub struct Question {
    to: Place,
    currency: Currency,
    things: Vec<Thing>,
    at: Option<Timestamp>,
}

impl Form for Question {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let to = fields.required("destination", Nested::<Place>::form());
        let currency = fields.required("currency", currency());
        let things = fields.required(
            "items",
            ListOf::some_up_to(LINES_MAX, Nested::<Thing>::form(), "Name at least one item."),
        );
        let at = fields.optional("at", time());
        Some(Self { to: to?, currency: currency?, things: things?, at: at? })
    }
}

impl Question {
    /// The parcels. What a body can say fits.
    fn shipment(&self) -> Option<Shipment> {
        let mut parcels: BTreeMap<ProfileId, Load> = BTreeMap::new();
        let mut subtotal = Money::zero(self.currency);
        for Thing { quantity, price, load, profile } in &self.things {
            let sum = parcels.entry(profile.clone()).or_default();
            let times = |one: u64| one.saturating_mul(u64::from(*quantity));
            sum.weight_grams = sum.weight_grams.saturating_add(times(load.weight_grams));
            sum.volume_mm3 = sum.volume_mm3.saturating_add(times(load.volume_mm3));
            let line = Money::new(*price, self.currency).times(*quantity).ok()?;
            subtotal = subtotal.add(line).ok()?;
        }
        Some(Shipment { parcels, subtotal })
    }
}

/// Why a zone is the one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Why {
    /// Its postal codes are the most exact.
    PostalCode,
    /// It has the destination's state or province.
    Region,
    /// It has the whole country.
    Country,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FoundZone {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Why it and no other.
    why: Why,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ParcelView {
    /// Of goods of which profile.
    profile: ProfileId,
    /// Its weight.
    weight_grams: u64,
    /// Its volume.
    volume_mm3: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct MethodView {
    /// Which method.
    id: ShippingOptionId,
    /// What the shopper reads.
    name: String,
    /// How the goods get there.
    kind: OptionKind,
    /// What it costs; null where it does not serve. A carrier's own price may differ.
    price: Option<Money>,
    /// Why it does not serve.
    reason: Option<&'static str>,
    /// The same as a sentence.
    detail: Option<String>,
    /// When it would arrive.
    window: Option<Window>,
}

/// What the table says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShippingSimulation {
    /// The zone; null where the shop does not send to.
    zone: Option<FoundZone>,
    /// The parcels that were looked at.
    parcels: Vec<ParcelView>,
    /// What all goods cost.
    subtotal: Money,
    /// Every method of the table: first those that serve, cheapest first.
    methods: Vec<MethodView>,
}

impl View for ShippingSimulation {}

/// Asks the table as it is at this moment.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsRead>, Body<Question>>,
) -> Reply<ShippingSimulation> {
    let Body(question) = &call.input;
    let table = app.store.shipping_table().await?.value;
    answer(&table, question, call.now)
}

fn answer(table: &ShippingTable, question: &Question, now: Timestamp) -> Reply<ShippingSimulation> {
    let shipment = question.shipment().ok_or_else(|| {
        let flaw = api::Flaw::new("/items", "amount_too_large", "The sum is too large.");
        api::Problem::invalid(vec![flaw])
    })?;
    let (to, at) = (question.to.destination(), question.at.unwrap_or(now));
    let zone = table.zone(&to);
    let mut methods: Vec<MethodView> = table
        .methods()
        .iter()
        .map(|method| {
            let (price, refused) = if zone.is_some_and(|zone| zone.id == method.zone) {
                match method.price(&shipment) {
                    Ok(price) => (Some(price), None),
                    Err(unserved) => (None, Some((unserved.code(), unserved.detail()))),
                }
            } else {
                (None, Some(("other_zone", format!("It serves the zone {}.", method.zone))))
            };
            let (reason, detail) = refused.unzip();
            MethodView {
                id: method.id.clone(),
                name: method.name.clone(),
                kind: method.by.kind(),
                window: price.and_then(|_| table.window(method, at)),
                price,
                reason,
                detail,
            }
        })
        .collect();
    methods.sort_by_key(|method| {
        (method.price.is_none(), method.price.map(Money::amount), method.id.clone())
    });
    let parcels = shipment.parcels.iter().map(|(profile, load)| ParcelView {
        profile: profile.clone(),
        weight_grams: load.weight_grams,
        volume_mm3: load.volume_mm3,
    });
    Ok(ShippingSimulation {
        zone: zone.map(|zone| found(zone, &to)),
        parcels: parcels.collect(),
        subtotal: shipment.subtotal,
        methods,
    })
}

fn found(zone: &Zone, to: &Destination<'_>) -> FoundZone {
    let why = match ShippingTable::fit(zone, to) {
        Some((1.., _)) => Why::PostalCode,
        Some((0, true)) => Why::Region,
        Some((0, false)) | None => Why::Country,
    };
    FoundZone { id: zone.id.clone(), name: zone.name.clone(), why }
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::{Value, json};

    use super::*;

    fn table() -> ShippingTable {
        serde_json::from_value(json!({
            "zones": [
                {"id": "de", "name": "Germany", "countries": [{"country": "DE"}]},
                {"id": "isles", "name": "Islands", "countries":
                    [{"country": "DE", "postal_prefixes": ["27498"]}]},
            ],
            "profiles": [{"id": "bulky", "name": "Bulky"}],
            "methods": [
                {"id": "std", "name": "Standard", "zone": "de", "lead_days": [1, 2],
                    "tiers": {"EUR": [{"max_weight_grams": 2000, "price": 490}]}},
                {"id": "freight", "name": "Freight", "zone": "de", "lead_days": [3, 5],
                    "tiers": {"EUR": [{"price": 900}]},
                    "profile_tiers": {"bulky": {"EUR": [{"price": 4900}]}}},
                {"id": "ferry", "name": "Ferry", "zone": "isles", "lead_days": [3, 9],
                    "tiers": {"EUR": [{"price": 1900}]}},
            ],
            "dispatch": {"time_zone": "Europe/Berlin", "cut_off": "14:00:00"},
        }))
        .unwrap()
    }

    fn asked(question: &Value) -> Value {
        let mut flaws = Vec::new();
        let question: Option<Question> = read_value(question, "", &mut flaws);
        let now = "2026-11-18T09:00:00Z".parse().unwrap();
        serde_json::to_value(answer(&table(), &question.unwrap(), now).unwrap()).unwrap()
    }

    #[test]
    fn the_zone_and_every_method_are_explained() {
        let said = asked(&json!({
            "destination": {"country": "DE", "postal_code": "10117"}, "currency": "EUR",
            "items": [
                {"quantity": 2, "unit_price": 1250, "weight_grams": 400},
                {"quantity": 1, "unit_price": 9900, "weight_grams": 30000,
                    "shipping_profile": "bulky"},
            ],
        }));
        assert_eq!(said["zone"], json!({"id": "de", "name": "Germany", "why": "country"}));
        assert_eq!(said["subtotal"]["amount"], 12_400);
        assert_eq!(said["parcels"][0]["profile"], "bulky");
        let method = |at: usize| &said["methods"][at];
        assert_eq!(method(0)["id"], "freight");
        assert_eq!(method(0)["price"]["amount"], 5_800);
        assert_eq!(method(0)["window"], json!({"earliest": "2026-11-23", "latest": "2026-11-25"}));
        assert_eq!(
            (&method(1)["id"], &method(1)["reason"]),
            (&json!("ferry"), &json!("other_zone"))
        );
        assert_eq!(method(2)["reason"], "profile_not_served");
        assert_eq!(method(2)["price"], Value::Null);
    }

    #[test]
    fn a_postal_code_says_why_and_an_unknown_country_has_no_zone() {
        let item = json!({"quantity": 1, "unit_price": 1, "weight_grams": 2001});
        let to = |place: Value| {
            asked(&json!({"destination": place, "currency": "EUR", "items": [item]}))
        };
        let isles = to(json!({"country": "DE", "postal_code": "27498"}));
        assert_eq!(isles["zone"]["why"], "postal_code");
        let heavy = to(json!({"country": "DE"}));
        let reasons: Vec<_> =
            heavy["methods"].as_array().unwrap().iter().map(|m| m["reason"].clone()).collect();
        assert_eq!(reasons, [json!(null), json!("other_zone"), json!("no_tier_takes_it")]);
        assert_eq!(to(json!({"country": "BR"}))["zone"], Value::Null);
    }

    #[test]
    fn every_flaw_of_a_question_is_named() {
        let flaws = flaws_of::<Question>(&json!({
            "destination": {"country": "de"}, "currency": "euro", "at": "now",
            "items": [{"quantity": 0, "unit_price": -1, "weight_grams": "1"}],
        }));
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.0.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/destination/country",
                "/currency",
                "/items/0/quantity",
                "/items/0/unit_price",
                "/items/0/weight_grams",
                "/at"
            ]
        );
        let none = json!({"destination": {"country": "DE"}, "currency": "EUR", "items": []});
        assert_eq!(flaws_of::<Question>(&none), [("/items".to_owned(), "required")]);
    }
}
