//! `POST /v1/store/orders/{id}/edit/decline`: the buyer keeps the order as it is. Whoever proposed
//! the edit is told. Said twice it is done once.

use api::form::OrderPath;
use api::view::order_edit::ProposedEditView;
use api::{Body, OrderReader, Path, Problem, Reply};
use domain::order_edit::{Refusal, Status};
use runtime::Call;
use store::Saved;

use crate::App;
use crate::desk::{RACES_MAX, load};
use crate::edits::{No, actor, closing, seen};

/// Says no to an edit.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, (Path<OrderPath>, Body<No>)>,
) -> Reply<ProposedEditView> {
    let (Path(OrderPath { id }), Body(No(no))) = &call.input;
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        let edit = seen(&file, &call.who)?;
        if edit.number != no.number {
            return Err(Refusal::Superseded.into());
        }
        if edit.status == Status::Declined {
            return Ok(ProposedEditView::of(&file.order, &edit, call.now));
        }
        let after = edit.decline(no.reason.clone(), actor(&call.who), call.now)?;
        let events = [closing(app, &after, call.now)];
        if app.store.save_edits(&[&after], &events, None).await? == Saved::Yes {
            return Ok(ProposedEditView::of(&file.order, &after, call.now));
        }
    }
    Err(Problem::unavailable())
}
