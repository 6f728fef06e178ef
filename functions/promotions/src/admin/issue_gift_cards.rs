//! `POST /v1/admin/gift_cards/bulk`: many gift cards of one kind. Their codes are shown this once.
//!
//! They are written by the dozen, each dozen with its entry in the audit log. Where one fails,
//! those before it are issued and answered: a code that exists and was never shown helps nobody.

use api::form::Integer;
use api::reply::{Created, Secret};
use api::view::gift_card::{IssuedGiftCardView, IssuedGiftCardsView};
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::gift_card::{BULK_MAX, Code, GiftCard, Wanted};
use domain::permission::grant;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;
use store::gift_card::ISSUED_AT_ONCE;

use super::issue_gift_card::{issue, read_wanted};
use crate::App;
use crate::gift_card::{note, shown};

/// How many, and what each is worth.
#[derive(Debug)]
pub struct IssueMany {
    count: u32,
    wanted: Wanted,
}

impl Form for IssueMany {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let count = fields.required("count", Integer::between(1, i64::from(BULK_MAX)));
        let wanted = read_wanted(fields);
        Some(Self { count: u32::try_from(count?).ok()?, wanted: wanted? })
    }
}

/// Issues gift cards.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::GiftCardsIssue>, Body<IssueMany>>,
) -> Reply<Secret<Created<IssuedGiftCardsView>>> {
    let Body(IssueMany { count, wanted }) = &call.input;
    let mut issued: Vec<(Code, GiftCard)> = Vec::new();
    let mut left = usize::try_from(*count).unwrap_or(0);
    while left > 0 {
        let dozen = left.min(ISSUED_AT_ONCE);
        match issue_dozen(app, &call, wanted, dozen).await {
            Ok(cards) => issued.extend(cards),
            Err(problem) if issued.is_empty() => return Err(problem),
            Err(problem) => {
                let (count, fault) = (issued.len(), problem.fault);
                tracing::error!(count, ?fault, "a part of the gift cards was not issued");
                break;
            }
        }
        left -= dozen;
    }
    let data = issued.into_iter().map(|(code, card)| IssuedGiftCardView::of(card, &code)).collect();
    Ok(Secret(Created(IssuedGiftCardsView { data, requested: *count })))
}

async fn issue_dozen<P: Sync>(
    app: &App,
    call: &Call<Staff<P>, Body<IssueMany>>,
    wanted: &Wanted,
    count: usize,
) -> Reply<Vec<(Code, GiftCard)>> {
    let (mut codes, mut cards) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (code, card, entry) = issue(app, call, wanted)?;
        codes.push((code, card.clone()));
        cards.push((card, entry));
    }
    let mut after = shown(wanted.amount);
    if let Value::Object(after) = &mut after {
        after.insert("quantity".into(), json!(count));
        after.insert("expires_at".into(), json!(wanted.expires_at));
    }
    let first = codes.first().map(|(_, card)| card.id.to_string()).unwrap_or_default();
    let events = [note(app, call, "gift_card.issue_many", first, &(Value::Null, after))];
    match app.store.issue_gift_cards(&cards, &events).await? {
        Saved::Yes => Ok(codes),
        Saved::Raced => Err(Problem::unavailable()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn at_most_five_hundred_are_issued_together() {
        let body = |count: i64| json!({"count": count, "amount": {"amount": 1, "currency": "EUR"}});
        assert_eq!(flaws_of::<IssueMany>(&body(500)), []);
        assert_eq!(flaws_of::<IssueMany>(&body(501)), [("/count".to_owned(), "out_of_range")]);
        assert_eq!(flaws_of::<IssueMany>(&body(0)), [("/count".to_owned(), "out_of_range")]);
    }
}
