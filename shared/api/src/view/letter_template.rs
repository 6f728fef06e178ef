//! The merchant's own words for letters, as staff sees them.

use domain::audit::Actor;
use domain::catalog::Locale;
use domain::letter_template::{Pointer, Source, Version};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// What is sent for a letter in a language.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LetterTemplateStatus")]
pub struct TemplateStatusView {
    /// In which language.
    #[schemars(with = "String")]
    pub locale: Locale,
    /// The version that is sent; null for the shop's own words.
    pub published_version: Option<u32>,
    /// The newest version; 0 where nobody has written one.
    pub latest_version: u32,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for TemplateStatusView {}

impl From<Pointer> for TemplateStatusView {
    fn from(pointer: Pointer) -> Self {
        Self {
            locale: pointer.locale,
            published_version: pointer.published,
            latest_version: pointer.latest,
            updated_at: pointer.updated_at,
        }
    }
}

/// A letter that can be written in other words.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LetterTemplateSummary")]
pub struct TemplateSummaryView {
    /// Which letter: `order_confirmation` and the like.
    pub letter: String,
    /// The languages that somebody has written it in.
    pub locales: Vec<TemplateStatusView>,
}

impl View for TemplateSummaryView {}
impl View for List<TemplateSummaryView> {}

/// A version; it never changes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LetterTemplateVersion")]
pub struct TemplateVersionView {
    /// Counted from 1.
    pub version: u32,
    /// What it says.
    pub source: Source,
    /// Who wrote it.
    pub author: Actor,
    /// When.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

impl View for TemplateVersionView {}

impl From<Version> for TemplateVersionView {
    fn from(version: Version) -> Self {
        let Version { number, source, author, created_at } = version;
        Self { version: number, source, author, created_at }
    }
}

/// A letter in a language: what is sent, what could be, and what its template may name.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LetterTemplate")]
pub struct TemplateView {
    /// Which letter.
    pub letter: String,
    /// In which language.
    #[schemars(with = "String")]
    pub locale: Locale,
    /// The version that is sent; null for the shop's own words.
    pub published_version: Option<u32>,
    /// The newest version; 0 where nobody has written one.
    pub latest_version: u32,
    /// What is sent.
    pub current: Source,
    /// The shop's own words: where to begin.
    pub built_in: Source,
    /// What a template may name: `order.number`; `order.lines[].title` is the title of each line.
    pub variables: Vec<String>,
    /// The versions, newest first.
    pub versions: Vec<TemplateVersionView>,
    /// Where the next page of versions begins; null at the end.
    pub next_cursor: Option<String>,
}

impl View for TemplateView {}

/// A letter as it would be sent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LetterPreview")]
pub struct PreviewView {
    /// Its subject.
    pub subject: String,
    /// For those who read HTML. Show it in a frame that runs nothing: `sandbox=""`.
    pub html: String,
    /// For all others.
    pub text: String,
}

impl View for PreviewView {}

/// A letter that is on its way to whoever asked for it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LetterTest")]
pub struct TemplateTestView {
    /// The letter's id.
    pub message_id: domain::id::MessageId,
    /// The address that it goes to, masked.
    pub to: String,
}

impl View for TemplateTestView {}
