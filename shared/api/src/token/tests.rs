//! What RFC 7515 (JWS), 7519 (JWT), 8037 (EdDSA) and 8725 (best current practices) warn of, tried.
//!
//! The keys are those of RFC 8037, Appendix A, and of RFC 8032, section 7.1, test 2.

use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use domain::id::{CustomerId, StaffId, Ulid};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::*;

const ISSUER: &str = "https://shop.example";
const KID: &str = "key-2026-11-01";
const OTHER_KID: &str = "key-2026-10-01";
/// When tokens are looked at.
const NOW: i64 = 1_795_262_400;

/// RFC 8037, A.1 and A.2.
const OURS: ([u8; 32], &str) = (
    [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ],
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
);
/// RFC 8032, 7.1, test 2.
const FOREIGN: ([u8; 32], &str) = (
    [
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e,
        0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8,
        0xa6, 0xfb,
    ],
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// RFC 8410: an Ed25519 seed as PKCS#8.
fn pkcs8(seed: [u8; 32]) -> Vec<u8> {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    [head.as_slice(), &seed].concat()
}

fn public(kid: &str, (_, x): ([u8; 32], &str)) -> PublicKey {
    PublicKey { kid: kid.to_owned(), x: x.to_owned() }
}

fn verifier() -> Verifier {
    Verifier::new(ISSUER, &[public(KID, OURS), public(OTHER_KID, FOREIGN)]).unwrap()
}

fn customer() -> Subject {
    Subject::Customer(CustomerId::from_ulid(Ulid::from_parts(1, 0xabcd_efab_cdef)))
}

fn staff() -> Subject {
    Subject::Staff(StaffId::from_ulid(Ulid::from_parts(1, 2)))
}

fn session() -> SessionId {
    SessionId::from_ulid(Ulid::from_parts(1, 0xfedc_bafe_dcba))
}

fn good_header() -> Value {
    json!({"typ": "JWT", "alg": "EdDSA", "kid": KID})
}

fn good_claims() -> Value {
    json!({"iss": ISSUER, "aud": "store", "sub": customer(), "iat": NOW, "nbf": NOW,
        "exp": NOW + ACCESS_SECONDS, "jti": "one", "sid": session()})
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// `header.payload` with a good signature of this key.
fn sign_parts(header: &str, payload: &str, (seed, _): ([u8; 32], &str)) -> String {
    let message = format!("{header}.{payload}");
    let key = EncodingKey::from_ed_der(&pkcs8(seed));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::EdDSA);
    format!("{message}.{}", signature.unwrap())
}

/// A token with these two texts, well signed by us.
fn signed_text(header: &str, claims: &str) -> String {
    sign_parts(&encode(header), &encode(claims), OURS)
}

fn signed(header: &Value, claims: &Value) -> String {
    signed_text(&header.to_string(), &claims.to_string())
}

fn good() -> String {
    signed(&good_header(), &good_claims())
}

/// A good object with one member changed; `null` takes it away.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    let members: &mut Map<String, Value> = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    object
}

fn passes(token: &str) -> bool {
    verifier().verify(token, at(NOW)).is_some()
}

fn refused(token: &str, why: &str) {
    assert!(!passes(token), "passes: {why}");
}

fn hmac_signed(header: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(&header.to_string()), encode(&good_claims().to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[test]
fn what_we_sign_passes_and_says_what_was_signed() {
    for subject in [customer(), staff()] {
        let signer = Signer::new(ISSUER, KID, &pkcs8(OURS.0));
        let token = signer.sign(subject, session(), "one".into(), at(NOW)).unwrap();
        let claims = verifier().verify(&token, at(NOW)).unwrap();
        assert_eq!((claims.sub, claims.sid), (subject, session()));
        assert_eq!((claims.iat, claims.nbf, claims.exp), (NOW, NOW, NOW + 900));
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, good_header());
    }
    assert!(passes(&good()), "the suite's own token");
    // The order of members means nothing.
    let turned = format!(r#"{{"kid":"{KID}","alg":"EdDSA","typ":"JWT"}}"#);
    assert!(passes(&signed_text(&turned, &good_claims().to_string())));
}

/// RFC 8037, A.4 and A.5: the signature of the specification itself.
#[test]
fn the_signature_of_the_specification_is_ours_too() {
    let payload = encode("Example of Ed25519 signing");
    let token = sign_parts("eyJhbGciOiJFZERTQSJ9", &payload, OURS);
    let expected = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(token, expected);
    refused(expected, "a good signature over something that is no token of ours");
}

/// RFC 8725, 2.1: `none` in every spelling, with and without a signature.
#[test]
fn an_unsigned_token_is_none() {
    for alg in ["none", "None", "NONE", "nOnE", "none ", " none", "", "null", "0", "false"] {
        let header = with(good_header(), "alg", json!(alg));
        let token = signed(&header, &good_claims());
        let (message, _) = token.rsplit_once('.').unwrap();
        refused(&token, alg);
        refused(&format!("{message}."), alg);
        refused(message, alg);
    }
    let token = good();
    let (message, signature) = token.rsplit_once('.').unwrap();
    refused(&format!("{message}."), "our header, an empty signature");
    refused(&format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64])), "a signature of zeros");
    refused(&format!("{message}.{signature}{signature}"), "two signatures in one");
    refused(&format!("{message}.{}", &signature[..40]), "a part of a signature");
    for value in [Value::Null, json!(0), json!(true), json!(["EdDSA"]), json!({"EdDSA": 1})] {
        refused(&signed(&with(good_header(), "alg", value.clone()), &good_claims()), "alg");
    }
}

/// RFC 8725, 2.1: the public key as the secret of an HMAC, in every form it is handed around in.
#[test]
fn the_public_key_is_no_secret_of_an_hmac() {
    let (_, x) = OURS;
    let raw = URL_SAFE_NO_PAD.decode(x).unwrap();
    let spki = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &raw].concat();
    let base64 = STANDARD.encode(&spki);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x}).to_string();
    let secrets: [&[u8]; 9] = [
        &raw,
        &spki,
        x.as_bytes(),
        base64.as_bytes(),
        pem.as_bytes(),
        pem.trim_end().as_bytes(),
        jwk.as_bytes(),
        KID.as_bytes(),
        b"",
    ];
    for secret in secrets {
        for alg in ["HS256", "HS384", "HS512", "EdDSA", "hs256"] {
            refused(&hmac_signed(&with(good_header(), "alg", json!(alg)), secret), alg);
        }
    }
}

/// RFC 8725, 3.1: the algorithm is ours to name, whatever the signature is worth.
#[test]
fn no_other_algorithm_is_obeyed_even_over_a_good_signature() {
    for alg in [
        "HS256",
        "HS384",
        "HS512",
        "RS256",
        "RS384",
        "RS512",
        "ES256",
        "ES384",
        "ES512",
        "ES256K",
        "PS256",
        "PS384",
        "PS512",
        "Ed25519",
        "Ed448",
        "eddsa",
        "EDDSA",
        "EdDSA ",
        "EdDSA\u{0}",
        "RSA-OAEP",
        "dir",
        "A128KW",
        "PBES2-HS256+A128KW",
    ] {
        refused(&signed(&with(good_header(), "alg", json!(alg)), &good_claims()), alg);
    }
}

/// RFC 8725, 3.10: the kid is looked up in our own list and nowhere else.
#[test]
fn a_kid_is_a_name_in_our_list_and_nothing_else() {
    let long = "k".repeat(3000);
    for kid in [
        json!("key-2026-11-02"),
        json!("KEY-2026-11-01"),
        json!(" key-2026-11-01"),
        json!("key-2026-11-01 "),
        json!("key-2026-11-01\u{0}"),
        json!("key-2026-11-01\n"),
        json!("../../../../dev/null"),
        json!("/etc/passwd"),
        json!("file:///dev/null"),
        json!("https://evil.example/keys.json"),
        json!("' OR '1'='1"),
        json!("x' UNION SELECT '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' --"),
        json!("$(sleep 5)"),
        json!(""),
        json!("*"),
        json!(long),
        json!([KID]),
        json!({"kid": KID}),
        json!(0),
        json!(1.5),
        json!(true),
        Value::Null,
    ] {
        let token = signed(&with(good_header(), "kid", kid.clone()), &good_claims());
        refused(&token, &kid.to_string());
    }
    let other = with(good_header(), "kid", json!(OTHER_KID));
    refused(&signed(&other, &good_claims()), "our signature under another key's name");
    let foreign = |header: &Value| {
        sign_parts(&encode(&header.to_string()), &encode(&good_claims().to_string()), FOREIGN)
    };
    refused(&foreign(&good_header()), "a foreign key under our key's name");
    assert!(passes(&foreign(&other)), "each key under its own name");
}

/// Only what names a key of ours sends anybody to look for new keys.
#[test]
fn an_unknown_kid_is_told_from_a_token_that_is_none() {
    let verifier = verifier();
    let unknown = signed(&with(good_header(), "kid", json!("key-2026-12-01")), &good_claims());
    assert!(verifier.has_unknown_key(&unknown));
    let jwk = with(with(good_header(), "kid", json!("x")), "jwk", json!({}));
    for none in [good(), signed(&jwk, &good_claims()), "x".repeat(1 << 20), String::new()] {
        assert!(!verifier.has_unknown_key(&none));
    }
}

/// RFC 7515, 4.1, and RFC 8725, 3.10: a header that brings its own key, or asks for another way
/// of reading, makes it no token of ours, although the signature is good.
#[test]
fn no_header_changes_how_a_token_is_read() {
    let (_, x) = OURS;
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    for (name, value) in [
        ("jku", json!("https://shop.example/keys.json")),
        ("jwk", jwk.clone()),
        ("x5u", json!("https://shop.example/key.pem")),
        ("x5c", json!([STANDARD.encode(x)])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
        ("epk", jwk),
        ("iss", json!(ISSUER)),
        ("url", json!("https://shop.example")),
        ("nonce", json!("1")),
        ("KID", json!(KID)),
        ("", json!("")),
    ] {
        refused(&signed(&with(good_header(), name, value), &good_claims()), name);
    }
}

/// RFC 8725, 3.11: tokens of another type are other tokens.
#[test]
fn a_token_says_that_it_is_one() {
    for typ in [
        json!("jwt"),
        json!("at+jwt"),
        json!("JOSE"),
        json!("JWE"),
        json!("application/jwt"),
        json!("JWT "),
        json!(""),
        json!(1),
        json!(["JWT"]),
        Value::Null,
    ] {
        refused(&signed(&with(good_header(), "typ", typ.clone()), &good_claims()), "typ");
    }
}

/// Whether a token with these times passes at this second.
fn passes_at(iat: i64, nbf: i64, exp: i64, now: i64) -> bool {
    let claims = with(good_claims(), "iat", json!(iat));
    let claims = with(with(claims, "nbf", json!(nbf)), "exp", json!(exp));
    verifier().verify(&signed(&good_header(), &claims), at(now)).is_some()
}

/// RFC 7519, 4.1.4 to 4.1.6: `exp` is the first second at which it is over, `nbf` the first at
/// which it is good. Clocks may differ by five seconds at the beginning, by none at the end.
#[test]
fn times_hold_to_the_second() {
    let end = NOW + ACCESS_SECONDS;
    assert!(passes_at(NOW, NOW, end, end - 1));
    assert!(!passes_at(NOW, NOW, end, end));
    assert!(!passes_at(NOW, NOW, end, end + 1));
    assert!(passes_at(NOW, NOW, end, NOW - 5));
    assert!(!passes_at(NOW, NOW, end, NOW - 6));
    assert!(passes_at(NOW, NOW + 60, end, NOW + 55));
    assert!(!passes_at(NOW, NOW + 60, end, NOW + 54));
    // Only the issue lies in the future.
    assert!(passes_at(NOW + 5, NOW, end, NOW));
    assert!(!passes_at(NOW + 6, NOW, end, NOW));
    assert!(!passes_at(NOW + 10 * 365 * 86_400, NOW, NOW + 11 * 365 * 86_400, NOW));
    // Time with a fraction: the second has begun or it has not.
    let token = good();
    let late = Timestamp::from_millisecond(end * 1000 - 1).unwrap();
    assert!(verifier().verify(&token, late).is_some());
}

#[test]
fn a_token_lives_as_long_as_ours_do_at_most() {
    assert!(passes_at(NOW, NOW, NOW + 900, NOW));
    assert!(passes_at(NOW, NOW, NOW + 1, NOW));
    assert!(!passes_at(NOW, NOW, NOW + 901, NOW));
    assert!(!passes_at(NOW - 1, NOW, NOW + 900, NOW));
    assert!(!passes_at(0, 0, i64::MAX, NOW));
    assert!(!passes_at(NOW + 3, NOW, NOW + 3, NOW));
    assert!(!passes_at(NOW + 4, NOW, NOW + 3, NOW));
}

/// RFC 7519, 2 (NumericDate): ours are whole seconds, and no number overflows anything.
#[test]
fn a_time_is_a_whole_number_of_seconds() {
    for name in ["iat", "nbf", "exp"] {
        for text in [
            "-1",
            "0",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "18446744073709551616",
            "1e400",
            "-1e400",
            "1795262400.0",
            "1795262400.5",
            "1.8e9",
            "\"1795262400\"",
            "true",
            "[1795262400]",
            "{}",
            "null",
            "NaN",
            "01795262400",
            "+1795262400",
            "0x6b0177c0",
        ] {
            let holder = with(good_claims(), name, json!("HERE"));
            let claims = holder.to_string().replace("\"HERE\"", text);
            let token = signed_text(&good_header().to_string(), &claims);
            // Zero and less are times long ago, at which a token may well begin to be good.
            let is_long_ago = name == "nbf" && ["0", "-1", "-9223372036854775808"].contains(&text);
            assert_eq!(passes(&token), is_long_ago, "{name}: {text}");
        }
    }
}

#[test]
fn every_claim_is_there_and_none_besides() {
    for name in ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid"] {
        refused(&signed(&good_header(), &with(good_claims(), name, Value::Null)), name);
        let null = good_claims().to_string().replacen('{', &format!("{{\"{name}\":null,"), 1);
        refused(&signed_text(&good_header().to_string(), &null), name);
    }
    for name in ["admin", "role", "scope", "permissions", "azp", "cnf", "act", ""] {
        refused(&signed(&good_header(), &with(good_claims(), name, json!("x"))), name);
    }
    for claims in ["", "null", "[]", "\"\"", "1", "true", "{}", "{", "{}{}"] {
        refused(&signed_text(&good_header().to_string(), claims), claims);
    }
    let array = format!("[{}]", good_claims());
    refused(&signed_text(&good_header().to_string(), &array), "claims in a list");
    // A list of values in the order of the fields is no object either.
    let row = json!([ISSUER, "store", customer(), NOW, NOW, NOW + 900, "one", session()]);
    refused(&signed(&good_header(), &row), "claims as a row");
    refused(&signed(&json!(["EdDSA", KID, "JWT"]), &good_claims()), "the header as a row");
}

/// RFC 8725, 3.8, 3.9 and 3.12: who issued it, for whom, about whom.
#[test]
fn a_token_is_from_this_shop_and_for_the_door_that_its_subject_has() {
    for iss in [
        "https://shop.example/",
        "https://shop.example ",
        "http://shop.example",
        "https://SHOP.example",
        "https://shop.example.evil.example",
        "shop.example",
        "",
    ] {
        refused(&signed(&good_header(), &with(good_claims(), "iss", json!(iss))), iss);
    }
    let list = with(good_claims(), "iss", json!([ISSUER]));
    refused(&signed(&good_header(), &list), "a list of issuers");
    for aud in [
        json!("staff"),
        json!("Store"),
        json!(""),
        json!("*"),
        json!(["store"]),
        json!(["store", "staff"]),
        json!(1),
    ] {
        refused(&signed(&good_header(), &with(good_claims(), "aud", aud)), "aud");
    }
    let as_staff = with(good_claims(), "sub", json!(staff()));
    refused(&signed(&good_header(), &as_staff), "staff at the customers' door");
    let for_staff = with(as_staff, "aud", json!("staff"));
    assert!(passes(&signed(&good_header(), &for_staff)));
    let posing = with(for_staff, "sub", json!(customer()));
    refused(&signed(&good_header(), &posing), "a customer at the staff's door");
    let id = customer().to_string();
    for sub in [
        id.to_lowercase(),
        id.replace("cus_", "ord_"),
        id.replace("cus_", "key_"),
        id.replace("cus_", ""),
        format!("{id} "),
        format!("{id}\u{0}"),
        format!("{id},{id}"),
        String::new(),
        "admin".into(),
    ] {
        refused(&signed(&good_header(), &with(good_claims(), "sub", json!(sub))), &sub);
    }
    let session = session().to_string();
    for sid in [session.replace("ses_", "cus_"), session.to_lowercase(), String::new()] {
        refused(&signed(&good_header(), &with(good_claims(), "sid", json!(sid))), &sid);
    }
}

/// RFC 7515, 4, and RFC 7519, 4: readers differ in which of two values counts.
#[test]
fn what_is_said_twice_is_not_said() {
    let twice = |object: &Value, name: &str, value: &str| {
        let text = object.to_string();
        let first = text.replacen('{', &format!("{{\"{name}\":{value},"), 1);
        let last = format!("{},\"{name}\":{value}}}", text.strip_suffix('}').unwrap());
        [first, last]
    };
    let (header, claims) = (good_header(), good_claims());
    for (name, value) in [
        ("alg", "\"none\""),
        ("alg", "\"EdDSA\""),
        ("\\u0061lg", "\"EdDSA\""),
        ("kid", "\"x\""),
        ("typ", "\"JWT\""),
    ] {
        for text in twice(&header, name, value) {
            refused(&signed_text(&text, &claims.to_string()), &text);
        }
    }
    for (name, value) in [
        ("sub", staff().to_string()),
        ("sub", customer().to_string()),
        ("s\\u0075b", customer().to_string()),
        ("aud", "staff".into()),
        ("iss", ISSUER.into()),
        ("sid", session().to_string()),
        ("jti", "two".into()),
    ] {
        for text in twice(&claims, name, &format!("\"{value}\"")) {
            refused(&signed_text(&header.to_string(), &text), &text);
        }
    }
    for name in ["exp", "nbf", "iat"] {
        for text in twice(&claims, name, &NOW.to_string()) {
            refused(&signed_text(&header.to_string(), &text), &text);
        }
    }
}

/// RFC 7516 and RFC 7515, 7: other numbers of parts, other serialisations.
#[test]
fn a_token_has_three_parts() {
    let token = good();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for other in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "....".into(),
        header.to_owned(),
        format!("{header}.{payload}"),
        // Detached content (RFC 7515, Appendix F).
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        format!("{header}.{header}.{payload}.{signature}"),
        token.replace('.', ","),
        token.replace('.', "%2E"),
        json!({"payload": payload, "protected": header, "signature": signature}).to_string(),
        json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]})
            .to_string(),
        format!("Bearer {token}"),
        format!("{token},{token}"),
    ] {
        refused(&other, &other);
    }
    let jwe = json!({"alg": "dir", "enc": "A128GCM", "kid": KID, "typ": "JWT"});
    refused(&format!("{}..AAAA.AAAA.AAAA", encode(&jwe.to_string())), "a JWE");
}

/// RFC 7515, 2: base64url without padding, line breaks or white space; and one text for each
/// token, so that what was revoked does not come back in other clothes.
#[test]
fn a_token_is_written_in_one_way() {
    let token = good();
    let parts: Vec<&str> = token.split('.').collect();
    for white in [" ", "\n", "\r\n", "\t", "\u{0}", "=", "==", "\u{feff}", "\u{a0}"] {
        refused(&format!("{white}{token}"), "something before");
        refused(&format!("{token}{white}"), "something after");
        for index in 0..3 {
            let mut changed: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            changed[index].push_str(white);
            refused(&changed.join("."), "something behind a part");
            changed[index] = parts[index].to_owned();
            changed[index].insert_str(4, white);
            refused(&changed.join("."), "something within a part");
        }
    }
    // Parts of every length, well signed as they are written, with padding and in the other
    // alphabet.
    for filler in 0..4 {
        let claims = with(good_claims(), "jti", json!("?~".repeat(filler) + "\u{fb}\u{ff}"));
        let header = format!("{}{}", good_header(), " ".repeat(filler));
        assert!(passes(&sign_parts(&encode(&header), &encode(&claims.to_string()), OURS)));
        let padded = |text: &str| URL_SAFE.encode(text);
        let other = |text: &str| STANDARD.encode(text);
        for (is_padded, write) in [(true, padded as fn(&str) -> String), (false, other)] {
            let (head, body) = (write(&header), write(&claims.to_string()));
            if head.contains(['=', '+', '/']) || is_padded && head.len() % 4 != 0 {
                refused(&sign_parts(&head, &encode(&claims.to_string()), OURS), "a header");
            }
            if body.contains(['=', '+', '/']) {
                refused(&sign_parts(&encode(&header), &body, OURS), "claims");
            }
        }
    }
    // The last character of a part may have bits that mean nothing: they are zero.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for last in alphabet {
        let twin = format!("{}{}", &token[..token.len() - 1], char::from(*last));
        assert_eq!(passes(&twin), twin == token, "{twin}");
    }
}

#[test]
fn a_huge_token_is_not_looked_at() {
    for size in [4097, 1 << 20, 8 << 20] {
        refused(&"a".repeat(size), "a's");
        refused(&".".repeat(size), "dots");
    }
    // Well signed, and longer than any of ours.
    let claims = with(good_claims(), "jti", json!("j".repeat(1 << 20)));
    refused(&signed(&good_header(), &claims), "a name of a mebibyte");
    let deep = format!("{}{}", "[".repeat(1400), "]".repeat(1400));
    refused(&signed_text(&good_header().to_string(), &deep), "lists in lists");
    refused(&signed_text(&deep, &good_claims().to_string()), "lists in lists");
}

/// Each bit of each byte, one at a time.
#[test]
fn no_bit_of_a_token_can_be_flipped() {
    let token = good();
    let verifier = verifier();
    let mut tried = 0;
    for index in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            // What is no UTF-8 is no header's value either.
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            assert!(verifier.verify(&flipped, at(NOW)).is_none(), "byte {index}, bit {bit}");
            tried += 1;
        }
    }
    assert!(tried >= token.len() * 7, "{tried}");
    for end in 0..token.len() {
        assert!(verifier.verify(&token[..end], at(NOW)).is_none(), "cut off at {end}");
    }
}

/// RFC 7517 and RFC 8037, 2: a key that is none is named, not used.
#[test]
fn a_malformed_public_key_is_refused_by_its_name() {
    let (_, x) = OURS;
    for wrong in ["", "AAAA", &x[..42], &format!("{x}="), &format!("{x}AA"), &x.replace('_', "/")] {
        let key = PublicKey { kid: "bad".into(), x: wrong.into() };
        assert_eq!(Verifier::new(ISSUER, &[key]).unwrap_err(), "public key bad is malformed");
    }
}

#[test]
fn neither_verifier_nor_signer_shows_a_key() {
    let signer = Signer::new(ISSUER, KID, &pkcs8(OURS.0));
    let shown = format!("{signer:?} {:?}", verifier());
    assert_eq!(shown, format!(r#"Signer({KID}) Verifier(["{OTHER_KID}", "{KID}"])"#));
}
