//! `POST /v1/auth/staff/mfa`: the second of two steps, and the session.
//!
//! The step of the code (or the recovery code) is written as used in the transaction that begins
//! the session: of two who show the same code at once, one comes in.

use api::form::Text;
use api::reply::{View, WithCookies};
use api::view::staff::SelfView;
use api::{Anyone, Body, Fields, Form, Metered, Problem, Reply};
use domain::account::Subject;
use domain::audit::Actor;
use domain::event::{Event, Letter};
use domain::staff::Member;
use http::StatusCode;
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;
use store::staff::{MemberChange, password_mark};

use super::login::Ticket;
use crate::factor::{self, CODE_CHARS_MAX, Keys};
use crate::letter::letter;
use crate::session::{self, Cookies, Given, Mode, SessionView};
use crate::staff::{invalid_code, member_changes, note, proofs};
use crate::{App, gate};

/// The token of the first step, and a code.
pub struct Proof {
    mfa_token: String,
    code: String,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Form for Proof {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let mfa_token = fields.required("mfa_token", Text::between(1, 1000));
        let code = fields.required("code", Text::between(6, CODE_CHARS_MAX));
        Some(Self { mfa_token: mfa_token?, code: code? })
    }
}

/// A session of a member, given out.
#[derive(Serialize, JsonSchema)]
pub struct StaffSessionView {
    /// Who is signed in.
    pub staff: SelfView,
    /// The access token; in token mode only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// The refresh token; in token mode only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// Send it as `X-CSRF-Token` with every request that changes something; in cookie mode only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
    /// For the day that the app is lost: ten codes, each good once, shown this once. Each has 120
    /// random bits. At the enrollment only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<Vec<String>>,
}

impl View for StaffSessionView {}

/// It holds tokens.
impl std::fmt::Debug for StaffSessionView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StaffSessionView(…)")
    }
}

/// What a good code makes of a member.
struct Admitted {
    after: Member,
    recovery_codes: Option<Vec<String>>,
    /// What the audit log says besides that they signed in.
    also: Option<&'static str>,
}

/// Signs a member in.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Proof>>,
) -> Reply<WithCookies<StaffSessionView>> {
    let Body(Proof { mfa_token, code }) = &call.input;
    let ticket = Ticket::open(&call.guard.sealer, mfa_token, call.now).ok_or_else(invalid)?;
    if ticket.mode == Mode::Cookie && call.request.headers.contains_key("origin") {
        call.guard.same_site(&call.request)?;
    }
    let bucket = proofs(app, ticket.staff);
    let passed = gate::pass(app, vec![bucket], &call.standing, call.now).await?;
    let member = app.store.member(ticket.staff).await?;
    let member = member.filter(|m| m.is_active() && password_mark(m) == ticket.password);
    let member = member.ok_or_else(invalid)?;
    let Some(admitted) = admit(app, &member, &ticket, code, &call).await? else {
        if passed.is_last {
            let burst = "staff.sign_in_failed_burst";
            let event = note(app, &call, Actor::Nobody, burst, member.id, Vec::new());
            app.store.say(&event).await?;
        }
        return Err(invalid_code());
    };
    let role = app.store.role(member.role).await?.ok_or_else(Problem::internal)?;
    let (session, refresh_token) = session::begin(app, &call, Subject::Staff(member.id));
    let actor = Actor::Staff(member.id);
    let mut events = vec![note(app, &call, actor, "staff.sign_in", session.id, Vec::new())];
    events.extend(also(app, &call, &member, &admitted));
    let change = MemberChange {
        session: Some(&session),
        ..MemberChange::new(&member, &admitted.after, &events, call.now)
    };
    // The code was shown by somebody else at the same time: it is used.
    let member = app.store.change_member(&change).await?.ok_or_else(invalid_code)?;
    gate::give_back(app, &passed).await;
    if ticket.mode == Mode::Cookie
        && let Some(token) = Cookies::STAFF.sent(&call.request)
        && let Some(given) = Given::read(&call.guard.sealer, token)
        && Cookies::STAFF.are_of(given.subject)
    {
        // Its cookies are overwritten: nobody could end it afterwards.
        app.store.end_session(given.subject, given.session).await?;
    }
    let given = session::give(app, &call.guard, &session, refresh_token, ticket.mode, call.now);
    let (view, cookies) = given.await?;
    let SessionView { access_token, refresh_token, expires_in, csrf_token, .. } = view;
    let view = StaffSessionView {
        staff: SelfView::of(member, role),
        access_token,
        refresh_token,
        expires_in,
        csrf_token,
        recovery_codes: admitted.recovery_codes,
    };
    Ok(WithCookies(view, cookies))
}

/// The member after this code: with a step or a recovery code less, or with a first factor.
async fn admit<W, I>(
    app: &App,
    member: &Member,
    ticket: &Ticket,
    code: &str,
    call: &Call<W, I>,
) -> Reply<Option<Admitted>> {
    let keys = Keys::load(app, call.now).await?;
    if let Some(factor) = &member.second_factor {
        let Some(shown) = keys.check(factor, member.id, code, call.now)? else { return Ok(None) };
        let also = shown.is_recovery.then_some("second_factor.used_recovery");
        let after = member.enroll(shown.factor);
        return Ok(Some(Admitted { after, recovery_codes: None, also }));
    }
    // The factor that this ticket was made for was taken away since.
    let nonce = ticket.nonce.as_ref().ok_or_else(invalid)?;
    let recovery_codes = factor::recovery_codes(&app.ids);
    let factor = factor::enrolled(keys.newest()?, nonce, &recovery_codes, call.now);
    let shown = keys.check(&factor, member.id, code, call.now)?;
    // Nobody was given a recovery code yet.
    let Some(shown) = shown.filter(|shown| !shown.is_recovery) else { return Ok(None) };
    let also = Some("second_factor.enrolled");
    let after = member.enroll(shown.factor);
    Ok(Some(Admitted { after, recovery_codes: Some(recovery_codes), also }))
}

fn also<W, I>(app: &App, call: &Call<W, I>, member: &Member, admitted: &Admitted) -> Vec<Event> {
    let Some(action) = admitted.also else { return Vec::new() };
    let changed = member_changes(Some(member), &admitted.after);
    let mut events = vec![note(app, call, Actor::Staff(member.id), action, member.id, changed)];
    if admitted.recovery_codes.is_some() {
        events.push(letter(app, &member.email, Letter::SecondFactorChanged, call.now));
    }
    events
}

fn invalid() -> Problem {
    let detail = "The sign-in has to begin again: its first step is too old or not known.";
    Problem::new(StatusCode::UNAUTHORIZED, "invalid_mfa_token", detail)
}

#[cfg(test)]
mod tests {
    use api::form::{flaws_of, read_value};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_and_a_code_are_needed_and_neither_shows() {
        let pointers: Vec<_> =
            flaws_of::<Proof>(&json!({})).into_iter().map(|(at, _)| at).collect();
        assert_eq!(pointers, ["/mfa_token", "/code"]);
        let body = json!({"mfa_token": "t", "code": "123456"});
        let proof = read_value::<Proof>(&body, "", &mut Vec::new()).unwrap();
        assert_eq!(format!("{proof:?}"), "Proof(…)");
    }
}
