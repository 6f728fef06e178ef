//! Disputes and early fraud warnings.

use serde_json::Value;

use crate::bench::{Bench, id};

fn disputed(bench: &Bench, card: &str) -> Value {
    bench.pay(card).ok();
    bench.wait_seconds(3);
    bench.twin.objects("dispute").pop().unwrap()
}

#[test]
fn a_dispute_takes_the_money_and_blocks_refunds() {
    let bench = Bench::new();
    let dispute = disputed(&bench, "pm_card_createDispute");
    assert_eq!(dispute["status"], "needs_response");
    assert_eq!(dispute["reason"], "fraudulent");
    assert_eq!(dispute["balance_transactions"][0]["amount"], -1000);
    let told = bench.told();
    assert!(told.contains(&"charge.dispute.created".to_owned()));
    assert!(told.contains(&"charge.dispute.funds_withdrawn".to_owned()));
    let form = format!("charge={}", dispute["charge"].as_str().unwrap());
    assert_eq!(bench.post("/v1/refunds", &form).refused(400)["code"], "charge_disputed");
}

#[test]
fn evidence_wins_or_loses() {
    let bench = Bench::new();
    for (text, status) in [("winning_evidence", "won"), ("losing_evidence", "lost")] {
        let dispute = disputed(&bench, "pm_card_createDisputeProductNotReceived");
        let path = format!("/v1/disputes/{}", id(&dispute));
        let form = format!("evidence[uncategorized_text]={text}");
        let staged = bench.post(&path, &format!("{form}&submit=false")).ok();
        assert_eq!(staged["status"], "needs_response");
        assert_eq!(staged["evidence_details"]["has_evidence"], true);
        assert_eq!(bench.post(&path, "submit=true").ok()["status"], "under_review");
        assert_eq!(bench.post(&path, &form).status, 400);
        bench.wait_seconds(3);
        assert_eq!(bench.get(&path).ok()["status"], status);
    }
    let told = bench.told();
    assert_eq!(told.iter().filter(|kind| *kind == "charge.dispute.closed").count(), 2);
    assert_eq!(told.iter().filter(|kind| *kind == "charge.dispute.funds_reinstated").count(), 1);
}

/// A file as clients send it.
fn upload(bench: &Bench, purpose: &str, bytes: &str) -> crate::bench::Reply {
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n{bytes}\r\n--b--\r\n"
    );
    let kind = [("content-type", "multipart/form-data; boundary=b")];
    bench.send(http::Method::POST, "/v1/files", &body, &kind)
}

#[test]
fn a_file_goes_along_with_evidence_and_one_that_is_not_there_does_not() {
    let bench = Bench::new();
    let file = upload(&bench, "dispute_evidence", "%PDF-1.7 \r\n--").ok();
    assert_eq!(
        (&file["type"], &file["size"], &file["filename"]),
        (&"pdf".into(), &13.into(), &"a.pdf".into())
    );
    assert_eq!(upload(&bench, "selfie", "%PDF").refused(400)["param"], "purpose");
    assert_eq!(upload(&bench, "dispute_evidence", "MZ").refused(400)["param"], "file");
    let large = format!("%PDF{}", "x".repeat(4_600_000));
    let large = upload(&bench, "dispute_evidence", &large).ok();
    let dispute = disputed(&bench, "pm_card_createDisputeProductNotReceived");
    let path = format!("/v1/disputes/{}", id(&dispute));
    let missing = bench.post(&path, "evidence[receipt]=file_none");
    assert_eq!(missing.refused(404)["param"], "evidence[receipt]");
    let form = format!("evidence[receipt]={}", id(&large));
    assert_eq!(bench.post(&path, &form).refused(400)["param"], "evidence");
    let form = format!("evidence[receipt]={}", id(&file));
    assert_eq!(bench.post(&path, &form).ok()["evidence"]["receipt"], file["id"]);
}

#[test]
fn a_dispute_is_lost_by_silence_or_by_giving_in() {
    let bench = Bench::new();
    let silent = disputed(&bench, "pm_card_createDispute");
    let given = disputed(&bench, "pm_card_createDispute");
    let path = format!("/v1/disputes/{}/close", id(&given));
    assert_eq!(bench.post(&path, "").ok()["status"], "lost");
    assert_eq!(bench.post(&path, "").status, 400);
    bench.wait_seconds(9 * 86_400);
    let silent = bench.get(&format!("/v1/disputes/{}", id(&silent))).ok();
    assert_eq!(silent["status"], "lost");
    assert_eq!(silent["evidence_details"]["past_due"], true);
    assert_eq!(bench.get("/v1/disputes").ok()["data"].as_array().unwrap().len(), 2);
}

#[test]
fn an_inquiry_takes_no_money_and_can_be_refunded() {
    let bench = Bench::new();
    let inquiry = disputed(&bench, "pm_card_createDisputeInquiry");
    assert_eq!(inquiry["status"], "warning_needs_response");
    let form = format!("charge={}", inquiry["charge"].as_str().unwrap());
    bench.post("/v1/refunds", &form).ok();
}

#[test]
fn an_issuer_warns_of_fraud() {
    let bench = Bench::new();
    bench.pay("pm_card_createIssuerFraudRecord").ok();
    bench.wait_seconds(3);
    let event = bench.last_event("radar.early_fraud_warning.created");
    assert_eq!(event["data"]["object"]["actionable"], true);
    let list = bench.get("/v1/radar/early_fraud_warnings").ok();
    assert_eq!(list["data"][0]["id"], event["data"]["object"]["id"]);
}
