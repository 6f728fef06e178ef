//! The two tables of this domain as they come in a body: field by field, so that every flaw is
//! named at its place, and then as a whole.

use std::collections::BTreeMap;

use api::form::{Fields, Form, Integer, ListOf, MapOf, Nested, OneOf, Parsed, Rule, Text, country};
use api::input::no_match;
use api::{Flaw, Reply, Staff};
use domain::address::{Address, POSTAL_CODE_CHARS_MAX, PostalRange, REGION_CHARS_MAX};
use domain::audit::{Change, changes};
use domain::currency::Currency;
use domain::event::Event;
use domain::shipping::calendar::CLOSED_DAYS_MAX;
use domain::shipping::{
    By, CarrierService, Dispatch, Draft, ID_CHARS_MAX, METHODS_MAX, Method, NAME_CHARS_MAX,
    PICKUP_POINTS_MAX, PROFILES_MAX, PickupPoint, PickupPointId, Profile, ProfileId, Rates,
    ShippingOptionId, ShippingTable, TIERS_MAX, Tier, Weekday, ZONES_MAX, Zone, ZoneCountry,
};
use domain::tax::{
    CATEGORY_CHARS_MAX, PPM_MAX, PriceMode, REGIONS_MAX, TaxCategory, TaxRate, TaxRegion, TaxTable,
};
use jiff::civil::{Date, Time};
use runtime::Call;
use serde::Serialize;
use serde_json::{Value, json};
use store::settings::{BYTES_MAX, Kept};

use crate::App;

/// Countries of one zone: all of them.
const COUNTRIES_MAX: usize = 300;
/// Postal prefixes or ranges of a country's part.
const POSTAL_MAX: usize = 500;
/// The largest amount of a table, in minor units.
const AMOUNT_MAX: i64 = 999_999_999_999;
/// The heaviest and largest parcel of a table: beyond it nothing is a parcel.
const LOAD_MAX: i64 = 1_000_000_000_000;
/// Working days that a parcel may be under way.
const LEAD_DAYS_MAX: i64 = 120;
/// Working days that packing may take.
const HANDLING_DAYS_MAX: i64 = 60;
/// Categories of one tax region.
const CATEGORIES_MAX: usize = 50;
/// Two who change the same table at once: the second decides again, so often at most.
const ATTEMPTS_MAX: usize = 3;

const ID_PATTERN: &str = "^[a-z0-9_-]{1,40}$";

/// A shipping table as it arrives.
#[derive(Debug)]
pub struct ShippingForm(pub(crate) ShippingTable);

impl Form for ShippingForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let zones = fields.required("zones", ListOf::up_to(ZONES_MAX, Nested::<ZoneForm>::form()));
        let methods =
            fields.required("methods", ListOf::up_to(METHODS_MAX, Nested::<MethodForm>::form()));
        let profiles =
            fields.optional("profiles", ListOf::up_to(PROFILES_MAX, Nested::<ProfileForm>::form()));
        let points = ListOf::up_to(PICKUP_POINTS_MAX, Nested::<PointForm>::form());
        let points = fields.optional("pickup_points", points);
        let ship_from = fields.optional("ship_from", Nested::<Address>::form());
        let dispatch = fields.optional("dispatch", Nested::<DispatchForm>::form());
        let draft = Draft {
            zones: zones?.into_iter().map(|form| form.0).collect(),
            methods: methods?.into_iter().map(|form| form.0).collect(),
            profiles: profiles?.into_iter().flatten().map(|form| form.0).collect(),
            pickup_points: points?.into_iter().flatten().map(|form| form.0).collect(),
            ship_from: ship_from?,
            dispatch: dispatch?.map(|form| form.0),
        };
        match ShippingTable::checked(draft) {
            Ok(table) => Some(Self(table)),
            Err(flaws) => {
                for flaw in flaws {
                    let place = flaw.pointer.trim_start_matches('/');
                    fields.flaw(place, flaw.refusal.code(), sentence(&flaw.refusal.to_string()));
                }
                None
            }
        }
    }
}

/// A clause as a sentence.
fn sentence(clause: &str) -> String {
    let mut chars = clause.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}

struct ZoneForm(Zone);

impl Form for ZoneForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", own_id(|id| ProfileId::parse(id).map(|_| id.to_owned())));
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let countries = ListOf::up_to(COUNTRIES_MAX, Nested::<PartForm>::form());
        let countries = fields.required("countries", countries);
        let countries = countries?.into_iter().map(|form| form.0).collect();
        Some(Self(Zone { id: id?, name: name?, countries }))
    }
}

const fn own_id<T>(parse: fn(&str) -> Option<T>) -> Parsed<T> {
    Parsed::by(parse, "an id of a-z, 0-9, - and _", ID_CHARS_MAX).pattern(ID_PATTERN)
}

struct PartForm(ZoneCountry);

impl Form for PartForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let country = fields.required("country", country());
        let region = fields.optional("region", Text::between(1, REGION_CHARS_MAX));
        let prefix = Text::between(0, POSTAL_CODE_CHARS_MAX);
        let prefixes = fields.optional("postal_prefixes", ListOf::up_to(POSTAL_MAX, prefix));
        let ranges = ListOf::up_to(POSTAL_MAX, Nested::<RangeForm>::form());
        let ranges = fields.optional("postal_ranges", ranges);
        Some(Self(ZoneCountry {
            country: country?,
            region: region?,
            postal_prefixes: prefixes?.unwrap_or_default(),
            postal_ranges: ranges?.into_iter().flatten().map(|form| form.0).collect(),
        }))
    }
}

struct RangeForm(PostalRange);

impl Form for RangeForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let from = fields.required("from", Text::between(1, POSTAL_CODE_CHARS_MAX));
        let to = fields.required("to", Text::between(1, POSTAL_CODE_CHARS_MAX));
        Some(Self(PostalRange { from: from?, to: to? }))
    }
}

struct ProfileForm(Profile);

impl Form for ProfileForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", own_id(ProfileId::parse));
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        Some(Self(Profile { id: id?, name: name? }))
    }
}

struct MethodForm(Method);

impl Form for MethodForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", own_id(ShippingOptionId::parse));
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let zone =
            fields.required("zone", own_id(|id| ProfileId::parse(id).map(|_| id.to_owned())));
        let by = fields.optional("by", ByRule);
        let tiers = fields.required("tiers", rates());
        let profiles =
            MapOf::by(ProfileId::parse, "the id of a shipping profile", PROFILES_MAX, rates());
        let profiles = fields.optional("profile_tiers", profiles);
        let free_over = by_currency(Integer::between(0, AMOUNT_MAX));
        let free_over = fields.optional("free_over", free_over);
        let lead_days = fields.required("lead_days", LeadDays);
        let cut_off = fields.optional("cut_off", time_of_day());
        Some(Self(Method {
            id: id?,
            name: name?,
            zone: zone?,
            by: by?.unwrap_or_default(),
            tiers: listed(tiers?),
            profile_tiers: profiles?
                .unwrap_or_default()
                .into_iter()
                .map(|(id, rates)| (id, listed(rates)))
                .collect(),
            free_over: free_over?.unwrap_or_default(),
            lead_days: lead_days?,
            cut_off: cut_off?,
        }))
    }
}

type ReadRates = BTreeMap<Currency, Vec<TierForm>>;

fn listed(rates: ReadRates) -> Rates {
    let tiers = |forms: Vec<TierForm>| forms.into_iter().map(|form| form.0).collect();
    rates.into_iter().map(|(currency, forms)| (currency, tiers(forms))).collect()
}

const fn by_currency<R: Rule>(rule: R) -> MapOf<Currency, R> {
    MapOf::by(Currency::parse, "an ISO 4217 currency code", Currency::TABLE.len(), rule)
}

const fn rates() -> MapOf<Currency, ListOf<Nested<TierForm>>> {
    by_currency(ListOf::up_to(TIERS_MAX, Nested::form()))
}

struct TierForm(Tier);

impl Form for TierForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let weight = fields.optional("max_weight_grams", Integer::between(0, LOAD_MAX));
        let volume = fields.optional("max_volume_mm3", Integer::between(0, LOAD_MAX));
        let least = fields.optional("min_subtotal", Integer::between(0, AMOUNT_MAX));
        let end = fields.optional("max_subtotal", Integer::between(1, AMOUNT_MAX));
        let price = fields.required("price", Integer::between(0, AMOUNT_MAX));
        Some(Self(Tier {
            max_weight_grams: weight?.map(i64::unsigned_abs),
            max_volume_mm3: volume?.map(i64::unsigned_abs),
            min_subtotal: least?,
            max_subtotal: end?,
            price: price?,
        }))
    }
}

/// `parcel`, `pickup`, or `{"carrier": {"carrier": …, "service": …}}`.
struct ByRule;

impl Rule for ByRule {
    type Out = By;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<By> {
        match value.as_str() {
            Some("parcel") => return Some(By::Parcel),
            Some("pickup") => return Some(By::Pickup),
            Some(_) | None => {}
        }
        let Some(carrier) = value.as_object().filter(|all| all.len() == 1) else {
            let detail = "This must be parcel, pickup or an object with carrier.";
            flaws.push(Flaw::new(pointer, "not_allowed", detail));
            return None;
        };
        let Some(service) = carrier.get("carrier") else {
            let detail = "This must be parcel, pickup or an object with carrier.";
            flaws.push(Flaw::new(pointer, "not_allowed", detail));
            return None;
        };
        let rule = Nested::<ServiceForm>::form();
        rule.check(service, &format!("{pointer}/carrier"), flaws).map(|form| By::Carrier(form.0))
    }
    fn schema(&self) -> Value {
        json!({"oneOf": [
            {"type": "string", "enum": ["parcel", "pickup"]},
            {"type": "object", "required": ["carrier"], "additionalProperties": false,
                "properties": {"carrier": Nested::<ServiceForm>::form().schema()}},
        ]})
    }
}

struct ServiceForm(CarrierService);

impl Form for ServiceForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let carrier = fields.required("carrier", Text::between(1, ID_CHARS_MAX));
        let service = fields.required("service", Text::between(1, ID_CHARS_MAX));
        Some(Self(CarrierService { carrier: carrier?, service: service? }))
    }
}

/// Fewest and most working days.
struct LeadDays;

impl Rule for LeadDays {
    type Out = (u8, u8);
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<(u8, u8)> {
        let days = ListOf::up_to(2, Integer::between(0, LEAD_DAYS_MAX));
        let days = days.check(value, pointer, flaws)?;
        let day = |day: &i64| u8::try_from(*day).ok();
        if let [least, most] = days.as_slice() {
            return Some((day(least)?, day(most)?));
        }
        let detail = "This must be two numbers: the fewest and the most working days.";
        flaws.push(Flaw::new(pointer, "too_few", detail));
        None
    }
    fn schema(&self) -> Value {
        json!({"type": "array", "minItems": 2, "maxItems": 2,
            "items": Integer::between(0, LEAD_DAYS_MAX).schema()})
    }
}

const fn time_of_day() -> Parsed<Time> {
    Parsed::by(read_time, "a time of day like 14:00", 8)
        .pattern("^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$")
}

fn read_time(text: &str) -> Option<Time> {
    let mut shape = text.bytes().zip("dd:dd:dd".bytes());
    let is_plain =
        shape.all(|(is, like)| if like == b'd' { is.is_ascii_digit() } else { is == like });
    if is_plain && matches!(text.len(), 5 | 8) { text.parse().ok() } else { None }
}

const fn day() -> Parsed<Date> {
    Parsed::by(read_day, "a day like 2026-12-25", 10)
        .pattern("^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")
}

fn read_day(text: &str) -> Option<Date> {
    let mut shape = text.bytes().zip("dddd-dd-dd".bytes());
    let is_plain =
        shape.all(|(is, like)| if like == b'd' { is.is_ascii_digit() } else { is == like });
    if is_plain && text.len() == 10 { text.parse().ok() } else { None }
}

struct DispatchForm(Dispatch);

impl Form for DispatchForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let time_zone = fields.required("time_zone", Text::between(1, 64));
        let cut_off = fields.optional("cut_off", time_of_day());
        let days = ListOf::up_to(7, OneOf(&Weekday::ALL));
        let days = fields.optional("working_days", days);
        let closed = fields.optional("closed_on", ListOf::up_to(CLOSED_DAYS_MAX, day()));
        let handling = fields.optional("handling_days", Integer::between(0, HANDLING_DAYS_MAX));
        Some(Self(Dispatch {
            time_zone: time_zone?,
            cut_off: cut_off?,
            working_days: days?.unwrap_or_else(|| Weekday::WORKING.to_vec()),
            closed_on: closed?.unwrap_or_default(),
            handling_days: handling?.and_then(|days| u8::try_from(days).ok()).unwrap_or(0),
        }))
    }
}

/// A pickup point in a body.
#[derive(Debug)]
pub struct PointForm(pub(crate) PickupPoint);

impl Form for PointForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", own_id(PickupPointId::parse));
        let place = PlaceForm::read(fields);
        Some(Self(place?.at(id?)))
    }
}

/// A pickup point without its id.
#[derive(Debug)]
pub struct PlaceForm(PickupPoint);

impl Form for PlaceForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        use domain::address::{CITY_CHARS_MAX, LINE_CHARS_MAX};
        let name = fields.required("name", Text::between(1, NAME_CHARS_MAX));
        let line1 = fields.required("line1", Text::between(1, LINE_CHARS_MAX));
        let line2 = fields.optional("line2", Text::between(1, LINE_CHARS_MAX));
        let city = fields.required("city", Text::between(1, CITY_CHARS_MAX));
        let region = fields.optional("region", Text::between(1, REGION_CHARS_MAX));
        let postal_code = fields.required("postal_code", Text::between(0, POSTAL_CODE_CHARS_MAX));
        let country = fields.required("country", country());
        let hours = fields.optional("opening_hours", Text::between(1, 200));
        let nobody = PickupPointId::parse("-")?;
        Some(Self(PickupPoint {
            id: nobody,
            name: name?,
            line1: line1?,
            line2: line2?,
            city: city?,
            region: region?,
            postal_code: postal_code?,
            country: country?,
            opening_hours: hours?,
        }))
    }
}

impl PlaceForm {
    /// The point of this id.
    pub(crate) fn at(&self, id: PickupPointId) -> PickupPoint {
        PickupPoint { id, ..self.0.clone() }
    }
}

/// Which pickup point.
#[derive(Debug)]
pub struct WhichPoint {
    pub(crate) id: PickupPointId,
}

impl Form for WhichPoint {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", own_id(PickupPointId::parse));
        Some(Self { id: id? })
    }
}

/// A tax table as it arrives.
#[derive(Debug)]
pub struct TaxForm(pub(crate) TaxTable);

impl Form for TaxForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let regions = ListOf::up_to(REGIONS_MAX, Nested::<RegionForm>::form());
        let regions = fields.required("regions", regions);
        let fallback = fields.required("fallback", Nested::<RegionForm>::form());
        let regions = regions?.into_iter().map(|form| form.0).collect();
        match TaxTable::checked(regions, fallback?.0) {
            Ok(table) => Some(Self(table)),
            Err(flaws) => {
                for flaw in flaws {
                    let place = flaw.pointer.trim_start_matches('/');
                    fields.flaw(place, flaw.refusal.code(), sentence(&flaw.refusal.to_string()));
                }
                None
            }
        }
    }
}

struct RegionForm(TaxRegion);

impl Form for RegionForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        const MODES: &[(&str, PriceMode)] =
            &[("inclusive", PriceMode::Inclusive), ("exclusive", PriceMode::Exclusive)];
        let country = fields.required("country", country());
        let region = fields.optional("region", Text::between(1, REGION_CHARS_MAX));
        let prefix = fields.optional("postal_prefix", Text::between(0, POSTAL_CODE_CHARS_MAX));
        let range = fields.optional("postal_range", Nested::<RangeForm>::form());
        let mode = fields.required("mode", OneOf(MODES));
        let rates = MapOf::by(
            TaxCategory::parse,
            "a tax category such as standard",
            CATEGORIES_MAX,
            Nested::<RateForm>::form(),
        );
        let rates = fields.required("rates", rates);
        Some(Self(TaxRegion {
            country: country?,
            region: region?,
            postal_prefix: prefix?,
            postal_range: range?.map(|form| form.0),
            mode: mode?,
            rates: rates?.into_iter().map(|(category, form)| (category, form.0)).collect(),
        }))
    }
}

struct RateForm(TaxRate);

impl Form for RateForm {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required("name", Text::between(0, NAME_CHARS_MAX));
        let ppm = fields.required("ppm", Integer::between(0, i64::from(PPM_MAX)));
        let (name, ppm) = (name?, ppm?);
        Some(Self(TaxRate { name, ppm: u32::try_from(ppm).ok()? }))
    }
}

/// Reads a tax category.
pub(crate) const fn tax_category() -> Parsed<TaxCategory> {
    Parsed::by(TaxCategory::parse, "a tax category such as standard", CATEGORY_CHARS_MAX)
        .pattern("^[a-z][a-z0-9_]*$")
}

/// Refuses a document that would not fit where it is kept.
pub(crate) fn fits(document: &impl Serialize) -> Reply<()> {
    let size = serde_json::to_vec(document).map_or(usize::MAX, |bytes| bytes.len());
    if size <= BYTES_MAX {
        return Ok(());
    }
    let detail = format!("The table may have {BYTES_MAX} bytes as JSON.");
    Err(api::Problem::invalid(vec![Flaw::new("", "too_large", detail)]))
}

/// An entry of the audit log about a setting.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: &str,
    before: &impl Serialize,
    after: &impl Serialize,
) -> Reply<Event> {
    let changed: Vec<Change> = changes(&shown(before), &shown(after));
    let doors = app.doors.as_ref().ok_or_else(api::Problem::internal)?;
    Ok(doors.audit(&call.request, call.who.actor(), action, Some(object.to_owned()), changed))
}

fn shown(document: &impl Serialize) -> Value {
    serde_json::to_value(document).unwrap_or(Value::Null)
}

/// Changes the pickup points of the table as it is at this moment, with an entry in the audit log:
/// the table's new version. With `seen`, only the version that the caller has seen is changed.
pub(crate) async fn change_points<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    id: &PickupPointId,
    seen: Option<u64>,
    decide: impl Fn(&mut Vec<PickupPoint>) -> Reply<()>,
) -> Reply<u64> {
    for _ in 0..ATTEMPTS_MAX {
        let Kept { value: before, version } = app.store.shipping_table().await?;
        let mut draft = Draft::from(before.clone());
        // What is not there has not changed either.
        decide(&mut draft.pickup_points)?;
        if seen.is_some_and(|seen| seen != version) {
            return Err(no_match());
        }
        let after = ShippingTable::checked(draft).map_err(|flaws| {
            let flaw = |flaw: domain::shipping::Flaw| {
                let detail = sentence(&flaw.refusal.to_string());
                Flaw::new(flaw.pointer, flaw.refusal.code(), detail)
            };
            api::Problem::invalid(flaws.into_iter().map(flaw).collect())
        })?;
        fits(&after)?;
        let point = |table: &ShippingTable| table.pickup_point(id).cloned();
        let events = [note(app, call, action, id.as_str(), &point(&before), &point(&after))?];
        if let Some(version) = app.store.change_shipping(&after, version, &events).await? {
            return Ok(version);
        }
        if seen.is_some() {
            return Err(no_match());
        }
    }
    Err(api::Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    fn table() -> Value {
        json!({
            "zones": [{"id": "de", "name": "Germany", "countries": [{"country": "DE",
                "postal_ranges": [{"from": "10", "to": "14"}]}]}],
            "profiles": [{"id": "bulky", "name": "Bulky goods"}],
            "methods": [
                {"id": "std", "name": "Standard", "zone": "de", "lead_days": [1, 2],
                    "tiers": {"EUR": [{"max_weight_grams": 2000, "price": 490}]},
                    "profile_tiers": {"bulky": {"EUR": [{"price": 2900}]}},
                    "free_over": {"EUR": 5000}, "cut_off": "14:00"},
                {"id": "shop", "name": "Pick up", "zone": "de", "by": "pickup",
                    "tiers": {"EUR": [{"price": 0}]}, "lead_days": [0, 0]},
                {"id": "ups", "name": "UPS", "zone": "de", "lead_days": [1, 1],
                    "by": {"carrier": {"carrier": "UPS", "service": "Ground"}},
                    "tiers": {"EUR": [{"price": 990}]}},
            ],
            "pickup_points": [{"id": "mitte", "name": "Mitte", "line1": "Weg 1", "city": "Berlin",
                "postal_code": "10117", "country": "DE"}],
            "dispatch": {"time_zone": "Europe/Berlin", "cut_off": "12:30",
                "closed_on": ["2026-12-25"]},
        })
    }

    #[test]
    fn a_table_is_read_as_it_is_shown() {
        assert_eq!(flaws_of::<ShippingForm>(&table()), []);
        let mut flaws = Vec::new();
        let read: Option<ShippingForm> = api::form::read_value(&table(), "", &mut flaws);
        let shown = serde_json::to_value(&read.unwrap().0).unwrap();
        let again: Option<ShippingForm> = api::form::read_value(&shown, "", &mut flaws);
        assert_eq!(serde_json::to_value(&again.unwrap().0).unwrap(), shown);
        assert_eq!(flaws, []);
    }

    #[test]
    fn every_flaw_of_a_table_is_named_at_its_place() {
        let mut wrong = table();
        wrong["zones"][0]["countries"][0]["country"] = json!("de");
        wrong["methods"][0]["tiers"]["euro"] = json!([]);
        wrong["methods"][0]["tiers"]["EUR"][0]["price"] = json!(-1);
        wrong["methods"][0]["lead_days"] = json!([1]);
        wrong["methods"][0]["cut_off"] = json!("2 pm");
        wrong["methods"][1]["by"] = json!("drone");
        wrong["methods"][2]["by"] = json!({"carrier": {"carrier": "UPS"}});
        wrong["dispatch"]["working_days"] = json!(["someday"]);
        wrong["colour"] = json!("red");
        let flaws = flaws_of::<ShippingForm>(&wrong);
        for (pointer, code) in [
            ("/zones/0/countries/0/country", "malformed"),
            ("/methods/0/tiers/euro", "malformed_name"),
            ("/methods/0/tiers/EUR/0/price", "out_of_range"),
            ("/methods/0/lead_days", "too_few"),
            ("/methods/0/cut_off", "malformed"),
            ("/methods/1/by", "not_allowed"),
            ("/methods/2/by/carrier/service", "required"),
            ("/dispatch/working_days/0", "not_allowed"),
            ("/colour", "unknown_field"),
        ] {
            assert!(flaws.contains(&(pointer.to_owned(), code)), "{pointer}: {flaws:?}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_named_too() {
        let mut wrong = table();
        wrong["methods"][0]["zone"] = json!("mars");
        wrong["methods"][1]["id"] = json!("std");
        wrong["dispatch"]["time_zone"] = json!("Mars/Olympus");
        let mut flaws = flaws_of::<ShippingForm>(&wrong);
        flaws.sort();
        let wanted = [
            ("/dispatch", "unknown_time_zone"),
            ("/methods/0/zone", "unknown_zone"),
            ("/methods/1/id", "duplicate_id"),
        ];
        assert_eq!(flaws, wanted.map(|(pointer, code)| (pointer.to_owned(), code)));
    }

    #[test]
    fn a_tax_table_is_read_and_its_flaws_are_named() {
        let germany = json!({"country": "DE", "mode": "inclusive",
            "rates": {"standard": {"name": "MwSt.", "ppm": 190_000}}});
        let good = json!({"regions": [germany], "fallback": germany});
        assert_eq!(flaws_of::<TaxForm>(&good), []);
        let wrong = json!({"regions": [germany, germany,
            {"country": "FR", "mode": "inclusive", "postal_prefix": "-",
                "rates": {"books": {"name": "", "ppm": 1}}}], "fallback": germany});
        let flaws = flaws_of::<TaxForm>(&wrong);
        let wanted = [
            ("/regions/1", "duplicate_region"),
            ("/regions/2", "standard_rate_missing"),
            ("/regions/2", "empty_postal_prefix"),
        ];
        assert_eq!(flaws, wanted.map(|(pointer, code)| (pointer.to_owned(), code)));
        let wrong = json!({"regions": [{"country": "XX", "mode": "free",
            "rates": {"Standard": {"name": "", "ppm": 1_000_001}}}]});
        assert_eq!(flaws_of::<TaxForm>(&wrong).len(), 5);
    }

    #[test]
    fn times_and_days_are_written_in_one_way() {
        assert!(read_time("14:00").is_some() && read_time("23:59:59").is_some());
        for wrong in ["", "2pm", "24:00", "14", "14:00:00.5", "1400"] {
            assert_eq!(read_time(wrong), None, "{wrong}");
        }
        assert!(read_day("2026-12-25").is_some());
        for wrong in ["", "25.12.2026", "2026-02-30", "20261225", "2026-12-25T00:00"] {
            assert_eq!(read_day(wrong), None, "{wrong}");
        }
    }
}
