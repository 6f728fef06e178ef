//! `GET /v1/auth/staff/sessions`: where one is signed in oneself.

use api::cursor::List;
use api::view::staff::SessionView;
use api::{Member, Reply};
use domain::account::Subject;
use runtime::Call;

use crate::App;

/// Lists the own sessions, newest first.
pub async fn handle(app: &App, call: Call<Member>) -> Reply<List<SessionView>> {
    let sessions = app.store.sessions(Subject::Staff(call.who.id), call.now).await?;
    let current = Some(call.who.session.id);
    let data = sessions.into_iter().map(|session| SessionView::of(session, current)).collect();
    Ok(List { data, next_cursor: None })
}
