//! `POST /v1/auth/email/confirm`: one of the two readers agrees that the account moves to the new
//! address; when both have, it moves.
//!
//! A link that is opened twice is answered alike while the other one is waited for. An address
//! that was taken meanwhile is told to its reader alone.

use api::seal::token_hash;
use api::{Anyone, Body, Metered, NoContent, Problem, Reply};
use domain::audit::Actor;
use domain::email_change::{Agreement, EmailChange};
use domain::event::Letter;
use runtime::Call;
use store::Saved;
use store::identity::Moved;

use super::verify_email::{Verify, invalid_token};
use crate::letter::letter;
use crate::{App, gate};

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// Agrees.
pub async fn handle(app: &App, call: Call<Metered<Anyone>, Body<Verify>>) -> Reply<NoContent> {
    let hash = token_hash(&call.input.0.token);
    let buckets = gate::mailed_tokens(app, &call.request);
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    for _ in 0..RACES_MAX {
        let change = app.store.email_change(&hash, call.now).await?;
        let change = change.ok_or_else(invalid_token)?;
        let agreement = change.agree(&hash, call.now).ok_or_else(invalid_token)?;
        let saved = match agreement {
            Agreement::Again => Saved::Yes,
            Agreement::Waits(after) => app.store.agree_to_email_change(&change, &after).await?,
            Agreement::Moves => move_account(app, &call, &change).await?,
        };
        if saved == Saved::Yes {
            gate::give_back(app, &passed).await;
            return Ok(NoContent);
        }
    }
    Err(Problem::unavailable())
}

async fn move_account<W, I>(app: &App, call: &Call<W, I>, change: &EmailChange) -> Reply<Saved> {
    let account = app.store.account(change.customer).await?;
    let account = account.filter(|account| account.email == change.from);
    let account = account.ok_or_else(invalid_token)?;
    let (actor, object) = (Actor::Customer(account.id), Some(account.id.to_string()));
    let events = [
        letter(app, &change.from, Letter::EmailChanged, call.now),
        app.doors.audit(&call.request, actor, "email.change", object, Vec::new()),
    ];
    match app.store.move_account(change, &account, &events).await? {
        Moved::Yes => Ok(Saved::Yes),
        Moved::Raced => Ok(Saved::Raced),
        Moved::Taken => {
            let told = letter(app, &change.to, Letter::AlreadyRegistered, call.now);
            Ok(app.store.drop_email_change(change, &told).await?)
        }
    }
}
