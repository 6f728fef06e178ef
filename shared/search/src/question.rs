//! A question, and what the engine is asked for it.
//!
//! Every word must be found somewhere in a product, with its best place counting. A word that
//! stands nowhere at all is taken for a slip of the hand and looked for with up to two mistakes;
//! a word that is known is taken as it is, so that who asks for a shirt is not shown skirts. The
//! last word may be the beginning of one.

use domain::currency::Currency;
use domain::fault::Fault;
use jiff::Timestamp;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, FuzzyTermQuery, Occur, Query,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Score, Searcher, Term};

use crate::analysis::{is_filler, slips, stems, words};
use crate::collect::{Place, Sort};
use crate::entry::{key_text, sort_text};
use crate::lexicon::synonyms;
use crate::schema::{Fields, Spoken};
use crate::{Language, Lexicon, fault};

/// Words of a question that are looked for; what follows is left out.
const WORDS_MAX: usize = 12;

/// Characters of the beginning of a key: with fewer, every second thing would be meant.
const BEGINNING_CHARS_MIN: usize = 3;

/// What a word is worth where it is found. Small whole numbers: their sums are exact.
mod worth {
    /// A key is just this: more than all words of a question together.
    pub(super) const KEY: u16 = 2_000;
    /// A key begins with this: more than a title that is just this.
    pub(super) const KEY_BEGINNING: u16 = 160;
    /// The title is just this.
    pub(super) const WHOLE: u16 = 50;
    pub(super) const TITLE: u16 = 100;
    pub(super) const TITLE_STEM: u16 = 90;
    pub(super) const TITLE_SYNONYM: u16 = 80;
    pub(super) const TITLE_BEGINNING: u16 = 70;
    pub(super) const SKU: u16 = 60;
    pub(super) const TITLE_SLIP: u16 = 40;
    pub(super) const NAME: u16 = 30;
    pub(super) const NAME_SLIP: u16 = 15;
    pub(super) const TEXT: u16 = 10;
    pub(super) const TEXT_SYNONYM: u16 = 8;
    pub(super) const TEXT_SLIP: u16 = 4;
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The words; everything, where there are none.
    pub text: Option<String>,
    /// The languages that the words may be of, the one that titles are sorted in first.
    pub languages: Vec<Language>,
    /// The currency of prices; what has no price in it is not found. Where there is none, prices
    /// are not looked at.
    pub currency: Option<Currency>,
    /// What else must be so.
    pub filters: Vec<Filter>,
    /// The lowest price, in minor units.
    pub price_min: Option<i64>,
    /// The highest price, in minor units.
    pub price_max: Option<i64>,
    /// The first moment of what was made in time.
    pub made_from: Option<Timestamp>,
    /// The first moment after it.
    pub made_until: Option<Timestamp>,
    /// In which order.
    pub sort: Sort,
    /// How many.
    pub limit: usize,
    /// The place of the last one that was answered before.
    pub after: Option<Place>,
    /// Whether the facets are counted, too.
    pub has_facets: bool,
    /// When it is asked: prices have their time.
    pub now: Timestamp,
}

impl Question {
    /// What fits these words best, and nothing else asked.
    pub const fn words(
        text: String,
        languages: Vec<Language>,
        limit: usize,
        now: Timestamp,
    ) -> Self {
        Self {
            text: Some(text),
            languages,
            currency: None,
            filters: Vec::new(),
            price_min: None,
            price_max: None,
            made_from: None,
            made_until: None,
            sort: Sort::Relevance,
            limit,
            after: None,
            has_facets: false,
            now,
        }
    }
}

/// One facet that must have one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The facet.
    pub facet: String,
    /// The values of which one is enough.
    pub values: Vec<String>,
}

/// What a question is read with.
pub(crate) struct Asked<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) searcher: &'a Searcher,
    pub(crate) lexicon: &'a Lexicon,
    pub(crate) languages: &'a [Language],
}

/// A word as it was typed, and what it is looked for by in one language.
struct Typed {
    word: String,
    is_last: bool,
}

impl Asked<'_> {
    /// The engine's query for these words.
    pub(crate) fn query(&self, text: Option<&str>) -> Result<Box<dyn Query>, Fault> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(Box::new(AllQuery));
        };
        let sku = Term::from_field_text(self.fields.sku, &text.trim().to_ascii_uppercase());
        let mut ways = vec![worth(exact(sku), worth::SKU)];
        let key = Term::from_field_text(self.fields.key, &key_text(text));
        if key_text(text).chars().count() >= BEGINNING_CHARS_MIN {
            let beginning = Box::new(FuzzyTermQuery::new_prefix(key.clone(), 0, true));
            ways.push(worth(beginning, worth::KEY_BEGINNING));
        }
        ways.push(worth(exact(key), worth::KEY));
        for language in self.languages {
            if let Some(spoken) = self.fields.of(*language)
                && let Some(way) = self.in_language(*language, spoken, text)?
            {
                ways.push(way);
            }
        }
        Ok(best(ways))
    }

    /// Every word, in one language; nothing, where the text has no word.
    fn in_language(
        &self,
        language: Language,
        spoken: Spoken,
        text: &str,
    ) -> Result<Option<Box<dyn Query>>, Fault> {
        let typed = typed(language, text);
        if typed.is_empty() {
            return Ok(None);
        }
        let groups = self.lexicon.groups(language);
        let stemmed: Vec<String> = typed.iter().map(|one| stem(language, &one.word)).collect();
        let mut wanted: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut at = 0;
        while let (Some(rest), Some(words)) = (stemmed.get(at..), typed.get(at..)) {
            let Some((first, _)) = words.split_first() else { break };
            let (length, others) = synonyms(rest, &groups).unwrap_or((1, Vec::new()));
            let mut ways = Vec::new();
            let mut own: Vec<(Occur, Box<dyn Query>)> = Vec::new();
            for (one, stem) in words.iter().zip(rest).take(length) {
                own.push((Occur::Must, self.word(spoken, one, stem, !others.is_empty())?));
            }
            ways.push(all(own));
            let count = u16::try_from(length).unwrap_or(u16::MAX);
            for phrase in others {
                let title = [spoken.title];
                let anywhere = [spoken.title, spoken.names, spoken.text];
                let said = |fields: &[Field], each: u16| {
                    worth(phrase_in(phrase, fields), each.saturating_mul(count))
                };
                ways.push(said(&title, worth::TITLE_SYNONYM));
                ways.push(said(&anywhere, worth::TEXT_SYNONYM));
            }
            wanted.push((Occur::Must, best(ways)));
            debug_assert!(!first.word.is_empty());
            at += length.max(1);
        }
        let whole = Term::from_field_text(spoken.whole, &sort_text(text));
        wanted.push((Occur::Should, worth(exact(whole), worth::WHOLE)));
        Ok(Some(all(wanted)))
    }

    /// One word, at its best place.
    fn word(
        &self,
        spoken: Spoken,
        typed: &Typed,
        stem: &str,
        has_synonyms: bool,
    ) -> Result<Box<dyn Query>, Fault> {
        let places = [
            (spoken.words, typed.word.as_str(), worth::TITLE),
            (spoken.title, stem, worth::TITLE_STEM),
            (spoken.names, stem, worth::NAME),
            (spoken.text, stem, worth::TEXT),
        ];
        let mut ways = Vec::new();
        let mut is_known = has_synonyms;
        for (field, word, value) in places {
            let term = Term::from_field_text(field, word);
            let found = self.searcher.doc_freq(&term);
            is_known |= found.map_err(|error| fault("look up a word", error))? > 0;
            ways.push(worth(exact(term), value));
        }
        if typed.is_last {
            let term = Term::from_field_text(spoken.words, &typed.word);
            is_known |= self.has_beginning(&term)?;
            let beginning = Box::new(FuzzyTermQuery::new_prefix(term, 0, true));
            ways.push(worth(beginning, worth::TITLE_BEGINNING));
        }
        let mistakes = slips(&typed.word);
        if !is_known && mistakes > 0 {
            let close = [
                (spoken.words, typed.word.as_str(), worth::TITLE_SLIP),
                (spoken.title, stem, worth::TITLE_SLIP),
                (spoken.names, stem, worth::NAME_SLIP),
                (spoken.text, stem, worth::TEXT_SLIP),
            ];
            for (field, word, value) in close {
                let term = Term::from_field_text(field, word);
                let fuzzy = if typed.is_last && field == spoken.words {
                    FuzzyTermQuery::new_prefix(term, mistakes, true)
                } else {
                    FuzzyTermQuery::new(term, mistakes, true)
                };
                ways.push(worth(Box::new(fuzzy), value));
            }
        }
        Ok(best(ways))
    }

    /// Whether some title has a word that begins like this.
    fn has_beginning(&self, term: &Term) -> Result<bool, Fault> {
        let tried = "look up the beginning of a word";
        for segment in self.searcher.segment_readers() {
            let index =
                segment.inverted_index(term.field()).map_err(|error| fault(tried, error))?;
            let beginning = term.serialized_value_bytes();
            let words = index.terms().range().ge(beginning).into_stream();
            let mut words = words.map_err(|error| fault(tried, error))?;
            if words.advance() && words.key().starts_with(beginning) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The words of a question: without fillers, unless there is nothing else.
fn typed(language: Language, text: &str) -> Vec<Typed> {
    let all = words(text);
    let telling: Vec<String> =
        all.iter().filter(|word| !is_filler(language, word)).cloned().collect();
    let mut kept = if telling.is_empty() { all } else { telling };
    kept.truncate(WORDS_MAX);
    // A space at the end says that the word is finished.
    let is_open = text.ends_with(char::is_alphanumeric);
    let count = kept.len();
    let typed = kept.into_iter().enumerate();
    typed.map(|(at, word)| Typed { is_last: is_open && at + 1 == count, word }).collect()
}

/// A word's stem. A word that comes apart (one sign of two) is its own.
fn stem(language: Language, word: &str) -> String {
    let mut found = stems(language, word);
    if found.len() == 1 { found.swap_remove(0) } else { word.to_owned() }
}

fn exact(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// Counts as much as this, whatever else the engine thinks of it.
fn worth(query: Box<dyn Query>, value: u16) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, Score::from(value)))
}

/// The best of several ways.
fn best(mut ways: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    if ways.len() == 1 {
        return ways.swap_remove(0);
    }
    Box::new(DisjunctionMaxQuery::new(ways))
}

fn all(mut wanted: Vec<(Occur, Box<dyn Query>)>) -> Box<dyn Query> {
    if wanted.len() == 1 {
        return wanted.swap_remove(0).1;
    }
    Box::new(BooleanQuery::new(wanted))
}

/// Every stem of a phrase, each in one of these fields.
fn phrase_in(phrase: &[String], fields: &[Field]) -> Box<dyn Query> {
    let somewhere = |stem: &String| {
        let ways = fields.iter().map(|field| exact(Term::from_field_text(*field, stem)));
        (Occur::Must, best(ways.collect()))
    };
    all(phrase.iter().map(somewhere).collect())
}
