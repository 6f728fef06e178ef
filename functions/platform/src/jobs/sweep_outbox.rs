//! Every minute: what stayed unsaid, because a stream's record was lost or its retries ran out, is
//! said again.

use domain::fault::Fault;
use jiff::Timestamp;
use runtime::Tick;
use store::outbox::SHARDS;

use crate::{App, relay};

/// Says old events. A shard that fails does not keep the others waiting.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let mut results = Vec::new();
    for shard in 0..SHARDS {
        results.push(sweep(app, shard, tick.now).await);
    }
    first_fault(results)
}

async fn sweep(app: &App, shard: u8, now: Timestamp) -> Result<(), Fault> {
    let events = app.store.unsent(shard, now).await?;
    if events.is_empty() {
        return Ok(());
    }
    tracing::warn!(shard, events = events.len(), "the outbox held events for too long");
    relay::send(app, events).await
}

/// The first of the faults is the beat's; the next minute meets the others again.
fn first_fault(results: Vec<Result<(), Fault>>) -> Result<(), Fault> {
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use domain::fault::Retry;

    use super::*;

    #[test]
    fn a_beat_fails_with_its_first_fault_after_all_shards_were_tried() {
        let fault = |tried: &str| Err(Fault::noticed(tried.to_owned(), Retry::Helps));
        let results = vec![Ok(()), fault("say shard 1"), Ok(()), fault("say shard 3")];
        assert!(first_fault(results).unwrap_err().to_string().contains("shard 1"));
        assert!(first_fault(vec![Ok(()), Ok(())]).is_ok());
    }
}
