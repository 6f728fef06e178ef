//! A product as a shopper sees it.

use std::collections::BTreeMap;

use domain::catalog::content::localized;
use domain::catalog::{
    Category, Image, Kind, Locale, Product, ProductOption, Shown, Sku, Slug, Source,
};
use domain::currency::Currency;
use domain::id::{CategoryId, MediaId, ProductId, VariantId};
use domain::money::Money;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;
use crate::view::search::FacetsView;

/// A variant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VariantView {
    /// Its id: put this into a cart.
    pub id: VariantId,
    /// Its SKU.
    pub sku: Sku,
    /// What tells it from its siblings.
    pub title: String,
    /// What one costs now.
    pub price: Money,
    /// What one costs when it is not reduced; only with a reduced price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare_at: Option<Money>,
    /// The lowest price of the thirty days before the reduction; only with a reduced price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowest_30d: Option<Money>,
    /// The chosen value of each option.
    pub options: BTreeMap<String, String>,
    /// Units one cart line may take now, 0 when sold out.
    pub available: u32,
}

/// A picture.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Image")]
pub struct ImageView {
    /// The upload that it was made of, where it is one; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_id: Option<MediaId>,
    /// Where it is served: on a product's page its largest file that every browser reads, in a
    /// list a WebP of at most 800 pixels.
    pub url: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// Width in pixels, where it is known: with the height, it keeps the page from jumping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The same picture in other sizes and formats, smallest first: for `srcset`; left out of
    /// lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// The variants that it shows; left out where it shows all of them, and of lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variant_ids: Vec<VariantId>,
}

impl ImageView {
    /// The view in a language.
    pub fn of(image: Image, locale: Option<&Locale>) -> Self {
        Self {
            alt: image.alt_in(locale).to_owned(),
            media_id: image.media_id,
            url: image.url,
            width: image.width,
            height: image.height,
            sources: image.sources,
            variant_ids: image.variants,
        }
    }
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
    /// Its pictures, the most important first; in a list that one alone.
    pub images: Vec<ImageView>,
    /// The slugs of its categories; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<Slug>>,
    /// What can be chosen; left out of lists, where each variant says what of it is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<ProductOption>>,
    /// What is sold; left out of cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<Vec<VariantView>>,
}

impl View for ProductView {}

/// A page of products, listed or found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProductViewList")]
pub struct ProductsView {
    /// The products.
    pub data: Vec<ProductView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
    /// How many there are on all pages; only in answers of the search index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How many of what, if `facets=true` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<FacetsView>,
}

impl View for ProductsView {}

impl ProductView {
    /// The view in a currency and a language at this time; `None` where nothing of it has a price
    /// there.
    pub fn of(
        product: Product,
        currency: Currency,
        locale: Option<&Locale>,
        now: Timestamp,
    ) -> Option<Self> {
        let own = (product.title.as_str(), product.description.as_str());
        let (title, description) = localized(own, &product.translations, locale);
        let (title, description) = (title.to_owned(), description.to_owned());
        let price_from = product.price_from(currency, now)?;
        let variants = product
            .variants
            .into_iter()
            .filter_map(|variant| {
                let Shown { price, compare_at, lowest_30d } = variant.shown(currency, now)?;
                Some(VariantView {
                    id: variant.id,
                    price,
                    compare_at,
                    lowest_30d,
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
            title,
            description,
            kind: product.kind,
            price_from,
            images: product.images.into_iter().map(|one| ImageView::of(one, locale)).collect(),
            categories: Some(product.categories),
            options: Some(product.options),
            variants: Some(variants),
        })
    }

    /// What a list shows of it: nothing that its variants say again, or that was asked by.
    #[must_use]
    pub fn listed(self) -> Self {
        Self { categories: None, options: None, ..self }
    }

    /// As little of it as a card in a list shows.
    #[must_use]
    pub fn card(self) -> Self {
        Self { variants: None, ..self.listed() }
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

impl CategoryView {
    /// The view in a language.
    pub fn of(category: Category, locale: Option<&Locale>) -> Self {
        let own = (category.title.as_str(), category.description.as_str());
        let (title, description) = localized(own, &category.translations, locale);
        Self {
            id: category.id,
            title: title.to_owned(),
            description: description.to_owned(),
            slug: category.slug,
            parent: category.parent,
        }
    }
}
