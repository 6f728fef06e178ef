//! A request, as API Gateway hands it to a function: its event, then what endpoints take out of it,
//! then the answer to whatever of that is no good.

use api::cursor::Page;
use api::form::CartPath;
use api::input::{self, Body, IfMatch, Input, Path, Query};
use api::reply::Answer;
use api::{KeyRequired, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::money::Money;
use serde_json::Value;

use crate::now;

/// What an endpoint brings that takes all there is.
type All = (Path<CartPath>, (Query<Page>, (IfMatch, (KeyRequired, Body<Money>))));

/// Reads the bytes as an event.
pub fn event(bytes: &[u8]) {
    // The gateway writes JSON; what is none never reaches us.
    let Ok(event) = serde_json::from_slice::<Value>(bytes) else { return };
    let Ok(request) = runtime::http::request(event.clone(), now()) else { return };

    let sent = event.get("body").and_then(Value::as_str).unwrap_or_default();
    let is_base64 = event.get("isBase64Encoded").and_then(Value::as_bool) == Some(true);
    if is_base64 {
        let decoded = STANDARD.decode(sent).ok();
        assert_eq!(decoded.as_deref(), Some(&request.body[..]), "the body is another one");
    } else {
        assert_eq!(sent.as_bytes(), &request.body[..], "the body is another one");
    }
    for name in request.headers.keys() {
        let _ = request.header(name.as_str());
    }
    let _ = request.cookie("session");
    let _ = runtime::http::fits("/v1/store/carts/{id}/lines", &request.path);
    asked::<Query<Page>>(&request);
    asked::<Path<CartPath>>(&request);
    asked::<Body<Money>>(&request);
    asked::<All>(&request);
}

/// An input is read, or refused with an answer that the gateway takes.
fn asked<I: Input>(request: &Request) {
    let Err(problem) = input::read::<I>(request) else { return };
    let status = problem.status.as_u16();
    assert!((400..500).contains(&status), "what a stranger sends is their fault, not a {status}");
    let answer = runtime::http::response(Answer::problem(&problem, &request.id));
    let Ok(answer) = answer else { panic!("a refusal has no answer") };
    let body = answer.get("body").and_then(Value::as_str).unwrap_or_default();
    let body: Option<Value> = serde_json::from_str(body).ok();
    let code = body.as_ref().and_then(|body| body.get("code")).and_then(Value::as_str);
    assert_eq!(code, Some(problem.code), "a refusal does not say which");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_has_a_request_that_brings_everything_and_one_that_brings_nothing_good() {
        let request = |text: &str| {
            let event = serde_json::from_str(text).unwrap();
            runtime::http::request(event, now()).unwrap()
        };
        let good = request(include_str!("../../../fuzz/corpus/event/everything"));
        assert!(input::read::<All>(&good).is_ok());
        let bad = request(include_str!("../../../fuzz/corpus/event/flaws"));
        let flaws = input::read::<All>(&bad).err().unwrap().errors;
        assert!(flaws.len() > 5, "{flaws:?}");
    }
}
