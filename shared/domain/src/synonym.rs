//! Words that mean the same to whoever searches: “tee” and “t-shirt”.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Groups of a shop; all of them are looked through for every question.
pub const GROUPS_MAX: usize = 500;
/// Words, or short phrases, of one group.
pub const PHRASES_MAX: usize = 20;
/// Characters of one of them.
pub const PHRASE_CHARS_MAX: usize = 60;

/// The synonyms of the shop: one document, changed as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synonyms {
    /// The groups; in each, everything means the same.
    pub groups: Vec<Vec<String>>,
    /// Rises with every change; 0 before the first.
    pub version: u64,
}

/// Why groups are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A group has less than two different phrases: it would say nothing. Which one, from 0.
    Alone(usize),
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Alone(_) => "synonym_alone",
        }
    }
}

impl Synonyms {
    /// These groups in place of the ones there were: in small letters, without spaces around,
    /// each phrase once.
    pub fn change(&self, groups: &[Vec<String>]) -> Result<Self, Refusal> {
        let mut tidied = Vec::with_capacity(groups.len());
        for (at, group) in groups.iter().enumerate() {
            let mut seen = BTreeSet::new();
            let phrases: Vec<String> = group
                .iter()
                .map(|phrase| phrase.split_whitespace().collect::<Vec<_>>().join(" "))
                .map(|phrase| phrase.to_lowercase())
                .filter(|phrase| !phrase.is_empty() && seen.insert(phrase.clone()))
                .collect();
            if phrases.len() < 2 {
                return Err(Refusal::Alone(at));
            }
            tidied.push(phrases);
        }
        Ok(Self { groups: tidied, version: self.version + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(of: &[&[&str]]) -> Vec<Vec<String>> {
        of.iter().map(|group| group.iter().map(|&phrase| phrase.to_owned()).collect()).collect()
    }

    #[test]
    fn phrases_are_tidied_and_said_once() {
        let before = Synonyms::default();
        let after = before.change(&groups(&[&["Tee", " t-shirt ", "TEE"], &["rain  coat", "mac"]]));
        let after = after.unwrap();
        assert_eq!(after.groups, groups(&[&["tee", "t-shirt"], &["rain coat", "mac"]]));
        assert_eq!((before.version, after.version), (0, 1));
    }

    #[test]
    fn a_word_alone_is_no_synonym() {
        let before = Synonyms::default();
        assert_eq!(
            before.change(&groups(&[&["a", "b"], &["Tee", "tee "]])),
            Err(Refusal::Alone(1))
        );
        assert_eq!(before.change(&[]).unwrap().groups.len(), 0);
    }
}
