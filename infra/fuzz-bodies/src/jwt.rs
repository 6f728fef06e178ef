//! An access token.
//!
//! Bytes are a token as it came, unless their first line is `signed`: then the next two lines are a
//! header and claims, which are signed here, so that what lies behind the signature is tried, too.

use std::sync::LazyLock;

use api::token::{ACCESS_SECONDS, Claims, PublicKey, Verifier};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::Subject;

use crate::{NOW, now};

const ISSUER: &str = "https://shop.example";
const KID: &str = "fuzz";
/// Clocks of ours may differ by this much, as the verifier grants.
const LEEWAY_SECONDS: i64 = 5;

static OURS: LazyLock<(Ed25519KeyPair, Verifier)> = LazyLock::new(|| {
    let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(&[7; 32]) else {
        unreachable!("any 32 bytes are a seed");
    };
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let key = PublicKey { kid: KID.to_owned(), x };
    match Verifier::new(ISSUER, &[key]) {
        Ok(verifier) => (pair, verifier),
        Err(what) => unreachable!("{what}"),
    }
});

/// Reads the bytes as a token.
pub fn jwt(bytes: &[u8]) {
    // It comes in a header, which is a text.
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Some((header, claims)) =
        text.strip_prefix("signed\n").and_then(|parts| parts.split_once('\n'))
    {
        signed(header, claims);
    } else {
        let verifier = &OURS.1;
        let _ = verifier.has_unknown_key(text);
        assert!(verifier.verify(text, now()).is_none(), "a forged token is believed");
    }
}

fn signed(header: &str, claims: &str) {
    let (pair, verifier) = &*OURS;
    let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = pair.sign(message.as_bytes());
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    let Some(claims) = verifier.verify(&token, now()) else { return };
    assert!(!verifier.has_unknown_key(&token), "a token is believed whose key is unknown");
    check(&claims);
    let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64]));
    assert!(verifier.verify(&forged, now()).is_none(), "a signature of zeros is believed");
}

/// What is believed is ours and good now.
fn check(claims: &Claims) {
    assert_eq!(claims.iss, ISSUER);
    let wanted = match claims.sub {
        Subject::Customer(_) => "store",
        Subject::Staff(_) => "staff",
    };
    assert_eq!(claims.aud, wanted, "a token opens doors of others");
    assert!(NOW < claims.exp, "a token is believed after its end");
    assert!(claims.exp - claims.iat <= ACCESS_SECONDS, "a token lives too long");
    assert!(claims.iat <= NOW + LEEWAY_SECONDS, "a token comes out of the future");
    assert!(claims.nbf <= NOW + LEEWAY_SECONDS, "a token is believed before it is good");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_believed(seed: &str) -> bool {
        let parts = seed.strip_prefix("signed\n").and_then(|parts| parts.split_once('\n'));
        let (header, claims) = parts.unwrap();
        let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = URL_SAFE_NO_PAD.encode(OURS.0.sign(message.as_bytes()));
        OURS.1.verify(&format!("{message}.{signature}"), now()).is_some()
    }

    #[test]
    fn the_corpus_goes_beyond_the_signature() {
        assert!(is_believed(include_str!("../../../fuzz/corpus/jwt/customer")));
        assert!(is_believed(include_str!("../../../fuzz/corpus/jwt/staff")));
        for bad in [
            include_str!("../../../fuzz/corpus/jwt/expired"),
            include_str!("../../../fuzz/corpus/jwt/edges"),
            include_str!("../../../fuzz/corpus/jwt/long_lived"),
            include_str!("../../../fuzz/corpus/jwt/other_key"),
            include_str!("../../../fuzz/corpus/jwt/none"),
            include_str!("../../../fuzz/corpus/jwt/crit"),
        ] {
            assert!(!is_believed(bad), "{bad}");
        }
    }
}
