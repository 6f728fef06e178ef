//! `DELETE /v1/auth/staff/sessions`: ends all of the own sessions but the one that asks.

use api::{Member, NoContent, Reply};
use domain::account::Subject;
use domain::audit::Actor;
use runtime::Call;

use crate::App;
use crate::staff::note;

/// Ends the other sessions.
pub async fn handle(app: &App, call: Call<Member>) -> Reply<NoContent> {
    let id = call.who.id;
    let event = note(app, &call, Actor::Staff(id), "staff.end_sessions", id, Vec::new());
    let except = Some(call.who.session.id);
    app.store.end_sessions(Subject::Staff(id), except, call.now, &[event]).await?;
    app.doors.forget_all();
    Ok(NoContent)
}
