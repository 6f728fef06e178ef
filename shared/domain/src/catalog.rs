//! What the shop sells: products, their variants, categories.
//!
//! A product is one document with its variants. What a cart needs of a variant is an [`Offer`],
//! which follows from the product: [`Product::offer`].

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::id::{CategoryId, LocationId, MediaId, ProductId, VariantId};
use crate::media::Format;
use crate::money::Money;
use crate::shipping::ProfileId;
use crate::tax::TaxCategory;

pub mod attribute;
pub mod collection;
pub mod content;
pub mod lifecycle;
pub mod matrix;
pub mod price;
pub mod tree;

pub use attribute::Value;
pub use content::{Content, Locale};
pub use lifecycle::Status;
pub use price::{Sale, Shown};

/// Variants of one product; more would not fit one item of the store (400 KB) with its texts.
pub const VARIANTS_MAX: usize = 100;

/// Characters of a product's text that a list shows.
pub const CARD_TEXT_CHARS_MAX: usize = 160;

macro_rules! text_key {
    ($(#[$doc:meta])* $name:ident, $min:literal, $max:literal, $allowed:expr, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(#[schemars(regex(pattern = $pattern))] String);

        impl $name {
            /// Reads the text, or says no.
            pub fn parse(text: &str) -> Option<Self> {
                let fits = ($min..=$max).contains(&text.len()) && text.bytes().all($allowed);
                fits.then(|| Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| {
                    serde::de::Error::custom(concat!("not a ", stringify!($name)))
                })
            }
        }
    };
}

text_key!(
    /// A stock keeping unit: 3 to 40 of `A–Z`, `0–9`, `-`.
    Sku, 3, 40,
    |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-',
    "^[A-Z0-9-]{3,40}$"
);
text_key!(
    /// The readable name in an address: 2 to 80 of `a–z`, `0–9`, `-`.
    Slug, 2, 80,
    |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-',
    "^[a-z0-9-]{2,80}$"
);

/// The two kinds of goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Has stock and weight, and is shipped.
    Physical,
    /// Delivered once paid: by a download link, by a key of its pool, or by both.
    Digital,
}

/// A base price per currency, in minor units; sales go below it for a while.
pub type Prices = BTreeMap<Currency, i64>;

/// The file behind a digital variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// The object's key in the bucket of files.
    pub key: String,
    /// The name that the customer sees.
    pub file_name: String,
}

/// The widest picture in a list, in pixels: a card on a screen with two dots to a pixel.
const LIST_WIDTH_MAX: u32 = 800;

/// A picture of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The upload that it was made of, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_id: Option<MediaId>,
    /// Where it is served.
    pub url: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// The same in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alts: BTreeMap<Locale, String>,
    /// The variants that it shows; where there are none, it shows all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantId>,
    /// Width in pixels, where it is known: with the height, it keeps the page from jumping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// The same picture in other sizes and formats, smallest first: for `srcset`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

impl Image {
    /// A picture of which nothing more is known than where it is.
    pub const fn plain(url: String, alt: String) -> Self {
        Self {
            media_id: None,
            url,
            alt,
            alts: BTreeMap::new(),
            variants: Vec::new(),
            width: None,
            height: None,
            sources: Vec::new(),
        }
    }

    /// What it shows, in the nearest of a language, the one it belongs to, and the shop's own.
    pub fn alt_in(&self, locale: Option<&Locale>) -> &str {
        let parent = locale.and_then(Locale::parent);
        let mut chain = [locale, parent.as_ref()].into_iter().flatten();
        chain.find_map(|locale| self.alts.get(locale)).unwrap_or(&self.alt)
    }

    /// As a list shows it: one address, of a size that a list needs.
    #[must_use]
    pub fn for_list(&self) -> Self {
        let fits =
            |source: &&Source| source.media_type == Format::Webp && source.width <= LIST_WIDTH_MAX;
        let chosen = self.sources.iter().filter(fits).max_by_key(|source| source.width);
        let (media_id, sources, variants) = (None, Vec::new(), Vec::new());
        let mut image = Self { media_id, variants, sources, ..self.clone() };
        if let (Some(source), Some(width), Some(height)) = (chosen, self.width, self.height) {
            let scaled = u64::from(height) * u64::from(source.width) / u64::from(width.max(1));
            image.height = u32::try_from(scaled).ok().map(|scaled| scaled.max(1));
            image.width = Some(source.width);
            image.url.clone_from(&source.url);
        }
        image
    }
}

/// A picture in one size and format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Source {
    /// Where it is served.
    pub url: String,
    /// Width in pixels.
    pub width: u32,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: Format,
}

/// A variant as it stands on its product's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its id.
    pub id: VariantId,
    /// Its stock keeping unit.
    pub sku: Sku,
    /// What tells it from its siblings: “White / M”.
    pub title: String,
    /// The chosen value of each option.
    pub options: BTreeMap<String, String>,
    /// What one costs when nothing is reduced.
    pub prices: Prices,
    /// Reduced prices, each for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sales: Vec<Sale>,
    /// Units one cart line may take now, from 0 to the line limit: copied from the stock level
    /// after each change, for display only. Selling is decided by the stock's own condition.
    pub available: u32,
    /// Weight of one in grams; 0 for digital goods.
    #[serde(default)]
    pub weight_grams: u32,
    /// Room that one takes, in cubic millimetres; 0 where nobody measured.
    #[serde(default)]
    pub volume_mm3: u64,
    /// How it is sent.
    #[serde(default)]
    pub shipping_profile: ProfileId,
    /// Units one cart line may hold.
    #[serde(default = "line_limit")]
    pub quantity_max: u32,
    /// What is downloaded, for digital goods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Download>,
    /// Whether each unit is a key of the SKU's pool.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_keys: bool,
}

fn line_limit() -> u32 {
    crate::cart::QUANTITY_MAX
}

impl Variant {
    /// What one costs at this time; none where it is not sold in this currency.
    pub fn price(&self, currency: Currency, now: Timestamp) -> Option<Money> {
        Some(self.shown(currency, now)?.price)
    }

    /// What one costs at this time, with what it is compared with.
    pub fn shown(&self, currency: Currency, now: Timestamp) -> Option<Shown> {
        price::shown(&self.prices, &self.sales, currency, now)
    }
}

/// An option to choose and its values in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProductOption {
    /// “Size”.
    pub name: String,
    /// “S”, “M”, “L”.
    pub values: Vec<String>,
}

/// A product with its variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its readable name.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Its text, plain.
    pub description: String,
    /// Physical or digital.
    pub kind: Kind,
    /// Whether it is in the store.
    #[serde(default)]
    pub status: Status,
    /// When a draft is to be published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_at: Option<Timestamp>,
    /// When it was in the store for the first time: from then on it may have been sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// How it is taxed.
    #[serde(default = "standard_tax")]
    pub tax_category: TaxCategory,
    /// The slugs of the categories it is listed in.
    pub categories: Vec<Slug>,
    /// The slugs of the collections it is in, by hand or by rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Slug>,
    /// What is known of it, by the codes of the shop's attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Slug, Value>,
    /// Its texts in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<Locale, Content>,
    /// What can be chosen.
    pub options: Vec<ProductOption>,
    /// What is sold.
    pub variants: Vec<Variant>,
    /// Its pictures.
    pub images: Vec<Image>,
    /// When it was made; newest first is the default order of lists.
    pub created_at: Timestamp,
    /// Rises with every change.
    #[serde(default)]
    pub version: u64,
}

fn standard_tax() -> TaxCategory {
    TaxCategory::STANDARD
}

impl Product {
    /// The lowest price of its variants in this currency at this time.
    pub fn price_from(&self, currency: Currency, now: Timestamp) -> Option<Money> {
        self.variants
            .iter()
            .filter_map(|variant| variant.price(currency, now))
            .min_by_key(|price| price.amount())
    }

    /// When something happens to it by itself: it is published, or a price changes.
    pub fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        match self.status {
            Status::Draft => self.publish_at,
            Status::Active => {
                self.variants.iter().filter_map(|one| price::next_change(&one.sales, now)).min()
            }
            Status::Archived => None,
        }
    }

    /// What a list shows of it: the beginning of its text, its first picture, and nothing that
    /// only its own page or a cart needs.
    #[must_use]
    pub fn card(&self) -> Self {
        let begin = |text: &str| text.chars().take(CARD_TEXT_CHARS_MAX).collect::<String>();
        let mut card = self.clone();
        card.description = begin(&card.description);
        card.images.truncate(1);
        for image in &mut card.images {
            *image = image.for_list();
        }
        card.attributes.clear();
        for content in card.translations.values_mut() {
            content.description = content.description.as_deref().map(begin);
        }
        for variant in &mut card.variants {
            variant.download = None;
            variant.has_keys = false;
        }
        card
    }

    /// What a cart needs to know of a variant of it.
    pub fn offer(&self, variant: &Variant) -> Offer {
        Offer {
            variant: variant.id,
            product: self.id,
            sku: variant.sku.clone(),
            product_title: self.title.clone(),
            variant_title: variant.title.clone(),
            kind: self.kind,
            prices: variant.prices.clone(),
            sales: variant.sales.clone(),
            tax_category: self.tax_category.clone(),
            categories: self.categories.iter().chain(&self.collections).cloned().collect(),
            weight_grams: variant.weight_grams,
            volume_mm3: variant.volume_mm3,
            shipping_profile: variant.shipping_profile.clone(),
            quantity_max: variant.quantity_max,
            is_active: self.status == Status::Active,
            download: variant.download.clone(),
            has_keys: variant.has_keys,
            flash: None,
        }
    }
}

/// All that a cart needs to know of a variant to sell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The variant.
    pub variant: VariantId,
    /// Its product.
    pub product: ProductId,
    /// Its stock keeping unit.
    pub sku: Sku,
    /// The product's name.
    pub product_title: String,
    /// What tells it from its siblings.
    pub variant_title: String,
    /// Physical or digital.
    pub kind: Kind,
    /// What one costs when nothing is reduced.
    pub prices: Prices,
    /// Reduced prices, each for a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sales: Vec<Sale>,
    /// How it is taxed.
    pub tax_category: TaxCategory,
    /// The slugs of its product's categories and collections: what promotions ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<Slug>,
    /// Weight of one in grams; 0 for digital goods.
    pub weight_grams: u32,
    /// What one takes up in a parcel, in cubic millimetres; 0 where nobody measured it.
    #[serde(default)]
    pub volume_mm3: u64,
    /// With which goods it is packed and priced.
    #[serde(default)]
    pub shipping_profile: ProfileId,
    /// Units one line may hold.
    pub quantity_max: u32,
    /// Whether it is for sale.
    pub is_active: bool,
    /// What is downloaded, for digital goods.
    pub download: Option<Download>,
    /// Whether each unit is a key of the SKU's pool.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_keys: bool,
    /// Where buyers look for units while its stock is split for a flash sale. A hint: the stock's
    /// own items decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flash: Option<Flash>,
}

impl Offer {
    /// What one costs at this time: the base price, or that of the sale that runs. None where it
    /// is not sold in this currency.
    pub fn price(&self, currency: Currency, now: Timestamp) -> Option<Money> {
        price::shown(&self.prices, &self.sales, currency, now).map(|shown| shown.price)
    }
}

/// Stock that is split over shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Where.
    pub location: LocationId,
    /// Over how many shards.
    pub shards: u32,
}

/// A category; the tree is made by `parent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// Its readable name.
    pub slug: Slug,
    /// Its name.
    pub title: String,
    /// Its text.
    pub description: String,
    /// The category it belongs to.
    pub parent: Option<Slug>,
    /// Where it stands among its siblings.
    pub position: u32,
    /// Its texts in other languages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<Locale, Content>,
    /// How many products say that they are in it.
    #[serde(default)]
    pub products: u32,
    /// Rises with every change of its own.
    #[serde(default)]
    pub version: u64,
}

#[cfg(test)]
pub(crate) mod samples {
    //! A blue mug for € 12.50.

    use super::*;
    use crate::id::Ulid;

    pub(crate) fn now() -> Timestamp {
        Timestamp::from_second(1_780_000_000).unwrap()
    }

    pub(crate) fn product() -> Product {
        let variant = Variant {
            id: VariantId::from_ulid(Ulid(1)),
            sku: Sku::parse("MUG-BLUE").unwrap(),
            title: "Blue".into(),
            options: BTreeMap::from([("Colour".into(), "Blue".into())]),
            prices: Prices::from([(Currency::EUR, 1250)]),
            sales: Vec::new(),
            available: 10,
            weight_grams: 400,
            volume_mm3: 0,
            shipping_profile: ProfileId::default(),
            quantity_max: 100,
            download: None,
            has_keys: false,
        };
        Product {
            id: ProductId::from_ulid(Ulid(2)),
            slug: Slug::parse("blue-mug").unwrap(),
            title: "Blue mug".into(),
            description: "It holds tea.".into(),
            kind: Kind::Physical,
            status: Status::Draft,
            publish_at: None,
            published_at: None,
            tax_category: TaxCategory::STANDARD,
            categories: vec![Slug::parse("goods").unwrap()],
            collections: Vec::new(),
            attributes: BTreeMap::new(),
            translations: BTreeMap::new(),
            options: vec![ProductOption { name: "Colour".into(), values: vec!["Blue".into()] }],
            variants: vec![variant],
            images: Vec::new(),
            created_at: now(),
            version: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sku_and_a_slug_keep_to_their_alphabet() {
        assert!(Sku::parse("ALL-TEE-WHT-M").is_some());
        for wrong in ["", "AB", "all-tee", "ALL TEE", "ÄÖÜ", &"A".repeat(41)] {
            assert!(Sku::parse(wrong).is_none(), "{wrong}");
        }
        assert!(Slug::parse("linen-shirt").is_some());
        for wrong in ["", "a", "Linen", "linen shirt", "linen/shirt", &"a".repeat(81)] {
            assert!(Slug::parse(wrong).is_none(), "{wrong}");
        }
    }
}
