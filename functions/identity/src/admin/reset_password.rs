//! `POST /v1/auth/staff/password/reset`: another password by a mailed link, good once and for half
//! an hour. All sessions end; the second factor stays.

use api::seal::token_hash;
use api::{Anyone, Body, Metered, NoContent, Reply};
use domain::audit::Actor;
use domain::event::Letter;
use domain::staff::Member;
use runtime::Call;
use store::staff::{MemberChange, Purpose, Sessions};

use crate::letter::letter;
use crate::staff::{member_changes, note};
use crate::store::reset_password::Reset;
use crate::store::verify_email::invalid_token;
use crate::{App, gate, password};

/// Replaces the password.
pub async fn handle(app: &App, call: Call<Metered<Anyone>, Body<Reset>>) -> Reply<NoContent> {
    let Body(Reset { token, password }) = &call.input;
    let hash = token_hash(token);
    let buckets = gate::mailed_tokens(app, &call.request);
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    let member = app.store.member_by_token(&hash, Purpose::Reset, call.now).await?;
    let member = member.filter(Member::is_active).ok_or_else(invalid_token)?;
    // Somebody with a good token does not guess.
    gate::give_back(app, &passed).await;
    password::fits_account(password, &member.email)?;
    let chosen = password::hash(password.clone(), app.ids.salt()).await?;
    let after = Member { password: Some(chosen), ..member.clone() };
    let (actor, changed) = (Actor::Staff(member.id), member_changes(Some(&member), &after));
    let events = [
        note(app, &call, actor, "staff.reset_password", member.id, changed),
        letter(app, &member.email, Letter::PasswordChanged, call.now),
    ];
    let change = MemberChange {
        sessions: Sessions::End(None),
        token: Some((&hash, Purpose::Reset)),
        ..MemberChange::new(&member, &after, &events, call.now)
    };
    app.store.change_member(&change).await?.ok_or_else(invalid_token)?;
    app.doors.forget_all();
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_unmet_rule_is_named_beside_what_is_missing() {
        let flaws = flaws_of::<Reset>(&json!({"password": "abc"}));
        assert!(flaws.contains(&("/token".to_owned(), "required")));
        assert!(flaws.contains(&("/password".to_owned(), "password_too_short")));
    }
}
