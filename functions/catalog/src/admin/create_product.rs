//! `POST /v1/admin/products`: a draft, with the variants that its options make.

use std::collections::BTreeMap;

use api::form::{Integer, ListOf, Nested, slug};
use api::reply::CreatedVersion;
use api::view::catalog::AdminProductView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::cart::QUANTITY_MAX;
use domain::catalog::matrix::Seed;
use domain::catalog::tree::CATEGORIES_OF_ONE_MAX;
use domain::catalog::{Kind, Prices, Product, ProductOption, Sku, Slug, Status};
use domain::id::{ProductId, VariantId};
use domain::permission::grant;
use domain::tax::TaxCategory;
use jiff::Timestamp;
use runtime::Call;
use store::product::NEW_VARIANTS_MAX;

use crate::App;
use crate::change::save;
use crate::form::{
    ATTRIBUTES_MAX, AttributeForm, OptionForm, PriceList, WEIGHT_GRAMS_MAX, description, kind,
    known_categories, moment, options, sku_prefix, tax_category, title, values_of, whole,
};

/// A product as it begins.
#[derive(Debug)]
pub struct NewProduct {
    slug: Slug,
    title: String,
    description: String,
    kind: Kind,
    tax_category: TaxCategory,
    categories: Vec<Slug>,
    attributes: Vec<AttributeForm>,
    options: Vec<ProductOption>,
    sku_prefix: Option<Sku>,
    prices: Prices,
    weight_grams: u32,
    publish_at: Option<Timestamp>,
}

impl Form for NewProduct {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let slug_of = fields.required("slug", slug());
        let title = fields.required("title", title());
        let description = fields.optional("description", description());
        let kind = fields.required("type", kind());
        let tax_category = fields.optional("tax_category", tax_category());
        let categories =
            fields.optional("categories", ListOf::up_to(CATEGORIES_OF_ONE_MAX, slug()));
        let attribute = Nested::<AttributeForm>::form();
        let attributes = fields.optional("attributes", ListOf::up_to(ATTRIBUTES_MAX, attribute));
        let options = fields.optional("options", options());
        let sku_prefix = fields.optional("sku_prefix", sku_prefix());
        let prices = fields.optional("prices", PriceList::rule());
        let weight = fields.optional("weight_grams", Integer::between(0, WEIGHT_GRAMS_MAX));
        let publish_at = moment(fields, "publish_at");
        let prices = PriceList::of(prices?.unwrap_or_default(), fields);
        Some(Self {
            slug: slug_of?,
            title: title?,
            description: description?.unwrap_or_default(),
            kind: kind?,
            tax_category: tax_category?.unwrap_or_default(),
            categories: categories?.unwrap_or_default(),
            attributes: attributes?.unwrap_or_default(),
            options: options?.unwrap_or_default().into_iter().map(|OptionForm(one)| one).collect(),
            sku_prefix: sku_prefix?,
            prices: prices?,
            weight_grams: whole(weight?.unwrap_or(0)),
            publish_at: publish_at?,
        })
    }
}

/// Makes a draft.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Body<NewProduct>>,
) -> Reply<CreatedVersion<AdminProductView>> {
    let Body(form) = &call.input;
    let shelves = app.store.shelves().await?;
    let product = Product {
        id: ProductId::from_ulid(app.ids.ulid(call.now)),
        slug: form.slug.clone(),
        title: form.title.clone(),
        description: form.description.clone(),
        kind: form.kind,
        status: Status::Draft,
        publish_at: form.publish_at,
        published_at: None,
        tax_category: form.tax_category.clone(),
        categories: known_categories(&form.categories, &shelves)?,
        collections: Vec::new(),
        attributes: values_of(&form.attributes, &shelves)?,
        translations: BTreeMap::new(),
        options: Vec::new(),
        variants: Vec::new(),
        images: Vec::new(),
        created_at: call.now,
        version: 0,
    };
    let product = product.with_options(form.options.clone())?;
    let grown = |product: Product| match &form.sku_prefix {
        Some(prefix) => {
            let seed = Seed {
                sku_prefix: prefix.clone(),
                prices: form.prices.clone(),
                weight_grams: form.weight_grams,
                available: if form.kind == Kind::Digital { QUANTITY_MAX } else { 0 },
            };
            let id = || VariantId::from_ulid(app.ids.ulid(call.now));
            product.generate(&seed, NEW_VARIANTS_MAX, id)
        }
        None => Ok(product),
    };
    // More variants than one write takes come with the next ones.
    let mut product = grown(product)?;
    let mut before: Option<Product> = None;
    loop {
        let saved = save(app, &call, before.as_ref(), product, &shelves, "product.create").await?;
        let saved = saved.ok_or_else(Problem::unavailable)?;
        let more = grown(saved.clone())?;
        if more.variants.len() == saved.variants.len() {
            let version = saved.version;
            return Ok(CreatedVersion(saved.into(), version));
        }
        (before, product) = (Some(saved), more);
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_draft_needs_a_name_and_a_kind() {
        let body = json!({"slug": "red-mug", "title": "Red mug", "type": "physical"});
        assert_eq!(flaws_of::<NewProduct>(&body), []);
        let pointers: Vec<_> =
            flaws_of::<NewProduct>(&json!({})).into_iter().map(|(at, _)| at).collect();
        assert_eq!(pointers, ["/slug", "/title", "/type"]);
    }

    #[test]
    fn a_text_has_lines_and_a_price_one_amount_in_each_currency() {
        let price = json!({"amount": 100, "currency": "EUR"});
        let body = json!({
            "slug": "red-mug", "title": "Red mug", "type": "physical",
            "description": "One.\nTwo.", "prices": [price, price],
        });
        assert_eq!(flaws_of::<NewProduct>(&body), [("/prices".to_owned(), "same_currency")]);
    }
}
