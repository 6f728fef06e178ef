//! `GET /v1/admin/exports/{id}`: how far it is and, once it is done, where the file can be fetched
//! for a minute. Only whoever asked for it finds it.

use api::view::exchange::ExportView;
use api::{Path, Problem, Reply, Staff};
use domain::exchange::export::State;
use domain::permission::grant;
use runtime::Call;

use crate::admin::WhichExport;
use crate::{App, exporting};

/// Shows it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ExportsCreate>, Path<WhichExport>>,
) -> Reply<ExportView> {
    let Path(WhichExport { id }) = call.input;
    let export = app.store.export(id).await?;
    let export = export.filter(|export| export.is_of(call.who.actor(), call.now));
    let export = export.ok_or_else(Problem::not_found)?;
    // What may be read may have changed since it was written.
    call.who.must_hold(export.kind.permission_to_export())?;
    let url = match export.state {
        State::Done => {
            let (key, name) = (exporting::file_key(&export), exporting::file_name(&export));
            Some(app.files()?.address(&key, &name, call.now).await?)
        }
        State::Running | State::TooLarge => None,
    };
    Ok(ExportView { url, ..export.into() })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_id_of_an_import_is_none_of_an_export() {
        let id = json!({"id": "imp_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
        assert_eq!(flaws_of::<WhichExport>(&id), [("/id".to_owned(), "malformed_id")]);
    }
}
