//! What a signed-in customer is given: cookies, or tokens.

use api::reply::View;
use api::token::{ACCESS_SECONDS, Signer};
use api::who::Guard;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::account::{Account, SESSION_ABSOLUTE, Session};
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, SessionId};
use jiff::Timestamp;
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
    signer.sign(session.customer, session.id, app.ids.ulid(now).to_string(), now)
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
            (view, vec![session_cookie(&access_token), refresh_cookie(&refresh_token)])
        }
    })
}

fn session_cookie(token: &str) -> String {
    // Lax: the return from a bank's 3-D Secure page is a cross-site navigation.
    format!(
        "__Host-session={token}; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age={ACCESS_SECONDS}"
    )
}

fn refresh_cookie(token: &str) -> String {
    let age = SESSION_ABSOLUTE.as_secs();
    format!("__Host-refresh={token}; HttpOnly; Secure; SameSite=Strict; Path=/; Max-Age={age}")
}

/// Cookies that take both away.
pub(crate) fn cleared() -> Vec<String> {
    [
        "__Host-session=; HttpOnly; Secure; SameSite=Lax",
        "__Host-refresh=; HttpOnly; Secure; SameSite=Strict",
    ]
    .iter()
    .map(|cookie| format!("{cookie}; Path=/; Max-Age=0"))
    .collect()
}

/// A session's refresh token: the session's id, so that it is found by its key, and 256 bits.
pub(crate) fn refresh_token(session: SessionId, secret: &str) -> String {
    format!("{session}.{secret}")
}

/// The token after this one. It follows from it under the shop's key, so that a lost answer can be
/// given again without keeping the token anywhere.
pub(crate) fn successor(guard: &Guard, session: SessionId, token: &str) -> String {
    refresh_token(session, &guard.sealer.seal("refresh", token))
}

/// The session that a refresh token names.
pub(crate) fn session_of(token: &str) -> Option<SessionId> {
    SessionId::parse(token.split_once('.')?.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_bound_to_the_host_and_hidden_from_scripts() {
        for cookie in [session_cookie("t"), refresh_cookie("t")].iter().chain(&cleared()) {
            assert!(cookie.starts_with("__Host-"), "{cookie}");
            for wanted in ["; HttpOnly", "; Secure", "; Path=/", "; SameSite="] {
                assert!(cookie.contains(wanted), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
        assert!(session_cookie("t").contains("SameSite=Lax; Path=/; Max-Age=900"));
        assert!(refresh_cookie("t").contains("SameSite=Strict"));
    }

    #[test]
    fn a_refresh_token_names_its_session() {
        let id = SessionId::parse("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        assert_eq!(session_of(&refresh_token(id, "secret")), Some(id));
        assert_eq!(session_of("secret"), None);
        assert_eq!(session_of("ses_1.secret"), None);
    }
}
