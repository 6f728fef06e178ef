//! `POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/deliver`: it has arrived. Where a
//! carrier reports that by itself, nobody needs to.

use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{IfMatch, Path, Reply, Versioned};
use runtime::Call;

use crate::App;
use crate::parcel::{Packer, WhichParcel, step};

/// Says that a parcel has arrived.
pub async fn handle(
    app: &App,
    call: Call<Packer, (Path<WhichParcel>, IfMatch)>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), seen) = call.input;
    step(app, &call, (which, seen), "fulfillment.deliver", |parcel, order| {
        parcel.deliver(order, call.now)
    })
    .await
}
