//! Texts in several languages: what a locale does not say is said by the one it belongs to, and at
//! the end by the shop's own text.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Languages that one thing is translated into.
pub const LOCALES_MAX: usize = 20;
/// Characters of a title.
pub const TITLE_CHARS_MAX: usize = 200;
/// Characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;

/// A language, with a region where it matters: `de`, `de-AT`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Locale(#[schemars(regex(pattern = "^[a-z]{2,3}(-[A-Z]{2})?$"))] String);

impl Locale {
    /// Reads a locale: two or three small letters and, after a hyphen, two capital ones (the forms
    /// of BCP 47 that shops use).
    pub fn parse(text: &str) -> Option<Self> {
        let (language, region) = match text.split_once('-') {
            Some((language, region)) => (language, Some(region)),
            None => (text, None),
        };
        let is_language =
            matches!(language.len(), 2 | 3) && language.bytes().all(|b| b.is_ascii_lowercase());
        let is_region = region.is_none_or(|region| {
            region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase())
        });
        (is_language && is_region).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without its region; none where there is no region.
    pub fn parent(&self) -> Option<Self> {
        self.0.split_once('-').map(|(language, _)| Self(language.to_owned()))
    }
}

/// The language of a shop that has not said otherwise.
impl Default for Locale {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a locale"))
    }
}

/// What something says in one language. A text that is not there is that of the language's
/// parent, or the shop's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A thing's texts by language.
pub type Translations = BTreeMap<Locale, Content>;

/// Title and description in a language, each from the nearest in the chain `de-AT → de → own`.
pub fn localized<'a>(
    own: (&'a str, &'a str),
    translations: &'a Translations,
    locale: Option<&Locale>,
) -> (&'a str, &'a str) {
    let parent = locale.and_then(Locale::parent);
    let chain = [locale, parent.as_ref()];
    let mut said = chain.into_iter().flatten().filter_map(|locale| translations.get(locale));
    let (nearest, next) = (said.next(), said.next());
    let pick = |of: fn(&Content) -> Option<&String>, own: &'a str| {
        nearest.and_then(of).or_else(|| next.and_then(of)).map_or(own, String::as_str)
    };
    (pick(|one| one.title.as_ref(), own.0), pick(|one| one.description.as_ref(), own.1))
}

/// Whether a language or the one it belongs to says all of it.
pub fn is_translated(translations: &Translations, locale: &Locale) -> bool {
    let parent = locale.parent();
    let said = || [Some(locale), parent.as_ref()].into_iter().flatten();
    let has = |of: fn(&Content) -> bool| said().filter_map(|one| translations.get(one)).any(of);
    has(|one| one.title.is_some()) && has(|one| one.description.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(text: &str) -> Locale {
        Locale::parse(text).unwrap()
    }

    fn said(title: Option<&str>, description: Option<&str>) -> Content {
        Content { title: title.map(Into::into), description: description.map(Into::into) }
    }

    #[test]
    fn a_locale_is_a_language_with_or_without_a_region() {
        for good in ["de", "de-AT", "gsw"] {
            assert!(Locale::parse(good).is_some(), "{good}");
        }
        for wrong in ["", "d", "DE", "de-at", "de_AT", "de-", "de-AUT", "deutsch"] {
            assert!(Locale::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_a_language_does_not_say_is_said_by_the_next_in_the_chain() {
        let translations = Translations::from([
            (locale("de"), said(Some("Becher"), Some("Blau."))),
            (locale("de-AT"), said(Some("Häferl"), None)),
        ]);
        let own = ("Mug", "Blue.");
        let shown = |of: &str| localized(own, &translations, Some(&locale(of)));
        assert_eq!(shown("de-AT"), ("Häferl", "Blau."));
        assert_eq!(shown("de-CH"), ("Becher", "Blau."));
        assert_eq!(shown("de"), ("Becher", "Blau."));
        assert_eq!(shown("fr"), own);
        assert_eq!(localized(own, &translations, None), own);
    }

    #[test]
    fn what_a_language_can_say_with_its_parent_is_not_missing() {
        let translations = Translations::from([
            (locale("de"), said(Some("Becher"), Some("Blau."))),
            (locale("fr"), said(Some("Tasse"), None)),
        ]);
        let is = |of: &str| is_translated(&translations, &locale(of));
        assert_eq!([is("de"), is("de-AT"), is("fr"), is("it")], [true, true, false, false]);
    }
}
