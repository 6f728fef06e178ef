//! `POST /v1/admin/products/{id}/variants`: one variant more, with one value of each option.

use api::form::{Integer, Nested, YesOrNo, sku};
use api::reply::CreatedVersion;
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Form, Path, Reply, Staff, Versioned};
use domain::cart::QUANTITY_MAX;
use domain::catalog::matrix;
use domain::catalog::{Download, Kind, Prices, Product, Sku, Variant};
use domain::id::VariantId;
use domain::permission::grant;
use domain::shipping::ProfileId;
use runtime::Call;

use crate::App;
use crate::change::act;
use crate::form::{
    ChosenForm, FileForm, PriceList, VOLUME_MM3_MAX, WEIGHT_GRAMS_MAX, WhichProduct, chosen,
    chosen_of, shipping_profile, volume, whole,
};

/// A variant as it begins.
#[derive(Debug)]
pub struct NewVariant {
    sku: Sku,
    options: Vec<ChosenForm>,
    prices: Prices,
    weight_grams: u32,
    volume_mm3: u64,
    shipping_profile: ProfileId,
    quantity_max: u32,
    download: Option<Download>,
    has_keys: bool,
}

impl Form for NewVariant {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let options = fields.optional("options", chosen());
        let prices = fields.optional("prices", PriceList::rule());
        let weight = fields.optional("weight_grams", Integer::between(0, WEIGHT_GRAMS_MAX));
        let room = fields.optional("volume_mm3", Integer::between(0, VOLUME_MM3_MAX));
        let shipping_profile = fields.optional("shipping_profile", shipping_profile());
        let most = Integer::between(1, i64::from(QUANTITY_MAX));
        let quantity_max = fields.optional("quantity_max", most);
        let download = fields.optional("download", Nested::<FileForm>::form());
        let has_keys = fields.optional("has_keys", YesOrNo);
        let prices = PriceList::of(prices?.unwrap_or_default(), fields);
        Some(Self {
            sku: sku?,
            options: options?.unwrap_or_default(),
            prices: prices?,
            weight_grams: whole(weight?.unwrap_or(0)),
            volume_mm3: volume(room?.unwrap_or(0)),
            shipping_profile: shipping_profile?.unwrap_or_default(),
            quantity_max: quantity_max?.map_or(QUANTITY_MAX, whole),
            download: download?.map(|FileForm(file)| file),
            has_keys: has_keys?.unwrap_or(false),
        })
    }
}

impl NewVariant {
    fn variant(&self, product: &Product, id: VariantId) -> Variant {
        let options = chosen_of(self.options.clone());
        let title = matrix::title(&product.options, &options);
        Variant {
            id,
            sku: self.sku.clone(),
            title: title.unwrap_or_else(|| product.title.clone()),
            options,
            prices: self.prices.clone(),
            sales: Vec::new(),
            available: match product.kind {
                Kind::Physical => 0,
                Kind::Digital => QUANTITY_MAX,
            },
            weight_grams: self.weight_grams,
            volume_mm3: self.volume_mm3,
            shipping_profile: self.shipping_profile.clone(),
            quantity_max: self.quantity_max,
            download: self.download.clone(),
            has_keys: self.has_keys,
        }
    }
}

/// Adds a variant.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<WhichProduct>, Body<NewVariant>)>,
) -> Reply<CreatedVersion<AdminProductView>> {
    let (Path(WhichProduct { id }), Body(form)) = &call.input;
    let variant = VariantId::from_ulid(app.ids.ulid(call.now));
    let Versioned(product, version) = act(app, &call, *id, "product.add_variant", |product| {
        let variant = form.variant(&product, variant);
        Ok(product.put_variant(variant)?)
    })
    .await?;
    Ok(CreatedVersion(product, version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_variant_has_a_sku_and_a_limit_of_a_line() {
        let body = json!({"sku": "MUG-RED", "quantity_max": 5});
        assert_eq!(flaws_of::<NewVariant>(&body), []);
        let body = json!({"sku": "mug", "quantity_max": 101});
        assert_eq!(
            flaws_of::<NewVariant>(&body),
            [("/sku".to_owned(), "malformed"), ("/quantity_max".to_owned(), "out_of_range"),]
        );
    }
}
