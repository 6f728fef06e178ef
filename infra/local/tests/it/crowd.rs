//! Many goods, where four are too few: for limits, for lists, for large catalogs.

use domain::catalog::{Offer, Product, Sku, Slug};
use domain::currency::Currency;
use domain::id::{ProductId, Ulid, VariantId};
use domain::stock::StockLevel;
use jiff::Timestamp;
use testkit::goods::{self, Goods, SOCKS};

/// What lies between the ids of this crowd and those of the small shop.
const FIRST: u128 = 1_000_000;
/// What there is of each.
pub const UNITS: i64 = 1_000;

/// The id of the n-th product's only variant.
pub fn variant(n: usize) -> String {
    VariantId::from_ulid(ulid(n)).to_string()
}

/// The id of the n-th product.
pub fn product(n: usize) -> String {
    ProductId::from_ulid(ulid(n)).to_string()
}

/// The readable name of the n-th product.
pub fn slug(n: usize) -> String {
    format!("thing-{n:07}")
}

/// The small shop, and as many products more, each of one variant. Some share a price, some a
/// title, some the second in which they were made: lists must tell them apart all the same.
pub fn goods(count: usize) -> Goods {
    let mut goods = goods::small(crate::world::MUGS);
    let socks = goods.products.iter().find(|(_, offers)| offers[0].sku == SOCKS.typed_sku());
    let (model, offers) = socks.expect("the socks").clone();
    for n in 0..count {
        let (product, offer) = thing(&model, &offers[0], n);
        goods.stock.push((offer.sku.clone(), StockLevel::received(UNITS)));
        goods.products.push((product, vec![offer]));
    }
    goods
}

fn thing(model: &Product, offer: &Offer, n: usize) -> (Product, Offer) {
    let number = i64::try_from(n).expect("a small number");
    let sku = Sku::parse(&format!("THING-{n:07}")).expect("a SKU");
    let (id, variant) = (ProductId::from_ulid(ulid(n)), VariantId::from_ulid(ulid(n)));
    let mut product = Product {
        id,
        slug: Slug::parse(&slug(n)).expect("a slug"),
        title: format!("Thing {:07}", n / 2),
        created_at: Timestamp::from_second(1_780_100_000 + number / 3).expect("a time"),
        ..model.clone()
    };
    product.variants.truncate(1);
    // Of as many digits each: what is stored of them is equally large.
    let price = 1_510 + number % 7 * 100;
    for shown in &mut product.variants {
        (shown.id, shown.sku) = (variant, sku.clone());
        shown.prices.insert(Currency::EUR, price);
    }
    let mut offer = Offer {
        variant,
        product: id,
        sku,
        product_title: product.title.clone(),
        weight_grams: 10,
        ..offer.clone()
    };
    offer.prices.insert(Currency::EUR, price);
    (product, offer)
}

fn ulid(n: usize) -> Ulid {
    Ulid::from_parts(1_780_000_000_000, FIRST + n as u128)
}
