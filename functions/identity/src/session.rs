//! What whoever signs in is given: cookies, or tokens.

use api::Request;
use api::reply::View;
use api::seal::{Sealer, token_hash};
use api::token::{ACCESS_SECONDS, Signer};
use api::who::{CUSTOMER_COOKIE, Guard, STAFF_COOKIE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::account::{Account, Session, Subject};
use domain::audit::network_of;
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, SessionId};
use jiff::Timestamp;
use runtime::Call;
use schemars::JsonSchema;
use secrets::SigningKey;
use serde::Serialize;

use crate::App;

/// How a session is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In cookies that no script can read.
    Cookie,
    /// In the body, for apps.
    Token,
}

/// A customer as they see themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CustomerView {
    /// Their id.
    pub id: CustomerId,
    /// Their address.
    #[schemars(with = "String")]
    pub email: domain::address::Email,
    /// Their name.
    #[schemars(with = "String")]
    pub name: domain::address::PersonName,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// Since when.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for CustomerView {}

impl From<Account> for CustomerView {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            email: account.email,
            name: account.name,
            email_verified: account.is_verified,
            created_at: account.created_at,
        }
    }
}

/// A session, given out.
#[derive(Serialize, JsonSchema)]
pub struct SessionView {
    /// Who is signed in; at sign-in only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerView>,
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
}

impl View for SessionView {}

/// It holds tokens.
impl std::fmt::Debug for SessionView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionView(…)")
    }
}

/// Signs an access token for a session.
async fn sign(app: &App, session: &Session, now: Timestamp) -> Result<String, Fault> {
    let missing = || Fault::noticed("sign without a signing key", Retry::Useless);
    let name = app.signing_secret.as_ref().ok_or_else(missing)?;
    let key: SigningKey = app.secrets.get(name, now).await?;
    let pkcs8 = STANDARD
        .decode(&key.pkcs8)
        .map_err(|_| Fault::noticed("read the signing key", Retry::Useless))?;
    let signer = Signer::new(app.doors.issuer(), &key.kid, &pkcs8);
    signer.sign(session.subject, session.id, app.ids.ulid(now).to_string(), now)
}

/// A new session with its first refresh token.
pub(crate) fn begin<W, I>(app: &App, call: &Call<W, I>, subject: Subject) -> (Session, String) {
    let id = SessionId::from_ulid(app.ids.ulid(call.now));
    let refresh_token = refresh_token(&call.guard.sealer, subject, id, &app.ids.token());
    let session = Session {
        id,
        subject,
        current: token_hash(&refresh_token),
        previous: None,
        rotated_at: call.now,
        created_at: call.now,
        authenticated_at: call.now,
        device: device(&call.request),
        network: network_of(&call.request.source_ip),
    };
    (session, refresh_token)
}

/// What the browser or app calls itself: enough to know it again, no more.
fn device(request: &Request) -> Option<String> {
    let agent = request.header("user-agent")?;
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS_MAX).collect();
    (!agent.is_empty()).then_some(agent)
}

/// The body and the cookies of a session.
pub(crate) async fn give(
    app: &App,
    guard: &Guard,
    session: &Session,
    refresh_token: String,
    mode: Mode,
    now: Timestamp,
) -> Result<(SessionView, Vec<String>), Fault> {
    let access_token = sign(app, session, now).await?;
    let expires_in = ACCESS_SECONDS;
    Ok(match mode {
        Mode::Token => {
            let view = SessionView {
                customer: None,
                access_token: Some(access_token),
                refresh_token: Some(refresh_token),
                expires_in,
                csrf_token: None,
            };
            (view, Vec::new())
        }
        Mode::Cookie => {
            let csrf_token = Some(guard.csrf_token(session.id));
            let view = SessionView {
                customer: None,
                access_token: None,
                refresh_token: None,
                expires_in,
                csrf_token,
            };
            let cookies = Cookies::of(session.subject);
            let idle = session.subject.absolute().as_secs();
            (view, vec![cookies.access(&access_token), cookies.refresh(&refresh_token, idle)])
        }
    })
}

/// The two cookies of a kind of subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookies {
    access: &'static str,
    refresh: &'static str,
    /// Lax for shoppers: the return from a bank's 3-D Secure page is a cross-site navigation.
    same_site: &'static str,
}

impl Cookies {
    pub(crate) const CUSTOMER: Self =
        Self { access: CUSTOMER_COOKIE, refresh: "__Host-refresh", same_site: "Lax" };
    pub(crate) const STAFF: Self =
        Self { access: STAFF_COOKIE, refresh: "__Host-staff-refresh", same_site: "Strict" };

    const fn of(subject: Subject) -> Self {
        match subject {
            Subject::Customer(_) => Self::CUSTOMER,
            Subject::Staff(_) => Self::STAFF,
        }
    }

    /// Whether these are the cookies of such a subject.
    pub(crate) fn are_of(self, subject: Subject) -> bool {
        Self::of(subject).refresh == self.refresh
    }

    /// The refresh token that a browser sent.
    pub(crate) fn sent(self, request: &Request) -> Option<&str> {
        request.cookie(self.refresh)
    }

    fn access(self, token: &str) -> String {
        let Self { access, same_site, .. } = self;
        format!(
            "{access}={token}; HttpOnly; Secure; SameSite={same_site}; Path=/; \
             Max-Age={ACCESS_SECONDS}"
        )
    }

    fn refresh(self, token: &str, age: i64) -> String {
        let name = self.refresh;
        format!("{name}={token}; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age={age}")
    }

    /// Cookies that take both away.
    pub(crate) fn cleared(self) -> Vec<String> {
        let Self { access, refresh, same_site } = self;
        vec![
            format!("{access}=; HttpOnly; Secure; SameSite={same_site}; Path=/; Max-Age=0"),
            format!("{refresh}=; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age=0"),
        ]
    }
}

/// A refresh token: whose, which session, 256 bits, and a seal. The first two find the session by
/// its key; without the seal, who has merely seen a session's id could end it.
fn refresh_token(sealer: &Sealer, subject: Subject, session: SessionId, secret: &str) -> String {
    let body = format!("{subject}.{session}.{secret}");
    let seal = sealer.seal(REFRESH_SEAL, &body);
    format!("{body}.{seal}")
}

/// A refresh token that this shop has given out, once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    pub(crate) subject: Subject,
    pub(crate) session: SessionId,
}

impl Given {
    /// Reads a token; one that we never gave out is none.
    pub(crate) fn read(sealer: &Sealer, token: &str) -> Option<Self> {
        let (body, seal) = token.rsplit_once('.')?;
        if !sealer.is_seal(REFRESH_SEAL, body, seal) {
            return None;
        }
        let mut parts = body.split('.');
        let subject = parts.next()?.parse().ok()?;
        let session = SessionId::parse(parts.next()?).ok()?;
        Some(Self { subject, session })
    }

    /// The tokens that may follow this one, the newest key's first. They follow from it under the
    /// shop's key, so that a lost answer can be given again without keeping any token.
    pub(crate) fn successors(self, sealer: &Sealer, token: &str) -> Vec<String> {
        let Self { subject, session } = self;
        sealer
            .seals("refresh", token)
            .map(|secret| refresh_token(sealer, subject, session, &secret))
            .collect()
    }
}

const REFRESH_SEAL: &str = "refresh token";
/// Characters of a browser's name that are kept.
const DEVICE_CHARS_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use domain::id::{StaffId, Ulid};

    use super::*;

    #[test]
    fn cookies_are_bound_to_the_host_and_hidden_from_scripts() {
        for kind in [Cookies::CUSTOMER, Cookies::STAFF] {
            let mut cookies = kind.cleared();
            cookies.extend([kind.access("t"), kind.refresh("t", 60)]);
            for cookie in cookies {
                assert!(cookie.starts_with("__Host-"), "{cookie}");
                for wanted in ["; HttpOnly", "; Secure", "; Path=/", "; SameSite="] {
                    assert!(cookie.contains(wanted), "{cookie}");
                }
                assert!(!cookie.contains("Domain"), "{cookie}");
            }
        }
        let lax = Cookies::CUSTOMER.access("t");
        assert!(lax.contains("SameSite=Lax; Path=/; Max-Age=900"), "{lax}");
        assert!(Cookies::CUSTOMER.refresh("t", 1).contains("SameSite=Strict"));
        assert!(Cookies::STAFF.access("t").contains("SameSite=Strict"));
    }

    #[test]
    fn each_kind_of_subject_has_its_own_cookies() {
        let staff = Subject::Staff(StaffId::from_ulid(Ulid::from_parts(1, 1)));
        let customer = Subject::Customer(CustomerId::from_ulid(Ulid::from_parts(1, 1)));
        assert!(Cookies::STAFF.are_of(staff) && !Cookies::STAFF.are_of(customer));
        assert!(Cookies::CUSTOMER.are_of(customer) && !Cookies::CUSTOMER.are_of(staff));
    }

    #[test]
    fn a_refresh_token_names_its_session_and_a_made_up_one_names_none() {
        let sealer = Sealer::new([7; 32]);
        let id = SessionId::parse("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let subject = Subject::Staff(StaffId::from_ulid(Ulid::from_parts(1, 1)));
        let token = refresh_token(&sealer, subject, id, "secret");
        let given = Given::read(&sealer, &token).unwrap();
        assert_eq!((given.subject, given.session), (subject, id));
        let made_up = token.replace("secret", "s3cret");
        assert!(Given::read(&sealer, &made_up).is_none());
        assert!(Given::read(&Sealer::new([8; 32]), &token).is_none());
        for text in ["", ".", "secret", "ses_1.secret"] {
            assert!(Given::read(&sealer, text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_successor_outlives_the_key_that_made_it() {
        let (old, new) = (Sealer::new([7; 32]), Sealer::new([8; 32]).and_before([7; 32]));
        let id = SessionId::parse("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let subject = Subject::Staff(StaffId::from_ulid(Ulid::from_parts(1, 1)));
        let token = refresh_token(&old, subject, id, "secret");
        let given = Given::read(&new, &token).unwrap();
        assert_eq!(given.successors(&new, &token).len(), 2);
        assert_eq!(given.successors(&old, &token).len(), 1);
    }
}
