//! `POST /v1/store/orders/{id}/returns`: may this come back? The lines are bound from now on, and
//! nothing is sent before somebody has agreed.

use api::form::OrderPath;
use api::reply::{Created, Remembered};
use api::view::returns::OrderReturnView;
use api::{Body, OrderReader, Path, Problem, Reply};
use domain::id::ReturnId;
use domain::returns::{Asker, Fresh, request};
use http::StatusCode;
use runtime::Call;

use crate::App;
use crate::buyer::{actor, load, write};
use crate::desk::ATTEMPTS_MAX;
use crate::wanted::NewReturn;

/// Asks whether goods may come back.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, (Path<OrderPath>, Body<NewReturn>)>,
) -> Reply<Remembered<Created<OrderReturnView>>> {
    let (Path(OrderPath { id }), Body(NewReturn { wanted, wish })) = &call.input;
    let (by, now) = (actor(&call.who), call.now);
    let fresh = Fresh { id: ReturnId::from_ulid(app.ids.ulid(now)), by, now };
    let asker = Asker::Buyer { days: app.store.shop().await?.value.return_policy.days };
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, *id, &call.who).await?;
        let step = request(&file.order, &file.parcels, &file.returns, wanted, asker, fresh)?;
        let step = step.wishing(wish.clone());
        if let Some(view) = write(app, &call, step, StatusCode::CREATED).await? {
            return Ok(Remembered(Created(view)));
        }
    }
    Err(Problem::unavailable())
}
