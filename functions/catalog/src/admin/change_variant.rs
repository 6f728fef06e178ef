//! `PATCH /v1/admin/products/{id}/variants/{variant_id}`: what is given is changed, what is left
//! out stays. Prices have an endpoint of their own.

use api::form::{Integer, Nested, YesOrNo, sku};
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::cart::QUANTITY_MAX;
use domain::catalog::{Download, Sku, matrix};
use domain::permission::grant;
use domain::shipping::ProfileId;
use runtime::Call;

use crate::App;
use crate::change::change;
use crate::form::{
    ChosenForm, FileForm, VOLUME_MM3_MAX, WEIGHT_GRAMS_MAX, WhichVariant, chosen, chosen_of,
    shipping_profile, volume, whole,
};

/// What is to be changed.
#[derive(Debug)]
pub struct Change {
    sku: Option<Sku>,
    options: Option<Vec<ChosenForm>>,
    weight_grams: Option<u32>,
    volume_mm3: Option<u64>,
    shipping_profile: Option<ProfileId>,
    quantity_max: Option<u32>,
    download: Option<Download>,
    has_no_download: bool,
    has_keys: Option<bool>,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.optional("sku", sku());
        let options = fields.optional("options", chosen());
        let weight = fields.optional("weight_grams", Integer::between(0, WEIGHT_GRAMS_MAX));
        let room = fields.optional("volume_mm3", Integer::between(0, VOLUME_MM3_MAX));
        let shipping_profile = fields.optional("shipping_profile", shipping_profile());
        let most = Integer::between(1, i64::from(QUANTITY_MAX));
        let quantity_max = fields.optional("quantity_max", most);
        let download = fields.optional("download", Nested::<FileForm>::form());
        let has_no_download = fields.optional("has_no_download", YesOrNo);
        let has_keys = fields.optional("has_keys", YesOrNo);
        Some(Self {
            sku: sku?,
            options: options?,
            weight_grams: weight?.map(whole),
            volume_mm3: room?.map(volume),
            shipping_profile: shipping_profile?,
            quantity_max: quantity_max?.map(whole),
            download: download?.map(|FileForm(file)| file),
            has_no_download: has_no_download?.unwrap_or(false),
            has_keys: has_keys?,
        })
    }
}

/// Which variant, its product as it was seen, and the change.
type Given = (Path<WhichVariant>, (IfMatch, Body<Change>));

/// Changes a variant.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichVariant { id, variant_id }), (seen, Body(form))) = &call.input;
    change(app, &call, (*id, *seen), "product.change_variant", |product, _| {
        let mut variant = product.variant(*variant_id)?.clone();
        if let Some(options) = &form.options {
            variant.options = chosen_of(options.clone());
            let title = matrix::title(&product.options, &variant.options);
            variant.title = title.unwrap_or(variant.title);
        }
        variant.sku = form.sku.clone().unwrap_or(variant.sku);
        variant.weight_grams = form.weight_grams.unwrap_or(variant.weight_grams);
        variant.volume_mm3 = form.volume_mm3.unwrap_or(variant.volume_mm3);
        let profile = form.shipping_profile.clone();
        variant.shipping_profile = profile.unwrap_or(variant.shipping_profile);
        variant.quantity_max = form.quantity_max.unwrap_or(variant.quantity_max);
        variant.download = match (&form.download, form.has_no_download) {
            (Some(file), _) => Some(file.clone()),
            (None, true) => None,
            (None, false) => variant.download,
        };
        variant.has_keys = form.has_keys.unwrap_or(variant.has_keys);
        Ok(product.put_variant(variant)?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(flaws_of::<Change>(&json!({})), []);
        let flaws = flaws_of::<Change>(&json!({"weight_grams": -1, "price": 1}));
        assert_eq!(
            flaws,
            [("/weight_grams".to_owned(), "out_of_range"), ("/price".to_owned(), "unknown_field"),]
        );
    }
}
