//! `PATCH /v1/admin/settings`: other decisions for the whole shop. The other functions follow
//! within a minute.

use api::input::no_match;
use api::{Body, Flaw, IfMatch, Problem, Reply, Staff, Versioned};
use domain::audit::changes;
use domain::permission::grant;
use domain::shop::Shop;
use runtime::Call;

use crate::App;
use crate::settings::{SettingsView, ShopChange};

/// Changes the settings that the caller has seen.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>, (IfMatch, Body<ShopChange>)>,
) -> Reply<Versioned<SettingsView>> {
    let (seen, Body(change)) = &call.input;
    let kept = app.store.shop().await?;
    seen.check(kept.version)?;
    let after = checked(change.apply(&kept.value))?;
    let shown = |shop: &Shop| serde_json::to_value(shop).unwrap_or_default();
    let changed = changes(&shown(&kept.value), &shown(&after));
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let (who, object) = (call.who.actor(), Some("shop".to_owned()));
    let events = [doors.audit(&call.request, who, "settings.change", object, changed)];
    let version = app.store.change_shop(&after, kept.version, &events).await?;
    Ok(Versioned(SettingsView { shop: after }, version.ok_or_else(no_match)?))
}

fn checked(shop: Shop) -> Reply<Shop> {
    shop.check().map_err(|refusals| {
        let flaws = refusals.into_iter().map(|refusal| {
            Flaw::new(format!("/{}", refusal.field()), refusal.code(), refusal.to_string())
        });
        Problem::invalid(flaws.collect())
    })?;
    Ok(shop)
}

#[cfg(test)]
mod tests {
    use domain::currency::Currency;

    use super::*;

    #[test]
    fn what_does_not_go_together_is_refused_at_its_place() {
        let shop = Shop {
            currencies: vec![Currency::EUR],
            default_currency: Some(Currency::CHF),
            ..Shop::default()
        };
        let problem = checked(shop).unwrap_err();
        assert_eq!(problem.errors[0].pointer, "/default_currency");
        assert!(checked(Shop::default()).is_ok());
    }
}
