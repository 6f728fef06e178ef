//! Every minute: what is due to be brought is said to the queue. That is how a try is repeated, how
//! a message that was lost is made good, and how a lease that lapsed is taken up.

use domain::fault::Fault;
use queue::Name;
use runtime::Tick;

use crate::App;
use crate::errand::Errand;

/// Deliveries that one beat sends word of; what is left is due a minute later, too.
const BEAT_MAX: i32 = 200;

/// Sends word of what is due. Whoever is told twice finds it leased or done.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let due = app.store.due_deliveries(tick.now, BEAT_MAX).await?;
    if due.is_empty() {
        return Ok(());
    }
    let errands = due
        .into_iter()
        .map(|(endpoint, event)| Errand { endpoint, event }.write())
        .collect::<Result<Vec<_>, _>>()?;
    app.queues.send_all(Name::WebhookDeliveries, &errands).await.map(drop)
}
