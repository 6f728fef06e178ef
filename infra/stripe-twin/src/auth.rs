//! Who asks: a server with a secret key, or a browser with a publishable one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, header};

use crate::form::Fields;
use crate::refusal::Refusal;

/// What kind of key a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// `sk_test_…` or a restricted `rk_test_…`: may do everything.
    Secret,
    /// `pk_test_…`: may pay one intent whose client secret it knows.
    Publishable,
}

/// The key of a request; Stripe.js sends it as the parameter `key`.
pub(crate) fn key(headers: &HeaderMap, form: &Fields) -> Result<Key, Refusal> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let sent = header.and_then(credential).or_else(|| form.filled("key").map(ToOwned::to_owned));
    let Some(key) = sent.filter(|key| !key.is_empty()) else {
        return Err(Refusal::unauthorized(
            "You did not provide an API key. You need to provide your API key in the \
             Authorization header, using Bearer auth (e.g. 'Authorization: Bearer \
             YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we \
             can help at https://support.stripe.com/.",
        ));
    };
    let has = |prefix: &str| key.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    if has("sk_test_") || has("rk_test_") {
        Ok(Key::Secret)
    } else if has("pk_test_") {
        Ok(Key::Publishable)
    } else {
        Err(Refusal::unauthorized(format!("Invalid API Key provided: {}", masked(&key))))
    }
}

/// `Bearer key`, or `Basic` with the key as the user name.
fn credential(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    decoded.split(':').next().map(ToOwned::to_owned)
}

/// Only the kind of the key is shown: it may be a real one.
fn masked(key: &str) -> String {
    let kinds = ["sk_live_", "rk_live_", "pk_live_", "sk_test_", "pk_test_", "rk_test_"];
    let kind = kinds.into_iter().find(|kind| key.starts_with(kind)).unwrap_or_default();
    format!("{kind}********")
}

/// Whether a browser may call this.
pub(crate) fn is_publishable(method: &Method, path: &[&str]) -> bool {
    let is_post = method == Method::POST;
    match path {
        ["payment_intents", "search"] => false,
        ["payment_intents", _] => method == Method::GET,
        ["payment_intents", _, "confirm"]
        | ["test_helpers", "payment_intents", _, "authenticate"]
        | ["test_helpers", "checkout", "sessions", _, "pay"]
        | ["payment_methods"] => is_post,
        _ => false,
    }
}

/// The refusal of a browser that calls something else.
pub(crate) fn secret_key_required() -> Refusal {
    Refusal::invalid(
        "This API call cannot be made with a publishable API key. Please use a secret API key. \
         You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
    )
    .status(403)
    .code("secret_key_required")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Result<Key, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        key(&headers, &Fields::default())
    }

    #[test]
    fn bearer_and_basic_carry_keys() {
        assert_eq!(of("Bearer sk_test_1").unwrap(), Key::Secret);
        assert_eq!(of("Bearer pk_test_1").unwrap(), Key::Publishable);
        let basic = format!("Basic {}", STANDARD.encode("sk_test_1:"));
        assert_eq!(of(&basic).unwrap(), Key::Secret);
    }

    #[test]
    fn live_keys_are_refused_and_never_shown() {
        let refusal = of("Bearer sk_live_abcdef").unwrap_err();
        assert_eq!(refusal.status, 401);
        let message = refusal.error["message"].as_str().unwrap();
        assert!(message.contains("sk_live_") && !message.contains("abcdef"));
        assert_eq!(of("Bearer sk_test_").unwrap_err().status, 401);
        assert_eq!(key(&HeaderMap::new(), &Fields::default()).unwrap_err().status, 401);
    }
}
