//! What card holders dispute: held, answered once, won, lost — whatever the provider says how
//! often and in which order.

use std::sync::Arc;

use domain::permission::Permission::{OrdersRead, OrdersRefund, OrdersWrite};
use local::{Options, Outcome, Request, Response, Shop};
use serde_json::{Value, json};
use stripe_twin::Faults;
use testkit::goods::{self, Goods, MUG};
use wire::{FaultKind, Plan, Sabotage};

use crate::tour::papers::entity;
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

/// The card holder goes to their bank, and the bank decides, within so many seconds.
const SECONDS: u64 = 10;
/// A fraudulent purchase, a parcel that never came, and a bank that only asks.
const FRAUD: &str = "pm_card_createDispute";
const NOT_RECEIVED: &str = "pm_card_createDisputeProductNotReceived";
const INQUIRY: &str = "pm_card_createDisputeInquiry";

/// The small shop, whose orders get invoices.
fn invoicing() -> Goods {
    let mut goods = goods::small(world::MUGS);
    goods.shop.legal_entity = serde_json::from_value(entity()).expect("an entity");
    goods
}

async fn clerk(shop: &Shop) -> Colleague {
    Colleague::of(shop, "clerk", &[OrdersRead, OrdersRefund, OrdersWrite]).await
}

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// Somebody who bought two mugs for 29.90 and then went to their bank.
async fn disputing(shop: &Shop, card: &str) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay(card).0, 200);
    shop.settle().await;
    wait(shop).await;
    jane
}

async fn wait(shop: &Shop) {
    shop.advance(SECONDS).await;
    shop.settle().await;
}

/// The order's only dispute, as the list shows it.
async fn dispute(clerk: &Colleague, jane: &Shopper) -> Value {
    let all = ok(clerk.get("/v1/admin/disputes").await);
    let mine = |one: &&Value| one["order_id"] == json!(jane.order);
    let mine: Vec<&Value> = all["data"].as_array().unwrap().iter().filter(mine).collect();
    assert_eq!(mine.len(), 1, "{all}");
    mine[0].clone()
}

fn at(dispute: &Value, rest: &str) -> String {
    let text = |name: &str| dispute[name].as_str().unwrap().to_owned();
    format!("/v1/admin/orders/{}/disputes/{}{rest}", text("order_id"), text("id"))
}

async fn answer_as(clerk: &Colleague, key: &str, path: &str, body: &Value) -> Response {
    let request = Request::new("POST", path).header("idempotency-key", key);
    clerk.send(request.json(body)).await
}

async fn submit(clerk: &Colleague, dispute: &Value, text: &str) -> Response {
    let body = json!({"uncategorized_text": text});
    answer_as(clerk, &key(), &at(dispute, "/submit"), &body).await
}

async fn order(clerk: &Colleague, jane: &Shopper) -> Value {
    ok(clerk.get(&format!("/v1/admin/orders/{}", jane.order)).await)
}

async fn is_sound(shop: &Shop) {
    sound(shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_dispute_holds_the_order_tells_the_staff_and_is_won_with_its_evidence() {
    let goods = invoicing();
    let shop = world::open_with(Options::default(), &goods).await;
    let clerk = clerk(&shop).await;
    let jane = disputing(&shop, NOT_RECEIVED).await;
    let held = order(&clerk, &jane).await;
    assert_eq!((&held["status"], &held["hold"]["cause"]), (&json!("on_hold"), &json!("dispute")));
    assert_eq!(held["dispute_status"], "needs_response");
    let refunds = ok(clerk.get(&format!("/v1/admin/orders/{}/refunds", jane.order)).await);
    assert_eq!(refunds["refundable"]["money"], eur(0), "the bank has it");
    let mails = shop.mails().into_iter();
    let letters: Vec<_> = mails.filter(|mail| mail.subject.contains("is disputed")).collect();
    assert_eq!(letters.len(), 1);
    let text = letters[0].text.clone().unwrap();
    assert!(text.contains("product not received") && text.contains("Answer by"), "{text}");

    let opened = dispute(&clerk, &jane).await;
    assert_eq!((&opened["amount"], &opened["needs_answer"]), (&eur(2990), &json!(true)));
    let due = ok(clerk.get("/v1/admin/disputes?due=true").await);
    assert_eq!(due["data"][0]["id"], opened["id"]);
    let file = ok(clerk.get(&at(&opened, "")).await);
    let evidence = &file["evidence"];
    assert_eq!(evidence["customer_email_address"], "jane@example.org");
    assert!(evidence["shipping_address"].as_str().unwrap().contains("Lindenstrasse 1"));
    let story = evidence["uncategorized_text"].as_str().unwrap();
    assert!(story.contains("order confirmation") && story.contains("29.90 EUR"), "{story}");
    let invoice = ok(clerk.get(&format!("/v1/admin/orders/{}/invoice", jane.order)).await);
    assert_eq!(file["receipt"], invoice["invoice"]["number"]);

    let answered = ok(submit(&clerk, &opened, "winning_evidence").await);
    assert_eq!(answered["answer"]["type"], "evidence");
    shop.settle().await;
    assert_eq!(dispute(&clerk, &jane).await["status"], "under_review");
    assert_eq!(ok(clerk.get("/v1/admin/disputes?due=true").await)["data"], json!([]));
    let theirs = shop.twin().objects("dispute");
    assert_eq!(theirs[0]["evidence"]["customer_name"], "Jane Roe");
    assert_eq!(theirs[0]["evidence_details"]["submission_count"], 1);
    // The invoice went along, as it lies in the bucket.
    let handed_in = shop.twin().objects("file");
    assert_eq!(handed_in.len(), 1);
    assert_eq!(theirs[0]["evidence"]["receipt"], handed_in[0]["id"]);
    let (bucket, key) = paper(&shop);
    let paper = shop.wire().s3().object(&bucket, &key).unwrap().bytes;
    let as_handed_in = (&handed_in[0]["type"], &handed_in[0]["size"]);
    assert_eq!(as_handed_in, (&json!("pdf"), &json!(paper.len())));
    wait(&shop).await;
    assert_eq!(dispute(&clerk, &jane).await["status"], "won");
    let after = order(&clerk, &jane).await;
    assert_eq!((&after["status"], &after["payment_status"]), (&json!("placed"), &json!("paid")));
    let told = ok(clerk.get(&format!("/v1/admin/orders/{}/timeline", jane.order)).await);
    let kinds: Vec<&str> =
        told["data"].as_array().unwrap().iter().filter_map(|one| one["type"].as_str()).collect();
    for wanted in ["dispute.opened", "dispute.submitted", "dispute.won"] {
        assert!(kinds.contains(&wanted), "{kinds:?}");
    }
    sound(&shop, &goods).await;
}

/// Where the only paper lies.
fn paper(shop: &Shop) -> (String, String) {
    let s3 = shop.wire().s3();
    let bucket = s3.buckets().into_iter().find(|bucket| bucket.contains("-files-")).unwrap();
    let papers = s3.keys(&bucket, "papers/");
    assert_eq!(papers.len(), 1, "{papers:?}");
    (bucket, papers[0].clone())
}

/// Answers with evidence; what the provider has of it, and how many files.
async fn evidence_of(shop: &Shop, clerk: &Colleague, jane: &Shopper) -> (Value, usize) {
    let opened = dispute(clerk, jane).await;
    ok(submit(clerk, &opened, "winning_evidence").await);
    shop.settle().await;
    assert_eq!(dispute(clerk, jane).await["status"], "under_review");
    let theirs = shop.twin().objects("dispute");
    assert_eq!(theirs[0]["evidence_details"]["submission_count"], 1);
    assert_eq!(theirs[0]["evidence"]["customer_name"], "Jane Roe");
    (theirs[0]["evidence"]["receipt"].clone(), shop.twin().objects("file").len())
}

const HAND_IN: &str = "POST /v1/files";

#[tokio::test]
async fn an_order_without_an_invoice_is_defended_without_a_receipt() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = disputing(&shop, NOT_RECEIVED).await;
    let file = ok(clerk.get(&at(&dispute(&clerk, &jane).await, "")).await);
    assert_eq!(file["receipt"], Value::Null);
    assert_eq!(evidence_of(&shop, &clerk, &jane).await, (Value::Null, 0));
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_receipt_that_is_lost_or_not_taken_does_not_keep_the_answer_back() {
    for is_lost in [true, false] {
        let goods = invoicing();
        let shop = world::open_with(Options::default(), &goods).await;
        let clerk = clerk(&shop).await;
        let jane = disputing(&shop, NOT_RECEIVED).await;
        let (bucket, key) = paper(&shop);
        if is_lost {
            shop.wire().s3().lose(&bucket, &key);
        } else {
            // Where refunds are made, a file is refused for what it is.
            shop.wire().saboteur().hire(Arc::new(|call, request| {
                let mut refused = request.clone();
                refused["path"] = json!("/v1/refunds");
                (call.operation == HAND_IN).then(|| Sabotage::instead(refused))
            }));
        }
        assert_eq!(evidence_of(&shop, &clerk, &jane).await, (Value::Null, 0));
        sound(&shop, &goods).await;
    }
}

#[tokio::test]
async fn a_receipt_whose_arrival_nobody_heard_of_is_handed_in_once() {
    for kind in [FaultKind::LoseResponse, FaultKind::FailAfter, FaultKind::DieAfter] {
        let goods = invoicing();
        let shop = world::open_with(Options::default(), &goods).await;
        let clerk = clerk(&shop).await;
        let jane = disputing(&shop, NOT_RECEIVED).await;
        shop.wire().faults().arm(Plan::at_operation(1, kind, HAND_IN));
        let opened = dispute(&clerk, &jane).await;
        ok(submit(&clerk, &opened, "winning_evidence").await);
        shop.settle_all().await;
        assert_eq!(shop.wire().faults().fired().len(), 1, "{kind:?}");
        let (theirs, files) = (shop.twin().objects("dispute"), shop.twin().objects("file"));
        assert_eq!(files.len(), 1, "{kind:?}");
        assert_eq!(theirs[0]["evidence"]["receipt"], files[0]["id"], "{kind:?}");
        assert_eq!(theirs[0]["evidence_details"]["submission_count"], 1, "{kind:?}");
        sound(&shop, &goods).await;
    }
}

#[tokio::test]
async fn a_lost_dispute_is_booked_and_what_is_given_in_to_is_lost() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = disputing(&shop, FRAUD).await;
    let opened = dispute(&clerk, &jane).await;
    ok(submit(&clerk, &opened, "losing_evidence").await);
    shop.settle().await;
    wait(&shop).await;
    assert_eq!(dispute(&clerk, &jane).await["status"], "lost");
    let after = order(&clerk, &jane).await;
    assert_eq!(
        (&after["status"], &after["payment_status"]),
        (&json!("on_hold"), &json!("partially_paid"))
    );
    let euro = json!({"amount": eur(1)});
    let path = format!("/v1/admin/orders/{}/refunds", jane.order);
    let refund = answer_as(&clerk, &key(), &path, &euro).await;
    assert_eq!(refusal(&refund), (409, "exceeds_refundable".into()));
    // The goods are still here: they go back on sale.
    let path = format!("/v1/admin/orders/{}/cancel", jane.order);
    let off = ok(answer_as(&clerk, &key(), &path, &json!({"reason": "Lost"})).await);
    assert_eq!(off["status"], "canceled");
    shop.settle().await;
    assert_eq!(shop.twin().objects("refund").len(), 0);

    let joe = disputing(&shop, FRAUD).await;
    let given = dispute(&clerk, &joe).await;
    let (key, path) = (key(), at(&given, "/accept"));
    let first = answer_as(&clerk, &key, &path, &json!({})).await;
    let again = answer_as(&clerk, &key, &path, &json!({})).await;
    assert_eq!((first.status, first.value()), (200, again.value()));
    let other = answer_as(&clerk, &crate::world::key(), &path, &json!({})).await;
    assert_eq!(refusal(&other), (409, "dispute_answered".into()));
    shop.settle().await;
    assert_eq!(dispute(&clerk, &joe).await["status"], "lost");
    let late = submit(&clerk, &given, "x").await;
    assert_eq!(refusal(&late), (409, "invalid_transition".into()));
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_bank_that_only_asks_takes_no_money_and_what_staff_hold_stays_held() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = disputing(&shop, INQUIRY).await;
    let asked = dispute(&clerk, &jane).await;
    assert_eq!((&asked["is_inquiry"], &asked["status"]), (&json!(true), &json!("needs_response")));
    let refunds = ok(clerk.get(&format!("/v1/admin/orders/{}/refunds", jane.order)).await);
    assert_eq!(refunds["refundable"]["money"], eur(2990));
    // Staff take the matter into their own hands: the end of the inquiry releases nothing.
    for (what, body) in [("release", json!({})), ("hold", json!({"reason": "Asked the buyer"}))] {
        let path = format!("/v1/admin/orders/{}/{what}", jane.order);
        ok(answer_as(&clerk, &key(), &path, &body).await);
    }
    ok(submit(&clerk, &asked, "winning_evidence").await);
    shop.settle().await;
    wait(&shop).await;
    assert_eq!(dispute(&clerk, &jane).await["status"], "won");
    assert_eq!(order(&clerk, &jane).await["hold"]["cause"], "staff");
    assert_eq!(order(&clerk, &jane).await["status"], "on_hold");
    is_sound(&shop).await;
}

#[tokio::test]
async fn events_that_come_twice_late_and_backwards_change_nothing() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    shop.twin().set_faults(Faults { webhook_duplicates: 9, ..Faults::default() });
    let jane = disputing(&shop, FRAUD).await;
    shop.twin().set_faults(Faults::default());
    let opened = dispute(&clerk, &jane).await;
    ok(submit(&clerk, &opened, "winning_evidence").await);
    shop.settle().await;
    wait(&shop).await;
    let before = (order(&clerk, &jane).await, dispute(&clerk, &jane).await);
    assert_eq!(before.0["status"], "placed");
    // Staff look at it for another reason; then the oldest words come again, the newest first.
    let path = format!("/v1/admin/orders/{}/hold", jane.order);
    ok(answer_as(&clerk, &key(), &path, &json!({"reason": "Another address"})).await);
    let of_dispute = |event: &&Value| {
        event["type"].as_str().is_some_and(|kind| kind.starts_with("charge.dispute."))
    };
    let events = shop.twin().objects("event");
    let mails = shop.mails().len();
    for event in events.iter().filter(of_dispute).rev() {
        shop.twin().redeliver(event["id"].as_str().unwrap());
        shop.settle().await;
    }
    assert_eq!(dispute(&clerk, &jane).await, before.1);
    assert_eq!(order(&clerk, &jane).await["hold"]["reason"], "Another address");
    assert_eq!(shop.mails().len(), mails);
    is_sound(&shop).await;
}

#[tokio::test]
async fn who_may_not_answer_is_refused_and_foreign_disputes_are_not_there() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let jane = disputing(&shop, FRAUD).await;
    let opened = dispute(&clerk, &jane).await;
    let reader = Colleague::of(&shop, "reader", &[OrdersRead]).await;
    ok(reader.get(&at(&opened, "")).await);
    assert_eq!(submit(&reader, &opened, "x").await.status, 403);
    let given = answer_as(&reader, &key(), &at(&opened, "/accept"), &json!({})).await;
    assert_eq!(given.status, 403);
    let nobody = json!({"order_id": jane.order, "id": "dp_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    assert_eq!(clerk.get(&at(&nobody, "")).await.status, 404);
    assert_eq!(submit(&clerk, &nobody, "x").await.status, 404);
}

#[tokio::test]
async fn a_dispute_that_nobody_told_of_is_found_within_the_hour() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    assert_eq!(jane.pay(FRAUD).0, 200);
    shop.settle().await;
    shop.twin().set_faults(Faults { webhook_drop: 100, ..Faults::default() });
    wait(&shop).await;
    assert_eq!(order(&clerk, &jane).await["status"], "placed", "nobody told the shop");
    shop.clock().advance_ms(11 * 60_000);
    for _ in 0..2 {
        let ran = shop.run_job("payments.jobs.reconcile").await;
        assert!(matches!(ran, Outcome::Answered(_)));
        shop.settle().await;
        assert_eq!(dispute(&clerk, &jane).await["status"], "needs_response");
    }
    assert_eq!(order(&clerk, &jane).await["hold"]["cause"], "dispute");
    is_sound(&shop).await;
}
