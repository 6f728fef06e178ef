//! A letter and a language in a path, and what is wrong with a template, as an answer says it.

use api::form::{Parsed, locale};
use api::{Fields, Flaw, Form, Problem, Reply};
use domain::catalog::Locale;
use domain::letter_template::{Pointer, Source, is_fixed};
use jiff::Timestamp;
use notify::{Broken, Shown};

use crate::App;

/// Characters of a letter's name.
const NAME_CHARS_MAX: usize = 40;

/// Which letter in which language.
#[derive(Debug)]
pub struct Which {
    pub(crate) letter: String,
    pub(crate) locale: Locale,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let letter = fields.required("letter", letter());
        let locale = fields.required("locale", locale());
        Some(Self { letter: letter?, locale: locale? })
    }
}

/// Which version of it.
#[derive(Debug)]
pub struct WhichVersion {
    pub(crate) which: Which,
    pub(crate) version: u32,
}

impl Form for WhichVersion {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let which = Which::read(fields);
        let rule = Parsed::by(number, "the number of a version", 6).pattern("^[1-9][0-9]{0,5}$");
        let version = fields.required("version", rule);
        Some(Self { which: which?, version: version? })
    }
}

const fn letter() -> Parsed<String> {
    Parsed::by(name, "the name of a letter", NAME_CHARS_MAX).pattern("^[a-z_]{1,40}$")
}

fn name(text: &str) -> Option<String> {
    let is_name = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_name.then(|| text.to_owned())
}

fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

impl Which {
    /// What it is called in the audit log.
    pub(crate) fn object(&self) -> String {
        format!("{}.{}", self.letter, self.locale)
    }

    /// The shop's own words; there are some for every letter.
    pub(crate) fn built_in(&self, app: &App) -> Reply<Source> {
        app.templates.source(&self.letter).ok_or_else(Problem::not_found)
    }

    /// The shop's own words of a letter that may have others.
    pub(crate) fn editable(&self, app: &App) -> Reply<Source> {
        let source = self.built_in(app)?;
        if is_fixed(&self.letter) {
            let detail =
                "This letter opens the shop to its staff. Its words are always the shop's.";
            return Err(Problem::conflict("letter_fixed", detail));
        }
        Ok(source)
    }

    /// What is known of the merchant's words; nothing yet, perhaps.
    pub(crate) async fn pointer(&self, app: &App, now: Timestamp) -> Reply<Pointer> {
        let found = app.store.template_pointer(&self.letter, &self.locale).await?;
        Ok(found.unwrap_or_else(|| Pointer::new(&self.letter, self.locale.clone(), now)))
    }

    /// What one version says.
    pub(crate) async fn version(&self, app: &App, number: u32) -> Reply<Source> {
        let found = app.store.template_version(&self.letter, &self.locale, number).await?;
        let unknown = domain::letter_template::Refusal::UnknownVersion;
        Ok(found.ok_or(unknown)?.source)
    }
}

/// Refuses a template with these flaws, each with its line and column.
pub(crate) fn fit(flaws: &[Broken]) -> Reply<()> {
    if flaws.is_empty() {
        return Ok(());
    }
    let said = flaws.iter().map(|flaw| {
        let Broken { form, line, column, code, reason } = flaw;
        let detail = format!("Line {line}, column {column}: {reason}");
        Flaw::new(format!("/{}", form.name()), code, detail)
    });
    let places: Vec<Shown> = flaws.iter().map(Shown::from).collect();
    Err(Problem::invalid(said.collect()).member("template_flaws", places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_in_one_way() {
        assert_eq!(number("12"), Some(12));
        for wrong in ["0", "01", "-1", "+1", "1.0", "", "x"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
