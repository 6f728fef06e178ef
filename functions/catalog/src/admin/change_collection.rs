//! `PATCH /v1/admin/collections/{slug}`: other words, other members, another rule. A job sorts
//! goods in and out within a minute; a rule looks at every product and takes longer.

use api::input::no_match;
use api::view::catalog::CollectionView;
use api::{Body, Fields, Form, IfMatch, Path, Reply, Staff, Versioned};
use domain::catalog::collection::Collection;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use super::create_collection::{Wanted, members, wanted};
use super::view_collection::find;
use crate::App;
use crate::change::note;
use crate::form::{WhichSlug, description, title};
use crate::shelf::collection_changes;

/// What is to be changed.
#[derive(Debug)]
pub struct Change {
    title: Option<String>,
    description: Option<String>,
    wanted: Option<Wanted>,
}

impl Form for Change {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let title = fields.optional("title", title());
        let description = fields.optional("description", description());
        let wanted = wanted(fields);
        Some(Self { title: title?, description: description?, wanted: wanted? })
    }
}

/// Which collection, as it was seen, and the change.
type Given = (Path<WhichSlug>, (IfMatch, Body<Change>));

/// Changes a collection.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Given>,
) -> Reply<Versioned<CollectionView>> {
    let (Path(WhichSlug { slug }), (seen, Body(form))) = &call.input;
    let shelves = app.store.shelves().await?;
    let before = find(&shelves, slug)?;
    seen.check(before.version)?;
    let mut after = before.clone();
    after.title = form.title.clone().unwrap_or(after.title);
    after.description = form.description.clone().unwrap_or(after.description);
    if let Some(wanted) = &form.wanted {
        after.members = members(wanted, &shelves)?;
    }
    after.pending = after.pending_after(Some(&before));
    let changed = collection_changes(Some(&before), Some(&after));
    let events = [note(app, &call, "collection.change", slug, changed)];
    match app.store.save_collection(Some(&before), &after, &events, call.now).await? {
        Saved::Yes => {
            let version = before.version + 1;
            Ok(Versioned(Collection { version, ..after }.into(), version))
        }
        Saved::Raced => Err(no_match()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(flaws_of::<Change>(&json!({})), []);
        let flaws = flaws_of::<Change>(&json!({"products": ["mug"]}));
        assert_eq!(flaws, [("/products/0".to_owned(), "malformed_id")]);
    }
}
