//! What the functions say in their logs, word for word as in the cloud, kept for a test to read —
//! and, in every story, searched for what must not be said.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::subscriber::DefaultGuard;

use crate::world::PASSWORD;

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

/// From now on no function may say what is personal or secret: the first that does ends the whole
/// run, because a panic in a job would be taken for one of its own and tried again. `STORY_LOG=1`
/// shows what they say.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = runtime::telemetry::subscriber(|| Watch);
        // Somebody who listens to a thread hears it alone.
        let _is_first = tracing::subscriber::set_global_default(subscriber);
    });
}

struct Watch;

impl Write for Watch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if std::env::var_os("STORY_LOG").is_some() {
            eprint!("{line}");
        }
        if let Some(what) = confidence(&line) {
            // Past the test harness, which would keep it to itself.
            let _ = writeln!(io::stderr(), "a log line tells {what}: {line}");
            std::process::exit(101);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a text tells that nobody but its owner may read, if it tells any.
pub(crate) fn confidence(text: &str) -> Option<&'static str> {
    const TOLD: [(&str, &str); 12] = [
        (PASSWORD, "a password"),
        ("a louder river stone", "a password"),
        ("Jane Roe", "a name"),
        ("Lindenstrasse", "an address"),
        ("$argon2", "a password's hash"),
        ("eyJ0eXAi", "an access token"),
        ("flx_test_", "an API key"),
        ("flx_live_", "an API key"),
        ("sk_test_", "a key of the provider"),
        ("whsec_", "a key of the provider"),
        ("_secret_", "a client's secret"),
        ("otpauth://", "a second factor"),
    ];
    let told = TOLD.iter().find(|(sign, _)| text.contains(sign)).map(|(_, what)| *what);
    told.or_else(|| has_address(text).then_some("a mail address"))
        .or_else(|| has_token(text).then_some("a token"))
        .or_else(|| has_number(text).then_some("a telephone number"))
}

/// Letters, an at sign, letters.
fn has_address(text: &str) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    (1..bytes.len())
        .any(|at| bytes[at] == b'@' && is_letter(bytes.get(at - 1)) && is_letter(bytes.get(at + 1)))
}

/// Sixty-four hexadecimal digits in a row: 256 bits of chance, or the hash that finds them.
fn has_token(text: &str) -> bool {
    let mut digits = 0_usize;
    text.bytes().any(|byte| {
        digits = if byte.is_ascii_hexdigit() { digits + 1 } else { 0 };
        digits == 64
    })
}

/// A plus and eight digits or more: a number in the form of E.164.
fn has_number(text: &str) -> bool {
    let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
    text.split('+').skip(1).any(|rest| digits(rest) >= 8)
}

#[test]
fn what_was_told_in_confidence_is_recognised() {
    for told in [
        "{\"to\":\"jane@example.org\"}".to_owned(),
        format!("token {}", "0123456789abcdef".repeat(4)),
        "name Jane Roe".to_owned(),
        "to +4915112345678".to_owned(),
    ] {
        assert!(confidence(&told).is_some(), "{told}");
    }
    for fine in ["+01:00", "+49•••78", "10 € @ home", "cart_01ARZ3NDEKTSV4RRFFQ69G5FAV", "0123abcd"]
    {
        assert_eq!(confidence(fine), None, "{fine}");
    }
}
