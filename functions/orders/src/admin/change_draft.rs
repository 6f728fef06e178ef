//! `PUT /v1/admin/draft_orders/{id}`: writes a draft order anew, all of it. A link that was sent of
//! it is good no more, in the same write; what was ordered already is not changed.

use api::form::DraftPath;
use api::input::no_match;
use api::view::draft::DraftView;
use api::{Body, IfMatch, Path, Reply, Staff, Versioned};
use domain::id::LineId;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::drafts::{Facts, Written, linked, load, noted};

/// Which draft, as it was seen, and what is in it from now on.
type Given = (Path<DraftPath>, (IfMatch, Body<Written>));

/// Writes a draft anew.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Given>,
) -> Reply<Versioned<DraftView>> {
    let (Path(DraftPath { id }), (seen, Body(written))) = &call.input;
    let before = load(app, *id).await?;
    seen.check(before.version)?;
    let cart = linked(app, &before).await?;
    let facts = Facts::of(app, &written.variants(), call.now).await?;
    let asked = written.asked(|| LineId::from_ulid(app.ids.ulid(call.now)));
    let changed = before.clone().change(facts.content(*id, asked)?, cart, call.now)?;
    let version = before.version + 1;
    let view = facts.show(&changed.draft, version)?;
    let events = [noted(app, &call, "draft_order.change", Some(&before), &changed.draft)?];
    match app.store.save_draft(&changed, &events, None).await? {
        Saved::Yes => Ok(Versioned(view, version)),
        Saved::Raced => Err(no_match()),
    }
}
