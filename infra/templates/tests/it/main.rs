//! Templates as a reader of theirs sees them: small ones written here, and the real ones.

#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes snapshots so")]
#![allow(clippy::unwrap_used, reason = "a helper of a test fails as the test would")]

mod front_door;
mod intrinsics;
mod refusals;
mod shop;
mod workshop;
