//! `GET /v1/admin/tax`: the whole tax table, with the version to change it by.

use api::reply::View;
use api::{Reply, Staff, Versioned};
use domain::permission::grant;
use domain::tax::TaxTable;
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;

use crate::App;

/// The tax table.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaxView {
    /// The table; null where nobody has written any: then nothing can be sold.
    pub(crate) table: Option<TaxTable>,
}

impl View for TaxView {}

/// Shows the table.
pub async fn handle(app: &App, _: Call<Staff<grant::SettingsRead>>) -> Reply<Versioned<TaxView>> {
    let kept = app.store.tax_table().await?;
    let version = kept.as_ref().map_or(0, |kept| kept.version);
    Ok(Versioned(TaxView { table: kept.map(|kept| kept.value) }, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_without_taxes_shows_that_there_are_none() {
        let shown = serde_json::to_value(TaxView { table: None }).unwrap();
        assert_eq!(shown, serde_json::json!({"table": null}));
    }
}
