//! Names that AWS draws by chance and this world derives, so that two runs of one seed agree.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// SHA-256 in lower-case hexadecimal: 64 characters.
pub(crate) fn hex(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Shaped like a version 4 UUID.
pub(crate) fn uuid(text: &str) -> String {
    let mut uuid = String::with_capacity(36);
    for (at, digit) in hex(text).chars().take(32).enumerate() {
        if [8, 12, 16, 20].contains(&at) {
            uuid.push('-');
        }
        uuid.push(match at {
            12 => '4',
            16 => '8',
            _ => digit,
        });
    }
    uuid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_uuid_has_the_marks_of_version_four() {
        let uuid = uuid("a text");
        assert_eq!(uuid.len(), 36);
        assert_eq!((&uuid[14..15], &uuid[19..20]), ("4", "8"));
        assert_ne!(uuid, super::uuid("another"));
    }
}
