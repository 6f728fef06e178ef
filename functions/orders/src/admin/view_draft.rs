//! `GET /v1/admin/draft_orders/{id}`: a draft order with what it costs: as agreed while its link is
//! out, else as it would be now.

use api::form::DraftPath;
use api::view::draft::DraftView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::drafts::{Facts, load};

/// Shows a draft.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<DraftPath>>,
) -> Reply<Versioned<DraftView>> {
    let Path(DraftPath { id }) = call.input;
    let draft = load(app, id).await?;
    let facts = Facts::about(app, &draft, call.now).await?;
    Ok(Versioned(facts.show(&draft, draft.version)?, draft.version))
}
