//! `GET /v1/admin/orders/{id}/packing_slip`: the slip that lies in the parcel, as a PDF, made at
//! once.

use api::form::OrderPath;
use api::reply::File;
use api::{Path, Problem, Reply, Staff};
use domain::invoice::locale_of;
use domain::paper::picking;
use domain::permission::grant;
use runtime::Call;

use crate::{App, papers};

/// Makes the slip.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<File> {
    let orders = papers::orders(app, &[call.input.0.id]).await?;
    let order = orders.first().ok_or_else(Problem::not_found)?;
    let shop = app.store.shop().await?.value;
    let slip = picking::packing_slip(order, &shop, &locale_of(order, &shop), call.now);
    Ok(File {
        name: format!("packing-slip-{}.pdf", order.number),
        media_type: documents::MEDIA_TYPE,
        bytes: documents::pdf(&[slip])?,
    })
}
