//! Small secrets made of one key: cursors, CSRF tokens, download links; and the hash under which
//! random tokens are stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

/// A 256-bit key that seals texts for a purpose. A seal made for one purpose is worth nothing for
/// another.
#[derive(Clone)]
pub struct Sealer {
    key: Option<[u8; 32]>,
    /// The key before: what it sealed is good while it is being replaced.
    before: Option<[u8; 32]>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    /// A sealer with this key.
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key: Some(key), before: None }
    }

    /// A sealer without a key: whatever it is shown, it is no seal. For functions that were not
    /// told the key.
    pub const fn blind() -> Self {
        Self { key: None, before: None }
    }

    /// A sealer that also knows what the key before sealed.
    #[must_use]
    pub const fn and_before(self, key: [u8; 32]) -> Self {
        Self { before: Some(key), ..self }
    }

    /// The seal of a text: URL-safe base64 of HMAC-SHA256.
    pub fn seal(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.key.unwrap_or_default(), purpose, text))
    }

    /// The text's seals under the key and under the one before.
    pub fn seals(&self, purpose: &str, text: &str) -> impl Iterator<Item = String> {
        let seals = [self.key, self.before]
            .map(|key| key.map(|key| URL_SAFE_NO_PAD.encode(mac(&key, purpose, text))));
        seals.into_iter().flatten()
    }

    /// Whether this is the text's seal, in constant time.
    pub fn is_seal(&self, purpose: &str, text: &str, seal: &str) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(seal) else { return false };
        [self.key, self.before]
            .iter()
            .flatten()
            .any(|key| bool::from(mac(key, purpose, text).ct_eq(&given)))
    }

    /// `text.seal`, to hand out.
    pub fn wrap(&self, purpose: &str, text: &str) -> String {
        let encoded = URL_SAFE_NO_PAD.encode(text);
        let seal = self.seal(purpose, &encoded);
        format!("{encoded}.{seal}")
    }

    /// The text of a wrapped one, if the seal is ours and for this purpose.
    pub fn unwrap(&self, purpose: &str, wrapped: &str) -> Option<String> {
        let (encoded, seal) = wrapped.split_once('.')?;
        if !self.is_seal(purpose, encoded, seal) {
            return None;
        }
        String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
    }
}

fn mac(key: &[u8; 32], purpose: &str, text: &str) -> Vec<u8> {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The form in which a random token is stored: SHA-256 in hex. Our tokens have 256 random bits, so
/// a plain hash is enough.
pub fn token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_for_its_purpose_and_text_alone() {
        let sealer = Sealer::new([7; 32]);
        let wrapped = sealer.wrap("cursor", "position");
        assert_eq!(sealer.unwrap("cursor", &wrapped).as_deref(), Some("position"));
        assert_eq!(sealer.unwrap("csrf", &wrapped), None);
        assert_eq!(Sealer::new([8; 32]).unwrap("cursor", &wrapped), None);
    }

    #[test]
    fn a_blind_sealer_knows_no_seal_not_even_its_own() {
        let blind = Sealer::blind();
        assert!(!blind.is_seal("csrf", "session", &blind.seal("csrf", "session")));
        let zero = Sealer::new([0; 32]);
        assert!(!blind.is_seal("csrf", "session", &zero.seal("csrf", "session")));
    }

    #[test]
    fn what_the_key_before_sealed_is_good_and_new_seals_are_of_the_new_key() {
        let (old, new) = (Sealer::new([7; 32]), Sealer::new([8; 32]));
        let both = new.clone().and_before([7; 32]);
        assert!(both.is_seal("csrf", "session", &old.seal("csrf", "session")));
        assert_eq!(both.seal("csrf", "session"), new.seal("csrf", "session"));
    }

    #[test]
    fn every_changed_byte_breaks_the_seal() {
        let sealer = Sealer::new([7; 32]);
        let wrapped = sealer.wrap("cursor", "position");
        for index in 0..wrapped.len() {
            let mut bytes = wrapped.clone().into_bytes();
            bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character of base64 holds bits that decode to nothing.
            if sealer.unwrap("cursor", &changed).is_some() {
                assert_eq!(changed, wrapped, "byte {index}");
            }
        }
    }
}
