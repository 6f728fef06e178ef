//! `GET /v1/admin/products/{id}`: a product, with the version that a change of it wants.

use api::view::catalog::AdminProductView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::load;
use crate::form::WhichProduct;

/// Shows a product.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsRead>, Path<WhichProduct>>,
) -> Reply<Versioned<AdminProductView>> {
    let product = load(app, call.input.0.id).await?;
    let version = product.version;
    Ok(Versioned(product.into(), version))
}
