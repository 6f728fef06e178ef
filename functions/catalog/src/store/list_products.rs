//! `GET /v1/store/products`: one query of an index, whatever the size of the catalog.

use api::cursor::{self, List, Page};
use api::form::{OneOf, currency, locale, slug};
use api::reply::Cache;
use api::view::product::ProductView;
use api::{Anyone, Cached, Fields, Form, Query, Reply};
use domain::catalog::Locale;
use domain::currency::Currency;
use runtime::Call;
use store::catalog::{Listed, Sort};

use crate::App;

/// What is listed, in which order.
#[derive(Debug)]
pub struct Wanted {
    listed: Listed,
    sort: Sort,
    currency: Option<Currency>,
    locale: Option<Locale>,
    is_card: bool,
    page: Page,
}

/// How much of each: a card has no variants, options and categories.
const FIELDS: &[(&str, bool)] = &[("all", false), ("card", true)];

const SORTS: &[(&str, Sort)] = &[
    ("newest", Sort::Newest),
    ("oldest", Sort::Oldest),
    ("price", Sort::PriceUp),
    ("price_asc", Sort::PriceUp),
    ("price_desc", Sort::PriceDown),
    ("title", Sort::Title),
    ("-created_at", Sort::Newest),
    ("created_at", Sort::Oldest),
    ("-price", Sort::PriceDown),
];

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let category = fields.optional("category", slug());
        let collection = fields.optional("collection", slug());
        if matches!((&category, &collection), (Some(Some(_)), Some(Some(_)))) {
            let detail = "Ask for a category or for a collection, not for both.";
            fields.flaw("collection", "not_together", detail);
        }
        let sort = fields.optional("sort", OneOf(SORTS));
        let currency = fields.optional("currency", currency());
        let locale = fields.optional("locale", locale());
        let fields_wanted = fields.optional("fields", OneOf(FIELDS));
        let page = Page::read(fields);
        let sort = sort?.unwrap_or(Sort::Newest);
        let is_card = fields_wanted?.unwrap_or(false);
        let listed = match (category?, collection?) {
            (None, None) => Listed::Every,
            (Some(slug), _) => Listed::Category(slug),
            (None, Some(slug)) => Listed::Collection(slug),
        };
        Some(Self { listed, sort, currency: currency?, locale: locale?, is_card, page: page? })
    }
}

/// Lists the products on sale.
pub async fn handle(
    app: &App,
    call: Call<Anyone, Query<Wanted>>,
) -> Reply<Cached<List<ProductView>>> {
    let Query(Wanted { listed, sort, currency, locale, is_card, page }) = call.input;
    let currency = currency.unwrap_or(app.currency);
    // The cursor is good for this very list only.
    let scope = format!("products:{listed:?}:{sort:?}:{}", currency.code());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.products(&listed, sort, page.limit, position.as_deref()).await?;
    let shown = |product| {
        let view = ProductView::of(product, currency, locale.as_ref(), call.now)?;
        Some(if is_card { view.card() } else { view })
    };
    let data = found.entries.into_iter().filter_map(shown).collect();
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(Cached(List { data, next_cursor }, Cache::Public))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_query_lists_the_newest_twenty() {
        let mut flaws = Vec::new();
        let wanted: Wanted =
            api::form::read_object(&serde_json::Map::new(), "/query", &mut flaws).unwrap();
        assert_eq!((wanted.sort, wanted.page.limit), (Sort::Newest, 20));
    }

    #[test]
    fn every_flaw_of_a_query_is_named() {
        let query = serde_json::json!({"category": "Ä", "sort": "best", "limit": 0, "x": 1});
        let mut flaws = Vec::new();
        let wanted: Option<Wanted> = api::form::read_value(&query, "/query", &mut flaws);
        assert!(wanted.is_none());
        let pointers: Vec<_> = flaws.iter().map(|flaw| flaw.pointer.as_str()).collect();
        assert_eq!(pointers, ["/query/category", "/query/sort", "/query/limit", "/query/x"]);
    }
}
