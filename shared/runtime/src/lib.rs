//! What a function is run by: configuration, time and chance, the pipeline around an endpoint, and
//! the dispatch on `_HANDLER`.
//!
//! Clocks and dice are read here and nowhere else.

pub mod aws;
pub mod clock;
pub mod cost;
pub mod doors;
pub mod endpoint;
pub mod front_door;
pub mod http;
pub mod ids;
pub mod job;
pub mod keyring;
pub mod lambda;
pub mod meter;
pub mod post;
pub mod setup;
pub mod telemetry;
pub mod till;
mod trips;

pub use clock::Clock;
pub use doors::Doors;
pub use endpoint::{Call, Endpoint, Function, Tally, Trigger};
pub use front_door::FrontDoor;
pub use ids::Ids;
pub use job::{Batch, Changed, Errand, Records, Tick, Upload};
pub use meter::Asked;
pub use post::Post;
pub use setup::{App, Platform, Setup, Stage};
pub use telemetry::Lines;
pub use till::Till;

/// What the macros of this crate need where they are used.
#[doc(hidden)]
pub mod macros {
    pub use http::Method;
}
