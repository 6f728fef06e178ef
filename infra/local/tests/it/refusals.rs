//! Every limit and every no, each with the sentence that it keeps.

mod cart;
mod checkout;
mod identity;
pub(crate) mod payments;
mod platform;
mod reading;

use domain::catalog::Offer;
use local::Response;
use serde_json::{Value, json};
use testkit::goods::{self, Good, Goods};

use crate::world::{self, Shopper};

fn at(shopper: &Shopper, rest: &str) -> String {
    format!("/v1/store/carts/{}{rest}", shopper.cart)
}

async fn put(shopper: &Shopper, variant: &str, quantity: i64) -> Response {
    let body = json!({"variant_id": variant, "quantity": quantity});
    shopper.call("POST", &at(shopper, "/lines"), &body).await
}

/// The small shop, with one good's offer changed.
fn changed(good: Good, change: impl Fn(&mut Offer)) -> Goods {
    let mut goods = goods::small(world::MUGS);
    let offers = goods.products.iter_mut().flat_map(|(_, offers)| offers);
    offers.filter(|offer| offer.sku == good.typed_sku()).for_each(change);
    goods
}

fn euros(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}
