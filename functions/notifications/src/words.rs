//! The merchant's own words for letters: found, compiled, and believed for a minute.
//!
//! Words that can not be written any more are an alarm and are passed over: the letter goes out in
//! the shop's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::catalog::Locale;
use domain::fault::Fault;
use domain::letter_template::is_fixed;
use jiff::{SignedDuration, Timestamp};
use notify::{Custom, Facts, Rendered};
use store::Store;

/// How long it is believed which words are sent.
const BELIEVED: SignedDuration = SignedDuration::from_secs(60);

/// What is believed, by letter and the languages that are asked for.
type Known = BTreeMap<(String, Vec<Locale>), (Timestamp, Option<Own>)>;

/// What was looked up.
#[derive(Debug, Default)]
pub(crate) struct Words(Mutex<Known>);

/// The merchant's words for a letter.
#[derive(Debug, Clone)]
pub(crate) struct Own {
    locale: Locale,
    version: u32,
    /// None where this release can not compile them.
    custom: Option<Arc<Custom>>,
}

impl Words {
    /// The words that are sent for a letter in the first of these languages that has any, each
    /// followed by its parent; none where these are the shop's own.
    pub(crate) async fn of(
        &self,
        store: &Store,
        letter: &str,
        locales: &[&Locale],
        now: Timestamp,
    ) -> Result<Option<Own>, Fault> {
        if is_fixed(letter) {
            return Ok(None);
        }
        let mut wanted: Vec<Locale> = Vec::new();
        for locale in locales {
            for locale in [Some((*locale).clone()), locale.parent()].into_iter().flatten() {
                if !wanted.contains(&locale) {
                    wanted.push(locale);
                }
            }
        }
        let key = (letter.to_owned(), wanted.clone());
        if let Some(known) = self.believed(&key, now) {
            return Ok(known);
        }
        let pointers = store.template_pointers_of(letter, &wanted).await?;
        let sent = wanted.iter().find_map(|locale| {
            let pointer = pointers.iter().find(|pointer| pointer.locale == *locale)?;
            Some((locale, pointer.published?))
        });
        let own = match sent {
            Some((locale, number)) => version(store, letter, locale, number).await?,
            None => None,
        };
        self.known().insert(key, (now, own.clone()));
        Ok(own)
    }

    #[expect(clippy::option_option, reason = "not known, known to be none, and known are three")]
    fn believed(&self, key: &(String, Vec<Locale>), now: Timestamp) -> Option<Option<Own>> {
        let known = self.known();
        let (at, own) = known.get(key)?;
        let age = now.duration_since(*at);
        (SignedDuration::ZERO..BELIEVED).contains(&age).then(|| own.clone())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One version of the words for a letter.
pub(crate) async fn version(
    store: &Store,
    letter: &str,
    locale: &Locale,
    number: u32,
) -> Result<Option<Own>, Fault> {
    let Some(found) = store.template_version(letter, locale, number).await? else {
        return Ok(None);
    };
    let custom = match Custom::compile(&found.source) {
        Ok(custom) => Some(Arc::new(custom)),
        Err(flaws) => {
            for flaw in flaws {
                alarm(letter, locale, number, &flaw);
            }
            None
        }
    };
    Ok(Some(Own { locale: locale.clone(), version: number, custom }))
}

/// The words that a letter was first written with: a second attempt says the same, whatever was
/// published meanwhile.
pub(crate) async fn as_claimed(
    store: &Store,
    letter: &str,
    own: Option<Own>,
    claimed: Option<(Locale, u32)>,
) -> Result<Option<Own>, Fault> {
    if own.as_ref().map(Own::name) == claimed {
        return Ok(own);
    }
    if is_fixed(letter) {
        return Ok(None);
    }
    match claimed {
        Some((locale, number)) => version(store, letter, &locale, number).await,
        None => Ok(None),
    }
}

impl Own {
    /// Which words these are.
    pub(crate) fn name(&self) -> (Locale, u32) {
        (self.locale.clone(), self.version)
    }

    /// Their language.
    pub(crate) const fn locale(&self) -> &Locale {
        &self.locale
    }

    /// The letter in these words; none where they can not be written.
    pub(crate) fn write(&self, letter: &str, facts: &Facts<'_>) -> Option<Rendered> {
        match self.custom.as_ref()?.render(facts) {
            Ok(written) => Some(written),
            Err(flaw) => {
                alarm(letter, &self.locale, self.version, &flaw);
                None
            }
        }
    }

    /// The letter in these words, of sample facts, marked as a test.
    pub(crate) fn sample(&self, letter: &str) -> Option<Rendered> {
        let written = self.custom.as_ref()?.sample(letter, &self.locale)?.ok()?;
        Some(Rendered { subject: format!("[Test] {}", written.subject), ..written })
    }
}

fn alarm(letter: &str, locale: &Locale, version: u32, flaw: &notify::Broken) {
    tracing::error!(
        alarm = "letter_template_broken",
        letter,
        locale = %locale,
        version,
        flaw = %flaw,
        "the shop's own words are sent instead"
    );
}
