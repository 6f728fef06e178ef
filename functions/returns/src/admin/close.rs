//! `POST /v1/admin/orders/{id}/returns/{return_id}/close`: the buyer gets nothing for it, because
//! it never came or something else did, and is told why.

use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, Path, Reply, Versioned};
use domain::returns::Resolution;
use runtime::Call;

use crate::App;
use crate::desk::{Clerk, Seen, Why, step};

/// Settles it with nothing.
pub async fn handle(
    app: &App,
    call: Call<Clerk, Seen<Why>>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, Body(Why { reason }))) = &call.input;
    step(app, &call, (*which, *seen), "return.close", |returned, file| {
        let resolution = Resolution::None { reason: reason.clone() };
        returned.resolve(&file.order, &file.returns, resolution, call.now)
    })
    .await
}
