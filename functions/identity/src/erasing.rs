//! How somebody is forgotten.
//!
//! 1. The account is closed, with its address book and its sessions, in one transaction that hands
//!    the address for the last letter to the request. From then on nothing new comes.
//! 2. Two minutes later, when nobody is believed to be signed in any more: what an address waits
//!    for, carts, letters, exports, and order by order whoever bought. An order that is still under
//!    way is left until it has ended; the request looks again every hour.
//! 3. The last letter, the entry in the audit log (ids alone), the end of the request and that of
//!    the account's key are one transaction. Nothing of the person is left in it, nor in a backup:
//!    the key of each order went with its buyer.
//!
//! Each step finds what the one before it has left, and finds nothing where it was done: whoever is
//! killed anywhere is carried on by the next run. The search indexes follow the tables by
//! themselves. The keyed hash of an address that is not written to stays: it is what keeps the shop
//! from writing there again. Invoices stay: the law wants them as they are.

use std::collections::BTreeMap;

use domain::audit::{Actor, Entry};
use domain::event::{Event, Fact, Letter};
use domain::fault::Fault;
use domain::id::{AuditId, EventId};
use domain::order::Order;
use domain::privacy::{Request, Traces, forget, is_forgotten, is_under_way};
use jiff::Timestamp;
use store::Saved;
use store::identity::CustomerFile;

use crate::App;
use crate::exporting::letters_about;
use crate::jobs::serve_privacy::{raced, step};
use crate::letter::letter;
use crate::privacy::{folder, orders_of};

/// Serves a request.
pub(crate) async fn serve(app: &App, request: &Request, now: Timestamp) -> Result<(), Fault> {
    if !request.is_closed {
        return close(app, request, now).await;
    }
    let orders = orders_of(app, request.customer).await?;
    forget_around(app, request, &orders).await?;
    let mut waits_for = Vec::new();
    for order in orders.iter().filter(|order| !is_forgotten(order)) {
        if is_under_way(order) {
            waits_for.push(order.id);
            continue;
        }
        forget_buyer(app, order, request, now).await?;
    }
    if !waits_for.is_empty() {
        return step(app, request, request.wait(waits_for, now), &[]).await.map(drop);
    }
    let mut events = vec![noted(app, request, now)];
    let last = |email| letter(app, email, Letter::DataErased, now);
    events.extend(request.email.as_ref().map(last));
    match app.store.finish_erasure(request, &request.done(now), &events).await? {
        Saved::Yes => Ok(()),
        Saved::Raced => Err(raced()),
    }
}

/// The first step.
async fn close(app: &App, request: &Request, now: Timestamp) -> Result<(), Fault> {
    let Some(file) = app.store.customer(request.customer).await? else {
        return step(app, request, request.closed(None, now), &[]).await.map(drop);
    };
    let CustomerFile { account, book, addresses } = file;
    let after = request.closed(Some(&account), now);
    let account = (&account, &book, addresses.as_slice());
    match app.store.close_for_erasure(account, (request, &after), now).await? {
        Saved::Yes => Ok(()),
        Saved::Raced => Err(raced()),
    }
}

/// All that lies around the orders.
async fn forget_around(app: &App, request: &Request, orders: &[Order]) -> Result<(), Fault> {
    let ordered = orders.iter().filter(|order| !is_forgotten(order)).map(|order| &order.email);
    let addresses = ordered.chain(&request.email).map(|email| (email.key(), email));
    for email in addresses.collect::<BTreeMap<_, _>>().into_values() {
        app.store.forget_waits(email).await?;
    }
    app.store.forget_carts(request.customer).await?;
    app.store.forget_sessions(request.customer).await?;
    let (bucket, folder) = (app.bucket()?, folder(request.customer));
    for file in bucket.list(&folder, None).await?.entries {
        bucket.delete(&file.key).await?;
    }
    Ok(())
}

/// Whoever bought, and was written to about it.
async fn forget_buyer(
    app: &App,
    order: &Order,
    request: &Request,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut traces = Traces::of_order(order);
    request.email.iter().for_each(|email| traces.email(email));
    request.name.iter().for_each(|name| traces.name(name));
    for letter in letters_about(app, order.id).await? {
        app.store.forget_reader(letter.id).await?;
    }
    match app.store.forget_in_order(order, &forget(order, now), &traces).await? {
        Saved::Yes => Ok(()),
        Saved::Raced => Err(raced()),
    }
}

/// The entry of the audit log: ids alone.
fn noted(app: &App, request: &Request, now: Timestamp) -> Event {
    let ulid = app.ids.ulid(now);
    let entry = Entry {
        id: AuditId::from_ulid(ulid),
        at: now,
        actor: Actor::System,
        action: "customer.erased".to_owned(),
        object: Some(request.customer.to_string()),
        network: None,
        request_id: None,
        changes: Vec::new(),
    };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact: Fact::AuditNoted { entry } }
}
