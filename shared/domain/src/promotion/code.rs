//! Codes: what a shopper types to get a promotion.
//!
//! Typed in any case and read in one. A code that everybody may know is chosen by the merchant; one
//! that opens something once is made of chance and can not be guessed.

use std::fmt;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{PromotionId, Ulid};

/// Characters of the shortest code.
pub const CHARS_MIN: usize = 3;
/// Characters of the longest code.
pub const CHARS_MAX: usize = 40;
/// Characters of what a generated code begins with.
pub const PREFIX_CHARS_MAX: usize = 20;
/// Codes that one request makes: more come in further requests, each as fast as one partition of an
/// index takes them.
pub const GENERATED_MAX: u32 = 1_000;
/// Random characters of a generated code, of 32 each: 80 bits. At the shop's limit for guesses,
/// one of ten thousand codes is found in longer than the universe has stood.
const RANDOM_CHARS: usize = 16;

/// A code, in upper case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// Reads what somebody typed: 3 to 40 letters, digits, `-` or `_`, in any case and with blanks
    /// around it.
    pub fn parse(typed: &str) -> Option<Self> {
        let code = typed.trim().to_ascii_uppercase();
        let is_code = (CHARS_MIN..=CHARS_MAX).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        is_code.then_some(Self(code))
    }

    /// A code that can not be guessed: the prefix, then the random part of a ULID.
    pub fn random(prefix: &str, chance: Ulid) -> Option<Self> {
        let text = chance.to_string();
        // The last sixteen of a ULID's characters are its 80 random bits.
        let random = text.get(text.len().checked_sub(RANDOM_CHARS)?..)?;
        Self::parse(&format!("{prefix}{random}"))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A code of one use is worth money: it is not for logs.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code")
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a code"))
    }
}

impl JsonSchema for Code {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Z0-9_-]{3,40}$"})
    }
    fn inline_schema() -> bool {
        true
    }
}

/// A code and what it opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeEntry {
    /// The code.
    pub code: Code,
    /// What it opens.
    pub promotion: PromotionId,
    /// Orders that get something by it; none but the promotion's own limits where absent.
    pub uses_max: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A code in a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedCode {
    /// The code.
    pub code: Code,
    /// What it opens.
    pub promotion: PromotionId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_typed_in_any_case() {
        assert_eq!(Code::parse(" summer-10 ").unwrap().as_str(), "SUMMER-10");
        for wrong in ["", "ab", "two words", "50%", "ÄÖÜ", &"A".repeat(41)] {
            assert!(Code::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_random_code_has_eighty_bits_after_its_prefix() {
        let chance = Ulid::from_parts(1, (1 << 80) - 1);
        assert_eq!(Code::random("VIP-", chance).unwrap().as_str(), "VIP-ZZZZZZZZZZZZZZZZ");
        assert!(Code::random(&"P".repeat(30), chance).is_none());
    }

    #[test]
    fn a_code_does_not_show_itself_in_logs() {
        assert_eq!(format!("{:?}", Code::parse("SECRET1").unwrap()), "a code");
    }
}
