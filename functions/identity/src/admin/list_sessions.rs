//! `GET /v1/admin/staff/{id}/sessions`: where a colleague is signed in.

use api::cursor::List;
use api::view::staff::SessionView;
use api::{Path, Problem, Reply, Staff};
use domain::account::Subject;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::staff::WhichMember;

/// Lists a member's sessions, newest first.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::StaffRead>, Path<WhichMember>>,
) -> Reply<List<SessionView>> {
    let Path(WhichMember { id }) = call.input;
    app.store.member(id).await?.ok_or_else(Problem::not_found)?;
    let sessions = app.store.sessions(Subject::Staff(id), call.now).await?;
    let data = sessions.into_iter().map(|session| SessionView::of(session, None)).collect();
    Ok(List { data, next_cursor: None })
}
