//! Customers, as a file names them.

use std::collections::HashMap;

use domain::account::Account;
use domain::address::Email;
use domain::exchange::{Entry, Plan, Unit};
use domain::fault::Fault;
use domain::id::CustomerId;
use jiff::Timestamp;
use store::Saved;
use store::identity::NOBODYS_PASSWORD;

use super::{Done, Planned, Plans, What};
use crate::App;

/// An account that is new, or has another name.
#[derive(Debug)]
pub(crate) enum Write {
    New(Account),
    Renamed(Account),
}

pub(super) async fn plan(app: &App, entries: &[Entry], now: Timestamp) -> Result<Plans, Fault> {
    let wanted = entries.iter().filter_map(|entry| match &entry.unit {
        Unit::Customer(wanted) => Some(wanted),
        Unit::Product(_) | Unit::Price(_) | Unit::Stock(_) => None,
    });
    let wanted: Vec<_> = wanted.collect();
    let emails: Vec<&Email> = wanted.iter().map(|wanted| &wanted.email).collect();
    let accounts = app.store.accounts_by_email(&emails).await?;
    let accounts: HashMap<String, Account> =
        accounts.into_iter().map(|account| (account.email.key(), account)).collect();
    let (mut planned, mut writes) = (Vec::new(), Vec::new());
    for (at, wanted) in wanted.into_iter().enumerate() {
        let plan = wanted.plan(accounts.get(&wanted.email.key()));
        planned.push(Planned::of(&plan));
        let write = match plan {
            Plan::Create(_) => Write::New(Account {
                id: CustomerId::from_ulid(app.ids.ulid(now)),
                email: wanted.email.clone(),
                name: wanted.name.clone(),
                password: NOBODYS_PASSWORD.to_owned(),
                is_verified: false,
                created_at: now,
                version: 1,
            }),
            Plan::Update(Some(account), _) => Write::Renamed(account),
            Plan::Update(None, _) | Plan::Unchanged | Plan::Refused(_) => continue,
        };
        writes.push(super::Write { entries: vec![at], what: What::Account(Box::new(write)) });
    }
    Ok((planned, writes))
}

pub(super) async fn save(app: &App, write: &Write) -> Result<Done, Fault> {
    Ok(match write {
        Write::New(account) => match app.store.import_account(account).await? {
            Saved::Yes => Done::Yes,
            // Somebody registered, or our own answer was lost: looking again tells.
            Saved::Raced => Done::Raced,
        },
        Write::Renamed(account) => match app.store.rename(account.id, &account.name).await? {
            Some(_) => Done::Yes,
            None => Done::Raced,
        },
    })
}
