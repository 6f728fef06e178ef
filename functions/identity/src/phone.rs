//! A customer's telephone number: how its code is made, and what is shown of it.

use api::reply::View;
use api::seal::Sealer;
use domain::text::{self, Confirmed, Pending};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The customer's number, as they see it themselves.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Phone")]
pub struct PhoneView {
    /// The confirmed number; null where there is none.
    pub(crate) phone: Option<String>,
    /// When it was confirmed.
    #[schemars(with = "Option<String>")]
    pub(crate) confirmed_at: Option<Timestamp>,
    /// Whether the customer has agreed to be texted about their orders, and not taken it back.
    pub(crate) is_texted: bool,
}

impl View for PhoneView {}

/// It holds a number.
impl std::fmt::Debug for PhoneView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneView(…)")
    }
}

impl PhoneView {
    pub(crate) fn of(confirmed: Option<Confirmed>, is_agreed: bool) -> Self {
        let is_texted = is_agreed && confirmed.is_some();
        let confirmed_at = confirmed.as_ref().map(|one| one.confirmed_at);
        Self { phone: confirmed.map(|one| one.phone.into()), confirmed_at, is_texted }
    }
}

/// Whether this is the code of a number, under the key or the one before.
pub(crate) fn is_code(sealer: &Sealer, pending: &Pending, code: &str) -> bool {
    text::is_code(sealer.seals(text::CODE_PURPOSE, &pending.sealed_text()), code)
}

#[cfg(test)]
mod tests {
    use domain::id::{CustomerId, MessageId, Ulid};
    use domain::phone::Phone;
    use domain::text::{CODE_PURPOSE, code_of};

    use super::*;

    #[test]
    fn a_code_belongs_to_one_text_and_one_number_and_outlives_its_key_once() {
        let pending = Pending {
            customer: CustomerId::from_ulid(Ulid::from_parts(1, 1)),
            phone: Phone::parse("+4915112345678").unwrap(),
            message: MessageId::from_ulid(Ulid::from_parts(1, 2)),
            text: "sms-1".into(),
            guesses: 1,
            ends_at: Timestamp::UNIX_EPOCH,
        };
        let (old, new) = (Sealer::new([7; 32]), Sealer::new([8; 32]).and_before([7; 32]));
        let code = code_of(&old.seal(CODE_PURPOSE, &pending.sealed_text()));
        assert!(is_code(&old, &pending, &code) && is_code(&new, &pending, &code));
        let other = Phone::parse("+4915112345679").unwrap();
        assert!(!is_code(&old, &Pending { phone: other, ..pending.clone() }, &code));
        assert!(!is_code(&Sealer::new([9; 32]), &pending, &code));
        assert!(!is_code(&old, &pending, ""));
    }
}
