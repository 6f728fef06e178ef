//! `POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/returned`: it left and came back.
//! What is in it is looked at before it is counted in again; what the buyer gets is another
//! decision.

use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{IfMatch, Path, Reply, Versioned};
use domain::fulfillment::Status;
use runtime::Call;

use crate::App;
use crate::parcel::{Packer, WhichParcel, step};

/// Says that a parcel came back.
pub async fn handle(
    app: &App,
    call: Call<Packer, (Path<WhichParcel>, IfMatch)>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), seen) = call.input;
    step(app, &call, (which, seen), "fulfillment.returned", |parcel, order| {
        parcel.fail(order, Status::ReturnedToSender, call.now)
    })
    .await
}
