//! The fields of a thing in the index.

use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use crate::Language;

/// The fields of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken {
    /// The whole title, as [`crate::entry::sort_text`] has it: found as one, and sorted by.
    pub(crate) whole: Field,
    /// The title's words with their endings.
    pub(crate) words: Field,
    /// The title's words without.
    pub(crate) title: Field,
    /// Names of what it is, without endings.
    pub(crate) names: Field,
    /// Everything else, without endings.
    pub(crate) text: Field,
}

/// The fields of the index, and what they are called.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) schema: Schema,
    pub(crate) id: Field,
    pub(crate) card: Field,
    pub(crate) key: Field,
    pub(crate) sku: Field,
    pub(crate) tag: Field,
    pub(crate) price: Field,
    pub(crate) span: Field,
    pub(crate) created: Field,
    pub(crate) available: Field,
    pub(crate) id_high: Field,
    pub(crate) id_low: Field,
    spoken: Vec<(Language, Spoken)>,
}

/// The name of the column that titles of a language are sorted by.
pub(crate) fn title_column(language: Language) -> String {
    format!("whole_{}", language.code())
}

impl Fields {
    /// The fields. Their order is a part of the format.
    pub(crate) fn new() -> Self {
        let mut schema = Schema::builder();
        // Words come apart already; nothing counts how often a word stands there.
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let words = TextOptions::default().set_indexing_options(indexing);
        let id = schema.add_text_field("id", STRING);
        let card = schema.add_bytes_field("card", STORED);
        let key = schema.add_text_field("key", STRING);
        let sku = schema.add_text_field("sku", STRING);
        let tag = schema.add_text_field("tag", FAST);
        let price = schema.add_u64_field("price", FAST);
        let span = schema.add_u64_field("span", FAST);
        let created = schema.add_u64_field("created", FAST);
        let available = schema.add_u64_field("available", FAST);
        let id_high = schema.add_u64_field("id_high", FAST);
        let id_low = schema.add_u64_field("id_low", FAST);
        let spoken = Language::ALL
            .into_iter()
            .map(|language| {
                let code = language.code();
                let mut field =
                    |what: &str| schema.add_text_field(&format!("{what}_{code}"), words.clone());
                let (title, names) = (field("title"), field("names"));
                let (text, words) = (field("text"), field("words"));
                let whole = schema.add_text_field(&title_column(language), STRING | FAST);
                (language, Spoken { whole, words, title, names, text })
            })
            .collect();
        Self {
            schema: schema.build(),
            id,
            card,
            key,
            sku,
            tag,
            price,
            span,
            created,
            available,
            id_high,
            id_low,
            spoken,
        }
    }

    /// The fields of a language.
    pub(crate) fn of(&self, wanted: Language) -> Option<Spoken> {
        self.spoken.iter().find(|(language, _)| *language == wanted).map(|(_, spoken)| *spoken)
    }
}
