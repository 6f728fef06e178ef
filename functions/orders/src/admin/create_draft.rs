//! `POST /v1/admin/draft_orders`: begins a draft order, for a buyer on the phone or by mail. It
//! holds no stock and asks nobody for money until its pay link is sent.

use api::reply::{CreatedVersion, Output as _, Remembered};
use api::view::draft::DraftView;
use api::{Body, Problem, Reply, Staff};
use domain::draft::{Changed, Draft};
use domain::id::{DraftId, LineId};
use domain::permission::grant;
use runtime::Call;
use runtime::endpoint::stored;
use store::Saved;

use crate::App;
use crate::drafts::{Facts, Written, noted};

/// Begins a draft.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Body<Written>>,
) -> Reply<Remembered<CreatedVersion<DraftView>>> {
    let Body(written) = &call.input;
    let id = DraftId::from_ulid(app.ids.ulid(call.now));
    let facts = Facts::of(app, &written.variants(), call.now).await?;
    let asked = written.asked(|| LineId::from_ulid(app.ids.ulid(call.now)));
    let draft = Draft::begin(id, facts.content(id, asked)?, call.who.actor(), call.now);
    let view = || facts.show(&draft, 1);
    let events = [noted(app, &call, "draft_order.create", None, &draft)?];
    let remembered = stored(&CreatedVersion(view()?, 1).answer(&call.request));
    let remembered = call.claim.as_ref().map(|claim| (claim, &remembered));
    let changed = Changed { draft: draft.clone(), closed: None, opened: None };
    match app.store.save_draft(&changed, &events, remembered).await? {
        Saved::Yes => Ok(Remembered(CreatedVersion(view()?, 1))),
        Saved::Raced => Err(Problem::unavailable()),
    }
}
