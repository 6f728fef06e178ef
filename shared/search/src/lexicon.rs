//! What a snapshot knows beside its products: words that mean the same, and the categories.

use std::collections::BTreeMap;

use domain::catalog::Locale;
use serde::{Deserialize, Serialize};

use crate::Language;
use crate::analysis::{stems, words};

/// What a snapshot carries along, so that a reader needs nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lexicon {
    /// Groups of words, or of several words each, that mean the same.
    pub synonyms: Vec<Vec<String>>,
    /// The categories.
    pub categories: Vec<Named>,
    /// The language of the texts that no translation is for: the shop's own.
    #[serde(default)]
    pub locale: Locale,
}

/// A category, by its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its readable name in addresses.
    pub slug: String,
    /// What it is called where nothing else is said.
    pub title: String,
    /// What it is called elsewhere, by locale.
    pub titles: BTreeMap<String, String>,
}

impl Named {
    /// What it is called in a locale.
    pub fn title_in(&self, locale: Option<&str>) -> &str {
        let exact = locale.and_then(|locale| self.titles.get(locale));
        let language = locale.map(|locale| locale.split('-').next().unwrap_or(locale));
        let close = language.and_then(|language| self.titles.get(language));
        exact.or(close).map_or(&self.title, String::as_str)
    }
}

/// A group of synonyms, taken apart for one language.
pub(crate) type Group = Vec<Vec<String>>;

impl Lexicon {
    /// How the shop's own texts were taken apart.
    pub fn language(&self) -> Language {
        Language::of(self.locale.as_str())
    }

    /// The groups as stems of a language.
    pub(crate) fn groups(&self, language: Language) -> Vec<Group> {
        let group = |phrases: &Vec<String>| {
            let parts = phrases.iter().map(|phrase| stems(language, phrase));
            parts.filter(|stems| !stems.is_empty()).collect()
        };
        self.synonyms.iter().map(group).collect()
    }

    /// The categories whose name has a word that begins like this, in the shop's order.
    pub fn categories_like(&self, text: &str, locale: Option<&str>, max: usize) -> Vec<&Named> {
        let asked = words(text);
        let Some((last, whole)) = asked.split_last() else { return Vec::new() };
        let fits = |named: &&Named| {
            let title = words(named.title_in(locale));
            title.iter().any(|word| word.starts_with(last.as_str()))
                && whole.iter().all(|word| title.contains(word))
        };
        self.categories.iter().filter(fits).take(max).collect()
    }
}

/// The longest phrase of a group that the stems begin with: how many stems it has, and the other
/// phrases of its group.
pub(crate) fn synonyms<'g>(
    stems: &[String],
    groups: &'g [Group],
) -> Option<(usize, Vec<&'g [String]>)> {
    let fits = |phrase: &&Vec<String>| stems.starts_with(phrase.as_slice());
    let longest = |group: &Group| group.iter().filter(fits).map(Vec::len).max();
    let length = groups.iter().filter_map(longest).max()?;
    let own = stems.get(..length)?;
    let others = groups
        .iter()
        .filter(|group| group.iter().any(|phrase| phrase == own))
        .flatten()
        .filter(|phrase| phrase.as_slice() != own)
        .map(Vec::as_slice)
        .collect();
    Some((length, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_told_by_the_longest_that_fits() {
        let lexicon = Lexicon {
            synonyms: vec![
                vec!["tee".into(), "t-shirts".into()],
                vec!["rain coat".into(), "mac".into()],
                vec!["rain".into(), "drizzle".into()],
            ],
            ..Lexicon::default()
        };
        let groups = lexicon.groups(Language::English);
        let asked = stems(Language::English, "rain coats blue");
        let (length, others) = synonyms(&asked, &groups).unwrap();
        assert_eq!((length, others), (2, vec![["mac".to_owned()].as_slice()]));
        assert!(synonyms(&stems(Language::English, "blue"), &groups).is_none());
    }

    #[test]
    fn a_category_is_found_by_the_beginning_of_a_word_of_its_name() {
        let titles = BTreeMap::from([("de".to_owned(), "Hemden und Blusen".to_owned())]);
        let named = Named { slug: "shirts".into(), title: "Shirts".into(), titles };
        let lexicon = Lexicon { categories: vec![named], ..Lexicon::default() };
        assert_eq!(lexicon.categories_like("shi", None, 9).len(), 1);
        assert_eq!(lexicon.categories_like("blu", Some("de-AT"), 9).len(), 1);
        assert_eq!(lexicon.categories_like("blu", None, 9).len(), 0);
        assert_eq!(lexicon.categories_like(" ", None, 9).len(), 0);
    }
}
