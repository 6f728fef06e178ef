//! `GET /v1/store/carts/{id}`: the cart, priced now.

use api::reply::Cache;
use api::view::cart::CartView;
use api::{Cached, CartOwner, Path, Reply};
use runtime::Call;

use crate::App;
use crate::change::{self, Which};

/// Shows a cart.
pub async fn handle(app: &App, call: Call<CartOwner, Path<Which>>) -> Reply<Cached<CartView>> {
    let cart = change::load(app, call.input.0.id, &call.who).await?;
    let facts = change::facts(app, &cart, None, call.now).await?;
    Ok(Cached(change::show(&cart, &facts)?, Cache::Private))
}
