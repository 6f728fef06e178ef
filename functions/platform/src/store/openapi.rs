//! `GET /openapi.json`: the contract as it is checked in; a test compares it with the code.

use api::openapi::Operation;
use api::reply::{Answer, Output};
use api::{Anyone, Reply, Request};
use http::StatusCode;
use runtime::Call;

use crate::App;

const CONTRACT: &str = include_str!("../../../../infra/openapi.json");

/// The contract.
#[derive(Debug)]
pub struct Contract;

impl Output for Contract {
    fn answer(self, _: &Request) -> Answer {
        let mut answer = Answer::empty(StatusCode::OK);
        CONTRACT.as_bytes().clone_into(&mut answer.body);
        answer
            .header("content-type", "application/json")
            .header("cache-control", "public, s-maxage=60, stale-while-revalidate=300")
    }
    fn describe(operation: &mut Operation) {
        operation.response(200, Some(serde_json::json!({"type": "object"})));
    }
}

/// Gives the contract.
pub async fn handle(_: &App, _: Call<Anyone>) -> Reply<Contract> {
    Ok(Contract)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_json_of_openapi_3_1() {
        let contract: serde_json::Value = serde_json::from_str(CONTRACT).unwrap();
        assert_eq!(contract["openapi"], "3.1.0");
    }
}
