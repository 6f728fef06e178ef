//! The emulated AWS, spoken to by the real SDK clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::similar_names,
    reason = "a test says best by panicking that the world is not as told"
)]

mod dynamodb;
mod faults;
mod iam;
mod killed;
mod mail;
mod objects;
mod queues;
mod secrets;
mod world;
