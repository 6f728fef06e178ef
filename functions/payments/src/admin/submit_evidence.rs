//! `POST /v1/admin/orders/{id}/disputes/{dispute_id}/submit`: answers a dispute with evidence,
//! which a bank takes once. What is written here stands in place of what the order says for itself;
//! the rest is said as the order has it. A queue tells the provider.

use api::form::Text;
use api::reply::Remembered;
use api::view::dispute::DisputeView;
use api::{Body, Fields, Form, Path, Reply, Staff};
use domain::dispute::evidence::OWN_CHARS_MAX;
use domain::dispute::{AnswerKind, Evidence};
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::answer::decide;
use crate::desk::WhichDispute;

/// What staff write in their own words.
#[derive(Debug)]
pub struct Own(Evidence);

impl Form for Own {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let mut own = Evidence::default();
        let mut is_good = true;
        for name in Evidence::FIELDS {
            let text = fields.optional(name, Text::lines(OWN_CHARS_MAX));
            is_good &= text.is_some();
            if let (Some(text), Some(field)) = (text, own.field(name)) {
                *field = text.filter(|text| !text.is_empty());
            }
        }
        is_good.then_some(Self(own))
    }
}

/// Answers with evidence.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRefund>, (Path<WhichDispute>, Body<Own>)>,
) -> Reply<Remembered<DisputeView>> {
    let (Path(which), Body(Own(own))) = &call.input;
    decide(app, &call, *which, "dispute.submit", (AnswerKind::Evidence, own)).await
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_may_be_written_and_none_has_to_be() {
        assert_eq!(flaws_of::<Own>(&json!({})), []);
        let some = json!({"customer_name": "Jane Roe", "uncategorized_text": "One\nTwo"});
        assert_eq!(flaws_of::<Own>(&some), []);
        let wrong = json!({"shipping_date": 7, "tracking": "x"});
        let wanted = [
            ("/shipping_date".to_owned(), "wrong_type"),
            ("/tracking".to_owned(), "unknown_field"),
        ];
        assert_eq!(flaws_of::<Own>(&wrong), wanted);
    }
}
