//! What the endpoints of promotions share: which one, what the audit log is told, how its status
//! changes.

use api::form::{Fields, Form, promotion_id};
use api::input::no_match;
use api::view::promotion::{PromotionView, code};
use api::{Problem, Reply, Staff, Versioned};
use domain::audit::{Change, changes};
use domain::event::Event;
use domain::id::PromotionId;
use domain::permission::grant;
use domain::promotion::{Code, Promotion, Status};
use runtime::Call;
use serde_json::{Value, json};
use store::promotion::Changed;

use crate::App;

/// The running promotions change under many hands: so often it is tried again.
const RACES_MAX: usize = 5;

/// Which code of which promotion.
#[derive(Debug)]
pub struct WhichCode {
    pub(crate) id: PromotionId,
    pub(crate) code: Code,
}

impl Form for WhichCode {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", promotion_id());
        let code = fields.required("code", code());
        Some(Self { id: id?, code: code? })
    }
}

/// A promotion by the id in a path.
pub(crate) async fn load(app: &App, id: PromotionId) -> Reply<Promotion> {
    app.store.promotion(id).await?.ok_or_else(Problem::not_found)
}

/// What differs between two forms of a promotion; none where there is none.
pub(crate) fn promotion_changes(
    before: Option<&Promotion>,
    after: Option<&Promotion>,
) -> Vec<Change> {
    let shown = |promotion: &Promotion| {
        let terms = &promotion.terms;
        json!({
            "status": promotion.status,
            "kind": terms.trigger,
            "name": terms.name,
            "actions": terms.actions,
            "conditions": terms.conditions,
            "stacking": terms.stacking,
            "limits": terms.limits,
        })
    };
    changes(&before.map_or(Value::Null, shown), &after.map_or(Value::Null, shown))
}

/// An entry of the audit log about a promotion.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    id: PromotionId,
    changed: Vec<Change>,
) -> Event {
    let object = Some(id.to_string());
    app.doors.audit(&call.request, call.who.actor(), action, object, changed)
}

/// Writes a changed promotion, and with it the running ones where they change; the promotion as it
/// is now.
pub(crate) async fn write<I>(
    app: &App,
    call: &Call<Staff<grant::PromotionsWrite>, I>,
    before: &Promotion,
    after: Promotion,
    action: &str,
) -> Reply<Versioned<PromotionView>> {
    for _ in 0..RACES_MAX {
        let running = app.store.running().await?.with(&after)?;
        let changed = promotion_changes(Some(before), Some(&after));
        let events = [note(app, call, action, before.id, changed)];
        match app.store.change_promotion(before, &after, running.as_ref(), &events).await? {
            Changed::Yes(version) => {
                let after = Promotion { version, ..after };
                return Ok(Versioned(after.into(), version));
            }
            Changed::Raced => return Err(no_match()),
            Changed::Crowded => {}
        }
    }
    Err(Problem::unavailable())
}

/// Puts a promotion into another status, as it stands at this moment.
pub(crate) async fn turn<I>(
    app: &App,
    call: &Call<Staff<grant::PromotionsWrite>, I>,
    id: PromotionId,
    to: Status,
    action: &str,
) -> Reply<Versioned<PromotionView>> {
    let before = load(app, id).await?;
    let after = before.turn(to, call.now)?;
    match write(app, call, &before, after, action).await {
        // Nobody said which version they had seen: it changed under our hands.
        Err(problem) if problem.status == no_match().status => Err(Problem::unavailable()),
        answer => answer,
    }
}
