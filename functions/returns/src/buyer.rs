//! What moves a return for its buyer: an order of theirs is loaded with its returns, decided, and
//! written with what is said of it and the answer.

use api::reply::{Answer, Remembered};
use api::view::returns::OrderReturnView;
use api::{OrderReader, Problem, Reply};
use domain::audit::Actor;
use domain::id::OrderId;
use domain::returns::{Refusal, Return, Step};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use store::Saved;
use store::order::OrderFile;
use store::returns::Move;

use crate::App;
use crate::desk::{ATTEMPTS_MAX, WhichReturn, find, said};

/// The caller's order; somebody else's is not there.
pub(crate) async fn load(app: &App, id: OrderId, who: &OrderReader) -> Reply<OrderFile> {
    let file = app.store.order(id).await?.filter(|file| who.may_read(&file.order));
    file.ok_or_else(Problem::not_found)
}

/// Who asks, as it is kept: a guest is nobody that we know.
pub(crate) fn actor(who: &OrderReader) -> Actor {
    who.customer.map_or(Actor::Nobody, |customer| Actor::Customer(customer.id))
}

/// Moves a return of the caller's: `decide` says what becomes of it as it was loaded.
pub(crate) async fn step<I: Sync>(
    app: &App,
    call: &Call<OrderReader, I>,
    which: WhichReturn,
    decide: impl Fn(Return, &OrderFile) -> Result<Step, Refusal> + Send + Sync,
) -> Reply<Remembered<OrderReturnView>> {
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, which.order, &call.who).await?;
        let before = find(&file, which.returned)?;
        let step = decide(before, &file)?;
        if let Some(view) = write(app, call, step, StatusCode::OK).await? {
            return Ok(Remembered(view));
        }
    }
    Err(Problem::unavailable())
}

/// Writes a step of the buyer; none where somebody else was faster.
pub(crate) async fn write<I: Sync>(
    app: &App,
    call: &Call<OrderReader, I>,
    mut step: Step,
    status: StatusCode,
) -> Reply<Option<OrderReturnView>> {
    let events = said(&mut step, call.now);
    let view = OrderReturnView::from(&step.returned);
    let answer = stored(&Answer::json(status, &view));
    let moved = Move {
        order: &step.order,
        returned: &step.returned,
        restocked: &[],
        written_off: &[],
        events: &events,
        remembered: call.claim.as_ref().map(|claim| (claim, &answer)),
    };
    let saved = app.store.move_return(&moved).await?;
    Ok((saved == Saved::Yes).then_some(view))
}
