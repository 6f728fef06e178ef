//! Signatures of outgoing webhooks, as Standard Webhooks wants them
//! (<https://www.standardwebhooks.com>): HMAC-SHA-256 over `id.timestamp.body`.
//!
//! While a secret is being replaced, both sign: a receiver takes whichever it knows.

use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What every secret begins with.
const PREFIX: &str = "whsec_";
/// Random bytes of a secret; the standard wants 24 to 64.
pub const SECRET_BYTES: usize = 32;
/// How long the secret before signs as well, unless told otherwise.
pub const ROTATION_OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// What signs an endpoint's webhooks. It is shown once, when it is made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// The secret of these random bytes.
    pub fn of(random: [u8; SECRET_BYTES]) -> Self {
        Self(format!("{PREFIX}{}", BASE64.encode(&random)))
    }

    /// As it is shown.
    pub fn text(&self) -> &str {
        &self.0
    }

    fn sign(&self, id: &str, at: Timestamp, body: &str) -> Option<String> {
        let key = BASE64.decode(self.0.strip_prefix(PREFIX)?.as_bytes()).ok()?;
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
            unreachable!("HMAC takes keys of any length");
        };
        mac.update(format!("{id}.{}.{body}", at.as_second()).as_bytes());
        Some(format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
    }
}

/// The secrets of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The one that signs.
    pub current: Secret,
    /// The one before, and until when it signs as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<(Secret, Timestamp)>,
}

impl Secrets {
    /// Of a new endpoint.
    pub const fn new(current: Secret) -> Self {
        Self { current, before: None }
    }

    /// With another secret; the one that signed until now goes on for a while. One that was on its
    /// way out already is out.
    #[must_use]
    pub fn rotate(self, next: Secret, overlap: SignedDuration, now: Timestamp) -> Self {
        let until = now.checked_add(overlap).unwrap_or(now);
        let before = (until > now).then_some((self.current, until));
        Self { current: next, before }
    }

    /// The header `webhook-signature`: one signature for each secret that is good now.
    pub fn signature(&self, id: &str, now: Timestamp, body: &str) -> String {
        let before = self.before.as_ref().filter(|(_, until)| now < *until);
        let good = std::iter::once(&self.current).chain(before.map(|(secret, _)| secret));
        good.filter_map(|secret| secret.sign(id, now, body)).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_signature_is_that_of_the_standards_own_example() {
        // From the test vectors of the standard's reference libraries.
        let secret = Secret(concat!("whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").into());
        let signed = Secrets::new(secret).signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at(1_614_265_330),
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign_and_then_only_the_new_one() {
        let (first, second) = (Secret::of([1; 32]), Secret::of([2; 32]));
        let alone = |secret: &Secret, now| Secrets::new(secret.clone()).signature("m", now, "{}");
        let both = Secrets::new(first.clone()).rotate(
            second.clone(),
            SignedDuration::from_secs(60),
            at(100),
        );
        let expected = format!("{} {}", alone(&second, at(159)), alone(&first, at(159)));
        assert_eq!(both.signature("m", at(159), "{}"), expected);
        assert_eq!(both.signature("m", at(160), "{}"), alone(&second, at(160)));
        let at_once = Secrets::new(first).rotate(second.clone(), SignedDuration::ZERO, at(100));
        assert_eq!(at_once, Secrets::new(second));
    }

    #[test]
    fn a_secret_has_the_form_of_the_standard_and_is_not_printed() {
        let secret = Secret::of([7; 32]);
        let sevens = concat!("whsec_", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(secret.text(), sevens);
        assert_eq!(
            format!("{:?}", Secrets::new(secret)),
            "Secrets { current: Secret(…), before: None }"
        );
    }
}
