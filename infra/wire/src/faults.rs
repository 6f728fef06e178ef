//! The plan of what goes wrong, and when: one ordinal over every call of every caller but `local`.
//!
//! Invariants: a plan fires at most once; a call suffers at most one fault (the first armed wins);
//! AWS and Stripe calls count in the same sequence, so "the k-th outgoing call" has one meaning.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The caller that is never checked, counted or faulted: the host process itself.
pub const LOCAL: &str = "local";

/// What happens to the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// The service answers 500; nothing was done.
    FailBefore,
    /// It was done, and the connection broke before the response: an I/O error.
    LoseResponse,
    /// It was done, and the service answers 500.
    FailAfter,
    /// The service's own throttling error; nothing was done.
    Throttle,
    /// No answer within the client's patience; nothing was done. Told at once, without waiting.
    Timeout,
    /// It was done, but no answer came within the client's patience. Told at once.
    TimeoutAfter,
    /// The caller dies before sending: the call never returns and nothing was done.
    DieBefore,
    /// The caller dies after the effect: the call never returns.
    DieAfter,
    /// `TransactionCanceledException` with the reason `TransactionConflict` for every item.
    /// Fires only when the chosen call is a DynamoDB transaction; otherwise the plan lapses.
    TransactionConflict,
    /// It was done, and the answer is `ConditionalCheckFailedException`: what a client meets that
    /// lost an answer and tries again. Fires only when the chosen call writes one item of DynamoDB
    /// under a condition; otherwise the plan lapses. (A transaction that is tried again says that
    /// it was done: it has a token.)
    ConditionFailed,
}

/// The call being judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallId {
    /// The Handler that calls.
    pub caller: String,
    /// `dynamodb`, `sqs`, `ses`, `sns`, `secretsmanager`, `s3`, `stripe`.
    pub service: String,
    /// The API operation.
    pub operation: String,
    /// Position in the sequence since the last `reset`, from 1.
    pub ordinal: u64,
    /// Whether it writes one item of DynamoDB under a condition.
    pub is_conditional: bool,
    /// Which run of the caller it is, where that is known: of what comes over the network it is
    /// not.
    pub run: Option<u64>,
}

tokio::task_local! {
    static RUN: u64;
}

/// Runs a caller under a number of its own, so that who dies is told from others of its name.
pub async fn as_run<F: Future>(number: u64, caller: F) -> F::Output {
    RUN.scope(number, caller).await
}

/// Which calls a plan counts.
pub type Filter = Box<dyn Fn(&CallId) -> bool + Send + Sync>;

/// One fault to come.
pub struct Plan {
    /// The k-th matching call from now on, counted from 1.
    pub at: u64,
    /// What happens to it.
    pub kind: FaultKind,
    /// Counts only the calls it accepts; all when absent.
    pub filter: Option<Filter>,
}

impl Plan {
    /// The k-th call from now, whoever makes it.
    pub fn at(at: u64, kind: FaultKind) -> Self {
        Self { at, kind, filter: None }
    }

    /// The k-th call of one operation from now.
    pub fn at_operation(at: u64, kind: FaultKind, operation: &str) -> Self {
        let operation = operation.to_owned();
        Self { at, kind, filter: Some(Box::new(move |call| call.operation == operation)) }
    }
}

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// What happened.
    pub kind: FaultKind,
    /// To which call.
    pub call: CallId,
}

/// What a server must do with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Serve it.
    Pass,
    /// Let it suffer this.
    Suffer(FaultKind),
}

/// The deaths so far, as a watched value: wait for the number to grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deaths {
    /// How many calls have died since the world began.
    pub count: u64,
    /// The latest of them.
    pub last: Option<CallId>,
}

/// The fault plan. Cheap to clone: all clones share one plan.
#[derive(Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    deaths: watch::Sender<Deaths>,
}

#[derive(Default)]
struct State {
    count: u64,
    armed: Vec<Armed>,
    fired: Vec<Fired>,
}

struct Armed {
    left: u64,
    kind: FaultKind,
    filter: Option<Filter>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { state: Arc::default(), deaths: watch::Sender::new(Deaths::default()) }
    }
}

impl Faults {
    /// Adds a plan; several may wait at once.
    pub fn arm(&self, plan: Plan) {
        let armed = Armed { left: plan.at.max(1), kind: plan.kind, filter: plan.filter };
        self.state().armed.push(armed);
    }

    /// Drops every plan that has not fired; the count and the list of fired faults stay.
    pub fn disarm(&self) {
        self.state().armed.clear();
    }

    /// Drops all plans and starts counting from zero.
    pub fn reset(&self) {
        *self.state() = State::default();
    }

    /// How many calls were judged since the last reset.
    pub fn count(&self) -> u64 {
        self.state().count
    }

    /// The faults that happened since the last reset, in order.
    pub fn fired(&self) -> Vec<Fired> {
        self.state().fired.clone()
    }

    /// Changes whenever a call dies; whoever runs the caller must then drop it.
    pub fn deaths(&self) -> watch::Receiver<Deaths> {
        self.deaths.subscribe()
    }

    /// Counts the call and says what must happen to it. Every wire asks here, once per attempt,
    /// and calls `died` when the verdict was a death and its moment has come.
    pub fn verdict(&self, caller: &str, service: &str, operation: &str) -> Verdict {
        self.judge(caller, service, operation, false).0
    }

    /// Announces the death of a caller in the middle of this call.
    pub fn died(&self, caller: &str, service: &str, operation: &str) {
        let call = CallId {
            caller: caller.to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            ordinal: self.count(),
            is_conditional: false,
            run: None,
        };
        self.announce(call);
    }

    pub(crate) fn judge(
        &self,
        caller: &str,
        service: &str,
        operation: &str,
        is_conditional: bool,
    ) -> (Verdict, CallId) {
        let mut call = CallId {
            caller: caller.to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            ordinal: 0,
            is_conditional,
            run: RUN.try_with(|number| *number).ok(),
        };
        if caller == LOCAL {
            return (Verdict::Pass, call);
        }
        let mut state = self.state();
        state.count += 1;
        call.ordinal = state.count;
        for plan in &mut state.armed {
            if plan.filter.as_ref().is_none_or(|accepts| accepts(&call)) {
                plan.left -= 1;
            }
        }
        let mut due = None;
        state.armed.retain(|plan| {
            if plan.left == 0 && due.is_none() {
                due = Some(plan.kind);
            }
            plan.left > 0
        });
        match due.filter(|kind| applies(*kind, &call)) {
            None => (Verdict::Pass, call),
            Some(kind) => {
                state.fired.push(Fired { kind, call: call.clone() });
                (Verdict::Suffer(kind), call)
            }
        }
    }

    pub(crate) fn announce(&self, call: CallId) {
        self.deaths.send_modify(|deaths| {
            deaths.count += 1;
            deaths.last = Some(call);
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn applies(kind: FaultKind, call: &CallId) -> bool {
    match kind {
        FaultKind::TransactionConflict => {
            call.service == "dynamodb" && call.operation.starts_with("Transact")
        }
        FaultKind::ConditionFailed => call.is_conditional,
        FaultKind::FailBefore
        | FaultKind::LoseResponse
        | FaultKind::FailAfter
        | FaultKind::Throttle
        | FaultKind::Timeout
        | FaultKind::TimeoutAfter
        | FaultKind::DieBefore
        | FaultKind::DieAfter => true,
    }
}
