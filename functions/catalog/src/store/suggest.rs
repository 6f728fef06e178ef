//! `GET /v1/store/search/suggest`: what somebody may mean who has typed so far. Answered from the
//! snapshot in this function's own storage.

use api::form::{currency, locale, words};
use api::reply::Cache;
use api::view::search::{SuggestionKind, SuggestionView, SuggestionsView};
use api::{Anyone, Cached, Fields, Form, Query, Reply};
use domain::catalog::content::localized;
use domain::catalog::{Locale, Product, Slug};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use runtime::Call;
use search::Question;

use crate::App;
use crate::store::list_products::languages;

/// Suggestions in all, and categories among them.
const SUGGESTIONS_MAX: usize = 10;
const CATEGORIES_MAX: usize = 3;

/// What was typed.
#[derive(Debug)]
pub struct Typed {
    q: String,
    locale: Option<Locale>,
    currency: Option<Currency>,
}

impl Form for Typed {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let q = fields.required("q", words());
        let locale = fields.optional("locale", locale());
        let currency = fields.optional("currency", currency());
        Some(Self { q: q?, locale: locale?, currency: currency? })
    }
}

/// Suggests what they may mean.
pub async fn handle(app: &App, call: Call<Anyone, Query<Typed>>) -> Reply<Cached<SuggestionsView>> {
    let Query(Typed { q, locale, currency }) = call.input;
    let Some(snapshot) = app.index()?.newest(call.now).await? else {
        // Nobody waits for suggestions: before there is an index there are none.
        return Ok(Cached(SuggestionsView { data: Vec::new() }, Cache::Public));
    };
    let spoken = locale.as_ref().map(Locale::as_str);
    let categories = snapshot.lexicon().categories_like(&q, spoken, CATEGORIES_MAX);
    let mut data: Vec<SuggestionView> = categories
        .into_iter()
        .filter_map(|named| {
            let title = named.title_in(spoken).to_owned();
            let slug = Slug::parse(&named.slug)?;
            Some(SuggestionView { kind: SuggestionKind::Category, title, slug })
        })
        .collect();
    let languages = languages(locale.as_ref(), snapshot.lexicon().language());
    // Whatever stands last is not finished yet.
    let text = q.trim().to_owned();
    let question = Question {
        currency: Some(currency.unwrap_or(app.currency)),
        ..Question::words(text, languages, SUGGESTIONS_MAX - data.len(), call.now)
    };
    for card in snapshot.ask(&question)?.cards {
        let product: Product = serde_json::from_slice(&card).map_err(|error| {
            Fault::new("read a card of the search index", error, Retry::Useless)
        })?;
        let own = (product.title.as_str(), product.description.as_str());
        let (title, _) = localized(own, &product.translations, locale.as_ref());
        let title = title.to_owned();
        data.push(SuggestionView { kind: SuggestionKind::Product, title, slug: product.slug });
    }
    Ok(Cached(SuggestionsView { data }, Cache::Public))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn something_must_have_been_typed() {
        assert_eq!(flaws_of::<Typed>(&json!({"q": "ox", "locale": "de-AT"})), []);
        assert_eq!(flaws_of::<Typed>(&json!({"q": "501"})), []);
        assert_eq!(flaws_of::<Typed>(&json!({})), [("/q".to_owned(), "required")]);
        assert_eq!(flaws_of::<Typed>(&json!({"q": ""})), [("/q".to_owned(), "too_short")]);
    }
}
