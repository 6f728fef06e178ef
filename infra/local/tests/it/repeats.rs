//! Every request that takes an `Idempotency-Key` may be sent again when its answer was lost.
//!
//! Which they are is read from the contract: an operation that is added to it is covered by that.
//! The good request of each is sent twice under one key, and a third time with another body. What
//! the first was answered stands in `repeats.txt`: where it was refused, a refusal was repeated.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::expect_file;
use local::{Options, Response};
use testkit::goods::{self, MUG};
use wire::{FaultKind, Plan};

use crate::bad_input::trial::{Operation, Trial, operations};
use crate::world::{self, Shopper, sound};

/// What is never written down, so that a repetition is done again, and why that does no harm.
const DONE_ANEW: [(&str, &str); 16] = [
    ("identity.admin.create_api_key", "its text is shown once; a key too many is deleted"),
    ("identity.admin.login", "it signs in; a challenge too many lapses"),
    ("identity.admin.logout", "it clears cookies; there is nothing left to end"),
    ("identity.admin.mfa", "it signs in; a code is good once"),
    ("identity.admin.refresh", "it signs in; a token that is shown again has its successor"),
    ("identity.admin.rotate_api_key", "its text is shown once; rotated again it is another"),
    ("identity.store.login", "it signs in; a session too many is ended"),
    ("identity.store.logout", "it clears cookies; there is nothing left to end"),
    ("identity.store.logout_all", "it ends the session that it is asked in"),
    ("identity.store.open_export", "it shows all of a customer, once"),
    ("identity.store.refresh", "it signs in; a token that is shown again has its successor"),
    ("orders.admin.pick_list", "it is a file, and changes nothing"),
    ("promotions.admin.issue_gift_card", "its code is shown once; a card too many is voided"),
    ("promotions.admin.issue_gift_cards", "their codes are shown once; cards too many are voided"),
    ("webhooks.admin.create_endpoint", "its secret is shown once; one too many is deleted"),
    ("webhooks.admin.rotate_secret", "it is shown once; the one before is good for a while"),
];

/// What of an answer is the same when it comes again.
fn kept(answer: &Response) -> (u16, Vec<u8>, [Option<String>; 3]) {
    let headers = ["content-type", "etag", "location"];
    let headers = headers.map(|name| answer.header(name).map(str::to_owned));
    (answer.status, answer.body.to_vec(), headers)
}

#[tokio::test]
async fn a_request_that_is_repeated_under_its_key_is_answered_alike_and_changes_nothing_more() {
    let mut trial = Trial::open().await;
    let keyed = operations().into_iter().filter(|one| one.key().is_some());
    // What is done anew comes last: it may end the caller's session.
    let (anew, once): (Vec<Operation>, Vec<Operation>) =
        keyed.partition(|one| DONE_ANEW.iter().any(|(id, _)| *id == one.id));
    let mut answered = BTreeMap::new();
    for (number, operation) in once.iter().enumerate() {
        // For nobody in particular a key belongs to the address.
        let ip = format!("10.1.{}.{}", number >> 8, number & 255);
        let good = trial.good(operation);
        trial.shop.clock().advance_ms(1);
        let first = trial.send_from(&ip, operation, good.clone()).await;
        let before = trial.tables().await;
        trial.shop.clock().advance_ms(1);
        let again = trial.send_from(&ip, operation, good.clone()).await;
        let mut faults = Vec::new();
        if first.status >= 500 || is_repeated(&first) {
            faults.push("the first is no answer of its own");
        }
        if !is_repeated(&again) {
            faults.push("the repetition is not marked");
        }
        if kept(&first) != kept(&again) {
            faults.push("the repetition is answered otherwise");
        }
        // A space more, so that it is read as well as the first.
        let mut other = good.body.clone().unwrap_or_default();
        other.push(b' ');
        let other = trial.send_from(&ip, operation, good.body(other)).await;
        if other.status != 422 || other.value()["code"] != "idempotency_key_reused" {
            faults.push("another body is taken under the same key");
        }
        if trial.tables().await != before {
            faults.push("the repetition has changed something");
        }
        for fault in faults {
            let texts = [&first, &again, &other].map(|one| {
                let text: String = one.text().chars().take(300).collect();
                format!("    {} {text}", one.status)
            });
            trial.faults.push(format!("{}: {fault}\n{}", operation.id, texts.join("\n")));
        }
        trial.taken += usize::from(first.status < 400);
        let said = first.value()["code"].as_str().unwrap_or_default().to_owned();
        answered.insert(operation.id.clone(), format!("{} {said}", first.status));
    }
    for (id, reason) in DONE_ANEW {
        assert!(anew.iter().any(|one| one.id == id), "{id} ({reason}) is no more in the contract");
    }
    for (number, operation) in anew.iter().enumerate() {
        let ip = format!("10.2.{}.{}", number >> 8, number & 255);
        let good = trial.good(operation);
        trial.shop.clock().advance_ms(1);
        let first = trial.send_from(&ip, operation, good.clone()).await;
        trial.shop.clock().advance_ms(1);
        let again = trial.send_from(&ip, operation, good).await;
        if first.status >= 500 || again.status >= 500 || is_repeated(&again) {
            let (first, again) = (first.status, again.status);
            trial.faults.push(format!("{}: {first}, then {again}, not anew", operation.id));
        }
        answered.insert(operation.id.clone(), format!("{} done anew", first.status));
    }
    trial.conclude("repeated requests");
    let mut list = String::new();
    for (id, answer) in &answered {
        writeln!(list, "{}", format!("{id:<44} {answer}").trim_end()).unwrap();
    }
    expect_file!["./repeats.txt"].assert_eq(&list);
}

fn is_repeated(answer: &Response) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

#[tokio::test]
async fn a_claim_that_was_made_and_not_heard_of_is_no_obstacle() {
    for kind in [FaultKind::LoseResponse, FaultKind::TimeoutAfter, FaultKind::FailAfter] {
        let goods = goods::small(world::MUGS);
        let options = Options { sdk_attempts: 3, ..Options::default() };
        let shop = world::open_with(options, &goods).await;
        let mut jane = Shopper::guest(&shop).await;
        jane.ready(MUG, 1).await;
        // The claim is the first thing that a completion changes alone.
        let mut plan = Plan::at(1, kind);
        plan.filter = Some(Box::new(|call| {
            call.caller == "checkout.store.complete" && call.operation == "UpdateItem"
        }));
        shop.wire().faults().arm(plan);
        let answer = jane.complete().await;
        assert_eq!(shop.wire().faults().fired().len(), 1, "{kind:?}");
        assert_eq!(answer.status, 201, "{kind:?}: {}", answer.text());
        assert_eq!(jane.pay("pm_card_visa").0, 200);
        shop.settle().await;
        sound(&shop, &goods).await;
    }
}
