//! `POST /v1/admin/orders/{id}/returns`: somebody has called, or a parcel came back by itself.
//! Staff ask in the buyer's name, whatever the time; it waits to be approved like any other.

use api::form::OrderPath;
use api::reply::{CreatedVersion, Remembered};
use api::view::returns::ReturnView;
use api::{Body, Path, Problem, Reply};
use domain::id::ReturnId;
use domain::returns::{Asker, Fresh, request};
use runtime::Call;

use crate::App;
use crate::desk::{ATTEMPTS_MAX, Clerk, load, write};
use crate::wanted::NewReturn;

/// Asks for a return.
pub async fn handle(
    app: &App,
    call: Call<Clerk, (Path<OrderPath>, Body<NewReturn>)>,
) -> Reply<Remembered<CreatedVersion<ReturnView>>> {
    let (Path(OrderPath { id }), Body(NewReturn { wanted, wish })) = &call.input;
    let (by, now) = (call.who.actor(), call.now);
    let fresh = Fresh { id: ReturnId::from_ulid(app.ids.ulid(now)), by, now };
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, *id).await?;
        let (order, parcels, returns) = (&file.order, &file.parcels, &file.returns);
        let step = request(order, parcels, returns, wanted, Asker::Staff, fresh)?;
        let step = step.wishing(wish.clone());
        if let Some(view) = write(app, &call, None, step, "return.create").await? {
            let version = view.version;
            return Ok(Remembered(CreatedVersion(view, version)));
        }
    }
    Err(Problem::unavailable())
}
