//! The order of a path, and its file for a caller who may see it.

use api::form::{Fields, Form, order_id};
use api::{OrderReader, Problem, Reply};
use domain::id::OrderId;
use store::order::OrderFile;

use crate::App;

/// Which order.
#[derive(Debug)]
pub struct Which {
    pub(crate) id: OrderId,
}

impl Form for Which {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", order_id());
        Some(Self { id: id? })
    }
}

/// The caller's order; somebody else's is not there.
pub(crate) async fn load(app: &App, id: OrderId, who: &OrderReader) -> Reply<OrderFile> {
    let file = app.store.order(id).await?.filter(|file| who.may_read(&file.order));
    file.ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use api::form::read_value;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_is_named_by_a_well_formed_id() {
        let reads =
            |id: &str| read_value::<Which>(&json!({"id": id}), "/path", &mut Vec::new()).is_some();
        assert!(reads("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert!(!reads("") && !reads("cart_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    }
}
