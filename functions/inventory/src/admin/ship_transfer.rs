//! `POST /v1/admin/inventory/transfers/{id}/ship`: it leaves. Units that are promised to orders, or
//! not there, do not leave with it: all of it leaves, or nothing.

use api::reply::{Created, Remembered};
use api::view::inventory::TransferView;
use api::{KeyRequired, Path, Reply};
use domain::movement::Kind;
use runtime::Call;

use crate::App;
use crate::transfer::{Mover, Step, step};
use crate::which::WhichTransfer;

/// Sends a transfer on its way.
pub async fn handle(
    app: &App,
    call: Call<Mover, (Path<WhichTransfer>, KeyRequired)>,
) -> Reply<Remembered<Created<TransferView>>> {
    let (Path(WhichTransfer { id }), KeyRequired) = call.input;
    step(app, &call, id, "transfer.ship", |transfer| {
        let units = transfer.units().into_iter().map(|(sku, units)| (sku, -i64::from(units)));
        let units = units.collect();
        let location = transfer.from;
        let transfer = transfer.ship(call.now)?;
        Ok(Step { transfer, location, kind: Kind::TransferredOut, units })
    })
    .await
}
