//! The inventory's stream: copies what is for sale to where shoppers see it.
//!
//! Only the last change of a SKU in a batch counts, and above the line limit nothing changes for a
//! shopper, so most sales write nothing here. The number is display only; a batch that comes twice
//! writes the same number twice.

use std::collections::BTreeMap;

use domain::cart::QUANTITY_MAX;
use domain::fault::Fault;
use runtime::Records;
use store::stock;

use crate::App;

/// Shows what is available of each changed SKU.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    let mut latest = BTreeMap::new();
    for image in records.new_images {
        if let Some((sku, available)) = stock::changed(image)? {
            latest.insert(sku, available);
        }
    }
    for (sku, available) in latest {
        let shown = u32::try_from(available.max(0)).unwrap_or(u32::MAX).min(QUANTITY_MAX);
        app.store.show_available(&sku, shown).await?;
    }
    Ok(())
}
