//! `DELETE /v1/admin/staff/{id}/sessions/{session_id}`: ends a colleague's session.

use api::{NoContent, Path, Problem, Reply, Staff};
use domain::account::Subject;
use domain::permission::grant;
use domain::staff;
use runtime::Call;

use crate::App;
use crate::staff::{Acting, WhichSession, colleague, note};

/// Ends a session.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffManage>, Path<WhichSession>>,
) -> Reply<NoContent> {
    let Path(WhichSession { id, session_id }) = call.input;
    let acting = Acting::load(app, &call.who).await?;
    let (member, role) = colleague(app, id).await?;
    // One's own are ended where one's own are listed: here, too.
    if member.id != acting.member.id && !acting.role.permissions.covers(&role.permissions) {
        return Err(staff::Refusal::Outranked.into());
    }
    let subject = Subject::Staff(id);
    app.store.session(subject, session_id, call.now).await?.ok_or_else(Problem::not_found)?;
    let event = note(app, &call, call.who.actor(), "staff.end_session", session_id, Vec::new());
    app.store.end_session_saying(subject, session_id, &event).await?;
    app.doors.forget(session_id);
    Ok(NoContent)
}
