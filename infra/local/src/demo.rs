//! The demo goods: two shops in one catalog, with stock, shipping and taxes.
//!
//! Ids follow from slugs and SKUs, so that restarts, tests and bookmarks agree. The goods are
//! written only into an empty catalog: what a merchant changed stays.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::account::Account;
use domain::address::{Email, PersonName};
use domain::catalog::{
    self, Category, Download, Image, Kind, Offer, Prices, Product, ProductOption, Sku, Slug,
    Variant,
};
use domain::currency::Currency;
use domain::id::{CategoryId, CustomerId, ProductId, RoleId, StaffId, Ulid, VariantId};
use domain::invoice::LegalEntity;
use domain::shipping::{ProfileId, ShippingTable};
use domain::staff::{Member, Role, Status};
use domain::stock::StockLevel;
use domain::tax::{TaxCategory, TaxRegion, TaxTable};
use jiff::Timestamp;
use secrets::FactorKeys;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Settings, Store, Table};
use templates::Stack;
use wire::Wire;

use crate::chance::hex;
use crate::error::Error;

/// Where the demo lies, below the root.
const FOLDER: &str = "infra/local/demo";
/// Where its pictures are served.
pub(crate) const MEDIA: &str = "/_local/media";
/// The folder of the digital goods.
const DOWNLOADS: &str = "downloads";
/// Who signs in to the demo shop, and with which password.
pub const CUSTOMER: (&str, &str) = ("shopper@demo.fluxion.example", "Demo-shopper-2026");
/// Who owns the demo shop, and with which password they sign in.
pub const OWNER: (&str, &str) = ("owner@demo.fluxion.example", "Demo-owner-2026");
/// What the owner's second factor is made from, besides the shop's own key.
const OWNER_NONCE: &str = "demo";
/// What a digital variant has for sale: as many as a line takes.
const ENOUGH: u32 = domain::cart::QUANTITY_MAX;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalog {
    categories: Vec<DemoCategory>,
    products: Vec<DemoProduct>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoCategory {
    slug: Slug,
    title: String,
    description: String,
    parent: Option<Slug>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoProduct {
    slug: Slug,
    title: String,
    description: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "shop")]
    _shop: String,
    categories: Vec<Slug>,
    tax_category: TaxCategory,
    options: Vec<ProductOption>,
    variants: Vec<DemoVariant>,
    images: Vec<DemoImage>,
    download: Option<DemoDownload>,
    created_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoVariant {
    sku: Sku,
    title: String,
    options: BTreeMap<String, String>,
    prices: Prices,
    weight_grams: u32,
    stock: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoImage {
    file: String,
    alt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoDownload {
    file: String,
    #[serde(rename = "bytes")]
    _bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoTax {
    fallback: Elsewhere,
    regions: Vec<TaxRegion>,
}

/// Elsewhere the rules of this country hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    country: domain::address::Country,
}

/// The id that a demo thing of this name always has.
fn ulid(kind: &str, name: &str) -> Ulid {
    let digest: [u8; 32] = Sha256::digest(format!("{kind}:{name}")).into();
    let bits = digest.iter().take(16).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    Ulid::from(bits)
}

/// The id of the demo product with this slug.
pub fn product_id(slug: &str) -> ProductId {
    ProductId::from_ulid(ulid("product", slug))
}

/// The id of the demo variant with this SKU.
pub fn variant_id(sku: &str) -> VariantId {
    VariantId::from_ulid(ulid("variant", sku))
}

/// Where the goods go: the tables and the bucket of an AWS, ours or another.
#[derive(Debug)]
pub struct Place {
    /// How it is reached.
    pub aws: SdkConfig,
    /// What its tables are called.
    pub tables: BTreeMap<Table, String>,
    /// What its bucket is called.
    pub bucket: String,
}

impl Place {
    /// The emulated AWS of a local shop, for the host itself.
    pub(crate) fn of(wire: &Wire, stack: &Stack) -> Self {
        let pair = |table: Table| Some((table, table_name(stack, table)?));
        let bucket = stack.buckets.first().map(|bucket| bucket.name.clone()).unwrap_or_default();
        let tables = Table::ALL.into_iter().filter_map(pair).collect();
        Self { aws: wire.sdk_config(wire::LOCAL), tables, bucket }
    }

    /// A store over all its tables.
    pub(crate) fn store(&self) -> Store {
        Store::new(Client::new(&self.aws), self.tables.clone())
    }
}

/// A table is named like its variable: TABLE_ORDERS is `…-orders`.
fn table_name(stack: &Stack, table: Table) -> Option<String> {
    let suffix = table.variable().trim_start_matches("TABLE_").to_lowercase();
    let fits = |name: &str| name.rsplit('-').next() == Some(suffix.as_str());
    stack.tables.iter().find(|table| fits(&table.name)).map(|table| table.name.clone())
}

/// A file of the demo's pictures, if it is one.
pub(crate) fn picture(root: &Path, name: &str) -> Option<PathBuf> {
    let stem = name.strip_suffix(".svg")?;
    let is_plain = stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_plain.then(|| root.join(FOLDER).join("images").join(name))
}

/// Where a digital good of the demo lies in the bucket.
fn file_key(name: &str) -> String {
    format!("{}{name}", files::FILES)
}

/// Puts the digital goods into the bucket.
async fn put_files(place: &Place, folder: &Path) -> Result<(), Error> {
    let bucket = files::Bucket::new(&place.aws, place.bucket.clone());
    let shown = folder.display().to_string();
    let io = |error| Error::Io(format!("cannot read {shown}"), error);
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let bytes = std::fs::read(&path).map_err(io)?.into();
        let object =
            files::NewObject { bytes, content_type: "application/zip", cache_control: None };
        bucket.put(&file_key(name), object).await?;
    }
    Ok(())
}

/// Fills an empty catalog; says whether it did.
pub async fn load(
    place: &Place,
    root: &Path,
    factors: &FactorKeys,
    now: Timestamp,
) -> Result<bool, Error> {
    let store = place.store();
    owner(&store, factors, now).await?;
    if !store.categories().await?.is_empty() {
        return Ok(false);
    }
    customer(place, now).await?;
    let folder = root.join(FOLDER);
    let catalog: Catalog = read(&folder.join("catalog.json"))?;
    let shipping: ShippingTable = read(&folder.join("shipping.json"))?;
    let tax = tax(read(&folder.join("tax.json"))?)?;
    let mut products = Vec::with_capacity(catalog.products.len());
    let mut levels = Vec::new();
    for demo in catalog.products {
        products.push(product(demo, &mut levels));
    }
    let mut categories: Vec<Category> =
        catalog.categories.into_iter().zip(0..).map(|(one, at)| category(one, at)).collect();
    for category in &mut categories {
        let listed = products.iter().filter(|(one, _)| one.categories.contains(&category.slug));
        category.products = u32::try_from(listed.count()).unwrap_or(u32::MAX);
    }
    store.import_settings(&Settings::new(shipping, tax, shop())).await?;
    store.import_stock(&levels).await?;
    store.import_products(&products, Currency::EUR).await?;
    put_files(place, &folder.join(DOWNLOADS)).await?;
    // Last, because it says that the rest is there.
    store.import_categories(&categories).await?;
    Ok(true)
}

/// Writes the demo customer as `identity` writes one whose address was confirmed, but without the
/// letter: the mailbox begins empty.
async fn customer(place: &Place, now: Timestamp) -> Result<(), Error> {
    let flawed = |_| Error::Setup("the demo customer is not well-formed".to_owned());
    let (email, password) = CUSTOMER;
    let id = CustomerId::from_ulid(ulid("customer", email));
    let email = Email::parse(email).map_err(flawed)?;
    let digest = hex(&Sha256::digest(email.key().as_bytes()));
    // The salt may be known, as the password is.
    let salt = ulid("salt", password).0.to_le_bytes();
    let account = Account {
        id,
        email,
        name: PersonName::parse("Demo Shopper").map_err(flawed)?,
        password: identity::password::hash(password.to_owned(), salt).await?,
        is_verified: true,
        created_at: now,
        version: 1,
    };
    let account = serde_json::to_value(&account);
    let account = account.map_err(|error| Error::setup("the demo customer", error))?;
    put_json(place, &format!("CUST#{id}"), account).await?;
    put_json(place, &format!("MAIL#{digest}"), serde_json::json!({"customer": id})).await
}

fn owner_id() -> StaffId {
    StaffId::from_ulid(ulid("staff", OWNER.0))
}

/// Writes the demo's owner, who has accepted their invitation and enrolled an app.
async fn owner(store: &Store, factors: &FactorKeys, now: Timestamp) -> Result<(), Error> {
    let Some(key) = factors.keys.first() else { return Ok(()) };
    let (email, password) = OWNER;
    if store.member(owner_id()).await?.is_some() {
        return Ok(());
    }
    let flawed = |_| Error::Setup("the demo's owner is not well-formed".to_owned());
    let salt = ulid("salt", password).0.to_le_bytes();
    let role = Role::owner(RoleId::from_ulid(ulid("role", "owner")));
    let member = Member {
        id: owner_id(),
        email: Email::parse(email).map_err(flawed)?,
        name: PersonName::parse("Demo Owner").map_err(flawed)?,
        password: Some(identity::password::hash(password.to_owned(), salt).await?),
        status: Status::Active,
        role: role.id,
        second_factor: Some(identity::factor::enrolled(key, OWNER_NONCE, &[], now)),
        created_at: now,
        version: 0,
    };
    // A shop that has another owner keeps them.
    store.import_owner(&role, &member).await.map(drop)?;
    Ok(())
}

/// What the authenticator app of the demo's owner is told, in base32.
pub fn owner_secret(factors: &FactorKeys) -> Option<String> {
    let key = factors.keys.first()?;
    Some(domain::totp::base32(&identity::factor::secret(key, owner_id(), OWNER_NONCE)))
}

/// Puts an item of texts, whole numbers and flags.
async fn put_json(place: &Place, pk: &str, value: Value) -> Result<(), Error> {
    let name = place.tables.get(&Table::Identity).cloned().unwrap_or_default();
    let put = Client::new(&place.aws).put_item().table_name(name);
    let mut put = put
        .item("pk", AttributeValue::S(pk.to_owned()))
        .item("sk", AttributeValue::S("META".to_owned()));
    for (name, value) in value.as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) => AttributeValue::S(text.clone()),
            Value::Bool(yes) => AttributeValue::Bool(*yes),
            other => AttributeValue::N(other.to_string()),
        };
        put = put.item(name, value);
    }
    put.send().await.map_err(|error| Error::setup("the demo customer", error))?;
    Ok(())
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::Io(format!("cannot read {shown}"), error))?;
    let mut value: Value =
        serde_json::from_str(&text).map_err(|error| Error::setup(&shown, error))?;
    leave_out_nulls(&mut value);
    serde_json::from_value(value).map_err(|error| Error::setup(&shown, error))
}

/// The demo's files write `null` for what is not there.
fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(leave_out_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the demo shop has decided: it is German, and sells in every currency that it has prices in.
fn shop() -> domain::shop::Shop {
    domain::shop::Shop {
        name: "Fluxion Demo".to_owned(),
        country: Some(domain::address::Country::DE),
        default_currency: Some(Currency::EUR),
        return_policy: domain::shop::ReturnPolicy {
            days: 30,
            text: "Send it back within 30 days, unworn; downloads stay with you.".to_owned(),
        },
        // Nothing is issued before the shop has said who sells.
        legal_entity: Some(LegalEntity {
            code: "demo".to_owned(),
            name: "Fluxion Demo GmbH".to_owned(),
            address: vec!["Beispielallee 1".to_owned(), "10115 Berlin".to_owned()],
            country: domain::address::Country::DE,
            vat_id: None,
            tax_number: None,
            registration: None,
            contact: Some("hello@demo.fluxion.example".to_owned()),
            invoice_prefix: "RE-".to_owned(),
            credit_note_prefix: "GS-".to_owned(),
        }),
        ..domain::shop::Shop::default()
    }
}

fn tax(demo: DemoTax) -> Result<TaxTable, Error> {
    let home = demo.fallback.country;
    let found = demo.regions.iter().find(|one| one.country == home && one.region.is_none());
    let fallback = found
        .cloned()
        .ok_or_else(|| Error::Setup(format!("tax.json: the fallback {home} is no region")))?;
    TaxTable::new(demo.regions, fallback).map_err(|error| Error::setup("tax.json", error))
}

fn category(demo: DemoCategory, position: u32) -> Category {
    let id = CategoryId::from_ulid(ulid("category", demo.slug.as_str()));
    let DemoCategory { slug, title, description, parent } = demo;
    Category {
        id,
        slug,
        title,
        description,
        parent,
        position,
        translations: BTreeMap::new(),
        products: 0,
        version: 1,
    }
}

fn product(demo: DemoProduct, levels: &mut Vec<(Sku, StockLevel)>) -> (Product, Vec<Offer>) {
    let id = product_id(demo.slug.as_str());
    let download =
        demo.download.map(|file| Download { key: file_key(&file.file), file_name: file.file });
    let mut variants = Vec::new();
    for one in demo.variants {
        if let Some(units) = one.stock {
            levels.push((one.sku.clone(), StockLevel::received(i64::from(units))));
        }
        variants.push(Variant {
            id: variant_id(one.sku.as_str()),
            sku: one.sku,
            title: one.title,
            options: one.options,
            prices: one.prices,
            sales: Vec::new(),
            available: one.stock.map_or(ENOUGH, |units| units.min(ENOUGH)),
            weight_grams: one.weight_grams,
            volume_mm3: 0,
            shipping_profile: ProfileId::default(),
            quantity_max: domain::cart::QUANTITY_MAX,
            download: download.clone(),
            has_keys: false,
        });
    }
    let images = demo
        .images
        .into_iter()
        .map(|image| Image::plain(format!("{MEDIA}/{}", image.file), image.alt));
    let product = Product {
        id,
        slug: demo.slug,
        title: demo.title,
        description: demo.description,
        kind: demo.kind,
        status: catalog::Status::Active,
        publish_at: None,
        published_at: Some(demo.created_at),
        tax_category: demo.tax_category,
        categories: demo.categories,
        collections: Vec::new(),
        attributes: BTreeMap::new(),
        translations: BTreeMap::new(),
        options: demo.options,
        variants,
        images: images.collect(),
        created_at: demo.created_at,
        version: 1,
    };
    let offers = product.variants.iter().map(|variant| product.offer(variant)).collect();
    (product, offers)
}
