//! All that the shop knows of a customer, in one file of the private bucket, and the letter by
//! which it is fetched.
//!
//! The rows are told as they are: what is added to an account or an order one day is told, too,
//! without anybody thinking of it. What opens something (hashes of passwords and tokens) is left
//! out. Killed anywhere, it begins anew: nothing of it is known to anybody before the letter, which
//! is written in the transaction that ends the request.

use std::collections::BTreeMap;

use api::seal::token_hash;
use domain::account::{Account, Subject};
use domain::address::Email;
use domain::event::Letter;
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, OrderId};
use domain::message::Delivery;
use domain::order::Order;
use domain::privacy::{Kind, Request};
use files::NewObject;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::Saved;

use crate::App;
use crate::jobs::serve_privacy::{raced, step};
use crate::letter::letter;
use crate::privacy::{file_key, orders_of};

/// Entries of one page of whatever is listed.
const PAGE: i32 = 100;
/// Pages of one list: more is nobody's.
const PAGES_MAX: usize = 100;

/// Serves a request.
pub(crate) async fn serve(app: &App, request: &Request, now: Timestamp) -> Result<(), Fault> {
    let Some(account) = app.store.account(request.customer).await? else {
        // Whoever is gone has no mailbox here.
        return step(app, request, request.done(now), &[]).await.map(drop);
    };
    let known = gather(app, &account, now).await?;
    let bytes = serde_json::to_vec_pretty(&known)
        .map_err(|error| Fault::new("write an export", error, Retry::Useless))?;
    let content_type = "application/json";
    let object = NewObject { bytes: bytes.into(), content_type, cache_control: None };
    app.bucket()?.put(&file_key(request), object).await?;
    let token = app.ids.token();
    let hash = token_hash(&token);
    let events = [letter(app, &account.email, Letter::DataExported { token }, now)];
    let done = request.done(now);
    match app.store.finish_export(request, &done, &hash, &events, now).await? {
        Saved::Yes => Ok(()),
        Saved::Raced => Err(raced()),
    }
}

/// Puts it together.
async fn gather(app: &App, account: &Account, now: Timestamp) -> Result<Value, Fault> {
    let id = account.id;
    let orders = orders_of(app, id).await?;
    let mut told = Vec::with_capacity(orders.len());
    for order in &orders {
        let letters = letters_about(app, order.id).await?;
        told.push(json!({
            "id": order.id,
            "number": order.number,
            "records": app.store.known_of_order(order.id).await?,
            "letters": letters.iter().map(sent).collect::<Vec<_>>(),
        }));
    }
    let sessions = app.store.sessions(Subject::Customer(id), now).await?;
    let sessions = sessions.into_iter().map(|session| {
        json!({
            "id": session.id, "device": session.device, "network": session.network,
            "created_at": session.created_at, "last_used_at": session.rotated_at,
        })
    });
    Ok(json!({
        "made_at": now,
        "customer": id,
        "account": app.store.known_of_account(id).await?,
        "sessions": sessions.collect::<Vec<Value>>(),
        "consents": consents(app, id).await?,
        "requests": requests(app, id).await?,
        "cart": plain(&app.store.active_cart(id).await?)?,
        "orders": told,
        "store_credit": plain(&app.store.store_credits(id).await?)?,
        "gift_cards_used": gift_cards(&orders)?,
        "waits_for": waits(app, &account.email, &orders).await?,
    }))
}

fn plain(value: &impl Serialize) -> Result<Value, Fault> {
    serde_json::to_value(value)
        .map_err(|error| Fault::new("write an export", error, Retry::Useless))
}

/// A letter as its reader may know of it.
fn sent(letter: &Delivery) -> Value {
    json!({
        "id": letter.id, "letter": letter.letter, "channel": letter.channel, "to": letter.to,
        "status": letter.status, "queued_at": letter.queued_at, "sent_at": letter.sent_at,
    })
}

/// The letters about an order.
pub(crate) async fn letters_about(app: &App, order: OrderId) -> Result<Vec<Delivery>, Fault> {
    let (mut letters, mut position) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let page = app.store.messages_about(order, PAGE, position.as_deref()).await?;
        letters.extend(page.entries);
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    Ok(letters)
}

async fn consents(app: &App, id: CustomerId) -> Result<Value, Fault> {
    let (mut consents, mut position) = (Vec::new(), None::<String>);
    for _ in 0..PAGES_MAX {
        let page = app.store.consents(id, PAGE, position.as_deref()).await?;
        consents.extend(page.entries);
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    plain(&consents)
}

async fn requests(app: &App, id: CustomerId) -> Result<Value, Fault> {
    let mut requests = Vec::new();
    for kind in Kind::ALL {
        requests.extend(app.store.privacy_request(id, kind).await?);
    }
    plain(&requests)
}

/// What of orders was paid by gift cards and credit, by the order's id.
fn gift_cards(orders: &[Order]) -> Result<Value, Fault> {
    let used = orders.iter().filter(|order| !order.tendering.tenders.is_empty());
    let used: BTreeMap<String, _> =
        used.map(|order| (order.id.to_string(), &order.tendering)).collect();
    plain(&used)
}

/// What the customer's addresses wait for: that of the account and those of the orders.
async fn waits(app: &App, email: &Email, orders: &[Order]) -> Result<Value, Fault> {
    let mut addresses = BTreeMap::from([(email.key(), email)]);
    addresses.extend(orders.iter().map(|order| (order.email.key(), &order.email)));
    let mut waits = Vec::new();
    for email in addresses.into_values() {
        waits.extend(app.store.waits_of(email).await?);
    }
    plain(&waits)
}
