//! The stream of accounts: tells the staff's index which customers to look at again. The stream
//! shows keys alone; nothing personal leaves the table by it.

use std::collections::BTreeSet;

use domain::fault::Fault;
use domain::id::CustomerId;
use queue::Name;
use runtime::{Changed, Records};
use snapshots::Task;
use store::search::changed_customer;

use crate::App;

/// Tells the index of a batch of changes, in one message.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    task(&records.changes).tell(app.queues()?, Name::SearchCustomers).await
}

/// The customers of these changes, each once.
fn task(changes: &[Changed]) -> Task<CustomerId> {
    let ids: BTreeSet<CustomerId> =
        changes.iter().filter_map(|changed| changed_customer(&changed.keys)).collect();
    let last = changes.last().map(|changed| changed.sequence.clone());
    Task::of(ids.into_iter().collect(), last.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_without_accounts_asks_for_nothing() {
        let keys = runtime::job::Image::new();
        let changed = Changed { sequence: "1".into(), keys, before: None, after: None };
        assert!(task(&[changed]).is_empty());
    }
}
