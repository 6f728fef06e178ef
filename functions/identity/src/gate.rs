//! The gate before what guessing would pay off: tokens are taken before the work, and where the
//! table that counts can not be asked, nobody gets through.

use api::{Problem, Reply, Request};
use domain::audit::Actor;
use domain::fault::Fault;
use domain::id::CustomerId;
use domain::limit::{Limit, Standing};
use domain::phone::Phone;
use jiff::Timestamp;
use runtime::Tally;
use store::limit::{Bucket, Taken};

use crate::App;

/// Buckets that were taken from.
#[derive(Debug)]
pub(crate) struct Passed {
    buckets: Vec<Bucket>,
    /// Whether the first bucket is empty now: who comes next is refused.
    pub(crate) is_last: bool,
}

/// The buckets of a sign-in: of the account from this address, and of the address. `account` is
/// anything that tells accounts apart, whether or not there is one.
pub(crate) fn sign_in(app: &App, request: &Request, account: &str) -> Vec<Bucket> {
    let address = app.doors.address_bucket(Limit::SignInAddress, request);
    let holder = format!("{account} {}", address.holder());
    vec![app.doors.bucket(Limit::SignIn, &holder), address]
}

/// The bucket of whoever opens accounts.
pub(crate) fn registrations(app: &App, request: &Request) -> Vec<Bucket> {
    vec![app.doors.address_bucket(Limit::Register, request)]
}

/// The bucket of whoever shows mailed tokens: who guesses them fails like who guesses passwords.
pub(crate) fn mailed_tokens(app: &App, request: &Request) -> Vec<Bucket> {
    vec![app.doors.address_bucket(Limit::SignInAddress, request)]
}

/// The buckets of a request that makes the shop write a letter: of its reader, and of the address.
pub(crate) fn mails(app: &App, request: &Request, reader: &str) -> Vec<Bucket> {
    let address = app.doors.address_bucket(Limit::Mails, request);
    vec![app.doors.bucket(Limit::Mails, reader), address]
}

/// The buckets of a request for a code: of the number, of the customer, and of the address. Each
/// text costs money, and whoever is paid for those that arrive would like to have many asked for.
pub(crate) fn texts(
    app: &App,
    request: &Request,
    customer: CustomerId,
    phone: &Phone,
) -> Vec<Bucket> {
    let address = app.doors.address_bucket(Limit::Texts, request);
    let number = app.doors.bucket(Limit::Texts, phone.as_str());
    vec![number, app.doors.bucket(Limit::Texts, &customer.to_string()), address]
}

/// Takes a token from each bucket, or says no. The strictest bucket comes first; its standing is
/// what the caller is told.
pub(crate) async fn pass(
    app: &App,
    mut buckets: Vec<Bucket>,
    tally: &Tally,
    now: Timestamp,
) -> Reply<Passed> {
    let mut shown: Option<Standing> = None;
    for index in 0..buckets.len() {
        let Some(bucket) = buckets.get_mut(index) else { break };
        match app.store.take(bucket, 1, now).await.map_err(|fault| closed(&fault))? {
            Taken::Yes(standing) => shown = shown.or(Some(standing)),
            Taken::No(standing) => {
                let passed = buckets.into_iter().take(index).collect();
                give_back(app, &Passed { buckets: passed, is_last: false }).await;
                return Err(api::headers::limited(Problem::too_many(&standing), &standing));
            }
        }
    }
    if let Some(standing) = shown {
        tally.note(standing);
    }
    Ok(Passed { buckets, is_last: shown.is_some_and(|standing| standing.remaining == 0) })
}

/// Gives back what was taken: it was no guess. Where that fails, the caller has one try less for a
/// while.
pub(crate) async fn give_back(app: &App, passed: &Passed) {
    for bucket in &passed.buckets {
        if let Err(fault) = app.store.return_tokens(bucket, 1).await {
            tracing::warn!(fault = %fault, "a token is not given back");
        }
    }
}

/// Notes a wrong guess: the audit log is told of the last one that is let through.
pub(crate) async fn guessed(
    app: &App,
    request: &Request,
    passed: &Passed,
    actor: Actor,
) -> Reply<()> {
    if passed.is_last {
        let event = app.doors.audit(request, actor, "sign_in.burst", None, Vec::new());
        app.store.say(&event).await?;
    }
    Ok(())
}

fn closed(fault: &Fault) -> Problem {
    tracing::error!(fault = %fault, "the gate is closed: it can not count");
    Problem::unavailable()
}
