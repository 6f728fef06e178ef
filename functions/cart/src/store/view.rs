//! `GET /v1/store/carts/{id}`: the cart, priced now.

use api::form::CartPath;
use api::reply::Cache;
use api::view::cart::CartView;
use api::{Cached, CartOwner, Path, Reply};
use runtime::Call;

use crate::{App, change};

/// Shows a cart.
pub async fn handle(app: &App, call: Call<CartOwner, Path<CartPath>>) -> Reply<Cached<CartView>> {
    let cart = change::load(app, call.input.0.id, &call.who).await?;
    let cart = app.store.look_again(cart, call.now).await?;
    let facts = change::facts(app, &cart, None, call.now).await?;
    Ok(Cached(change::show(&cart, &facts)?, Cache::Private))
}

#[cfg(test)]
mod tests {
    use store::CartFacts;
    use testkit::goods::MUG;

    use crate::change::{samples, show};

    #[test]
    fn a_cart_shows_what_its_lines_cost_now() {
        let mut facts = samples::facts();
        let cart = samples::cart(&facts, MUG, "li_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let subtotal = |facts: &CartFacts| {
            let shown = serde_json::to_value(show(&cart, facts).unwrap()).unwrap();
            shown["totals"]["subtotal"]["amount"].clone()
        };
        let before = subtotal(&facts);
        assert_eq!(before, 2500);
        for offer in facts.offers.values_mut() {
            offer.prices.values_mut().for_each(|price| *price += 100);
        }
        assert_eq!(subtotal(&facts), 2700);
    }
}
