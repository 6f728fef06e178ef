//! `DELETE /v1/auth/staff/sessions/{id}`: ends one of the own sessions.

use api::{Member, NoContent, Path, Problem, Reply};
use domain::account::Subject;
use domain::audit::Actor;
use runtime::Call;

use crate::App;
use crate::staff::{WhichOwnSession, note};

/// Ends a session.
pub async fn handle(app: &App, call: Call<Member, Path<WhichOwnSession>>) -> Reply<NoContent> {
    let Path(WhichOwnSession { id }) = call.input;
    let subject = Subject::Staff(call.who.id);
    app.store.session(subject, id, call.now).await?.ok_or_else(Problem::not_found)?;
    let actor = Actor::Staff(call.who.id);
    let event = note(app, &call, actor, "staff.end_session", id, Vec::new());
    app.store.end_session_saying(subject, id, &event).await?;
    app.doors.forget(id);
    Ok(NoContent)
}
