//! `GET /v1/auth/sessions`: where the customer is signed in, newest first.

use api::cursor::List;
use api::view::account::SessionEntry;
use api::{Customer, Reply};
use domain::account::Subject;
use runtime::Call;

use crate::App;

/// Lists the customer's sessions.
pub async fn handle(app: &App, call: Call<Customer>) -> Reply<List<SessionEntry>> {
    let sessions = app.store.sessions(Subject::Customer(call.who.id), call.now).await?;
    let current = call.who.session;
    let data = sessions.into_iter().map(|session| SessionEntry::of(session, current)).collect();
    Ok(List { data, next_cursor: None })
}
