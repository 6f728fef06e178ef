//! The product CSV of Shopify: what its columns mean to us.
//!
//! Two spellings are about: the older one (`Handle`, `Variant SKU`, `Variant Price` …), which most
//! files have, and the newer one (`URL handle`, `SKU`, `Price` …). Both are read. Columns that say
//! nothing to us are known all the same, so that a column that is new or mistyped stands out.
//!
//! Source: <https://help.shopify.com/en/manual/products/import-export/using-csv>.

use super::Kind;
use super::table::Meaning;
use crate::catalog::Slug;
use crate::currency::Currency;

/// What the columns of a product are called there, older name first, and here.
const PRODUCT: &[(&str, &str)] = &[
    ("handle", "handle"),
    ("url handle", "handle"),
    ("title", "title"),
    ("body (html)", "description"),
    ("description", "description"),
    ("status", "status"),
    ("published", "published"),
    ("published on online store", "published"),
    ("type", "category"),
    ("option1 name", "option1_name"),
    ("option1 value", "option1_value"),
    ("option2 name", "option2_name"),
    ("option2 value", "option2_value"),
    ("option3 name", "option3_name"),
    ("option3 value", "option3_value"),
    ("variant sku", "sku"),
    ("sku", "sku"),
    ("variant grams", "weight_grams"),
    ("weight value (grams)", "weight_grams"),
    ("variant price", "price"),
    ("price", "price"),
    ("variant compare at price", "compare_at"),
    ("compare-at price", "compare_at"),
    ("variant requires shipping", "requires_shipping"),
    ("requires shipping", "requires_shipping"),
    ("gift card", "gift_card"),
];

/// What a file of prices is read from.
const PRICE: &[(&str, &str)] = &[
    ("variant sku", "sku"),
    ("sku", "sku"),
    ("variant price", "price"),
    ("price", "price"),
    ("variant compare at price", "compare_at"),
    ("compare-at price", "compare_at"),
];

/// What a file of stock is read from.
const STOCK: &[(&str, &str)] = &[
    ("variant sku", "sku"),
    ("sku", "sku"),
    ("variant inventory qty", "on_hand"),
    ("inventory quantity", "on_hand"),
];

/// The columns of a customer.
const CUSTOMER: &[(&str, &str)] =
    &[("email", "email"), ("first name", "first_name"), ("last name", "last_name")];

/// Columns that are known and of no use here.
const IGNORED: &[&str] = &[
    "vendor",
    "product category",
    "tags",
    "option1 linked to",
    "option2 linked to",
    "option3 linked to",
    "variant inventory tracker",
    "inventory tracker",
    "variant inventory policy",
    "continue selling when out of stock",
    "variant fulfillment service",
    "fulfillment service",
    "variant taxable",
    "charge tax",
    "variant barcode",
    "barcode",
    "image src",
    "product image url",
    "image position",
    "image alt text",
    "variant image",
    "variant image url",
    "seo title",
    "seo description",
    "variant weight unit",
    "weight unit for display",
    "variant tax code",
    "tax code",
    "cost per item",
    "unit price total measure",
    "unit price total measure unit",
    "unit price base measure",
    "unit price base measure unit",
    "collection",
    // Of customers.
    "customer id",
    "accepts email marketing",
    "accepts sms marketing",
    "default address company",
    "default address address1",
    "default address address2",
    "default address city",
    "default address province code",
    "default address country code",
    "default address zip",
    "default address phone",
    "phone",
    "total spent",
    "total orders",
    "note",
    "tax exempt",
];

/// How the names of whole families of columns begin: markets, other shops' feeds, metafields.
const IGNORED_FAMILIES: &[&str] = &[
    "included / ",
    "price / ",
    "compare at price / ",
    "compare-at price / ",
    "google shopping / ",
    "metafield: ",
    "variant metafield: ",
    "unit price ",
];

/// What a column of Shopify's means for a kind of file.
pub(super) fn meaning(kind: Kind, label: &str) -> Meaning {
    let name = label.trim().to_lowercase();
    let table = match kind {
        Kind::Products => PRODUCT,
        Kind::Prices => PRICE,
        Kind::Stock => STOCK,
        Kind::Customers => CUSTOMER,
    };
    if let Some((_, column)) = table.iter().find(|(theirs, _)| *theirs == name) {
        return Meaning::Column((*column).to_owned());
    }
    // A product's file is a file of prices and of stock, too: the other columns are known.
    let is_known = PRODUCT.iter().chain(STOCK).any(|(theirs, _)| *theirs == name)
        || IGNORED.contains(&name.as_str())
        || IGNORED_FAMILIES.iter().any(|family| name.starts_with(family))
        || name.contains("metafields.");
    if is_known { Meaning::Ignored } else { Meaning::Unknown }
}

/// A SKU as we write it: in capitals, with dashes for what is neither letter nor digit. Shopify
/// lets people write anything.
pub(super) fn sku_text(theirs: &str) -> String {
    let dashed = theirs.trim().chars().map(|c| match c.to_ascii_uppercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    dashed.collect()
}

/// The SKU of a variant that has none: of its product's name and what was chosen.
pub(super) fn sku_for<'a>(slug: &'a Slug, values: impl Iterator<Item = &'a str>) -> String {
    let parts: Vec<String> = std::iter::once(slug.as_str()).chain(values).map(sku_text).collect();
    parts.join("-")
}

/// The readable name of a category that is given by its title.
pub(super) fn category_text(title: &str) -> String {
    let mut slug = String::new();
    for c in title.trim().to_lowercase().chars() {
        match c {
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// What a price and the one that it is compared with are to us: a base price, and a reduced one
/// where they differ.
pub(super) fn pricing(price: i64, compare_at: Option<i64>) -> (i64, Option<i64>) {
    match compare_at {
        Some(before) if before > price => (before, Some(price)),
        Some(_) | None => (price, None),
    }
}

/// The column that an amount of a currency stands in.
pub(super) fn price_column(_: Currency) -> &'static str {
    "price"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_mean_the_same_and_a_mistyped_one_nothing() {
        for (old, new) in [
            ("Handle", "URL handle"),
            ("Body (HTML)", "Description"),
            ("Variant SKU", "SKU"),
            ("Variant Grams", "Weight value (grams)"),
            ("Variant Compare At Price", "Compare-at price"),
            ("Published", "Published on online store"),
        ] {
            let meaning = |label| meaning(Kind::Products, label);
            assert_eq!(meaning(old), meaning(new), "{old}");
            assert!(matches!(meaning(old), Meaning::Column(_)), "{old}");
        }
        let stock = meaning(Kind::Stock, "Variant Inventory Qty");
        assert_eq!(stock, Meaning::Column("on_hand".to_owned()));
        for known in ["Vendor", "Google Shopping / MPN", "Price / International", "Image Src"] {
            assert_eq!(meaning(Kind::Products, known), Meaning::Ignored, "{known}");
        }
        let color = "Color (product.metafields.shopify.color-pattern)";
        assert_eq!(meaning(Kind::Products, color), Meaning::Ignored);
        assert_eq!(meaning(Kind::Products, "Variant Prize"), Meaning::Unknown);
    }

    #[test]
    fn what_they_leave_free_is_written_as_we_write_it() {
        assert_eq!(sku_text(" abc_12/é "), "ABC-12--");
        let slug = Slug::parse("linen-shirt").unwrap();
        assert_eq!(sku_for(&slug, ["White", "M"].into_iter()), "LINEN-SHIRT-WHITE-M");
        assert_eq!(category_text(" T-Shirts & Tops "), "t-shirts-tops");
        assert_eq!(pricing(800, Some(1000)), (1000, Some(800)));
        assert_eq!(pricing(800, Some(800)), (800, None));
        assert_eq!(pricing(800, None), (800, None));
    }
}
