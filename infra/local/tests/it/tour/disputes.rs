//! What card holders dispute, and money that is reserved first: everything that staff does with
//! either.

use local::{Outcome, Request, Response};
use serde_json::{Value, json};
use testkit::goods::MUG;

use super::{Pace, Round, papers, text};
use crate::world::{Colleague, Shopper, key, ok};

/// The card holder goes to their bank, and the issuer warns, within so many seconds.
const SECONDS: u64 = 10;

async fn post(owner: &Colleague, target: &str, body: &Value) -> Response {
    let request = Request::new("POST", target).header("idempotency-key", &key());
    owner.send(request.json(body)).await
}

/// The bank only asks, and the order's invoice can not be found.
const PAPER_LOST: &str = "pm_card_createDisputeInquiry";

fn lose_papers(jane: &Shopper) {
    let s3 = jane.shop.wire().s3();
    for bucket in s3.buckets() {
        for key in s3.keys(&bucket, &format!("papers/{}/", jane.order)) {
            s3.lose(&bucket, &key);
        }
    }
}

/// Somebody with a paid order.
pub(crate) async fn bought<P: Pace>(
    pace: &mut P,
    owner: &Colleague,
    round: Round,
    card: &str,
) -> Shopper {
    let mut jane = Shopper::from(&owner.shop, &round.ip(90));
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay(card).0, 200);
    pace.settle().await;
    jane
}

/// Disputes are listed, looked at, answered and given in to; the issuer warns of fraud.
pub(crate) async fn disputes<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    // The invoice goes along with what a bank is told.
    papers::found(owner).await;
    owner.shop.clock().advance_ms(1);
    for (card, answer) in [
        ("pm_card_createDispute", "/submit"),
        (PAPER_LOST, "/submit"),
        ("pm_card_createDisputeProductNotReceived", "/accept"),
        ("pm_card_createIssuerFraudRecord", ""),
    ] {
        let jane = bought(pace, owner, round, card).await;
        owner.shop.advance(SECONDS).await;
        pace.settle().await;
        if answer.is_empty() {
            continue;
        }
        if card == PAPER_LOST {
            lose_papers(&jane);
        }
        let due = ok(pace.call(owner.get("/v1/admin/disputes?due=true")).await);
        assert_eq!(due["data"][0]["order_id"], json!(jane.order));
        let at =
            format!("/v1/admin/orders/{}/disputes/{}", jane.order, text(&due["data"][0], "id"));
        ok(pace.call(owner.get(&at)).await);
        let own = match answer {
            "/submit" => json!({"uncategorized_text": "It was handed to her."}),
            _ => json!({}),
        };
        ok(pace.call(post(owner, &format!("{at}{answer}"), &own)).await);
        pace.settle().await;
    }
    let all = ok(pace.call(owner.get("/v1/admin/disputes?limit=1")).await);
    let next = format!("/v1/admin/disputes?limit=1&cursor={}", text(&all, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
}

/// Other decisions about money; everybody follows within a minute.
async fn set(owner: &Colleague, payments: Value) {
    let tag = owner.tag("/v1/admin/settings").await;
    let body = json!({"payments": payments});
    ok(owner.call_if(&tag, "PATCH", "/v1/admin/settings", &body).await);
    owner.shop.clock().advance_ms(61_000);
}

/// Money is reserved, and a part of it taken; the setting is what it was before.
pub(crate) async fn reserved<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    set(owner, json!({"capture": "manual"})).await;
    let jane = bought(pace, owner, round, "pm_card_visa").await;
    let path = format!("/v1/admin/orders/{}/capture", jane.order);
    let part = json!({"amount": {"amount": 1000, "currency": "EUR"}});
    ok(pace.call(post(owner, &path, &part)).await);
    pace.settle().await;
    let ran = pace.call(owner.shop.run_job(CAPTURE_DUE)).await;
    assert!(matches!(ran, Outcome::Answered(_)));
    set(owner, json!({"capture": "automatic"})).await;
}

const CAPTURE_DUE: &str = "payments.jobs.capture_due";
const HOUR_MS: i64 = 3_600_000;

/// Reserved money is warned of and let go. Days go by: nobody is signed in any more.
pub(crate) async fn lapsing<P: Pace>(pace: &mut P, owner: &Colleague) {
    set(owner, json!({"capture": "manual", "capture_deadline": "void"})).await;
    bought(pace, owner, Round(1), "pm_card_visa").await;
    // Two days and half a day before a week is over.
    for hours in [24 * 5 + 10, 35] {
        owner.shop.clock().advance_ms(hours * HOUR_MS);
        let ran = pace.call(owner.shop.run_job(CAPTURE_DUE)).await;
        assert!(matches!(ran, Outcome::Answered(_)));
        pace.settle().await;
    }
}
