//! `POST /v1/admin/orders/{id}/returns/{return_id}/cancel`: the buyer keeps it after all, and said
//! so to somebody. Its lines may be asked for again.

use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{IfMatch, Path, Reply, Versioned};
use runtime::Call;

use crate::App;
use crate::desk::{Clerk, WhichReturn, step};

/// Calls a return off.
pub async fn handle(
    app: &App,
    call: Call<Clerk, (Path<WhichReturn>, IfMatch)>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), seen) = call.input;
    step(app, &call, (which, seen), "return.cancel", |returned, file| {
        returned.cancel(&file.order, &file.returns, call.now)
    })
    .await
}
