//! What an address is called on the list of those that are not written to: a keyed hash, so that
//! neither table nor log holds the address, and nobody without the key can look one up.
//!
//! The key is the one that seals tokens. While it is replaced, an address has two names; both are
//! looked for, and the new one is written.

use api::seal::Sealer;
use domain::address::Email;
use domain::phone::Phone;

const PURPOSE: &str = "suppression";

/// The names of an address.
#[derive(Debug)]
pub(crate) struct Names {
    /// The one to write.
    pub(crate) current: String,
    /// All to look for.
    pub(crate) all: Vec<String>,
}

/// The names of an address, however it is spelled.
pub(crate) fn names(sealer: &Sealer, address: &Email) -> Names {
    named(sealer, &address.key())
}

/// The names of a telephone number. It begins with a plus and holds no @: no address is called the
/// same.
pub(crate) fn names_of_phone(sealer: &Sealer, phone: &Phone) -> Names {
    named(sealer, phone.as_str())
}

fn named(sealer: &Sealer, key: &str) -> Names {
    Names { current: sealer.seal(PURPOSE, key), all: sealer.seals(PURPOSE, key).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_name_however_it_is_spelled_and_two_while_the_key_is_replaced() {
        let (old, new) = (Sealer::new([7; 32]), Sealer::new([8; 32]).and_before([7; 32]));
        let jane = Email::parse("jane@example.org").unwrap();
        let loud = Email::parse("JANE@Example.org").unwrap();
        assert_eq!(names(&old, &jane).current, names(&old, &loud).current);
        let both = names(&new, &jane);
        assert_eq!(both.all.len(), 2);
        assert!(both.all.contains(&names(&old, &jane).current));
        assert_ne!(both.current, names(&old, &jane).current);
    }
}
