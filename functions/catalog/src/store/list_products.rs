//! `GET /v1/store/products`: one query of an index, whatever the size of the catalog.

use api::cursor::{self, List, Page};
use api::form::{OneOf, Parsed, currency};
use api::reply::Cache;
use api::view::product::ProductView;
use api::{Anyone, Cached, Fields, Form, Query, Reply};
use domain::catalog::Slug;
use domain::currency::Currency;
use runtime::Call;
use store::catalog::Sort;

use crate::App;

/// What is listed, in which order.
#[derive(Debug)]
pub struct Wanted {
    category: Option<Slug>,
    sort: Sort,
    currency: Option<Currency>,
    page: Page,
}

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
        let slug =
            Parsed::by(Slug::parse, "the slug of a category", 80).pattern("^[a-z0-9-]{2,80}$");
        let category = fields.optional("category", slug);
        let sort = fields.optional("sort", OneOf(SORTS));
        let currency = fields.optional("currency", currency());
        let page = Page::read(fields);
        let sort = sort?.unwrap_or(Sort::Newest);
        Some(Self { category: category?, sort, currency: currency?, page: page? })
    }
}

/// Lists the products on sale.
pub async fn handle(
    app: &App,
    call: Call<Anyone, Query<Wanted>>,
) -> Reply<Cached<List<ProductView>>> {
    let Query(Wanted { category, sort, currency, page }) = call.input;
    let currency = currency.unwrap_or(app.currency);
    let list = category.as_ref().map_or("", Slug::as_str);
    // The cursor is good for this very list only.
    let scope = format!("products:{list}:{sort:?}:{}", currency.code());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found =
        app.store.products(category.as_ref(), sort, page.limit, position.as_deref()).await?;
    let data = found.entries.into_iter().filter_map(|p| ProductView::of(p, currency)).collect();
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
