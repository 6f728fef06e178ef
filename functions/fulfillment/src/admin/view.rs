//! `GET /v1/admin/orders/{id}/fulfillments/{fulfillment_id}`: one parcel, with the tag that it is
//! moved by.

use api::view::fulfillment::FulfillmentView;
use api::{Path, Reply, Staff, Versioned};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::parcel::{WhichParcel, load_parcel};

/// Shows a parcel.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<WhichParcel>>,
) -> Reply<Versioned<FulfillmentView>> {
    let Path(which) = call.input;
    let (_, parcel) = load_parcel(app, which).await?;
    Ok(Versioned(FulfillmentView::from(&parcel), parcel.version))
}
