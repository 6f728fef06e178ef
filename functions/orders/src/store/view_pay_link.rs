//! `GET /v1/store/pay_links/{id}`: what a pay link is about, for whoever holds its token. It is
//! used by completing its cart, as any other cart is; here nothing is written.

use api::form::CartPath;
use api::reply::Cache;
use api::view::draft::PayLinkView;
use api::{Cached, CartOwner, Path, Problem, Reply};
use runtime::Call;

use crate::App;

/// Shows what is to be paid. Without the link's token, or for a cart that no link opens, nothing is
/// there.
pub async fn handle(
    app: &App,
    call: Call<CartOwner, Path<CartPath>>,
) -> Reply<Cached<PayLinkView>> {
    let Path(CartPath { id }) = call.input;
    let cart = app.store.cart(id).await?.filter(|cart| call.who.owns(cart));
    let view = cart.and_then(|cart| PayLinkView::of(cart, call.now));
    Ok(Cached(view.ok_or_else(Problem::not_found)?, Cache::Private))
}
