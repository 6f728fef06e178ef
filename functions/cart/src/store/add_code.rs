//! `POST /v1/store/carts/{id}/codes`: puts a code into a cart.
//!
//! A code that is unknown, over, used up or does not go with the cart is refused and does not go
//! in. Guessing is limited by the caller's address: each try takes a token before the code is
//! looked for, and a code that was no guess gives it back.

use api::form::CartPath;
use api::view::cart::CartView;
use api::view::promotion::code;
use api::{Body, CartOwner, Fields, Form, Metered, Path, Problem, Reply, Request};
use domain::limit::Limit;
use domain::promotion::Code;
use domain::promotion::code::AppliedCode;
use domain::promotion::in_cart::{Refusal, may_stay};
use runtime::Call;
use store::limit::{Bucket, Taken};

use crate::App;
use crate::change::{self, Turn};

/// What somebody typed.
#[derive(Debug)]
pub struct Typed {
    code: Code,
}

impl Form for Typed {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.required("code", code());
        Some(Self { code: code? })
    }
}

/// Puts a code in.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, (Path<CartPath>, Body<Typed>)>,
) -> Reply<CartView> {
    let (Path(CartPath { id }), Body(Typed { code })) = &call.input;
    let guesses = take(app, &call.request).await?;
    let Some(entry) = app.store.code(code).await? else {
        // Somebody else's cart is not there, whatever the code.
        change::load(app, *id, &call.who.0).await?;
        return Err(domain::cart::Refusal::from(Refusal::Unknown).into());
    };
    let applied = AppliedCode { code: entry.code, promotion: entry.promotion };
    let shown = change::edit(
        app,
        Turn::of(&call, *id),
        |cart| Ok(cart.enter(applied.clone())?),
        |promoted| Ok(may_stay(promoted, &applied.code)?),
    )
    .await?;
    // Where that fails, the caller has one try less for a while.
    if let Err(fault) = app.store.return_tokens(&guesses, 1).await {
        tracing::warn!(fault = %fault, "a token is not given back");
    }
    Ok(shown)
}

/// Takes a try from the caller's address, or says no.
async fn take(app: &App, request: &Request) -> Reply<Bucket> {
    let mut bucket = app.doors.address_bucket(Limit::Code, request);
    match app.store.take(&mut bucket, 1, request.now).await? {
        Taken::Yes(_) => Ok(bucket),
        Taken::No(standing) => Err(api::headers::limited(Problem::too_many(&standing), &standing)),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_is_typed_as_people_type() {
        assert_eq!(flaws_of::<Typed>(&json!({"code": " summer-10 "})), []);
        for wrong in [json!(""), json!("a b c"), json!(7)] {
            assert_eq!(flaws_of::<Typed>(&json!({"code": wrong})).len(), 1);
        }
    }
}
