//! What the secrets of a function must be, asked before it takes its first call.
//!
//! A shop with a password for a key, or with live money in a test, must not open. Every flaw is
//! named, with the secret's name and never with what it holds.

use std::sync::Arc;

use api::token::{PublicKey, Signer, Verifier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::account::Subject;
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, SessionId, Ulid};
use jiff::Timestamp;
use secrets::{CarrierKeys, FactorKeys, PublicKeys, Secrets, SigningKey, StripeKeys, TokenKey};

/// 32 bytes of chance are 64 hexadecimal digits or 43 of base64; shorter keys are refused.
pub(crate) const KEY_TEXT_MIN: usize = 32;
/// Different characters in a key; one of chance has more.
const DIFFERENT_MIN: usize = 8;
/// Words of people. None of them comes up by chance in a key once in a million years of shops.
const WORDS: &[&str] =
    &["changeme", "default", "example", "fluxion", "password", "qwerty", "secret", "1234567"];

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The keys of the payment provider.
    Stripe,
    /// The key that signs access tokens.
    Signing,
    /// The keys that check them.
    Public,
    /// The key that seals cursors, CSRF tokens and links.
    Tokens,
    /// The keys of second factors.
    Factors,
    /// The key of the carriers.
    Carrier,
}

/// The secrets that a function reads.
#[derive(Debug)]
pub(crate) struct Keyring {
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) wanted: Vec<(Kind, String)>,
    /// Who issues access tokens here.
    pub(crate) issuer: String,
    /// Whether real money is taken here; none where the stage is not known.
    pub(crate) is_live: Option<bool>,
}

/// What was read of them so far.
#[derive(Default)]
struct Read {
    signing: Option<SigningKey>,
    public: Option<PublicKeys>,
}

impl Keyring {
    /// Everything that is wrong with the secrets. One that can not be reached for a moment is no
    /// flaw: the first call asks for it again.
    pub(crate) async fn flaws(&self, now: Timestamp) -> Vec<String> {
        let (mut read, mut flaws) = (Read::default(), Vec::new());
        for (kind, name) in &self.wanted {
            match self.look(*kind, name, now, &mut read).await {
                Ok(found) => flaws.extend(found.into_iter().map(|flaw| format!("{name}: {flaw}"))),
                Err(fault) if fault.retry() == Retry::Helps => {
                    tracing::warn!(secret = name, fault = %fault, "a secret is not checked");
                }
                Err(fault) => flaws.push(format!("{name}: {fault}")),
            }
        }
        flaws.extend(self.pair(&read, now));
        flaws
    }

    async fn look(
        &self,
        kind: Kind,
        name: &str,
        now: Timestamp,
        read: &mut Read,
    ) -> Result<Vec<String>, Fault> {
        let secrets = &self.secrets;
        Ok(match kind {
            Kind::Stripe => stripe(&secrets.get(name, now).await?, self.is_live),
            Kind::Tokens => tokens(&secrets.get(name, now).await?),
            Kind::Factors => factors(&secrets.get(name, now).await?),
            Kind::Carrier => carrier(&secrets.get(name, now).await?, self.is_live),
            Kind::Signing => {
                read.signing = Some(secrets.get(name, now).await?);
                Vec::new()
            }
            Kind::Public => {
                read.public = Some(secrets.get(name, now).await?);
                Vec::new()
            }
        })
    }

    /// Whether the key that signs is one, and one of those that are believed.
    fn pair(&self, read: &Read, now: Timestamp) -> Vec<String> {
        let (mut flaws, mut verifier) = (Vec::new(), None);
        if let Some(public) = &read.public {
            let keys: Vec<PublicKey> = public.keys.iter().map(public_key).collect();
            let kids = |kid: &str| keys.iter().filter(|key| key.kid == kid).count();
            if keys.is_empty() {
                flaws.push("there is no public key".to_owned());
            }
            if keys.iter().any(|key| key.kid.is_empty() || kids(&key.kid) > 1) {
                flaws.push("a public key has no name, or another's".to_owned());
            }
            match Verifier::new(&self.issuer, &keys) {
                Ok(made) => verifier = Some(made),
                Err(flaw) => flaws.push(flaw),
            }
        }
        let Some(signing) = &read.signing else { return flaws };
        let Some(token) = trial(&self.issuer, signing, now) else {
            flaws.push("the signing key is malformed".to_owned());
            return flaws;
        };
        if verifier.is_some_and(|verifier| verifier.verify(&token, now).is_none()) {
            flaws.push("what the signing key signs is not believed by the public keys".to_owned());
        }
        flaws
    }
}

fn public_key(key: &secrets::PublicKey) -> PublicKey {
    PublicKey { kid: key.kid.clone(), x: key.x.clone() }
}

/// A token of nobody, to see that the key signs.
fn trial(issuer: &str, key: &SigningKey, now: Timestamp) -> Option<String> {
    let pkcs8 = STANDARD.decode(&key.pkcs8).ok()?;
    let nobody = Ulid::from_parts(0, 0);
    let subject = Subject::Customer(CustomerId::from_ulid(nobody));
    let session = SessionId::from_ulid(nobody);
    Signer::new(issuer, &key.kid, &pkcs8).sign(subject, session, String::new(), now).ok()
}

fn stripe(keys: &StripeKeys, is_live: Option<bool>) -> Vec<String> {
    let StripeKeys { secret_key, publishable_key, webhook_secrets } = keys;
    let mode = |key: &str, kinds: [&str; 2]| {
        kinds.iter().find_map(|kind| {
            let rest = key.strip_prefix(kind)?;
            rest.strip_prefix("_live_").map(|_| true).or(rest.strip_prefix("_test_").map(|_| false))
        })
    };
    let modes = [mode(secret_key, ["sk", "rk"]), mode(publishable_key, ["pk", "pk"])];
    let mut flaws = Vec::new();
    for (mode, name) in modes.iter().zip(["secret_key", "publishable_key"]) {
        match (mode, is_live) {
            (None, _) => flaws.push(format!("{name} is no key of Stripe's")),
            (Some(true), Some(false)) => {
                flaws.push(format!("{name} is a live key outside of production"));
            }
            (Some(false), Some(true)) => flaws.push(format!("{name} is a test key in production")),
            (Some(_), _) => {}
        }
    }
    if webhook_secrets.is_empty() {
        flaws.push("there is no webhook secret".to_owned());
    }
    for secret in webhook_secrets {
        match secret.strip_prefix("whsec_") {
            Some(rest) if rest.len() >= KEY_TEXT_MIN && !is_made_up(rest) => {}
            _ => flaws.push("a webhook secret is none of Stripe's".to_owned()),
        }
    }
    flaws
}

fn tokens(secret: &TokenKey) -> Vec<String> {
    let mut flaws = Vec::new();
    flaws.extend(weakness(&secret.key).map(|flaw| format!("key {flaw}")));
    if let Some(previous) = &secret.previous {
        flaws.extend(weakness(previous).map(|flaw| format!("previous {flaw}")));
        if *previous == secret.key {
            flaws.push("previous is the key itself".to_owned());
        }
    }
    flaws
}

fn factors(secret: &FactorKeys) -> Vec<String> {
    let keys = &secret.keys;
    let mut flaws: Vec<String> =
        keys.iter().filter_map(|key| Some(format!("a key {}", weakness(&key.key)?))).collect();
    if keys.is_empty() {
        flaws.push("there is no key".to_owned());
    }
    let same = |id: &str| keys.iter().filter(|key| key.id == id).count() > 1;
    if keys.iter().any(|key| key.id.is_empty() || same(&key.id)) {
        flaws.push("a key has no id, or another's".to_owned());
    }
    flaws
}

/// A shop without an account has no key; one that has a key has the one of its stage.
fn carrier(keys: &CarrierKeys, is_live: Option<bool>) -> Vec<String> {
    let mut flaws = Vec::new();
    if let Some(key) = keys.api_key.as_deref().filter(|key| !key.is_empty()) {
        match (key.starts_with("EZAK"), key.starts_with("EZTK"), is_live) {
            (false, false, _) => flaws.push("api_key is no key of EasyPost's".to_owned()),
            (true, _, Some(false)) => {
                flaws.push("api_key is a live key outside of production".to_owned());
            }
            (_, true, Some(true)) => flaws.push("api_key is a test key in production".to_owned()),
            (..) => {}
        }
    }
    for secret in &keys.webhook_secrets {
        flaws.extend(weakness(secret).map(|flaw| format!("a webhook secret {flaw}")));
    }
    flaws
}

/// Why a key is none of chance.
fn weakness(key: &str) -> Option<&'static str> {
    if key.len() < KEY_TEXT_MIN {
        return Some("is shorter than 32 characters");
    }
    is_made_up(key).then_some("was made up by a person, not by chance")
}

fn is_made_up(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    different.len() < DIFFERENT_MIN
        || is_repeated(&lower)
        || WORDS.iter().any(|w| lower.contains(w))
}

/// Whether a text is one piece, over and over.
fn is_repeated(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=bytes.len() / 2).any(|period| {
        let moved = bytes.iter().skip(period);
        moved.zip(bytes).all(|(later, earlier)| later == earlier)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANCE: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn stripe_keys(secret: &str, publishable: &str, webhook: &[&str]) -> StripeKeys {
        StripeKeys {
            secret_key: secret.into(),
            publishable_key: publishable.into(),
            webhook_secrets: webhook.iter().map(|secret| (*secret).into()).collect(),
        }
    }

    #[test]
    fn keys_of_chance_are_good_and_keys_of_people_are_not() {
        for good in [CHANCE, &CHANCE[..32], "tU8zqVYw1nX0kR5sC2bJ7mEeLhPaDfGi49oT"] {
            assert_eq!(weakness(good), None, "{good}");
        }
        assert_eq!(weakness(&CHANCE[..31]), Some("is shorter than 32 characters"));
        for bad in [
            "a".repeat(64),
            "0".repeat(64),
            "abc123!Z".repeat(8),
            format!("{CHANCE}{CHANCE}"),
            format!("ChangeMe-{CHANCE}"),
            "this-is-my-very-own-Secret-key-0001".into(),
            "00000000000000000000000000000000000001".into(),
            "abcdefghijklmnopqrstuvwxyz1234567890".into(),
            "fluxion-staging-token-key-do-not-use".into(),
        ] {
            assert!(weakness(&bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn live_and_test_money_never_meet() {
        let webhook = format!("whsec_{CHANCE}");
        let webhook = [webhook.as_str()];
        let test = stripe_keys("sk_test_a", "pk_test_a", &webhook);
        let live = stripe_keys("rk_live_a", "pk_live_a", &webhook);
        for (keys, stage, flaws) in [
            (&test, Some(false), 0),
            (&live, Some(true), 0),
            (&test, Some(true), 2),
            (&live, Some(false), 2),
            (&live, None, 0),
            (&stripe_keys("sk_test_a", "pk_live_a", &webhook), Some(false), 1),
            (&stripe_keys("pk_test_a", "sk_test_a", &webhook), Some(false), 2),
            (&stripe_keys("sk_test_a", "pk_test_a", &[]), Some(false), 1),
            (&stripe_keys("sk_test_a", "pk_test_a", &["whsec_test", CHANCE]), Some(false), 2),
        ] {
            let found = stripe(keys, stage);
            assert_eq!(found.len(), flaws, "{found:?}");
        }
        assert_eq!(stripe(&live, Some(false))[0], "secret_key is a live key outside of production");
    }

    #[test]
    fn every_flaw_of_the_sealing_and_factor_keys_is_named() {
        let key = || CHANCE.to_owned();
        assert!(
            tokens(&TokenKey { key: key(), previous: Some("b2".repeat(9) + CHANCE) }).is_empty()
        );
        let same = tokens(&TokenKey { key: key(), previous: Some(key()) });
        assert_eq!(same, ["previous is the key itself"]);
        let both = tokens(&TokenKey { key: "short".into(), previous: Some("x".repeat(40)) });
        assert_eq!(both.len(), 2, "{both:?}");
        let factor = |id: &str, key: &str| secrets::FactorKey { id: id.into(), key: key.into() };
        assert!(factors(&FactorKeys { keys: vec![factor("a", CHANCE)] }).is_empty());
        let twins = vec![factor("a", CHANCE), factor("a", "short")];
        assert_eq!(factors(&FactorKeys { keys: twins }).len(), 2);
        assert_eq!(factors(&FactorKeys { keys: vec![] }), ["there is no key"]);
    }

    #[test]
    fn a_carriers_key_is_the_one_of_the_stage_or_none() {
        let keys = |key: &str, webhook: &[&str]| CarrierKeys {
            api_key: Some(key.to_owned()),
            webhook_secrets: webhook.iter().map(|secret| (*secret).to_owned()).collect(),
        };
        assert!(carrier(&CarrierKeys::default(), Some(true)).is_empty());
        assert!(carrier(&keys("EZAK1", &[CHANCE]), Some(true)).is_empty());
        assert!(carrier(&keys("EZTK1", &[]), Some(false)).is_empty());
        for (key, is_live) in [("EZAK1", false), ("EZTK1", true), ("sk_test_1", false)] {
            assert_eq!(carrier(&keys(key, &["short"]), Some(is_live)).len(), 2, "{key}");
        }
    }

    fn keyring() -> Keyring {
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(aws_sdk_secretsmanager::config::BehaviorVersion::latest())
            .build();
        let issuer = "https://shop.example".into();
        let secrets = Arc::new(Secrets::new(config));
        Keyring { secrets, wanted: vec![], issuer, is_live: Some(false) }
    }

    /// RFC 8037, Appendix A, as PKCS#8. In two parts: whole, it looks like a key that leaked.
    const PKCS8: &str =
        concat!("MC4CAQAwBQYDK2Vw", "BCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g");
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const OTHER_X: &str = "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw";

    fn pair(pkcs8: Option<&str>, public: Option<&[(&str, &str)]>) -> Vec<String> {
        let signing = pkcs8.map(|pkcs8| SigningKey { kid: "a".into(), pkcs8: pkcs8.into() });
        let key =
            |(kid, x): &(&str, &str)| secrets::PublicKey { kid: (*kid).into(), x: (*x).into() };
        let public = public.map(|keys| PublicKeys { keys: keys.iter().map(key).collect() });
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        keyring().pair(&Read { signing, public }, now)
    }

    #[test]
    fn the_key_that_signs_is_one_of_those_that_are_believed() {
        assert!(pair(Some(PKCS8), Some(&[("b", OTHER_X), ("a", X)])).is_empty());
        assert!(pair(Some(PKCS8), None).is_empty());
        assert!(pair(None, Some(&[("b", OTHER_X)])).is_empty());
        let stranger = "what the signing key signs is not believed by the public keys";
        assert_eq!(pair(Some(PKCS8), Some(&[("b", X)])), [stranger]);
        assert_eq!(pair(Some(PKCS8), Some(&[("a", OTHER_X)])), [stranger]);
        assert_eq!(pair(Some("AAAA"), Some(&[("a", X)])), ["the signing key is malformed"]);
        assert_eq!(pair(Some("?"), None), ["the signing key is malformed"]);
        assert_eq!(pair(None, Some(&[("a", "AAAA")])), ["public key a is malformed"]);
        assert_eq!(pair(None, Some(&[])), ["there is no public key"]);
        let twins: &[(&str, &str)] = &[("a", X), ("a", X)];
        assert_eq!(pair(None, Some(twins)), ["a public key has no name, or another's"]);
    }
}
