//! From a text to its words: lower-case, without accents, and by language without endings.
//!
//! What is indexed and what is asked for go through the same functions, so they can not drift.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, StopWordFilter,
    TextAnalyzer,
};

/// A word with more bytes is no word that somebody types.
const WORD_BYTES_MAX: usize = 40;

/// How a text is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// da
    Danish,
    /// nl
    Dutch,
    /// en
    English,
    /// fi
    Finnish,
    /// fr
    French,
    /// de
    German,
    /// it
    Italian,
    /// no, nb, nn
    Norwegian,
    /// pt
    Portuguese,
    /// es
    Spanish,
    /// sv
    Swedish,
    /// Every other: words as they are; where nothing parts them (Japanese, Chinese, Korean), pairs
    /// of signs.
    Other,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 12] = [
        Self::Danish,
        Self::Dutch,
        Self::English,
        Self::Finnish,
        Self::French,
        Self::German,
        Self::Italian,
        Self::Norwegian,
        Self::Portuguese,
        Self::Spanish,
        Self::Swedish,
        Self::Other,
    ];

    /// The language of a locale like `de-AT` (BCP 47): what stands before the first hyphen.
    pub fn of(locale: &str) -> Self {
        let primary = locale.split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "da" => Self::Danish,
            "nl" => Self::Dutch,
            "en" => Self::English,
            "fi" => Self::Finnish,
            "fr" => Self::French,
            "de" => Self::German,
            "it" => Self::Italian,
            "no" | "nb" | "nn" => Self::Norwegian,
            "pt" => Self::Portuguese,
            "es" => Self::Spanish,
            "sv" => Self::Swedish,
            _ => Self::Other,
        }
    }

    /// Its short name, as in the names of fields.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Danish => "da",
            Self::Dutch => "nl",
            Self::English => "en",
            Self::Finnish => "fi",
            Self::French => "fr",
            Self::German => "de",
            Self::Italian => "it",
            Self::Norwegian => "no",
            Self::Portuguese => "pt",
            Self::Spanish => "es",
            Self::Swedish => "sv",
            Self::Other => "xx",
        }
    }

    const fn stemmer(self) -> Option<tantivy::tokenizer::Language> {
        use tantivy::tokenizer::Language as Known;
        Some(match self {
            Self::Danish => Known::Danish,
            Self::Dutch => Known::Dutch,
            Self::English => Known::English,
            Self::Finnish => Known::Finnish,
            Self::French => Known::French,
            Self::German => Known::German,
            Self::Italian => Known::Italian,
            Self::Norwegian => Known::Norwegian,
            Self::Portuguese => Known::Portuguese,
            Self::Spanish => Known::Spanish,
            Self::Swedish => Known::Swedish,
            Self::Other => return None,
        })
    }
}

/// The words of a text, with their endings.
pub(crate) fn words(text: &str) -> Vec<String> {
    let analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter);
    tokens(analyzer.build(), text)
}

/// The words of a text, without their endings. A stemmer wants its language's accents, so they
/// are folded after it.
pub(crate) fn stems(language: Language, text: &str) -> Vec<String> {
    let Some(known) = language.stemmer() else { return words(text) };
    let analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(Stemmer::new(known))
        .filter(AsciiFoldingFilter);
    tokens(analyzer.build(), text)
}

/// Whether a word says nothing by itself in this language: “and”, “für”.
pub(crate) fn is_filler(language: Language, word: &str) -> bool {
    static KNOWN: OnceLock<BTreeMap<Language, TextAnalyzer>> = OnceLock::new();
    let without_fillers = |language: Language| {
        let filter = StopWordFilter::new(language.stemmer()?)?;
        let analyzer = TextAnalyzer::builder(SimpleTokenizer::default()).filter(LowerCaser);
        Some((language, analyzer.filter(filter).build()))
    };
    // The lists are long: they are read once.
    let known =
        KNOWN.get_or_init(|| Language::ALL.into_iter().filter_map(without_fillers).collect());
    known.get(&language).is_some_and(|analyzer| tokens(analyzer.clone(), word).is_empty())
}

fn tokens(mut analyzer: TextAnalyzer, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    analyzer.token_stream(text).process(&mut |token| part(&token.text, &mut found));
    found
}

/// Where nothing parts the words, pairs of signs that overlap stand for them.
fn part(token: &str, found: &mut Vec<String>) {
    if !token.chars().any(is_unparted) {
        found.push(token.to_owned());
        return;
    }
    let signs: Vec<char> = token.chars().collect();
    if signs.len() < 2 {
        found.push(token.to_owned());
    }
    found.extend(signs.windows(2).map(|pair| pair.iter().collect::<String>()));
}

/// Hiragana, Katakana, the ideographs in common use, Hangul (Unicode's blocks).
const fn is_unparted(sign: char) -> bool {
    matches!(sign, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}')
}

/// How many slips of the hand a word of this length may hold (Levenshtein, a swap is one).
pub(crate) fn slips(word: &str) -> u8 {
    match word.chars().count() {
        _ if word.chars().any(is_unparted) => 0,
        // What is a number is another number with one digit wrong.
        _ if word.chars().all(|c| c.is_ascii_digit()) => 0,
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_has_the_language_of_its_first_part() {
        assert_eq!(Language::of("de-AT"), Language::German);
        assert_eq!(Language::of("EN"), Language::English);
        assert_eq!(Language::of("nb-NO"), Language::Norwegian);
        assert_eq!(Language::of("ja"), Language::Other);
        assert_eq!(Language::of(""), Language::Other);
    }

    #[test]
    fn words_lose_case_and_accents_and_by_language_their_endings() {
        assert_eq!(words("Crème-Brûlée, ÄRGER!"), ["creme", "brulee", "arger"]);
        assert_eq!(stems(Language::English, "running shirts"), ["run", "shirt"]);
        assert_eq!(stems(Language::German, "Häuser"), stems(Language::German, "Haus"));
        assert_eq!(stems(Language::French, "chemises"), stems(Language::French, "chemise"));
        assert_eq!(stems(Language::Spanish, "camisas"), stems(Language::Spanish, "camisa"));
        assert_eq!(stems(Language::Italian, "camicie"), stems(Language::Italian, "camicia"));
        assert_eq!(stems(Language::Dutch, "lampen"), stems(Language::Dutch, "lamp"));
        assert_eq!(stems(Language::Other, "running shirts"), ["running", "shirts"]);
    }

    #[test]
    fn where_nothing_parts_words_pairs_of_signs_do() {
        assert_eq!(words("麻のシャツ"), ["麻の", "のシ", "シャ", "ャツ"]);
        assert_eq!(words("傘"), ["傘"]);
    }

    #[test]
    fn fillers_are_known_by_language() {
        assert!(is_filler(Language::English, "the"));
        assert!(is_filler(Language::German, "und"));
        assert!(!is_filler(Language::English, "shirt"));
        assert!(!is_filler(Language::Other, "the"));
    }

    #[test]
    fn longer_words_may_hold_more_slips() {
        assert_eq!(["tee", "shirt", "umbrella", "1234567", "シャツ"].map(slips), [0, 1, 2, 0, 0]);
    }
}
