//! `GET /health/ready`: asks each dependency, all at once, with a deadline; 503 names those that
//! did not answer.

use std::time::Duration;

use api::reply::View;
use api::{Anyone, Problem, Reply};
use domain::fault::{Fault, Retry};
use http::StatusCode;
use runtime::Call;
use serde::Serialize;

use crate::App;

/// How long a dependency may take to answer.
const DEADLINE: Duration = Duration::from_secs(2);

/// That all answer.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Ready {
    /// Always `ok`.
    status: &'static str,
    /// What was asked.
    checks: Vec<&'static str>,
}

impl View for Ready {}

/// Asks all.
pub async fn handle(app: &App, _: Call<Anyone>) -> Reply<Ready> {
    let (database, queues, mail, secrets) = tokio::join!(
        within("database", DEADLINE, app.store.probe()),
        within("queues", DEADLINE, app.queues.probe()),
        within("mail", DEADLINE, async {
            match &app.mailer {
                Some(mailer) => mailer.probe().await,
                None => Err(Fault::noticed("ask SES without a mailer", Retry::Useless)),
            }
        }),
        within("secrets", DEADLINE, async {
            for name in &app.secret_names {
                app.secrets.probe(name).await?;
            }
            Ok(())
        }),
    );
    let checks = [database, queues, mail, secrets];
    let failed: Vec<&str> = checks.iter().filter_map(|check| check.err()).collect();
    if failed.is_empty() {
        let checks = checks.iter().filter_map(|check| check.ok()).collect();
        return Ok(Ready { status: "ok", checks });
    }
    let detail = format!("Not answering: {}.", failed.join(", "));
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail);
    Err(problem.member("failed", failed).header("Retry-After", "5"))
}

/// The dependency's name: `Ok` where it answered in time.
async fn within(
    name: &'static str,
    deadline: Duration,
    probe: impl Future<Output = Result<(), Fault>>,
) -> Result<&'static str, &'static str> {
    match tokio::time::timeout(deadline, probe).await {
        Ok(Ok(())) => Ok(name),
        Ok(Err(fault)) => {
            tracing::error!(dependency = name, fault = %fault, "a dependency failed");
            Err(name)
        }
        Err(_) => {
            tracing::error!(dependency = name, "a dependency did not answer in time");
            Err(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dependency_that_fails_or_never_answers_is_named() {
        let soon = Duration::from_millis(1);
        assert_eq!(within("database", DEADLINE, async { Ok(()) }).await, Ok("database"));
        let fails = async { Err(Fault::noticed("answer", Retry::Helps)) };
        assert_eq!(within("mail", DEADLINE, fails).await, Err("mail"));
        assert_eq!(within("queues", soon, std::future::pending()).await, Err("queues"));
    }
}
