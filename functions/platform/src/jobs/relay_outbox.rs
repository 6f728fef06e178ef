//! The orders table's stream: new rows of the outbox are said at once.

use domain::fault::Fault;
use runtime::Records;
use store::outbox;

use crate::{App, relay};

/// Says new events. A failed batch comes again; what was sent by then is sent again.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    let events =
        records.new_images.into_iter().map(outbox::event).collect::<Result<Vec<_>, _>>()?;
    relay::send(app, events).await
}
