//! Parameters that several endpoints share.

use serde_json::{Map, Value, json};

use crate::form::Fields;
use crate::refusal::Refusal;

/// Stripe's limits on metadata.
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_LENGTH_MAX: usize = 40;
const METADATA_VALUE_LENGTH_MAX: usize = 500;

/// The metadata after this request: an empty value removes its key, empty metadata remove all.
pub(crate) fn metadata(form: &Fields, old: &Value) -> Result<Value, Refusal> {
    if form.text("metadata") == Some("") {
        return Ok(json!({}));
    }
    let mut metadata: Map<String, Value> = old.as_object().cloned().unwrap_or_default();
    let Some(sent) = form.below("metadata") else { return Ok(Value::Object(metadata)) };
    for name in sent.names() {
        let param = format!("metadata[{name}]");
        let refuse = |message: String| Err(Refusal::invalid(message).param(&param));
        let Some(value) = sent.text(name) else {
            return refuse("Metadata values must be strings, but you passed in a hash.".into());
        };
        if value.is_empty() {
            metadata.remove(name);
            continue;
        }
        if name.chars().count() > METADATA_KEY_LENGTH_MAX {
            return refuse(format!(
                "Metadata keys can be up to {METADATA_KEY_LENGTH_MAX} characters long."
            ));
        }
        if value.chars().count() > METADATA_VALUE_LENGTH_MAX {
            return refuse(format!(
                "Metadata values can have up to {METADATA_VALUE_LENGTH_MAX} characters."
            ));
        }
        metadata.insert(name.to_owned(), Value::String(value.to_owned()));
    }
    if metadata.len() > METADATA_KEYS_MAX {
        return Err(Refusal::invalid(format!(
            "You can have up to {METADATA_KEYS_MAX} metadata keys."
        ))
        .param("metadata"));
    }
    Ok(Value::Object(metadata))
}

/// A postal address with every field that Stripe returns.
pub(crate) fn address(form: Option<&Fields>) -> Value {
    let text = |name: &str| form.and_then(|form| form.filled(name));
    json!({
        "city": text("city"),
        "country": text("country"),
        "line1": text("line1"),
        "line2": text("line2"),
        "postal_code": text("postal_code"),
        "state": text("state"),
    })
}

/// Billing details with every field that Stripe returns.
pub(crate) fn billing_details(form: Option<&Fields>) -> Value {
    let text = |name: &str| form.and_then(|form| form.filled(name));
    json!({
        "address": address(form.and_then(|form| form.below("address"))),
        "email": text("email"),
        "name": text("name"),
        "phone": text("phone"),
        "tax_id": text("tax_id"),
    })
}

/// The shipping details of a payment, where they were sent.
pub(crate) fn shipping(form: &Fields) -> Result<Option<Value>, Refusal> {
    let Some(shipping) = form.below("shipping") else {
        return Ok(form.has("shipping").then_some(Value::Null));
    };
    shipping.only(&["address", "name", "carrier", "phone", "tracking_number"])?;
    let name = shipping.filled("name").ok_or_else(|| Refusal::missing("shipping[name]"))?;
    if shipping.below("address").is_none() {
        return Err(Refusal::missing("shipping[address]"));
    }
    Ok(Some(json!({
        "address": address(shipping.below("address")),
        "carrier": shipping.filled("carrier"),
        "name": name,
        "phone": shipping.filled("phone"),
        "tracking_number": shipping.filled("tracking_number"),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::pairs;

    fn form(text: &str) -> Fields {
        Fields::from_pairs(&pairs(text).unwrap()).unwrap()
    }

    #[test]
    fn metadata_merge_and_unset() {
        let old = json!({ "a": "1", "b": "2" });
        let new = metadata(&form("metadata[a]=&metadata[c]=3"), &old).unwrap();
        assert_eq!(new, json!({ "b": "2", "c": "3" }));
        assert_eq!(metadata(&form("metadata="), &old).unwrap(), json!({}));
        assert_eq!(metadata(&form("x=1"), &old).unwrap(), old);
    }

    #[test]
    fn metadata_have_limits() {
        let long = "k".repeat(41);
        assert!(metadata(&form(&format!("metadata[{long}]=1")), &json!({})).is_err());
        let long = "v".repeat(501);
        assert!(metadata(&form(&format!("metadata[k]={long}")), &json!({})).is_err());
        let many: Vec<String> = (0..51).map(|n| format!("metadata[k{n}]=1")).collect();
        assert!(metadata(&form(&many.join("&")), &json!({})).is_err());
    }
}
