//! Parcels: packed in parts, sent once, followed, and told of.

use std::collections::BTreeSet;

use domain::permission::Permission;
use local::{Request, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, SOCKS, TEMPLATE};

use crate::tour::parcels::{at, go, line_of, open, socks};
use crate::world::{self, Colleague, Shopper, key, ok, refusal, sound};

const MAY: [Permission; 3] =
    [Permission::OrdersFulfill, Permission::OrdersRead, Permission::InventoryRead];

async fn packer(shop: &Shop) -> Colleague {
    Colleague::of(shop, "packer", &MAY).await
}

/// A new parcel: where it is, and its tag.
async fn parcel(packer: &Colleague, order: &str, line: &Value, units: u32) -> (String, String) {
    let made = open(packer, order, line, units).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let here = format!("{}/{}", at(order), made.value()["id"].as_str().unwrap());
    let seen = made.header("etag").unwrap().to_owned();
    (here, seen)
}

/// It moves: its new tag.
async fn moved(who: &Colleague, seen: &str, target: &str, body: Value) -> String {
    let answer = go(who, seen, target, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("etag").unwrap().to_owned()
}

async fn level(who: &Colleague) -> (i64, i64) {
    let first = domain::stock::FIRST_LOCATION;
    let level = ok(who.get(&format!("/v1/admin/inventory/levels/{}/{first}", SOCKS.sku)).await);
    (level["on_hand"].as_i64().unwrap(), level["reserved"].as_i64().unwrap())
}

#[tokio::test]
async fn an_order_goes_in_two_parcels_and_its_buyer_follows_both() {
    let shop = world::open().await;
    let packer = packer(&shop).await;
    let jane = socks(&shop, "203.0.113.7", 3).await;
    let line = json!(line_of(&jane).await);
    let due = ok(packer.get("/v1/admin/fulfillments/due").await);
    assert_eq!(
        (&due["data"][0]["order_id"], &due["data"][0]["quantity"]),
        (&json!(jane.order), &json!(3))
    );
    assert_eq!(level(&packer).await, (50, 3));

    let (here, seen) = parcel(&packer, &jane.order, &line, 2).await;
    let shown = ok(packer.get(&at(&jane.order)).await);
    assert_eq!(shown["lines"][0]["packing_quantity"], 2);
    assert_eq!(shown["lines"][0]["open_quantity"], 1);
    assert_eq!(level(&packer).await, (50, 3), "what is packed still lies here");
    let waiting = ok(packer.get("/v1/admin/fulfillments?status=open").await);
    assert_eq!(waiting["data"].as_array().unwrap().len(), 1);
    assert_eq!(jane.view_order().await["parcels"], json!([]), "it has not left");

    let seen = moved(&packer, &seen, &format!("{here}/pack"), Value::Null).await;
    let url = "https://www.dhl.example/follow?piececode=0034";
    let said = json!({"carrier": "DHL", "tracking_number": "0034", "tracking_url": url});
    let seen = moved(&packer, &seen, &format!("{here}/ship"), said).await;
    assert_eq!(level(&packer).await, (48, 1));
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["fulfillment_status"], "partially_fulfilled");
    assert_eq!(order["parcels"][0]["tracking_number"], "0034");
    let mail = shop.mails().pop().unwrap();
    assert!(mail.subject.contains("on its way"), "{}", mail.subject);
    assert!(mail.text.unwrap().contains(url));
    moved(&packer, &seen, &format!("{here}/deliver"), Value::Null).await;

    let (here, seen) = parcel(&packer, &jane.order, &line, 1).await;
    let seen = moved(&packer, &seen, &format!("{here}/ship"), json!({})).await;
    shop.settle().await;
    assert_eq!(jane.view_order().await["fulfillment_status"], "partially_delivered");
    let due = ok(packer.get("/v1/admin/fulfillments/due").await);
    assert_eq!(due["data"], json!([]));
    moved(&packer, &seen, &format!("{here}/deliver"), Value::Null).await;
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["fulfillment_status"], "delivered");
    assert_eq!(order["lines"][0]["delivered_quantity"], 3);
    assert_eq!(level(&packer).await, (47, 0));
    let facts = sound(&shop, &goods::small(world::MUGS)).await;
    let shipped = facts.letters.iter().filter(|letter| letter.template == "order_shipped");
    let ids: BTreeSet<_> = shipped.map(|letter| &letter.message_id).collect();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn each_of_two_parcels_has_a_slip_of_its_own() {
    let shop = world::open().await;
    let packer = packer(&shop).await;
    let mut jane = Shopper::from(&shop, "203.0.113.7");
    jane.open_cart("EUR").await;
    jane.ready(SOCKS, 3).await;
    jane.add(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    let id = domain::id::OrderId::parse(&jane.order).unwrap();
    let lines = shop.store().order(id).await.unwrap().unwrap().order.lines;
    let whole = format!("/v1/admin/orders/{}/packing_slip", jane.order);
    let slip = |of: String| {
        let packer = packer.clone();
        async move { packer.get(&of).await }
    };

    let (socks, _) = parcel(&packer, &jane.order, &json!(lines[0].id), 3).await;
    let (mugs, seen) = parcel(&packer, &jane.order, &json!(lines[1].id), 2).await;
    let of = |parcel: &str| parcel.replace("/fulfillments/", "/packing_slips/");
    let [of_all, of_socks, of_mugs] = [whole, of(&socks), of(&mugs)];
    let mut files = BTreeSet::new();
    for of in [&of_all, &of_socks, &of_mugs] {
        let file = slip(of.clone()).await;
        assert_eq!(file.status, 200, "{}", file.text());
        assert!(file.body.starts_with(b"%PDF"), "{of}");
        files.insert(file.body.to_vec());
    }
    assert_eq!(files.len(), 3, "the order's, and one for each");

    // Where only these units are left, the order's slip and the parcel's are the same.
    let seen = moved(&packer, &seen, &format!("{mugs}/ship"), json!({})).await;
    assert_eq!(slip(of_all).await.body, slip(of_socks.clone()).await.body);
    moved(&packer, &seen, &format!("{mugs}/deliver"), Value::Null).await;
    assert_eq!(slip(of_mugs.clone()).await.status, 200, "it left, and is printed again");

    let joe = self::socks(&shop, "203.0.113.8", 1).await;
    let elsewhere = of_mugs.replace(&jane.order, &joe.order);
    assert_eq!(refusal(&slip(elsewhere).await), (404, "not_found".to_owned()));
    let seen = packer.tag(&socks).await;
    moved(&packer, &seen, &format!("{socks}/cancel"), Value::Null).await;
    assert_eq!(refusal(&slip(of_socks).await), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn of_two_who_ship_the_same_units_at_once_one_does() {
    let shop = world::open().await;
    let packer = packer(&shop).await;
    let other = Colleague::of(&shop, "other", &MAY).await;
    let jane = socks(&shop, "203.0.113.7", 2).await;
    let line = json!(line_of(&jane).await);
    // Both open a parcel of all there is.
    let (one, two) =
        tokio::join!(open(&packer, &jane.order, &line, 2), open(&other, &jane.order, &line, 2));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.text(), two.text());
    let made = if one.status == 201 { one } else { two };
    let here = format!("{}/{}", at(&jane.order), made.value()["id"].as_str().unwrap());
    let (seen, ship) = (made.header("etag").unwrap().to_owned(), format!("{here}/ship"));
    // Both send it.
    let nothing = json!({});
    let (one, two) =
        tokio::join!(go(&packer, &seen, &ship, &nothing), go(&other, &seen, &ship, &nothing));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text(), two.text());
    assert_eq!(level(&packer).await, (48, 0));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_is_sent_twice_under_one_key_leaves_once() {
    let shop = world::open().await;
    let packer = packer(&shop).await;
    let jane = socks(&shop, "203.0.113.7", 1).await;
    let line = json!(line_of(&jane).await);
    let (here, seen) = parcel(&packer, &jane.order, &line, 1).await;
    let key = key();
    let ask = || {
        let request = Request::new("POST", &format!("{here}/ship")).header("if-match", &seen);
        packer.send(request.header("idempotency-key", &key).json(&json!({"carrier": "DHL"})))
    };
    let (one, two) = (ask().await, ask().await);
    assert_eq!(two.header("idempotent-replayed"), Some("true"));
    assert_eq!((one.status, one.value()), (200, two.value()));
    assert_eq!(one.header("etag"), two.header("etag"));
    let bare = Request::new("POST", &format!("{here}/ship")).header("if-match", &seen);
    let bare = packer.send(bare.json(&json!({}))).await;
    assert_eq!(refusal(&bare), (400, "idempotency_key_required".into()));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn what_may_not_leave_stays() {
    let shop = world::open().await;
    let packer = packer(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.add(TEMPLATE, 1).await;
    jane.ready(MUG, 2).await;
    assert_eq!(jane.complete().await.status, 201);
    let order = domain::id::OrderId::parse(&jane.order).unwrap();
    let file = shop.store().order(order).await.unwrap().unwrap();
    let line = |sku: &str| {
        let found = file.order.lines.iter().find(|line| line.sku.as_str() == sku);
        json!(found.unwrap().id)
    };
    let (mug, template) = (line(MUG.sku), line(TEMPLATE.sku));
    let unpaid = open(&packer, &jane.order, &mug, 1).await;
    assert_eq!(refusal(&unpaid), (409, "order_not_placed".into()));
    jane.pay("pm_card_visa");
    shop.settle().await;
    let refused = |line: Value, units| {
        let (packer, order) = (&packer, jane.order.clone());
        async move { refusal(&open(packer, &order, &line, units).await) }
    };
    assert_eq!(refused(mug.clone(), 3).await, (409, "too_many_units".into()));
    assert_eq!(refused(template, 1).await, (400, "invalid_request".into()));
    let unknown = json!("oli_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_eq!(refused(unknown, 1).await, (400, "invalid_request".into()));
    let elsewhere = json!({"location_id": "loc_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "lines": [{"order_line_id": mug, "quantity": 1}]});
    let request = Request::new("POST", &at(&jane.order)).header("idempotency-key", &key());
    let answer = packer.send(request.json(&elsewhere)).await;
    assert_eq!(refusal(&answer), (409, "not_at_location".into()));

    let (here, seen) = parcel(&packer, &jane.order, &mug, 2).await;
    for way in ["deliver", "lost", "returned"] {
        let answer = go(&packer, &seen, &format!("{here}/{way}"), &Value::Null).await;
        assert_eq!(refusal(&answer), (409, "invalid_transition".into()), "{way}");
    }
    let untagged = Request::new("POST", &format!("{here}/pack")).header("idempotency-key", &key());
    assert_eq!(refusal(&packer.send(untagged).await), (428, "if_match_required".into()));
    let stale = go(&packer, "\"v9\"", &format!("{here}/pack"), &Value::Null).await;
    assert_eq!(refusal(&stale), (412, "if_match_failed".into()));
    // Somebody looks at the order: it stays, and leaves when nobody does any more.
    let mut file = shop.store().order(order).await.unwrap().unwrap();
    file.order.status = domain::order::Status::OnHold;
    shop.store().save_order(&file.order).await.unwrap();
    let held = go(&packer, &seen, &format!("{here}/ship"), &json!({})).await;
    assert_eq!(refusal(&held), (409, "order_not_placed".into()));
    let mut file = shop.store().order(order).await.unwrap().unwrap();
    file.order.status = domain::order::Status::Placed;
    shop.store().save_order(&file.order).await.unwrap();
    let seen = moved(&packer, &seen, &format!("{here}/ship"), json!({})).await;
    let late = go(&packer, &seen, &format!("{here}/cancel"), &Value::Null).await;
    assert_eq!(refusal(&late), (409, "invalid_transition".into()));

    let reader = Colleague::of(&shop, "reader", &[Permission::OrdersRead]).await;
    let answer = go(&reader, &seen, &format!("{here}/deliver"), &Value::Null).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()));
    let gone = packer.get(&format!("{}/ful_01ARZ3NDEKTSV4RRFFQ69G5FAV", at(&jane.order))).await;
    assert_eq!(refusal(&gone), (404, "not_found".into()));
    shop.settle().await;
    sound(&shop, &goods::small(world::MUGS)).await;
}

#[tokio::test]
async fn a_parcel_that_is_called_off_gives_its_units_to_the_next_one() {
    let shop = world::open().await;
    let packer = packer(&shop).await;
    let jane = socks(&shop, "203.0.113.7", 2).await;
    let line = json!(line_of(&jane).await);
    let (here, seen) = parcel(&packer, &jane.order, &line, 2).await;
    moved(&packer, &seen, &format!("{here}/cancel"), Value::Null).await;
    assert_eq!(level(&packer).await, (50, 2), "they stay reserved");
    let (here, seen) = parcel(&packer, &jane.order, &line, 2).await;
    let seen = moved(&packer, &seen, &format!("{here}/ship"), json!({"carrier": "DHL"})).await;
    moved(&packer, &seen, &format!("{here}/lost"), Value::Null).await;
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["fulfillment_status"], "fulfilled", "it went out, and never came");
    assert_eq!(order["parcels"][0]["status"], "lost");
    sound(&shop, &goods::small(world::MUGS)).await;
    // Whoever did it stands in the audit log.
    let owner = Colleague::owner(&shop).await;
    let log = ok(owner.get("/v1/admin/audit?limit=100").await);
    let said: BTreeSet<_> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["entry"]["action"].as_str())
        .collect();
    for action in
        ["fulfillment.create", "fulfillment.cancel", "fulfillment.ship", "fulfillment.lost"]
    {
        assert!(said.contains(action), "{action}: {said:?}");
    }
}
