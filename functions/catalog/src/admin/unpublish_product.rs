//! `POST /v1/admin/products/{id}/unpublish`: a product is a draft again and out of the store.

use api::view::catalog::AdminProductView;
use api::{Path, Reply, Staff, Versioned};
use domain::catalog::Status;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::act;
use crate::form::WhichProduct;

/// Takes a product out of the store.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Path<WhichProduct>>,
) -> Reply<Versioned<AdminProductView>> {
    let Path(WhichProduct { id }) = &call.input;
    act(app, &call, *id, "product.unpublish", |product| {
        Ok(product.become_status(Status::Draft, call.now)?)
    })
    .await
}
