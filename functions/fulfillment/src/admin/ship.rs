//! `POST /v1/admin/orders/{id}/fulfillments/{fulfillment_id}/ship`: it leaves, and its units leave
//! the stock. The buyer is told. What is not said of the carrier is what the parcel's label says.

use api::form::{Parsed, Text};
use api::reply::Remembered;
use api::view::fulfillment::FulfillmentView;
use api::{Body, Fields, Form, IfMatch, KeyRequired, Path, Reply, Versioned};
use domain::fulfillment::{CARRIER_CHARS_MAX, Carriage, TRACKING_CHARS_MAX, URL_CHARS_MAX};
use runtime::Call;

use crate::App;
use crate::parcel::{Packer, WhichParcel, step};

/// Who carries it.
#[derive(Debug)]
pub struct Departure(Carriage);

/// An address that a letter may lead to: encrypted, without a user, of plain characters.
fn address(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = host.contains('.') && !host.contains('@');
    let is_plain = rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\`{}|^".contains(&b));
    (is_host && is_plain).then(|| text.to_owned())
}

impl Form for Departure {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let carrier = fields.optional("carrier", Text::between(1, CARRIER_CHARS_MAX));
        let number = fields.optional("tracking_number", Text::between(1, TRACKING_CHARS_MAX));
        let url = Parsed::by(address, "an address that begins with https://", URL_CHARS_MAX)
            .pattern("^https://[^\\s\"'<>\\\\`{}|^@/]+\\.[^\\s\"'<>\\\\`{}|^]+$");
        let url = fields.optional("tracking_url", url);
        Some(Self(Carriage { carrier: carrier?, tracking_number: number?, tracking_url: url? }))
    }
}

type Given = (Path<WhichParcel>, (IfMatch, (KeyRequired, Body<Departure>)));

/// Sends a parcel on its way.
pub async fn handle(
    app: &App,
    call: Call<Packer, Given>,
) -> Reply<Remembered<Versioned<FulfillmentView>>> {
    let (Path(which), (seen, (KeyRequired, Body(Departure(carriage))))) = &call.input;
    step(app, &call, (*which, *seen), "fulfillment.ship", |parcel, order| {
        parcel.ship(order, carriage.clone(), call.now)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parcel_may_leave_without_a_tracking_number() {
        assert_eq!(flaws_of::<Departure>(&json!({})), []);
        let said = json!({"carrier": "DHL", "tracking_number": "00340434161094042557",
            "tracking_url": "https://www.dhl.example/follow?piececode=003404"});
        assert_eq!(flaws_of::<Departure>(&said), []);
    }

    #[test]
    fn a_letter_leads_nowhere_else() {
        for wrong in [
            "http://dhl.example/1",
            "javascript:alert(1)",
            "https://",
            "https://localhost/1",
            "https://jane@dhl.example/1",
            "https://dhl.example/\"onclick",
            "https://dhl.example/a b",
        ] {
            let flaws = flaws_of::<Departure>(&json!({"tracking_url": wrong}));
            assert_eq!(flaws, [("/tracking_url".to_owned(), "malformed")], "{wrong}");
        }
    }
}
