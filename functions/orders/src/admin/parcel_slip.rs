//! `GET /v1/admin/orders/{id}/packing_slips/{fulfillment_id}`: the slip that lies in this parcel,
//! as a PDF, made at once. It says what is in this one; what was called off has none.

use api::form::{fulfillment_id, order_id};
use api::reply::File;
use api::{Fields, Form, Path, Problem, Reply, Staff};
use domain::fulfillment::Status;
use domain::id::{FulfillmentId, OrderId};
use domain::invoice::locale_of;
use domain::paper::picking;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::load;

/// Which parcel of which order.
#[derive(Debug)]
pub struct WhichParcel {
    order: OrderId,
    parcel: FulfillmentId,
}

impl Form for WhichParcel {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let order = fields.required("id", order_id());
        let parcel = fields.required("fulfillment_id", fulfillment_id());
        Some(Self { order: order?, parcel: parcel? })
    }
}

/// Makes the slip.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<WhichParcel>>,
) -> Reply<File> {
    let Path(WhichParcel { order, parcel }) = &call.input;
    let file = load(app, *order).await?;
    let parcel = file.parcels.iter().find(|one| one.id == *parcel);
    let parcel = parcel.filter(|one| one.status != Status::Canceled);
    let parcel = parcel.ok_or_else(Problem::not_found)?;
    let shop = app.store.shop().await?.value;
    let locale = locale_of(&file.order, &shop);
    let slip = picking::parcel_slip(&file.order, parcel, &shop, &locale, call.now);
    Ok(File {
        name: format!("packing-slip-{}-{}.pdf", file.order.number, parcel.id),
        media_type: documents::MEDIA_TYPE,
        bytes: documents::pdf(&[slip])?,
    })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parcel_is_named_with_its_order() {
        let order = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let parcel = "ful_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert_eq!(flaws_of::<WhichParcel>(&json!({"id": order, "fulfillment_id": parcel})), []);
        let wrong = flaws_of::<WhichParcel>(&json!({"id": order, "fulfillment_id": order}));
        assert_eq!(wrong, [("/fulfillment_id".to_owned(), "malformed_id")]);
    }
}
