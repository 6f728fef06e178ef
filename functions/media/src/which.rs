//! An upload by its id, and what the audit log is told of it.

use api::{Problem, Reply};
use domain::audit::{Change, changes};
use domain::event::Event;
use domain::id::MediaId;
use domain::media::Media;
use runtime::Call;
use serde_json::{Value, json};

use crate::App;

/// The upload with this id.
pub(crate) async fn load(app: &App, id: MediaId) -> Reply<Media> {
    app.store.media(id).await?.ok_or_else(Problem::not_found)
}

/// An entry of the audit log about an upload.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<api::Staff<P>, I>,
    action: &str,
    (before, after): (Option<&Media>, Option<&Media>),
) -> Result<Event, Problem> {
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let object = after.or(before).map(|media| media.id.to_string());
    let changed = differences(before, after);
    Ok(doors.audit(&call.request, call.who.actor(), action, object, changed))
}

fn differences(before: Option<&Media>, after: Option<&Media>) -> Vec<Change> {
    let shown =
        |media: &Media| json!({"content_type": media.format, "size": media.size, "alt": media.alt});
    changes(&before.map_or(Value::Null, shown), &after.map_or(Value::Null, shown))
}
