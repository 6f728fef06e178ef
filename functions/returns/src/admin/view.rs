//! `GET /v1/admin/orders/{id}/returns/{return_id}`: one return, with the tag that it is moved by.

use api::view::returns::ReturnView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::{WhichReturn, find, load};

/// Shows a return.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ReturnsRead>, Path<WhichReturn>>,
) -> Reply<Versioned<ReturnView>> {
    let Path(which) = call.input;
    let returned = find(&load(app, which.order).await?, which.returned)?;
    Ok(Versioned(ReturnView::from(&returned), returned.version))
}
