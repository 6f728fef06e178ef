//! What the search index knows of a product.
//!
//! The words of the product itself are found in every language of it; what a translation does not
//! say is said by the product, as on its page. They are taken apart as the shop's own language is,
//! that of its default locale.

use std::collections::BTreeMap;

use domain::catalog::content::localized;
use domain::catalog::{Category, Kind, Locale, Product, Value};
use domain::fault::{Fault, Retry};
use domain::synonym::Synonyms;
use search::{Entry, Language, Lexicon, Named, Price, Tag, Texts};

/// The facets that have a filter of their own.
pub(crate) mod facet {
    pub(crate) const CATEGORY: &str = "category";
    pub(crate) const COLLECTION: &str = "collection";
    pub(crate) const TYPE: &str = "type";
    pub(crate) const AVAILABLE: &str = "available";
    /// Before the code of an attribute or the name of an option.
    pub(crate) const ATTRIBUTE: &str = "attribute.";
}

/// The product as it is indexed, in a shop of this language.
pub(crate) fn entry(product: &Product, own: Language) -> Result<Entry, Fault> {
    let card = serde_json::to_vec(&product.card())
        .map_err(|error| Fault::new("write a card of the search index", error, Retry::Useless))?;
    Ok(Entry {
        id: product.id.ulid(),
        keys: Vec::new(),
        texts: texts(product, own),
        skus: product.variants.iter().map(|variant| variant.sku.clone()).collect(),
        tags: tags(product),
        prices: prices(product),
        created_at: product.created_at,
        is_available: is_available(product),
        card,
    })
}

pub(crate) fn is_available(product: &Product) -> bool {
    product.variants.iter().any(|variant| variant.available > 0)
}

/// What it says, by language: of several locales of one language the plainest (`de` before
/// `de-AT`) is indexed.
fn texts(product: &Product, own: Language) -> Vec<Texts> {
    let names = names(product);
    let said = (product.title.as_str(), product.description.as_str());
    let mut texts: BTreeMap<Language, Texts> = BTreeMap::new();
    for locale in product.translations.keys() {
        let language = Language::of(locale.as_str());
        let (title, text) = localized(said, &product.translations, Some(locale));
        let (title, text) = (title.to_owned(), text.to_owned());
        texts.entry(language).or_insert(Texts { language, title, names: names.clone(), text });
    }
    if let Some(said) = texts.get_mut(&own) {
        // A translation has the place: what the product itself says is found beside it.
        said.names = format!("{} {}", said.names, product.title);
        said.text = format!("{} {}", said.text, product.description);
    } else {
        let (title, text) = (product.title.clone(), product.description.clone());
        texts.insert(own, Texts { language: own, title, names, text });
    }
    texts.into_values().collect()
}

/// The words that name what it is: values of options and attributes, variants, categories.
fn names(product: &Product) -> String {
    let options = product.options.iter().flat_map(|option| option.values.iter().cloned());
    let variants = product.variants.iter().map(|variant| variant.title.clone());
    let attributes = product.attributes.values().filter_map(|value| match value {
        Value::Text(text) | Value::Choice(text) => Some(text.clone()),
        Value::Number(_) | Value::Boolean(_) => None,
    });
    let lists = product.categories.iter().chain(&product.collections);
    let lists = lists.map(|slug| slug.as_str().replace('-', " "));
    options.chain(variants).chain(attributes).chain(lists).collect::<Vec<_>>().join(" ")
}

fn tags(product: &Product) -> Vec<Tag> {
    let kind = match product.kind {
        Kind::Physical => "physical",
        Kind::Digital => "digital",
    };
    let mut tags = vec![
        Tag::new(facet::TYPE, kind),
        Tag::new(facet::AVAILABLE, is_available(product).to_string()),
    ];
    tags.extend(product.categories.iter().map(|slug| Tag::new(facet::CATEGORY, slug.as_str())));
    tags.extend(product.collections.iter().map(|slug| Tag::new(facet::COLLECTION, slug.as_str())));
    for option in &product.options {
        // The colon ends a facet's name.
        let name = format!("{}{}", facet::ATTRIBUTE, option.name.to_lowercase().replace(':', " "));
        tags.extend(option.values.iter().map(|value| Tag::new(name.as_str(), value.as_str())));
    }
    for (code, value) in &product.attributes {
        let value = match value {
            Value::Text(text) | Value::Choice(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Boolean(yes) => yes.to_string(),
        };
        tags.push(Tag::new(format!("{}{code}", facet::ATTRIBUTE), value));
    }
    tags
}

/// Base prices always hold, sales in their time; the lowest counts, as on the page.
fn prices(product: &Product) -> Vec<Price> {
    let mut prices = Vec::new();
    for variant in &product.variants {
        let base = variant.prices.iter();
        prices.extend(base.map(|(currency, amount)| Price {
            currency: *currency,
            amount: *amount,
            from: None,
            until: None,
        }));
        // Without a base price in its currency nothing is sold in it.
        let sold = variant.sales.iter().filter(|sale| variant.prices.contains_key(&sale.currency));
        prices.extend(sold.map(|sale| Price {
            currency: sale.currency,
            amount: sale.amount,
            from: Some(sale.from),
            until: sale.until,
        }));
    }
    prices
}

/// What the index knows beside the products.
pub(crate) fn lexicon(synonyms: Synonyms, categories: Vec<Category>, locale: Locale) -> Lexicon {
    let named = |category: Category| Named {
        slug: category.slug.to_string(),
        title: category.title,
        titles: category
            .translations
            .into_iter()
            .filter_map(|(locale, content)| Some((locale.to_string(), content.title?)))
            .collect(),
    };
    let categories = categories.into_iter().map(named).collect();
    Lexicon { synonyms: synonyms.groups, categories, locale }
}

#[cfg(test)]
mod tests {
    use domain::catalog::{Content, ProductOption, Sale, Sku, Slug, Status, Variant};
    use domain::currency::Currency;
    use domain::id::{ProductId, Ulid, VariantId};
    use domain::tax::TaxCategory;
    use jiff::Timestamp;

    use super::*;

    fn product() -> Product {
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let sale =
            |currency| Sale { currency, amount: 1_000, from: now, until: None, lowest_30d: None };
        let variant = Variant {
            id: VariantId::from_ulid(Ulid(1)),
            sku: Sku::parse("MUG-BLUE").unwrap(),
            title: "Blue".into(),
            options: BTreeMap::from([("Colour".into(), "Blue".into())]),
            prices: BTreeMap::from([(Currency::EUR, 1_250)]),
            sales: vec![sale(Currency::EUR), sale(Currency::parse("USD").unwrap())],
            available: 0,
            weight_grams: 400,
            volume_mm3: 0,
            shipping_profile: domain::shipping::ProfileId::default(),
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
            status: Status::Active,
            publish_at: None,
            published_at: None,
            tax_category: TaxCategory::STANDARD,
            categories: vec![Slug::parse("table-ware").unwrap()],
            collections: Vec::new(),
            attributes: BTreeMap::from([
                (Slug::parse("dishwasher").unwrap(), Value::Boolean(true)),
                (Slug::parse("glaze").unwrap(), Value::Choice("matt".into())),
            ]),
            translations: BTreeMap::from([(
                Locale::parse("de").unwrap(),
                Content { title: Some("Blauer Becher".into()), description: None },
            )]),
            options: vec![ProductOption { name: "Colour".into(), values: vec!["Blue".into()] }],
            variants: vec![variant],
            images: Vec::new(),
            created_at: now,
            version: 1,
        }
    }

    #[test]
    fn a_product_is_found_by_what_it_says_in_each_language() {
        let entry = entry(&product(), Language::English).unwrap();
        let said: Vec<_> =
            entry.texts.iter().map(|one| (one.language, one.title.as_str())).collect();
        assert_eq!(said, [(Language::English, "Blue mug"), (Language::German, "Blauer Becher")]);
        assert!(entry.texts.iter().all(|one| one.text == "It holds tea."));
        assert_eq!(entry.texts[0].names, "Blue Blue matt table ware");
        let card: Product = serde_json::from_slice(&entry.card).unwrap();
        assert_eq!(card, product().card());
    }

    #[test]
    fn the_products_own_texts_are_of_the_shops_language() {
        let mut lamp = product();
        lamp.translations.clear();
        let spoken = |lamp: &Product, own| {
            let texts = texts(lamp, own).into_iter();
            texts.map(|one| (one.language, one.title)).collect::<Vec<_>>()
        };
        let title = lamp.title.clone();
        assert_eq!(spoken(&lamp, Language::German), [(Language::German, title.clone())]);
        assert_eq!(spoken(&lamp, Language::Other), [(Language::Other, title)]);
        // A translation into the shop's own language has the place; the text is found beside it.
        let both = texts(&product(), Language::German);
        assert_eq!((both.len(), both[0].title.as_str()), (1, "Blauer Becher"));
        assert!(both[0].names.ends_with("Blue mug"), "{}", both[0].names);
    }

    #[test]
    fn a_product_is_counted_by_what_it_is() {
        let mut tags: Vec<String> =
            tags(&product()).iter().map(|tag| format!("{} {}", tag.facet, tag.value)).collect();
        tags.sort();
        assert_eq!(
            tags,
            [
                "attribute.colour Blue",
                "attribute.dishwasher true",
                "attribute.glaze matt",
                "available false",
                "category table-ware",
                "type physical",
            ]
        );
    }

    #[test]
    fn a_sale_counts_only_where_something_is_sold() {
        let amounts: Vec<_> = prices(&product()).iter().map(|p| (p.currency, p.amount)).collect();
        assert_eq!(amounts, [(Currency::EUR, 1_250), (Currency::EUR, 1_000)]);
    }
}
