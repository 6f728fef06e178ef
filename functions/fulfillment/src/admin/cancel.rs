//! `POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/cancel`: it is called off before it
//! left. Its units stay reserved for their order and can go into another parcel.

use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{IfMatch, Path, Reply, Versioned};
use runtime::Call;

use crate::App;
use crate::parcel::{Packer, WhichParcel, step};

/// Calls a parcel off.
pub async fn handle(
    app: &App,
    call: Call<Packer, (Path<WhichParcel>, IfMatch)>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), seen) = call.input;
    step(app, &call, (which, seen), "fulfillment.cancel", |parcel, order| {
        parcel.cancel(order, call.now)
    })
    .await
}
