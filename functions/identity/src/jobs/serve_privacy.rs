//! Every minute: serves customers who want to know what the shop knows of them, or to be forgotten.
//!
//! A request is a row, not a message: it is found again until it is done, however often somebody
//! dies at it. Each step may be done twice; what says that it is done is written last.

use domain::fault::{Fault, Retry};
use domain::privacy::{Kind, Request, State};
use jiff::Timestamp;
use runtime::Tick;
use store::Saved;

use crate::{App, erasing, exporting};

/// Requests of one run; the next minute takes the next ones.
const AT_ONCE: i32 = 10;

/// Serves who is due.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let mut failed = None;
    for request in app.store.due_requests(tick.now, AT_ONCE).await? {
        let served = match request.kind {
            Kind::Export => exporting::serve(app, &request, tick.now).await,
            Kind::Erasure => erasing::serve(app, &request, tick.now).await,
        };
        if let Err(fault) = served {
            postpone(app, &request, tick.now).await?;
            failed = Some(fault);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Who can not be served stands in nobody's way: it is tried again later, and later each time.
async fn postpone(app: &App, request: &Request, now: Timestamp) -> Result<(), Fault> {
    let at = app.store.privacy_request(request.customer, request.kind).await?;
    let Some(at) = at.filter(|at| at.id == request.id && at.state == State::Open) else {
        return Ok(());
    };
    tracing::warn!(
        op = "identity.jobs.serve_privacy", request_id = %at.id, tries = at.tries,
        "a request about somebody's data could not be served yet"
    );
    app.store.move_request(&at, &at.failed(now), &[]).await.map(drop)
}

/// Moves a request on; a fault where somebody else did, or our own answer was lost: the next try
/// finds out.
pub(crate) async fn step(
    app: &App,
    before: &Request,
    after: Request,
    events: &[domain::event::Event],
) -> Result<Request, Fault> {
    match app.store.move_request(before, &after, events).await? {
        Saved::Yes => Ok(after),
        Saved::Raced => Err(raced()),
    }
}

/// Somebody else changed the same thing at the same time.
pub(crate) fn raced() -> Fault {
    Fault::noticed("serve a request that somebody else serves, too", Retry::Helps)
}
