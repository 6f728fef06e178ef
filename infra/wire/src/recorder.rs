//! Every call that crossed the wire, counted: round trips, bytes and consumed capacity.
//!
//! Invariants: sequence numbers grow by one per recorded call and are never reused; the list of
//! calls is bounded and forgets its oldest, the totals per caller forget nothing until `reset`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many calls are kept; older ones live on in the totals only.
pub const CALLS_KEPT: usize = 65_536;

/// One attempt that crossed the wire. The SDK's own retries are separate calls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Call {
    /// Position in the history of this world, from 1; given by the recorder.
    pub seq: u64,
    /// The Handler that called, or `local`.
    pub caller: String,
    /// `dynamodb`, `sqs`, `ses`, `sns`, `secretsmanager`, `s3`, `stripe`, or the host's first
    /// label.
    pub service: String,
    /// The API operation, `TransactWriteItems`.
    pub operation: String,
    /// DynamoDB tables touched, each once and in order of mention; for SQS the queue,
    /// for S3 the bucket.
    pub tables: Vec<String>,
    /// The partition keys of the items that a transaction writes, one for each action.
    pub written: Vec<String>,
    /// The secondary index of a Query or Scan.
    pub index: Option<String>,
    /// Capacity units read, when the request asked for them.
    pub read_units: f64,
    /// Capacity units written, when the request asked for them.
    pub write_units: f64,
    /// Body of the request in bytes.
    pub request_bytes: usize,
    /// Body of the response in bytes.
    pub response_bytes: usize,
    /// HTTP status; 0 when no response reached the caller.
    pub status: u16,
    /// The service's error code, or the injected fault when no response reached the caller.
    pub error_code: Option<String>,
}

/// A point in the history of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(u64);

/// What one caller has done since the last reset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// All attempts.
    pub calls: u64,
    /// Attempts by service.
    pub round_trips: BTreeMap<String, u64>,
    /// DynamoDB capacity units read.
    pub read_units: f64,
    /// DynamoDB capacity units written.
    pub write_units: f64,
    /// Request bodies in bytes.
    pub request_bytes: u64,
    /// Response bodies in bytes.
    pub response_bytes: u64,
    /// Attempts that ended without a response or with a status of 400 and above.
    pub failures: u64,
}

/// The history of calls. Cheap to clone: all clones share one history.
#[derive(Clone, Default)]
pub struct Recorder {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last_seq: u64,
    calls: VecDeque<Call>,
    totals: BTreeMap<String, Totals>,
}

impl Recorder {
    /// Now; calls recorded later are `since` it.
    pub fn mark(&self) -> Mark {
        Mark(self.state().last_seq)
    }

    /// The calls recorded after the mark, oldest first, as far as they are still kept.
    pub fn since(&self, mark: Mark) -> Vec<Call> {
        self.state().calls.iter().filter(|call| call.seq > mark.0).cloned().collect()
    }

    /// What each caller did since the last reset.
    pub fn totals(&self) -> BTreeMap<String, Totals> {
        self.state().totals.clone()
    }

    /// Forgets all calls and totals; sequence numbers and marks go on.
    pub fn reset(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.totals.clear();
    }

    /// Adds a call of a wire that is not AWS (Stripe's), so that one history holds all. The
    /// sequence number is given here.
    pub fn record(&self, mut call: Call) {
        let mut state = self.state();
        state.last_seq += 1;
        call.seq = state.last_seq;
        state.totals.entry(call.caller.clone()).or_default().add(&call);
        if state.calls.len() == CALLS_KEPT {
            state.calls.pop_front();
        }
        state.calls.push_back(call);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Totals {
    fn add(&mut self, call: &Call) {
        self.calls += 1;
        *self.round_trips.entry(call.service.clone()).or_default() += 1;
        self.read_units += call.read_units;
        self.write_units += call.write_units;
        self.request_bytes += call.request_bytes as u64;
        self.response_bytes += call.response_bytes as u64;
        self.failures += u64::from(call.status == 0 || call.status >= 400);
    }
}
