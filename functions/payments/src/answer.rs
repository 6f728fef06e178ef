//! What the shop answers to a dispute, decided and written down; a queue tells the provider.

use api::reply::{Answer as Http, Remembered};
use api::view::dispute::DisputeView;
use api::{Problem, Reply, Staff};
use domain::dispute::{AnswerKind, Evidence};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use serde_json::{Value, json};
use store::Saved;
use store::dispute::Step;

use crate::App;
use crate::desk::{RACES_MAX, WhichDispute, disputed, note};

/// Decides what is answered. The HTTP answer is remembered in the same write.
pub(crate) async fn decide<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    which: WhichDispute,
    action: &str,
    (kind, own): (AnswerKind, &Evidence),
) -> Reply<Remembered<DisputeView>> {
    for _ in 0..RACES_MAX {
        let (file, dispute) = disputed(app, which).await?;
        let answered = dispute.answer(kind, own.clone(), call.who.actor(), call.now)?;
        let mut order = file.order.clone();
        let said: Vec<&str> = own.said().into_iter().map(|(name, _)| name).collect();
        // What staff wrote may name people: the log is told which fields, not what they say.
        let after = json!({"answer": kind, "attempt": answered.answers, "own_fields": said});
        let audit = note(app, call, action, dispute.id, &(Value::Null, after))?;
        let fact = order.say_dispute_answered(&answered);
        let events = [audit, settlement::event(&order, fact, call.now)];
        let view = DisputeView::from(&answered);
        let remembered = stored(&Http::json(StatusCode::OK, &view));
        let step = Step {
            before: &file.order,
            order: &order,
            dispute: &answered,
            entry: None,
            events: &events,
            remembered: call.claim.as_ref().map(|claim| (claim, &remembered)),
        };
        if app.store.move_dispute(&step).await? == Saved::Yes {
            return Ok(Remembered(view));
        }
    }
    Err(Problem::unavailable())
}
