//! `POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/lost`: it left and arrived nowhere.
//! Its units went out all the same; what the buyer gets instead, money or another parcel, is
//! another decision.

use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{IfMatch, Path, Reply, Versioned};
use domain::fulfillment::Status;
use runtime::Call;

use crate::App;
use crate::parcel::{Packer, WhichParcel, step};

/// Says that a parcel is lost.
pub async fn handle(
    app: &App,
    call: Call<Packer, (Path<WhichParcel>, IfMatch)>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), seen) = call.input;
    step(app, &call, (which, seen), "fulfillment.lost", |parcel, order| {
        parcel.fail(order, Status::Lost, call.now)
    })
    .await
}
