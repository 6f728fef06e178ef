//! `POST /v1/admin/orders/{id}/edits`: proposes an edit of an order, at what it was seen to come
//! to. From then on that stands still. The buyer is mailed a link by which they say yes or no,
//! unless staff apply by themselves what costs them nothing more. Of an order one edit is open at a
//! time.

use api::form::{Integer, Nested, OrderPath, Text, YesOrNo};
use api::reply::{Answer, Remembered};
use api::seal::token_hash;
use api::view::order_edit::OrderEditView;
use api::{Body, Created, Fields, Form, KeyRequired, Path, Problem, Reply, Staff};
use domain::event::Letter;
use domain::money::Money;
use domain::order_edit::{
    DAYS, DAYS_MAX, Edit, MESSAGE_CHARS_MAX, Proposal, Refusal, decide, next,
};
use domain::permission::grant;
use domain::refund::REASON_CHARS_MAX;
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use store::Saved;

use crate::App;
use crate::desk::{RACES_MAX, load};
use crate::edits::{Wanted, basket, closing, fresh, letter, noted, of, short, shortages};

/// What is proposed.
#[derive(Debug)]
pub struct Proposed {
    wanted: Wanted,
    expected_due: Money,
    reason: String,
    message: Option<String>,
    days: u8,
    sends_link: bool,
}

impl Form for Proposed {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let wanted = Wanted::read(fields);
        let expected_due = fields.required("expected_due", Nested::form());
        let reason = fields.required("reason", Text::between(1, REASON_CHARS_MAX));
        let message = fields.optional("message", Text::lines(MESSAGE_CHARS_MAX));
        let days = fields.optional("days", Integer::between(1, i64::from(DAYS_MAX)));
        let sends_link = fields.optional("send_link", YesOrNo);
        Some(Self {
            wanted: wanted?,
            expected_due: expected_due?,
            reason: reason?,
            message: message?,
            days: u8::try_from(days?.unwrap_or(i64::from(DAYS))).ok()?,
            sends_link: sends_link?.unwrap_or(true),
        })
    }
}

type Given = (Path<OrderPath>, (KeyRequired, Body<Proposed>));

/// Proposes an edit.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersWrite>, Given>,
) -> Reply<Remembered<Created<OrderEditView>>> {
    let (Path(OrderPath { id }), (_, Body(proposed))) = &call.input;
    let Wanted { removals, additions } = &proposed.wanted;
    for _ in 0..RACES_MAX {
        let file = load(app, *id).await?;
        let (number, late) = next(&file.edits, call.now)?;
        let basket =
            basket(app, &file, (additions.as_slice(), proposed.reason.as_str()), call.now).await?;
        let who = (call.who.actor(), Some(call.who.responsible()));
        let fresh = fresh(app, &basket.facts.settings.shop, who, &proposed.reason, call.now);
        let decided = decide(of(&file), removals, basket.goods.clone(), number, fresh)?;
        let due = decided.sums.due;
        if due != proposed.expected_due {
            return Err(Refusal::TotalChanged { due }.into());
        }
        // What could not be given at this moment is not offered to anybody.
        let lacking = shortages(app, &basket, &decided).await?;
        if !lacking.is_empty() {
            return Err(short(lacking));
        }
        let token = proposed.sends_link.then(|| app.ids.token());
        let with = Proposal {
            reason: proposed.reason.clone(),
            message: proposed.message.clone(),
            token_hash: token.as_deref().map(token_hash),
            by: call.who.actor(),
            responsible: call.who.responsible(),
            days: proposed.days,
            now: call.now,
        };
        let edit = Edit::propose(&decided, basket.goods.as_ref(), number, with);
        let mut events = vec![noted(app, &call, "order_edit.propose", (None, &edit))?];
        events.extend(late.iter().map(|late| closing(app, late, call.now)));
        events.extend(token.map(|token| {
            let asks = Letter::OrderEditToApprove { order_id: *id, number, token };
            letter(app, &file.order, asks, call.now)
        }));
        let view = || OrderEditView::of(&file.order, &edit, call.now);
        let answer = stored(&Answer::json(StatusCode::CREATED, &view()));
        let remembered = call.claim.as_ref().map(|claim| (claim, &answer));
        let edits: Vec<&Edit> = late.iter().chain([&edit]).collect();
        if app.store.save_edits(&edits, &events, remembered).await? == Saved::Yes {
            return Ok(Remembered(Created(view())));
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
    fn nobody_proposes_without_a_reason_and_without_having_seen_the_price() {
        let goods = json!([{"sku": "MUG-BLUE", "quantity": 1}]);
        let due = json!({"amount": 1250, "currency": "EUR"});
        let body = json!({"additions": goods, "expected_due": due, "reason": "Called",
            "message": "As we said.\nBye", "days": 14, "send_link": false});
        assert_eq!(flaws_of::<Proposed>(&body), []);
        let blind = flaws_of::<Proposed>(&json!({"additions": goods}));
        let wanted = [("/expected_due", "required"), ("/reason", "required")];
        assert_eq!(blind, wanted.map(|(at, code)| (at.to_owned(), code)));
        let late = json!({"additions": goods, "expected_due": due, "reason": "x", "days": 15});
        assert_eq!(flaws_of::<Proposed>(&late), [("/days".to_owned(), "out_of_range")]);
    }
}
