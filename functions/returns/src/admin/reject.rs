//! `POST /v1/admin/orders/{id}/returns/{return_id}/reject`: it stays with the buyer, who is told
//! why.

use api::form::Text;
use api::reply::Remembered;
use api::view::returns::ReturnView;
use api::{Body, Fields, Form, Path, Reply, Versioned};
use domain::returns::NOTE_CHARS_MAX;
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

/// Does not let the buyer send it.
pub async fn handle(
    app: &App,
    call: Call<Clerk, Seen<Why>>,
) -> Reply<Remembered<Versioned<ReturnView>>> {
    let (Path(which), (seen, Body(Why { reason }))) = &call.input;
    step(app, &call, (*which, *seen), "return.reject", |returned, file| {
        returned.reject(&file.order, &file.returns, reason.clone(), call.now)
    })
    .await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_is_sent_away_without_a_reason() {
        assert_eq!(flaws_of::<Why>(&json!({"reason": "Worn"})), []);
        assert_eq!(flaws_of::<Why>(&json!({})), [("/reason".to_owned(), "required")]);
    }
}
