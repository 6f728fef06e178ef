//! `PUT /v1/admin/shipping`: another shipping table. Carts follow within a minute; those whose way
//! of sending is gone have to choose again.

use api::input::no_match;
use api::{Body, IfMatch, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use super::view_shipping::ShippingView;
use crate::App;
use crate::table::{ShippingForm, fits, note};

/// Replaces the table that the caller has seen.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>, (IfMatch, Body<ShippingForm>)>,
) -> Reply<Versioned<ShippingView>> {
    let (seen, Body(ShippingForm(table))) = &call.input;
    fits(table)?;
    let before = app.store.shipping_table().await?;
    seen.check(before.version)?;
    let events = [note(app, &call, "shipping.change", "shipping", &before.value, table)?];
    let version = app.store.change_shipping(table, before.version, &events).await?;
    Ok(Versioned(table.clone().into(), version.ok_or_else(no_match)?))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_table_sends_nowhere_and_is_one() {
        assert_eq!(flaws_of::<ShippingForm>(&json!({"zones": [], "methods": []})), []);
        assert_eq!(flaws_of::<ShippingForm>(&json!({})).len(), 2);
    }
}
