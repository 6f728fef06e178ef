//! `GET /v1/admin/imports/{id}`: how far it is, what it found, and where the differences lie.

use api::view::exchange::ImportView;
use api::{Path, Problem, Reply, Staff};
use domain::exchange::import::State;
use domain::permission::grant;
use runtime::Call;

use crate::admin::WhichImport;
use crate::{App, importing};

/// Shows it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ImportsCreate>, Path<WhichImport>>,
) -> Reply<ImportView> {
    let Path(WhichImport { id }) = call.input;
    let import = app.store.import(id).await?.ok_or_else(Problem::not_found)?;
    // The differences show what is there: who may not change it by a file may not read it in one.
    let may_see = call.who.must_hold(import.kind.permission_to_import()).is_ok();
    let diff_url = if import.state == State::Checked && may_see {
        let name = format!("{id}.ndjson");
        Some(app.files()?.address(&importing::diff_key(id), &name, call.now).await?)
    } else {
        None
    };
    Ok(ImportView { diff_url, ..import.into() })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_without_an_id_is_none() {
        assert_eq!(flaws_of::<WhichImport>(&json!({})), [("/id".to_owned(), "required")]);
    }
}
