//! The inventory's stream: copies what is for sale to where shoppers see it.
//!
//! What is for sale of a SKU is what the locations that sell have of it together, shards and all;
//! each SKU of a batch is looked at once. The number is display only; a batch that comes twice
//! writes the same number twice.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::cart::QUANTITY_MAX;
use domain::catalog::Sku;
use domain::fault::Fault;
use domain::location::Locations;
use domain::stock::KEY_POOL;
use runtime::Records;
use store::stock::{self, Level};

use crate::App;

type Image = HashMap<String, AttributeValue>;

/// Shows what is available of each changed SKU.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    let locations = app.store.locations(records.now).await?;
    for sku in changed(records.new_images)? {
        let levels = app.store.levels_of(&sku).await?;
        app.store.show_available(&sku, shown(&levels, &locations)).await?;
    }
    Ok(())
}

/// The SKUs of a batch, each once.
fn changed(images: Vec<Image>) -> Result<BTreeSet<Sku>, Fault> {
    let mut skus = BTreeSet::new();
    for image in images {
        skus.extend(stock::changed(image)?.map(|level| level.place.sku));
    }
    Ok(skus)
}

/// What shoppers shall see: what is for sale anywhere, up to the line limit. Of what has keys, that
/// is its free keys alone.
fn shown(levels: &[Level], locations: &Locations) -> u32 {
    let has_keys = levels.iter().any(|level| level.place.location == KEY_POOL);
    let sells = |level: &&Level| {
        let location = level.place.location;
        if has_keys {
            return location == KEY_POOL;
        }
        locations.get(location).is_some_and(|location| location.is_active)
    };
    let available: i64 = levels.iter().filter(sells).map(|level| level.available.max(0)).sum();
    u32::try_from(available).unwrap_or(u32::MAX).min(QUANTITY_MAX)
}

#[cfg(test)]
mod tests {
    use domain::id::{LocationId, Ulid};
    use domain::stock::{FIRST_LOCATION, Place};

    use super::*;

    fn sku(text: &str) -> Sku {
        Sku::parse(text).unwrap()
    }

    fn image(pk: &str, sku: &str, available: i64) -> Image {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: i64| AttributeValue::N(value.to_string());
        [
            ("pk", text(pk)),
            ("sk", text("LOC#default")),
            ("sku", text(sku)),
            ("on_hand", number(available)),
            ("reserved", number(0)),
            ("safety", number(0)),
            ("available", number(available)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    #[test]
    fn each_sku_of_a_batch_is_looked_at_once() {
        let images = vec![
            image("SKU#MUG", "MUG", 3),
            image("SKU#SOCKS", "SOCKS", 5_000),
            image("SKU#MUG~7", "MUG", 0),
            image("OTHER#MUG", "HAT", 9),
        ];
        let found: Vec<_> = changed(images).unwrap().into_iter().collect();
        assert_eq!(found, [sku("MUG"), sku("SOCKS")]);
    }

    #[test]
    fn what_is_shown_is_what_the_locations_that_sell_have_up_to_the_line_limit() {
        let elsewhere = LocationId::from_ulid(Ulid::from_parts(1, 1));
        let level = |location, available| {
            let place = Place::at(sku("MUG"), location);
            Level { available, ..Level::empty(&place) }
        };
        let locations = Locations::default();
        let levels = [level(FIRST_LOCATION, 3), level(FIRST_LOCATION, -2), level(elsewhere, 50)];
        assert_eq!(shown(&levels, &locations), 3);
        assert_eq!(shown(&[level(FIRST_LOCATION, 5_000)], &locations), 100);
        assert_eq!(shown(&[], &locations), 0);
        assert_eq!(shown(&[level(KEY_POOL, 7), level(FIRST_LOCATION, 3)], &locations), 7);
    }
}
