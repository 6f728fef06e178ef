//! `POST /v1/admin/orders/{id}/edits/{number}/withdraw`: takes an edit back that nobody has agreed
//! to. Its link is good no more. Said twice it is done once.

use api::view::order_edit::OrderEditView;
use api::{Path, Problem, Reply, Staff};
use domain::order_edit::Status;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::desk::{RACES_MAX, load};
use crate::edits::{WhichEdit, find, noted};

/// Takes an edit back.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Path<WhichEdit>>,
) -> Reply<OrderEditView> {
    let Path(WhichEdit { id, number }) = call.input;
    for _ in 0..RACES_MAX {
        let file = load(app, id).await?;
        let edit = find(&file, number)?;
        if edit.status == Status::Withdrawn {
            return Ok(OrderEditView::of(&file.order, &edit, call.now));
        }
        let after = edit.clone().withdraw(call.who.actor(), call.now)?;
        let events = [noted(app, &call, "order_edit.withdraw", (Some(&edit), &after))?];
        if app.store.save_edits(&[&after], &events, None).await? == Saved::Yes {
            return Ok(OrderEditView::of(&file.order, &after, call.now));
        }
    }
    Err(Problem::unavailable())
}
