//! `POST /v1/admin/products/{id}/archive`: a product is not sold any more; orders that hold it stay
//! as they are.

use api::view::catalog::AdminProductView;
use api::{Path, Reply, Staff, Versioned};
use domain::catalog::Status;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::act;
use crate::form::WhichProduct;

/// Puts a product into the archive.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, Path<WhichProduct>>,
) -> Reply<Versioned<AdminProductView>> {
    let Path(WhichProduct { id }) = &call.input;
    act(app, &call, *id, "product.archive", |product| {
        Ok(product.become_status(Status::Archived, call.now)?)
    })
    .await
}
