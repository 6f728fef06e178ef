//! `POST /v1/admin/orders/{id}/notes`: writes a note about an order, for other members of the
//! staff. It is never changed.

use api::form::{OrderPath, Text};
use api::reply::{Answer, Created, Remembered};
use api::view::timeline::NoteView;
use api::{Body, Fields, Form, KeyRequired, Path, Problem, Reply, Staff};
use domain::id::NoteId;
use domain::permission::grant;
use domain::timeline::{NOTE_CHARS_MAX, Note};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::Value;
use store::Saved;

use crate::App;
use crate::desk::{load, note};

/// What it says.
#[derive(Debug)]
pub struct Written {
    text: String,
}

impl Form for Written {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let text = fields.required("text", Text::lines(NOTE_CHARS_MAX));
        Some(Self { text: text? })
    }
}

type Given = (Path<OrderPath>, (KeyRequired, Body<Written>));

/// Writes a note.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Given>,
) -> Reply<Remembered<Created<NoteView>>> {
    let (Path(OrderPath { id }), (_, Body(Written { text }))) = &call.input;
    load(app, *id).await?;
    let new = Note {
        id: NoteId::from_ulid(app.ids.ulid(call.now)),
        order: *id,
        text: text.clone(),
        by: call.who.actor(),
        at: call.now,
    };
    let events = [note(app, &call, "order.note", id, &(Value::Null, Value::Null))?];
    let view = NoteView::from(&new);
    let remembered = stored(&Answer::json(StatusCode::CREATED, &view));
    let remembered = call.claim.as_ref().map(|claim| (claim, &remembered));
    match app.store.add_note(&new, &events, remembered).await? {
        Saved::Yes => Ok(Remembered(Created(view))),
        Saved::Raced => Err(Problem::unavailable()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_note_says_something_in_lines() {
        assert_eq!(flaws_of::<Written>(&json!({"text": "Called.\nCalls back."})), []);
        assert_eq!(flaws_of::<Written>(&json!({})), [("/text".to_owned(), "required")]);
    }
}
