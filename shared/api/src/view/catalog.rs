//! Products and what they are ordered by, as staff sees them.

use std::collections::BTreeMap;

use domain::catalog::attribute::{Definition, Kind as AttributeKind};
use domain::catalog::collection::{Collection, Condition, Members};
use domain::catalog::content::Translations;
use domain::catalog::price::Entry;
use domain::catalog::{
    Category, Image, Kind, Locale, Prices, Product, ProductOption, Sale, Sku, Slug, Source, Status,
    Value, Variant,
};
use domain::id::{CategoryId, MediaId, ProductId, VariantId};
use domain::money::Money;
use domain::shipping::ProfileId;
use domain::tax::TaxCategory;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A reduced price, for a while.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SaleView {
    /// What one costs meanwhile.
    pub price: Money,
    /// From this moment on.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub from: Timestamp,
    /// Until before this moment; null until it is taken away.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// The lowest price of the thirty days before it begins; shown with the reduced price.
    pub lowest_30d: Option<Money>,
}

impl From<&Sale> for SaleView {
    fn from(sale: &Sale) -> Self {
        let money = |amount| Money::new(amount, sale.currency);
        Self {
            price: money(sale.amount),
            from: sale.from,
            until: sale.until,
            lowest_30d: sale.lowest_30d.map(money),
        }
    }
}

fn prices(prices: &Prices) -> Vec<Money> {
    prices.iter().map(|(currency, amount)| Money::new(*amount, *currency)).collect()
}

/// What is downloaded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileView {
    /// The object's key in the bucket of files.
    pub key: String,
    /// The name that the customer sees.
    pub file_name: String,
}

/// A variant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminVariantView {
    /// Its id.
    pub id: VariantId,
    /// Its SKU.
    pub sku: Sku,
    /// What tells it from its siblings.
    pub title: String,
    /// The chosen value of each option.
    pub options: BTreeMap<String, String>,
    /// What one costs when nothing is reduced, a price for each currency it is sold in.
    pub prices: Vec<Money>,
    /// Reduced prices, each for a while.
    pub sales: Vec<SaleView>,
    /// Units one cart line may take now, as shoppers see it.
    pub available: u32,
    /// Weight of one in grams.
    pub weight_grams: u32,
    /// Room that one takes, in cubic millimetres; 0 where nobody measured.
    pub volume_mm3: u64,
    /// How it is sent, by the shop's own name for it.
    pub shipping_profile: ProfileId,
    /// Units one cart line may hold.
    pub quantity_max: u32,
    /// What is downloaded, for digital goods.
    pub download: Option<FileView>,
    /// Whether each unit that is sold is a key of the SKU's pool.
    pub has_keys: bool,
}

impl From<Variant> for AdminVariantView {
    fn from(variant: Variant) -> Self {
        Self {
            id: variant.id,
            prices: prices(&variant.prices),
            sales: variant.sales.iter().map(SaleView::from).collect(),
            sku: variant.sku,
            title: variant.title,
            options: variant.options,
            available: variant.available,
            weight_grams: variant.weight_grams,
            volume_mm3: variant.volume_mm3,
            shipping_profile: variant.shipping_profile,
            quantity_max: variant.quantity_max,
            download: variant
                .download
                .map(|file| FileView { key: file.key, file_name: file.file_name }),
            has_keys: variant.has_keys,
        }
    }
}

/// What a product has of an attribute: one of text, number and boolean.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AttributeView {
    /// Which attribute.
    pub code: Slug,
    /// A few words, or one of the choices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Yes or no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boolean: Option<bool>,
}

impl AttributeView {
    fn of(code: Slug, value: Value) -> Self {
        let bare = Self { code, text: None, number: None, boolean: None };
        match value {
            Value::Text(text) | Value::Choice(text) => Self { text: Some(text), ..bare },
            Value::Number(number) => Self { number: Some(number), ..bare },
            Value::Boolean(boolean) => Self { boolean: Some(boolean), ..bare },
        }
    }
}

/// Texts in one language.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TranslationView {
    /// Which language.
    pub locale: Locale,
    /// The name; null where the language's parent or the shop's own text says it.
    pub title: Option<String>,
    /// The text; null as above.
    pub description: Option<String>,
}

fn translations(translations: Translations) -> Vec<TranslationView> {
    let view = |(locale, content): (Locale, domain::catalog::Content)| TranslationView {
        locale,
        title: content.title,
        description: content.description,
    };
    translations.into_iter().map(view).collect()
}

/// What a picture shows, in another language.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AltView {
    /// Which language.
    pub locale: Locale,
    /// What it shows, for those who do not see it.
    pub alt: String,
}

/// A picture of a product, with all that staff says of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminImageView {
    /// The upload that it was made of; null where it is none.
    pub media_id: Option<MediaId>,
    /// Where its largest file that every browser reads is served.
    pub url: String,
    /// What it shows, for those who do not see it, in the shop's own language.
    pub alt: String,
    /// The same in other languages.
    pub translations: Vec<AltView>,
    /// The variants that it shows; empty where it shows all of them.
    pub variant_ids: Vec<VariantId>,
    /// Width in pixels, where it is known.
    pub width: Option<u32>,
    /// Height in pixels, where it is known.
    pub height: Option<u32>,
    /// The same picture in other sizes and formats, smallest first.
    pub sources: Vec<Source>,
}

impl From<Image> for AdminImageView {
    fn from(image: Image) -> Self {
        Self {
            media_id: image.media_id,
            url: image.url,
            alt: image.alt,
            translations: image
                .alts
                .into_iter()
                .map(|(locale, alt)| AltView { locale, alt })
                .collect(),
            variant_ids: image.variants,
            width: image.width,
            height: image.height,
            sources: image.sources,
        }
    }
}

/// A product.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminProductView {
    /// Its id.
    pub id: ProductId,
    /// Its readable name.
    pub slug: Slug,
    /// Its name in the shop's own language.
    pub title: String,
    /// Its text in the shop's own language.
    pub description: String,
    /// Physical or digital.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Where it stands.
    pub status: Status,
    /// When a draft goes into the store by itself.
    #[schemars(with = "Option<String>")]
    pub publish_at: Option<Timestamp>,
    /// When it was in the store for the first time.
    #[schemars(with = "Option<String>")]
    pub published_at: Option<Timestamp>,
    /// How it is taxed.
    pub tax_category: TaxCategory,
    /// The slugs of the categories it is listed in.
    pub categories: Vec<Slug>,
    /// The slugs of the collections it is in.
    pub collections: Vec<Slug>,
    /// What is known of it.
    pub attributes: Vec<AttributeView>,
    /// Its texts in other languages.
    pub translations: Vec<TranslationView>,
    /// What can be chosen.
    pub options: Vec<ProductOption>,
    /// What is sold.
    pub variants: Vec<AdminVariantView>,
    /// Its pictures, the most important first.
    pub images: Vec<AdminImageView>,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// Rises with every change; the ETag says the same.
    pub version: u64,
}

impl View for AdminProductView {}
impl View for List<AdminProductView> {}

impl From<Product> for AdminProductView {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            slug: product.slug,
            title: product.title,
            description: product.description,
            kind: product.kind,
            status: product.status,
            publish_at: product.publish_at,
            published_at: product.published_at,
            tax_category: product.tax_category,
            categories: product.categories,
            collections: product.collections,
            attributes: product
                .attributes
                .into_iter()
                .map(|(code, value)| AttributeView::of(code, value))
                .collect(),
            translations: translations(product.translations),
            options: product.options,
            variants: product.variants.into_iter().map(AdminVariantView::from).collect(),
            images: product.images.into_iter().map(AdminImageView::from).collect(),
            created_at: product.created_at,
            version: product.version,
        }
    }
}

/// What was asked for of a variant from a moment on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PriceEntryView {
    /// Since when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Of which variant.
    pub variant_id: VariantId,
    /// What one cost when nothing was reduced.
    pub prices: Vec<Money>,
    /// Reduced prices that ran or were to run.
    pub sales: Vec<SaleView>,
}

impl View for List<PriceEntryView> {}

impl From<Entry> for PriceEntryView {
    fn from(entry: Entry) -> Self {
        Self {
            at: entry.at,
            variant_id: entry.variant,
            prices: prices(&entry.prices),
            sales: entry.sales.iter().map(SaleView::from).collect(),
        }
    }
}

/// A product that a language does not say all of.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MissingView {
    /// Which product.
    pub id: ProductId,
    /// Its readable name.
    pub slug: Slug,
    /// Its name in the shop's own language.
    pub title: String,
    /// Where it stands.
    pub status: Status,
}

impl View for List<MissingView> {}

impl From<Product> for MissingView {
    fn from(product: Product) -> Self {
        let Product { id, slug, title, status, .. } = product;
        Self { id, slug, title, status }
    }
}

/// A category.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AdminCategoryView {
    /// Its id.
    pub id: CategoryId,
    /// Its readable name; it stays.
    pub slug: Slug,
    /// Its name in the shop's own language.
    pub title: String,
    /// Its text in the shop's own language.
    pub description: String,
    /// The category it belongs to.
    pub parent: Option<Slug>,
    /// Where it stands among its siblings.
    pub position: u32,
    /// How many products are listed in it, in the store or not.
    pub products: u32,
    /// Its texts in other languages.
    pub translations: Vec<TranslationView>,
    /// Rises with every change; the ETag says the same.
    pub version: u64,
}

impl View for AdminCategoryView {}
impl View for List<AdminCategoryView> {}

impl From<Category> for AdminCategoryView {
    fn from(category: Category) -> Self {
        Self {
            id: category.id,
            slug: category.slug,
            title: category.title,
            description: category.description,
            parent: category.parent,
            position: category.position,
            products: category.products,
            translations: translations(category.translations),
            version: category.version,
        }
    }
}

/// An attribute of the shop's goods.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DefinitionView {
    /// Its name in products and rules; it stays.
    pub code: Slug,
    /// Its name for people.
    pub title: String,
    /// `text`, `number`, `boolean` or `choice`; it stays.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The choices, in order; empty for other types.
    pub choices: Vec<String>,
    /// Rises with every change; the ETag says the same.
    pub version: u64,
}

impl View for DefinitionView {}
impl View for List<DefinitionView> {}

impl From<Definition> for DefinitionView {
    fn from(definition: Definition) -> Self {
        let kind = definition.kind.code();
        let choices = match definition.kind {
            AttributeKind::Choice { choices } => choices,
            AttributeKind::Text | AttributeKind::Number | AttributeKind::Boolean => Vec::new(),
        };
        let Definition { code, title, version, .. } = definition;
        Self { code, title, kind, choices, version }
    }
}

/// Something that a rule asks of products: one of its members is there.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ConditionView {
    /// Listed in this category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Slug>,
    /// Physical or digital.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// With this value of an attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<AttributeView>,
    /// With a price of at least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_min: Option<Money>,
    /// With a price of at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_max: Option<Money>,
    /// Made after this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub created_after: Option<Timestamp>,
}

impl From<Condition> for ConditionView {
    fn from(condition: Condition) -> Self {
        let bare = Self::default();
        match condition {
            Condition::Category { slug } => Self { category: Some(slug), ..bare },
            Condition::Kind { kind } => Self { kind: Some(kind), ..bare },
            Condition::Attribute { code, value } => {
                Self { attribute: Some(AttributeView::of(code, value)), ..bare }
            }
            Condition::Price { currency, min, max } => {
                let money = |amount| Money::new(amount, currency);
                Self { price_min: min.map(money), price_max: max.map(money), ..bare }
            }
            Condition::CreatedAfter { at } => Self { created_after: Some(at), ..bare },
        }
    }
}

/// A collection.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CollectionView {
    /// Its readable name; it stays.
    pub slug: Slug,
    /// Its name in the shop's own language.
    pub title: String,
    /// Its text in the shop's own language.
    pub description: String,
    /// What is in it, in this order, where it is made by hand.
    pub products: Option<Vec<ProductId>>,
    /// What is in it fits all of these, where it is made by a rule.
    pub conditions: Option<Vec<ConditionView>>,
    /// Whether products are still being sorted into it, or out of it.
    pub is_pending: bool,
    /// Rises with every change; the ETag says the same.
    pub version: u64,
}

impl View for CollectionView {}
impl View for List<CollectionView> {}

impl From<Collection> for CollectionView {
    fn from(collection: Collection) -> Self {
        let (products, conditions) = match collection.members {
            Members::Hand { products } => (Some(products), None),
            Members::Rule { conditions } => {
                (None, Some(conditions.into_iter().map(ConditionView::from).collect()))
            }
        };
        Self {
            slug: collection.slug,
            title: collection.title,
            description: collection.description,
            products,
            conditions,
            is_pending: collection.pending.is_some(),
            version: collection.version,
        }
    }
}
