//! `POST /v1/admin/orders/{id}/returns/{return_id}/approve`: the buyer may send it, for thirty
//! days, and is told how.

use api::form::{Nested, Parsed, Text};
use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, Fields, Form, Path, Reply, Versioned};
use domain::address::Address;
use domain::returns::{Approval, INSTRUCTIONS_CHARS_MAX, URL_CHARS_MAX};
use runtime::Call;

use crate::App;
use crate::desk::{Clerk, Seen, step};

/// What the buyer is told.
#[derive(Debug)]
pub struct Told {
    instructions: Option<String>,
    label_url: Option<String>,
    address: Option<Address>,
}

/// An address that a letter may lead to: encrypted, without a user, of plain characters.
fn link(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = host.contains('.') && !host.contains('@');
    let is_plain = rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>\\`{}|^".contains(&b));
    (is_host && is_plain).then(|| text.to_owned())
}

impl Form for Told {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let instructions =
            fields.optional("instructions", Text::between(1, INSTRUCTIONS_CHARS_MAX));
        let url = Parsed::by(link, "an address that begins with https://", URL_CHARS_MAX)
            .pattern("^https://[^\\s\"'<>\\\\`{}|^@/]+\\.[^\\s\"'<>\\\\`{}|^]+$");
        let label_url = fields.optional("label_url", url);
        let address = fields.optional("address", Nested::form());
        Some(Self { instructions: instructions?, label_url: label_url?, address: address? })
    }
}

/// Lets the buyer send it.
pub async fn handle(
    app: &App,
    call: Call<Clerk, Seen<Told>>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, Body(Told { instructions, label_url, address }))) = &call.input;
    let approval = Approval {
        instructions: instructions.clone(),
        label_url: label_url.clone(),
        address: address.clone(),
        by: call.who.actor(),
        at: call.now,
    };
    step(app, &call, (*which, *seen), "return.approve", |returned, file| {
        returned.approve(&file.order, &file.returns, approval.clone())
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_approves_may_say_nothing_or_all() {
        assert_eq!(flaws_of::<Told>(&json!({})), []);
        let address = json!({"name": "Shop", "line1": "Way 1", "city": "Bonn",
            "postal_code": "53111", "country": "DE"});
        let told = json!({"instructions": "Pack it well.", "address": address,
            "label_url": "https://labels.example/1"});
        assert_eq!(flaws_of::<Told>(&told), []);
        for wrong in ["http://labels.example/1", "javascript:alert(1)", "https://localhost/"] {
            let flaws = flaws_of::<Told>(&json!({"label_url": wrong}));
            assert_eq!(flaws, [("/label_url".to_owned(), "malformed")], "{wrong}");
        }
    }
}
