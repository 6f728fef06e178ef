//! For tests only: a small shop's goods, and the ledger of invariants that is asked after every
//! story.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that can not be set up shall stop at once and say where"
)]

pub mod goods;
pub mod ledger;
