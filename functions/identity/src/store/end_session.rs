//! `DELETE /v1/auth/sessions/{id}`: signs the customer out on one device.

use api::form::session_id;
use api::{Customer, Fields, Form, NoContent, Path, Problem, Reply};
use domain::account::Subject;
use domain::audit::Actor;
use domain::id::SessionId;
use runtime::Call;

use crate::App;

/// Which session.
#[derive(Debug)]
pub struct Which {
    pub(crate) id: SessionId,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", session_id());
        Some(Self { id: id? })
    }
}

/// Ends one session.
pub async fn handle(app: &App, call: Call<Customer, Path<Which>>) -> Reply<NoContent> {
    let Path(Which { id }) = call.input;
    let subject = Subject::Customer(call.who.id);
    // Looked for under its holder: a stranger's is not found.
    let session = app.store.session(subject, id, call.now).await?;
    session.ok_or_else(Problem::not_found)?;
    let (actor, object) = (Actor::Customer(call.who.id), Some(id.to_string()));
    let event = app.doors.audit(&call.request, actor, "session.end", object, Vec::new());
    app.store.end_session_saying(subject, id, &event).await?;
    app.doors.forget(id);
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_sessions_id_names_one() {
        let body = json!({"id": "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
        assert_eq!(flaws_of::<Which>(&body), [("/id".to_owned(), "malformed_id")]);
        assert_eq!(flaws_of::<Which>(&json!({"id": "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"})), []);
    }
}
