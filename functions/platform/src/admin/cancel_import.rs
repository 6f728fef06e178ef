//! `POST /v1/admin/imports/{id}/cancel`: it stops where it is. What was written stays, the file
//! does not.

use api::view::exchange::ImportView;
use api::{Path, Problem, Reply, Staff};
use domain::audit::changes;
use domain::permission::grant;
use runtime::Call;
use store::Saved;

use crate::admin::create_import::shown;
use crate::admin::{ATTEMPTS_MAX, WhichImport, note};
use crate::{App, importing};

/// Stops it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ImportsCreate>, Path<WhichImport>>,
) -> Reply<ImportView> {
    let Path(WhichImport { id }) = call.input;
    for _ in 0..ATTEMPTS_MAX {
        let import = app.store.import(id).await?.ok_or_else(Problem::not_found)?;
        call.who.must_hold(import.kind.permission_to_import())?;
        let canceled = import.cancel(call.now)?;
        let changed = changes(&shown(&import), &shown(&canceled));
        let events = [note(app, &call, "import.cancel", id, changed)?];
        if app.store.save_import(&import, &canceled, &events).await? == Saved::Yes {
            app.bucket()?.delete(&importing::file_key(id)).await?;
            return Ok(canceled.into());
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_but_the_id_stands_in_the_path() {
        let id = json!({"id": "imp_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
        assert_eq!(flaws_of::<WhichImport>(&id), []);
    }
}
