//! `DELETE /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/label`: the label of a parcel that
//! has not left is given back. The carriers look whether it was used; the money follows in days.
//!
//! What was chosen and never heard of again is given back, too, if it was bought. Asked a second
//! time, the carriers say how far the first time is: nothing is given back twice.

use std::sync::Arc;

use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{IfMatch, Path, Problem, Reply, Versioned};
use carrier::Carrier;
use domain::carrier::Voided;
use domain::fulfillment::{Fulfillment, Refusal};
use runtime::Call;

use super::buy_label::no_account;
use crate::App;
use crate::parcel::{Packer, WhichParcel, load_parcel, step};

/// Gives a label back.
pub async fn handle(
    app: &App,
    call: Call<Packer, (Path<WhichParcel>, IfMatch)>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), seen) = call.input;
    let (order, parcel) = load_parcel(app, which).await?;
    seen.check(parcel.version)?;
    // What the machine refuses is refused before anybody is asked.
    parcel.clone().give_label_back(&order, call.now)?;
    let post = app.post.as_ref().ok_or_else(Problem::internal)?;
    let carrier = post.carrier(call.now).await?.ok_or_else(no_account)?;
    give_back(&carrier, &parcel).await?;
    step(app, &call, (which, seen), "fulfillment.void_label", |parcel, order| {
        parcel.give_label_back(order, call.now)
    })
    .await
}

async fn give_back(carrier: &Arc<Carrier>, parcel: &Fulfillment) -> Reply<()> {
    let postage = parcel.postage.as_ref().ok_or(Refusal::NoLabel)?;
    if parcel.choice().is_some() && carrier.label(&postage.parcel).await?.is_none() {
        return Ok(());
    }
    match carrier.void(&postage.parcel).await? {
        Voided::Submitted | Voided::Refunded => Ok(()),
        Voided::Rejected => {
            let detail = "The carriers keep the money: the label was used, or is too old.";
            Err(Problem::conflict("label_kept", detail))
        }
    }
}
