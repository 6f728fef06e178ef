//! `POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/label`: a label is bought for a parcel
//! that has not left.
//!
//! A label costs money, so it is written down first what will be bought, and bought then: whoever
//! dies in between, or never hears the answer, leaves a parcel that knows its shipment. The next
//! one who asks, with whatever weight, buys that very one, and the carriers sell it once. Who asks
//! again with the tag of before the choice is let in: nothing else has changed.

use std::time::Duration;

use api::form::{Integer, Nested, Text};
use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{Body, Fields, Form, IfMatch, KeyRequired, Path, Problem, Reply, Versioned};
use carrier::{Bought, Carrier};
use domain::carrier::{Packed, Quote, Rate};
use domain::fulfillment::{Fulfillment, Step};
use domain::order::Order;
use domain::shipping::CarrierService;
use runtime::Call;
use store::fulfillment::{Move, Moved};

use crate::App;
use crate::parcel::{ATTEMPTS_MAX, Packer, WhichParcel, load_parcel, write};

/// How long the carriers may take to say what they would take.
const WITHIN: Duration = Duration::from_secs(5);
/// The heaviest parcel, in grams: what a pallet carries.
const WEIGHT_MAX: i64 = 1_500_000;
/// The longest side, in millimetres.
const SIDE_MAX: i64 = 10_000;
/// Characters of a carrier's or a service's name.
const NAME_CHARS_MAX: usize = 80;

/// A parcel's sides, in millimetres.
#[derive(Debug, Clone, Copy)]
struct Sides(u32, u32, u32);

impl Form for Sides {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let mut side = |name| fields.required(name, Integer::between(1, SIDE_MAX));
        let (length, width, height) = (side("length"), side("width"), side("height"));
        let side = |millimetres: i64| u32::try_from(millimetres).ok();
        Some(Self(side(length?)?, side(width?)?, side(height?)?))
    }
}

/// A service of a carrier.
#[derive(Debug, Clone)]
struct Service(CarrierService);

impl Form for Service {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let carrier = fields.required("carrier", Text::between(1, NAME_CHARS_MAX));
        let service = fields.required("service", Text::between(1, NAME_CHARS_MAX));
        Some(Self(CarrierService { carrier: carrier?, service: service? }))
    }
}

/// What was weighed, and by what it shall go: by the cheapest service unless one is named.
#[derive(Debug)]
pub struct Wanted {
    packed: Packed,
    service: Option<CarrierService>,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let weight = fields.required("weight_grams", Integer::between(1, WEIGHT_MAX));
        let sides = fields.optional("size_mm", Nested::<Sides>::form());
        let service = fields.optional("service", Nested::<Service>::form());
        let weight_grams = u64::try_from(weight?).ok()?;
        let size_mm = sides?.map(|Sides(length, width, height)| (length, width, height));
        let service = service?.map(|Service(service)| service);
        Some(Self { packed: Packed { weight_grams, size_mm }, service })
    }
}

type Given = (Path<WhichParcel>, (IfMatch, (KeyRequired, Body<Wanted>)));

/// Buys a label.
pub async fn handle(
    app: &App,
    call: Call<Packer, Given>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), (seen, (KeyRequired, Body(wanted)))) = &call.input;
    let (order, parcel) = load_parcel(app, *which).await?;
    seen.check(parcel.version).or_else(|_| seen.check(parcel.version_before_choice()))?;
    parcel.may_be_labelled()?;
    let post = app.post.as_ref().ok_or_else(Problem::internal)?;
    let carrier = post.carrier(call.now).await?.ok_or_else(no_account)?;
    let (order, parcel) = if parcel.postage.is_some() {
        (order, parcel)
    } else {
        choose(app, &call, &carrier, (order, parcel), wanted).await?
    };
    let postage = parcel.postage.as_ref().ok_or_else(Problem::internal)?;
    let label = match carrier.buy(&postage.parcel, &postage.rate).await? {
        Bought::Yes(label) => label,
        Bought::Refused(code) => {
            // Another shipment next time: this one is not sold.
            let step = parcel.clone().forget_choice(&order, call.now);
            save(app, &step).await?;
            let detail = "The carriers do not sell this label.";
            return Err(Problem::conflict("label_refused", detail).member("carrier_code", code));
        }
    };
    let (mut order, mut parcel) = (order, parcel);
    for _ in 0..ATTEMPTS_MAX {
        let step = parcel.clone().buy(&order, label.clone(), call.now)?;
        if let Some(view) = write(app, &call, Some(&parcel), step, "fulfillment.buy_label").await? {
            let version = view.version;
            return Ok(Remembered(Versioned(view, version)));
        }
        // Somebody was at the order: the label is the parcel's all the same.
        (order, parcel) = load_parcel(app, *which).await?;
    }
    Err(Problem::unavailable())
}

/// Asks the carriers, chooses, and writes down what will be bought.
async fn choose<I: Sync>(
    app: &App,
    call: &Call<Packer, I>,
    carrier: &Carrier,
    (order, parcel): (Order, Fulfillment),
    wanted: &Wanted,
) -> Reply<(Order, Fulfillment)> {
    let table = app.store.shipping_table().await?.value;
    let from = table.ship_from().ok_or_else(|| {
        let detail = "The shop's shipping table does not say where parcels come from: ship_from.";
        Problem::conflict("no_ship_from", detail)
    })?;
    let to = order.shipping_address.as_ref().ok_or_else(|| {
        Problem::conflict("no_shipping_address", "The order has no address to send to.")
    })?;
    let quote = carrier.rates(&wanted.packed, from, to, WITHIN).await?;
    let rate = rate(&quote, wanted.service.as_ref()).ok_or_else(|| {
        let named = quote.rates.iter().map(|rate| rate.service.clone()).collect::<Vec<_>>();
        let detail = "No carrier takes this parcel by that service.";
        Problem::conflict("no_rate", detail).member("services", named)
    })?;
    let chosen = (quote.parcel.clone(), rate.id.clone());
    let step = parcel.choose(&order, chosen, call.now)?;
    save(app, &step).await?;
    let Step { mut order, mut parcel, .. } = step;
    order.version += 1;
    parcel.version += 1;
    Ok((order, parcel))
}

/// The rate of the named service, else the cheapest; rates in several currencies are not compared.
fn rate<'a>(quote: &'a Quote, service: Option<&CarrierService>) -> Option<&'a Rate> {
    let rates = quote.rates.iter();
    let currency = quote.rates.first()?.price.currency();
    rates
        .filter(|rate| service.is_none_or(|service| rate.service == *service))
        .filter(|rate| rate.price.currency() == currency)
        .min_by_key(|rate| rate.price.amount())
}

async fn save(app: &App, step: &Step) -> Reply<()> {
    let Step { order, parcel, .. } = step;
    let (leaving, movements, events) = (&[], &[], &[]);
    let (followed_by, remembered) = (None, None);
    let moved = Move { order, parcel, leaving, movements, followed_by, events, remembered };
    match app.store.move_parcel(&moved).await? {
        Moved::Yes => Ok(()),
        // Somebody else was at this parcel or its order, and nothing was bought: ask again.
        Moved::Raced | Moved::NotThere(_) => Err(Problem::unavailable()),
    }
}

pub(crate) fn no_account() -> Problem {
    let detail = "The shop has no account with the carriers.";
    Problem::conflict("no_carrier_account", detail)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use domain::currency::Currency;
    use domain::money::Money;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parcel_is_weighed_before_a_label_is_bought() {
        assert_eq!(flaws_of::<Wanted>(&json!({"weight_grams": 400})), []);
        let all = json!({"weight_grams": 400, "size_mm": {"length": 1, "width": 2, "height": 3},
            "service": {"carrier": "USPS", "service": "Priority"}});
        assert_eq!(flaws_of::<Wanted>(&all), []);
        let wrong = json!({"size_mm": {"length": 0, "width": 2}});
        assert_eq!(
            flaws_of::<Wanted>(&wrong),
            [
                ("/weight_grams".to_owned(), "required"),
                ("/size_mm/length".to_owned(), "out_of_range"),
                ("/size_mm/height".to_owned(), "required"),
            ]
        );
    }

    #[test]
    fn the_cheapest_service_is_taken_unless_one_is_named() {
        let service = |name: &str| CarrierService { carrier: "USPS".into(), service: name.into() };
        let rate_of = |id: &str, name: &str, amount| Rate {
            id: id.into(),
            service: service(name),
            price: Money::new(amount, Currency::USD),
            days: None,
        };
        let rates = vec![rate_of("1", "Priority", 900), rate_of("2", "Ground", 400)];
        let quote = Quote { parcel: "shp_1".into(), rates };
        assert_eq!(rate(&quote, None).map(|rate| rate.id.as_str()), Some("2"));
        let named = rate(&quote, Some(&service("Priority")));
        assert_eq!(named.map(|rate| rate.id.as_str()), Some("1"));
        assert_eq!(rate(&quote, Some(&service("Express"))), None);
    }
}
