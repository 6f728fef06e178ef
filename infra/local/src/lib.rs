//! The whole shop in one process: the functions of the templates behind the gateway of the
//! templates, over the emulated AWS and the twin of Stripe.
//!
//! Stories and crash tests drive a [`Shop`] step by step; `cargo run` serves one.
//!
//! Invariants:
//! - What runs where, when and with which permission is read from the SAM templates: a route, queue
//!   or grant that is missing there is missing here.
//! - With a manual clock and a seed nothing happens by itself and everything happens again: one
//!   call of [`Shop::step`] does one batch of each source, in a fixed order.
//! - The clients are the real ones; only the far end of the wire is ours.
//!
//! Known absences: API Gateway's throttling, Lambda's freezing between calls, the timeouts of the
//! templates (they are real time; here only what hangs is ended).
#![allow(
    clippy::disallowed_methods,
    reason = "this is the host: clocks are read, dice thrown and tasks started here"
)]

pub mod bench;
mod blueprint;
pub mod buy;
mod chance;
mod clock;
pub mod demo;
mod error;
pub mod facts;
mod feedback;
mod functions;
mod gateway;
mod keys;
pub mod logins;
mod message;
mod metrics;
mod pages;
mod pump;
mod schedule;
mod scratch;
pub mod serve;
mod shop;
mod snapshot;
mod stripe;
mod surface;
mod texts;
mod world;

pub use clock::{Clock, STORY_BEGINS_MS};
pub use error::Error;
pub use functions::domains;
pub use message::{Request, Response, SHOPPER};
pub use metrics::Metrics;
pub use pump::Source;
pub use shop::{Options, Outcome, STRIPE_ACCOUNT, Shop};
pub use snapshot::Snapshot;
