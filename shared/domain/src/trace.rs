//! One id from the click to the letter: what a request and all that follows from it are found by.
//!
//! It has two spellings outside: W3C's `traceparent` and AWS's `X-Amzn-Trace-Id`. Both hold the
//! same 128 bits, so that an id of one is an id of the other. It opens nothing and names nobody;
//! whoever sends a false one misleads only who looks for their own request.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Hexadecimal digits of an id.
const DIGITS: usize = 32;
/// Of these, X-Ray writes the first eight apart.
const EPOCH_DIGITS: usize = 8;
/// A `traceparent` of version 00: version, trace, parent and flags with dashes between.
const PARENT_CHARS: usize = 55;

/// The id of a trace; never zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// The id of these bits; all zero is none, as W3C has it.
    pub const fn new(bits: u128) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// The id that follows from something that has a name of its own: the same name, the same id.
    pub fn derived(kind: &str, name: &str) -> Self {
        // A digest of zeros is not to be expected in the life of the universe.
        Self(crate::id::derived(kind, name).0.max(1))
    }

    /// Thirty-two small hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS || !is_hex(text) {
            return None;
        }
        Self::new(u128::from_str_radix(text, 16).ok()?)
    }

    /// The trace of a `traceparent` header.
    /// Source: W3C Trace Context, §3.2. Later versions may say more after the flags.
    pub fn of_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let (parent, flags) = (parts.next()?, parts.next()?);
        let lengths = (version.len(), parent.len(), flags.len()) == (2, 16, 2);
        let is_hex = is_hex(version) && is_hex(parent) && is_hex(flags);
        let is_whole = version != "00" || header.len() == PARENT_CHARS;
        let is_good = lengths && is_hex && is_whole && version != "ff";
        let has_parent = parent.bytes().any(|byte| byte != b'0');
        Self::parse(trace).filter(|_| is_good && has_parent)
    }

    /// The trace of an `X-Amzn-Trace-Id` header, or of SQS's `AWSTraceHeader`, which is the same.
    pub fn of_xray(header: &str) -> Option<Self> {
        let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
        let (epoch, rest) = root.strip_prefix("1-")?.split_once('-')?;
        if epoch.len() != EPOCH_DIGITS {
            return None;
        }
        Self::parse(&format!("{epoch}{rest}"))
    }

    /// As an `X-Amzn-Trace-Id` header says it.
    pub fn xray(self) -> String {
        let text = self.to_string();
        let (epoch, rest) = text.split_at(EPOCH_DIGITS);
        format!("Root=1-{epoch}-{rest}")
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not the id of a trace"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn both_spellings_say_the_same_id() {
        let of_w3c = TraceId::of_traceparent(&format!("00-{ID}-00f067aa0ba902b7-01")).unwrap();
        assert_eq!(of_w3c.to_string(), ID);
        assert_eq!(of_w3c.xray(), "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736");
        assert_eq!(TraceId::of_xray(&of_w3c.xray()), Some(of_w3c));
        let lambda = format!("{};Parent=53995c3f42cd8ad8;Sampled=1", of_w3c.xray());
        assert_eq!(TraceId::of_xray(&lambda), Some(of_w3c));
        let balanced = format!("Self=1-67891234-12456789abcdef012345678;{}", of_w3c.xray());
        assert_eq!(TraceId::of_xray(&balanced), Some(of_w3c));
        let json = serde_json::to_string(&of_w3c).unwrap();
        assert_eq!(serde_json::from_str::<TraceId>(&json).unwrap(), of_w3c);
    }

    #[test]
    fn a_later_version_may_say_more_and_the_first_may_not() {
        assert!(TraceId::of_traceparent(&format!("01-{ID}-00f067aa0ba902b7-01-more")).is_some());
        assert!(TraceId::of_traceparent(&format!("00-{ID}-00f067aa0ba902b7-01-more")).is_none());
        assert!(TraceId::of_traceparent(&format!("ff-{ID}-00f067aa0ba902b7-01")).is_none());
    }

    #[test]
    fn what_is_no_trace_is_none() {
        let zeros = "0".repeat(32);
        for header in [
            String::new(),
            ID.to_owned(),
            format!("00-{zeros}-00f067aa0ba902b7-01"),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{ID}\n-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", &ID[1..]),
        ] {
            assert_eq!(TraceId::of_traceparent(&header), None, "{header}");
        }
        for header in [
            "",
            "Root=",
            "Root=1-4bf92f35",
            "Root=1-4bf92f3-577b34da6a3ce929d0e0e4736",
            "Root=2-4bf92f35-77b34da6a3ce929d0e0e4736",
            "Root=1-00000000-000000000000000000000000",
            "Root=1-4bf92f35-77b34da6a3ce929d0e0e473g",
        ] {
            assert_eq!(TraceId::of_xray(header), None, "{header}");
        }
    }

    #[test]
    fn the_same_name_has_the_same_trace() {
        assert_eq!(TraceId::derived("request", "a"), TraceId::derived("request", "a"));
        assert_ne!(TraceId::derived("request", "a"), TraceId::derived("request", "b"));
    }
}
