//! `GET /v1/store/products`: one query of an index, whatever the size of the catalog; or, where
//! something is searched for, filtered or counted, an answer out of the search snapshot in this
//! function's own storage, without a look at a table.

use api::cursor::{self, Page};
use api::form::{Integer, OneOf, Rule, Text, currency, locale, slug, words};
use api::reply::Cache;
use api::view::product::{ProductView, ProductsView};
use api::view::search::FacetsView;
use api::{Anyone, Cached, Fields, Flaw, Form, Guard, Problem, Query, Reply};
use domain::catalog::{Kind, Locale, Product, Slug};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use runtime::Call;
use search::{Filter, Found, Language, Place, Question};
use serde_json::{Value, json};
use store::catalog::{Listed, Sort};

use crate::App;
use crate::indexed::facet;

/// Values of attributes that may be filtered by.
const ATTRIBUTES_MAX: usize = 20;
/// The largest price that may be asked for, in minor units.
const PRICE_MAX: i64 = 999_999_999_999;

/// What is listed, in which order.
#[derive(Debug)]
pub struct Wanted {
    category: Option<Slug>,
    collection: Option<Slug>,
    sort: Option<Order>,
    currency: Option<Currency>,
    locale: Option<Locale>,
    is_card: bool,
    page: Page,
    search: Search,
}

/// How much of each: a card has no variants.
const FIELDS: &[(&str, bool)] = &[("all", false), ("card", true)];

/// What only the search index can answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Search {
    q: Option<String>,
    has_facets: bool,
    attributes: Vec<Filter>,
    kind: Option<Kind>,
    is_available: bool,
    price_min: Option<i64>,
    price_max: Option<i64>,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Relevance,
    By(Sort),
}

const SORTS: &[(&str, Order)] = &[
    ("newest", Order::By(Sort::Newest)),
    ("oldest", Order::By(Sort::Oldest)),
    ("price", Order::By(Sort::PriceUp)),
    ("price_asc", Order::By(Sort::PriceUp)),
    ("price_desc", Order::By(Sort::PriceDown)),
    ("title", Order::By(Sort::Title)),
    ("-created_at", Order::By(Sort::Newest)),
    ("created_at", Order::By(Sort::Oldest)),
    ("-price", Order::By(Sort::PriceDown)),
    ("relevance", Order::Relevance),
];

const KINDS: &[(&str, Kind)] = &[("physical", Kind::Physical), ("digital", Kind::Digital)];
const YES_OR_NO: &[(&str, bool)] = &[("true", true), ("false", false)];

/// `colour:blue,colour:red,size:M`: of one name, any of the values; of several, one of each.
struct Attributes;

impl Rule for Attributes {
    type Out = Vec<Filter>;
    fn check(&self, value: &Value, pointer: &str, flaws: &mut Vec<Flaw>) -> Option<Self::Out> {
        let text = Text::between(1, 1_000).check(value, pointer, flaws)?;
        let filters = attributes(&text);
        if filters.is_none() {
            let detail = "This must be pairs like colour:blue,size:M, at most 20.";
            flaws.push(Flaw::new(pointer, "malformed", detail));
        }
        filters
    }
    fn schema(&self) -> Value {
        json!({"type": "string", "minLength": 3, "maxLength": 1_000,
            "pattern": "^[^:,]+:[^,]+(,[^:,]+:[^,]+)*$", "examples": ["colour:blue,size:M"]})
    }
}

fn attributes(text: &str) -> Option<Vec<Filter>> {
    let mut filters: Vec<Filter> = Vec::new();
    let pairs: Vec<&str> = text.split(',').collect();
    if pairs.len() > ATTRIBUTES_MAX {
        return None;
    }
    for pair in pairs {
        let (name, value) = pair.split_once(':')?;
        if name.is_empty() || value.is_empty() {
            return None;
        }
        let (name, value) = (format!("{}{name}", facet::ATTRIBUTE), value.to_owned());
        match filters.iter_mut().find(|filter| filter.facet == name) {
            Some(filter) => filter.values.push(value),
            None => filters.push(Filter { facet: name, values: vec![value] }),
        }
    }
    Some(filters)
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let category = fields.optional("category", slug());
        let collection = fields.optional("collection", slug());
        let sort = fields.optional("sort", OneOf(SORTS));
        let currency = fields.optional("currency", currency());
        let locale = fields.optional("locale", locale());
        let is_card = fields.optional("fields", OneOf(FIELDS));
        let page = Page::read(fields);
        let search = Search::read(fields);
        let (category, collection) = (category?, collection?);
        let search = search?;
        if category.is_some() && collection.is_some() && search == Search::default() {
            let detail = "Ask for a category or for a collection, not for both.";
            fields.flaw("collection", "not_together", detail);
        }
        Some(Self {
            category,
            collection,
            sort: sort?,
            currency: currency?,
            locale: locale?,
            is_card: is_card?.unwrap_or(false),
            page: page?,
            search,
        })
    }
}

impl Form for Search {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let q = fields.optional("q", words());
        let has_facets = fields.optional("facets", OneOf(YES_OR_NO));
        let attributes = fields.optional("attributes", Attributes);
        let kind = fields.optional("type", OneOf(KINDS));
        let is_available = fields.optional("available", OneOf(&[("true", true)]));
        let price_min = fields.optional("price_min", Integer::between(0, PRICE_MAX));
        let price_max = fields.optional("price_max", Integer::between(0, PRICE_MAX));
        Some(Self {
            q: q?,
            has_facets: has_facets?.unwrap_or(false),
            attributes: attributes?.unwrap_or_default(),
            kind: kind?,
            is_available: is_available?.unwrap_or(false),
            price_min: price_min?,
            price_max: price_max?,
        })
    }
}

impl Wanted {
    /// Whether only the search index can answer this.
    fn is_search(&self) -> bool {
        self.search != Search::default() || self.sort == Some(Order::Relevance)
    }

    fn filters(&self) -> Vec<Filter> {
        let Search { attributes, kind, is_available, .. } = &self.search;
        let kind = kind.map(|kind| match kind {
            Kind::Physical => "physical",
            Kind::Digital => "digital",
        });
        let one = |facet: &str, value: Option<&str>| {
            let values = vec![value?.to_owned()];
            Some(Filter { facet: facet.to_owned(), values })
        };
        [
            one(facet::CATEGORY, self.category.as_ref().map(Slug::as_str)),
            one(facet::COLLECTION, self.collection.as_ref().map(Slug::as_str)),
            one(facet::TYPE, kind),
            one(facet::AVAILABLE, is_available.then_some("true")),
        ]
        .into_iter()
        .flatten()
        .chain(attributes.iter().cloned())
        .collect()
    }
}

/// The languages that words may be of: the one that was asked for, and the shop's own.
pub(crate) fn languages(locale: Option<&Locale>, own: Language) -> Vec<Language> {
    let asked = locale.map(|locale| Language::of(locale.as_str()));
    let mut languages: Vec<Language> = asked.into_iter().chain([own]).collect();
    languages.dedup();
    languages
}

/// Lists the products on sale.
pub async fn handle(app: &App, call: Call<Anyone, Query<Wanted>>) -> Reply<Cached<ProductsView>> {
    let Query(wanted) = call.input;
    let is_card = wanted.is_card;
    let mut view = if wanted.is_search() {
        search(app, &call.guard, wanted, call.now).await?
    } else {
        list(app, &call.guard, wanted, call.now).await?
    };
    let shown = if is_card { ProductView::card } else { ProductView::listed };
    view.data = view.data.into_iter().map(shown).collect();
    Ok(Cached(view, Cache::Public))
}

async fn list(app: &App, guard: &Guard, wanted: Wanted, now: Timestamp) -> Reply<ProductsView> {
    let Wanted { category, collection, sort, currency, locale, page, .. } = wanted;
    let currency = currency.unwrap_or(app.currency);
    let sort = match sort {
        Some(Order::By(sort)) => sort,
        Some(Order::Relevance) | None => Sort::Newest,
    };
    let listed = match (category, collection) {
        (None, None) => Listed::Every,
        (Some(slug), _) => Listed::Category(slug),
        (None, Some(slug)) => Listed::Collection(slug),
    };
    // The cursor is good for this very list only.
    let scope = format!("products:{listed:?}:{sort:?}:{}", currency.code());
    let position = page.position(&guard.sealer, &scope)?;
    let found = app.store.products(&listed, sort, page.limit, position.as_deref()).await?;
    let shown = |product| ProductView::of(product, currency, locale.as_ref(), now);
    let data = found.entries.into_iter().filter_map(shown).collect();
    let next_cursor = cursor::cursor(&guard.sealer, &scope, found.next.as_deref());
    Ok(ProductsView { data, next_cursor, total: None, facets: None })
}

async fn search(app: &App, guard: &Guard, wanted: Wanted, now: Timestamp) -> Reply<ProductsView> {
    let currency = wanted.currency.unwrap_or(app.currency);
    let order = wanted.sort.unwrap_or(Order::Relevance);
    let snapshot = app.index()?.newest(now).await?.ok_or_else(Problem::search_not_ready)?;
    let languages = languages(wanted.locale.as_ref(), snapshot.lexicon().language());
    let filters = wanted.filters();
    let Wanted { locale, page, search, .. } = wanted;
    let scope =
        format!("search:{order:?}:{}:{languages:?}:{filters:?}:{search:?}", currency.code());
    let position = page.position(&guard.sealer, &scope)?;
    let question = Question {
        text: search.q,
        languages,
        currency: Some(currency),
        filters,
        price_min: search.price_min,
        price_max: search.price_max,
        made_from: None,
        made_until: None,
        sort: sort(order),
        limit: usize::try_from(page.limit).unwrap_or(1),
        after: position.as_deref().map(Place::read).transpose()?,
        has_facets: search.has_facets,
        now,
    };
    let Found { cards, total, facets, next } = snapshot.ask(&question)?;
    let mut data = Vec::with_capacity(cards.len());
    for card in cards {
        let product: Product = serde_json::from_slice(&card).map_err(|error| {
            Fault::new("read a card of the search index", error, Retry::Useless)
        })?;
        data.extend(ProductView::of(product, currency, locale.as_ref(), now));
    }
    let next = next.as_ref().map(Place::text).transpose()?;
    let facets = facets.map(|facets| {
        let prices = facets.prices.into_iter().map(|range| (range.from, range.to, range.count));
        FacetsView::of(facets.values, prices, currency)
    });
    let next_cursor = cursor::cursor(&guard.sealer, &scope, next.as_deref());
    Ok(ProductsView { data, next_cursor, total: Some(total), facets })
}

const fn sort(order: Order) -> search::Sort {
    match order {
        Order::Relevance => search::Sort::Relevance,
        Order::By(Sort::Newest) => search::Sort::Newest,
        Order::By(Sort::Oldest) => search::Sort::Oldest,
        Order::By(Sort::PriceUp) => search::Sort::PriceUp,
        Order::By(Sort::PriceDown) => search::Sort::PriceDown,
        Order::By(Sort::Title) => search::Sort::Title,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &Value) -> Result<Wanted, Vec<String>> {
        let mut flaws = Vec::new();
        let wanted: Option<Wanted> = api::form::read_value(query, "/query", &mut flaws);
        wanted.ok_or_else(|| flaws.into_iter().map(|flaw| flaw.pointer).collect())
    }

    #[test]
    fn an_empty_query_lists_the_newest_twenty() {
        let wanted = read(&json!({})).unwrap();
        assert!(!wanted.is_search() && wanted.sort.is_none());
        assert_eq!(wanted.page.limit, 20);
        let category = read(&json!({"category": "shirts", "sort": "price"})).unwrap();
        assert!(!category.is_search());
    }

    #[test]
    fn every_flaw_of_a_query_is_named() {
        let query = json!({"category": "Ä", "sort": "best", "limit": 0, "q": "", "x": 1,
            "attributes": "colour", "available": "maybe", "price_min": -1});
        let pointers = read(&query).unwrap_err();
        let named = ["category", "sort", "limit", "q", "attributes", "available", "price_min", "x"];
        assert_eq!(pointers, named.map(|name| format!("/query/{name}")));
    }

    #[test]
    fn what_is_searched_filtered_or_counted_is_asked_of_the_index() {
        for query in [
            json!({"q": "mug"}),
            json!({"q": "501"}),
            json!({"facets": "true"}),
            json!({"price_max": 2000}),
            json!({"available": "true", "category": "shirts", "collection": "summer"}),
            json!({"attributes": "colour:blue"}),
            json!({"sort": "relevance"}),
        ] {
            assert!(read(&query).unwrap().is_search(), "{query}");
        }
        let both = json!({"category": "shirts", "collection": "summer"});
        assert_eq!(read(&both).unwrap_err(), ["/query/collection"]);
    }

    #[test]
    fn values_of_one_attribute_are_alternatives() {
        let wanted = read(&json!({
            "attributes": "colour:blue,size:M,colour:a:b", "type": "digital", "category": "shirts",
        }));
        let shown: Vec<(String, Vec<String>)> =
            wanted.unwrap().filters().into_iter().map(|f| (f.facet, f.values)).collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            shown,
            [
                (text("category"), vec![text("shirts")]),
                (text("type"), vec![text("digital")]),
                (text("attribute.colour"), vec![text("blue"), text("a:b")]),
                (text("attribute.size"), vec![text("M")]),
            ]
        );
    }

    #[test]
    fn the_shops_own_language_is_always_among_those_that_are_tried() {
        let locale = |text| Locale::parse(text).unwrap();
        let own = Language::English;
        assert_eq!(languages(Some(&locale("de-AT")), own), [Language::German, own]);
        assert_eq!(languages(Some(&locale("en")), own), [own]);
        assert_eq!(languages(None, Language::German), [Language::German]);
    }
}
