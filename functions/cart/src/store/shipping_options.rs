//! `GET /v1/store/carts/{id}/shipping_options`: the ways of sending this very cart, at the
//! carriers' own prices where they answer in time.

use api::form::CartPath;
use api::view::cart::{OptionView, OptionsView};
use api::{CartOwner, Path, Reply};
use domain::cart::{Cart, Refusal};
use domain::shipping::ShippingOption;
use runtime::Call;
use store::CartFacts;

use crate::{App, change, quotes};

/// Lists the ways of sending a cart, cheapest first. Nothing to send is an empty list.
pub async fn handle(app: &App, call: Call<CartOwner, Path<CartPath>>) -> Reply<OptionsView> {
    let cart = change::load(app, call.input.0.id, &call.who).await?;
    let facts = change::facts(app, &cart, None, call.now).await?;
    let mut options = options(&cart, &facts)?;
    if let Some(quote) = quotes::ask(app, &cart, &facts).await {
        options = facts.settings.shipping.with_quote(options, &quote);
    }
    Ok(OptionsView { data: options.into_iter().map(OptionView::from).collect() })
}

/// Nothing to send is an empty list; without an address, nobody knows.
fn options(cart: &Cart, facts: &CartFacts) -> Result<Vec<ShippingOption>, Refusal> {
    match cart.shipping_options(&facts.offers_of(cart), &facts.settings.shipping, facts.now) {
        Err(Refusal::ShippingNotNeeded) => Ok(Vec::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use domain::address::{Address, Email};
    use serde_json::json;
    use testkit::goods::{Good, MUG, TEMPLATE};

    use super::*;
    use crate::change::samples;

    fn asked(good: Good, is_addressed: bool) -> Result<usize, Refusal> {
        let facts = samples::facts();
        let mut cart = samples::cart(&facts, good, "li_01ARZ3NDEKTSV4RRFFQ69G5FAV");
        if is_addressed {
            let address: Address = serde_json::from_value(json!({
                "name": "Jane Roe", "line1": "Lindenstrasse 1", "city": "Berlin",
                "postal_code": "10969", "country": "DE",
            }))
            .unwrap();
            let email = Email::parse("jane@example.org").unwrap();
            cart = cart.address(email, Some(address), None);
        }
        options(&cart, &facts).map(|options| options.len())
    }

    #[test]
    fn what_is_downloaded_goes_no_way_and_a_parcel_wants_an_address() {
        assert!(matches!(asked(TEMPLATE, false), Ok(0)));
        assert!(matches!(asked(MUG, false), Err(Refusal::AddressMissing)));
        assert!(asked(MUG, true).unwrap() > 0);
    }
}
