//! `POST /v1/admin/categories`: a new category, at the top or below another one.

use std::collections::BTreeMap;

use api::form::{Integer, slug};
use api::reply::CreatedVersion;
use api::view::catalog::AdminCategoryView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::catalog::tree::{self, Refusal};
use domain::catalog::{Category, Slug};
use domain::id::CategoryId;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::note;
use crate::form::{description, title, whole};
use crate::shelf::category_changes;

/// Places among siblings.
pub(crate) const POSITION_MAX: i64 = 100_000;

/// A category as it begins.
#[derive(Debug)]
pub struct NewCategory {
    slug: Slug,
    title: String,
    description: String,
    parent: Option<Slug>,
    position: u32,
}

impl Form for NewCategory {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let slug_of = fields.required("slug", slug());
        let title = fields.required("title", title());
        let description = fields.optional("description", description());
        let parent = fields.optional("parent", slug());
        let position = fields.optional("position", Integer::between(0, POSITION_MAX));
        Some(Self {
            slug: slug_of?,
            title: title?,
            description: description?.unwrap_or_default(),
            parent: parent?,
            position: whole(position?.unwrap_or(0)),
        })
    }
}

/// Makes a category.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Body<NewCategory>>,
) -> Reply<CreatedVersion<AdminCategoryView>> {
    let Body(form) = &call.input;
    let shelves = app.store.shelves().await?;
    let category = Category {
        id: CategoryId::from_ulid(app.ids.ulid(call.now)),
        slug: form.slug.clone(),
        title: form.title.clone(),
        description: form.description.clone(),
        parent: form.parent.clone(),
        position: form.position,
        translations: BTreeMap::new(),
        products: 0,
        version: 0,
    };
    if shelves.categories.iter().any(|one| one.slug == category.slug) {
        return Err(Refusal::SlugTaken.into());
    }
    tree::place(&shelves.categories, &category)?;
    let changed = category_changes(None, Some(&category));
    let events = [note(app, &call, "category.create", category.id, changed)];
    let saved = app.store.save_category(None, &category, shelves.tree, &events).await?;
    // The tree was changed in this very moment.
    let version = saved.ok_or_else(Problem::unavailable)?;
    Ok(CreatedVersion(Category { version, ..category }.into(), version))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_category_has_a_readable_name() {
        let body = json!({"slug": "mugs", "title": "Mugs", "parent": "home"});
        assert_eq!(flaws_of::<NewCategory>(&body), []);
        let flaws = flaws_of::<NewCategory>(&json!({"slug": "Mugs", "title": "Mugs"}));
        assert_eq!(flaws, [("/slug".to_owned(), "malformed")]);
    }
}
