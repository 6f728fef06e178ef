//! The queue of the staff's index of orders: its one writer.

use domain::address::Email;
use domain::fault::Fault;
use domain::id::{OrderId, Ulid};
use jiff::Timestamp;
use queue::Name;
use runtime::Batch;
use search::Entry;
use snapshots::{Portion, Source, Writer};

use crate::App;
use crate::indexed::entry;

/// Orders of one page of a rebuild: a large order has 20 KB, and one answer of DynamoDB 1 MB.
const PAGE: i32 = 100;

/// Indexes what the batch names.
pub async fn handle(app: &App, batch: Batch) -> Result<(), Fault> {
    let writer = Writer { index: app.index()?, queues: app.queues()?, queue: Name::SearchOrders };
    writer.write(&Orders { app, now: batch.now }, &batch.messages, batch.now).await
}

/// All orders there are.
struct Orders<'a> {
    app: &'a App,
    now: Timestamp,
}

impl Source for Orders<'_> {
    type Id = OrderId;

    const IS_PERSONAL: bool = true;

    fn is_forgotten(entry: &Entry) -> bool {
        // An order whose buyer was forgotten is known by its address.
        let is_erased = |key: &String| Email::parse(key).is_ok_and(|email| email.is_erased());
        entry.keys.iter().any(is_erased)
    }

    fn ulid(id: OrderId) -> Ulid {
        id.ulid()
    }

    async fn entries(&self, ids: &[OrderId]) -> Result<Vec<Entry>, Fault> {
        Ok(self.app.store.orders_by_id(ids).await?.iter().map(entry).collect())
    }

    async fn portion(&self, position: Option<&str>) -> Result<Portion, Fault> {
        let page = self.app.store.every_order(self.now, PAGE, position).await?;
        Ok(Portion { entries: page.entries.iter().map(entry).collect(), next: page.next })
    }
}
