//! What the endpoints for staff share: which dispute, and what the audit log is told.

use api::form::{Fields, Form, dispute_id, order_id};
use api::{Problem, Reply, Staff};
use domain::audit::changes;
use domain::dispute::Dispute;
use domain::event::Event;
use domain::id::{DisputeId, OrderId};
use runtime::Call;
use serde_json::Value;
use store::order::OrderFile;

use crate::App;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const RACES_MAX: usize = 12;

/// Which dispute of which order.
#[derive(Debug, Clone, Copy)]
pub struct WhichDispute {
    pub(crate) id: OrderId,
    pub(crate) dispute_id: DisputeId,
}

impl Form for WhichDispute {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", order_id());
        let dispute_id = fields.required("dispute_id", dispute_id());
        Some(Self { id: id?, dispute_id: dispute_id? })
    }
}

/// An order with all that lies with it.
pub(crate) async fn load(app: &App, id: OrderId) -> Reply<OrderFile> {
    app.store.order(id).await?.ok_or_else(Problem::not_found)
}

/// A dispute and its order.
pub(crate) async fn disputed(app: &App, which: WhichDispute) -> Reply<(OrderFile, Dispute)> {
    let file = load(app, which.id).await?;
    let found = file.disputes.iter().find(|dispute| dispute.id == which.dispute_id).cloned();
    let dispute = found.ok_or_else(Problem::not_found)?;
    Ok((file, dispute))
}

/// An entry of the audit log: what was done to which thing, from one state to another.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: impl std::fmt::Display,
    (before, after): &(Value, Value),
) -> Reply<Event> {
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let (object, changed) = (Some(object.to_string()), changes(before, after));
    Ok(doors.audit(&call.request, call.who.actor(), action, object, changed))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dispute_is_named_with_its_order() {
        let order = "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let dispute = "dp_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        assert_eq!(flaws_of::<WhichDispute>(&json!({"id": order, "dispute_id": dispute})), []);
        let wrong = flaws_of::<WhichDispute>(&json!({"id": order, "dispute_id": order}));
        assert_eq!(wrong, [("/dispute_id".to_owned(), "malformed_id")]);
    }
}
