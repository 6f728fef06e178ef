//! Settings: shipping, taxes and the shop's own decisions, as data that staff changes and that all
//! functions follow within a minute.

use domain::permission::Permission;
use local::{Options, Request, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, TEMPLATE};

use crate::world::{self, Colleague, Shopper, key, ok, refusal};

const SHIPPING: &str = "/v1/admin/shipping";
const TAX: &str = "/v1/admin/tax";
const POINTS: &str = "/v1/admin/pickup_points";
const SETTINGS: &str = "/v1/admin/settings";
const CARD: &str = "pm_card_visa";

async fn keeper(shop: &Shop) -> Colleague {
    Colleague::of(shop, "keeper", &[Permission::SettingsRead, Permission::SettingsWrite]).await
}

/// Changes a document as it is, by a function on its JSON.
async fn change(keeper: &Colleague, target: &str, edit: impl Fn(&mut Value)) -> Value {
    let shown = keeper.get(target).await;
    let seen = shown.header("etag").expect("a tag").to_owned();
    let mut table = ok(shown)["table"].clone();
    edit(&mut table);
    ok(keeper.call_if(&seen, "PUT", target, &table).await)
}

fn a_minute_later(shop: &Shop) {
    shop.clock().advance_ms(60_001);
}

/// Pays the order of a completed cart and lets the shop hear of it.
async fn pay(jane: &Shopper, shop: &Shop) -> Value {
    let (status, intent) = jane.pay(CARD);
    assert_eq!(status, 200, "{intent}");
    shop.settle().await;
    let order = jane.view_order().await;
    assert_eq!(order["status"], "placed", "{order}");
    assert_eq!(intent["amount"], order["totals"]["total"]["amount"]);
    order
}

#[tokio::test]
async fn a_changed_price_list_is_followed_within_a_minute() {
    let goods = goods::small(world::MUGS);
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.view_cart().await;
    let shown = change(&keeper, SHIPPING, |table| {
        table["methods"][0]["tiers"]["EUR"] = json!([{"price": 555}]);
    })
    .await;
    assert_eq!(shown["gaps"], json!([]));
    let shipping = || async { jane.view_cart().await["totals"]["shipping"]["amount"].clone() };
    assert_eq!(shipping().await, 490, "what was read a moment ago is believed");
    a_minute_later(&shop);
    assert_eq!(shipping().await, 555);
    shop.settle().await;
    world::sound(&shop, &goods).await;
}

#[tokio::test]
async fn every_flaw_is_named_and_a_table_that_has_changed_is_not_written_over() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    for target in [SHIPPING, TAX] {
        let seen = keeper.tag(target).await;
        assert_eq!(seen, "\"v1\"");
        let table = ok(keeper.get(target).await)["table"].clone();
        let none = keeper.call("PUT", target, &table).await;
        assert_eq!(refusal(&none), (428, "if_match_required".into()), "{target}");
        ok(keeper.call_if(&seen, "PUT", target, &table).await);
        let late = keeper.call_if(&seen, "PUT", target, &table).await;
        assert_eq!(refusal(&late), (412, "if_match_failed".into()), "{target}");
        assert_eq!(keeper.tag(target).await, "\"v2\"");
    }
    let mut table = ok(keeper.get(SHIPPING).await)["table"].clone();
    table["methods"][0]["zone"] = json!("mars");
    table["methods"][1]["tiers"]["EUR"][0]["price"] = json!(-1);
    let flawed = keeper.call_if("\"v2\"", "PUT", SHIPPING, &table).await;
    assert_eq!(flawed.status, 400, "{}", flawed.text());
    assert_eq!(flawed.value()["errors"][0]["pointer"], "/methods/1/tiers/EUR/0/price");
    table["methods"][1]["tiers"]["EUR"][0]["price"] = json!(1);
    let flawed = keeper.call_if("\"v2\"", "PUT", SHIPPING, &table).await;
    assert_eq!(flawed.value()["errors"][0]["code"], "unknown_zone");
    let nothing = json!({"regions": [], "fallback": {"country": "DE", "mode": "free"}});
    let flawed = keeper.call_if("\"v2\"", "PUT", TAX, &nothing).await;
    assert_eq!(flawed.status, 400, "{}", flawed.text());
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_each_change_is_in_the_audit_log() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let reader = Colleague::of(&shop, "reader", &[Permission::SettingsRead]).await;
    let clerk = Colleague::of(&shop, "clerk", &[Permission::OrdersRead]).await;
    for target in [SHIPPING, TAX, POINTS, SETTINGS] {
        assert_eq!(reader.get(target).await.status, 200, "{target}");
        assert_eq!(clerk.get(target).await.status, 403, "{target}");
    }
    let table = ok(keeper.get(SHIPPING).await)["table"].clone();
    let tried = reader.call_if("\"v1\"", "PUT", SHIPPING, &table).await;
    assert_eq!(tried.status, 403);
    let tried = reader.call_if("\"v1\"", "PATCH", SETTINGS, &json!({"name": "Mine"})).await;
    assert_eq!(tried.status, 403);
    change(&keeper, SHIPPING, |table| table["methods"][0]["name"] = json!("Slow")).await;
    ok(keeper.call_if("\"v1\"", "PATCH", SETTINGS, &json!({"name": "Ours"})).await);
    shop.settle().await;
    let auditor = Colleague::of(&shop, "auditor", &[Permission::AuditRead]).await;
    let log = ok(auditor.get("/v1/admin/audit?limit=100").await);
    let entries = log["data"].as_array().unwrap();
    for (action, field) in [("shipping.change", "methods"), ("settings.change", "name")] {
        let entry = entries.iter().find(|entry| entry["entry"]["action"] == action);
        let entry = entry.or_else(|| entries.iter().find(|entry| entry["action"] == action));
        let entry = entry.unwrap_or_else(|| panic!("no {action} in {log}")).to_string();
        assert!(entry.contains(field) && entry.contains(&keeper.id), "{entry}");
    }
}

#[tokio::test]
async fn a_purchase_is_fetched_at_a_pickup_point_without_any_address() {
    let goods = goods::small(world::MUGS);
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    change(&keeper, SHIPPING, |table| {
        let method = json!({"id": "home-pickup", "name": "Pick up", "zone": "home", "by": "pickup",
            "tiers": {"EUR": [{"price": 100}]}, "lead_days": [0, 1]});
        table["methods"].as_array_mut().unwrap().push(method);
        table["dispatch"] = json!({"time_zone": "Europe/Berlin", "cut_off": "14:00"});
    })
    .await;
    let point = |id: &str, country: &str| {
        json!({"id": id, "name": "Mitte", "line1": "Weg 1", "city": "Berlin",
            "postal_code": "10117", "country": country})
    };
    for (id, country) in [("mitte", "DE"), ("paris", "FR")] {
        let body = point(id, country);
        let request = Request::new("POST", POINTS).header("idempotency-key", &key()).json(&body);
        assert_eq!(keeper.send(request).await.status, 201);
    }
    let twice =
        Request::new("POST", POINTS).header("idempotency-key", &key()).json(&point("mitte", "DE"));
    assert_eq!(refusal(&keeper.send(twice).await), (409, "duplicate_id".into()));
    let near = ok(Shopper::new(&shop).get("/v1/store/pickup_points?country=DE").await);
    assert_eq!(near["data"][0]["id"], "mitte");
    let far = ok(Shopper::new(&shop).get("/v1/store/pickup_points?country=FR").await);
    assert_eq!(far["data"], json!([]), "no method goes there");

    let mut jane = Shopper::guest(&shop).await;
    jane.add(MUG, 1).await;
    let at = |rest: &str| format!("/v1/store/carts/{}{rest}", jane.cart);
    ok(jane.call("PUT", &at("/addresses"), &json!({"email": "jane@example.org"})).await);
    let options = ok(jane.get(&at("/shipping_options")).await);
    let pickup = &options["data"][0];
    assert_eq!((&pickup["id"], &pickup["kind"]), (&json!("home-pickup"), &json!("pickup")));
    assert!(pickup["window"]["earliest"].is_string(), "{pickup}");
    let choose = |body: Value| {
        let target = at("/shipping");
        let jane = &jane;
        async move { jane.call("PUT", &target, &body).await }
    };
    for (body, code) in [
        (json!({"shipping_option_id": "home-pickup"}), "pickup_point_missing"),
        (
            json!({"shipping_option_id": "home-pickup", "pickup_point_id": "nowhere"}),
            "unknown_pickup_point",
        ),
        (
            json!({"shipping_option_id": "home-pickup", "pickup_point_id": "paris"}),
            "unknown_pickup_point",
        ),
    ] {
        let answer = choose(body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_eq!(answer.value()["errors"][0]["code"], code);
    }
    let home = choose(json!({"shipping_option_id": "home-standard"})).await;
    assert_eq!(refusal(&home), (409, "address_missing".into()));
    let body = json!({"shipping_option_id": "home-pickup", "pickup_point_id": "mitte"});
    let cart = ok(choose(body).await);
    assert_eq!(cart["shipping_option"]["pickup_point"]["id"], "mitte");
    assert_eq!(cart["totals"]["total"]["amount"], 1350);
    assert_eq!(cart["tax_reason"], "taxed");

    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let order = pay(&jane, &shop).await;
    assert_eq!(order["shipping_address"], Value::Null);
    assert_eq!(order["shipping_option"]["pickup_point"]["line1"], "Weg 1");
    world::sound(&shop, &goods).await;
}

#[tokio::test]
async fn a_closed_pickup_point_has_to_be_chosen_anew() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    change(&keeper, SHIPPING, |table| {
        let method = json!({"id": "home-pickup", "name": "Pick up", "zone": "home", "by": "pickup",
            "tiers": {"EUR": [{"price": 100}]}, "lead_days": [0, 1]});
        table["methods"].as_array_mut().unwrap().push(method);
        table["pickup_points"] = json!([{"id": "mitte", "name": "Mitte", "line1": "Weg 1",
            "city": "Berlin", "postal_code": "10117", "country": "DE"}]);
    })
    .await;
    let mut jane = Shopper::guest(&shop).await;
    jane.add(MUG, 1).await;
    jane.addresses().await;
    let target = format!("/v1/store/carts/{}/shipping", jane.cart);
    let body = json!({"shipping_option_id": "home-pickup", "pickup_point_id": "mitte"});
    ok(jane.call("PUT", &target, &body).await);
    let seen = keeper.tag(POINTS).await;
    let late = keeper.call_if("\"v1\"", "DELETE", &format!("{POINTS}/mitte"), &Value::Null).await;
    assert_eq!(refusal(&late), (412, "if_match_failed".into()));
    let gone = keeper.call_if(&seen, "DELETE", &format!("{POINTS}/nobody"), &Value::Null).await;
    assert_eq!(gone.status, 404);
    let done = keeper.call_if(&seen, "DELETE", &format!("{POINTS}/mitte"), &Value::Null).await;
    assert_eq!(done.status, 204, "{}", done.text());
    a_minute_later(&shop);
    assert_eq!(jane.view_cart().await["shipping_option"], Value::Null);
    let answer = jane.complete().await;
    assert_eq!(refusal(&answer), (409, "shipping_unavailable".into()));
}

#[tokio::test]
async fn a_business_in_another_state_owes_the_tax_itself() {
    let goods = goods::small(world::MUGS);
    let shop = world::open().await;
    let mut jane = Shopper::guest(&shop).await;
    jane.add(MUG, 2).await;
    let at = |rest: &str| format!("/v1/store/carts/{}{rest}", jane.cart);
    let paris = json!({"name": "Jeanne", "line1": "Rue 1", "city": "Paris",
        "postal_code": "75001", "country": "FR"});
    let say = |vat_id: Value| {
        let target = at("/addresses");
        let body = json!({"email": "jane@example.org", "shipping_address": paris,
            "vat_id": vat_id});
        let jane = &jane;
        async move { jane.call("PUT", &target, &body).await }
    };
    let wrong = say(json!("FR40303265046")).await;
    assert_eq!(wrong.value()["errors"][0]["code"], "vat_check_digit", "{}", wrong.text());
    let consumer = ok(say(Value::Null).await);
    assert_eq!((&consumer["tax_reason"], &consumer["vat_id"]), (&json!("taxed"), &Value::Null));
    let business = ok(say(json!("FR 40 303 265 045")).await);
    assert_eq!(business["tax_reason"], "reverse_charge");
    assert_eq!(business["vat_id"], "FR40303265045");
    // 12.50 with 20 % contained are 10.42 without.
    assert_eq!(business["lines"][0]["unit_price"]["amount"], 1042);
    let body = json!({"shipping_option_id": "abroad-standard"});
    let cart = ok(jane.call("PUT", &at("/shipping"), &body).await);
    assert_eq!(cart["totals"]["shipping"]["amount"], 1242);
    assert_eq!(cart["totals"]["tax"]["amount"], 0);
    assert_eq!(cart["totals"]["total"]["amount"], 2 * 1042 + 1242);

    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let order = pay(&jane, &shop).await;
    assert_eq!(order["tax_reason"], "reverse_charge");
    assert_eq!(order["vat_id"], "FR40303265045");
    assert_eq!(order["totals"]["total"]["amount"], 2 * 1042 + 1242);
    world::sound(&shop, &goods).await;
}

#[tokio::test]
async fn what_would_be_charged_is_told_before_anybody_buys() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let ask = |target: &str, body: Value| {
        let request = Request::new("POST", &format!("{target}/simulate"))
            .header("idempotency-key", &key())
            .json(&body);
        let keeper = keeper.clone();
        async move { keeper.send(request).await }
    };
    let parcel = |country: &str| {
        json!({"destination": {"country": country}, "currency": "EUR",
            "items": [{"quantity": 1, "unit_price": 1250, "weight_grams": 400}]})
    };
    let home = ok(ask(SHIPPING, parcel("DE")).await);
    assert_eq!(home["zone"]["id"], "home");
    let said: Vec<_> = home["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["id"].as_str().unwrap(), m["price"]["amount"].as_i64(), m["reason"].clone()))
        .collect();
    assert_eq!(
        said,
        [
            ("home-standard", Some(490), Value::Null),
            ("home-express", Some(990), Value::Null),
            ("abroad-standard", None, json!("other_zone")),
        ]
    );
    assert_eq!(ok(ask(SHIPPING, parcel("BR")).await)["zone"], Value::Null);
    let sale = |country: &str, vat_id: Value| {
        json!({"destination": {"country": country}, "currency": "EUR", "vat_id": vat_id,
            "items": [{"unit_price": 1250, "quantity": 2}], "shipping": 490})
    };
    let taxed = ok(ask(TAX, sale("DE", Value::Null)).await);
    assert_eq!((&taxed["reason"], &taxed["region"]["country"]), (&json!("taxed"), &json!("DE")));
    assert_eq!(taxed["priced"]["totals"]["total"]["amount"], 2990);
    let reverse = ok(ask(TAX, sale("FR", json!("FR40303265045"))).await);
    assert_eq!(reverse["reason"], "reverse_charge");
    let flawed = ask(TAX, sale("fr", json!("FR1"))).await;
    assert_eq!(flawed.value()["errors"].as_array().unwrap().len(), 2, "{}", flawed.text());
}

#[tokio::test]
async fn the_shops_own_decisions_reach_every_function() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let before = ok(Shopper::new(&shop).get("/v1/store/config").await);
    assert_eq!((&before["name"], &before["currencies"]), (&json!("Shop"), &json!(["EUR"])));
    let seen = keeper.tag(SETTINGS).await;
    let body = json!({"name": "Allure", "currencies": ["JPY", "EUR"], "default_currency": "JPY",
        "mail_sender_name": "Allure Paris", "locales": ["en", "de"],
        "order_number": {"prefix": "ML", "symbols": 8},
        "return_policy": {"days": 30, "text": "Thirty days."}});
    ok(keeper.call_if(&seen, "PATCH", SETTINGS, &body).await);
    let late = keeper.call_if(&seen, "PATCH", SETTINGS, &json!({"name": "Other"})).await;
    assert_eq!(refusal(&late), (412, "if_match_failed".into()));
    let wrong = json!({"default_currency": "CHF"});
    let wrong = keeper.call_if(&keeper.tag(SETTINGS).await, "PATCH", SETTINGS, &wrong).await;
    assert_eq!(wrong.value()["errors"][0]["code"], "not_offered", "{}", wrong.text());
    a_minute_later(&shop);
    let config = Shopper::new(&shop).get("/v1/store/config").await;
    assert!(config.header("cache-control").unwrap().contains("s-maxage=60"));
    let config = ok(config);
    assert_eq!((&config["name"], &config["return_policy"]["days"]), (&json!("Allure"), &json!(30)));
    assert_eq!(config["order_number"], Value::Null, "not everybody's business");

    let jane = Shopper::new(&shop);
    jane.register("jane@example.org").await;
    shop.settle().await;
    let letter = shop.mails().pop().unwrap();
    assert!(letter.from.starts_with("\"Allure Paris\" <"), "{}", letter.from);
    let cart = ok(jane.call("POST", "/v1/store/carts", &json!({})).await);
    assert_eq!(cart["cart"]["currency"], "JPY");
    let refused = jane.call("POST", "/v1/store/carts", &json!({"currency": "USD"})).await;
    assert_eq!(refused.value()["errors"][0]["code"], "currency_not_offered");
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    let order = jane.complete().await.value();
    let number = order["order"]["number"].as_str().unwrap().to_owned();
    assert!(number.starts_with("ML-") && number.len() == "ML-BCD-FGH-JK".len(), "{number}");
}

#[tokio::test]
async fn a_new_shop_has_empty_tables_that_its_owner_fills() {
    let shop = Shop::open(Options::default()).await.expect("the shop opens");
    let keeper = keeper(&shop).await;
    for target in [SHIPPING, TAX, SETTINGS] {
        assert_eq!(keeper.tag(target).await, "\"v0\"", "{target}");
    }
    assert_eq!(ok(keeper.get(TAX).await)["table"], Value::Null);
    let nowhere = json!({"country": "DE", "mode": "exclusive", "rates": {}});
    let table = json!({"regions": [], "fallback": nowhere});
    ok(keeper.call_if("\"v0\"", "PUT", TAX, &table).await);
    let again = keeper.call_if("\"v0\"", "PUT", TAX, &table).await;
    assert_eq!(refusal(&again), (412, "if_match_failed".into()));
    let cart = Shopper::new(&shop).call("POST", "/v1/store/carts", &json!({})).await;
    assert_eq!(cart.status, 201, "{}", cart.text());
}

#[tokio::test]
async fn two_who_add_a_pickup_point_at_once_both_do() {
    let shop = world::open().await;
    let keeper = keeper(&shop).await;
    let add = |id: &'static str| {
        let body = json!({"id": id, "name": id, "line1": "Weg 1", "city": "Berlin",
            "postal_code": "10117", "country": "DE"});
        let request = Request::new("POST", POINTS).header("idempotency-key", &key()).json(&body);
        let keeper = keeper.clone();
        async move { keeper.send(request).await }
    };
    let (one, two) = futures_util::future::join(add("one"), add("two")).await;
    assert_eq!((one.status, two.status), (201, 201), "{} {}", one.text(), two.text());
    let points = ok(keeper.get(POINTS).await);
    assert_eq!(points["data"].as_array().unwrap().len(), 2);
}

/// A shop whose home zone has a carrier's method, and the carriers' twin.
async fn shop_with_carriers() -> (Shop, Colleague, carrier_twin::Twin, carrier_twin::port::Port) {
    let twin = carrier_twin::Twin::new(CARRIER_KEY);
    let port = carrier_twin::port::Port::open(twin.clone()).await.unwrap();
    let options = Options { carrier_base: Some(port.base_url()), ..Options::default() };
    let shop = world::open_with(options, &goods::small(world::MUGS)).await;
    let name = shop.stack().secrets.iter().find(|name| name.ends_with("/carrier")).unwrap().clone();
    let keys = json!({"api_key": CARRIER_KEY, "webhook_secrets": []}).to_string();
    shop.wire().put_secret(&name, &keys).await.unwrap();
    let keeper = keeper(&shop).await;
    change(&keeper, SHIPPING, |table| {
        let method = json!({"id": "usps", "name": "Priority", "zone": "home", "lead_days": [1, 3],
            "by": {"carrier": {"carrier": "USPS", "service": "Priority"}},
            "tiers": {"USD": [{"price": 1500}], "EUR": [{"price": 1500}]}});
        table["methods"].as_array_mut().unwrap().push(method);
        table["ship_from"] = world::address();
    })
    .await;
    (shop, keeper, twin, port)
}

/// Of the carriers' test mode.
const CARRIER_KEY: &str = "EZTKnobodysaccount";

#[tokio::test]
async fn a_carriers_price_is_shown_kept_and_paid_and_without_it_the_shops_own_holds() {
    use carrier_twin::Accident;
    let (shop, keeper, twin, _port) = shop_with_carriers().await;
    // The carriers speak dollars: the mug gets a price in them.
    let mut goods = goods::small(world::MUGS);
    for (product, offers) in &mut goods.products {
        for offer in offers {
            offer.prices.insert(domain::currency::Currency::USD, 1400);
        }
        for variant in &mut product.variants {
            variant.prices.insert(domain::currency::Currency::USD, 1400);
        }
    }
    shop.store()
        .import_products(&goods.products, domain::currency::Currency::EUR)
        .await
        .expect("products");
    drop(keeper);
    a_minute_later(&shop);
    let mut jane = Shopper::new(&shop);
    jane.open_cart("USD").await;
    jane.add(MUG, 1).await;
    jane.addresses().await;
    let at = |rest: &str| format!("/v1/store/carts/{}{rest}", jane.cart);
    let shown = |options: &Value| {
        let all = options["data"].as_array().unwrap();
        all.iter().find(|o| o["id"] == "usps").unwrap()["price"]["amount"].as_i64().unwrap()
    };
    // 400 g are 15 ounces: 7.00 and 15 times 0.15.
    assert_eq!(shown(&ok(jane.get(&at("/shipping_options")).await)), 925);
    for accident in [Accident::Slow(std::time::Duration::from_secs(9)), Accident::Broken] {
        twin.arm("rates", &[accident; 3]);
        let begun = std::time::Instant::now();
        assert_eq!(shown(&ok(jane.get(&at("/shipping_options")).await)), 1500, "{accident:?}");
        assert!(begun.elapsed().as_secs() < 5, "{accident:?}: {:?}", begun.elapsed());
        let left = twin.arm_none();
        assert!(left <= 2, "{left}");
    }
    let body = json!({"shipping_option_id": "usps"});
    let cart = ok(jane.call("PUT", &at("/shipping"), &body).await);
    assert_eq!(cart["totals"]["shipping"]["amount"], 925);
    // Whatever the carriers do now, what was shown is what is paid.
    twin.arm("rates", &[Accident::Broken; 9]);
    assert_eq!(jane.view_cart().await["totals"]["shipping"]["amount"], 925);
    let answer = jane.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let order = pay(&jane, &shop).await;
    assert_eq!(order["totals"]["shipping"]["amount"], 925);
}
