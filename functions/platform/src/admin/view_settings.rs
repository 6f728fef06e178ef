//! `GET /v1/admin/settings`: what the merchant has decided for the whole shop.

use api::{Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::settings::SettingsView;

/// Shows the settings; `"v0"` is what holds where nobody has written any.
pub async fn handle(
    app: &App,
    _: Call<Staff<grant::SettingsRead>>,
) -> Reply<Versioned<SettingsView>> {
    let kept = app.store.shop().await?;
    Ok(Versioned(SettingsView { shop: kept.value }, kept.version))
}

#[cfg(test)]
mod tests {
    use domain::shop::Shop;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_shop_shows_what_holds() {
        let shown = serde_json::to_value(SettingsView { shop: Shop::default() }).unwrap();
        assert_eq!(shown["return_policy"]["days"], 14);
        assert_eq!(shown["order_number"], json!({"prefix": "", "symbols": 9}));
        assert_eq!((&shown["currencies"], &shown["locales"]), (&json!([]), &json!(["en"])));
    }
}
