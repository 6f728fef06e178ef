//! The inventory's stream: copies what is for sale to where shoppers see it.
//!
//! Only the last change of a SKU in a batch counts, and above the line limit nothing changes for a
//! shopper, so most sales write nothing here. The number is display only; a batch that comes twice
//! writes the same number twice.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::cart::QUANTITY_MAX;
use domain::catalog::Sku;
use domain::fault::Fault;
use runtime::Records;
use store::stock;

use crate::App;

type Image = HashMap<String, AttributeValue>;

/// Shows what is available of each changed SKU.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    for (sku, shown) in latest(records.new_images)? {
        app.store.show_available(&sku, shown).await?;
    }
    Ok(())
}

/// What shoppers shall see of each changed SKU: its last change counts, up to the line limit.
fn latest(images: Vec<Image>) -> Result<BTreeMap<Sku, u32>, Fault> {
    let mut latest = BTreeMap::new();
    for image in images {
        if let Some((sku, available)) = stock::changed(image)? {
            let shown = u32::try_from(available.max(0)).unwrap_or(u32::MAX).min(QUANTITY_MAX);
            latest.insert(sku, shown);
        }
    }
    Ok(latest)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_last_change_of_a_sku_counts_up_to_the_line_limit() {
        let images = vec![
            image("SKU#MUG", "MUG", 3),
            image("SKU#SOCKS", "SOCKS", 5_000),
            image("SKU#MUG", "MUG", 0),
            image("OTHER#MUG", "MUG", 9),
        ];
        let shown: Vec<_> = latest(images).unwrap().into_iter().collect();
        let sku = |text| Sku::parse(text).unwrap();
        assert_eq!(shown, [(sku("MUG"), 0), (sku("SOCKS"), 100)]);
    }
}
