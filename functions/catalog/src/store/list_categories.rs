//! `GET /v1/store/categories`: the whole tree, one query.

use api::cursor::List;
use api::reply::Cache;
use api::view::product::CategoryView;
use api::{Anyone, Cached, Reply};
use runtime::Call;

use crate::App;

/// Lists the categories.
pub async fn handle(app: &App, _call: Call<Anyone>) -> Reply<Cached<List<CategoryView>>> {
    let data = app.store.categories().await?.into_iter().map(CategoryView::from).collect();
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
        };
        let shown = serde_json::to_value(CategoryView::from(category)).unwrap();
        assert_eq!((&shown["slug"], &shown["parent"]), (&"shirts".into(), &"apparel".into()));
        assert!(shown.get("position").is_none(), "its place is told by the order of the list");
    }
}
