//! `POST /v1/admin/inventory/transfers/{id}/cancel`: it does not happen. What is on its way comes
//! back whole; once something has arrived, it is received to its end instead.

use api::reply::{Created, Remembered};
use api::view::inventory::TransferView;
use api::{KeyRequired, Path, Reply};
use domain::movement::Kind;
use runtime::Call;

use crate::App;
use crate::transfer::{Mover, Step, step};
use crate::which::WhichTransfer;

/// Calls a transfer off.
pub async fn handle(
    app: &App,
    call: Call<Mover, (Path<WhichTransfer>, KeyRequired)>,
) -> Reply<Remembered<Created<TransferView>>> {
    let (Path(WhichTransfer { id }), KeyRequired) = call.input;
    step(app, &call, id, "transfer.cancel", |transfer| {
        let location = transfer.from;
        let (transfer, had_left) = transfer.cancel(call.now)?;
        let units = transfer.units().into_iter().filter(|_| had_left);
        let units = units.map(|(sku, units)| (sku, i64::from(units))).collect();
        Ok(Step { transfer, location, kind: Kind::TransferredIn, units })
    })
    .await
}
