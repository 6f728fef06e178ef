//! Every day: what is older than the table of retention says, goes.
//!
//! The sweeps and their ages are read from [`domain::retention::TABLE`], the same that the
//! documentation is written from. Each looks where old things lie by their time and never through
//! everything there is; what one day does not finish the next one does.

use domain::fault::Fault;
use domain::id::CustomerId;
use domain::order::Order;
use domain::privacy::{Kind, Traces, forget, is_forgotten, is_under_way};
use domain::retention::{Sweep, sweeps};
use jiff::{SignedDuration, Timestamp};
use runtime::Tick;
use store::Saved;
use store::privacy::Walked;

use super::serve_privacy::raced;
use crate::App;

const OP: &str = "identity.jobs.apply_retention";
/// Rows in one page.
const PAGE: i32 = 50;
/// Pages of one sweep in one day.
const PAGES_MAX: usize = 100;
/// Days that are looked at again: as long as the job may have stood still.
const DAYS_LOOKED_AT: i64 = 14;

/// Applies the table.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    for (sweep, kept) in sweeps() {
        let then = tick.now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
        match sweep {
            Sweep::UnconfirmedAccounts => forget_unconfirmed(app, then).await?,
            Sweep::Buyers => forget_buyers(app, then, tick.now).await?,
            Sweep::ServedRequests => forget_requests(app, then).await?,
        }
    }
    seal_old(app, tick.now).await
}

/// What was written before there were data keys gets one each, once.
async fn seal_old(app: &App, now: Timestamp) -> Result<(), Fault> {
    let (mut accounts, mut orders) = (0_u32, 0_u32);
    for walked in [Walked::OldAccounts, Walked::OldOrders] {
        let mut position = app.store.sweep_position(walked).await?;
        for _ in 0..PAGES_MAX {
            let at = position.as_deref();
            let (sealed, next) = match walked {
                Walked::OldAccounts => app.store.seal_old_accounts(PAGE, at).await?,
                Walked::OldOrders | Walked::Buyers => {
                    app.store.seal_old_orders(now, PAGE, at).await?
                }
            };
            match walked {
                Walked::OldAccounts => accounts = accounts.saturating_add(sealed),
                Walked::OldOrders | Walked::Buyers => orders = orders.saturating_add(sealed),
            }
            let Some(next) = next.filter(|next| Some(next) != position.as_ref()) else { break };
            app.store.keep_sweep_position(walked, &next).await?;
            position = Some(next);
        }
    }
    tracing::info!(op = OP, accounts, orders, "what was written without keys is sealed");
    Ok(())
}

/// Accounts that were made on one of the days before then and wait for a confirmation ever since.
/// Those that a file made wait for their holder's first password: they have none, and stay.
async fn forget_unconfirmed(app: &App, then: Timestamp) -> Result<(), Fault> {
    let mut forgotten = 0_u32;
    for days in 1..=DAYS_LOOKED_AT {
        let day = then.saturating_sub(SignedDuration::from_hours(days * 24));
        let day = day.unwrap_or(Timestamp::MIN).strftime("%Y-%m-%d").to_string();
        let mut position = None::<String>;
        for _ in 0..PAGES_MAX {
            let page = app.store.accounts_of_day(&day, PAGE, position.as_deref()).await?;
            for account in &page.entries {
                if !account.is_verified && !account.password.is_empty() {
                    // Raced: somebody has come after all.
                    app.store.forget_unconfirmed(account).await?;
                    forgotten += 1;
                }
            }
            position = page.next;
            if position.is_none() {
                break;
            }
        }
    }
    tracing::info!(op = OP, forgotten, "accounts that nobody confirmed are forgotten");
    Ok(())
}

/// Whoever bought before then.
async fn forget_buyers(app: &App, then: Timestamp, now: Timestamp) -> Result<(), Fault> {
    let (mut forgotten, mut left) = forget_passed_over(app, now).await?;
    let mut position = app.store.sweep_position(Walked::Buyers).await?;
    for _ in 0..PAGES_MAX {
        let page = app.store.orders_before(then, PAGE, position.as_deref()).await?;
        for order in page.entries.iter().filter(|order| !is_forgotten(order)) {
            if is_under_way(order) {
                left += 1;
                tracing::warn!(op = OP, order_id = %order.id, "an old order has not ended");
                app.store.pass_over(order.id).await?;
                continue;
            }
            forget_buyer(app, order, now).await?;
            forgotten += 1;
        }
        let Some(next) = page.next else { break };
        app.store.keep_sweep_position(Walked::Buyers, &next).await?;
        position = Some(next);
    }
    tracing::info!(op = OP, forgotten, left, "who bought long ago is forgotten");
    Ok(())
}

/// Orders that had not ended when the sweep came by; how many are forgotten now, and how many left.
async fn forget_passed_over(app: &App, now: Timestamp) -> Result<(u32, u32), Fault> {
    let (mut forgotten, mut left, mut position) = (0_u32, 0_u32, None::<String>);
    for _ in 0..PAGES_MAX {
        let page = app.store.passed_over(PAGE, position.as_deref()).await?;
        for id in page.entries {
            let file = app.store.order(id).await?;
            if let Some(order) = file.map(|file| file.order).filter(|order| !is_forgotten(order)) {
                if is_under_way(&order) {
                    left += 1;
                    continue;
                }
                forget_buyer(app, &order, now).await?;
                forgotten += 1;
            }
            app.store.caught_up(id).await?;
        }
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    Ok((forgotten, left))
}

/// Who bought this. Letters about it are forgotten long before.
async fn forget_buyer(app: &App, order: &Order, now: Timestamp) -> Result<(), Fault> {
    let (after, traces) = (forget(order, now), Traces::of_order(order));
    match app.store.forget_in_order(order, &after, &traces).await? {
        Saved::Yes => Ok(()),
        Saved::Raced => Err(raced()),
    }
}

/// Requests that were served before then; with an erasure go the consents of whoever was forgotten,
/// and so they do with an account that was closed before then.
async fn forget_requests(app: &App, then: Timestamp) -> Result<(), Fault> {
    let mut forgotten = 0_u32;
    for request in app.store.served_before(then, PAGE).await? {
        if request.kind == Kind::Erasure {
            forget_consents(app, request.customer).await?;
        }
        app.store.forget_request(&request).await?;
        forgotten += 1;
    }
    for customer in app.store.closed_before(then, PAGE).await? {
        forget_consents(app, customer).await?;
        app.store.forget_closed(customer).await?;
        forgotten += 1;
    }
    tracing::info!(op = OP, forgotten, "requests that were served long ago are forgotten");
    Ok(())
}

/// What somebody agreed to.
async fn forget_consents(app: &App, customer: CustomerId) -> Result<(), Fault> {
    for _ in 0..PAGES_MAX {
        let page = app.store.consents(customer, PAGE, None).await?;
        for consent in &page.entries {
            app.store.forget_consent(consent).await?;
        }
        if page.next.is_none() {
            break;
        }
    }
    Ok(())
}
