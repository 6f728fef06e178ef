//! `GET /v1/store/me/addresses/{id}`: one address of the customer's book.

use api::reply::Cache;
use api::view::account::AddressView;
use api::{Cached, Customer, Path, Problem, Reply};
use runtime::Call;

use crate::App;
use crate::address_book::Which;

/// Shows an address.
pub async fn handle(app: &App, call: Call<Customer, Path<Which>>) -> Reply<Cached<AddressView>> {
    let Path(Which { id }) = call.input;
    let kept = app.store.address(call.who.id, id).await?.ok_or_else(Problem::not_found)?;
    let book = app.store.book(call.who.id).await?;
    Ok(Cached(AddressView::of(kept, &book), Cache::Private))
}
