//! `POST /v1/admin/imports/{id}/start`: the file is there; read it. A dry run that was checked is
//! run for real; one that has stood still for a quarter of an hour goes on.
//!
//! The answer is remembered in the transaction that starts it: who asks again under their key,
//! because the answer was lost, gets it, and starts nothing a second time. A dry run that was
//! checked meanwhile is not run for real by that.

use api::reply::{Accepted, Answer, Remembered};
use api::view::exchange::ImportView;
use api::{Path, Problem, Reply, Staff};
use domain::audit::changes;
use domain::exchange::Work;
use domain::permission::grant;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use store::Saved;

use crate::admin::create_import::shown;
use crate::admin::{ATTEMPTS_MAX, WhichImport, note};
use crate::{App, importing};

/// Starts it.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ImportsCreate>, Path<WhichImport>>,
) -> Reply<Remembered<Accepted<ImportView>>> {
    let Path(WhichImport { id }) = call.input;
    for _ in 0..ATTEMPTS_MAX {
        let import = app.store.import(id).await?.ok_or_else(Problem::not_found)?;
        call.who.must_hold(import.kind.permission_to_import())?;
        let head = app.bucket()?.head(&importing::file_key(id)).await?;
        let found = head.as_ref().map(|head| (head.size, head.etag.as_str()));
        let started = import.start(found, call.now)?;
        let changed = changes(&shown(&import), &shown(&started));
        let events = [
            note(app, &call, "import.start", id, changed)?,
            importing::due(app, Work::Import(id), call.now),
        ];
        let view = ImportView::from(started.clone());
        let remembered = stored(&Answer::json(StatusCode::ACCEPTED, &view));
        let remembered = call.claim.as_ref().map(|claim| (claim, &remembered));
        let saved = app.store.save_import_once(&import, &started, &events, remembered).await?;
        if saved == Saved::Yes {
            return Ok(Remembered(Accepted(view)));
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
    fn only_the_id_of_an_import_is_one() {
        let id = json!({"id": "exp_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
        assert_eq!(flaws_of::<WhichImport>(&id), [("/id".to_owned(), "malformed_id")]);
    }
}
