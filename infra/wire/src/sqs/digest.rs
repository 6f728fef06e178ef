//! The MD5 digests SQS returns so that a client can see that nothing was altered on the way.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Of a message body, in lower-case hexadecimal.
pub(super) fn of_body(body: &str) -> String {
    format!("{:x}", md5::compute(body))
}

/// Of message attributes: sorted by name, each as length-prefixed name, type, a byte for the kind
/// of transport and the length-prefixed value (SQS developer guide, "Calculating the MD5 message
/// digest for message attributes"). `None` when there are none.
pub(super) fn of_attributes(attributes: &BTreeMap<String, Value>) -> Option<String> {
    const STRING: u8 = 1;
    const BINARY: u8 = 2;
    if attributes.is_empty() {
        return None;
    }
    let mut buffer = Vec::new();
    for (name, attribute) in attributes {
        let text = |member| attribute.get(member).and_then(Value::as_str);
        let data_type = text("DataType").unwrap_or_default();
        push(&mut buffer, name.as_bytes());
        push(&mut buffer, data_type.as_bytes());
        if data_type.starts_with("Binary") {
            buffer.push(BINARY);
            let bytes = STANDARD.decode(text("BinaryValue").unwrap_or_default());
            push(&mut buffer, &bytes.unwrap_or_default());
        } else {
            buffer.push(STRING);
            push(&mut buffer, text("StringValue").unwrap_or_default().as_bytes());
        }
    }
    Some(format!("{:x}", md5::compute(buffer)))
}

fn push(buffer: &mut Vec<u8>, part: &[u8]) {
    // A part is bounded by the message limit of 1 MiB.
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_digest_of_a_body_is_plain_md5() {
        assert_eq!(of_body("hello"), "5d41402abc4b2a76b9719d911017c592");
    }

    #[test]
    fn attributes_are_digested_in_order_of_their_names() {
        let one = json!({"DataType": "String", "StringValue": "1"});
        let two = json!({"DataType": "Number", "StringValue": "2"});
        let forwards = BTreeMap::from([("a".to_owned(), one.clone()), ("b".to_owned(), two)]);
        let mut bytes = vec![0, 0, 0, 1, b'a', 0, 0, 0, 6];
        bytes.extend(b"String\x01\x00\x00\x00\x011\x00\x00\x00\x01b\x00\x00\x00\x06Number");
        bytes.extend(b"\x01\x00\x00\x00\x012");
        assert_eq!(of_attributes(&forwards), Some(format!("{:x}", md5::compute(bytes))));
        assert_eq!(of_attributes(&BTreeMap::new()), None);
    }
}
