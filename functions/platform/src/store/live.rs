//! `GET /health/live`: the process lives. Nothing else is said, and nothing is asked.

use api::reply::View;
use api::{Anyone, Reply};
use runtime::Call;
use serde::Serialize;

use crate::App;

/// That it lives.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Live {
    /// Always `ok`.
    status: &'static str,
    /// Which build.
    version: &'static str,
}

impl View for Live {}

/// Says that it lives.
pub async fn handle(_: &App, _: Call<Anyone>) -> Reply<Live> {
    Ok(Live { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
