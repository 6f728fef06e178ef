//! `POST /v1/auth/staff/step_up`: who was signed in for a while proves once more who they are, by
//! both factors, and may do for ten minutes what can not be undone.

use api::form::Text;
use api::{Body, Fields, Form, Member, NoContent, Problem, Reply};
use domain::audit::Actor;
use runtime::Call;
use store::staff::MemberChange;

use crate::factor::{CODE_CHARS_MAX, Keys};
use crate::staff::{note, proofs};
use crate::store::login::invalid_credentials;
use crate::{App, gate, password};

/// Both factors.
pub struct StepUp {
    password: String,
    code: String,
}

impl std::fmt::Debug for StepUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StepUp(…)")
    }
}

impl Form for StepUp {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let password = fields.required("password", Text::between(1, 128));
        let code = fields.required("code", Text::between(6, CODE_CHARS_MAX));
        Some(Self { password: password?, code: code? })
    }
}

/// Renews the proof of who is signed in.
pub async fn handle(app: &App, call: Call<Member, Body<StepUp>>) -> Reply<NoContent> {
    let Body(StepUp { password, code }) = &call.input;
    let (id, session) = (call.who.id, call.who.session.id);
    let bucket = proofs(app, id);
    let passed = gate::pass(app, vec![bucket], &call.standing, call.now).await?;
    let member = app.store.member(id).await?.ok_or_else(Problem::session_revoked)?;
    let fits = password::is_password(password.clone(), member.password.clone()).await?;
    let keys = Keys::load(app, call.now).await?;
    let shown = match &member.second_factor {
        Some(factor) => keys.check(factor, id, code, call.now)?,
        None => None,
    };
    // The same words whichever of the two was wrong.
    let Some(shown) = shown.filter(|_| fits) else {
        if passed.is_last {
            let burst = "staff.sign_in_failed_burst";
            let event = note(app, &call, Actor::Staff(id), burst, id, Vec::new());
            app.store.say(&event).await?;
        }
        return Err(invalid_credentials());
    };
    let actor = Actor::Staff(id);
    let mut events = vec![note(app, &call, actor, "staff.step_up", session, Vec::new())];
    if shown.is_recovery {
        events.push(note(app, &call, actor, "second_factor.used_recovery", id, Vec::new()));
    }
    let after = member.enroll(shown.factor);
    let change = MemberChange {
        proven: Some(session),
        ..MemberChange::new(&member, &after, &events, call.now)
    };
    app.store.change_member(&change).await?.ok_or_else(invalid_credentials)?;
    gate::give_back(app, &passed).await;
    app.doors.forget(session);
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn both_factors_are_needed() {
        let flaws = flaws_of::<StepUp>(&json!({"password": "x"}));
        assert_eq!(flaws, [("/code".to_owned(), "required")]);
    }
}
