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
    Ok(LIVE)
}

const LIVE: Live = Live { status: "ok", version: env!("CARGO_PKG_VERSION") };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_that_it_lives_and_which_build_it_is() {
        let said = serde_json::to_value(LIVE).unwrap();
        assert_eq!(said, serde_json::json!({"status": "ok", "version": "0.1.0"}));
    }
}
