//! `DELETE /v1/store/carts/{id}/lines/{line_id}`: takes a line out.

use api::view::cart::CartView;
use api::{CartOwner, Path, Reply};
use runtime::Call;

use crate::App;
use crate::change::{self, WhichLine};

/// Takes a line out of a cart.
pub async fn handle(app: &App, call: Call<CartOwner, Path<WhichLine>>) -> Reply<CartView> {
    let Path(which) = call.input;
    change::change(app, which.id, &call.who, call.now, None, |cart, _| cart.remove(which.line_id))
        .await
}
