//! What the shop sells: products, their variants, categories.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::id::{CategoryId, ProductId, VariantId};
use crate::media::Format;
use crate::money::Money;
use crate::shipping::ProfileId;
use crate::tax::TaxCategory;

/// Variants of one product; more would not fit one item of the store (400 KB) with its texts.
pub const VARIANTS_MAX: usize = 100;

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
    /// Delivered by a download link once paid.
    Digital,
}

/// A price per currency, in minor units.
pub type Prices = BTreeMap<Currency, i64>;

/// The price in this currency, where there is one.
pub fn price_in(prices: &Prices, currency: Currency) -> Option<Money> {
    prices.get(&currency).map(|amount| Money::new(*amount, currency))
}

/// The file behind a digital variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// The object's key in the bucket of files.
    pub key: String,
    /// The name that the customer sees.
    pub file_name: String,
}

/// A picture of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Image {
    /// Where it is served.
    pub url: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
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
        Self { url, alt, width: None, height: None, sources: Vec::new() }
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
    /// What one costs.
    pub prices: Prices,
    /// Units one cart line may take now, from 0 to the line limit: copied from the stock level
    /// after each change, for display only. Selling is decided by the stock's own condition.
    pub available: u32,
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
    /// The slugs of the categories it is listed in.
    pub categories: Vec<Slug>,
    /// What can be chosen.
    pub options: Vec<ProductOption>,
    /// What is sold.
    pub variants: Vec<Variant>,
    /// Its pictures.
    pub images: Vec<Image>,
    /// When it was made; newest first is the default order of lists.
    pub created_at: Timestamp,
}

impl Product {
    /// The lowest price of its variants in this currency.
    pub fn price_from(&self, currency: Currency) -> Option<Money> {
        self.variants
            .iter()
            .filter_map(|variant| price_in(&variant.prices, currency))
            .min_by_key(|price| price.amount())
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
    /// What one costs.
    pub prices: Prices,
    /// How it is taxed.
    pub tax_category: TaxCategory,
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
