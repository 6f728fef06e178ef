//! `POST /v1/auth/reauthenticate`: the customer proves once more who they are, for what can not be
//! undone.

use api::{Body, Customer, NoContent, Problem, Reply};
use domain::account::Subject;
use runtime::Call;
use store::Saved;

use crate::App;
use crate::proof::{Proof, prove};

/// Takes the proof.
pub async fn handle(app: &App, call: Call<Customer, Body<Proof>>) -> Reply<NoContent> {
    let account = prove(app, &call, &call.input.0.password).await?;
    let subject = Subject::Customer(account.id);
    let session = app.store.session(subject, call.who.session, call.now).await?;
    let session = session.ok_or_else(Problem::session_revoked)?;
    if app.store.refresh_proof(&session, call.now).await? == Saved::Raced {
        return Err(Problem::session_revoked());
    }
    app.doors.forget(call.who.session);
    Ok(NoContent)
}
