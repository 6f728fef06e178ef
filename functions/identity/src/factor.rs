//! Second factors of the staff: what the authenticator app knows, what it shows, and the codes for
//! the day that it is lost.
//!
//! The app's secret is nowhere at rest: it follows from a key, the member and a nonce. Who reads
//! the tables without the key learns nothing of it, and who holds the key alone neither.

use data_encoding::BASE32_NOPAD;
use domain::fault::{Fault, Retry};
use domain::id::StaffId;
use domain::staff::{RECOVERY_CODES, SecondFactor};
use domain::totp::SECRET_BYTES;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use runtime::Ids;
use secrets::{FactorKey, FactorKeys};
use sha2::{Digest, Sha256};

use crate::App;

/// Shorter keys are refused: 32 bytes of chance are 64 hexadecimal digits or 43 of base64.
const KEY_TEXT_MIN: usize = 32;
/// Random bytes of a recovery code: 120 bits, 24 characters of base32.
const RECOVERY_BYTES: usize = 15;
/// Characters of a recovery code between two dashes.
const RECOVERY_GROUP: usize = 6;
/// What a code may look like: six digits, or a recovery code with its dashes.
pub(crate) const CODE_CHARS_MAX: usize = 40;

/// The secret of a member's app. The parts are divided by a byte that stands in none of them.
pub fn secret(key: &FactorKey, staff: StaffId, nonce: &str) -> [u8; SECRET_BYTES] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.key.as_bytes()) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(format!("totp\0{staff}\0{nonce}").as_bytes());
    let mut secret = [0; SECRET_BYTES];
    for (byte, digest) in secret.iter_mut().zip(mac.finalize().into_bytes()) {
        *byte = digest;
    }
    secret
}

/// A second factor as it is enrolled: nothing was used of it yet.
pub fn enrolled(
    key: &FactorKey,
    nonce: &str,
    recovery_codes: &[String],
    now: Timestamp,
) -> SecondFactor {
    SecondFactor {
        key: key.id.clone(),
        nonce: nonce.to_owned(),
        last_step: 0,
        recovery: recovery_codes.iter().map(|code| recovery_hash(code)).collect(),
        enrolled_at: now,
    }
}

/// Ten new recovery codes of 120 random bits each.
pub(crate) fn recovery_codes(ids: &Ids) -> Vec<String> {
    let code = |_| {
        let random = ids.salt();
        let text = BASE32_NOPAD.encode(random.get(..RECOVERY_BYTES).unwrap_or(&random));
        let letters: Vec<char> = text.chars().collect();
        let groups: Vec<String> =
            letters.chunks(RECOVERY_GROUP).map(|group| group.iter().collect()).collect();
        groups.join("-")
    };
    (0..RECOVERY_CODES).map(code).collect()
}

/// The form in which a recovery code is stored, however it was typed. Of 120 random bits a plain
/// hash is enough.
fn recovery_hash(code: &str) -> String {
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    Sha256::digest(plain.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A code that was good: the second factor as it must be written before anything is granted.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) factor: SecondFactor,
    pub(crate) is_recovery: bool,
}

/// The keys of this moment.
#[derive(Debug)]
pub(crate) struct Keys(FactorKeys);

impl Keys {
    pub(crate) async fn load(app: &App, now: Timestamp) -> Result<Self, Fault> {
        let missing = || Fault::noticed("check a second factor without its keys", Retry::Useless);
        let name = app.factor_secret.as_ref().ok_or_else(missing)?;
        let keys: FactorKeys = app.secrets.get(name, now).await?;
        if keys.keys.is_empty() || keys.keys.iter().any(|key| key.key.len() < KEY_TEXT_MIN) {
            let tried = format!("read the factor keys: one is shorter than {KEY_TEXT_MIN}");
            return Err(Fault::noticed(tried, Retry::Useless));
        }
        Ok(Self(keys))
    }

    /// The key that new factors are made from.
    pub(crate) fn newest(&self) -> Result<&FactorKey, Fault> {
        self.0.keys.first().ok_or_else(|| Fault::noticed("find a factor key", Retry::Useless))
    }

    /// Whether a member's code is good: one of the app, or a recovery code.
    pub(crate) fn check(
        &self,
        factor: &SecondFactor,
        staff: StaffId,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<Shown>, Fault> {
        let is_of_app = code.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ');
        if !is_of_app {
            let rest = factor.accept_recovery(&recovery_hash(code));
            return Ok(rest.map(|factor| Shown { factor, is_recovery: true }));
        }
        let key = self.0.keys.iter().find(|key| key.id == factor.key);
        let gone = || Fault::noticed(format!("find the factor key {}", factor.key), Retry::Useless);
        let secret = secret(key.ok_or_else(gone)?, staff, &factor.nonce);
        // Apps show the digits in two groups.
        let after = factor.accept_code(&code.replace(' ', ""), &secret, now);
        Ok(after.map(|factor| Shown { factor, is_recovery: false }))
    }
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;
    use domain::totp;

    use super::*;

    fn staff(n: u128) -> StaffId {
        StaffId::from_ulid(Ulid::from_parts(1, n))
    }

    fn key(id: &str, text: &str) -> FactorKey {
        FactorKey { id: id.into(), key: text.into() }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_790_000_010).unwrap()
    }

    #[test]
    fn a_secret_follows_from_key_member_and_nonce_and_from_nothing_less() {
        let one = secret(&key("a", "k1"), staff(1), "n");
        assert_eq!(one, secret(&key("b", "k1"), staff(1), "n"));
        for other in [
            secret(&key("a", "k2"), staff(1), "n"),
            secret(&key("a", "k1"), staff(2), "n"),
            secret(&key("a", "k1"), staff(1), "m"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_factor_stays_with_the_key_it_was_made_from() {
        let (old, new) = (key("a", "k1"), key("b", "k2"));
        let factor = enrolled(&old, "n", &[], now());
        let code = totp::code(&secret(&old, staff(1), "n"), totp::step(now()));
        let keys = Keys(FactorKeys { keys: vec![new.clone(), old] });
        let shown = keys.check(&factor, staff(1), &code, now()).unwrap().unwrap();
        assert_eq!((shown.factor.last_step, shown.is_recovery), (totp::step(now()), false));
        assert!(keys.check(&shown.factor, staff(1), &code, now()).unwrap().is_none());
        let typed = format!("{} {}", &code[..3], &code[3..]);
        assert!(keys.check(&factor, staff(1), &typed, now()).unwrap().is_some());
        assert!(
            Keys(FactorKeys { keys: vec![new] }).check(&factor, staff(1), &code, now()).is_err()
        );
    }

    #[test]
    fn ten_recovery_codes_of_at_least_112_bits_and_each_is_good_once_however_it_is_typed() {
        let codes = recovery_codes(&Ids::seeded(1));
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 27 && code.split('-').count() == 4));
        assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 10);
        let factor = enrolled(&key("a", "k"), "n", &codes, now());
        assert!(!factor.recovery.iter().any(|hash| codes.contains(hash)));
        let keys = Keys(FactorKeys { keys: vec![key("a", "k")] });
        let typed = codes[3].to_lowercase().replace('-', " ");
        let shown = keys.check(&factor, staff(1), &typed, now()).unwrap().unwrap();
        assert!(shown.is_recovery && shown.factor.recovery.len() == 9);
        assert!(keys.check(&shown.factor, staff(1), &codes[3], now()).unwrap().is_none());
    }
}
