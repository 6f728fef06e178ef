//! The shop: everything opened, connected and callable.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_types::retry::RetryConfig;
use bytes::Bytes;
use futures_util::FutureExt as _;
use runtime::{Function, Platform};
use secrets::{FactorKeys, StripeKeys};
use serde_json::Value;
use stripe_twin::Twin;
use templates::Stack;
use tokio::sync::Notify;
use wire::{Deaths, Wire, as_run};

use crate::blueprint::Blueprint;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::error::Error;
use crate::gateway::{self, BODY_BYTES_MAX, Facts, Router};
use crate::message::{Request, Response};
use crate::metrics::{Kept, Meter, Metrics};
use crate::pump::Pumps;
use crate::schedule::Beats;
use crate::scratch::Scratch;
use crate::{demo, functions, keys, stripe, world};

/// No invocation takes longer, in real time: longer than any timeout in the templates, so that it
/// only ever ends what hangs.
const INVOCATION_MAX: Duration = Duration::from_secs(90);
/// The account whose events are ours.
pub const STRIPE_ACCOUNT: &str = "acct_local";
/// The sender of all mail, under an identity that is verified here.
const MAIL_FROM: &str = "Fluxion <shop@fluxion.example>";
const MAIL_IDENTITY: &str = "fluxion.example";
/// Keeps two processes out of one folder.
const LOCK_FILE: &str = "lock";
/// Links of the audit log that one query reads.
const AUDIT_AT_ONCE: i32 = 500;
/// Letters about an order that are told of: more than it gets in its life.
const LETTERS_SHOWN: i32 = 100;
/// Where the front door serves the public pictures of the bucket, by their keys.
const MEDIA: &str = "/media/";
/// How far the clock was moved ahead.
const CLOCK_FILE: &str = "clock.json";

/// How a shop is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder with `template.yaml`; the one that this crate was built in by default.
    pub root: PathBuf,
    /// Where everything is kept; in memory when there is none.
    pub data_dir: Option<PathBuf>,
    /// Time.
    pub clock: Clock,
    /// Where ids, tokens and keys come from; from the system's random numbers when there is none.
    pub seed: Option<u64>,
    /// Whether an empty catalog is filled with the demo goods.
    pub demo: bool,
    /// Whether each function may only do what its own policy grants.
    pub enforce_iam: bool,
    /// How often the SDK tries a call, the first time included.
    pub sdk_attempts: u32,
    /// The port in the shop's own address.
    pub port: u16,
    /// Where the carriers' API is; EasyPost's own where absent.
    pub carrier_base: Option<String>,
    /// Whether webhooks may be sent to this machine itself, where their receiver is being written.
    pub webhooks_to_loopback: bool,
    /// Template parameters that differ from the local shop's.
    pub parameters: BTreeMap<String, String>,
}

impl Default for Options {
    /// A story: in memory, a clock that stands, seed 1, no goods, all permissions checked, three
    /// attempts.
    fn default() -> Self {
        Self {
            root: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
            data_dir: None,
            clock: Clock::story(),
            seed: Some(1),
            demo: false,
            enforce_iam: true,
            sdk_attempts: 3,
            port: 3000,
            carrier_base: None,
            webhooks_to_loopback: false,
            parameters: BTreeMap::new(),
        }
    }
}

/// The whole shop. Clones are one shop.
#[derive(Clone)]
pub struct Shop(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) stack: Arc<Stack>,
    pub(crate) wire: Wire,
    pub(crate) twin: Twin,
    pub(crate) clock: Clock,
    pub(crate) root: PathBuf,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) pumps: Pumps,
    pub(crate) beats: Beats,
    /// Told when something may have work that no AWS call announces.
    pub(crate) moved: Arc<Notify>,
    pub(crate) keys: StripeKeys,
    pub(crate) factors: FactorKeys,
    pub(crate) base_url: String,
    pub(crate) chance: Chance,
    pub(crate) ids: runtime::Ids,
    pub(crate) sdk_attempts: u32,
    pub(crate) router: Arc<Router>,
    pub(crate) stripe: stripe::Port,
    pub(crate) carrier_base: Option<String>,
    pub(crate) webhooks_to_loopback: bool,
    pub(crate) warm: Mutex<HashMap<String, Arc<Function>>>,
    pub(crate) meter: Meter,
    pub(crate) lines: Kept,
    pub(crate) requests: AtomicU64,
    /// Runs of functions, to tell them apart.
    pub(crate) runs: AtomicU64,
    /// What functions have as `/tmp`.
    pub(crate) scratch: Scratch,
    /// Held for as long as the folder is ours.
    pub(crate) _lock: Option<std::fs::File>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.wire.shutdown();
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop").field("base_url", &self.0.base_url).finish_non_exhaustive()
    }
}

/// What became of an invocation.
#[derive(Debug)]
pub enum Outcome {
    /// The function's answer.
    Answered(Value),
    /// It failed; it has said why in the log.
    Failed,
    /// It was killed in the middle of a call, as the fault plan wanted.
    Died,
    /// It took too long.
    TimedOut,
}

impl Outcome {
    /// The answer, if there is one.
    pub fn answer(self) -> Option<Value> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Failed | Self::Died | Self::TimedOut => None,
        }
    }
}

impl Shop {
    /// Opens the shop. Needs a running Tokio runtime; functions start cold, at their first call.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let Options {
            root,
            data_dir,
            clock,
            seed,
            demo,
            enforce_iam,
            sdk_attempts,
            port,
            carrier_base,
            webhooks_to_loopback,
            parameters,
        } = options;
        let root = root
            .canonicalize()
            .map_err(|error| Error::Io(format!("no folder {}", root.display()), error))?;
        let base_url = format!("http://127.0.0.1:{port}");
        let Blueprint { stack, router, policies } =
            Blueprint::read(&root, all_parameters(&base_url, parameters))?;
        let chance = Chance::new(seed);
        let lock = match &data_dir {
            None => None,
            Some(folder) => {
                let lock = lock(folder)?;
                clock.advance_ms(kept_shift(folder));
                Some(lock)
            }
        };
        let now = clock.clone();
        let now_ms: wire::NowMs = Arc::new(move || now.now_ms());
        let wire = Wire::start(wire::Options {
            data_dir: data_dir.clone(),
            now_ms: Arc::clone(&now_ms),
            seed: chance.seed("wire"),
            region: templates::REGION.to_owned(),
            account: templates::ACCOUNT.to_owned(),
        })
        .await?;
        world::fill(&wire, &stack).await?;
        wire.ses().verify(MAIL_IDENTITY)?;
        let keys::Placed { stripe: keys, factors } =
            keys::place(&wire, chance, &stack.secrets).await?;
        let twin = Twin::open(stripe_twin::Options {
            data: data_dir.as_ref().map(|folder| folder.join("stripe.db")),
            now_ms,
            seed: chance.seed("stripe"),
            account: STRIPE_ACCOUNT.to_owned(),
            webhook_secret: keys.webhook_secrets.first().cloned().unwrap_or_default(),
            webhook_url: format!("{base_url}/v1/hooks/stripe"),
        })?;
        let moved = Arc::new(Notify::new());
        let stripe = stripe::Port::open(twin.clone(), &wire, Arc::clone(&moved)).await?;
        if enforce_iam {
            wire.iam().set_as(&policies);
        }
        let pumps = Pumps::new(&stack, &wire, data_dir.as_deref())?;
        let place = demo::Place::of(&wire, &stack);
        if demo && demo::load(&place, &root, &factors, clock.now()).await? {
            pumps.skip(&wire).await;
        }
        let beats = Beats::new(&stack, clock.now_ms());
        Ok(Self(Arc::new(Inner {
            stack,
            wire,
            twin,
            clock,
            root,
            data_dir,
            pumps,
            beats,
            moved,
            keys,
            factors,
            base_url,
            chance,
            ids: chance.ids(),
            sdk_attempts,
            router,
            stripe,
            carrier_base,
            webhooks_to_loopback,
            warm: Mutex::default(),
            meter: Meter::default(),
            lines: Kept::default(),
            requests: AtomicU64::new(0),
            runs: AtomicU64::new(0),
            scratch: Scratch::new(),
            _lock: lock,
        })))
    }

    /// Sends a request through the gateway, or to the local shop's own surface under `/_local/`.
    pub async fn request(
        &self,
        method: &str,
        path_and_query: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
        source_ip: &str,
    ) -> Response {
        let mut request = Request::new(method, path_and_query).from_ip(source_ip);
        request.body = body.into();
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.send(request).await
    }

    /// As [`Shop::request`].
    pub async fn send(&self, request: Request) -> Response {
        if request.path().starts_with(MEDIA) {
            return self.media(&request);
        }
        if request.path() == "/_local" || request.path().starts_with("/_local/") {
            return self.surface(&request).await;
        }
        let number = self.0.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let request_id = self.0.ids.token().chars().take(16).collect::<String>();
        let request_id = format!("{request_id}{number:x}");
        if request.body.len() > BODY_BYTES_MAX {
            return gateway::failure(413, &request_id);
        }
        let Some((handler, event)) = self.event(&request, &request_id) else {
            return gateway::failure(404, &request_id);
        };
        let mut response = match self.invoke(&handler, event).await {
            Outcome::Answered(answer) => gateway::response(&answer, &request_id),
            Outcome::Failed => gateway::failure(500, &request_id),
            Outcome::Died => gateway::failure(502, &request_id),
            Outcome::TimedOut => gateway::failure(504, &request_id),
        };
        if request.method == "HEAD" {
            response.headers.push(("content-length".to_owned(), response.body.len().to_string()));
            response.body = Bytes::new();
        }
        response
    }

    /// The function that the gateway gives a request to, and the event that it makes of it; none
    /// where no template routes it. Whoever runs functions elsewhere begins here.
    pub fn event(&self, request: &Request, request_id: &str) -> Option<(String, Value)> {
        let target = self.0.router.target(&request.method, request.path())?;
        let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let host = host.map_or_else(
            || self.0.base_url.trim_start_matches("http://").to_owned(),
            |(_, host)| host.clone(),
        );
        let facts = Facts { now: self.0.clock.now(), request_id, host: &host };
        let event = gateway::event(request, &target, &facts);
        Some((target.handler, event))
    }

    /// Invokes a function with an event, as Lambda does. A function that dies or hangs loses its
    /// memory: the next call starts it cold.
    pub async fn invoke(&self, handler: &str, event: Value) -> Outcome {
        let function = match self.function(handler) {
            Ok(function) => function,
            Err(error) => {
                tracing::error!(op = handler, %error, "the function does not start");
                return Outcome::Failed;
            }
        };
        let began = Instant::now();
        let mut deaths = self.0.wire.faults().deaths();
        let run = self.0.runs.fetch_add(1, Ordering::Relaxed);
        let work = AssertUnwindSafe(as_run(run, function.invoke(event))).catch_unwind();
        let outcome = tokio::select! {
            biased;
            () = death_of(&mut deaths, handler, run) => Outcome::Died,
            result = work => match result {
                Ok(Ok(answer)) => Outcome::Answered(answer),
                Ok(Err(_)) => Outcome::Failed,
                Err(_) => {
                    tracing::error!(op = handler, "the function panicked");
                    Outcome::Failed
                }
            },
            () = tokio::time::sleep(INVOCATION_MAX) => {
                tracing::error!(op = handler, "the function did not end in time");
                Outcome::TimedOut
            }
        };
        if matches!(outcome, Outcome::Died | Outcome::TimedOut) {
            self.warm().remove(handler);
        }
        let is_failure = !matches!(outcome, Outcome::Answered(_));
        self.0.meter.count(handler, began.elapsed(), is_failure);
        outcome
    }

    /// Starts every function, so that what is missing in the templates is said now, all at once.
    pub fn warm_up(&self) -> Result<(), Error> {
        let functions = self.0.stack.functions.iter();
        let faults: Vec<String> = functions
            .filter_map(|function| self.function(&function.handler).err())
            .map(|error| error.to_string())
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Error::Setup(faults.join("\n"))) }
    }

    /// The lines of the last invocations, oldest first: what CloudWatch would have made metrics of.
    pub fn lines(&self) -> Vec<Value> {
        self.0.lines.read()
    }

    /// Forgets every function's memory: the next call of each is a cold start.
    pub fn cool_down(&self) {
        self.warm().clear();
    }

    /// Starts a function as Lambda does, cold: what is wrong with its variables and secrets is
    /// said at once. The function is not kept.
    pub async fn start(&self, handler: &str) -> Result<(), Error> {
        let platform = self.platform(handler)?;
        functions::start(handler, &platform).await.map(drop).map_err(Error::from)
    }

    fn function(&self, handler: &str) -> Result<Arc<Function>, Error> {
        if let Some(function) = self.warm().get(handler) {
            return Ok(Arc::clone(function));
        }
        let function = Arc::new(functions::load(handler, &self.platform(handler)?)?);
        self.warm().insert(handler.to_owned(), Arc::clone(&function));
        Ok(function)
    }

    /// The variables of a function: those that its template declares, and where this shop's twins
    /// are reached.
    pub fn variables(&self, handler: &str) -> Result<BTreeMap<String, String>, Error> {
        let declared = self.0.stack.function(handler);
        let Some(declared) = declared else {
            return Err(Error::Setup(format!("no template declares {handler}")));
        };
        let mut variables = declared.environment.clone();
        variables.insert("_HANDLER".to_owned(), handler.to_owned());
        if variables.contains_key("SECRET_STRIPE") {
            variables.insert("STRIPE_API_BASE".to_owned(), self.0.stripe.base_url(handler));
        }
        if variables.contains_key("SECRET_CARRIER")
            && let Some(base) = &self.0.carrier_base
        {
            variables.insert("CARRIER_API_BASE".to_owned(), base.clone());
        }
        if handler.starts_with("webhooks.") && self.0.webhooks_to_loopback {
            variables.insert("WEBHOOK_LOOPBACK".to_owned(), "allowed".to_owned());
        }
        if variables.contains_key("FILES_URL") {
            let url = files_url(&self.0.base_url, &self.0.stack);
            variables.insert("FILES_URL".to_owned(), url);
        }
        if variables.contains_key("SEARCH_FOLDER") {
            let folder = self.0.scratch.path().join("search");
            variables.insert("SEARCH_FOLDER".to_owned(), folder.display().to_string());
        }
        let memory_mb = declared.memory_mb.to_string();
        variables.insert("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(), memory_mb);
        Ok(variables)
    }

    /// What a function stands on.
    fn platform(&self, handler: &str) -> Result<Platform, Error> {
        let variables = self.variables(handler)?;
        let retries = RetryConfig::standard()
            .with_max_attempts(self.0.sdk_attempts.max(1))
            .with_initial_backoff(Duration::from_millis(1))
            .with_max_backoff(Duration::from_millis(2));
        let aws = self.0.wire.sdk_config(handler).into_builder().retry_config(retries).build();
        let clock = self.0.clock.function_clock();
        let lines = self.0.lines.writer();
        Ok(Platform { variables, aws, clock, ids: self.0.ids.clone(), lines })
    }

    fn warm(&self) -> MutexGuard<'_, HashMap<String, Arc<Function>>> {
        self.0.warm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the templates declare.
    pub fn stack(&self) -> &Stack {
        &self.0.stack
    }

    /// The emulated AWS, with its recorder, fault plan and IAM check.
    pub fn wire(&self) -> &Wire {
        &self.0.wire
    }

    /// The twin of Stripe.
    pub fn twin(&self) -> &Twin {
        &self.0.twin
    }

    /// Time.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Where the shop is: `http://127.0.0.1:3000`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// The payment provider's keys.
    pub fn stripe_keys(&self) -> &StripeKeys {
        &self.0.keys
    }

    /// What the authenticator app of the demo's owner is told, in base32.
    pub fn demo_owner_secret(&self) -> Option<String> {
        demo::owner_secret(&self.0.factors)
    }

    /// An SDK configuration of the host itself: never checked, counted or faulted.
    pub fn sdk_config(&self) -> aws_config::SdkConfig {
        self.0.wire.sdk_config(wire::LOCAL)
    }

    /// A store over all tables for the host itself: to look at, or to arrange what lies in them.
    pub fn store(&self) -> store::Store {
        self.place().store()
    }

    /// The emulated tables and the bucket, for the host itself.
    pub(crate) fn place(&self) -> demo::Place {
        demo::Place::of(&self.0.wire, &self.0.stack)
    }

    /// An order, explained in plain language; its id or its number.
    pub async fn explain(&self, order: &str) -> Result<Vec<String>, Error> {
        let unknown = || Error::Setup(format!("no order is called {order}"));
        let store = self.store();
        let id = if let Ok(id) = domain::id::OrderId::parse(order) {
            Some(id)
        } else {
            // People type small letters, and a space too many.
            let number = order.trim().to_ascii_uppercase();
            store.order_by_number(&number).await?.map(|order| order.id)
        };
        let file = store.order(id.ok_or_else(unknown)?).await?.ok_or_else(unknown)?;
        let id = file.order.id;
        let mut entries = Vec::new();
        for payment in &file.payments {
            entries.extend(store.payment_entries(payment.id).await?);
        }
        let chart = domain::doctor::Chart {
            order: &file.order,
            payments: &file.payments,
            entries: &entries,
            refunds: &file.refunds,
            parcels: &file.parcels,
            returns: &file.returns,
            disputes: &file.disputes,
            edits: &file.edits,
            invoices: &store.invoices_of(id).await?,
            letters: &store.messages_about(id, LETTERS_SHOWN, None).await?.entries,
        };
        Ok(domain::doctor::explain(chart, self.0.clock.now()))
    }

    /// The whole audit log, oldest link first.
    pub async fn audit_log(&self) -> Result<Vec<domain::audit::Link>, Error> {
        let (store, mut log) = (self.store(), Vec::new());
        loop {
            let after = log.last().map(|link: &domain::audit::Link| link.sequence);
            let links = store
                .audit(false, AUDIT_AT_ONCE, after)
                .await
                .map_err(|error| Error::setup("the audit log can not be read", error))?;
            if links.is_empty() {
                return Ok(log);
            }
            log.extend(links);
        }
    }

    /// The mails that were accepted, oldest first.
    pub fn mails(&self) -> Vec<wire::Mail> {
        self.0.wire.ses().mails()
    }

    /// The texts that were accepted, oldest first.
    pub fn texts(&self) -> Vec<wire::TextMessage> {
        self.0.wire.sns().texts()
    }

    /// What each function did, by Handler.
    pub fn metrics(&self) -> BTreeMap<String, Metrics> {
        self.0.meter.read(&self.0.wire.recorder().totals())
    }

    /// Ends when something may have work that no AWS call announces.
    pub(crate) async fn moved(&self) {
        self.0.moved.notified().await;
    }

    /// Keeps the clock's shift for the next start, where there is a folder.
    pub(crate) fn keep_shift(&self) {
        let Some(folder) = self.0.data_dir.as_ref().filter(|_| !self.0.clock.is_manual()) else {
            return;
        };
        let text = serde_json::json!({"shift_ms": self.0.clock.shift_ms()}).to_string();
        if let Err(error) = replace(&folder.join(CLOCK_FILE), &text) {
            tracing::error!(%error, "the clock's shift is not kept");
        }
    }
}

/// Where browsers reach S3 here.
pub(crate) const S3_MOUNT: &str = "/_local/s3";

/// Where the shop's bucket is reached.
fn files_url(base_url: &str, stack: &Stack) -> String {
    let bucket = stack.buckets.first().map(|bucket| bucket.name.as_str()).unwrap_or_default();
    format!("{base_url}{S3_MOUNT}/{bucket}")
}

/// Ends when this run of a caller dies; where it is not known which does, any of its name.
async fn death_of(deaths: &mut tokio::sync::watch::Receiver<Deaths>, handler: &str, run: u64) {
    loop {
        if deaths.changed().await.is_err() {
            return std::future::pending().await;
        }
        let is_ours = deaths.borrow().last.as_ref().is_some_and(|call| {
            call.caller == handler && call.run.is_none_or(|number| number == run)
        });
        if is_ours {
            return;
        }
    }
}

fn all_parameters(base_url: &str, given: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let with_localhost = base_url.replace("127.0.0.1", "localhost");
    let ours = [
        ("Stage", "local".to_owned()),
        ("ShopUrl", base_url.to_owned()),
        ("AllowedOrigins", format!("{base_url},{with_localhost}")),
        ("MailFrom", MAIL_FROM.to_owned()),
        ("MailIdentity", MAIL_IDENTITY.to_owned()),
        ("DeletionProtection", "false".to_owned()),
        ("AWS::Region", templates::REGION.to_owned()),
        ("AWS::AccountId", templates::ACCOUNT.to_owned()),
    ];
    let mut all: BTreeMap<String, String> =
        ours.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    all.extend(given);
    all
}

fn lock(folder: &Path) -> Result<std::fs::File, Error> {
    let io = |what: &str| {
        let what = format!("{what} {}", folder.display());
        move |error| Error::Io(what, error)
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    // Keys and mails lie in there.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(io("cannot make"))?;
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK_FILE))
        .map_err(io("cannot lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Error::Setup(format!("another shop is open in {}", folder.display())))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(io("cannot lock")(error)),
    }
}

fn kept_shift(folder: &Path) -> i64 {
    let text = std::fs::read_to_string(folder.join(CLOCK_FILE)).unwrap_or_default();
    let kept: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    kept.get("shift_ms").and_then(Value::as_i64).unwrap_or(0)
}

/// Writes a file as a whole: a process killed meanwhile leaves the old one.
pub(crate) fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    std::fs::write(&draft, text)?;
    std::fs::rename(draft, path)
}
