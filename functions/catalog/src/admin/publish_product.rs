//! `POST /v1/admin/products/{id}/publish`: a draft goes into the store, now.

use api::view::catalog::AdminProductView;
use api::{Path, Reply, Staff, Versioned};
use domain::catalog::Status;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::act;
use crate::form::WhichProduct;

/// Puts a product into the store.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Path<WhichProduct>>,
) -> Reply<Versioned<AdminProductView>> {
    let Path(WhichProduct { id }) = &call.input;
    act(app, &call, *id, "product.publish", |product| {
        Ok(product.become_status(Status::Active, call.now)?)
    })
    .await
}
