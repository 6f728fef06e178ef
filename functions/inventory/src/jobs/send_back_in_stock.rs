//! Every minute: who waited for what is back gets the one letter. Some of them at a time; who is
//! told and who waits no more is one transaction, so that nobody is told twice.

use api::seal::Sealer;
use domain::event::{Event, Fact, Letter, Message};
use domain::fault::{Fault, Retry};
use domain::id::{EventId, MessageId};
use jiff::Timestamp;
use runtime::Tick;
use store::subscription::Subscription;

use crate::App;

/// What the way out of a letter is sealed for.
pub(crate) const PURPOSE: &str = "back_in_stock";
/// SKUs that one beat looks at.
const SKUS_MAX: i32 = 20;
/// People that one beat tells of one SKU; the next one goes on.
const TOLD_MAX: i32 = 50;

/// Tells who waited.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let queued = app.store.queued_back(SKUS_MAX).await?;
    if queued.is_empty() {
        return Ok(());
    }
    let missing = || Fault::noticed("seal a way out without a key", Retry::Useless);
    let guard = app.doors.as_ref().ok_or_else(missing)?.guard(tick.now).await?;
    for sku in queued {
        let waiting = app.store.waiting(&sku, TOLD_MAX).await?;
        for subscription in &waiting {
            let letter = letter(app, subscription, &guard.sealer, tick.now);
            // Raced: somebody has told them, or they wait no more.
            app.store.tell_back(subscription, &letter).await?;
        }
        if waiting.len() < usize::try_from(TOLD_MAX).unwrap_or(usize::MAX) {
            app.store.unqueue_back(&sku).await?;
        }
        let told = waiting.len();
        tracing::info!(op = "inventory.jobs.send_back_in_stock", %sku, told, "told who waited");
    }
    Ok(())
}

fn letter(app: &App, subscription: &Subscription, sealer: &Sealer, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let letter = Letter::BackInStock {
        title: subscription.title.clone(),
        slug: subscription.slug.clone(),
        token: sealer.wrap(PURPOSE, &subscription.holder()),
    };
    let (id, to) = (MessageId::from_ulid(ulid), subscription.email.clone());
    let fact = Fact::MessageRequested { message: Message { id, to, letter } };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}
