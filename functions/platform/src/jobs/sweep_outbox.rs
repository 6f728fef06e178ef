//! Every minute: what stayed unsaid, because a stream's record was lost or its retries ran out, is
//! said again.

use domain::fault::Fault;
use runtime::Tick;
use store::outbox::SHARDS;

use crate::{App, relay};

/// Says old events.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    for shard in 0..SHARDS {
        let events = app.store.unsent(shard, tick.now).await?;
        if events.is_empty() {
            continue;
        }
        tracing::warn!(shard, events = events.len(), "the outbox held events for too long");
        relay::send(app, events).await?;
    }
    Ok(())
}
