//! `POST /v1/auth/export/open`: the reader of the letter fetches the file, once. The address that
//! is answered is good for a minute; a link that was opened is worth nothing any more.
//!
//! It is a POST because programs that look into mail open links by themselves.

use api::reply::Secret;
use api::seal::token_hash;
use api::view::privacy::DataExportView;
use api::{Anyone, Body, Metered, Reply};
use domain::audit::Actor;
use domain::privacy::{Kind, State};
use runtime::Call;
use store::Saved;

use super::verify_email::{Verify, invalid_token};
use crate::{App, gate, privacy};

/// The name that the file is saved under.
const FILE_NAME: &str = "personal-data.json";

/// Lends the file.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Verify>>,
) -> Reply<Secret<DataExportView>> {
    let hash = token_hash(&call.input.0.token);
    let buckets = gate::mailed_tokens(app, &call.request);
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    let customer = app.store.export_to_open(&hash, call.now).await?.ok_or_else(invalid_token)?;
    let request = app.store.privacy_request(customer, Kind::Export).await?;
    let request = request.filter(|request| request.state == State::Done);
    let request = request.ok_or_else(invalid_token)?;
    let (actor, object) = (Actor::Customer(customer), Some(customer.to_string()));
    let opened = app.doors.audit(&call.request, actor, "customer.export_open", object, Vec::new());
    if app.store.open_export(&hash, &[opened]).await? == Saved::Raced {
        return Err(invalid_token());
    }
    gate::give_back(app, &passed).await;
    let url = app.files()?.address(&privacy::file_key(&request), FILE_NAME, call.now).await?;
    Ok(Secret(DataExportView { url }))
}
