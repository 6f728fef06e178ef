//! What is done with bytes that a stranger sends, once for each place where we read such bytes: the
//! bodies of the fuzz targets in `fuzz/`, and of the ordinary test that tries the same without a
//! fuzzer.
//!
//! Invariants: a body calls the function that the shop itself calls; it returns, or it panics with
//! what should not be; the same bytes do the same. Forged input is never believed: what only the
//! holder of a key could have made is made here, with a key of this crate's own.

mod cursor;
mod event;
mod jwt;
mod picture;
mod sheet;
mod webhook;

pub use cursor::cursor;
pub use event::event;
pub use jwt::jwt;
pub use picture::picture;
pub use sheet::sheet;
pub use webhook::webhook;

/// When everything comes, in seconds since 1970: 2026-11-21, at noon.
const NOW: i64 = 1_795_262_400;

/// A place where bytes of strangers are read.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its file in `fuzz/fuzz_targets`, and of its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// What is done with the bytes.
    pub body: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 6] = [
    Target { name: "cursor", body: cursor },
    Target { name: "event", body: event },
    Target { name: "jwt", body: jwt },
    Target { name: "picture", body: picture },
    Target { name: "sheet", body: sheet },
    Target { name: "webhook", body: webhook },
];

/// [`NOW`] as a moment.
fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(NOW).unwrap_or_default()
}
