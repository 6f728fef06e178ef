//! What the functions say in their logs, word for word as in the cloud, kept for a test to read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;

/// Everything that is said on this thread until it ends.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

/// Begins to listen to this thread. A test with one thread hears everything.
pub(crate) fn begin() -> Log {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let ear = Ear(Arc::clone(&lines));
    let subscriber = runtime::telemetry::subscriber(move || ear.clone());
    Log { lines, _guard: tracing::subscriber::set_default(subscriber) }
}

impl Log {
    /// What was said so far.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&lines).into_owned()
    }

    /// Stops listening.
    pub(crate) fn end(self) -> String {
        self.text()
    }
}

#[derive(Clone)]
struct Ear(Arc<Mutex<Vec<u8>>>);

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
