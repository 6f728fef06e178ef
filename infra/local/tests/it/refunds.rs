//! Money back: once, never more than was taken, whatever the provider does; and the order desk.

use domain::currency::Currency;
use domain::id::{OrderId, RefundId};
use domain::money::Money;
use domain::permission::Permission::{NotificationsWrite, OrdersRead, OrdersRefund, OrdersWrite};
use domain::refund::Refund;
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, TEMPLATE};

use crate::gift_cards::{card, present};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

/// People of the staff who refund one order at the same time.
const CLIENTS: usize = 50;
/// A client that asks more often than this has found a shop that does not answer.
const TRIES_MAX: usize = 40;
/// The provider settles pending refunds, and fails those of one card, within these seconds.
const AFTERMATH_SECONDS: u64 = 30;

async fn clerk(shop: &Shop) -> Colleague {
    let may = [OrdersRead, OrdersRefund, OrdersWrite, NotificationsWrite];
    Colleague::of(shop, "clerk", &may).await
}

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// Somebody who bought two mugs with this card: 2990 with shipping.
async fn buyer(shop: &Shop, pays_with: &str) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(MUG, 2).await;
    bought(&mut jane, pays_with).await;
    jane
}

async fn bought(jane: &mut Shopper, pays_with: &str) {
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(jane.pay(pays_with).0, 200);
    jane.shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
}

fn at(jane: &Shopper, rest: &str) -> String {
    format!("/v1/admin/orders/{}{rest}", jane.order)
}

/// Gives money back, under a key.
async fn refund_as(clerk: &Colleague, jane: &Shopper, key: &str, body: &Value) -> Response {
    let request = Request::new("POST", &at(jane, "/refunds")).header("idempotency-key", key);
    clerk.send(request.json(body)).await
}

async fn refund(clerk: &Colleague, jane: &Shopper, body: &Value) -> Response {
    refund_as(clerk, jane, &key(), body).await
}

/// Units of the order's only line.
async fn units(clerk: &Colleague, jane: &Shopper, quantity: u32) -> Value {
    let order = ok(clerk.get(&at(jane, "")).await);
    json!({"lines": [{"line_id": order["lines"][0]["id"], "quantity": quantity}]})
}

/// Something that only the shop's own key may do at the provider.
pub(crate) fn at_stripe(shop: &Shop, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let form = Request::new("POST", path).form(fields);
    let request = http::Request::post(path)
        .header("authorization", format!("Bearer {}", shop.stripe_keys().secret_key))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.body)
        .expect("a request");
    let answer = shop.twin().handle(request);
    let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    (answer.status().as_u16(), body)
}

async fn is_sound(shop: &Shop) {
    sound(shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_line_goes_back_by_card_once_and_everybody_is_told() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let one = units(&clerk, &jane, 1).await;
    let preview = ok(clerk.call("POST", &at(&jane, "/refunds/preview"), &one).await);
    assert_eq!((&preview["amount"], &preview["money"]), (&eur(1250), &eur(1250)));
    assert_eq!(preview["refundable"]["amount"], eur(2990));
    assert_eq!(shop.twin().objects("refund").len(), 0);

    let key = key();
    let first = refund_as(&clerk, &jane, &key, &one).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert_eq!(first.value()["status"], "requested");
    let again = refund_as(&clerk, &jane, &key, &one).await;
    assert_eq!(again.value(), first.value());
    shop.settle().await;
    let made = shop.twin().objects("refund");
    assert_eq!((made.len(), &made[0]["amount"]), (1, &json!(1250)));

    let order = jane.view_order().await;
    assert_eq!(order["payment_status"], "partially_refunded");
    assert_eq!((&order["refunded"], &order["refunds"][0]["amount"]), (&eur(1250), &eur(1250)));
    assert_eq!(order["lines"][0]["refunded_quantity"], 1);
    let listed = ok(clerk.get(&at(&jane, "/refunds")).await);
    assert_eq!(listed["data"][0]["status"], "succeeded");
    assert_eq!(listed["refundable"]["money"], eur(1740));
    let mail = shop.mails().pop().unwrap();
    assert!(mail.subject.starts_with("A refund for your order"), "{}", mail.subject);
    assert!(mail.text.unwrap().contains("12.50 EUR"));
    is_sound(&shop).await;
}

#[tokio::test]
async fn parts_come_to_exactly_what_was_paid_and_not_a_cent_more() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let one = units(&clerk, &jane, 1).await;
    let rest = [one.clone(), one, json!({"shipping": eur(90)}), json!({"goodwill": eur(400)})];
    for part in rest {
        let answer = refund(&clerk, &jane, &part).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        shop.settle().await;
    }
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    let cent = refund(&clerk, &jane, &json!({"amount": eur(1)})).await;
    assert_eq!(refusal(&cent), (409, "exceeds_refundable".into()));
    assert_eq!(cent.value()["refundable"], eur(0));
    let line = units(&clerk, &jane, 1).await;
    let line = refund(&clerk, &jane, &line).await;
    assert_eq!(refusal(&line), (409, "quantity_not_refundable".into()));
    let ship = refund(&clerk, &jane, &json!({"shipping": eur(500)})).await;
    assert_eq!(refusal(&ship), (409, "shipping_not_refundable".into()));
    let pounds = json!({"amount": {"amount": 1, "currency": "GBP"}});
    assert_eq!(refusal(&refund(&clerk, &jane, &pounds).await).1, "currency_mismatch");
    let other = json!({"lines": [{"line_id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": 1}]});
    assert_eq!(refusal(&refund(&clerk, &jane, &other).await).1, "line_not_found");
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_is_not_paid_or_not_there_is_not_refunded_and_nobody_may_without_permission() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let euro = json!({"amount": eur(100)});
    assert_eq!(refusal(&refund(&clerk, &jane, &euro).await), (409, "order_not_placed".into()));
    let nowhere = Shopper { order: "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), ..jane.clone() };
    assert_eq!(refund(&clerk, &nowhere, &euro).await.status, 404);
    let bare = clerk.call("POST", &at(&jane, "/refunds"), &euro).await;
    assert_eq!(bare.status, 400, "no key: {}", bare.text());
    let reader = Colleague::of(&shop, "reader", &[OrdersRead]).await;
    assert_eq!(refund(&reader, &jane, &euro).await.status, 403);
    let cancel = reader.call("POST", &at(&jane, "/cancel"), &json!({"reason": "x"})).await;
    assert_eq!(cancel.status, 403);
}

#[tokio::test]
async fn a_gift_card_gets_its_money_back_before_the_card_does() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let (id, code) = card(&shop, Money::new(1000, Currency::EUR), None).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 2).await;
    ok(present(&jane, &code).await);
    bought(&mut jane, "pm_card_visa").await;
    let one = units(&clerk, &jane, 1).await;
    let made = ok(refund(&clerk, &jane, &one).await);
    assert_eq!((&made["amount"], &made["money"]), (&eur(1250), &eur(250)));
    assert_eq!(made["tenders"][0]["amount"], eur(1000));
    let balance = shop.store().gift_card(id).await.unwrap().unwrap().balance.amount();
    assert_eq!(balance, 1000, "at once");
    shop.settle().await;
    is_sound(&shop).await;
    // What is left goes back with the cancellation, and the gift card is given nothing more.
    let off = ok(clerk.call("POST", &at(&jane, "/cancel"), &json!({"reason": "Sold out"})).await);
    assert_eq!(off["status"], "canceled");
    shop.settle().await;
    let balance = shop.store().gift_card(id).await.unwrap().unwrap().balance.amount();
    assert_eq!(balance, 1000);
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_refund_that_the_bank_sends_back_opens_the_balance_and_is_asked_for_again() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_refundFail").await);
    let made = ok(refund(&clerk, &jane, &json!({"amount": eur(2990)})).await);
    shop.settle().await;
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    shop.advance(AFTERMATH_SECONDS).await;
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(
        (&order["payment_status"], &order["refunds"][0]["status"]),
        (&json!("paid"), &json!("failed"))
    );
    let waiting = ok(clerk.get("/v1/admin/refunds").await);
    assert_eq!(waiting["data"][0]["id"], made["id"]);
    assert_eq!(waiting["data"][0]["failure"], "expired_or_canceled_card");
    is_sound(&shop).await;

    // It has its credit note: another in its stead would get a second one.
    let other = refund(&clerk, &jane, &json!({"amount": eur(2990)})).await;
    assert_eq!(refusal(&other), (409, "refund_came_back".into()));
    assert_eq!(other.value()["refund_id"], made["id"]);
    let path = at(&jane, &format!("/refunds/{}/retry", made["id"].as_str().unwrap()));
    let again = ok(clerk.call("POST", &path, &json!({})).await);
    assert_eq!((&again["status"], &again["attempt"]), (&json!("requested"), &json!(2)));
    let twice = clerk.call("POST", &path, &json!({})).await;
    assert_eq!(refusal(&twice), (409, "invalid_transition".into()));
    shop.settle().await;
    assert_eq!(shop.twin().objects("refund").len(), 2);
    assert_eq!(ok(clerk.get("/v1/admin/refunds").await)["data"], json!([]));
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_refund_that_the_provider_can_not_move_fails_and_does_not_wait_for_ever() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let made = ok(refund(&clerk, &jane, &json!({"amount": eur(1001)})).await);
    // Of dinars the last digit can not be moved.
    let order = OrderId::parse(&jane.order).unwrap();
    let asked = shop.store().order(order).await.unwrap().unwrap().refunds.remove(0);
    let money = Money::new(1001, Currency::KWD);
    shop.store().save_refund(&Refund { money, ..asked }).await.unwrap();
    shop.settle().await;
    let waiting = ok(clerk.get("/v1/admin/refunds").await);
    assert_eq!(waiting["data"][0]["id"], made["id"]);
    assert_eq!(waiting["data"][0]["failure"], "amount_not_chargeable");
    assert_eq!(shop.twin().objects("refund").len(), 0);
}

#[tokio::test]
async fn a_refund_that_takes_its_time_is_shown_as_under_way() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_pendingRefund").await);
    ok(refund(&clerk, &jane, &json!({"amount": eur(1000)})).await);
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["refunds"][0]["status"], "processing");
    assert_eq!((&order["payment_status"], &order["refunded"]), (&json!("paid"), &eur(0)));
    let more = refund(&clerk, &jane, &json!({"amount": eur(2000)})).await;
    assert_eq!(refusal(&more), (409, "exceeds_refundable".into()));
    is_sound(&shop).await;
    shop.advance(AFTERMATH_SECONDS).await;
    shop.settle().await;
    assert_eq!(jane.view_order().await["payment_status"], "partially_refunded");
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_refund_made_at_stripe_itself_is_taken_over_once() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let made =
        at_stripe(&shop, "/v1/refunds", &[("payment_intent", &jane.intent), ("amount", "700")]);
    assert_eq!(made.0, 200, "{}", made.1);
    shop.settle().await;
    shop.advance(AFTERMATH_SECONDS).await;
    shop.settle().await;
    let listed = ok(clerk.get(&at(&jane, "/refunds")).await);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed["data"][0]["origin"], &listed["data"][0]["money"]),
        (&json!("provider"), &eur(700))
    );
    assert_eq!(listed["refundable"]["money"], eur(2290));
    assert_eq!(jane.view_order().await["payment_status"], "partially_refunded");
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_refund_that_stripe_had_before_is_found_a_day_later_and_not_made_twice() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let made = ok(refund(&clerk, &jane, &json!({"amount": eur(700)})).await);
    // Whoever asked died with the answer, and all that Stripe said of it was lost.
    let order = OrderId::parse(&jane.order).unwrap();
    let id = RefundId::parse(made["id"].as_str().unwrap()).unwrap();
    let store = shop.store();
    let file = store.order(order).await.unwrap().unwrap();
    let asking = file.refunds[0].clone().ask(shop.clock().now()).unwrap();
    assert_eq!(store.save_refund(&asking).await.unwrap(), store::Saved::Yes);
    let named = id.to_string();
    let fields = [
        ("payment_intent", jane.intent.as_str()),
        ("amount", "700"),
        ("metadata[refund_id]", named.as_str()),
        ("metadata[attempt]", "1"),
    ];
    assert_eq!(at_stripe(&shop, "/v1/refunds", &fields).0, 200);
    for event in shop.twin().deliveries_due() {
        shop.twin().delivered(&event.id, Some(200));
    }
    shop.clock().advance_ms(25 * 60 * 60 * 1000);
    shop.settle().await;
    assert_eq!(shop.twin().objects("refund").len(), 1);
    assert_eq!(jane.view_order().await["refunds"][0]["status"], "succeeded");
    is_sound(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_refund_one_order_at_once_and_no_cent_too_much_goes_back() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let mut asking = Vec::new();
    for client in 0..CLIENTS {
        let (clerk, jane) = (clerk.clone(), jane.clone());
        asking.push(tokio::spawn(async move {
            let key = format!("refund-{client}");
            let body = json!({"amount": eur(400)});
            for _ in 0..TRIES_MAX {
                let answer = refund_as(&clerk, &jane, &key, &body).await;
                let code = refusal(&answer).1;
                if answer.status != 503 && code != "idempotency_in_progress" {
                    return answer.status;
                }
            }
            503
        }));
    }
    let mut given = 0;
    for one in asking {
        let status = one.await.unwrap();
        assert!([201, 409].contains(&status), "{status}");
        given += usize::from(status == 201);
    }
    assert_eq!(given, 7, "7 × 400 of 2990");
    shop.settle_all().await;
    let back: i64 =
        shop.twin().objects("refund").iter().map(|one| one["amount"].as_i64().unwrap()).sum();
    assert_eq!(back, 2800);
    is_sound(&shop).await;
}

#[tokio::test]
async fn staff_call_off_what_is_paid_and_all_goes_back() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let why = json!({"reason": "Out of stock"});
    let off = ok(clerk.call("POST", &at(&jane, "/cancel"), &why).await);
    assert_eq!(
        (&off["status"], &off["reservation"]["state"]),
        (&json!("canceled"), &json!("released"))
    );
    assert_eq!(off["refund_details"][0]["origin"], "cancellation");
    assert_eq!(off["refund_details"][0]["reason"], "Out of stock");
    let twice = ok(clerk.call("POST", &at(&jane, "/cancel"), &why).await);
    assert_eq!(twice["refund_details"].as_array().unwrap().len(), 1);
    shop.settle().await;
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    let subjects: Vec<_> = shop.mails().into_iter().map(|mail| mail.subject).collect();
    assert!(subjects.iter().any(|subject| subject.ends_with("was canceled")), "{subjects:?}");
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
}

#[tokio::test]
async fn staff_call_off_what_waits_for_its_payment_and_nobody_can_pay_it_any_more() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let why = json!({"reason": "A test"});
    assert_eq!(ok(clerk.call("POST", &at(&jane, "/cancel"), &why).await)["status"], "canceled");
    assert_ne!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    assert_eq!(shop.twin().objects("payment_intent")[0]["status"], "canceled");
    is_sound(&shop).await;
}

#[tokio::test]
async fn an_order_whose_money_came_a_moment_ago_is_called_off_with_a_refund() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    // Paid, and the shop does not know yet.
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    let why = json!({"reason": "A test"});
    assert_eq!(ok(clerk.call("POST", &at(&jane, "/cancel"), &why).await)["status"], "canceled");
    shop.settle().await;
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    is_sound(&shop).await;
}

#[tokio::test]
async fn what_went_out_is_not_called_off() {
    let shop = world::open().await;
    let clerk = clerk(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    bought(&mut jane, "pm_card_visa").await;
    let off = clerk.call("POST", &at(&jane, "/cancel"), &json!({"reason": "x"})).await;
    assert_eq!(refusal(&off), (409, "already_fulfilled".into()));
}

#[tokio::test]
async fn an_order_is_held_released_and_its_story_is_told() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let why = json!({"reason": "Asked for another address"});
    let held = ok(clerk.call("POST", &at(&jane, "/hold"), &why).await);
    assert_eq!((&held["status"], &held["hold"]["reason"]), (&json!("on_hold"), &why["reason"]));
    let twice = clerk.call("POST", &at(&jane, "/hold"), &why).await;
    assert_eq!(refusal(&twice), (409, "invalid_transition".into()));
    let note = Request::new("POST", &at(&jane, "/notes")).header("idempotency-key", "note-1");
    let note = note.json(&json!({"text": "Called.\nCalls back."}));
    assert_eq!(clerk.send(note.clone()).await.status, 201);
    assert_eq!(clerk.send(note).await.status, 201);
    let notes = ok(clerk.get(&at(&jane, "/notes")).await);
    assert_eq!(notes["data"].as_array().unwrap().len(), 1);
    let released = ok(clerk.call("POST", &at(&jane, "/release"), &json!({})).await);
    assert_eq!(released["status"], "placed");
    let twice = clerk.call("POST", &at(&jane, "/release"), &json!({})).await;
    assert_eq!(refusal(&twice), (409, "invalid_transition".into()));
    ok(refund(&clerk, &jane, &json!({"goodwill": eur(100), "reason": "Sorry"})).await);
    shop.settle().await;
    let told = ok(clerk.get(&at(&jane, "/timeline")).await);
    let told: Vec<&str> =
        told["data"].as_array().unwrap().iter().filter_map(|one| one["type"].as_str()).collect();
    for what in ["order.created", "order.placed", "order.held", "note.added", "order.released"] {
        assert!(told.contains(&what), "{what}: {told:?}");
    }
    assert!(told.contains(&"refund.requested") && told.contains(&"refund.succeeded"), "{told:?}");
    is_sound(&shop).await;
}

#[tokio::test]
async fn the_confirmation_is_sent_once_more_when_staff_ask_for_it() {
    let shop = world::open().await;
    let (clerk, jane) = (clerk(&shop).await, buyer(&shop, "pm_card_visa").await);
    let before = shop.mails().len();
    let path = at(&jane, "/resend_confirmation");
    assert_eq!(clerk.call("POST", &path, &json!({})).await.status, 204);
    shop.settle().await;
    let mails = shop.mails();
    assert_eq!(mails.len(), before + 1);
    assert_eq!(mails[before].subject, mails[before - 1].subject);
    ok(clerk.call("POST", &at(&jane, "/cancel"), &json!({"reason": "x"})).await);
    assert_eq!(refusal(&clerk.call("POST", &path, &json!({})).await).0, 409);
}
