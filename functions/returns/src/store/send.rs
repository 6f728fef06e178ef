//! `POST /v1/store/orders/{id}/returns/{return_id}/send`: the buyer has sent it. Nobody has to say
//! so; who does not is believed when it comes.

use api::form::Text;
use api::reply::Remembered;
use api::view::returns::OrderReturnView;
use api::{Body, Fields, Form, OrderReader, Path, Reply};
use domain::fulfillment::{CARRIER_CHARS_MAX, Carriage, TRACKING_CHARS_MAX};
use runtime::Call;

use crate::App;
use crate::buyer::step;
use crate::desk::WhichReturn;

/// Who carries it.
#[derive(Debug)]
pub struct Departure(Carriage);

impl Form for Departure {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let carrier = fields.optional("carrier", Text::between(1, CARRIER_CHARS_MAX));
        let number = fields.optional("tracking_number", Text::between(1, TRACKING_CHARS_MAX));
        Some(Self(Carriage { carrier: carrier?, tracking_number: number?, tracking_url: None }))
    }
}

/// Says that it was sent.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, (Path<WhichReturn>, Body<Departure>)>,
) -> Reply<Remembered<OrderReturnView>> {
    let (Path(which), Body(Departure(carriage))) = &call.input;
    step(app, &call, *which, |returned, file| {
        returned.send(&file.order, &file.returns, carriage.clone(), call.now)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parcel_may_come_back_without_a_tracking_number() {
        assert_eq!(flaws_of::<Departure>(&json!({})), []);
        let said = json!({"carrier": "DHL", "tracking_number": "00340434161094042557"});
        assert_eq!(flaws_of::<Departure>(&said), []);
        let flaws = flaws_of::<Departure>(&json!({"carrier": ""}));
        assert_eq!(flaws, [("/carrier".to_owned(), "too_short")]);
    }
}
