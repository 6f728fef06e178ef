//! `POST /v1/store/me/addresses`: one address more in the customer's book.

use api::view::account::AddressView;
use api::{Body, Created, Customer, Problem, Reply};
use domain::address_book::Kept;
use domain::id::AddressId;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::address_book::{AddressForm, RACES_MAX, refused};

/// Adds an address.
pub async fn handle(
    app: &App,
    call: Call<Customer, Body<AddressForm>>,
) -> Reply<Created<AddressView>> {
    let Body(AddressForm { address, defaults }) = call.input;
    let id = AddressId::from_ulid(app.ids.ulid(call.now));
    let kept = Kept { id, address, created_at: call.now };
    for _ in 0..RACES_MAX {
        let before = app.store.book(call.who.id).await?;
        let after = before.add(id, defaults).map_err(refused)?;
        if app.store.keep_address(call.who.id, &kept, &before, &after).await? == Saved::Yes {
            return Ok(Created(AddressView::of(kept, &after)));
        }
    }
    Err(Problem::unavailable())
}
