//! Draft orders: what staff agree on with a buyer, the link by which it is paid, and all that comes
//! between the two.

use domain::currency::Currency;
use domain::permission::Permission::{self, OrdersRead, OrdersWrite};
use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, Good, MUG, POSTER, SOCKS};
use wire::{FaultKind, Plan};

use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const MAY: [Permission; 2] = [OrdersRead, OrdersWrite];
const DRAFTS: &str = "/v1/admin/draft_orders";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Longer than a key is held by whoever died with it.
const LEASE_MS: i64 = 31 * 1000;
/// How often somebody asks again.
const TRIES_MAX: usize = 4;

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// Units of a good, for Jane.
fn content(good: Good, quantity: u32) -> Value {
    json!({
        "currency": "EUR",
        "lines": [{"variant_id": good.variant(), "quantity": quantity}],
        "email": "jane@example.org",
        "shipping_address": world::address(),
        "shipping_option_id": "home-standard",
    })
}

/// A new draft: where it is.
async fn begin(clerk: &Colleague, content: &Value) -> String {
    let made = clerk.call("POST", DRAFTS, content).await;
    assert_eq!(made.status, 201, "{}", made.text());
    format!("{DRAFTS}/{}", made.value()["id"].as_str().unwrap())
}

async fn send_as(clerk: &Colleague, draft: &str, key: &str, body: &Value) -> Response {
    let request = Request::new("POST", &format!("{draft}/send")).header("idempotency-key", key);
    clerk.send(request.json(body)).await
}

/// Sends the link, and gives it to the buyer.
async fn send(clerk: &Colleague, draft: &str) -> Shopper {
    let sent = ok(send_as(clerk, draft, &key(), &json!({})).await);
    clerk.shop.settle().await;
    let mut jane = Shopper::new(&clerk.shop);
    sent["cart_id"].as_str().unwrap().clone_into(&mut jane.cart);
    jane.cart_token = jane.mailed_token("jane@example.org");
    jane
}

/// What the link shows.
async fn shown(jane: &Shopper) -> Value {
    ok(jane.get(&format!("/v1/store/pay_links/{}", jane.cart)).await)
}

/// Orders what the link shows.
async fn order(jane: &mut Shopper) -> Response {
    let total = shown(jane).await["totals"]["total"].clone();
    jane.complete_at(&key(), &total).await
}

async fn cancel(clerk: &Colleague, draft: &str) -> Response {
    clerk.call("POST", &format!("{draft}/cancel"), &json!({})).await
}

async fn is_sound(shop: &Shop) {
    shop.settle().await;
    sound(shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_was_agreed_is_what_is_paid_whatever_the_catalogue_says() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let mut wanted = content(MUG, 2);
    wanted["lines"][0]["deal"] =
        json!({"unit_price": eur(1000), "discount": eur(100), "reason": "Scratched"});
    wanted["note"] = json!("Called.");
    let draft = begin(&clerk, &wanted).await;
    let preview = ok(clerk.get(&draft).await);
    assert_eq!(preview["totals"]["total"], eur(2 * 1000 - 100 + 490));
    assert_eq!((&preview["status"], &preview["is_agreed"]), (&json!("open"), &json!(false)));
    assert_eq!(preview["lines"][0]["catalog_price"], eur(1250));
    assert!(preview["shipping_options"].as_array().unwrap().len() > 1);
    let mut jane = send(&clerk, &draft).await;
    let mail = shop.mails().into_iter().next_back().unwrap();
    assert!(mail.text.unwrap().contains(&format!("/pay/{}#token=", jane.cart)));

    // The catalogue goes on, and what was agreed stands.
    let mut dearer = goods::small(world::MUGS);
    for offer in dearer.products.iter_mut().flat_map(|(_, offers)| offers) {
        offer.prices.values_mut().for_each(|price| *price *= 2);
    }
    shop.store().import_products(&dearer.products, Currency::EUR).await.unwrap();
    let link = shown(&jane).await;
    assert_eq!(link["totals"]["total"], eur(2390));
    assert_eq!((&link["status"], &link["order_id"]), (&json!("payable"), &Value::Null));
    assert_eq!(ok(clerk.get(&draft).await)["totals"]["total"], eur(2390));

    // Nobody but the mailbox has the link, and nobody changes what is in it.
    let stranger = Shopper { cart_token: Some("x".repeat(43)), ..jane.clone() };
    let there = format!("/v1/store/pay_links/{}", jane.cart);
    assert_eq!(stranger.get(&there).await.status, 404);
    let more = json!({"variant_id": SOCKS.variant(), "quantity": 1});
    let more = jane.call("POST", &format!("/v1/store/carts/{}/lines", jane.cart), &more).await;
    assert_eq!(refusal(&more), (409, "cart_agreed".into()));
    let less = jane.complete_at(&key(), &eur(1)).await;
    assert_eq!(refusal(&less), (409, "total_changed".into()));

    let once = key();
    let ordered = jane.complete_at(&once, &link["totals"]["total"]).await;
    assert_eq!(ordered.status, 201, "{}", ordered.text());
    let replayed = jane.complete_at(&once, &link["totals"]["total"]).await;
    assert_eq!(replayed.value(), ordered.value());
    let twice = jane.complete_at(&key(), &link["totals"]["total"]).await;
    assert_eq!(refusal(&twice), (409, "cart_completed".into()));
    let late = cancel(&clerk, &draft).await;
    assert_eq!(refusal(&late), (409, "draft_ordered".into()));
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    let bought = jane.view_order().await;
    assert_eq!((&bought["status"], &bought["captured"]), (&json!("placed"), &eur(2390)));
    assert_eq!(shown(&jane).await["status"], "ordered");
    let draft = ok(clerk.get(&draft).await);
    assert_eq!((&draft["status"], &draft["order_id"]), (&json!("ordered"), &json!(jane.order)));
    let file = ok(clerk.get(&format!("/v1/admin/orders/{}", jane.order)).await);
    assert_eq!(file["draft_id"], draft["id"]);
    is_sound(&shop).await;
}

#[tokio::test]
async fn a_link_that_was_withdrawn_sells_nothing_and_the_next_one_does() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let draft = begin(&clerk, &content(MUG, 2)).await;
    let mut before = send(&clerk, &draft).await;
    let total = shown(&before).await["totals"]["total"].clone();
    let seen = clerk.tag(&draft).await;
    let unseen = clerk.call("PUT", &draft, &content(MUG, 1)).await;
    assert_eq!(refusal(&unseen).0, 428);
    let changed = ok(clerk.call_if(&seen, "PUT", &draft, &content(MUG, 1)).await);
    assert_eq!((&changed["status"], &changed["is_agreed"]), (&json!("open"), &json!(false)));
    let stale = clerk.call_if(&seen, "PUT", &draft, &content(MUG, 3)).await;
    assert_eq!(refusal(&stale).0, 412);
    assert_eq!(shown(&before).await["status"], "withdrawn");
    let withdrawn = (409, "pay_link_withdrawn".to_owned());
    assert_eq!(refusal(&before.complete_at(&key(), &total).await), withdrawn);
    // Sent twice under one key, one letter goes out.
    let (once, mails) = (key(), shop.mails().len());
    let sent = ok(send_as(&clerk, &draft, &once, &json!({"days": 1})).await);
    assert_eq!(ok(send_as(&clerk, &draft, &once, &json!({"days": 1})).await), sent);
    shop.settle().await;
    assert_eq!(shop.mails().len(), mails + 1);
    let mut jane = Shopper::new(&shop);
    sent["cart_id"].as_str().unwrap().clone_into(&mut jane.cart);
    jane.cart_token = jane.mailed_token("jane@example.org");
    // Its time is over; another one is good.
    shop.clock().advance_ms(DAY_MS);
    assert_eq!(shown(&jane).await["status"], "expired");
    assert_eq!(refusal(&order(&mut jane).await), (409, "pay_link_expired".into()));
    let mut clerk = clerk;
    clerk.sign_in().await;
    let mut jane = send(&clerk, &draft).await;
    assert_eq!(shown(&jane).await["status"], "payable");
    let total = shown(&jane).await["totals"]["total"].clone();
    let off = ok(cancel(&clerk, &draft).await);
    assert_eq!(off["status"], "canceled");
    assert_eq!(refusal(&jane.complete_at(&key(), &total).await), withdrawn);
    let canceled = (409, "draft_canceled".to_owned());
    assert_eq!(refusal(&cancel(&clerk, &draft).await), canceled);
    assert_eq!(refusal(&send_as(&clerk, &draft, &key(), &json!({})).await), canceled);
    let list = ok(clerk.get(DRAFTS).await);
    assert_eq!(
        (&list["data"][0]["status"], &list["next_cursor"]),
        (&json!("canceled"), &Value::Null)
    );
    // Another one is listed first, and this one on the next page.
    shop.clock().advance_ms(1000);
    let newer = begin(&clerk, &content(MUG, 1)).await;
    let first = ok(clerk.get(&format!("{DRAFTS}?limit=1")).await);
    assert!(newer.ends_with(first["data"][0]["id"].as_str().unwrap()));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ok(clerk.get(&format!("{DRAFTS}?limit=1&cursor={cursor}")).await);
    assert_eq!(second["data"], list["data"]);
    shop.settle().await;
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    assert!(facts.stock.iter().all(|level| level.reserved == 0));
}

#[tokio::test]
async fn a_draft_holds_nothing_until_it_is_ordered_and_the_last_unit_is_sold_once() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let draft = begin(&clerk, &content(POSTER, 1)).await;
    let mut jane = send(&clerk, &draft).await;
    let mut joe = Shopper::from(&shop, "203.0.113.9");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    assert_eq!(joe.complete().await.status, 201);
    assert_eq!(refusal(&order(&mut jane).await), (409, "insufficient_stock".into()));
    assert_eq!(ok(clerk.get(&draft).await)["status"], "sent");
    // Joe does not pay: the link is good still. Jane does not pay, either: it still is.
    let unpaid = || async {
        shop.clock().advance_ms(31 * 60 * 1000);
        shop.run_job("checkout.jobs.expire_unpaid").await;
        shop.settle().await;
    };
    unpaid().await;
    let first = order(&mut jane).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let first = jane.order.clone();
    unpaid().await;
    assert_eq!(shown(&jane).await["status"], "payable");
    let again = order(&mut jane).await;
    assert_eq!(again.status, 201, "{}", again.text());
    assert_ne!(jane.order, first);
    assert_eq!(jane.pay("pm_card_visa").0, 200);
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
    let mut clerk = clerk;
    clerk.sign_in().await;
    assert_eq!(ok(clerk.get(&draft).await)["order_id"], json!(jane.order));
    is_sound(&shop).await;
}

#[tokio::test]
async fn of_a_buyer_and_a_clerk_who_calls_off_one_is_first() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    for _ in 0..4 {
        let draft = begin(&clerk, &content(SOCKS, 1)).await;
        let mut jane = send(&clerk, &draft).await;
        let total = shown(&jane).await["totals"]["total"].clone();
        let once = key();
        let (bought, off) = tokio::join!(jane.complete_at(&once, &total), cancel(&clerk, &draft));
        if bought.status == 201 {
            assert_eq!(refusal(&off), (409, "draft_ordered".into()));
            assert_eq!(jane.pay("pm_card_visa").0, 200);
        } else {
            assert_eq!(refusal(&bought), (409, "pay_link_withdrawn".into()));
            assert_eq!(off.status, 200, "{}", off.text());
        }
        shop.settle().await;
    }
    is_sound(&shop).await;
}

#[tokio::test]
async fn whatever_breaks_on_the_way_one_link_is_good() {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", &MAY).await;
    let draft = begin(&clerk, &content(MUG, 1)).await;
    shop.settle().await;
    let kinds = [
        FaultKind::FailBefore,
        FaultKind::LoseResponse,
        FaultKind::TransactionConflict,
        FaultKind::DieBefore,
        FaultKind::DieAfter,
    ];
    for kind in kinds {
        let writes = |call: &wire::CallId| {
            call.caller == "orders.admin.send_draft" && call.operation == "TransactWriteItems"
        };
        let filter: wire::Filter = Box::new(writes);
        shop.wire().faults().arm(Plan { at: 1, kind, filter: Some(filter) });
        let (once, mails) = (key(), shop.mails().len());
        let mut answer = send_as(&clerk, &draft, &once, &json!({})).await;
        for _ in 0..TRIES_MAX {
            if answer.status != 200 {
                // Whoever died holds the key for a while.
                shop.clock().advance_ms(LEASE_MS);
                answer = send_as(&clerk, &draft, &once, &json!({})).await;
            }
        }
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.text());
        shop.settle().await;
        assert_eq!(shop.mails().len(), mails + 1, "{kind:?}");
        let mut jane = Shopper::new(&shop);
        answer.value()["cart_id"].as_str().unwrap().clone_into(&mut jane.cart);
        jane.cart_token = jane.mailed_token("jane@example.org");
        assert_eq!(shown(&jane).await["status"], "payable", "{kind:?}");
    }
    assert_eq!(shop.wire().faults().fired().len(), kinds.len());
    is_sound(&shop).await;
}
