//! `POST /v1/auth/staff/login`: the first of two steps. It opens nothing: what it answers is good
//! for showing a code, for five minutes.
//!
//! A wrong password, an unknown address, somebody who was invited or is suspended: the same 401
//! after the same work.

use api::reply::{Secret, View};
use api::seal::Sealer;
use api::{Anyone, Body, Metered, Reply};
use domain::audit::Actor;
use domain::id::StaffId;
use domain::staff::{MFA_LIFETIME, Member};
use domain::totp;
use jiff::Timestamp;
use runtime::Call;
use schemars::JsonSchema;
use serde::Serialize;
use store::staff::password_mark;

use crate::session::Mode;
use crate::store::login::{Login, invalid_credentials};
use crate::store::register::SHOP_NAME;
use crate::{App, factor, gate, password};

/// What an authenticator app is to be told, once.
#[derive(Serialize, JsonSchema)]
pub struct EnrollmentView {
    /// The secret as people type it: base32.
    pub secret: String,
    /// The secret as a QR code says it.
    pub otpauth_uri: String,
}

/// The second step that waits.
#[derive(Serialize, JsonSchema)]
pub struct ChallengeView {
    /// Always true: no member of the staff comes in by a password alone.
    pub mfa_required: bool,
    /// Whether an app has to be enrolled first: show the code of the secret below.
    pub mfa_enrollment_required: bool,
    /// Send it with the code. It opens nothing by itself.
    pub mfa_token: String,
    /// Seconds for which it is good.
    pub expires_in: i64,
    /// What the app is to be told; at the first sign-in only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<EnrollmentView>,
}

impl View for ChallengeView {}

/// It holds secrets.
impl std::fmt::Debug for ChallengeView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChallengeView(…)")
    }
}

/// A sign-in whose password was good: what the token of the second step says.
pub(crate) struct Ticket {
    pub(crate) staff: StaffId,
    pub(crate) mode: Mode,
    /// What the app's secret is made from, where one is enrolled now.
    pub(crate) nonce: Option<String>,
    /// The password that was shown, as the store tells passwords apart.
    pub(crate) password: String,
}

impl Ticket {
    /// The token of this ticket.
    fn seal(&self, sealer: &Sealer, now: Timestamp) -> String {
        let Self { staff, mode, nonce, password } = self;
        let mode = if *mode == Mode::Token { "token" } else { "cookie" };
        let nonce = nonce.as_deref().unwrap_or_default();
        sealer.wrap(PURPOSE, &format!("{staff}|{mode}|{}|{nonce}|{password}", now.as_second()))
    }

    /// Reads a token that is ours and not too old.
    pub(crate) fn open(sealer: &Sealer, token: &str, now: Timestamp) -> Option<Self> {
        let text = sealer.unwrap(PURPOSE, token)?;
        let mut parts = text.split('|');
        let staff = StaffId::parse(parts.next()?).ok()?;
        let mode = if parts.next()? == "token" { Mode::Token } else { Mode::Cookie };
        let age = now.as_second().checked_sub(parts.next()?.parse().ok()?)?;
        let nonce = parts.next()?;
        let nonce = (!nonce.is_empty()).then(|| nonce.to_owned());
        let password = parts.next()?.to_owned();
        let is_good = (0..MFA_LIFETIME.as_secs()).contains(&age);
        is_good.then_some(Self { staff, mode, nonce, password })
    }
}

/// Checks a password and asks for the code.
pub async fn handle(
    app: &App,
    call: Call<Metered<Anyone>, Body<Login>>,
) -> Reply<Secret<ChallengeView>> {
    let Body(Login { email, password, mode }) = &call.input;
    if *mode == Mode::Cookie && call.request.headers.contains_key("origin") {
        // Nobody is signed in from another site's page.
        call.guard.same_site(&call.request)?;
    }
    let buckets = gate::sign_in(app, &call.request, &format!("staff {}", email.key()));
    let passed = gate::pass(app, buckets, &call.standing, call.now).await?;
    let member = app.store.member_by_email(email).await?.filter(Member::is_active);
    let hash = member.as_ref().and_then(|member| member.password.clone());
    let fits = password::is_password(password.clone(), hash).await?;
    let Some(mut member) = member.filter(|_| fits) else {
        if passed.is_last {
            let burst = "staff.sign_in_failed_burst";
            let event = app.doors.audit(&call.request, Actor::Nobody, burst, None, Vec::new());
            app.store.say(&event).await?;
        }
        return Err(invalid_credentials());
    };
    gate::give_back(app, &passed).await;
    if member.password.as_deref().is_some_and(password::is_outdated) {
        let hash = password::hash(password.clone(), app.ids.salt()).await?;
        app.store.rehash_staff_password(&member, &hash).await?;
        member.password = Some(hash);
    }
    let nonce = member.second_factor.is_none().then(|| app.ids.token());
    let enrollment = match &nonce {
        Some(nonce) => Some(enrollment(app, &member, nonce, call.now).await?),
        None => None,
    };
    let password = password_mark(&member);
    let ticket = Ticket { staff: member.id, mode: *mode, nonce, password };
    Ok(Secret(ChallengeView {
        mfa_required: true,
        mfa_enrollment_required: enrollment.is_some(),
        mfa_token: ticket.seal(&call.guard.sealer, call.now),
        expires_in: MFA_LIFETIME.as_secs(),
        enrollment,
    }))
}

async fn enrollment(
    app: &App,
    member: &Member,
    nonce: &str,
    now: Timestamp,
) -> Reply<EnrollmentView> {
    let keys = factor::Keys::load(app, now).await?;
    let secret = factor::secret(keys.newest()?, member.id, nonce);
    let otpauth_uri = totp::otpauth_uri(SHOP_NAME, member.email.as_str(), &secret);
    Ok(EnrollmentView { secret: totp::base32(&secret), otpauth_uri })
}

/// The seal's purpose: what is sealed for another one is no ticket.
const PURPOSE: &str = "mfa";

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use domain::id::Ulid;
    use serde_json::json;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_ticket_is_good_for_five_minutes_and_for_this_alone() {
        let sealer = Sealer::new([7; 32]);
        let staff = StaffId::from_ulid(Ulid::from_parts(1, 1));
        let nonce = Some("n".to_owned());
        let ticket = Ticket { staff, mode: Mode::Token, nonce, password: "p".into() };
        let token = ticket.seal(&sealer, at(0));
        let opened = Ticket::open(&sealer, &token, at(299)).unwrap();
        assert_eq!((opened.staff, opened.mode), (staff, Mode::Token));
        assert_eq!((opened.nonce.as_deref(), opened.password.as_str()), (Some("n"), "p"));
        assert!(Ticket::open(&sealer, &token, at(300)).is_none());
        assert!(Ticket::open(&sealer, &token, at(-1)).is_none());
        assert!(Ticket::open(&Sealer::new([8; 32]), &token, at(0)).is_none());
        let other = sealer.wrap("cursor", &sealer.unwrap(PURPOSE, &token).unwrap());
        assert!(Ticket::open(&sealer, &other, at(0)).is_none());
        for text in ["", "stf_1", "a|b|c|d|e"] {
            assert!(Ticket::open(&sealer, &sealer.wrap(PURPOSE, text), at(0)).is_none(), "{text}");
        }
    }

    #[test]
    fn every_flaw_is_named() {
        let body = json!({"email": "jane", "password": "", "mode": "carrier pigeon"});
        let pointers: Vec<_> = flaws_of::<Login>(&body).into_iter().map(|(at, _)| at).collect();
        assert_eq!(pointers, ["/email", "/password", "/mode"]);
    }
}
