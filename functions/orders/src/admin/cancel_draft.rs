//! `POST /v1/admin/draft_orders/{id}/cancel`: calls a draft order off. Its link is good no more, in
//! the same write; what was ordered already is called off as the order that it is.

use api::form::DraftPath;
use api::reply::{Output as _, Remembered};
use api::view::draft::DraftView;
use api::{Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;
use runtime::endpoint::stored;
use store::Saved;

use crate::App;
use crate::drafts::{Facts, RACES_MAX, linked, load, noted};

/// Calls a draft off.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Path<DraftPath>>,
) -> Reply<Remembered<Versioned<DraftView>>> {
    let Path(DraftPath { id }) = &call.input;
    for _ in 0..RACES_MAX {
        let before = load(app, *id).await?;
        let cart = linked(app, &before).await?;
        let facts = Facts::about(app, &before, call.now).await?;
        let changed = before.clone().cancel(cart, call.now)?;
        let version = before.version + 1;
        let view = || facts.show(&changed.draft, version);
        let events = [noted(app, &call, "draft_order.cancel", Some(&before), &changed.draft)?];
        let remembered = stored(&Versioned(view()?, version).answer(&call.request));
        let remembered = call.claim.as_ref().map(|claim| (claim, &remembered));
        if app.store.save_draft(&changed, &events, remembered).await? == Saved::Yes {
            return Ok(Remembered(Versioned(view()?, version)));
        }
    }
    Err(Problem::unavailable())
}
