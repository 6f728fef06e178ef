//! Access tokens: JWT (RFC 7519), EdDSA over Ed25519 (RFC 8037), nothing else.
//!
//! The algorithm and the key follow from the `kid` and our own list; what a token says about
//! algorithms and keys is compared, never obeyed. Headers that would change how a token is read
//! (`crit`, `jku`, `jwk`, `x5u`, `b64`, `zip` …) make it no token of ours.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::Subject;
use domain::id::SessionId;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// How long an access token is good, in seconds.
pub const ACCESS_SECONDS: i64 = 15 * 60;
/// Longer texts are not looked at.
const TOKEN_BYTES_MAX: usize = 4096;
/// Clocks of ours may differ by this much.
const LEEWAY_SECONDS: i64 = 5;

/// The audience of a subject's tokens: customers and staff have their own, so that neither opens
/// the other's doors.
const fn audience(subject: Subject) -> &'static str {
    match subject {
        Subject::Customer(_) => "store",
        Subject::Staff(_) => "staff",
    }
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For which doors.
    pub aud: String,
    /// Who it is about.
    pub sub: Subject,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it begins to be good.
    pub nbf: i64,
    /// When it ends.
    pub exp: i64,
    /// Its own name.
    pub jti: String,
    /// The session it belongs to.
    pub sid: SessionId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    kid: String,
    typ: String,
}

/// Checks access tokens.
#[derive(Clone)]
pub struct Verifier {
    issuer: String,
    keys: BTreeMap<String, DecodingKey>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({:?})", self.keys.keys().collect::<Vec<_>>())
    }
}

/// A public key and its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublicKey {
    /// Its name.
    pub kid: String,
    /// The 32 bytes, base64url without padding (`x` of RFC 8037).
    pub x: String,
}

impl Verifier {
    /// A verifier for these keys; a key that is none is named.
    pub fn new(issuer: &str, keys: &[PublicKey]) -> Result<Self, String> {
        let mut decoding = BTreeMap::new();
        for key in keys {
            let bytes = URL_SAFE_NO_PAD.decode(&key.x).ok().filter(|bytes| bytes.len() == 32);
            let bytes = bytes.ok_or_else(|| format!("public key {} is malformed", key.kid))?;
            decoding.insert(key.kid.clone(), DecodingKey::from_ed_der(&bytes));
        }
        Ok(Self { issuer: issuer.to_owned(), keys: decoding })
    }

    /// Whether the token names a key of ours that this verifier does not know (yet).
    pub fn has_unknown_key(&self, token: &str) -> bool {
        let kid = header(token).map(|header| header.kid);
        kid.is_some_and(|kid| !self.keys.contains_key(&kid))
    }

    /// What the token says, if it is ours and good now.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let key = self.keys.get(&header(token)?.kid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Time is our input; audience and issuer are compared below, exactly.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims;
        let now = now.as_second();
        let lives = claims.exp.checked_sub(claims.iat);
        let is_good = claims.iss == self.issuer
            && claims.aud == audience(claims.sub)
            // We give out no other; whoever had our key for a moment has no token for years.
            && lives.is_some_and(|seconds| (1..=ACCESS_SECONDS).contains(&seconds))
            && now < claims.exp
            && now.saturating_add(LEEWAY_SECONDS) >= claims.nbf
            && now.saturating_add(LEEWAY_SECONDS) >= claims.iat;
        is_good.then_some(claims)
    }
}

/// The header of a token that may be one of ours.
fn header(token: &str) -> Option<StrictHeader> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let header = token.split('.').next()?;
    let header: StrictHeader =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    (header.alg == "EdDSA" && header.typ == "JWT").then_some(header)
}

/// Makes access tokens. Only the functions that sign people in hold one.
#[derive(Clone)]
pub struct Signer {
    issuer: String,
    kid: String,
    key: EncodingKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

impl Signer {
    /// A signer with this key: PKCS#8, DER.
    pub fn new(issuer: &str, kid: &str, pkcs8: &[u8]) -> Self {
        let key = EncodingKey::from_ed_der(pkcs8);
        Self { issuer: issuer.to_owned(), kid: kid.to_owned(), key }
    }

    /// A token for a session, good for [`ACCESS_SECONDS`].
    pub fn sign(
        &self,
        subject: Subject,
        session: SessionId,
        jti: String,
        now: Timestamp,
    ) -> Result<String, domain::fault::Fault> {
        let iat = now.as_second();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: audience(subject).to_owned(),
            sub: subject,
            iat,
            nbf: iat,
            exp: iat + ACCESS_SECONDS,
            jti,
            sid: session,
        };
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(|error| {
            let retry = domain::fault::Retry::Useless;
            domain::fault::Fault::new("sign an access token", error, retry)
        })
    }
}

#[cfg(test)]
mod tests;
