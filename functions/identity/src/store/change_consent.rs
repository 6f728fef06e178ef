//! `PUT /v1/store/me/consents/{purpose}`: the customer agrees to something, or takes it back. What
//! they said before stays; saying the same again adds nothing.

use api::form::{OneOf, Text, YesOrNo};
use api::view::privacy::ConsentView;
use api::{Body, Customer, Fields, Form, Path, Problem, Reply};
use domain::consent::{Consent, Purpose, Said, TEXT_CHARS_MAX};
use runtime::Call;
use store::Saved;

use crate::App;

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;

/// What for.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    purpose: Purpose,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let purpose = fields.required("purpose", OneOf(&Purpose::ALL));
        Some(Self { purpose: purpose? })
    }
}

/// What the customer says, and to which words.
#[derive(Debug)]
pub struct Word {
    is_given: bool,
    text: String,
}

impl Form for Word {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let is_given = fields.required("is_given", YesOrNo);
        let text = fields.required("text", Text::between(1, TEXT_CHARS_MAX));
        Some(Self { is_given: is_given?, text: text? })
    }
}

/// Writes it down.
pub async fn handle(
    app: &App,
    call: Call<Customer, (Path<Which>, Body<Word>)>,
) -> Reply<ConsentView> {
    let (Path(Which { purpose }), Body(Word { is_given, text })) = &call.input;
    let (purpose, is_given, customer) = (*purpose, *is_given, call.who.id);
    let said = Said { purpose, is_given, text, request: &call.request.id, at: call.now };
    app.store.account(customer).await?.ok_or_else(Problem::unauthenticated)?;
    for _ in 0..RACES_MAX {
        let before = app.store.last_consent(customer, purpose).await?;
        let fact = match (Consent::after(before.as_ref(), customer, said)?, before) {
            (Some(fact), _) => fact,
            (None, Some(before)) => return Ok(before.into()),
            // Nothing was said before, and nothing is said now: cannot be.
            (None, None) => return Err(Problem::internal()),
        };
        if app.store.add_consent(&fact).await? == Saved::Yes {
            return Ok(fact.into());
        }
    }
    Err(Problem::unavailable())
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_consent_needs_the_words_that_were_shown() {
        let flaws = flaws_of::<Word>(&json!({"is_given": "yes", "at": 0}));
        let wanted = [("/is_given", "wrong_type"), ("/text", "required"), ("/at", "unknown_field")];
        assert_eq!(flaws, wanted.map(|(at, code)| (at.to_owned(), code)));
        assert_eq!(flaws_of::<Word>(&json!({"is_given": false, "text": "newsletter-3"})), []);
        assert_eq!(flaws_of::<Which>(&json!({"purpose": "spam"})).len(), 1);
    }
}
