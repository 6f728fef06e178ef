//! `PUT /v1/admin/products/{id}/options`: what can be chosen. The variants that are there stay,
//! with ids, SKUs and prices; with a `sku_prefix`, the missing combinations are made.
//!
//! More variants than one write takes are made in several, each of which leaves a whole product:
//! whoever asks again goes on where it stopped.

use api::form::Integer;
use api::input::no_match;
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::cart::QUANTITY_MAX;
use domain::catalog::matrix::Seed;
use domain::catalog::{Kind, Prices, Product, ProductOption, Sku};
use domain::id::VariantId;
use domain::permission::grant;
use runtime::Call;
use store::product::NEW_VARIANTS_MAX;

use crate::App;
use crate::change::{load, save};
use crate::form::{
    OptionForm, PriceList, WEIGHT_GRAMS_MAX, WhichProduct, options, sku_prefix, whole,
};

/// The options, and what new variants begin with.
#[derive(Debug)]
pub struct Options {
    each: Vec<ProductOption>,
    sku_prefix: Option<Sku>,
    prices: Prices,
    weight_grams: u32,
}

impl Form for Options {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let options = fields.required("options", options());
        let sku_prefix = fields.optional("sku_prefix", sku_prefix());
        let prices = fields.optional("prices", PriceList::rule());
        let weight = fields.optional("weight_grams", Integer::between(0, WEIGHT_GRAMS_MAX));
        let prices = PriceList::of(prices?.unwrap_or_default(), fields);
        Some(Self {
            each: options?.into_iter().map(|OptionForm(one)| one).collect(),
            sku_prefix: sku_prefix?,
            prices: prices?,
            weight_grams: whole(weight?.unwrap_or(0)),
        })
    }
}

/// Which product, as it was seen, and its options.
type Given = (Path<WhichProduct>, (IfMatch, Body<Options>));

/// Sets a product's options.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichProduct { id }), (seen, Body(form))) = &call.input;
    let mut before = load(app, *id).await?;
    seen.check(before.version)?;
    let shelves = app.store.shelves().await?;
    loop {
        let product = before.clone().with_options(form.each.clone())?;
        let after = match &form.sku_prefix {
            Some(prefix) => {
                let begun = seed(&product, form, prefix);
                let id = || VariantId::from_ulid(app.ids.ulid(call.now));
                product.generate(&begun, NEW_VARIANTS_MAX, id)?
            }
            None => product,
        };
        let count = after.variants.len();
        let is_last = count < before.variants.len() + NEW_VARIANTS_MAX;
        let saved = save(app, &call, Some(&before), after, &shelves, "product.set_options").await?;
        let saved = saved.ok_or_else(no_match)?;
        if is_last {
            let version = saved.version;
            return Ok(Versioned(saved.into(), version));
        }
        before = saved;
    }
}

/// What new variants begin with. What is shipped is counted first; what is downloaded is not.
fn seed(product: &Product, form: &Options, prefix: &Sku) -> Seed {
    Seed {
        sku_prefix: prefix.clone(),
        prices: form.prices.clone(),
        weight_grams: form.weight_grams,
        available: match product.kind {
            Kind::Physical => 0,
            Kind::Digital => QUANTITY_MAX,
        },
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_option_has_a_name_and_values() {
        let body = json!({"options": [{"name": "Size", "values": ["S", "M"]}]});
        assert_eq!(flaws_of::<Options>(&body), []);
        let body = json!({"options": [{"name": "", "values": ["S", 1]}]});
        assert_eq!(
            flaws_of::<Options>(&body),
            [
                ("/options/0/name".to_owned(), "too_short"),
                ("/options/0/values/1".to_owned(), "wrong_type"),
            ]
        );
    }
}
