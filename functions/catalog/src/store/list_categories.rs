//! `GET /v1/store/categories`: the whole tree, one query.

use api::cursor::List;
use api::form::locale;
use api::reply::Cache;
use api::view::product::CategoryView;
use api::{Anyone, Cached, Fields, Form, Query, Reply};
use domain::catalog::Locale;
use runtime::Call;

use crate::App;

/// In which language.
#[derive(Debug)]
pub struct How {
    locale: Option<Locale>,
}

impl Form for How {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let locale = fields.optional("locale", locale());
        Some(Self { locale: locale? })
    }
}

/// Lists the categories.
pub async fn handle(
    app: &App,
    call: Call<Anyone, Query<How>>,
) -> Reply<Cached<List<CategoryView>>> {
    let Query(How { locale }) = call.input;
    let shown = |category| CategoryView::of(category, locale.as_ref());
    let data = app.store.categories().await?.into_iter().map(shown).collect();
    Ok(Cached(List { data, next_cursor: None }, Cache::Public))
}

#[cfg(test)]
mod tests {
    use domain::catalog::{Category, Slug};
    use domain::id::{CategoryId, Ulid};

    use super::*;

    #[test]
    fn a_category_names_its_parent_by_its_readable_name() {
        let slug = |text| Slug::parse(text).unwrap();
        let category = Category {
            id: CategoryId::from_ulid(Ulid(7)),
            slug: slug("shirts"),
            title: "Shirts".to_owned(),
            description: "With sleeves".to_owned(),
            parent: Some(slug("apparel")),
            position: 3,
            translations: std::collections::BTreeMap::new(),
            products: 0,
            version: 1,
        };
        let shown = serde_json::to_value(CategoryView::of(category, None)).unwrap();
        assert_eq!((&shown["slug"], &shown["parent"]), (&"shirts".into(), &"apparel".into()));
        assert!(shown.get("position").is_none(), "its place is told by the order of the list");
    }
}
