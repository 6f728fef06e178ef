//! Every minute: drafts whose day has come go into the store, lists are sorted anew where a sale
//! began or ended, collections take in and let go. Carts need none of this: they read prices by the
//! clock.
//!
//! Each step is written under the product's version and follows from the product and the time, so
//! doing it twice does nothing. What a run has no room for is found by the next one.

use domain::audit::{Actor, Entry, changes};
use domain::catalog::collection::{Collection, Pending, memberships};
use domain::catalog::{Product, Status};
use domain::event::{Event, Fact};
use domain::fault::Fault;
use domain::id::{AuditId, EventId, ProductId};
use jiff::Timestamp;
use runtime::Tick;
use serde_json::json;
use store::Saved;
use store::product::{Due, ProductChange, Written};
use store::shelves::Shelves;

use crate::App;

/// Products of one queue that a run takes.
const PRODUCTS_MAX: i32 = 100;
/// Collections that a run takes.
const COLLECTIONS_MAX: i32 = 10;
/// Products that a run looks at for one collection.
const PAGES_MAX: usize = 20;
/// Products of such a page.
const PAGE: i32 = 50;

/// Does what is due.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let now = tick.now;
    let due = app.store.due_products(PRODUCTS_MAX, now).await?;
    let collections = app.store.unfinished_collections(COLLECTIONS_MAX).await?;
    if due.is_empty() && collections.is_empty() {
        return Ok(());
    }
    let shelves = app.store.shelves().await?;
    for (id, what) in due {
        let Some(product) = app.store.product(id).await? else { continue };
        match what {
            Due::Offers => app.store.catch_up(&product, now).await?,
            Due::Time => {
                renew(app, &product, &shelves, now).await?;
            }
        }
    }
    for collection in collections {
        sort_in(app, collection, &shelves, now).await?;
    }
    Ok(())
}

/// Writes a product as it is at this time; none where staff was faster, who wrote it so anyway.
async fn renew(
    app: &App,
    product: &Product,
    shelves: &Shelves,
    now: Timestamp,
) -> Result<(), Fault> {
    let is_due = product.is_due(now);
    let mut after = product.clone();
    if is_due {
        match product.clone().become_status(Status::Active, now) {
            Ok(published) => after = published,
            // Nothing to sell: it stays a draft and waits no more.
            Err(_) => after.publish_at = None,
        }
    }
    after.collections = memberships(&shelves.collections, &after, now);
    let events: Vec<Event> =
        is_due.then(|| published(app, product, &after, now)).into_iter().collect();
    let change = ProductChange {
        before: Some(product),
        after: &after,
        shelves,
        currency: app.currency,
        is_refresh: !is_due,
        events: &events,
        now,
    };
    match app.store.save_product(&change).await? {
        // Nothing is claimed here; whatever was in the way, the next run finds it gone.
        Written::Yes(_)
        | Written::Raced
        | Written::CategoryGone(_)
        | Written::PictureGone(_)
        | Written::SlugTaken
        | Written::SkuTaken(_) => Ok(()),
    }
}

/// The shop itself did it.
fn published(app: &App, before: &Product, after: &Product, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let shown = |product: &Product| json!({"status": product.status});
    let action = match after.status {
        Status::Active => "product.publish",
        Status::Draft | Status::Archived => "product.publish_failed",
    };
    let entry = Entry {
        id: AuditId::from_ulid(ulid),
        at: now,
        actor: Actor::System,
        action: action.to_owned(),
        object: Some(before.id.to_string()),
        network: None,
        request_id: None,
        changes: changes(&shown(before), &shown(after)),
    };
    let fact = Fact::AuditNoted { entry };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}

/// Sorts goods into a collection and out of it, as far as a run gets.
async fn sort_in(
    app: &App,
    before: Collection,
    shelves: &Shelves,
    now: Timestamp,
) -> Result<(), Fault> {
    let left = match before.pending.clone() {
        None => None,
        Some(Pending::Some { products }) => {
            for id in products {
                look_at(app, id, shelves, now).await?;
            }
            None
        }
        Some(Pending::Every { position }) => every(app, position, shelves, now).await?,
    };
    if left.is_none() && before.is_ending {
        // Raced: somebody changed it meanwhile, and it comes again.
        return match app.store.drop_collection(&before).await? {
            Saved::Yes | Saved::Raced => Ok(()),
        };
    }
    let pending = left.map(|position| Pending::Every { position: Some(position) });
    let after = Collection { pending, ..before };
    match app.store.go_on_with(&after, now).await? {
        Saved::Yes | Saved::Raced => Ok(()),
    }
}

async fn look_at(app: &App, id: ProductId, shelves: &Shelves, now: Timestamp) -> Result<(), Fault> {
    match app.store.product(id).await? {
        Some(product) => renew(app, &product, shelves, now).await,
        None => Ok(()),
    }
}

/// Looks at products from a place on; the place where the next run begins, or none at the end.
async fn every(
    app: &App,
    mut position: Option<String>,
    shelves: &Shelves,
    now: Timestamp,
) -> Result<Option<String>, Fault> {
    for _ in 0..PAGES_MAX {
        let page = app.store.every_product(None, PAGE, position.as_deref()).await?;
        for product in page.entries {
            // The page may be a moment old: what is to be written is loaded again.
            if memberships(&shelves.collections, &product, now) != product.collections {
                look_at(app, product.id, shelves, now).await?;
            }
        }
        position = page.next;
        if position.is_none() {
            return Ok(None);
        }
    }
    Ok(position)
}
