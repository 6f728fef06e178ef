//! `PUT /v1/store/me/addresses/{id}`: the address as it shall be from now on. Orders keep the one
//! that they were made with.

use api::view::account::AddressView;
use api::{Body, Customer, Path, Problem, Reply};
use domain::address_book::Kept;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::address_book::{AddressForm, RACES_MAX, Which};

/// Changes an address.
pub async fn handle(
    app: &App,
    call: Call<Customer, (Path<Which>, Body<AddressForm>)>,
) -> Reply<AddressView> {
    let (Path(Which { id }), Body(AddressForm { address, defaults })) = call.input;
    for _ in 0..RACES_MAX {
        let known = app.store.address(call.who.id, id).await?.ok_or_else(Problem::not_found)?;
        let kept = Kept { address: address.clone(), ..known };
        let before = app.store.book(call.who.id).await?;
        let after = before.change(id, defaults);
        if app.store.keep_address(call.who.id, &kept, &before, &after).await? == Saved::Yes {
            return Ok(AddressView::of(kept, &after));
        }
    }
    Err(Problem::unavailable())
}
