//! `PUT /v1/admin/tax`: another tax table. Carts follow within a minute; orders keep what they were
//! placed with.

use api::input::no_match;
use api::{Body, IfMatch, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use super::view_tax::TaxView;
use crate::App;
use crate::table::{TaxForm, fits, note};

/// Replaces the table that the caller has seen; `"v0"` is the one that nobody has written.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::SettingsWrite>, (IfMatch, Body<TaxForm>)>,
) -> Reply<Versioned<TaxView>> {
    let (seen, Body(TaxForm(table))) = &call.input;
    fits(table)?;
    let kept = app.store.tax_table().await?;
    let version = kept.as_ref().map_or(0, |kept| kept.version);
    seen.check(version)?;
    let before = kept.map(|kept| kept.value);
    let events = [note(app, &call, "tax.change", "tax", &before, table)?];
    let version = app.store.change_tax(table, version, &events).await?;
    Ok(Versioned(TaxView { table: Some(table.clone()) }, version.ok_or_else(no_match)?))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_says_what_holds_everywhere_else() {
        let nowhere = json!({"country": "DE", "mode": "exclusive", "rates": {}});
        assert_eq!(flaws_of::<TaxForm>(&json!({"regions": [], "fallback": nowhere})), []);
        let flaws = flaws_of::<TaxForm>(&json!({"regions": []}));
        assert_eq!(flaws, [("/fallback".to_owned(), "required")]);
    }
}
