//! `DELETE /v1/store/carts/{id}/lines/{line_id}`: takes a line out.

use api::view::cart::CartView;
use api::{CartOwner, Metered, Path, Reply};
use runtime::Call;

use crate::App;
use crate::change::{self, Turn, WhichLine};

/// Takes a line out of a cart.
pub async fn handle(app: &App, call: Call<Metered<CartOwner>, Path<WhichLine>>) -> Reply<CartView> {
    let Path(which) = &call.input;
    let turn = Turn::of(&call, which.id);
    change::change(app, turn, None, |cart, _| cart.remove(which.line_id)).await
}
