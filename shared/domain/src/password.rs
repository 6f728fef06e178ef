//! What a password must be: the same rules for the form in the browser and for the server.
//!
//! Short passwords need all four kinds of characters; from [`LONG`] on, length suffices. None may
//! be a common one, the shop's name, or the own address. Every unmet rule is named at once.

use crate::address::Email;

/// Characters of a password at least.
pub const CHARS_MIN: usize = 8;
/// Characters of a password at most: more would only cost hashing time.
pub const CHARS_MAX: usize = 128;
/// From here on no kinds of characters are asked for.
pub const LONG: usize = 15;

/// The most common passwords of eight characters or more, lower-cased and sorted: from the
/// frequency list of zxcvbn 4.4.28 (MIT licence, Dropbox), which counts leaked ones.
const COMMON: &str = include_str!("password/common.txt");

/// A rule that a password does not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// Fewer than [`CHARS_MIN`] characters.
    TooShort,
    /// More than [`CHARS_MAX`] characters.
    TooLong,
    /// No lower-case letter.
    Lower,
    /// No upper-case letter.
    Upper,
    /// No digit.
    Digit,
    /// Nothing else.
    Special,
    /// Among the most common ones.
    Common,
    /// The shop's name or the own address in it.
    Guessable,
}

impl Unmet {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::Lower => "password_needs_lower",
            Self::Upper => "password_needs_upper",
            Self::Digit => "password_needs_digit",
            Self::Special => "password_needs_special",
            Self::Common => "password_common",
            Self::Guessable => "password_guessable",
        }
    }

    /// The rule in a sentence.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::TooShort => "Use at least 8 characters.",
            Self::TooLong => "Use at most 128 characters.",
            Self::Lower => "Use a lower-case letter, or 15 characters.",
            Self::Upper => "Use an upper-case letter, or 15 characters.",
            Self::Digit => "Use a digit, or 15 characters.",
            Self::Special => "Use something that is no letter or digit, or 15 characters.",
            Self::Common => "Use none of the most common passwords.",
            Self::Guessable => "Use neither the shop's name nor your own address.",
        }
    }

    /// Every rule, in the order in which they are named.
    pub const ALL: [Self; 8] = [
        Self::TooShort,
        Self::TooLong,
        Self::Lower,
        Self::Upper,
        Self::Digit,
        Self::Special,
        Self::Common,
        Self::Guessable,
    ];
}

/// Every rule that this password does not meet.
pub fn unmet(password: &str, email: Option<&Email>, shop: &str) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    let length = password.chars().count();
    if length < CHARS_MIN {
        unmet.push(Unmet::TooShort);
    }
    if length > CHARS_MAX {
        unmet.push(Unmet::TooLong);
        return unmet;
    }
    if length < LONG {
        let has = |kind: fn(char) -> bool| password.chars().any(kind);
        let kinds: [(bool, Unmet); 4] = [
            (has(char::is_lowercase), Unmet::Lower),
            (has(char::is_uppercase), Unmet::Upper),
            (has(|c| c.is_ascii_digit()), Unmet::Digit),
            (has(|c| !c.is_alphanumeric()), Unmet::Special),
        ];
        unmet.extend(kinds.iter().filter(|(is_there, _)| !is_there).map(|(_, rule)| *rule));
    }
    let lower = password.to_lowercase();
    if COMMON.lines().any(|common| common == lower) {
        unmet.push(Unmet::Common);
    }
    let local = email.and_then(|email| email.as_str().split('@').next()).map(str::to_lowercase);
    // A local part of two letters stands in half of all passwords.
    let has_local = local.is_some_and(|local| local.len() >= 4 && lower.contains(&local));
    let shop = shop.to_lowercase();
    if has_local || (shop.len() >= 4 && lower.contains(&shop)) {
        unmet.push(Unmet::Guessable);
    }
    unmet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(password: &str) -> Vec<&'static str> {
        let email = Email::parse("jane.roe@example.org").unwrap();
        unmet(password, Some(&email), "Fluxion").into_iter().map(Unmet::code).collect()
    }

    #[test]
    fn every_unmet_rule_is_named_at_once() {
        assert_eq!(
            codes("abc"),
            [
                "password_too_short",
                "password_needs_upper",
                "password_needs_digit",
                "password_needs_special"
            ]
        );
        assert_eq!(codes("Tr0ub4dor&3"), [""; 0]);
    }

    #[test]
    fn length_suffices_from_fifteen_characters_on() {
        assert_eq!(codes("quiet river ston"), [""; 0]);
        assert!(!codes("quietriverston").is_empty());
    }

    #[test]
    fn common_and_guessable_ones_are_refused_in_any_case() {
        assert!(codes("1Qaz2wsx").contains(&"password_common"));
        assert!(codes("my FLUXION password").contains(&"password_guessable"));
        assert!(codes("Jane.Roe-2026!x").contains(&"password_guessable"));
    }

    #[test]
    fn the_list_holds_at_least_ten_thousand_of_eight_characters() {
        assert!(COMMON.lines().count() >= 10_000);
        assert!(COMMON.lines().all(|line| line.chars().count() >= CHARS_MIN));
    }

    #[test]
    fn a_very_long_password_is_refused_for_its_length_alone() {
        assert_eq!(codes(&"a".repeat(129)), ["password_too_long"]);
        assert_eq!(codes(&"x".repeat(128)), [""; 0]);
    }
}
