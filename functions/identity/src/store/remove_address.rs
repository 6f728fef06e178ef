//! `DELETE /v1/store/me/addresses/{id}`: takes an address out of the customer's book.

use api::{Customer, NoContent, Path, Problem, Reply};
use runtime::Call;
use store::Saved;

use crate::App;
use crate::address_book::{RACES_MAX, Which};

/// Removes an address.
pub async fn handle(app: &App, call: Call<Customer, Path<Which>>) -> Reply<NoContent> {
    let Path(Which { id }) = call.input;
    for _ in 0..RACES_MAX {
        app.store.address(call.who.id, id).await?.ok_or_else(Problem::not_found)?;
        let before = app.store.book(call.who.id).await?;
        let after = before.remove(id);
        if app.store.remove_address(call.who.id, id, &before, &after).await? == Saved::Yes {
            return Ok(NoContent);
        }
    }
    Err(Problem::unavailable())
}
