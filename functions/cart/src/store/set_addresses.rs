//! `PUT /v1/store/carts/{id}/addresses`: where the goods and the letters go.

use api::form::{Nested, email};
use api::view::cart::CartView;
use api::{Body, CartOwner, Fields, Form, Path, Reply};
use domain::address::{Address, Email};
use runtime::Call;

use crate::App;
use crate::change::{self, Which};

/// Addresses.
#[derive(Debug)]
pub struct Addresses {
    email: Email,
    shipping: Address,
    billing: Option<Address>,
}

impl Form for Addresses {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        let shipping = fields.required("shipping_address", Nested::form());
        let billing = fields.optional("billing_address", Nested::form());
        Some(Self { email: email?, shipping: shipping?, billing: billing? })
    }
}

/// Says where the goods and the letters go.
pub async fn handle(
    app: &App,
    call: Call<CartOwner, (Path<Which>, Body<Addresses>)>,
) -> Reply<CartView> {
    let (Path(Which { id }), Body(to)) = call.input;
    change::change(app, id, &call.who, call.now, None, |cart, _| {
        Ok(cart.address(to.email.clone(), to.shipping.clone(), to.billing.clone()))
    })
    .await
}
