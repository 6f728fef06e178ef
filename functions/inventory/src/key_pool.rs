//! What the endpoints of key pools share.

use api::form::{Id, Parsed};
use api::{Problem, Reply};
use domain::catalog::Sku;
use domain::id::PoolKeyId;
use domain::key_pool::{CHARS_MAX, KeyText, Pool, Refusal};

use crate::App;

/// Reads a key.
pub(crate) const fn key_text() -> Parsed<KeyText> {
    let expected = "6 to 200 printable ASCII characters without a space at either end";
    Parsed::by(KeyText::parse, expected, CHARS_MAX).pattern("^[!-~][ -~]{4,198}[!-~]$")
}

/// Reads the id of a key.
pub(crate) const fn pool_key_id() -> Id<PoolKeyId> {
    api::form::pool_key_id()
}

/// The pool of a SKU; where no key was ever added there is none.
pub(crate) async fn load(app: &App, sku: &Sku) -> Reply<Pool> {
    app.store.key_pool(sku).await?.ok_or_else(Problem::not_found)
}

/// Refuses a SKU that is none of the shop's, or whose units are not keys.
pub(crate) async fn check(app: &App, sku: &Sku) -> Reply<()> {
    let offer = app.store.offer_of(sku).await?.ok_or_else(Problem::not_found)?;
    if offer.has_keys { Ok(()) } else { Err(Refusal::NoKeys.into()) }
}
