//! `DELETE /v1/admin/promotions/{id}/codes/{code}`: a code opens nothing any more.
//!
//! A code is never changed and so has no version to be seen.

use api::{NoContent, Path, Problem, Reply, Staff};
use domain::audit::changes;
use domain::permission::grant;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;

use crate::App;
use crate::promotion::{WhichCode, note};

/// Deletes a code.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, Path<WhichCode>>,
) -> Reply<NoContent> {
    let Path(WhichCode { id, code }) = &call.input;
    let entry = app.store.code(code).await?.filter(|entry| entry.promotion == *id);
    let entry = entry.ok_or_else(Problem::not_found)?;
    let changed = changes(&json!({"quantity": 1}), &Value::Null);
    let events = [note(app, &call, "promotion.code.delete", *id, changed)];
    match app.store.delete_code(&entry, &events).await? {
        Saved::Yes => Ok(NoContent),
        Saved::Raced => Err(Problem::not_found()),
    }
}
