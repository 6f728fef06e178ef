//! The orders' stream: tells the staff's index which orders to look at again. It needs nothing but
//! their keys, and says nothing else.

use std::collections::BTreeSet;

use domain::fault::Fault;
use domain::id::OrderId;
use queue::Name;
use runtime::{Changed, Records};
use snapshots::Task;
use store::search::changed_order;

use crate::App;

/// Tells the index of a batch of changes, in one message.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    task(&records.changes).tell(app.queues()?, Name::SearchOrders).await
}

/// The orders of these changes, each once.
fn task(changes: &[Changed]) -> Task<OrderId> {
    let ids: BTreeSet<OrderId> =
        changes.iter().filter_map(|changed| changed_order(&changed.keys)).collect();
    let last = changes.last().map(|changed| changed.sequence.clone());
    Task::of(ids.into_iter().collect(), last.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use domain::id::Ulid;

    use super::*;

    fn changed(pk: String, sk: &str, sequence: &str) -> Changed {
        let keys = [("pk", pk), ("sk", sk.to_owned())];
        let keys = keys.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
        let keys = keys.into_iter().collect();
        Changed { sequence: sequence.to_owned(), keys, before: None, after: None }
    }

    #[test]
    fn a_batch_becomes_one_task_with_the_name_of_its_last_change() {
        let id = OrderId::from_ulid(Ulid(7));
        let changes = [
            changed(format!("ORD#{id}"), "META", "1"),
            changed(format!("ORD#{id}"), "META", "2"),
            changed("OBX#3".to_owned(), "evt_x", "3"),
        ];
        let task = task(&changes);
        assert_eq!((task.ids.as_slice(), task.change.as_str()), ([id].as_slice(), "3"));
        assert!(super::task(&changes[2..]).is_empty());
    }
}
