//! The orders table's stream: new rows of the outbox are said at once.

use domain::fault::Fault;
use runtime::Records;

use crate::{App, relay};

/// Says new events. A failed batch comes again; what was sent by then is sent again. One event that
/// can not be read holds its batch up, and is cut out of it by the stream's own bisecting.
pub async fn handle(app: &App, records: Records) -> Result<(), Fault> {
    relay::send(app, app.store.said(records.new_images).await?).await
}
