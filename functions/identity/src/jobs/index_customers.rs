//! The queue of the staff's index of customers: its one writer.

use domain::fault::Fault;
use domain::id::{CustomerId, Ulid};
use queue::Name;
use runtime::Batch;
use search::Entry;
use snapshots::{Portion, Source, Writer};

use crate::App;
use crate::indexed::entry;

/// Accounts of one page of a rebuild: the keys that DynamoDB answers in one batch.
const PAGE: i32 = 100;

/// Indexes what the batch names.
pub async fn handle(app: &App, batch: Batch) -> Result<(), Fault> {
    let queue = Name::SearchCustomers;
    let writer = Writer { index: app.index()?, queues: app.queues()?, queue };
    writer.write(&Customers(app), &batch.messages, batch.now).await
}

/// All customers.
struct Customers<'a>(&'a App);

impl Source for Customers<'_> {
    type Id = CustomerId;

    const IS_PERSONAL: bool = true;

    fn ulid(id: CustomerId) -> Ulid {
        id.ulid()
    }

    async fn entries(&self, ids: &[CustomerId]) -> Result<Vec<Entry>, Fault> {
        Ok(self.0.store.accounts_by_id(ids).await?.iter().map(entry).collect())
    }

    async fn portion(&self, position: Option<&str>) -> Result<Portion, Fault> {
        let page = self.0.store.accounts(PAGE, position).await?;
        Ok(Portion { entries: page.entries.iter().map(entry).collect(), next: page.next })
    }
}
