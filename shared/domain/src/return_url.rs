//! Where a buyer's browser goes after it has paid on a page of the provider's: an address of the
//! shop's own, named in its settings and never by a request.
//!
//! Whoever could name it in a request could send a buyer who trusts the shop anywhere (an open
//! redirect). So it is read as strictly as the address of a webhook: HTTPS, a name of the DNS, no
//! user, no fragment. The provider replaces `{…}` in it, hence it holds no braces.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::OrderId;
use crate::webhook::target::{Host, Target, URL_CHARS_MAX};

/// What one looks like, for schemas; the rest is said in words.
pub const PATTERN: &str = "^https://[!-z|~]+$";
/// Characters of one.
pub const CHARS_MAX: usize = URL_CHARS_MAX;

/// An address that a buyer's browser returns to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnUrl(String);

impl ReturnUrl {
    /// Reads `https://host[:port]/path?query`.
    pub fn parse(text: &str) -> Option<Self> {
        let target = Target::parse(text)?;
        let is_named = match target.host() {
            Host::Name(name) => name != "localhost",
            Host::Ip(_) => false,
        };
        let is_plain = target.is_encrypted() && is_named && !text.contains(['{', '}']);
        is_plain.then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With the order in its query, so that the page knows which it is about. An id opens nothing.
    pub fn of_order(&self, order: OrderId) -> String {
        let joint = match self.0.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        format!("{}{joint}order_id={order}", self.0)
    }
}

impl fmt::Display for ReturnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ReturnUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ReturnUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("is no address to return to"))
    }
}

impl JsonSchema for ReturnUrl {
    fn schema_name() -> Cow<'static, str> {
        "ReturnUrl".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::ReturnUrl").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An address of the shop's own, by HTTPS, without a fragment.",
            "pattern": PATTERN,
            "maxLength": CHARS_MAX,
            "examples": ["https://shop.example/thanks"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_put_into_the_query() {
        let order = OrderId::parse("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        for (url, wanted) in [
            ("https://shop.example", "https://shop.example?order_id="),
            ("https://shop.example/thanks", "https://shop.example/thanks?order_id="),
            ("https://shop.example/thanks?", "https://shop.example/thanks?order_id="),
            ("https://shop.example:8443/?a=b", "https://shop.example:8443/?a=b&order_id="),
        ] {
            let url = ReturnUrl::parse(url).unwrap();
            assert_eq!(url.of_order(order), format!("{wanted}{order}"));
        }
    }

    #[test]
    fn nobody_is_sent_where_the_shop_is_not() {
        for wrong in [
            "http://shop.example/",
            "http://localhost/",
            "https://localhost/",
            "https://192.0.2.1/",
            "https://[2606:2800:220:1::1]/",
            "//shop.example/",
            "/thanks",
            "javascript:alert(1)",
            "https:shop.example",
            "https://shop.example@evil.example/",
            "https://shop.example\\@evil.example/",
            "https://shop.example/#done",
            "https://shop.example/{CHECKOUT_SESSION_ID}",
            "https://shop.example/a b",
            "https://SHOP.example/",
            "",
        ] {
            assert_eq!(ReturnUrl::parse(wrong), None, "{wrong}");
            assert!(serde_json::from_value::<ReturnUrl>(wrong.into()).is_err());
        }
        let long = format!("https://shop.example/{}", "a".repeat(CHARS_MAX));
        assert_eq!(ReturnUrl::parse(&long), None);
    }
}
