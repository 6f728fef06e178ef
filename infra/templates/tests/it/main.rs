//! Templates as a reader of theirs sees them: small ones written here, and the real ones.

#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes snapshots so")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of a test fails as the test would"
)]

mod cloud;
mod front_door;
mod intrinsics;
mod refusals;
mod shop;
mod workshop;
