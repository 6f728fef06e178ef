//! Short messages to telephones: what they say, when they may be said, and what people answer.
//!
//! Only who has confirmed a number with a code, and agreed to be texted about orders, is texted.
//! Whoever answers STOP is left alone, whatever else they agreed to, until they answer START.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::event::Letter;
use crate::id::{CustomerId, MessageId};
use crate::phone::Phone;

/// How long the code for a number is good.
pub const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// Digits of a code.
pub const CODE_DIGITS: usize = 6;
/// What the seals of codes are for.
pub const CODE_PURPOSE: &str = "phone_code";
/// How often a code may be guessed: five of a million.
pub const GUESSES_MAX: u32 = 5;
/// What may be sent at most as one text: three parts of 153 septets (3GPP TS 23.040).
pub const SEGMENTS_MAX: usize = 3;

/// Codes, of which there are 10⁶.
const CODES: u64 = 1_000_000;

/// A text that is asked for. It names a customer and never a number: no queue holds one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The delivery's idempotency key.
    pub id: MessageId,
    /// Who is texted.
    pub customer: CustomerId,
    /// What about.
    pub says: Says,
    /// Whether it has waited for quiet hours to end: it stands in the log already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_waited: bool,
}

/// What a text says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "says", rename_all = "snake_case")]
pub enum Says {
    /// The code that proves that a number is the customer's own.
    Code,
    /// The same as a letter about an order, in a few words.
    About {
        /// Which letter.
        letter: Letter,
    },
}

impl Says {
    /// Its name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Code => "phone_code",
            Self::About { letter } => letter.template(),
        }
    }
}

/// The text that goes with a letter; none where the letter alone is enough.
pub fn beside(letter: &Letter) -> Option<Says> {
    let is_urgent = matches!(
        letter,
        Letter::OrderConfirmation { .. }
            | Letter::OrderShipped { .. }
            | Letter::OrderDelivered { .. }
    );
    is_urgent.then(|| Says::About { letter: letter.clone() })
}

/// What a shop has decided about texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextPolicy {
    /// Whether any text is sent at all: the switch that stops all of them at once.
    pub is_on: bool,
    /// The hour of the day from which nobody is texted, by the clocks of the number's country.
    #[schemars(range(max = 23))]
    pub quiet_from: u8,
    /// The hour of the day at which texts go out again; the same as `quiet_from` for no quiet
    /// hours.
    #[schemars(range(max = 23))]
    pub quiet_until: u8,
}

impl Default for TextPolicy {
    fn default() -> Self {
        // What the Telephone Consumer Protection Act gives advertisers in the United States
        // (47 CFR 64.1200(c)(1)); news of an order can wait as well.
        Self { is_on: false, quiet_from: 21, quiet_until: 8 }
    }
}

impl TextPolicy {
    /// Whether a text has to wait. A code never does: somebody is waiting for it.
    pub fn has_to_wait(&self, says: &Says, phone: &Phone, now: Timestamp) -> bool {
        match says {
            Says::Code => false,
            Says::About { .. } => phone.is_quiet(self.quiet_from, self.quiet_until, now),
        }
    }
}

/// A number that waits to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Whose it is said to be.
    pub customer: CustomerId,
    /// The number.
    pub phone: Phone,
    /// The text that carries the code; another one carries another code.
    pub message: MessageId,
    /// The version of the words that the customer agreed to.
    pub text: String,
    /// Guesses so far.
    pub guesses: u32,
    /// Until when the code is good.
    pub ends_at: Timestamp,
}

impl Pending {
    /// What the code is made of: a seal of this is turned into digits.
    pub fn sealed_text(&self) -> String {
        format!("{}:{}", self.message, self.phone.as_str())
    }

    /// Whether the code is still good for a guess.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.ends_at && self.guesses < GUESSES_MAX
    }
}

/// A number that its holder has confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The number.
    pub phone: Phone,
    /// When the code was typed in.
    pub confirmed_at: Timestamp,
}

/// The six digits that a seal is turned into. Whoever has the key derives them again, and nobody
/// keeps them.
pub fn code_of(seal: &str) -> String {
    // 67 has no factor in common with a million: every character moves every digit.
    let number = seal.bytes().fold(0, |sum, byte| (sum * 67 + u64::from(byte)) % CODES);
    format!("{number:0CODE_DIGITS$}")
}

/// Whether this is the code of one of these seals; in the same time for every wrong one.
pub fn is_code(mut seals: impl Iterator<Item = String>, code: &str) -> bool {
    seals.any(|seal| bool::from(code_of(&seal).as_bytes().ct_eq(code.as_bytes())))
}

/// What somebody has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// No texts any more.
    Stop,
    /// Texts again.
    Start,
    /// What is this?
    Help,
}

/// The words of every language together, in capitals: people write in their own, whatever they
/// were written to in. English ones are those of the CTIA (Messaging Principles, 5.1.2).
const WORDS: &[(Word, &[&str])] = &[
    (
        Word::Stop,
        &[
            "STOP",
            "STOPALL",
            "STOP ALL",
            "UNSUBSCRIBE",
            "CANCEL",
            "END",
            "QUIT",
            "OPTOUT",
            "OPT OUT",
            "REVOKE",
            "STOPP",
            "ABMELDEN",
            "ARRET",
            "ARRÊT",
            "DESABONNER",
            "ALTO",
            "BAJA",
            "PARAR",
            "ANNULLA",
            "FERMA",
            "AFMELDEN",
            "STOPPEN",
        ],
    ),
    (
        Word::Start,
        &[
            "START",
            "UNSTOP",
            "YES",
            "ANMELDEN",
            "DEBUT",
            "DÉBUT",
            "ALTA",
            "INICIO",
            "INIZIA",
            "AANMELDEN",
        ],
    ),
    (Word::Help, &["HELP", "INFO", "HILFE", "AIDE", "AYUDA", "AIUTO", "HULP"]),
];

impl Word {
    /// The word that an answer is; none where it is something else. What is said around it is not
    /// interpreted: "do not stop" stops nothing.
    pub fn of(answer: &str) -> Option<Self> {
        let answer = answer.trim().trim_end_matches(['.', '!']).to_uppercase();
        let answer = answer.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = WORDS.iter().find(|(_, words)| words.contains(&answer.as_str()));
        found.map(|(word, _)| *word)
    }
}

/// Why a code does not confirm a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no number that waits, or not any more, or it was guessed at too often.
    NothingToConfirm,
    /// The code is another one.
    WrongCode,
    /// The shop sends no texts.
    TextsOff,
}

impl Refusal {
    /// What clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NothingToConfirm => "nothing_to_confirm",
            Self::WrongCode => "wrong_code",
            Self::TextsOff => "texts_off",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{OrderId, Ulid};

    #[test]
    fn a_word_is_understood_in_every_language_and_a_sentence_is_none() {
        for stop in ["STOP", "stop", " Stop. ", "Stopp!", "abmelden", "arrêt", "stop  all"] {
            assert_eq!(Word::of(stop), Some(Word::Stop), "{stop}");
        }
        assert_eq!(Word::of("start"), Some(Word::Start));
        assert_eq!(Word::of("Hilfe"), Some(Word::Help));
        for other in ["", "please do not stop", "Where is my parcel?", "stopover"] {
            assert_eq!(Word::of(other), None, "{other}");
        }
        // A word has one meaning.
        let all: Vec<&str> = WORDS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        for word in &all {
            assert_eq!(all.iter().filter(|other| other == &word).count(), 1, "{word}");
            assert_eq!(*word, word.to_uppercase());
        }
    }

    #[test]
    fn a_code_is_six_digits_that_follow_from_the_seal() {
        let one = code_of("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(one.len(), CODE_DIGITS);
        assert!(one.bytes().all(|b| b.is_ascii_digit()));
        assert_ne!(one, code_of("BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
        assert_eq!(code_of("").len(), CODE_DIGITS);
    }

    #[test]
    fn news_of_an_order_wait_for_the_morning_and_a_code_does_not() {
        let order_id = OrderId::from_ulid(Ulid::from_parts(1, 1));
        let about = beside(&Letter::OrderConfirmation { order_id }).unwrap();
        let phone = Phone::parse("+4915112345678").unwrap();
        let night: Timestamp = "2026-11-20T23:00:00Z".parse().unwrap();
        let policy = TextPolicy::default();
        assert!(policy.has_to_wait(&about, &phone, night));
        assert!(!policy.has_to_wait(&Says::Code, &phone, night));
        assert_eq!(beside(&Letter::PasswordChanged), None);
        assert_eq!((about.name(), Says::Code.name()), ("order_confirmation", "phone_code"));
        let text = Text {
            id: MessageId::from_ulid(Ulid::from_parts(1, 2)),
            customer: CustomerId::from_ulid(Ulid::from_parts(1, 3)),
            says: about,
            has_waited: false,
        };
        let written = serde_json::to_string(&text).unwrap();
        assert_eq!(serde_json::from_str::<Text>(&written).unwrap(), text);
    }
}
