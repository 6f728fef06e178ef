//! `POST /v1/admin/orders/{id}/returns/{return_id}/reject`: it stays with the buyer, who is told
//! why.

use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, Path, Reply, Versioned};
use runtime::Call;

use crate::App;
use crate::desk::{Clerk, Seen, Why, step};

/// Does not let the buyer send it.
pub async fn handle(
    app: &App,
    call: Call<Clerk, Seen<Why>>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, Body(Why { reason }))) = &call.input;
    step(app, &call, (*which, *seen), "return.reject", |returned, file| {
        returned.reject(&file.order, &file.returns, reason.clone(), call.now)
    })
    .await
}
