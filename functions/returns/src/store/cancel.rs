//! `POST /v1/store/orders/{id}/returns/{return_id}/cancel`: the buyer keeps it after all. Its lines
//! may be asked for again.

use api::reply::Remembered;
use api::view::returns::OrderReturnView;
use api::{OrderReader, Path, Reply};
use runtime::Call;

use crate::App;
use crate::buyer::step;
use crate::desk::WhichReturn;

/// Calls a return off.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, Path<WhichReturn>>,
) -> Reply<Remembered<OrderReturnView>> {
    let Path(which) = call.input;
    step(app, &call, which, |returned, file| returned.cancel(&file.order, &file.returns, call.now))
        .await
}
