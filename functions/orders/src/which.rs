//! An order and its file, for a caller who may see it.

use api::{OrderReader, Problem, Reply};
use domain::id::OrderId;
use store::order::OrderFile;

use crate::App;

/// The caller's order; somebody else's is not there.
pub(crate) async fn load(app: &App, id: OrderId, who: &OrderReader) -> Reply<OrderFile> {
    let file = app.store.order(id).await?.filter(|file| who.may_read(&file.order));
    file.ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use api::form::{OrderPath, read_value};
    use serde_json::json;

    #[test]
    fn an_order_is_named_by_a_well_formed_id() {
        let reads = |id: &str| {
            read_value::<OrderPath>(&json!({"id": id}), "/path", &mut Vec::new()).is_some()
        };
        assert!(reads("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert!(!reads("") && !reads("cart_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    }
}
