//! The table of a domain's endpoints, and the pipeline around each.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::http::{Method, StatusCode};
use api::openapi::{Entry, Operation};
use api::reply::Answer;
use api::{Input, Output, Problem, Reply, Request, Who};
use domain::fault::{Fault, Retry};
use domain::limit::{Limit, Standing};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use queue::Parking;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::idempotency::{Claim, Claimed};
use store::limit::Bucket;
use store::{Knocker, Store};

use crate::clock::Clock;
use crate::job::Failed;
use crate::keyring::Keyring;
use crate::meter::{self, Asked, Meter, Plate};
use crate::setup::{App, Platform, Setup, Stage};
use crate::telemetry::Lines;
use crate::{http, job};

/// A connection that does not open within this time before the first call is the first call's.
const KNOCK_MAX: Duration = Duration::from_millis(800);
/// The smallest function that Lambda has; what is not told its size is no larger.
const MEMORY_MB_MIN: u32 = 128;

/// A future that is sent around.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One call of an endpoint: who, what, and the facts of the moment.
#[derive(Debug)]
pub struct Call<W, I = ()> {
    /// Who is calling, as far as the endpoint asked.
    pub who: W,
    /// What they bring, parsed.
    pub input: I,
    /// When.
    pub now: Timestamp,
    /// The keys of this moment.
    pub guard: api::Guard,
    /// The claimed idempotency key, if the caller sent one.
    pub claim: Option<Claim>,
    /// The request, for the few things that have no type of their own.
    pub request: Request,
    /// The address's bucket that this write is to take from, in its own transaction: nobody is
    /// signed in, and the endpoint counts itself.
    pub toll: Option<Bucket>,
    /// How the bucket stands that was taken from; the answer's headers say so.
    pub standing: Tally,
}

/// How a caller's bucket stands, as the answer will say.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Option<Standing>>>);

impl Tally {
    /// Notes how a bucket stands.
    pub fn note(&self, standing: Standing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }

    fn read(&self) -> Option<Standing> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an endpoint is: `async fn(&App, Call<W, I>) -> Reply<O>`.
pub trait Handle<'a, A: 'static, C, O>: Fn(&'a A, C) -> Self::Future + Send + Sync {
    /// What it returns.
    type Future: Future<Output = Reply<O>> + Send + 'a;
}

impl<'a, A: 'static, C, O, F, R> Handle<'a, A, C, O> for F
where
    F: Fn(&'a A, C) -> R + Send + Sync,
    R: Future<Output = Reply<O>> + Send + 'a,
{
    type Future = R;
}

/// Runs a job with its event.
pub type RunJob<A> = fn(Arc<A>, Value, Timestamp) -> Boxed<Result<Value, Fault>>;

/// Runs a job with the messages of a queue; those that could not be done.
pub type RunQueue<A> = fn(Arc<A>, Vec<queue::Message>, Timestamp) -> Boxed<Vec<Failed>>;

/// A row of a domain's table: its Handler and what calls it.
pub struct Endpoint<A: 'static> {
    /// The address: `cart.store.add_line` is `functions/cart/src/store/add_line.rs`.
    pub handler: &'static str,
    /// What calls it.
    pub trigger: Trigger<A>,
}

/// What calls a function.
pub enum Trigger<A: 'static> {
    /// An HTTP request.
    Http {
        /// The method.
        method: &'static str,
        /// The path, with placeholders in braces.
        path: &'static str,
        /// What it is for, in a sentence.
        summary: &'static str,
        /// Runs it.
        run: fn(Arc<A>, Request) -> Boxed<Answer>,
        /// Describes its types.
        describe: fn(&mut Operation),
    },
    /// Messages of a queue.
    Queue {
        /// Which queue.
        name: queue::Name,
        /// Runs it.
        run: RunQueue<A>,
    },
    /// A schedule.
    Schedule {
        /// The beat, in seconds.
        seconds: u64,
        /// Runs it.
        run: RunJob<A>,
    },
    /// A table's stream.
    Stream {
        /// Which table.
        table: store::Table,
        /// Runs it.
        run: RunJob<A>,
    },
    /// New objects of the shop's bucket.
    Upload {
        /// What their keys begin with.
        prefix: &'static str,
        /// Runs it.
        run: RunJob<A>,
    },
    /// Whoever may invoke functions, by hand: the deployment. No event leads to it.
    Invoked {
        /// Runs it.
        run: RunJob<A>,
    },
    /// Every request that fits no route of the domain's API.
    Unknown,
}

impl<A> Endpoint<A> {
    /// The row's entry in the contract, if it is a part of it.
    pub fn entry(&self) -> Option<Entry> {
        match self.trigger {
            Trigger::Http { method, path, summary, describe, .. } => {
                Some(Entry { handler: self.handler, method, path, summary, describe })
            }
            Trigger::Queue { .. }
            | Trigger::Schedule { .. }
            | Trigger::Stream { .. }
            | Trigger::Upload { .. }
            | Trigger::Invoked { .. }
            | Trigger::Unknown => None,
        }
    }
}

/// A row of [`Endpoint`]s for an HTTP endpoint.
#[macro_export]
macro_rules! http {
    ($handler:literal, $method:ident $path:literal, $summary:literal, $($at:ident)::+) => {
        $crate::Endpoint {
            handler: $handler,
            trigger: $crate::Trigger::Http {
                method: stringify!($method),
                path: $path,
                summary: $summary,
                run: |app, request| {
                    let endpoint = $($at)::+::handle;
                    ::std::boxed::Box::pin($crate::endpoint::serve(
                        app, request, $handler, endpoint,
                    ))
                },
                describe: $crate::describe!($($at)::+),
            },
        }
    };
}

/// How an endpoint says what it takes and gives. A deployed function carries no words of the
/// contract, and no schemas: they are written by the tools, which have the feature `contract`.
#[cfg(feature = "contract")]
#[doc(hidden)]
#[macro_export]
macro_rules! describe {
    ($($at:ident)::+) => {
        |operation| $crate::endpoint::describe($($at)::+::handle, operation)
    };
}

#[cfg(not(feature = "contract"))]
#[doc(hidden)]
#[macro_export]
macro_rules! describe {
    ($($at:ident)::+) => {
        $crate::endpoint::undescribed
    };
}

/// A row of [`Endpoint`]s for a queue's job.
#[macro_export]
macro_rules! on_queue {
    ($handler:literal, $name:expr, $($at:ident)::+) => {
        $crate::Endpoint {
            handler: $handler,
            trigger: $crate::Trigger::Queue {
                name: $name,
                run: |app, messages, now| ::std::boxed::Box::pin(async move {
                    $crate::job::run_queue(&*app, messages, now, $handler, $($at)::+::handle).await
                }),
            },
        }
    };
}

/// A row of [`Endpoint`]s for a queue's job that takes a whole batch at once.
#[macro_export]
macro_rules! on_batch {
    ($handler:literal, $name:expr, $($at:ident)::+) => {
        $crate::Endpoint {
            handler: $handler,
            trigger: $crate::Trigger::Queue {
                name: $name,
                run: |app, messages, now| ::std::boxed::Box::pin(async move {
                    $crate::job::run_batch(&*app, messages, now, $handler, $($at)::+::handle).await
                }),
            },
        }
    };
}

/// A row of [`Endpoint`]s for a schedule's job.
#[macro_export]
macro_rules! every {
    ($handler:literal, $seconds:literal, $($at:ident)::+) => {
        $crate::Endpoint {
            handler: $handler,
            trigger: $crate::Trigger::Schedule {
                seconds: $seconds,
                run: |app, _event, now| ::std::boxed::Box::pin(async move {
                    $crate::job::run_schedule(&*app, now, $($at)::+::handle).await
                }),
            },
        }
    };
}

/// A row of [`Endpoint`]s for a stream's job.
#[macro_export]
macro_rules! on_stream {
    ($handler:literal, $table:expr, $($at:ident)::+) => {
        $crate::Endpoint {
            handler: $handler,
            trigger: $crate::Trigger::Stream {
                table: $table,
                run: |app, event, now| ::std::boxed::Box::pin(async move {
                    $crate::job::run_stream(&*app, &event, now, $($at)::+::handle).await
                }),
            },
        }
    };
}

/// A row of [`Endpoint`]s for a job over the new objects under a prefix of the bucket.
#[macro_export]
macro_rules! on_upload {
    ($handler:literal, $prefix:expr, $($at:ident)::+) => {
        $crate::Endpoint {
            handler: $handler,
            trigger: $crate::Trigger::Upload {
                prefix: $prefix,
                run: |app, event, now| ::std::boxed::Box::pin(async move {
                    $crate::job::run_upload(&*app, &event, now, $($at)::+::handle).await
                }),
            },
        }
    };
}

/// A row of [`Endpoint`]s for a job that the deployment invokes by hand.
#[macro_export]
macro_rules! invoked {
    ($handler:literal, $($at:ident)::+) => {
        $crate::Endpoint {
            handler: $handler,
            trigger: $crate::Trigger::Invoked {
                run: |app, event, now| ::std::boxed::Box::pin(async move {
                    $crate::job::run_invoked(&*app, event, now, $($at)::+::handle).await
                }),
            },
        }
    };
}

/// Describes an endpoint's types.
pub fn describe<A: 'static, W: Who, I: Input, O: Output, F>(_: F, operation: &mut Operation)
where
    F: for<'a> Handle<'a, A, Call<W, I>, O>,
{
    operation.security(W::SECURITY);
    I::describe(operation);
    O::describe(operation);
}

/// Describes nothing: what stands in the table of a deployed function.
pub fn undescribed(_: &mut Operation) {}

/// Runs an endpoint: who, what, once, the endpoint itself, the headers. Whatever goes wrong
/// becomes a problem; a panic, too.
pub async fn serve<A, W, I, O, F>(
    app: Arc<A>,
    request: Request,
    op: &'static str,
    endpoint: F,
) -> Answer
where
    A: App,
    W: Who + Send,
    I: Input + Send,
    O: Output + Send,
    F: for<'a> Handle<'a, A, Call<W, I>, O>,
{
    let tally = Tally::default();
    let work = AssertUnwindSafe(run(&*app, &request, op, endpoint, &tally)).catch_unwind();
    let answer = match work.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(problem)) => refused(&problem, op, &request.id),
        Err(panic) => {
            tracing::error!(op, request_id = request.id, bug = reason(&*panic), "a bug");
            Answer::problem(&Problem::internal(), &request.id)
        }
    };
    let answer = match tally.read() {
        Some(standing) => api::headers::standing(answer, &standing),
        None => answer,
    };
    finish(app.doors(), &request, answer)
}

/// The headers of every answer.
fn finish(doors: Option<&crate::Doors>, request: &Request, answer: Answer) -> Answer {
    let answer = match doors {
        Some(doors) => doors.origins().decorate(request, answer),
        None => answer,
    };
    api::headers::complete(answer, &request.id)
}

/// The answer of a problem, told in one line, here: as an error where it was our fault, as a
/// refusal with its code where it was not.
fn refused(problem: &Problem, op: &'static str, request_id: &str) -> Answer {
    let (status, code) = (problem.status.as_u16(), problem.code);
    meter::refused(problem);
    if let Some(fault) = &problem.fault {
        tracing::error!(op, request_id, status, %fault, "the request failed");
    } else {
        tracing::info!(op, request_id, status, code, "the request was refused");
    }
    Answer::problem(problem, request_id)
}

/// What a panic says. It never holds a caller's input: our own words only.
fn reason(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

async fn run<A, W, I, O, F>(
    app: &A,
    request: &Request,
    op: &'static str,
    endpoint: F,
    tally: &Tally,
) -> Result<Answer, Problem>
where
    A: App,
    W: Who + Send,
    I: Input + Send,
    O: Output + Send,
    F: for<'a> Handle<'a, A, Call<W, I>, O>,
{
    let doors = app.doors().ok_or_else(Problem::internal)?;
    let guard = doors.guard_for(request).await?;
    let caller = doors.caller::<W>(&guard, app.store(), request).await?;
    let who = W::identify(&caller, request)?;
    let input: I = api::input::read(request)?;
    // What is malformed costs nothing but this: it is not counted.
    if let Some(standing) = doors.count(app.store(), &caller, W::COUNTS_ITSELF, request).await? {
        tally.note(standing);
    }
    let is_tolled = W::COUNTS_ITSELF && caller.holder().is_none() && !request.is_safe();
    let toll = is_tolled.then(|| doors.address_bucket(Limit::Write, request));
    // What signs somebody in is not written down to be repeated: a session is cheap to renew. A
    // file is made once more.
    let may_repeat = request.method == Method::POST && !O::IS_DONE_ANEW;
    let key = request.header("idempotency-key").filter(|_| may_repeat);
    let (Some(key), Some(store)) = (key, app.store()) else {
        let call = Call {
            who,
            input,
            now: request.now,
            guard,
            claim: None,
            request: request.clone(),
            toll,
            standing: tally.clone(),
        };
        return endpoint(app, call).await.map(|output| output.answer(request));
    };
    let scope = format!("{}#{op}#{key}", who.principal(request));
    let claim = match store.claim(&scope, &fingerprint(request), request.now).await? {
        Claimed::Ours(claim) => claim,
        Claimed::Done(answer) => return Ok(replayed(answer)),
        Claimed::InProgress => {
            let detail = "The first request with this Idempotency-Key is still running.";
            let problem = Problem::conflict("idempotency_in_progress", detail);
            return Err(problem.header("Retry-After", "1"));
        }
        Claimed::OtherRequest => {
            let detail = "This Idempotency-Key was used for another request.";
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Problem::new(status, "idempotency_key_reused", detail));
        }
    };
    let claimed = Some(claim.clone());
    let call = Call {
        who,
        input,
        now: request.now,
        guard,
        claim: claimed,
        request: request.clone(),
        toll,
        standing: tally.clone(),
    };
    let answer = match AssertUnwindSafe(endpoint(app, call)).catch_unwind().await {
        Ok(Ok(output)) => output.answer(request),
        Ok(Err(problem)) => refused(&problem, op, &request.id),
        Err(panic) => {
            tracing::error!(op, request_id = request.id, bug = reason(&*panic), "a bug");
            Answer::problem(&Problem::internal(), &request.id)
        }
    };
    remember(store, &claim, &answer).await;
    Ok(answer)
}

/// Remembers an answer under its key, or gives the key up after a failure of ours. If that itself
/// fails, the effect stands and the answer goes out: the claim lapses by itself.
async fn remember(store: &Store, claim: &Claim, answer: &Answer) {
    if answer.is_remembered {
        return;
    }
    let done = if answer.status.is_server_error() {
        store.forget(claim).await
    } else {
        store.remember(claim, &stored(answer)).await
    };
    if let Err(fault) = done {
        tracing::error!(fault = %fault, "an answer could not be remembered");
    }
}

/// An answer as it is remembered: what identifies one request is left out.
pub fn stored(answer: &Answer) -> store::idempotency::Answer {
    let headers = answer
        .headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    store::idempotency::Answer { status: answer.status.as_u16(), headers, body }
}

fn replayed(stored: store::idempotency::Answer) -> Answer {
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let mut answer = Answer::empty(status);
    answer.body = stored.body.into_bytes();
    for (name, value) in &stored.headers {
        answer = answer.header(name, value);
    }
    answer.is_remembered = true;
    answer.header("idempotent-replayed", "true")
}

/// What makes a request the same: method, path and bytes.
fn fingerprint(request: &Request) -> String {
    let mut hash = Sha256::new();
    for part in [request.method.as_str().as_bytes(), request.path.as_bytes(), &request.body] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A function, ready to be invoked with its event.
pub struct Function {
    /// Its Handler.
    pub handler: &'static str,
    keyring: Keyring,
    plate: Plate,
    clock: Clock,
    lines: Lines,
    /// Whether it was invoked.
    is_warm: AtomicBool,
    /// Opens the connection to the database.
    knocker: Option<Knocker>,
    invoke: Box<dyn Fn(Value) -> Boxed<Result<Value, Fault>> + Send + Sync>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.handler)
    }
}

impl Function {
    /// Builds the function with this Handler from a domain's table and looks at its secrets:
    /// whatever is wrong with its variables or with them is said at once.
    pub async fn start<A: App>(
        endpoints: &'static [Endpoint<A>],
        handler: &str,
        platform: &Platform,
    ) -> Result<Self, Fault> {
        let (function, faults) = Self::build(endpoints, handler, platform)?;
        let flaws = function.keyring.flaws(platform.clock.now()).await;
        function.unless(&faults.into_iter().chain(flaws).collect::<Vec<_>>())
    }

    /// As [`Function::start`], for a process that is to take calls: what the first of them would
    /// wait for is done before it, while Lambda gives a whole core.
    pub async fn open<A: App>(
        endpoints: &'static [Endpoint<A>],
        handler: &str,
        platform: &Platform,
    ) -> Result<Self, Fault> {
        let (function, faults) = Self::build(endpoints, handler, platform)?;
        let knock = tokio::time::timeout(KNOCK_MAX, async {
            if let Some(knocker) = &function.knocker {
                knocker.knock().await;
            }
        });
        let (flaws, _is_open) = tokio::join!(function.keyring.flaws(platform.clock.now()), knock);
        function.unless(&faults.into_iter().chain(flaws).collect::<Vec<_>>())
    }

    fn unless(self, faults: &[String]) -> Result<Self, Fault> {
        if faults.is_empty() {
            return Ok(self);
        }
        Err(Setup::refusal(self.handler, faults))
    }

    /// As [`Function::start`], without a look at the secrets: the first call meets them.
    pub fn load<A: App>(
        endpoints: &'static [Endpoint<A>],
        handler: &str,
        platform: &Platform,
    ) -> Result<Self, Fault> {
        let (function, faults) = Self::build(endpoints, handler, platform)?;
        function.unless(&faults)
    }

    fn build<A: App>(
        endpoints: &'static [Endpoint<A>],
        handler: &str,
        platform: &Platform,
    ) -> Result<(Self, Vec<String>), Fault> {
        let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.handler == handler) else {
            let known: Vec<_> = endpoints.iter().map(|endpoint| endpoint.handler).collect();
            let tried = format!("find the Handler {handler} among {}", known.join(", "));
            return Err(Fault::noticed(tried, Retry::Useless));
        };
        let mut setup = Setup::new(platform, endpoint.handler);
        let app = Arc::new(A::connect(&mut setup));
        // Who pays with real money is told nothing of how the shop is built.
        let is_open = setup.peek_stage().is_some_and(|stage| stage != Stage::Production);
        let (faults, mut keyring, mut knocker) = setup.finish();
        if matches!(endpoint.trigger, Trigger::Unknown) {
            // It is told what its siblings are told, and may read none of it.
            keyring.wanted.clear();
            knocker = None;
        }
        let clock = platform.clock.clone();
        let handler = endpoint.handler;
        let memory_mb = platform.variables.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        let memory_mb = memory_mb.and_then(|mb| mb.parse().ok()).unwrap_or(MEMORY_MB_MIN);
        let (trigger, route) = match endpoint.trigger {
            Trigger::Http { method, path, .. } => ("http", Some((method, path))),
            Trigger::Queue { .. } => ("queue", None),
            Trigger::Schedule { .. } => ("schedule", None),
            Trigger::Stream { .. } => ("stream", None),
            Trigger::Upload { .. } => ("upload", None),
            Trigger::Invoked { .. } => ("invoked", None),
            Trigger::Unknown => ("http", Some(("ANY", "$default"))),
        };
        let plate = Plate { op: handler, trigger, route, memory_mb };
        let closer: Arc<[&str]> =
            route.map_or_else(Vec::new, |(_, path)| closer(endpoints, path)).into();
        let invoke: Box<dyn Fn(Value) -> Boxed<Result<Value, Fault>> + Send + Sync> =
            match endpoint.trigger {
                Trigger::Http { run, .. } => Box::new(move |event| {
                    let (app, now, closer) = (Arc::clone(&app), clock.now(), closer.clone());
                    Box::pin(async move {
                        let mut request = http::request(event, now)?;
                        meter::of_call(|meter| meter.request(&request));
                        if let Err(problem) = enter(&*app, &mut request) {
                            let answer = turned_away(&*app, &request, &problem, handler);
                            return http::response(measured(answer, is_open));
                        }
                        // The gateway takes the word of a closer path for an id of this one where
                        // the closer one has no such method.
                        let is_ours = !closer.iter().any(|path| http::fits(path, &request.path));
                        let answer = if is_ours {
                            run(app, request).await
                        } else {
                            unknown(&*app, &request, endpoints)
                        };
                        http::response(measured(answer, is_open))
                    })
                }),
                Trigger::Queue { run, .. } => {
                    let parking = Arc::new(Parking::new(&platform.aws));
                    Box::new(move |event| {
                        let (app, now, parking) = (Arc::clone(&app), clock.now(), parking.clone());
                        Box::pin(async move {
                            let messages = job::messages(event)?;
                            meter::of_call(|meter| meter.messages(&messages));
                            let failed = run(app, messages, now).await;
                            job::answer(&parking, handler, failed).await
                        })
                    })
                }
                Trigger::Schedule { run, .. }
                | Trigger::Stream { run, .. }
                | Trigger::Upload { run, .. }
                | Trigger::Invoked { run } => {
                    Box::new(move |event| run(Arc::clone(&app), event, clock.now()))
                }
                Trigger::Unknown => Box::new(move |event| {
                    let (app, now) = (Arc::clone(&app), clock.now());
                    Box::pin(async move {
                        let mut request = http::request(event, now)?;
                        meter::of_call(|meter| meter.request(&request));
                        let answer = match enter(&*app, &mut request) {
                            Ok(()) => unknown(&*app, &request, endpoints),
                            Err(problem) => turned_away(&*app, &request, &problem, handler),
                        };
                        http::response(measured(answer, is_open))
                    })
                }),
            };
        let (clock, lines) = (platform.clock.clone(), platform.lines.clone());
        let is_warm = AtomicBool::new(false);
        let function = Self { handler, keyring, plate, clock, lines, is_warm, knocker, invoke };
        Ok((function, faults))
    }

    /// Invokes it. What goes wrong is told in one line, here, with the op.
    pub async fn invoke(&self, event: Value) -> Result<Value, Fault> {
        self.invoke_as(event, &Asked::default()).await
    }

    /// As [`Function::invoke`], with what Lambda says of the invocation. At its end one line tells
    /// of it.
    pub async fn invoke_as(&self, event: Value, asked: &Asked) -> Result<Value, Fault> {
        let is_cold = !self.is_warm.swap(true, Ordering::Relaxed);
        let meter = Meter::begin(&self.plate, &self.clock, asked, is_cold);
        let result = meter
            .scope(async {
                let result = store::data_key::within_invocation((self.invoke)(event)).await;
                if let Err(fault) = &result {
                    tracing::error!(op = self.handler, fault = %fault, "the function failed");
                    meter.failed();
                }
                result
            })
            .await;
        self.lines.write(meter.line());
        result
    }
}

/// Notes an answer, and where strangers may know it says what it took.
fn measured(answer: Answer, is_open: bool) -> Answer {
    let said = meter::of_call(|meter| {
        meter.answered(answer.status.as_u16());
        is_open.then(|| meter.server_timing())
    });
    match said.flatten() {
        Some(timing) => answer.header("server-timing", &timing),
        None => answer,
    }
}

/// Lets a request in that came through the front door, where there is one.
fn enter<A: App>(app: &A, request: &mut Request) -> Result<(), Problem> {
    app.doors().map_or(Ok(()), |doors| doors.front().enter(request))
}

/// The answer to who came past the front door.
fn turned_away<A: App>(app: &A, request: &Request, problem: &Problem, op: &'static str) -> Answer {
    finish(app.doors(), request, refused(problem, op, &request.id))
}

/// The methods and paths of a domain that fit a request's path with the fewest placeholders.
fn closest<A>(endpoints: &'static [Endpoint<A>], asked: &str) -> Vec<(&'static str, &'static str)> {
    let mut fitting: Vec<(&str, &str)> = endpoints
        .iter()
        .filter_map(|endpoint| match endpoint.trigger {
            Trigger::Http { method, path, .. } if http::fits(path, asked) => Some((method, path)),
            _ => None,
        })
        .collect();
    let fewest = fitting.iter().map(|(_, path)| placeholders(path)).min();
    fitting.retain(|(_, path)| Some(placeholders(path)) == fewest);
    fitting
}

/// The paths of a domain that a request which fits this one may be meant for: they have fewer
/// placeholders, and nowhere another word.
fn closer<A>(endpoints: &'static [Endpoint<A>], path: &str) -> Vec<&'static str> {
    let mut closer: Vec<&str> = endpoints
        .iter()
        .filter_map(|endpoint| match endpoint.trigger {
            Trigger::Http { path: other, .. } => Some(other),
            _ => None,
        })
        .filter(|other| placeholders(other) < placeholders(path) && http::may_meet(other, path))
        .collect();
    closer.sort_unstable();
    closer.dedup();
    closer
}

/// How many segments of a path are placeholders.
fn placeholders(path: &str) -> usize {
    path.split('/').filter(|segment| segment.starts_with('{')).count()
}

/// The answer to a request that fits no route: a preflight, 405 with the methods that the path
/// has, or 404.
fn unknown<A: App>(app: &A, request: &Request, endpoints: &'static [Endpoint<A>]) -> Answer {
    let preflight = app.doors().and_then(|doors| doors.origins().preflight(request));
    let answer = preflight.unwrap_or_else(|| {
        let mut methods: Vec<&str> =
            closest(endpoints, &request.path).into_iter().map(|(method, _)| method).collect();
        methods.sort_unstable();
        methods.dedup();
        let problem = if methods.is_empty() {
            Problem::not_found()
        } else {
            let detail = "The method is not known at this address.";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
                .header("Allow", format!("{}, OPTIONS", methods.join(", ")))
        };
        Answer::problem(&problem, &request.id)
    });
    finish(app.doors(), request, answer)
}
