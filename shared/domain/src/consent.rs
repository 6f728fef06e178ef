//! What a customer has agreed to: facts that are only ever added, each with its proof.
//!
//! Who relies on a consent has to be able to show it (GDPR, article 7): when it was given, to which
//! words, and by which request. A consent that is taken back is another fact, and what was done
//! while it stood stays provable. Taking it back is as easy as giving it: the same request with
//! `false`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::CustomerId;

/// Characters of the name of a text.
pub const TEXT_CHARS_MAX: usize = 100;
/// Facts of one purpose of one customer: more is nobody's mind.
pub const FACTS_MAX: u64 = 1_000;

/// What for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ConsentPurpose")]
pub enum Purpose {
    /// Letters that advertise.
    MarketingMail,
    /// Short messages that advertise.
    MarketingSms,
    /// Short messages about one's own orders.
    OrderSms,
    /// Offers that are chosen by what somebody bought and looked at.
    Profiling,
}

impl Purpose {
    /// Every purpose, by its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("marketing_mail", Self::MarketingMail),
        ("marketing_sms", Self::MarketingSms),
        ("order_sms", Self::OrderSms),
        ("profiling", Self::Profiling),
    ];

    /// The name in keys and paths.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MarketingMail => "marketing_mail",
            Self::MarketingSms => "marketing_sms",
            Self::OrderSms => "order_sms",
            Self::Profiling => "profiling",
        }
    }
}

/// A consent that was given, refused or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whose.
    pub customer: CustomerId,
    /// What for.
    pub purpose: Purpose,
    /// Counts the facts of this purpose, from 1.
    pub sequence: u64,
    /// Whether it was given; else it was refused or taken back.
    pub is_given: bool,
    /// The version of the words that were shown.
    pub text: String,
    /// The request that said so, by its id in the logs.
    pub request: String,
    /// When.
    pub at: Timestamp,
}

/// What somebody says of a purpose.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// What for.
    pub purpose: Purpose,
    /// Whether they agree.
    pub is_given: bool,
    /// The version of the words that they were shown.
    pub text: &'a str,
    /// By which request.
    pub request: &'a str,
    /// When.
    pub at: Timestamp,
}

/// Why nothing is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too many changes of mind.
    TooManyFacts,
}

impl Refusal {
    /// The stable code of this refusal.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooManyFacts => "too_many_consents",
        }
    }
}

impl Consent {
    /// The fact that is to be added after the last one of its purpose; none where it would say
    /// nothing new: the same words agreed to again, or what is not given refused again.
    ///
    /// # Errors
    ///
    /// Refused after [`FACTS_MAX`] changes of mind; taking a consent back is never refused.
    pub fn after(
        before: Option<&Self>,
        customer: CustomerId,
        said: Said<'_>,
    ) -> Result<Option<Self>, Refusal> {
        let Said { purpose, is_given, text, request, at } = said;
        let is_known = before.is_some_and(|before| {
            before.is_given == is_given && (!is_given || before.text == text)
        });
        if is_known {
            return Ok(None);
        }
        let sequence = before.map_or(1, |before| before.sequence.saturating_add(1));
        if sequence > FACTS_MAX && is_given {
            return Err(Refusal::TooManyFacts);
        }
        let (text, request) = (text.to_owned(), request.to_owned());
        Ok(Some(Self { customer, purpose, sequence, is_given, text, request, at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    fn customer() -> CustomerId {
        CustomerId::from_ulid(Ulid::from_parts(1, 1))
    }

    fn said(is_given: bool, text: &str) -> Said<'_> {
        let (purpose, at) = (Purpose::MarketingMail, Timestamp::UNIX_EPOCH);
        Said { purpose, is_given, text, request: "req-1", at }
    }

    #[test]
    fn each_change_of_mind_is_a_fact_and_saying_it_again_is_none() {
        let after = |before: Option<&Consent>, is_given, text| {
            Consent::after(before, customer(), said(is_given, text)).unwrap()
        };
        let given = after(None, true, "v1").unwrap();
        assert_eq!((given.sequence, given.is_given, &*given.text), (1, true, "v1"));
        assert_eq!(after(Some(&given), true, "v1"), None);
        // Other words are agreed to anew.
        let newer = after(Some(&given), true, "v2").unwrap();
        assert_eq!(newer.sequence, 2);
        let back = after(Some(&newer), false, "v2").unwrap();
        assert_eq!((back.sequence, back.is_given), (3, false));
        assert_eq!(after(Some(&back), false, "v3"), None);
        // Who refused at first has said something, too.
        assert!(after(None, false, "v1").is_some());
    }

    #[test]
    fn a_consent_can_be_taken_back_however_often_it_was_given() {
        let last = Consent { sequence: FACTS_MAX, ..given() };
        let refused = Consent::after(Some(&last), customer(), said(true, "v9"));
        assert_eq!(refused, Err(Refusal::TooManyFacts));
        assert!(matches!(Consent::after(Some(&last), customer(), said(false, "v9")), Ok(Some(_))));
    }

    fn given() -> Consent {
        Consent::after(None, customer(), said(true, "v1")).unwrap().unwrap()
    }

    #[test]
    fn a_purpose_has_one_name() {
        for (name, purpose) in Purpose::ALL {
            assert_eq!(purpose.code(), name);
            assert_eq!(serde_json::to_string(&purpose).unwrap(), format!("\"{name}\""));
        }
    }
}
