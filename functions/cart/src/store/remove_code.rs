//! `DELETE /v1/store/carts/{id}/codes/{code}`: takes a code out of a cart.

use api::form::cart_id;
use api::view::cart::CartView;
use api::view::promotion::code;
use api::{CartOwner, Fields, Form, Metered, Path, Reply};
use domain::id::CartId;
use domain::promotion::Code;
use runtime::Call;

use crate::App;
use crate::change::{self, Turn};

/// Which code of which cart.
#[derive(Debug)]
pub struct WhichCode {
    id: CartId,
    code: Code,
}

impl Form for WhichCode {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", cart_id());
        let code = fields.required("code", code());
        Some(Self { id: id?, code: code? })
    }
}

/// Takes a code out.
pub async fn handle(app: &App, call: Call<Metered<CartOwner>, Path<WhichCode>>) -> Reply<CartView> {
    let Path(WhichCode { id, code }) = &call.input;
    let withdraw = |cart: domain::cart::Cart| Ok(cart.withdraw(code)?);
    change::edit(app, Turn::of(&call, *id), withdraw, |_| Ok(())).await
}
