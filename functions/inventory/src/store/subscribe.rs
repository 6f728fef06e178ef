//! `POST /v1/store/products/{id}/variants/{variant_id}/back_in_stock`: one letter when it is back.
//!
//! The answer is the same whether or not the address waits already. How often is counted by the
//! address that is to get the letter and by the caller's: nobody is written to by strangers for
//! ever.

use api::form::{email, product_id, variant_id};
use api::reply::{Accepted, View};
use api::{Anyone, Body, Fields, Form, Metered, Path, Problem, Reply};
use domain::address::Email;
use domain::catalog::{Kind, Status};
use domain::id::{ProductId, VariantId};
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;
use store::subscription::{Subscribed, Subscription, WAITS_MAX};

use crate::App;

/// Which variant of which product.
#[derive(Debug, Clone, Copy)]
pub struct WhichVariant {
    id: ProductId,
    variant: VariantId,
}

impl Form for WhichVariant {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", product_id());
        let variant = fields.required("variant_id", variant_id());
        Some(Self { id: id?, variant: variant? })
    }
}

/// Whom to tell.
pub struct Waiting {
    email: Email,
}

/// It holds an address.
impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting(…)")
    }
}

impl Form for Waiting {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.required("email", email());
        Some(Self { email: email? })
    }
}

/// What is promised.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BackInStockPromise")]
pub struct Promise {
    /// Always `we_will_write`.
    pub status: &'static str,
}

impl View for Promise {}

/// Remembers who waits.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, (Path<WhichVariant>, Body<Waiting>)>,
) -> Reply<Accepted<Promise>> {
    let (Path(WhichVariant { id, variant }), Body(Waiting { email })) = &call.input;
    let product = app.store.product(*id).await?.filter(|one| one.status == Status::Active);
    let product = product.ok_or_else(Problem::not_found)?;
    let wanted = product.variants.iter().find(|one| one.id == *variant);
    let wanted = wanted.ok_or_else(Problem::not_found)?;
    let is_endless = product.kind == Kind::Digital && !wanted.has_keys;
    if wanted.available > 0 || is_endless {
        return Err(Problem::conflict("in_stock", "It can be had now."));
    }
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    doors.may_write_to(&app.store, &call, &format!("back {}", email.key())).await?;
    let subscription = Subscription {
        sku: wanted.sku.clone(),
        title: product.title.clone(),
        slug: product.slug.clone(),
        email: email.clone(),
        created_at: call.now,
    };
    match app.store.subscribe(&subscription).await? {
        Subscribed::Yes => Ok(Accepted(Promise { status: "we_will_write" })),
        Subscribed::TooMany => {
            let detail = format!("An address waits for at most {WAITS_MAX} things.");
            Err(Problem::conflict("waits_full", detail).member("waits_max", WAITS_MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_waits_has_an_address() {
        assert_eq!(flaws_of::<Waiting>(&json!({"email": "jane@example.org"})), []);
        let flaws = flaws_of::<Waiting>(&json!({"email": "jane"}));
        assert_eq!(flaws, [("/email".to_owned(), "malformed")]);
    }
}
