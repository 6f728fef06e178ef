//! `POST /v1/admin/orders/{id}/returns/{return_id}/refund`: the buyer gets their money for what
//! came back, the way it came. It is a refund like any other, behind the same condition, in one
//! transaction with the return that it settles.

use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, IfMatch, KeyRequired, Path, Problem, Reply, Staff, Versioned};
use domain::permission::grant;
use domain::returns::Resolution;
use runtime::Call;

use crate::App;
use crate::desk::{ATTEMPTS_MAX, WhichReturn, find, load};
use crate::settling::{self, Given, Settling, fresh};

type Input = (Path<WhichReturn>, (IfMatch, (KeyRequired, Body<Given>)));

/// Gives money back for what came back.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRefund>, Input>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, (KeyRequired, Body(given)))) = &call.input;
    let fresh = fresh(app, &call, given.reason.clone());
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, which.order).await?;
        let before = find(&file, which.returned)?;
        seen.check(before.version)?;
        let wanted = before.refund(given.lines.as_deref(), given.shipping)?;
        let (payment, known) = (file.payment(), file.refunds.len());
        let changed = file.order.request_refund(payment, known, &wanted, fresh.clone())?;
        changed.spares(&file.order, &file.refunds)?;
        let (refund, amount) = (changed.refund.id, changed.refund.amount());
        let resolution = Resolution::Refund { refund, amount };
        let settling =
            Settling { file: &file, before: &before, changed, resolution, credited: None };
        if let Some(done) = settling::write(app, &call, settling, "return.refund").await? {
            return Ok(done);
        }
    }
    Err(Problem::unavailable())
}
