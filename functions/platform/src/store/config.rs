//! `GET /v1/store/config`: what every page of a storefront needs to know of the shop. Public, and
//! kept by caches for a minute.

use api::reply::{Cache, View};
use api::{Anyone, Cached, Problem, Reply};
use domain::catalog::Locale;
use domain::currency::Currency;
use domain::shop::{ReturnPolicy, Shop, UnitSystem};
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// The shop, as everybody may know it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConfigView {
    /// What it is called.
    name: String,
    /// What carts may be priced in.
    currencies: Vec<Currency>,
    /// What a cart is priced in that asks for nothing.
    default_currency: Currency,
    /// The languages of its texts.
    locales: Vec<Locale>,
    /// The language of the texts that are not translated.
    default_locale: Locale,
    /// What it promises about returns.
    return_policy: ReturnPolicy,
    /// How it shows weights and lengths.
    unit_system: UnitSystem,
}

impl View for ConfigView {}

impl ConfigView {
    fn of(shop: Shop, own: Currency) -> Self {
        let default_currency = shop.currency(own);
        let currencies =
            if shop.currencies.is_empty() { vec![default_currency] } else { shop.currencies };
        Self {
            name: shop.name,
            currencies,
            default_currency,
            locales: shop.locales,
            default_locale: shop.default_locale,
            return_policy: shop.return_policy,
            unit_system: shop.unit_system,
        }
    }
}

/// Shows the shop.
pub async fn handle(app: &App, _: Call<Anyone>) -> Reply<Cached<ConfigView>> {
    let own = app.currency.ok_or_else(Problem::internal)?;
    let shop = app.store.shop().await?.value;
    Ok(Cached(ConfigView::of(shop, own), Cache::Public))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_shop_sells_in_the_deployments_currency() {
        let shown = serde_json::to_value(ConfigView::of(Shop::default(), Currency::CHF)).unwrap();
        assert_eq!(
            (&shown["currencies"], &shown["default_currency"]),
            (&json!(["CHF"]), &json!("CHF"))
        );
    }

    #[test]
    fn nothing_but_what_everybody_may_know_is_shown() {
        let shown = serde_json::to_value(ConfigView::of(Shop::default(), Currency::EUR)).unwrap();
        for private in ["order_number", "mail_sender_name", "country"] {
            assert!(shown.get(private).is_none(), "{private}");
        }
    }
}
