//! `POST /v1/store/orders/{id}/edit/approve`: the buyer agrees to an edit, and it is applied: one
//! write changes the order, gives back and holds stock, asks for the refund and places the order of
//! what is added. Where something is left to be paid that order waits for its payment as any other.

use api::form::OrderPath;
use api::reply::{Answer, Remembered};
use api::view::order_edit::{ApprovedEditView, ProposedEditView};
use api::{Body, KeyRequired, OrderReader, Path, Problem, Reply};
use domain::order_edit::Refusal;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;

use crate::App;
use crate::desk::{RACES_MAX, load};
use crate::edits::{Applying, Done, Yes, actor, apply, seen};

type Given = (Path<OrderPath>, (KeyRequired, Body<Yes>));

/// Agrees to an edit.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, Given>,
) -> Reply<Remembered<ApprovedEditView>> {
    let (Path(OrderPath { id }), (_, Body(Yes(yes)))) = &call.input;
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        let edit = seen(&file, &call.who)?;
        if edit.number != yes.number {
            return Err(Refusal::Superseded.into());
        }
        let (by, claim) = (actor(&call.who), call.claim.as_ref());
        let applying = Applying { by, is_buyer: true, event: None, claim };
        let view = |done: &Done| ApprovedEditView {
            edit: ProposedEditView::of(&file.order, &done.edit, call.now),
            order_token: done.order_token.clone(),
        };
        let answer = |done: &Done| stored(&Answer::json(StatusCode::OK, &view(done)));
        let done = Box::pin(apply(app, (&file, &edit), applying, answer, call.now)).await?;
        if let Some(done) = done {
            return Ok(Remembered(view(&done)));
        }
    }
    Err(Problem::unavailable())
}
