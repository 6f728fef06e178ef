//! `DELETE /v1/admin/products/{id}/variants/{variant_id}`: a variant goes, and its SKU is free.
//! Orders that hold it stay as they are; in carts it is not for sale any more.

use api::view::catalog::AdminProductView;
use api::{IfMatch, Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::change::change;
use crate::form::WhichVariant;

/// Takes a variant out.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsWrite>, (Path<WhichVariant>, IfMatch)>,
) -> Reply<Versioned<AdminProductView>> {
    let (Path(WhichVariant { id, variant_id }), seen) = &call.input;
    change(app, &call, (*id, *seen), "product.remove_variant", |product, _| {
        Ok(product.remove_variant(*variant_id)?)
    })
    .await
}
