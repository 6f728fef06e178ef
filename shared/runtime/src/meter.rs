//! What one invocation did, counted while it runs and told in one line at its end.
//!
//! The line is a log line and, in CloudWatch's embedded metric format, its metrics: the logs are
//! where they are made, and no call leaves for them. A call finds its meter by its task, because
//! the local shop runs all functions in one process, many at a time.
//!
//! Invariants: an invocation has one line at most; a line names no person, address or token; what
//! did not happen is not in it, for a metric costs money from its first value on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Problem, Request};
use domain::event::Counted;
use domain::trace::TraceId;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use store::Watch;

use crate::clock::Clock;
use crate::cost::{self, Use};

/// The namespace of all metrics of ours.
pub const NAMESPACE: &str = "Fluxion";
/// The dimension of what is told by operation.
pub const DIMENSION: &str = "op";
/// Where a wrong password, code or key of somebody who wants in is answered.
const LOGINS: [&str; 3] = ["identity.store.login", "identity.admin.login", "identity.admin.mfa"];

tokio::task_local! {
    static CALL: Arc<Meter>;
}

/// What is counted or measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Orders that were made of carts, whether or not they wait for their payment.
    OrdersPlaced,
    /// Orders whose money is taken or reserved, or that cost nothing.
    OrdersPaid,
    /// Orders that ended without having been paid.
    OrdersFailed,
    /// Refunds that succeeded.
    Refunds,
    /// How long a request took.
    Latency,
    /// Calls of DynamoDB, each try.
    RoundTrips,
    /// Read units that DynamoDB billed.
    ReadUnits,
    /// Write units that DynamoDB billed.
    WriteUnits,
    /// Tries of calls of AWS after the first.
    Retries,
    /// How long the oldest message of a batch had waited.
    QueueAge,
    /// Sign-ins that were refused.
    LoginFailed,
    /// How long ago it happened what a webhook tells of.
    WebhookLag,
    /// Invocations that began with a start.
    ColdStarts,
    /// Invocations that we failed: an answer of 500 and above, none, or messages that come again.
    Faults,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 14] = [
        Self::OrdersPlaced,
        Self::OrdersPaid,
        Self::OrdersFailed,
        Self::Refunds,
        Self::Latency,
        Self::RoundTrips,
        Self::ReadUnits,
        Self::WriteUnits,
        Self::Retries,
        Self::QueueAge,
        Self::LoginFailed,
        Self::WebhookLag,
        Self::ColdStarts,
        Self::Faults,
    ];

    /// Its name in CloudWatch.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrdersPlaced => "orders_placed",
            Self::OrdersPaid => "orders_paid",
            Self::OrdersFailed => "orders_failed",
            Self::Refunds => "refunds",
            Self::Latency => "latency_ms",
            Self::RoundTrips => "dynamodb_round_trips",
            Self::ReadUnits => "consumed_read_units",
            Self::WriteUnits => "consumed_write_units",
            Self::Retries => "retries",
            Self::QueueAge => "queue_age_seconds",
            Self::LoginFailed => "login_failed",
            Self::WebhookLag => "webhook_lag_seconds",
            Self::ColdStarts => "cold_starts",
            Self::Faults => "faults",
        }
    }

    /// Its unit, by CloudWatch's names of units.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Latency => "Milliseconds",
            Self::QueueAge | Self::WebhookLag => "Seconds",
            Self::OrdersPlaced
            | Self::OrdersPaid
            | Self::OrdersFailed
            | Self::Refunds
            | Self::RoundTrips
            | Self::ReadUnits
            | Self::WriteUnits
            | Self::Retries
            | Self::LoginFailed
            | Self::ColdStarts
            | Self::Faults => "Count",
        }
    }

    /// Whether it is told by operation, too, and not as a total alone. Each operation is a metric
    /// of its own on the bill; of the others, the line tells the operation to who asks the logs.
    pub const fn is_by_op(self) -> bool {
        matches!(self, Self::Latency | Self::Faults)
    }
}

/// What an invocation is told of itself by whoever invokes.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The invocation's own id; none where nobody gives any.
    pub request_id: Option<String>,
    /// The trace that Lambda works in.
    pub trace: Option<TraceId>,
}

/// What a function is, as its lines say it.
#[derive(Debug, Clone)]
pub(crate) struct Plate {
    pub(crate) op: &'static str,
    /// `http`, `queue`, `schedule`, `stream`, `upload`, `invoked`.
    pub(crate) trigger: &'static str,
    /// The method and the path with its placeholders, of an HTTP endpoint.
    pub(crate) route: Option<(&'static str, &'static str)>,
    pub(crate) memory_mb: u32,
}

/// The meter of one invocation.
#[derive(Debug)]
pub(crate) struct Meter {
    plate: Plate,
    clock: Clock,
    began: Timestamp,
    is_cold: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    trace: TraceId,
    request_id: String,
    status: Option<u16>,
    code: Option<&'static str>,
    messages: Option<usize>,
    db_micros: u32,
    counts: BTreeMap<Metric, f64>,
}

impl Meter {
    /// Begins an invocation.
    pub(crate) fn begin(plate: &Plate, clock: &Clock, asked: &Asked, is_cold: bool) -> Arc<Self> {
        let began = clock.now();
        let request_id = asked.request_id.clone().unwrap_or_default();
        let trace = asked.trace.unwrap_or_else(|| {
            TraceId::derived(plate.op, &format!("{request_id} {}", began.as_nanosecond()))
        });
        let mut counts = BTreeMap::new();
        if is_cold {
            counts.insert(Metric::ColdStarts, 1.0);
        }
        let state = State {
            trace,
            request_id,
            status: None,
            code: None,
            messages: None,
            db_micros: 0,
            counts,
        };
        let (plate, clock) = (plate.clone(), clock.clone());
        Arc::new(Self { plate, clock, began, is_cold, state: Mutex::new(state) })
    }

    /// Runs a future as this invocation.
    pub(crate) async fn scope<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        CALL.scope(Arc::clone(self), work).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, metric: Metric, value: f64) {
        *self.state().counts.entry(metric).or_default() += value;
    }

    /// The greatest counts.
    fn raise(&self, metric: Metric, value: f64) {
        let mut state = self.state();
        let known = state.counts.entry(metric).or_default();
        *known = known.max(value);
    }

    /// A request is what it is about. Its trace is the one that it names, or the gateway's.
    pub(crate) fn request(&self, request: &Request) {
        let named = request.header("traceparent").and_then(TraceId::of_traceparent);
        let gateways = || request.header("x-amzn-trace-id").and_then(TraceId::of_xray);
        let mut state = self.state();
        if let Some(trace) = named.or_else(gateways) {
            state.trace = trace;
        }
        state.request_id.clone_from(&request.id);
    }

    /// Messages are what it is about.
    pub(crate) fn messages(&self, messages: &[queue::Message]) {
        let sent = messages.iter().filter_map(|message| message.sent_at).min();
        if let Some(sent) = sent {
            let waited = self.began.duration_since(sent);
            self.raise(Metric::QueueAge, seconds(waited));
        }
        let mut state = self.state();
        state.messages = Some(messages.len());
        if let Some(trace) = messages.iter().find_map(|message| message.trace) {
            state.trace = trace;
        }
    }

    /// This is the answer.
    pub(crate) fn answered(&self, status: u16) {
        let is_refused_login = status == 401 && LOGINS.contains(&self.plate.op);
        if is_refused_login {
            self.add(Metric::LoginFailed, 1.0);
        }
        if status >= 500 {
            self.failed();
        }
        self.state().status = Some(status);
    }

    /// It could not be done: counted once, however many say so.
    pub(crate) fn failed(&self) {
        self.raise(Metric::Faults, 1.0);
    }

    fn micros(&self) -> u32 {
        let took = self.clock.now().duration_since(self.began);
        u32::try_from(took.as_micros().max(0)).unwrap_or(u32::MAX)
    }

    fn cost(&self, state: &State, micros: u32) -> u64 {
        let count = |metric| state.counts.get(&metric).copied().unwrap_or_default();
        cost::nanodollars(&Use {
            is_http: self.plate.route.is_some(),
            micros,
            memory_mb: self.plate.memory_mb,
            read_units: count(Metric::ReadUnits),
            write_units: count(Metric::WriteUnits),
        })
    }

    /// What `Server-Timing` says: how long it took so far, what of it at the database, and what it
    /// costs.
    pub(crate) fn server_timing(&self) -> String {
        let micros = self.micros();
        let state = self.state();
        let trips = state.counts.get(&Metric::RoundTrips).copied().unwrap_or_default();
        let cost = self.cost(&state, micros);
        format!(
            "total;dur={}, db;dur={};desc=\"{trips} trips\", cost;desc=\"{cost} nUSD\"",
            millis(micros),
            millis(state.db_micros),
        )
    }

    /// The fields that every line of the log carries while it runs.
    fn fields(&self, line: &mut Map<String, Value>) {
        let state = self.state();
        line.insert("op".to_owned(), json!(self.plate.op));
        line.insert("trace_id".to_owned(), json!(state.trace.to_string()));
        if !state.request_id.is_empty() {
            line.insert("request_id".to_owned(), json!(state.request_id));
        }
    }

    /// The line that tells of it all. Each invocation writes one: it is written at once, without a
    /// tree of values before it.
    pub(crate) fn line(&self) -> String {
        let micros = self.micros();
        let now = self.clock.now();
        let mut state = self.state();
        if self.plate.route.is_some() {
            // Only what somebody waits for has a latency; a job's duration is Lambda's own metric.
            state.counts.insert(Metric::Latency, millis(micros));
        }
        let line = Line {
            op: self.plate.op,
            trace_id: state.trace,
            request_id: &state.request_id,
            route: self.plate.route.map(|(method, path)| format!("{method} {path}")),
            timestamp: now,
            level: "INFO",
            message: "invoked",
            trigger: self.plate.trigger,
            cold_start: self.is_cold,
            duration_ms: Figure(millis(micros)),
            cost_nanodollars: self.cost(&state, micros),
            dynamodb_ms: (state.db_micros > 0).then(|| Figure(millis(state.db_micros))),
            status: state.status,
            code: state.code,
            messages: state.messages,
            counts: Counts(&state.counts),
            directive: (!state.counts.is_empty()).then(|| Directive::of(now, &state.counts)),
        };
        // All its names are texts, and nothing in it refuses to be written.
        serde_json::to_string(&line).unwrap_or_default()
    }
}

/// The line of an invocation.
#[derive(Serialize)]
struct Line<'a> {
    op: &'static str,
    #[serde(serialize_with = "as_text")]
    trace_id: TraceId,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<String>,
    timestamp: Timestamp,
    level: &'static str,
    message: &'static str,
    trigger: &'static str,
    cold_start: bool,
    duration_ms: Figure,
    cost_nanodollars: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dynamodb_ms: Option<Figure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<usize>,
    #[serde(flatten)]
    counts: Counts<'a>,
    #[serde(rename = "_aws", skip_serializing_if = "Option::is_none")]
    directive: Option<Directive>,
}

fn as_text<S: Serializer>(shown: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(shown)
}

/// What was counted, by the metrics' names.
struct Counts<'a>(&'a BTreeMap<Metric, f64>);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(metric, value)| (metric.name(), Figure(*value))))
    }
}

/// A number as JSON has it: whole ones without a point.
struct Figure(f64);

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < 1e15 {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(self.0)
    }
}

/// Which members of a line are metrics, for CloudWatch.
/// Source: CloudWatch user guide, "Specification: Embedded metric format".
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    timestamp: i64,
    #[serde(rename = "CloudWatchMetrics")]
    groups: Vec<Group>,
}

/// Metrics that are told by the same dimensions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    namespace: &'static str,
    dimensions: &'static [&'static [&'static str]],
    metrics: Vec<Named>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: &'static str,
    unit: &'static str,
}

impl Directive {
    fn of(now: Timestamp, counts: &BTreeMap<Metric, f64>) -> Self {
        const BY_OP: &[&[&str]] = &[&[DIMENSION], &[]];
        const TOTALS: &[&[&str]] = &[&[]];
        let group = |dimensions, is_by_op: bool| {
            let metrics: Vec<Named> = counts
                .keys()
                .filter(|metric| metric.is_by_op() == is_by_op)
                .map(|metric| Named { name: metric.name(), unit: metric.unit() })
                .collect();
            (!metrics.is_empty()).then_some(Group { namespace: NAMESPACE, dimensions, metrics })
        };
        let groups = [group(BY_OP, true), group(TOTALS, false)];
        Self { timestamp: now.as_millisecond(), groups: groups.into_iter().flatten().collect() }
    }
}

fn millis(micros: u32) -> f64 {
    f64::from(micros) / 1000.0
}

fn seconds(duration: SignedDuration) -> f64 {
    (duration.as_secs_f64().max(0.0) * 1000.0).round() / 1000.0
}

/// Asks the meter of the present call, if there is one.
pub(crate) fn of_call<T>(ask: impl FnOnce(&Meter) -> T) -> Option<T> {
    CALL.try_with(|meter| ask(meter)).ok()
}

/// What the present call says in every line of the log.
pub(crate) fn fields(line: &mut Map<String, Value>) {
    of_call(|meter| meter.fields(line));
}

/// The trace of the present call.
pub fn trace() -> Option<TraceId> {
    of_call(|meter| meter.state().trace)
}

/// The present call goes on in another trace: with the next message, or with what somebody else
/// began. A request, which somebody waits for, stays in its own.
pub(crate) fn go_on_in(trace: TraceId) {
    let before = of_call(|meter| {
        let is_waited_for = meter.plate.trigger == "http";
        let mut state = meter.state();
        (!is_waited_for).then(|| std::mem::replace(&mut state.trace, trace))
    });
    if let Some(Some(before)) = before
        && before != trace
    {
        tracing::debug!(caused_by = %before, "goes on in another trace");
    }
}

/// As [`go_on_in`], told in the log: the two traces are one story.
fn follow(trace: TraceId) {
    let before = self::trace();
    go_on_in(trace);
    if self::trace() == Some(trace)
        && let Some(before) = before.filter(|before| *before != trace)
    {
        tracing::info!(caused_by = %before, "goes on in the trace of its order");
    }
}

/// A webhook tells of something that happened so long ago.
pub fn heard_after(lag: SignedDuration) {
    of_call(|meter| meter.raise(Metric::WebhookLag, seconds(lag)));
}

/// The request was refused with this problem.
pub(crate) fn refused(problem: &Problem) {
    of_call(|meter| meter.state().code = Some(problem.code));
}

fn counted(counted: Counted) {
    let metric = match counted {
        Counted::OrderPlaced => Metric::OrdersPlaced,
        Counted::OrderPaid => Metric::OrdersPaid,
        Counted::OrderFailed => Metric::OrdersFailed,
        Counted::Refund => Metric::Refunds,
    };
    of_call(|meter| meter.add(metric, 1.0));
}

/// How the store takes part.
pub(crate) const WATCH: Watch = Watch { trace, follow, counted };

/// A call of AWS leaves.
pub(crate) fn sent(is_dynamodb: bool, is_retry: bool) {
    of_call(|meter| {
        if is_dynamodb {
            meter.add(Metric::RoundTrips, 1.0);
        }
        if is_retry {
            meter.add(Metric::Retries, 1.0);
        }
    });
}

/// The time, by the clock of the present call.
pub(crate) fn now() -> Option<Timestamp> {
    of_call(|meter| meter.clock.now())
}

/// A call of DynamoDB took so long.
pub(crate) fn waited(duration: SignedDuration) {
    let micros = u32::try_from(duration.as_micros().max(0)).unwrap_or(u32::MAX);
    of_call(|meter| {
        let mut state = meter.state();
        state.db_micros = state.db_micros.saturating_add(micros);
    });
}

/// DynamoDB bills so much.
pub(crate) fn consumed(read: f64, written: f64) {
    of_call(|meter| {
        for (metric, units) in [(Metric::ReadUnits, read), (Metric::WriteUnits, written)] {
            if units > 0.0 {
                meter.add(metric, units);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    const CLICK: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn plate(op: &'static str, trigger: &'static str) -> Plate {
        let route = (trigger == "http").then_some(("POST", "/v1/store/carts/{id}/complete"));
        Plate { op, trigger, route, memory_mb: 256 }
    }

    /// A clock that goes on by a quarter of a millisecond each time it is asked.
    fn clock() -> Clock {
        let at = Arc::new(AtomicI64::new(1_790_000_000_000_000));
        Clock::of(move || Timestamp::from_microsecond(at.fetch_add(250, Ordering::SeqCst)).unwrap())
    }

    fn line(meter: &Meter) -> Value {
        let line = meter.line();
        assert!(!line.contains('\n'));
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn a_line_is_in_the_embedded_metric_format() {
        let meter = Meter::begin(&plate("a.b.c", "http"), &clock(), &Asked::default(), true);
        let work = async {
            sent(true, false);
            sent(true, true);
            sent(false, true);
            consumed(0.5, 3.0);
            consumed(1.0, 0.0);
            counted(Counted::OrderPlaced);
            heard_after(SignedDuration::from_millis(1_500));
        };
        meter.scope(work).now_or_never().unwrap();
        meter.answered(503);
        meter.failed();
        let line = line(&meter);
        let aws = &line["_aws"];
        let at = aws["Timestamp"].as_i64().unwrap();
        assert!((1_790_000_000_000..1_790_000_000_100).contains(&at), "milliseconds: {at}");
        let directives = aws["CloudWatchMetrics"].as_array().unwrap();
        let mut told = BTreeMap::new();
        for directive in directives {
            assert_eq!(directive["Namespace"], "Fluxion");
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=100).contains(&metrics.len()));
            for metric in metrics {
                let name = metric["Name"].as_str().unwrap();
                assert!(line[name].is_number(), "{name} has a value");
                assert!(line["op"].is_string(), "the dimension has one, too");
                let unit = metric["Unit"].as_str().unwrap();
                assert!(["Count", "Milliseconds", "Seconds"].contains(&unit), "{unit}");
                told.insert(name, directive["Dimensions"].to_string());
            }
        }
        let (by_op, total) = (r#"[["op"],[]]"#, "[[]]");
        let wanted = [
            ("cold_starts", total),
            ("consumed_read_units", total),
            ("consumed_write_units", total),
            ("dynamodb_round_trips", total),
            ("faults", by_op),
            ("latency_ms", by_op),
            ("orders_placed", total),
            ("retries", total),
            ("webhook_lag_seconds", total),
        ];
        let told: Vec<_> = told.iter().map(|(name, set)| (*name, set.as_str())).collect();
        assert_eq!(told, wanted);
        assert_eq!((&line["faults"], &line["retries"]), (&json!(1), &json!(2)));
        assert_eq!(line["consumed_read_units"], json!(1.5));
        assert_eq!(line["webhook_lag_seconds"], json!(1.5));
    }

    #[test]
    fn a_job_that_did_nothing_makes_no_metric() {
        let meter = Meter::begin(&plate("a.b.c", "schedule"), &clock(), &Asked::default(), false);
        let line = line(&meter);
        assert_eq!(line.get("_aws"), None);
        assert_eq!(line["cold_start"], json!(false));
        assert!(line["duration_ms"].as_f64().unwrap() > 0.0);
    }

    #[test]
    fn no_metric_has_the_name_of_another_field() {
        let http = Meter::begin(&plate("a.b.c", "http"), &clock(), &Asked::default(), false);
        http.answered(200);
        let line = line(&http);
        let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        let fields = line.as_object().unwrap().keys().filter(|key| *key != "latency_ms");
        for field in fields {
            assert!(!names.contains(&field.as_str()), "{field}");
        }
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }

    #[test]
    fn only_a_refused_sign_in_is_a_failed_login() {
        for (op, status, count) in [
            ("identity.store.login", 401, 1),
            ("identity.admin.mfa", 401, 1),
            ("identity.store.login", 200, 0),
            ("identity.store.login", 429, 0),
            ("cart.store.view", 401, 0),
        ] {
            let meter = Meter::begin(&plate(op, "http"), &clock(), &Asked::default(), false);
            meter.answered(status);
            let told = line(&meter).get("login_failed").and_then(Value::as_i64).unwrap_or(0);
            assert_eq!(told, count, "{op} {status}");
        }
    }

    fn request(headers: &[(&'static str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| {
            (::http::HeaderName::from_static(name), value.parse::<::http::HeaderValue>().unwrap())
        });
        Request {
            method: ::http::Method::POST,
            path: "/v1/x".to_owned(),
            path_parameters: Vec::new(),
            raw_query: String::new(),
            headers: headers.collect(),
            cookies: Vec::new(),
            body: bytes::Bytes::new(),
            source_ip: "192.0.2.7".to_owned(),
            id: "r1".to_owned(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_click_s_trace_comes_before_the_gateway_s_and_a_stranger_s_words_are_none() {
        let gateways = "Root=1-67891233-abcdef012345678912345678";
        let parent = format!("00-{CLICK}-00f067aa0ba902b7-01");
        let of = |headers: &[(&'static str, &str)]| {
            let meter = Meter::begin(&plate("a.b.c", "http"), &clock(), &Asked::default(), false);
            meter.request(&request(headers));
            line(&meter)["trace_id"].as_str().unwrap().to_owned()
        };
        assert_eq!(of(&[("traceparent", &parent), ("x-amzn-trace-id", gateways)]), CLICK);
        let gateway = "67891233abcdef012345678912345678";
        assert_eq!(of(&[("x-amzn-trace-id", gateways)]), gateway);
        assert_eq!(of(&[("traceparent", "x\"},{"), ("x-amzn-trace-id", gateways)]), gateway);
        let own = of(&[]);
        assert!(own.len() == 32 && own != of(&[("x-amzn-trace-id", gateways)]));
    }

    #[test]
    fn a_job_goes_on_in_another_trace_and_a_request_does_not() {
        let click = TraceId::parse(CLICK).unwrap();
        for (trigger, goes_on) in [("queue", true), ("schedule", true), ("http", false)] {
            let meter = Meter::begin(&plate("a.b.c", trigger), &clock(), &Asked::default(), false);
            let found = meter.scope(async {
                follow(click);
                trace() == Some(click)
            });
            assert_eq!(found.now_or_never(), Some(goes_on), "{trigger}");
        }
        assert_eq!(trace(), None, "outside of a call there is none");
    }

    #[test]
    fn what_a_request_took_is_said_in_a_header() {
        let meter = Meter::begin(&plate("a.b.c", "http"), &clock(), &Asked::default(), false);
        let work = async {
            sent(true, false);
            waited(SignedDuration::from_micros(1_250));
            consumed(0.5, 0.0);
        };
        meter.scope(work).now_or_never().unwrap();
        let said = meter.server_timing();
        let wanted = "total;dur=0.25, db;dur=1.25;desc=\"1 trips\", cost;desc=\"";
        assert!(said.starts_with(wanted) && said.ends_with(" nUSD\""), "{said}");
    }
}
