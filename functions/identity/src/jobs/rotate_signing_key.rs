//! Every hour: the key that signs access tokens is replaced once it is thirty days old, and nobody
//! notices.
//!
//! One step each hour, read from the secrets themselves, so that whoever dies anywhere is carried
//! on by the next:
//!
//! 1. a new key is made and kept beside the current one (label `AWSPENDING`);
//! 2. its public half is published; whoever checks tokens knows it before any token bears it;
//! 3. it becomes the current one, and Secrets Manager keeps the old one as `AWSPREVIOUS`;
//! 4. an hour later no token of the old key is good any more, and its public half goes.
//!
//! Every write carries a token made of what it writes for: done again, it changes nothing, and of
//! two that race with different keys the second is refused.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::fault::{Fault, Retry};
use jiff::{SignedDuration, Timestamp};
use runtime::Tick;
use secrets::{Label, PublicKey, PublicKeys, SigningKey, Version};

use crate::App;

/// How old a signing key grows.
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a public key is known before tokens bear it: longer than a secret is kept in memory.
const KNOWN_BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How long an old public key stays: longer than a signing key is kept in memory and a token of it
/// lives after that, five and fifteen minutes.
const STAYS: SignedDuration = SignedDuration::from_mins(45);

/// The names of the two secrets.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) signing: String,
    pub(crate) public: String,
}

/// The secrets as they stand.
struct Keys {
    current: Version<SigningKey>,
    pending: Option<Version<SigningKey>>,
    public: Version<PublicKeys>,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    /// Nothing.
    Rest,
    /// Make a new key.
    Make,
    /// Add this key's public half to the list.
    Publish(&'a str),
    /// Let the pending key take over.
    TakeOver,
    /// Keep the current key's public half alone.
    Retire,
}

/// Takes the step that is due, if one is.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let names = app.rotation.as_ref();
    let names = names.ok_or_else(|| Fault::noticed("rotate without names", Retry::Useless))?;
    let keys = read(app, names).await?;
    let step = keys.next(tick.now);
    let Keys { current, pending, public } = &keys;
    let op = "identity.jobs.rotate_signing_key";
    match step {
        Step::Rest => Ok(()),
        Step::Make => {
            let kid = format!("key-{}", tick.now.strftime("%Y-%m-%d"));
            let key = SigningKey { pkcs8: new_key(&app.ids.seed())?, kid };
            tracing::info!(op, kid = key.kid, "a signing key is made");
            let once = once("pending", &key.kid);
            app.secrets.put(&names.signing, Label::Pending, &key, &once).await
        }
        Step::Publish(kid) => {
            let key = [Some(current), pending.as_ref()];
            let key = key.into_iter().flatten().find(|key| key.value.kid == kid).unwrap_or(current);
            let new = PublicKey { kid: kid.to_owned(), x: public_half(&key.value)? };
            let keys: Vec<_> = std::iter::once(new).chain(public.value.keys.clone()).collect();
            tracing::info!(op, kid, "a signing key's public half is published");
            publish(app, names, PublicKeys { keys }).await
        }
        Step::TakeOver => {
            let Some(key) = pending else { return Ok(()) };
            tracing::info!(op, kid = key.value.kid, "a signing key takes over");
            let once = once("current", &key.value.kid);
            app.secrets.put(&names.signing, Label::Current, &key.value, &once).await
        }
        Step::Retire => {
            let kid = &current.value.kid;
            let keys = public.value.keys.iter().filter(|key| key.kid == *kid).cloned().collect();
            tracing::info!(op, kid, "the public halves of older signing keys go");
            publish(app, names, PublicKeys { keys }).await
        }
    }
}

async fn read(app: &App, names: &Names) -> Result<Keys, Fault> {
    let missing = |name: &str| Fault::noticed(format!("read {name}: it is empty"), Retry::Useless);
    let current = app.secrets.version(&names.signing, Label::Current).await?;
    let pending = app.secrets.version(&names.signing, Label::Pending).await?;
    let public = app.secrets.version(&names.public, Label::Current).await?;
    Ok(Keys {
        current: current.ok_or_else(|| missing(&names.signing))?,
        pending,
        public: public.ok_or_else(|| missing(&names.public))?,
    })
}

impl Keys {
    fn next(&self, now: Timestamp) -> Step<'_> {
        let Self { current, pending, public } = self;
        let is_public = |kid: &str| public.value.keys.iter().any(|key| key.kid == kid);
        // A pending key that is older than the current one was overtaken by hand.
        let next = pending.as_ref().filter(|pending| {
            pending.value.kid != current.value.kid && pending.since >= current.since
        });
        if !is_public(&current.value.kid) {
            // Put in place by hand: what it signs is to be believed.
            return Step::Publish(&current.value.kid);
        }
        if let Some(next) = next {
            return if !is_public(&next.value.kid) {
                Step::Publish(&next.value.kid)
            } else if now.duration_since(public.since) >= KNOWN_BEFORE {
                Step::TakeOver
            } else {
                Step::Rest
            };
        }
        let age = now.duration_since(current.since);
        if public.value.keys.len() > 1 && age >= STAYS {
            Step::Retire
        } else if age >= LIFETIME {
            Step::Make
        } else {
            Step::Rest
        }
    }
}

async fn publish(app: &App, names: &Names, keys: PublicKeys) -> Result<(), Fault> {
    let kids: Vec<&str> = keys.keys.iter().map(|key| key.kid.as_str()).collect();
    app.secrets.put(&names.public, Label::Current, &keys, &once("public", &kids.join(" "))).await
}

/// 64 characters that stand for one write: Secrets Manager does it once.
fn once(what: &str, of: &str) -> String {
    api::seal::token_hash(&format!("{what} {of}"))
}

/// A key of these 32 random bytes: PKCS#8, DER, base64.
fn new_key(seed: &[u8; 32]) -> Result<String, Fault> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| refused("make"))?;
    let document = pair.to_pkcs8v1().map_err(|_| refused("write"))?;
    Ok(STANDARD.encode(document.as_ref()))
}

/// The 32 bytes that check a key's signatures, in base64url.
fn public_half(key: &SigningKey) -> Result<String, Fault> {
    let document = STANDARD.decode(&key.pkcs8).map_err(|_| refused("read"))?;
    let pair =
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(&document).map_err(|_| refused("read"))?;
    Ok(URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()))
}

/// Without the library's words: they are about the key.
fn refused(tried: &str) -> Fault {
    Fault::noticed(format!("{tried} a signing key"), Retry::Useless)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;
    const DAY: i64 = 24 * 60 * MINUTE;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn key(kid: &str, since: i64) -> Version<SigningKey> {
        Version { value: SigningKey { kid: kid.into(), pkcs8: String::new() }, since: at(since) }
    }

    /// Key `a` since 0; perhaps a pending one; these in public.
    fn keys(pending: Option<(&str, i64)>, public: &[&str], since: i64) -> Keys {
        let public = public.iter().map(|kid| PublicKey { kid: (*kid).into(), x: String::new() });
        Keys {
            current: key("a", 0),
            pending: pending.map(|(kid, since)| key(kid, since)),
            public: Version { value: PublicKeys { keys: public.collect() }, since: at(since) },
        }
    }

    #[test]
    fn a_young_key_stays_and_an_old_one_is_replaced() {
        assert_eq!(keys(None, &["a"], 0).next(at(30 * DAY - 1)), Step::Rest);
        assert_eq!(keys(None, &["a"], 0).next(at(30 * DAY)), Step::Make);
        // The key that took over last is still labelled.
        assert_eq!(keys(Some(("a", -MINUTE)), &["a"], 0).next(at(30 * DAY)), Step::Make);
    }

    #[test]
    fn a_new_key_is_published_and_known_before_it_takes_over() {
        let made = Some(("b", 30 * DAY));
        let old = keys(made, &["a"], 0);
        assert_eq!(old.next(at(31 * DAY)), Step::Publish("b"));
        let published = 31 * DAY;
        let both = keys(made, &["b", "a"], published);
        assert_eq!(both.next(at(published + 10 * MINUTE - 1)), Step::Rest);
        assert_eq!(both.next(at(published + 10 * MINUTE)), Step::TakeOver);
    }

    #[test]
    fn an_old_public_key_outlives_the_last_token_it_checks() {
        let both = keys(Some(("a", -MINUTE)), &["a", "z"], -60 * MINUTE);
        assert_eq!(both.next(at(45 * MINUTE - 1)), Step::Rest);
        assert_eq!(both.next(at(45 * MINUTE)), Step::Retire);
    }

    #[test]
    fn a_key_put_in_place_by_hand_is_published_and_nothing_pending_overtakes_it() {
        let by_hand = keys(Some(("b", -DAY)), &["b", "z"], -DAY);
        assert_eq!(by_hand.next(at(MINUTE)), Step::Publish("a"));
        let published = keys(Some(("b", -DAY)), &["a", "b", "z"], MINUTE);
        assert_eq!(published.next(at(60 * MINUTE)), Step::Retire);
    }

    #[test]
    fn a_key_checks_what_it_signs() {
        let key = SigningKey { kid: "k".into(), pkcs8: new_key(&[7; 32]).unwrap() };
        let x = public_half(&key).unwrap();
        let public = api::token::PublicKey { kid: "k".into(), x };
        let verifier = api::token::Verifier::new("https://shop.example", &[public]).unwrap();
        let pkcs8 = STANDARD.decode(&key.pkcs8).unwrap();
        let signer = api::token::Signer::new("https://shop.example", "k", &pkcs8);
        let subject = "cus_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let session = domain::id::SessionId::parse("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let token = signer.sign(subject, session, "j".into(), at(0)).unwrap();
        assert!(verifier.verify(&token, at(0)).is_some());
        assert!(public_half(&SigningKey { kid: "k".into(), pkcs8: "AAAA".into() }).is_err());
    }
}
