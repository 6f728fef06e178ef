//! `PATCH /v1/admin/categories/{slug}`: other words, another place among its siblings, another
//! parent. Its readable name stays: products and addresses hold it.

use api::form::{Integer, YesOrNo, slug};
use api::view::catalog::AdminCategoryView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::catalog::{Category, Slug, tree};
use domain::permission::grant;
use runtime::Call;

use super::create_category::POSITION_MAX;
use crate::App;
use crate::form::{WhichSlug, description, title, whole};
use crate::shelf::change_category;

/// What is to be changed.
#[derive(Debug)]
pub struct Change {
    title: Option<String>,
    description: Option<String>,
    parent: Option<Slug>,
    is_top: bool,
    position: Option<u32>,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let title = fields.optional("title", title());
        let description = fields.optional("description", description());
        let parent = fields.optional("parent", slug());
        let is_top = fields.optional("is_top", YesOrNo);
        let position = fields.optional("position", Integer::between(0, POSITION_MAX));
        Some(Self {
            title: title?,
            description: description?,
            parent: parent?,
            is_top: is_top?.unwrap_or(false),
            position: position?.map(whole),
        })
    }
}

/// Which category, as it was seen, and the change.
type Given = (Path<WhichSlug>, (IfMatch, Body<Change>));

/// Changes or moves a category.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<AdminCategoryView>> {
    let (Path(WhichSlug { slug }), (seen, Body(form))) = &call.input;
    change_category(app, &call, (slug, *seen), "category.change", |category, all| {
        let parent = match (&form.parent, form.is_top) {
            (Some(parent), _) => Some(parent.clone()),
            (None, true) => None,
            (None, false) => category.parent.clone(),
        };
        let after = Category {
            title: form.title.clone().unwrap_or(category.title),
            description: form.description.clone().unwrap_or(category.description),
            position: form.position.unwrap_or(category.position),
            parent,
            ..category
        };
        tree::place(all, &after)?;
        Ok(after)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(flaws_of::<Change>(&json!({})), []);
        let flaws = flaws_of::<Change>(&json!({"position": -1, "slug": "other"}));
        assert_eq!(
            flaws,
            [("/position".to_owned(), "out_of_range"), ("/slug".to_owned(), "unknown_field")]
        );
    }
}
