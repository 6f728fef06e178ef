//! Drives the twin: in process for its rules, and through the unmodified `async-stripe` client
//! over a loopback connection for its wire.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that finds something else than it expects shall panic"
)]

mod bench;
mod checkout;
mod client;
mod disputes;
mod faults;
mod idempotency;
mod payments;
mod refunds;
mod shapes;
mod webhooks;
