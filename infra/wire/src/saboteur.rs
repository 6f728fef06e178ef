//! The saboteur: it changes what callers send on its way to the services, as if their code had been
//! written worse.
//!
//! It is how the proofs are proven: a mistake of design (a condition that is missing, one write
//! that became two, a row of the outbox that is never written) is planted on the wire, and some
//! check has to notice. It can hold a call back, too, so that two callers meet where a test wants
//! them to. Nobody has hired it until a test does; the host's own calls never pass it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::Semaphore;

use crate::faults::CallId;

/// Holds one call until somebody lets it go.
#[derive(Clone)]
pub struct Gate {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate(…)")
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self { reached: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }
}

impl Gate {
    /// Ends when a call stands before the gate.
    pub async fn reached(&self) {
        if let Ok(permit) = self.reached.acquire().await {
            permit.forget();
        }
    }

    /// Lets the call go on that stands before the gate, or will.
    pub fn open(&self) {
        self.open.add_permits(1);
    }

    /// Stands before the gate until it is opened.
    pub async fn pass(&self) {
        self.reached.add_permits(1);
        if let Ok(permit) = self.open.acquire().await {
            permit.forget();
        }
    }
}

/// What is done afterwards, once everything was written.
pub type Afterwards = Box<dyn FnOnce() + Send + Sync>;

/// What becomes of a call.
#[derive(Default)]
pub struct Sabotage {
    /// What is sent instead, in this order, up to the first that is refused; `null` is the request
    /// as it is. Nothing at all where there is none, and the caller is told that all is well.
    /// Whoever dies after the call, or loses its answer, does so after the first.
    pub requests: Vec<Value>,
    /// Where the call is held before anything is sent.
    pub gate: Option<Gate>,
    /// What is done when everything was sent and taken.
    pub afterwards: Option<Afterwards>,
}

impl fmt::Debug for Sabotage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sabotage").field("requests", &self.requests.len()).finish_non_exhaustive()
    }
}

impl Sabotage {
    /// This is sent instead.
    pub fn instead(request: Value) -> Self {
        Self { requests: vec![request], ..Self::default() }
    }

    /// The same is sent, and nothing else happens.
    pub fn held(gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..Self::instead(Value::Null) }
    }
}

/// Decides what becomes of a call; `None` leaves it alone. Of AWS it is shown the body of a JSON
/// protocol, `null` for the other protocols; of the payment provider `method`, `path` and
/// `idempotency_key`.
pub type Tamper = Arc<dyn Fn(&CallId, &Value) -> Option<Sabotage> + Send + Sync>;

/// The saboteur. Clones are one.
#[derive(Clone, Default)]
pub struct Saboteur(Arc<Mutex<Option<Tamper>>>);

impl fmt::Debug for Saboteur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Saboteur(…)")
    }
}

impl Saboteur {
    /// Hires it.
    pub fn hire(&self, tamper: Tamper) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tamper);
    }

    /// Sends it away.
    pub fn dismiss(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What becomes of a call.
    pub fn ask(&self, call: &CallId, request: &Value) -> Option<Sabotage> {
        let tamper = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tamper.and_then(|tamper| tamper(call, request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sabotaged_before_it_is_hired_and_after_it_was_sent_away() {
        let saboteur = Saboteur::default();
        let call = CallId { caller: "cart.store.create".to_owned(), ..CallId::default() };
        assert!(saboteur.ask(&call, &Value::Null).is_none());
        saboteur.hire(Arc::new(|_, _| Some(Sabotage::default())));
        let all = saboteur.clone().ask(&call, &Value::Null);
        assert!(all.is_some_and(|sabotage| sabotage.requests.is_empty()));
        saboteur.dismiss();
        assert!(saboteur.ask(&call, &Value::Null).is_none());
    }
}
