//! One-time passwords from an authenticator app: RFC 6238 over RFC 4226.
//!
//! HMAC-SHA-1, thirty seconds, six digits: the only combination that every app speaks. SHA-1 is
//! sound here, since HMAC does not need it to be free of collisions. A code is compared in
//! constant time; that none is taken twice is the business of
//! [`SecondFactor`](crate::staff::SecondFactor).

use std::fmt::Write as _;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// Seconds that a code is shown.
pub const STEP_SECONDS: u64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Bytes of a secret: as long as the hash, as RFC 4226 §4 (R6) asks for.
pub const SECRET_BYTES: usize = 20;
/// Steps before and after the present one whose codes are taken: clocks differ, people are slow.
const DRIFT: u64 = 1;

/// The number of the step at this time.
pub fn step(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0) / STEP_SECONDS
}

/// The code of a step.
pub fn code(secret: &[u8], step: u64) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    // RFC 4226 §5.3: the last four bits say where the four bytes begin that are the number, and
    // its first bit is dropped.
    let offset = usize::from(digest.last().copied().unwrap_or(0) & 0x0f);
    let number = digest.iter().skip(offset).take(4).fold(0_u32, |n, b| (n << 8) | u32::from(*b));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The step that this is the code of: the present one, the one before or the one after. All are
/// compared, whatever the first comparison says.
pub fn matching_step(secret: &[u8], given: &str, now: Timestamp) -> Option<u64> {
    let present = step(now);
    let mut found = Choice::from(0);
    let mut which = 0;
    for candidate in present.saturating_sub(DRIFT)..=present.saturating_add(DRIFT) {
        let is_it = code(secret, candidate).as_bytes().ct_eq(given.as_bytes());
        which.conditional_assign(&candidate, is_it);
        found |= is_it;
    }
    bool::from(found).then_some(which)
}

/// The secret as people type it: base32 (RFC 4648 §6) without padding.
pub fn base32(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// What the QR code says: `otpauth://totp/Issuer:account?secret=…`, every parameter spelled out.
///
/// A colon divides the issuer from the account, so neither may contain one; they are left out.
pub fn otpauth_uri(issuer: &str, account: &str, secret: &[u8]) -> String {
    let issuer = percent_encoded(&issuer.replace(':', ""));
    let account = percent_encoded(&account.replace(':', ""));
    let secret = base32(secret);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}\
         &algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )
}

/// RFC 3986: all but the unreserved characters of §2.3 as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of both RFCs' examples.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_codes_of_rfc_4226_appendix_d() {
        let codes = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (step, expected) in (0..).zip(codes) {
            assert_eq!(code(SECRET, step), expected);
        }
    }

    #[test]
    fn the_codes_of_rfc_6238_appendix_b() {
        // The RFC shows eight digits; six are its last six.
        let table = [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ];
        for (second, expected) in table {
            assert_eq!(code(SECRET, step(at(second))), expected[2..]);
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_its_neighbours() {
        let now = at(1_790_000_010);
        let present = step(now);
        for (candidate, is_good) in [
            (present - 2, false),
            (present - 1, true),
            (present, true),
            (present + 1, true),
            (present + 2, false),
        ] {
            let expected = is_good.then_some(candidate);
            assert_eq!(matching_step(SECRET, &code(SECRET, candidate), now), expected);
        }
    }

    #[test]
    fn what_is_no_code_matches_no_step() {
        for wrong in ["", "000000", "75522", "7552240", " 755224", "٧٥٥٢٢٤"] {
            assert_eq!(matching_step(SECRET, wrong, at(1_790_000_000)), None, "{wrong:?}");
        }
        assert_eq!(matching_step(SECRET, "755224", at(0)), Some(0));
        assert_eq!(matching_step(SECRET, "755224", at(-1_000)), Some(0));
    }

    #[test]
    fn a_secret_is_typed_in_the_base32_of_rfc_4648() {
        let table = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (bytes, text) in table {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_qr_code_is_escaped() {
        assert_eq!(
            otpauth_uri("Büro: Süd & Co", "ada+shop@example.com", SECRET),
            "otpauth://totp/B%C3%BCro%20S%C3%BCd%20%26%20Co:ada%2Bshop%40example.com\
             ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=B%C3%BCro%20S%C3%BCd%20%26%20Co&algorithm=SHA1&digits=6&period=30",
        );
    }
}
