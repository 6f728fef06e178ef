//! What becomes of letters: the log of each order, news of the mail service, addresses that are not
//! written to, letters that are sent again.

use domain::permission::Permission::{CustomersRead, NotificationsWrite, OrdersRead};
use local::{Request, Shop};
use serde_json::{Value, json};
use wire::{FaultKind, Plan};

use crate::tour::letters::{SUPPRESSIONS, newest, news, thanked};
use crate::world::{self, Colleague, Shopper, ok, refusal};

const DELIVER: &str = "notifications.jobs.deliver";

/// Somebody who works here and looks after the post.
async fn clerk(shop: &Shop) -> Colleague {
    Colleague::of(shop, "mary", &[CustomersRead, NotificationsWrite, OrdersRead]).await
}

/// The letters about somebody's order.
async fn log(mary: &Colleague, jane: &Shopper) -> Vec<Value> {
    let log = ok(mary.get(&format!("/v1/admin/orders/{}/messages", jane.order)).await);
    log["data"].as_array().unwrap().clone()
}

async fn resend(mary: &Colleague, letter: &Value) -> local::Response {
    let id = letter["id"].as_str().unwrap();
    mary.call("POST", &format!("/v1/admin/messages/{id}/resend"), &Value::Null).await
}

async fn tell(shop: &Shop, mail: &wire::Mail, what: &str) {
    let told = shop.send(news(mail, what)).await;
    assert_eq!(told.status, 202, "{}", told.text());
    shop.settle().await;
}

async fn suppressions(mary: &Colleague) -> Vec<Value> {
    ok(mary.get(SUPPRESSIONS).await)["data"].as_array().unwrap().clone()
}

async fn noted(shop: &Shop, action: &str) -> usize {
    shop.settle().await;
    let links = shop.audit_log().await.unwrap();
    links.iter().filter(|link| link.entry.action == action).count()
}

/// Messages that lie in dead-letter queues.
fn dead(shop: &Shop) -> u64 {
    shop.wire().sqs().depths().iter().filter(|one| one.is_dlq).map(|one| one.visible).sum()
}

#[tokio::test]
async fn a_letter_is_followed_to_where_it_ends() {
    let shop = world::open().await;
    let mary = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    let mail = thanked(&mut jane).await;
    let first = log(&mary, &jane).await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0]["letter"], "order_confirmation");
    assert_eq!(first[0]["status"], "sent");
    assert_eq!(first[0]["to"], "j•••@e•••.org");
    assert_eq!(first[0]["id"], mail.tags["message"].as_str());
    // Each news is told twice, and the oldest once more at the end.
    for (what, status, reason) in [
        ("delivery", "delivered", Value::Null),
        ("transient_bounce", "delivered", Value::Null),
        ("complaint", "complained", json!("complaint")),
        ("bounce", "complained", json!("complaint")),
        ("delivery", "complained", json!("complaint")),
    ] {
        for _ in 0..2 {
            tell(&shop, &mail, what).await;
        }
        let now = log(&mary, &jane).await;
        assert_eq!((&now[0]["status"], &now[0]["reason"]), (&json!(status), &reason), "{what}");
    }
    let list = suppressions(&mary).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["cause"], "complaint");
    assert_eq!(list[0]["message_id"], first[0]["id"]);
    assert_eq!(list[0]["id"], first[0]["suppression_id"]);
    let said = format!("{list:?}{first:?}");
    assert!(!said.contains("jane") && !said.contains("example"), "{said}");
    assert_eq!(dead(&shop), 0);
    let nothing = "/v1/admin/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV/messages";
    assert_eq!(refusal(&mary.get(nothing).await), (404, "not_found".into()));
}

#[tokio::test]
async fn an_address_that_bounces_is_not_written_to_but_for_its_security() {
    let shop = world::open().await;
    let mut mary = clerk(&shop).await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    let mail = thanked(&mut jane).await;
    tell(&shop, &mail, "bounce").await;
    let bounced = log(&mary, &jane).await;
    assert_eq!(bounced[0]["status"], "bounced");
    assert_eq!(bounced[0]["reason"], "permanent_bounce");

    let sent = shop.mails().len();
    let newest_before = thanked(&mut jane).await;
    assert_eq!(newest_before.id, mail.id, "nothing was sent");
    assert_eq!(shop.mails().len(), sent);
    let kept = log(&mary, &jane).await;
    assert_eq!(kept[0]["status"], "suppressed");
    assert_eq!(kept[0]["reason"], "address_suppressed");
    // The same letter, however often the queue brings it.
    shop.clock().advance_ms(600_000);
    shop.settle_all().await;
    assert_eq!(shop.mails().len(), sent);
    mary.sign_in().await;

    // Whoever lost a password gets the letter all the same.
    let letter = json!({"email": "jane@example.org"});
    let forgot = jane.call("POST", "/v1/auth/password/forgot", &letter).await;
    assert_eq!(forgot.status, 202);
    shop.settle().await;
    assert_eq!(newest(&jane).tags["template"], "reset_password");

    let refused = resend(&mary, &kept[0]).await;
    assert_eq!(refusal(&refused), (409, "address_suppressed".into()));
    let id = refused.value()["suppression_id"].as_str().unwrap().to_owned();
    assert_eq!(kept[0]["suppression_id"], id.as_str());
    let at = format!("{SUPPRESSIONS}/{id}");
    assert_eq!(mary.send(Request::new("DELETE", &at)).await.status, 204);
    assert_eq!(mary.send(Request::new("DELETE", &at)).await.status, 404);
    assert_eq!(resend(&mary, &kept[0]).await.status, 202);
    shop.settle().await;
    let both = log(&mary, &jane).await;
    assert_eq!(both.len(), 2);
    assert_eq!(both[1]["status"], "sent");
    assert_eq!(both[1]["repeats"], kept[0]["id"]);
    assert_eq!(newest(&jane).tags["message"], both[1]["id"].as_str().unwrap());
    assert_eq!(noted(&shop, "suppression.remove").await, 1);
    assert_eq!(noted(&shop, "letter.resend").await, 1);
}

#[tokio::test]
async fn a_letter_is_sent_again_five_times_and_one_with_a_link_never() {
    let shop = world::open().await;
    let mary = clerk(&shop).await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    let link = newest(&jane).tags["message"].clone();
    let refused = resend(&mary, &json!({"id": link})).await;
    assert_eq!(refusal(&refused), (409, "letter_not_repeatable".into()));
    let nobody = json!({"id": "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    assert_eq!(refusal(&resend(&mary, &nobody).await), (404, "not_found".into()));

    let mail = thanked(&mut jane).await;
    let first = log(&mary, &jane).await.remove(0);
    shop.clock().advance_ms(1_000);
    // Under one key it is one letter.
    let target = format!("/v1/admin/messages/{}/resend", mail.tags["message"]);
    for _ in 0..2 {
        let request = Request::new("POST", &target).header("idempotency-key", "once");
        assert_eq!(mary.send(request).await.status, 202);
    }
    for _ in 0..4 {
        shop.clock().advance_ms(1_000);
        assert_eq!(resend(&mary, &first).await.status, 202);
    }
    let refused = resend(&mary, &first).await;
    assert_eq!(refusal(&refused), (409, "letter_repeated_too_often".into()));
    shop.settle().await;
    let all = log(&mary, &jane).await;
    assert_eq!(all.len(), 6);
    assert_eq!(all[0]["resends"], 5);
    assert!(all.iter().all(|one| one["status"] == "sent"), "{all:?}");
    let copies = shop.mails().into_iter().filter(|one| one.subject == mail.subject);
    assert_eq!(copies.filter(|one| one.text == mail.text).count(), 6);
    // By page, the oldest first.
    let target = format!("/v1/admin/orders/{}/messages?limit=4", jane.order);
    let page = ok(mary.get(&target).await);
    assert_eq!(page["data"].as_array().unwrap().as_slice(), &all[..4]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = ok(mary.get(&format!("{target}&cursor={cursor}")).await);
    assert_eq!(rest["data"].as_array().unwrap().as_slice(), &all[4..]);
}

#[tokio::test]
async fn news_of_letters_that_nobody_remembers_and_no_news_at_all_stop_nothing() {
    let shop = world::open().await;
    let mary = clerk(&shop).await;
    let queue = shop.stack().configuration_sets[0].queue.clone().unwrap();
    let told = |event: Value| {
        let body = json!({"Type": "Notification", "Message": event.to_string()});
        shop.wire().sqs().send(&queue, &body.to_string()).unwrap();
    };
    let mail = |tag: &str| json!({"destination": ["old@example.org"], "tags": {"message": [tag]}});
    let bounce = json!({"bounceType": "Permanent"});
    for tag in ["msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", ""] {
        told(json!({"eventType": "Bounce", "mail": mail(tag), "bounce": bounce}));
        told(json!({"eventType": "Send", "mail": mail(tag)}));
    }
    shop.settle().await;
    assert_eq!(suppressions(&mary).await.len(), 1);
    assert_eq!(dead(&shop), 0);
    // What can not be read is put aside after five tries, and its neighbours are not.
    shop.wire().sqs().send(&queue, "no news").unwrap();
    let mut jane = Shopper::guest(&shop).await;
    let letter = thanked(&mut jane).await;
    tell(&shop, &letter, "delivery").await;
    assert_eq!(log(&mary, &jane).await[0]["status"], "delivered");
    shop.settle_all().await;
    assert_eq!(dead(&shop), 1);
}

#[tokio::test]
async fn news_that_overtakes_its_letter_s_own_mark_is_believed_and_the_letter_goes_out_once() {
    for what in ["delivery", "bounce", "complaint"] {
        let shop = world::open().await;
        let mut mary = clerk(&shop).await;
        let mut jane = Shopper::guest(&shop).await;
        // The letters of whoever signed in are out of the way.
        shop.settle().await;
        let is_mark =
            |call: &wire::CallId| call.caller == DELIVER && call.operation == "UpdateItem";
        let filter: wire::Filter = Box::new(is_mark);
        let plan = Plan { at: 1, kind: FaultKind::DieBefore, filter: Some(filter) };
        shop.wire().faults().arm(plan);
        let mail = thanked(&mut jane).await;
        assert_eq!(log(&mary, &jane).await[0]["status"], "sending");
        tell(&shop, &mail, what).await;
        let status = log(&mary, &jane).await[0]["status"].clone();
        assert_ne!(status, "sending");
        // The queue brings the letter again when the claim is long over.
        shop.clock().advance_ms(600_000);
        shop.settle_all().await;
        let copies = shop.mails().into_iter().filter(|one| one.tags == mail.tags).count();
        assert_eq!(copies, 1, "{what}");
        mary.sign_in().await;
        assert_eq!(log(&mary, &jane).await[0]["status"], status);
    }
}

#[tokio::test]
async fn who_dies_between_the_list_and_the_log_is_told_again() {
    let shop = world::open().await;
    let mut mary = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    let mail = thanked(&mut jane).await;
    let is_move = |call: &wire::CallId| {
        call.caller == "notifications.jobs.on_feedback" && call.operation == "UpdateItem"
    };
    let filter: wire::Filter = Box::new(is_move);
    shop.wire().faults().arm(Plan { at: 1, kind: FaultKind::DieBefore, filter: Some(filter) });
    tell(&shop, &mail, "bounce").await;
    assert_eq!(suppressions(&mary).await.len(), 1);
    assert_eq!(log(&mary, &jane).await[0]["status"], "sent");
    shop.settle_all().await;
    mary.sign_in().await;
    assert_eq!(suppressions(&mary).await.len(), 1);
    assert_eq!(log(&mary, &jane).await[0]["status"], "bounced");
    assert_eq!(dead(&shop), 0);
}

#[tokio::test]
async fn an_address_is_put_on_the_list_once_and_listed_by_page() {
    let shop = world::open().await;
    let mary = clerk(&shop).await;
    let mut ids = Vec::new();
    for name in ["one", "two", "two", "TWO"] {
        shop.clock().advance_ms(1_000);
        let body = json!({"email": format!("{name}@example.org")});
        let made = mary.call("POST", SUPPRESSIONS, &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let made = made.value();
        assert_eq!(made["cause"], "staff");
        ids.push(made["id"].clone());
    }
    assert_eq!(ids[1], ids[2]);
    assert_eq!(ids[1], ids[3]);
    assert_eq!(noted(&shop, "suppression.add").await, 2);
    let page = ok(mary.get(&format!("{SUPPRESSIONS}?limit=1")).await);
    assert_eq!(page["data"][0]["id"], ids[1]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = ok(mary.get(&format!("{SUPPRESSIONS}?limit=1&cursor={cursor}")).await);
    assert_eq!(rest["data"][0]["id"], ids[0]);
    // Another colleague's place in the list is not ours, and who may not write does not.
    let joe = Colleague::of(&shop, "joe", &[CustomersRead, OrdersRead]).await;
    let theirs = joe.get(&format!("{SUPPRESSIONS}?limit=1&cursor={cursor}")).await;
    assert_eq!(refusal(&theirs), (400, "invalid_cursor".into()));
    let body = json!({"email": "joe@example.org"});
    let refused = joe.call("POST", SUPPRESSIONS, &body).await;
    assert_eq!(refusal(&refused), (403, "forbidden".into()));
    let at = format!("{SUPPRESSIONS}/{}", ids[0].as_str().unwrap());
    let refused = joe.send(Request::new("DELETE", &at)).await;
    assert_eq!(refusal(&refused), (403, "forbidden".into()));
    let letter = json!({"id": "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    assert_eq!(refusal(&resend(&joe, &letter).await), (403, "forbidden".into()));
}
