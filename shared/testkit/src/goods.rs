//! A shop of four goods, small enough to be built thousands of times: a mug, a poster of which
//! there is one, a template to download, and socks in two sizes.

use std::collections::BTreeMap;

use domain::address::Country;
use domain::catalog::{
    Download, Image, Kind, Offer, Product, ProductOption, Sku, Slug, Status, Variant,
};
use domain::currency::Currency;
use domain::id::{ProductId, Ulid, VariantId};
use domain::shipping::{
    By, Method, ProfileId, ShippingOptionId, ShippingTable, Tier, Zone, ZoneCountry,
};
use domain::shop::Shop;
use domain::stock::StockLevel;
use domain::tax::{PriceMode, TaxCategory, TaxRate, TaxRegion, TaxTable};
use jiff::Timestamp;

/// Everything a shop is filled with.
#[derive(Debug, Clone)]
pub struct Goods {
    /// Products with their offers.
    pub products: Vec<(Product, Vec<Offer>)>,
    /// Stock levels.
    pub stock: Vec<(Sku, StockLevel)>,
    /// Where the shop sends to.
    pub shipping: ShippingTable,
    /// What is taxed where.
    pub tax: TaxTable,
    /// What the shop has decided.
    pub shop: Shop,
}

/// A variant of the small shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Good {
    /// Its SKU.
    pub sku: &'static str,
    number: u128,
}

/// € 12.50, 400 g.
pub const MUG: Good = Good { sku: "MUG-BLUE", number: 1 };
/// € 39.00; there is one.
pub const POSTER: Good = Good { sku: "POSTER-ONE", number: 2 };
/// € 19.00, to download.
pub const TEMPLATE: Good = Good { sku: "TEMPLATE-LANDING", number: 3 };
/// € 8.00.
pub const SOCKS: Good = Good { sku: "SOCKS-M", number: 4 };
/// € 8.00.
pub const SOCKS_L: Good = Good { sku: "SOCKS-L", number: 5 };

impl Good {
    /// Its variant id.
    pub fn variant(self) -> String {
        VariantId::from_ulid(ulid(self.number)).to_string()
    }

    /// Its SKU, typed.
    pub fn typed_sku(self) -> Sku {
        Sku::parse(self.sku).expect("the SKUs above are SKUs")
    }
}

fn ulid(number: u128) -> Ulid {
    Ulid::from_parts(1_780_000_000_000, number)
}

struct Draft {
    slug: &'static str,
    title: &'static str,
    kind: Kind,
    variants: &'static [(Good, &'static str, i64, i64)],
    weight_grams: u32,
    stock: i64,
}

/// The small shop, with `mugs` mugs.
pub fn small(mugs: i64) -> Goods {
    let drafts = [
        Draft {
            slug: "blue-mug",
            title: "Blue mug",
            kind: Kind::Physical,
            variants: &[(MUG, "Blue", 1250, 2000)],
            weight_grams: 400,
            stock: mugs,
        },
        Draft {
            slug: "the-poster",
            title: "The poster",
            kind: Kind::Physical,
            variants: &[(POSTER, "A2", 3900, 6300)],
            weight_grams: 300,
            stock: 1,
        },
        Draft {
            slug: "landing-template",
            title: "Landing page template",
            kind: Kind::Digital,
            variants: &[(TEMPLATE, "Single licence", 1900, 3100)],
            weight_grams: 0,
            stock: 0,
        },
        Draft {
            slug: "socks",
            title: "Wool socks",
            kind: Kind::Physical,
            variants: &[(SOCKS, "M", 800, 1300), (SOCKS_L, "L", 800, 1300)],
            weight_grams: 90,
            stock: 50,
        },
    ];
    let mut goods = Goods {
        products: Vec::new(),
        stock: Vec::new(),
        shipping: shipping(),
        tax: tax(),
        shop: Shop { country: Country::parse("DE"), ..Shop::default() },
    };
    for (index, draft) in drafts.iter().enumerate() {
        let number = 100 + index as u128;
        goods.products.push(product(draft, number));
        if draft.kind == Kind::Physical {
            for (good, ..) in draft.variants {
                goods.stock.push((good.typed_sku(), StockLevel::received(draft.stock)));
            }
        }
    }
    goods
}

fn product(draft: &Draft, number: u128) -> (Product, Vec<Offer>) {
    let id = ProductId::from_ulid(ulid(number));
    let is_digital = draft.kind == Kind::Digital;
    let available =
        if is_digital { 100 } else { u32::try_from(draft.stock.clamp(0, 100)).unwrap() };
    let download = is_digital.then(|| Download {
        key: "landing-template.zip".to_owned(),
        file_name: "landing-template.zip".to_owned(),
    });
    let prices = |eur, jpy| BTreeMap::from([(Currency::EUR, eur), (Currency::JPY, jpy)]);
    let variants: Vec<Variant> = draft
        .variants
        .iter()
        .map(|(good, title, eur, jpy)| Variant {
            id: VariantId::from_ulid(ulid(good.number)),
            sku: good.typed_sku(),
            title: (*title).to_owned(),
            options: BTreeMap::from([("Kind".to_owned(), (*title).to_owned())]),
            prices: prices(*eur, *jpy),
            sales: Vec::new(),
            available,
            weight_grams: draft.weight_grams,
            volume_mm3: 0,
            shipping_profile: ProfileId::default(),
            quantity_max: 100,
            download: download.clone(),
            has_keys: false,
        })
        .collect();
    let values = variants.iter().map(|variant| variant.title.clone()).collect();
    let seconds = 1_780_000_000 + i64::try_from(number).unwrap();
    let created_at = Timestamp::from_second(seconds).unwrap();
    let product = Product {
        id,
        slug: Slug::parse(draft.slug).unwrap(),
        title: draft.title.to_owned(),
        description: format!("{}: what it says.", draft.title),
        kind: draft.kind,
        status: Status::Active,
        publish_at: None,
        published_at: Some(created_at),
        tax_category: TaxCategory::STANDARD,
        categories: vec![Slug::parse("goods").unwrap()],
        collections: Vec::new(),
        attributes: BTreeMap::new(),
        translations: BTreeMap::new(),
        options: vec![ProductOption { name: "Kind".to_owned(), values }],
        variants,
        images: vec![Image::plain(format!("/media/{}.svg", draft.slug), draft.title.into())],
        created_at,
        version: 1,
    };
    let offers = product.variants.iter().map(|variant| product.offer(variant)).collect();
    (product, offers)
}

fn shipping() -> ShippingTable {
    let zone = |id: &str, countries: &[&str]| Zone {
        id: id.to_owned(),
        name: id.to_owned(),
        countries: countries
            .iter()
            .map(|code| ZoneCountry::whole(Country::parse(code).unwrap()))
            .collect(),
    };
    let tier = |price| vec![Tier { price, ..Tier::default() }];
    let method = |id: &str, zone: &str, eur: i64, jpy: i64| Method {
        id: ShippingOptionId::parse(id).unwrap(),
        name: id.to_owned(),
        zone: zone.to_owned(),
        by: By::Parcel,
        profile_tiers: BTreeMap::new(),
        cut_off: None,
        tiers: BTreeMap::from([(Currency::EUR, tier(eur)), (Currency::JPY, tier(jpy))]),
        free_over: BTreeMap::from([(Currency::EUR, 10_000)]),
        lead_days: (2, 3),
    };
    ShippingTable::new(
        vec![zone("home", &["DE"]), zone("abroad", &["FR", "US", "JP"])],
        vec![
            method("home-standard", "home", 490, 800),
            method("home-express", "home", 990, 1600),
            method("abroad-standard", "abroad", 1490, 2400),
        ],
    )
    .unwrap()
}

fn tax() -> TaxTable {
    let region = |code: &str, mode, name: &str, ppm| TaxRegion {
        country: Country::parse(code).unwrap(),
        region: None,
        postal_prefix: None,
        postal_range: None,
        mode,
        rates: BTreeMap::from([(TaxCategory::STANDARD, TaxRate::new(name, ppm))]),
    };
    let germany = || region("DE", PriceMode::Inclusive, "VAT 19 %", 190_000);
    TaxTable::new(
        vec![
            germany(),
            region("FR", PriceMode::Inclusive, "VAT 20 %", 200_000),
            region("JP", PriceMode::Inclusive, "Consumption tax 10 %", 100_000),
            region("US", PriceMode::Exclusive, "Sales tax 7.25 %", 72_500),
        ],
        germany(),
    )
    .unwrap()
}
