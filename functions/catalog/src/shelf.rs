//! What the endpoints of categories, collections and attributes share.

use api::input::no_match;
use api::view::catalog::AdminCategoryView;
use api::{IfMatch, Problem, Reply, Staff, Versioned};
use domain::audit::{self, Change};
use domain::catalog::attribute::Definition;
use domain::catalog::collection::Collection;
use domain::catalog::{Category, Slug};
use runtime::Call;
use serde_json::{Value, json};

use crate::App;
use crate::change::note;

/// Changes a category as it was seen, under the tree's lock.
pub(crate) async fn change_category<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    (slug, seen): (&Slug, IfMatch),
    action: &str,
    decide: impl FnOnce(Category, &[Category]) -> Reply<Category> + Send,
) -> Reply<Versioned<AdminCategoryView>>
where
    P: Sync,
    I: Sync,
{
    let shelves = app.store.shelves().await?;
    let before = shelves.categories.iter().find(|one| one.slug == *slug);
    let before = before.ok_or_else(Problem::not_found)?;
    seen.check(before.version)?;
    let after = decide(before.clone(), &shelves.categories)?;
    let events = [note(app, call, action, before.id, category_changes(Some(before), Some(&after)))];
    let saved = app.store.save_category(Some(before), &after, shelves.tree, &events).await?;
    let version = saved.ok_or_else(no_match)?;
    Ok(Versioned(Category { version, ..after }.into(), version))
}

fn changes<T>(before: Option<&T>, after: Option<&T>, shown: fn(&T) -> Value) -> Vec<Change> {
    audit::changes(&before.map_or(Value::Null, shown), &after.map_or(Value::Null, shown))
}

/// What differs between two forms of a category.
pub(crate) fn category_changes(before: Option<&Category>, after: Option<&Category>) -> Vec<Change> {
    changes(before, after, |one| {
        json!({
            "slug": one.slug, "title": one.title, "description": one.description,
            "parent": one.parent, "position": one.position, "translations": one.translations,
        })
    })
}

/// What differs between two forms of a collection.
pub(crate) fn collection_changes(
    before: Option<&Collection>,
    after: Option<&Collection>,
) -> Vec<Change> {
    changes(before, after, |one| {
        json!({
            "slug": one.slug, "title": one.title, "description": one.description,
            "members": one.members, "is_ending": one.is_ending,
        })
    })
}

/// What differs between two forms of an attribute.
pub(crate) fn attribute_changes(
    before: Option<&Definition>,
    after: Option<&Definition>,
) -> Vec<Change> {
    changes(before, after, |one| {
        let kind = one.kind.code();
        json!({"code": one.code, "title": one.title, "kind": kind, "of": one.kind})
    })
}
