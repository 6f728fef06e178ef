//! `GET /v1/store/carts/{id}/shipping_options`: the ways of sending this very cart.

use api::view::cart::{OptionView, OptionsView};
use api::{CartOwner, Path, Reply};
use domain::cart::Refusal;
use runtime::Call;

use crate::App;
use crate::change::{self, Which};

/// Lists the ways of sending a cart, cheapest first. Nothing to send is an empty list.
pub async fn handle(app: &App, call: Call<CartOwner, Path<Which>>) -> Reply<OptionsView> {
    let cart = change::load(app, call.input.0.id, &call.who).await?;
    let facts = change::facts(app, &cart, None, call.now).await?;
    let options = match cart.shipping_options(&facts.offers_of(&cart), &facts.settings.shipping) {
        Ok(options) => options,
        Err(Refusal::ShippingNotNeeded) => Vec::new(),
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(OptionsView { data: options.into_iter().map(OptionView::from).collect() })
}
