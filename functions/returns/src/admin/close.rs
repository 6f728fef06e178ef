//! `POST /v1/admin/orders/{id}/returns/{return_id}/close`: the buyer gets nothing for it, because
//! it never came or something else did, and is told why.

use api::form::Text;
use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, Fields, Form, Path, Reply, Versioned};
use domain::returns::{NOTE_CHARS_MAX, Resolution};
use runtime::Call;

use crate::App;
use crate::desk::{Clerk, Seen, step};

/// Why.
#[derive(Debug)]
pub struct Why {
    reason: String,
}

impl Form for Why {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let reason = fields.required("reason", Text::between(1, NOTE_CHARS_MAX));
        Some(Self { reason: reason? })
    }
}

/// Settles it with nothing.
pub async fn handle(
    app: &App,
    call: Call<Clerk, Seen<Why>>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, Body(Why { reason }))) = &call.input;
    step(app, &call, (*which, *seen), "return.close", |returned, file| {
        let resolution = Resolution::None { reason: reason.clone() };
        returned.resolve(&file.order, &file.returns, resolution, call.now)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_gets_nothing_without_a_reason() {
        assert_eq!(flaws_of::<Why>(&json!({"reason": "Nothing came"})), []);
        assert_eq!(flaws_of::<Why>(&json!({})), [("/reason".to_owned(), "required")]);
    }
}
