//! `POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/pack`: it is packed and waits for
//! the carrier.

use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{IfMatch, Path, Reply, Versioned};
use runtime::Call;

use crate::App;
use crate::parcel::{Packer, WhichParcel, step};

/// Says that a parcel is packed.
pub async fn handle(
    app: &App,
    call: Call<Packer, (Path<WhichParcel>, IfMatch)>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), seen) = call.input;
    step(app, &call, (which, seen), "fulfillment.pack", |parcel, order| {
        parcel.pack(order, call.now)
    })
    .await
}
