//! `POST /v1/admin/promotions/{id}/codes`: one code that the merchant chose, or many that nobody
//! can guess.
//!
//! Many are written in transactions of ninety-five, each with its own entry in the audit log: who
//! is cut off in between has the codes that the list shows, and asks for the rest. A hundred
//! thousand are a hundred such requests, each with an `Idempotency-Key` of its own.

use api::form::{Integer, PromotionPath, Text};
use api::reply::Created;
use api::view::promotion::{CodeView, CodesView, code};
use api::{Body, Fields, Form, Path, Problem, Reply, Staff};
use domain::audit::changes;
use domain::permission::grant;
use domain::promotion::Code;
use domain::promotion::code::{CodeEntry, GENERATED_MAX, PREFIX_CHARS_MAX};
use runtime::Call;
use serde_json::{Value, json};
use store::{Saved, Store};

use crate::App;
use crate::promotion::{load, note};

/// Which codes.
#[derive(Debug)]
pub enum NewCodes {
    /// This one.
    Chosen(Code, Option<u32>),
    /// So many, with this at their beginning.
    Generated(u32, String, u32),
}

impl Form for NewCodes {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let code = fields.optional("code", code());
        let count = fields.optional("count", Integer::between(1, i64::from(GENERATED_MAX)));
        let prefix = fields.optional("prefix", Text::between(1, PREFIX_CHARS_MAX));
        let uses_max = fields.optional("uses_max", Integer::between(1, i64::from(u32::MAX)));
        fields.either(&["code", "count"], "Send a code, or how many are to be made.");
        fields.not_both("code", "count", "Send a code or a count, not both.");
        fields.not_both("code", "prefix", "This is for codes that are generated.");
        let (code, count, prefix, uses_max) = (code?, count?, prefix?, uses_max?);
        let uses_max = uses_max.and_then(|max| u32::try_from(max).ok());
        match (code, count) {
            (Some(code), None) => Some(Self::Chosen(code, uses_max)),
            (None, Some(count)) => {
                let prefix = prefix.unwrap_or_default();
                // A prefix is a code's beginning, so it has a code's letters.
                if !prefix.is_empty() && Code::parse(&format!("{prefix}XXX")).is_none() {
                    let detail = "This may hold letters, digits, - and _.";
                    fields.flaw("prefix", "malformed", detail);
                    return None;
                }
                Some(Self::Generated(u32::try_from(count).ok()?, prefix, uses_max.unwrap_or(1)))
            }
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

/// Adds codes.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsWrite>, (Path<PromotionPath>, Body<NewCodes>)>,
) -> Reply<Created<CodesView>> {
    let (Path(PromotionPath { id }), Body(codes)) = &call.input;
    let promotion = load(app, *id).await?;
    promotion.may_have_codes()?;
    let entry = |code, uses_max| CodeEntry { code, promotion: *id, uses_max, created_at: call.now };
    let entries: Vec<CodeEntry> = match codes {
        NewCodes::Chosen(code, uses_max) => vec![entry(code.clone(), *uses_max)],
        NewCodes::Generated(count, prefix, uses_max) => {
            let code = |_| Code::random(prefix, app.ids.ulid(call.now));
            let codes: Option<Vec<Code>> = (0..*count).map(code).collect();
            let codes = codes.ok_or_else(Problem::internal)?;
            codes.into_iter().map(|code| entry(code, Some(*uses_max))).collect()
        }
    };
    for part in entries.chunks(Store::CODES_PER_WRITE_MAX) {
        let changed = changes(&Value::Null, &json!({"quantity": part.len()}));
        let events = [note(app, &call, "promotion.code.create", *id, changed)];
        if app.store.write_codes(part, &events).await? == Saved::Raced {
            let detail = "This code is taken, by this promotion or another.";
            return Err(Problem::conflict("code_taken", detail));
        }
    }
    let data = entries.into_iter().map(|entry| CodeView::of(entry, 0)).collect();
    Ok(Created(CodesView { data }))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn a_code_or_a_count_and_not_both() {
        let flaws = |body: Value| flaws_of::<NewCodes>(&body);
        assert_eq!(flaws(json!({"code": "summer-10"})), []);
        assert_eq!(flaws(json!({"count": 1_000, "prefix": "VIP-", "uses_max": 2})), []);
        assert_eq!(flaws(json!({})), [("/code".to_owned(), "required")]);
        assert_eq!(flaws(json!({"count": 1_001})), [("/count".to_owned(), "out_of_range")]);
        let both = json!({"code": "SUMMER", "count": 2});
        assert_eq!(flaws(both), [("/count".to_owned(), "not_together")]);
        let wrong = json!({"count": 2, "prefix": "50 %"});
        assert_eq!(flaws(wrong), [("/prefix".to_owned(), "malformed")]);
        assert_eq!(flaws(json!({"code": "a b"})), [("/code".to_owned(), "malformed")]);
    }
}
