//! A product as a shopper sees it.

use std::collections::BTreeMap;

use domain::catalog::{Category, Image, Kind, Product, ProductOption, Sku, Slug, price_in};
use domain::currency::Currency;
use domain::id::{CategoryId, ProductId, VariantId};
use domain::money::Money;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A variant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VariantView {
    /// Its id: put this into a cart.
    pub id: VariantId,
    /// Its SKU.
    pub sku: Sku,
    /// What tells it from its siblings.
    pub title: String,
    /// What one costs.
    pub price: Money,
    /// The chosen value of each option.
    pub options: BTreeMap<String, String>,
    /// Units one cart line may take now, 0 when sold out.
    pub available: u32,
}

/// A product.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProductView {
    /// Its id.
    pub id: ProductId,
    /// Its readable name.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Its text.
    pub description: String,
    /// Physical or digital.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The lowest price of its variants.
    pub price_from: Money,
    /// Its pictures.
    pub images: Vec<Image>,
    /// The slugs of its categories.
    pub categories: Vec<Slug>,
    /// What can be chosen.
    pub options: Vec<ProductOption>,
    /// What is sold.
    pub variants: Vec<VariantView>,
}

impl View for ProductView {}
impl View for List<ProductView> {}

impl ProductView {
    /// The view in a currency; `None` where nothing of it has a price there.
    pub fn of(product: Product, currency: Currency) -> Option<Self> {
        let price_from = product.price_from(currency)?;
        let variants = product
            .variants
            .into_iter()
            .filter_map(|variant| {
                Some(VariantView {
                    id: variant.id,
                    price: price_in(&variant.prices, currency)?,
                    sku: variant.sku,
                    title: variant.title,
                    options: variant.options,
                    available: variant.available,
                })
            })
            .collect();
        Some(Self {
            id: product.id,
            slug: product.slug,
            title: product.title,
            description: product.description,
            kind: product.kind,
            price_from,
            images: product.images,
            categories: product.categories,
            options: product.options,
            variants,
        })
    }
}

/// A category.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CategoryView {
    /// Its id.
    pub id: CategoryId,
    /// Its readable name.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Its text.
    pub description: String,
    /// The slug of the category it belongs to.
    pub parent: Option<Slug>,
}

impl View for List<CategoryView> {}

impl From<Category> for CategoryView {
    fn from(category: Category) -> Self {
        let Category { id, slug, title, description, parent, .. } = category;
        Self { id, slug, title, description, parent }
    }
}
