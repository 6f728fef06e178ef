//! An order and its file, for a caller who may see it.

use api::{OrderReader, Problem, Reply};
use domain::id::OrderId;
use jiff::Timestamp;
use store::order::OrderFile;

use crate::App;

/// The caller's order; somebody else's is not there.
pub(crate) async fn load(app: &App, id: OrderId, who: &OrderReader) -> Reply<OrderFile> {
    let file = app.store.order(id).await?.filter(|file| who.may_read(&file.order));
    file.ok_or_else(Problem::not_found)
}

/// The order, for whoever only looks at it: for its readers, and for the holder of a link that was
/// mailed to its buyer.
pub(crate) async fn load_to_show(
    app: &App,
    id: OrderId,
    who: &OrderReader,
    now: Timestamp,
) -> Reply<OrderFile> {
    let file = app.store.order(id).await?.ok_or_else(Problem::not_found)?;
    if who.may_read(&file.order) {
        return Ok(file);
    }
    let Some(hash) = who.order_hash() else { return Err(Problem::not_found()) };
    let is_shown = app.store.link_shows(hash, &file.order, now).await?;
    if is_shown { Ok(file) } else { Err(Problem::not_found()) }
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
