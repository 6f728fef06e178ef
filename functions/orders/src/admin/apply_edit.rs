//! `POST /v1/admin/orders/{id}/edits/{number}/apply`: applies an edit that costs the buyer nothing
//! more. One that does is theirs to agree to. One write changes the order, gives back and holds
//! stock, asks for the refund, places what is added and remembers the answer.

use api::reply::{Answer, Remembered};
use api::view::order_edit::OrderEditView;
use api::{KeyRequired, Path, Problem, Reply, Staff};
use domain::order_edit::Made;
use domain::permission::grant;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;

use crate::App;
use crate::desk::{RACES_MAX, load};
use crate::edits::{Applying, Done, WhichEdit, apply, find, noted};

/// Applies an edit.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, (Path<WhichEdit>, KeyRequired)>,
) -> Reply<Remembered<OrderEditView>> {
    let Path(WhichEdit { id, number }) = call.input.0;
    for _ in 0..RACES_MAX {
        let file = load(app, id).await?;
        let edit = find(&file, number)?;
        let by = call.who.actor();
        let after = edit.clone().applied(Made::default(), by, call.now);
        let event = Some(noted(app, &call, "order_edit.apply", (Some(&edit), &after))?);
        let claim = call.claim.as_ref();
        let applying = Applying { by, is_buyer: false, event, claim };
        let view = |done: &Done| OrderEditView::of(&file.order, &done.edit, call.now);
        let answer = |done: &Done| stored(&Answer::json(StatusCode::OK, &view(done)));
        let done = Box::pin(apply(app, (&file, &edit), applying, answer, call.now)).await?;
        if let Some(done) = done {
            return Ok(Remembered(view(&done)));
        }
    }
    Err(Problem::unavailable())
}
