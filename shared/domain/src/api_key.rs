//! Keys for machines: how they look, what they are good for and how they end.
//!
//! A key is `flx_live_` or `flx_test_`, the 26 characters of its id, 43 of its secret (256 bits in
//! base62) and 6 of a checksum (CRC-32 of all before it, in base62). Scanners for leaked secrets
//! find one by
//!
//! ```text
//! \bflx_(live|test)_[0-7][0-9A-HJKMNP-TV-Z]{25}[0-9A-Za-z]{49}\b
//! ```
//!
//! The checksum tells a mistyped key without a read; it keeps no secret. What is stored is a hash:
//! of 256 random bits a plain SHA-256 is enough. A key may never do more than who made it may do
//! now, and a rotated key answers for a while beside its successor, so that nothing stands still.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use ulid::Ulid;

use crate::id::{KeyId, StaffId};
use crate::permission::Permissions;

/// What a scanner for leaked secrets looks for.
pub const PATTERN: &str = r"\bflx_(live|test)_[0-7][0-9A-HJKMNP-TV-Z]{25}[0-9A-Za-z]{49}\b";
/// How long the secret before the last rotation is good, unless told otherwise.
pub const ROTATION_OVERLAP: SignedDuration = SignedDuration::from_hours(24);
/// How old the stored time of the last use may be: not every call is worth a write.
pub const USE_RESOLUTION: SignedDuration = SignedDuration::from_mins(5);
/// Networks that a key remembers; the one that it was longest not new from goes first.
pub const NETWORKS_MAX: usize = 50;
/// Characters in a key's name.
pub const NAME_CHARS_MAX: usize = 60;
/// Bytes of a secret.
pub const SECRET_BYTES: usize = 32;

const LIVE: &str = "flx_live_";
const TEST: &str = "flx_test_";
const ID_CHARS: usize = ulid::ULID_LEN;
/// 62⁴³ is just above 2²⁵⁶.
const SECRET_CHARS: usize = 43;
/// 62⁶ is above 2³².
const CHECKSUM_CHARS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The key to hand out, once and never again.
pub fn issue(id: KeyId, is_live: bool, secret: &[u8; SECRET_BYTES]) -> String {
    let prefix = if is_live { LIVE } else { TEST };
    let mut text = format!("{prefix}{}", id.ulid());
    text.push_str(&base62(secret, SECRET_CHARS));
    let checksum = checksum_of(&text);
    text.push_str(&checksum);
    text
}

/// A text that is no key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It does not look like one.
    NotAKey,
    /// It looks like one and was mistyped or made up.
    Mistyped,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAKey => "does not look like an API key of ours",
            Self::Mistyped => "is an API key with a wrong character",
        })
    }
}

impl std::error::Error for Malformed {}

/// A key that somebody showed: well formed, and not yet believed.
#[derive(Clone)]
pub struct Presented {
    id: KeyId,
    is_live: bool,
    hash: String,
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({})", self.id)
    }
}

impl Presented {
    /// Reads a key. The checksum is looked at before anything in the key is made use of.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (is_live, rest) = match (text.strip_prefix(LIVE), text.strip_prefix(TEST)) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(Malformed::NotAKey),
        };
        let is_shaped = rest.len() == ID_CHARS + SECRET_CHARS + CHECKSUM_CHARS
            && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_shaped {
            return Err(Malformed::NotAKey);
        }
        let (body, checksum) =
            text.split_at_checked(text.len() - CHECKSUM_CHARS).ok_or(Malformed::NotAKey)?;
        if checksum_of(body) != checksum {
            return Err(Malformed::Mistyped);
        }
        let id = rest.get(..ID_CHARS).ok_or(Malformed::NotAKey)?;
        let ulid = Ulid::from_string(id).map_err(|_| Malformed::NotAKey)?;
        if ulid.to_string() != id {
            return Err(Malformed::NotAKey);
        }
        Ok(Self { id: KeyId::from_ulid(ulid), is_live, hash: hash_of(text) })
    }

    /// Which key it says it is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Whether it says it is for the live shop.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// SHA-256 (hex) of its text: what is stored.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// The hash under which an issued key is stored: SHA-256 of its text, in hex.
pub fn hash_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn checksum_of(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_CHARS)
}

/// A number, most significant byte first, in this many digits.
fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = bytes.to_vec();
    let mut text = Vec::with_capacity(digits);
    for _ in 0..digits {
        let mut rest = 0_u16;
        for byte in &mut number {
            let value = (rest << 8) | u16::from(*byte);
            // A rest below 62 makes this quotient smaller than 256.
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        text.push(DIGITS.get(usize::from(rest)).copied().map_or('0', char::from));
    }
    text.iter().rev().collect()
}

/// Why a key is not made or not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for more than the one who makes it may do.
    Wider,
    /// It asks for what no key may do.
    NotForKeys,
    /// It asks for nothing.
    NoScopes,
    /// Its end is not in the future.
    AlreadyExpired,
    /// Its name is empty, too long, or not one line.
    InvalidName,
    /// It was revoked or has expired.
    Ended,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Wider => "scopes_wider_than_own",
            Self::NotForKeys => "scope_not_for_keys",
            Self::NoScopes => "no_scopes",
            Self::AlreadyExpired => "already_expired",
            Self::InvalidName => "invalid_key_name",
            Self::Ended => "key_ended",
        }
    }
}

/// An API key as it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The id, a part of the key's text.
    pub id: KeyId,
    /// What it was made for.
    pub name: String,
    /// What it was made to do; see [`ApiKey::permissions`].
    pub scopes: Permissions,
    /// Who made it.
    pub creator: StaffId,
    /// Whether it is for the live shop.
    pub is_live: bool,
    /// SHA-256 (hex) of the key's text.
    pub secret_hash: String,
    /// The one before the last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_hash: Option<String>,
    /// Until when the one before is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_until: Option<Timestamp>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When somebody ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, give or take [`USE_RESOLUTION`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Where it was used from, the newest last; at most [`NETWORKS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Rises with every write.
    pub version: u64,
}

/// Only the id: the hashes are nobody's business.
impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.id)
    }
}

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it is for.
    pub name: String,
    /// What it is to do.
    pub scopes: Permissions,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether it is for the live shop.
    pub is_live: bool,
}

/// A use of a key that is worth a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The key afterwards.
    pub key: ApiKey,
    /// Whether it was never used from there before, as far as it remembers.
    pub is_new_network: bool,
}

impl ApiKey {
    /// A new key. `own` is what its creator may do.
    pub fn new(
        id: KeyId,
        wanted: Wanted,
        creator: StaffId,
        own: &Permissions,
        secret_hash: String,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let Wanted { name, scopes, expires_at, is_live } = wanted;
        if scopes.is_empty() {
            return Err(Refusal::NoScopes);
        }
        if scopes != scopes.for_keys() {
            return Err(Refusal::NotForKeys);
        }
        if !own.covers(&scopes) {
            return Err(Refusal::Wider);
        }
        if expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::AlreadyExpired);
        }
        let name = key_name(&name)?;
        Ok(Self {
            id,
            name,
            scopes,
            creator,
            is_live,
            secret_hash,
            previous_hash: None,
            previous_until: None,
            expires_at,
            revoked_at: None,
            last_used_at: None,
            networks: Vec::new(),
            created_at: now,
            version: 0,
        })
    }

    /// Whether the key has not ended.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether the key is good and this is the hash of its text, or of the one before the last
    /// rotation while that is good, too. In constant time.
    pub fn accepts(&self, hash: &str, now: Timestamp) -> bool {
        let is = |stored: &str| stored.as_bytes().ct_eq(hash.as_bytes());
        let is_current = is(&self.secret_hash);
        let overlaps = self.previous_until.is_some_and(|until| now < until);
        let is_previous = self.previous_hash.as_deref().map_or(0.into(), is);
        let is_known = bool::from(is_current) || (overlaps && bool::from(is_previous));
        self.is_good(now) && is_known
    }

    /// Whether the key that was shown is this one, and good.
    pub fn admits(&self, shown: &Presented, now: Timestamp) -> bool {
        self.id == shown.id && self.is_live == shown.is_live && self.accepts(&shown.hash, now)
    }

    /// What the key may do, now that its creator may do this: a key shrinks with its creator.
    /// Somebody who is suspended or gone may do nothing.
    pub fn permissions(&self, creator: &Permissions) -> Permissions {
        self.scopes.intersection(creator).for_keys()
    }

    /// The key with another secret; the one it had is good until `overlap` has passed.
    pub fn rotate(
        &self,
        secret_hash: String,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if !self.is_good(now) {
            return Err(Refusal::Ended);
        }
        let until = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        let previous_hash = Some(self.secret_hash.clone());
        Ok(Self { secret_hash, previous_hash, previous_until: Some(until), ..self.clone() })
    }

    /// The key ended. Ending it again changes nothing.
    #[must_use]
    pub fn revoke(&self, now: Timestamp) -> Self {
        Self { revoked_at: self.revoked_at.or(Some(now)), ..self.clone() }
    }

    /// What is to be written after a use, if anything: the time when the stored one is too old,
    /// the network when it is new.
    pub fn use_from(&self, network: Option<&str>, now: Timestamp) -> Option<Use> {
        let is_stale =
            self.last_used_at.is_none_or(|last| now.duration_since(last) >= USE_RESOLUTION);
        let new = network.filter(|network| !self.networks.iter().any(|known| known == network));
        if !is_stale && new.is_none() {
            return None;
        }
        let mut key = Self { last_used_at: Some(now), ..self.clone() };
        key.networks.extend(new.map(str::to_owned));
        let surplus = key.networks.len().saturating_sub(NETWORKS_MAX);
        key.networks.drain(..surplus);
        Some(Use { key, is_new_network: new.is_some() })
    }
}

fn key_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let is_one_line = !name.chars().any(char::is_control);
    if is_one_line && (1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(Refusal::InvalidName)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::permission::Permission;

    fn id() -> KeyId {
        KeyId::from_ulid(Ulid::from_parts(1, 1))
    }

    fn creator() -> StaffId {
        StaffId::from_ulid(Ulid::from_parts(1, 2))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn scopes() -> Permissions {
        Permissions::of([Permission::OrdersRead, Permission::OrdersRefund])
    }

    fn wanted() -> Wanted {
        Wanted { name: " ERP ".into(), scopes: scopes(), expires_at: Some(at(100)), is_live: true }
    }

    fn make(wanted: Wanted, own: &Permissions) -> Result<ApiKey, Refusal> {
        ApiKey::new(id(), wanted, creator(), own, "a".into(), at(0))
    }

    fn key() -> ApiKey {
        make(wanted(), &Permissions::all()).unwrap()
    }

    #[test]
    fn a_key_looks_like_this() {
        assert_eq!(
            issue(id(), true, &[0; 32]),
            "flx_live_0000000001000000000000000100000000000000000000000000000000000000000003OygkM",
        );
        let all_ones = issue(id(), false, &[0xff; 32]);
        assert_eq!(all_ones.len(), 84);
        assert_eq!(Presented::parse(&all_ones).unwrap().id(), id());
    }

    #[test]
    fn a_number_in_base_62_is_that_number() {
        assert_eq!(base62(&[0, 0, 0, 61], 6), "00000z");
        assert_eq!(base62(&62_u32.to_be_bytes(), 6), "000010");
        assert_eq!(base62(&u32::MAX.to_be_bytes(), 6), "4gfFC3");
        let widest = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";
        assert_eq!(base62(&[0xff; 32], SECRET_CHARS), widest);
        assert_eq!(base62(&[0xff; 32], SECRET_CHARS + 1), format!("0{widest}"));
    }

    #[test]
    fn what_is_no_key_is_told_apart_from_what_was_mistyped() {
        let good = issue(id(), true, &[7; 32]);
        let parse = |text: &str| Presented::parse(text).err();
        assert_eq!(parse(&good), None);
        assert_eq!(parse(&good.replacen("live", "test", 1)), Some(Malformed::Mistyped));
        assert_eq!(parse(&good.to_ascii_lowercase()), Some(Malformed::Mistyped));
        for wrong in ["", "flx_live_", "flx_", "sk_live_1", &good[1..], &good[..83]] {
            assert_eq!(parse(wrong), Some(Malformed::NotAKey), "{wrong:?}");
        }
        let padded = format!("{good} ");
        assert_eq!(parse(&padded), Some(Malformed::NotAKey));
        // A good checksum over an id that is spelled in another way than ours.
        let mut other = format!("{LIVE}{}", id().ulid()).replace("0000000001", "000000000l");
        other.push_str(&"0".repeat(SECRET_CHARS));
        let checksum = checksum_of(&other);
        assert_eq!(parse(&(other + &checksum)), Some(Malformed::NotAKey));
    }

    #[test]
    fn a_key_is_never_wider_than_its_creator() {
        let reader = Permissions::of([Permission::OrdersRead]);
        assert_eq!(make(wanted(), &reader).err(), Some(Refusal::Wider));
        assert_eq!(key().permissions(&reader), reader);
        assert!(key().permissions(&Permissions::none()).is_empty());
        assert_eq!(key().permissions(&Permissions::all()), scopes());
    }

    #[test]
    fn a_key_that_makes_no_sense_is_not_made() {
        let all = Permissions::all();
        let managing = Permissions::of([Permission::StaffManage]);
        for (wrong, refusal) in [
            (Wanted { scopes: managing, ..wanted() }, Refusal::NotForKeys),
            (Wanted { scopes: Permissions::none(), ..wanted() }, Refusal::NoScopes),
            (Wanted { expires_at: Some(at(0)), ..wanted() }, Refusal::AlreadyExpired),
            (Wanted { name: "\n".into(), ..wanted() }, Refusal::InvalidName),
            (Wanted { name: "a\nb".into(), ..wanted() }, Refusal::InvalidName),
            (Wanted { name: "x".repeat(61), ..wanted() }, Refusal::InvalidName),
        ] {
            assert_eq!(make(wrong, &all).err(), Some(refusal));
        }
        assert_eq!(key().name, "ERP");
    }

    #[test]
    fn a_key_ends_at_its_time_or_when_it_is_revoked() {
        assert!(key().accepts("a", at(99)) && !key().accepts("a", at(100)));
        assert!(!key().accepts("b", at(1)) && !key().accepts("", at(1)));
        let revoked = key().revoke(at(10));
        assert!(!revoked.accepts("a", at(9)));
        assert_eq!(revoked.revoke(at(20)), revoked);
        let endless = ApiKey { expires_at: None, ..key() };
        assert!(endless.is_good(Timestamp::MAX));
    }

    #[test]
    fn a_rotated_key_answers_beside_its_successor_for_a_while() {
        let rotated = key().rotate("b".into(), SignedDuration::from_secs(30), at(10)).unwrap();
        assert!(rotated.accepts("b", at(10)) && rotated.accepts("a", at(39)));
        assert!(!rotated.accepts("a", at(40)) && rotated.accepts("b", at(40)));
        let again = rotated.rotate("c".into(), SignedDuration::ZERO, at(20)).unwrap();
        assert!(!again.accepts("a", at(20)) && !again.accepts("b", at(20)));
        assert!(!rotated.revoke(at(20)).accepts("a", at(20)));
        assert_eq!(key().rotate("b".into(), ROTATION_OVERLAP, at(100)), Err(Refusal::Ended));
        assert!(key().rotate("b".into(), SignedDuration::MAX, at(1)).is_ok());
    }

    #[test]
    fn only_the_key_itself_is_admitted() {
        let text = issue(id(), true, &[7; 32]);
        let stored = ApiKey { secret_hash: hash_of(&text), ..key() };
        let shown = Presented::parse(&text).unwrap();
        assert!(stored.admits(&shown, at(1)) && !stored.admits(&shown, at(100)));
        assert!(!ApiKey { is_live: false, ..stored.clone() }.admits(&shown, at(1)));
        let another = Presented::parse(&issue(id(), true, &[8; 32])).unwrap();
        assert!(!stored.admits(&another, at(1)));
    }

    #[test]
    fn a_use_is_written_when_it_says_something_new() {
        let first = key().use_from(Some("192.0.2.0/24"), at(1)).unwrap();
        assert!(first.is_new_network);
        assert_eq!(first.key.use_from(Some("192.0.2.0/24"), at(300)), None);
        let later = first.key.use_from(Some("192.0.2.0/24"), at(301)).unwrap();
        assert!(!later.is_new_network);
        assert_eq!(later.key.last_used_at, Some(at(301)));
        assert!(later.key.use_from(Some("198.51.100.0/24"), at(302)).unwrap().is_new_network);
        assert_eq!(later.key.use_from(None, at(302)), None);
    }

    #[test]
    fn a_key_remembers_fifty_networks() {
        let mut used = key();
        for n in 0..60 {
            used = used.use_from(Some(&format!("10.0.{n}.0/24")), at(n)).unwrap().key;
        }
        assert_eq!(used.networks.len(), NETWORKS_MAX);
        assert_eq!(used.networks[0], "10.0.10.0/24");
    }

    #[test]
    fn a_key_shows_only_its_id() {
        let shown = Presented::parse(&issue(id(), true, &[7; 32])).unwrap();
        let text = format!("{:?} {shown:?}", key());
        assert_eq!(text, format!("ApiKey({0}) Presented({0})", id()));
        let stored = serde_json::to_string(&key()).unwrap();
        assert_eq!(serde_json::from_str::<ApiKey>(&stored).unwrap(), key());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn an_issued_key_is_read_back(
            millis in 0..1_u64 << 48, n: u128, secret: [u8; 32], is_live: bool,
        ) {
            let id = KeyId::from_ulid(Ulid::from_parts(millis, n));
            let text = issue(id, is_live, &secret);
            let shown = Presented::parse(&text).unwrap();
            prop_assert_eq!((shown.id(), shown.is_live()), (id, is_live));
            let hash = hash_of(&text);
            prop_assert_eq!(shown.hash(), hash.as_str());
        }

        #[test]
        fn one_wrong_character_is_always_noticed(
            secret: [u8; 32], at in 0..84_usize, to in 0..62_usize,
        ) {
            let text = issue(id(), true, &secret);
            let mut bytes = text.clone().into_bytes();
            bytes[at] = DIGITS[to];
            let typed = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(Presented::parse(&typed).is_ok(), typed == text);
        }

        #[test]
        fn no_text_is_too_strange(text in "(flx_(live|test)_)?.{0,90}") {
            prop_assert!(Presented::parse(&text).is_err());
        }

        #[test]
        fn no_text_of_the_right_length_is_too_strange(text in "flx_live_[0-9A-Za-zü]{73,75}") {
            prop_assert!(Presented::parse(&text).is_err());
        }

        #[test]
        fn different_secrets_make_different_keys(a: [u8; 32], b: [u8; 32]) {
            prop_assert_eq!(issue(id(), true, &a) == issue(id(), true, &b), a == b);
        }
    }
}
