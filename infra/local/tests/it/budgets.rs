//! What each function costs, counted on the wire: calls of AWS and Stripe, and consumed capacity.
//!
//! The same people go through the same day twice, and the second time is measured: then a function
//! knows its secrets, the shop's settings and, for a minute, the sessions of its callers. Whoever
//! signs in anew is looked up once more. The table of round trips is a snapshot: a budget that
//! grows is seen by whoever reads the change. So is the one with units, `costs.txt`.

#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes snapshots so")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, StreamSpecification, WriteRequest};
use domain::currency::Currency;
use domain::id::{CartId, OrderId, Ulid};
use expect_test::{expect, expect_file};
use local::{Options, Request, Shop};
use serde_json::json;
use templates::Trigger;
use testkit::goods::{MUG, SOCKS, TEMPLATE};
use wire::{Call, Mark};

use crate::crowd;
use crate::tour::{self, Pace, People, Plain, Round};
use crate::world::{self, Shopper, key, ok};

/// What one function did.
#[derive(Debug, Clone, Default, PartialEq)]
struct Cost {
    /// Calls by service.
    trips: BTreeMap<String, usize>,
    /// The operations in their order.
    operations: Vec<String>,
    reads: f64,
    writes: f64,
}

impl Cost {
    fn of(calls: &[Call], handler: &str) -> Self {
        let mut cost = Self::default();
        for call in calls.iter().filter(|call| call.caller == handler) {
            *cost.trips.entry(call.service.clone()).or_default() += 1;
            cost.operations.push(call.operation.clone());
            cost.reads += call.read_units;
            cost.writes += call.write_units;
        }
        cost
    }

    fn total(&self) -> usize {
        self.trips.values().sum()
    }

    fn trips(&self, service: &str) -> usize {
        self.trips.get(service).copied().unwrap_or(0)
    }

    fn words(&self) -> String {
        let words: Vec<String> =
            self.trips.iter().map(|(service, trips)| format!("{trips} {service}")).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(", ") }
    }
}

/// Notes the costliest call of each function.
struct Meter {
    shop: Shop,
    costs: BTreeMap<String, Cost>,
}

impl Meter {
    fn new(shop: &Shop) -> Self {
        Self { shop: shop.clone(), costs: BTreeMap::new() }
    }

    fn mark(&self) -> Mark {
        self.shop.wire().recorder().mark()
    }

    fn invocations(&self) -> BTreeMap<String, u64> {
        self.shop.metrics().into_iter().map(|(handler, metrics)| (handler, metrics.calls)).collect()
    }

    /// What each function did since the mark that ran once since then.
    fn note(&mut self, from: Mark, before: &BTreeMap<String, u64>) {
        let calls = self.shop.wire().recorder().since(from);
        let scans: Vec<&Call> =
            calls.iter().filter(|c| c.operation == "Scan" && c.caller != wire::LOCAL).collect();
        assert!(scans.is_empty(), "{scans:?}");
        for (handler, count) in self.invocations() {
            let ran = count - before.get(&handler).copied().unwrap_or(0);
            assert!(ran <= 1, "{handler} ran {ran} times: what did one of them cost?");
            if ran == 1 {
                let cost = Cost::of(&calls, &handler);
                let most = self.costs.entry(handler).or_default();
                if cost.total() >= most.total() {
                    *most = cost;
                }
            }
        }
    }

    /// What was measured while time went by. Secrets that have lain for minutes are read anew by
    /// whichever call comes next: they are no part of what one costs.
    fn take(&mut self, other: Self) {
        for (handler, mut cost) in other.costs {
            cost.trips.remove("secretsmanager");
            cost.operations.retain(|operation| operation != "GetSecretValue");
            let most = self.costs.entry(handler).or_default();
            if cost.total() >= most.total() {
                *most = cost;
            }
        }
    }

    fn of(&self, handler: &str) -> &Cost {
        self.costs.get(handler).unwrap_or_else(|| panic!("{handler} did not run"))
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for (handler, cost) in &self.costs {
            writeln!(text, "{handler:<34} {}", cost.words()).unwrap();
        }
        text
    }

    /// The same with what it consumes, and what ordinary days cost where there was one: a purchase
    /// without codes and gift cards. `cargo xtask cost` reckons with it.
    fn table_with_capacity(&self, ordinary: &BTreeMap<String, Cost>) -> String {
        let mut text = format!("{:<36} {:>6} {:>6}  calls\n", "handler", "read", "write");
        for (handler, costliest) in &self.costs {
            let cost = ordinary.get(handler).unwrap_or(costliest);
            let Cost { reads, writes, operations, .. } = cost;
            let (words, operations) = (cost.words(), operations.join(", "));
            writeln!(text, "{handler:<36} {reads:>6.1} {writes:>6.1}  {words} ({operations})")
                .unwrap();
        }
        text
    }
}

impl Pace for Meter {
    async fn call<T: Send>(&mut self, request: impl Future<Output = T> + Send) -> T {
        let (from, before) = (self.mark(), self.invocations());
        let answer = request.await;
        self.note(from, &before);
        answer
    }

    /// What follows from many facts at once says nothing of one.
    async fn settle(&mut self) {
        self.shop.settle().await;
    }

    /// All that follows, webhook by webhook and step by step. What takes several messages at a time
    /// is measured with those that follow from one fact.
    async fn follow(&mut self) {
        loop {
            let due = self.shop.twin().deliveries_due();
            let mut did = !due.is_empty();
            for delivery in due {
                let mut request = Request::new("POST", "/v1/hooks/stripe");
                request.headers = delivery.headers;
                request.body = delivery.body;
                let shop = self.shop.clone();
                let answer = self.call(shop.send(request)).await;
                self.shop.twin().delivered(&delivery.id, Some(answer.status));
            }
            let shop = self.shop.clone();
            did |= self.call(shop.step()).await;
            if !did {
                return;
            }
        }
    }
}

/// A day in the shop: what anybody asks, and every function that a purchase calls.
async fn a_day(meter: &mut Meter, people: &mut People, round: Round) {
    let shop = meter.shop.clone();
    shop.clock().advance_ms(1);
    // One letter, and one entry of the audit log.
    let nobody = Shopper::from(&shop, &format!("198.51.100.{}", round.0));
    let email = format!("nobody{}@example.org", round.0);
    assert_eq!(meter.call(nobody.register(&email)).await.status, 202);
    meter.follow().await;
    let token = json!({"token": nobody.mailed_token(&email).unwrap()});
    meter.call(nobody.call("POST", "/v1/auth/email/verify", &token)).await;
    ok(meter.call(nobody.login(&email)).await);
    meter.follow().await;
    let jane = &mut people.jane.who;
    for path in [
        "/v1/auth/password_policy",
        "/v1/store/products?category=goods&sort=price_asc",
        "/v1/store/products?limit=100",
        "/v1/store/products/blue-mug",
        "/v1/store/categories",
        "/health/ready",
        "/health/live",
        "/openapi.json",
    ] {
        ok(meter.call(jane.get(path)).await);
    }
    for path in [
        "/v1/auth/login",
        "/v1/store/products",
        "/v1/store/carts",
        "/v1/store/carts/x/complete",
        "/v1/store/orders",
        "/v1/hooks/stripe",
        "/v1/admin/promotions",
        "/v1/admin/inventory/levels",
        "/v1/admin/media",
        "/v1/admin/pickup_points",
        "/v1/admin/products",
        "/v1/admin/returns",
        "/v1/admin/templates",
        "/v1/admin/webhook_endpoints",
    ] {
        assert_eq!(meter.call(jane.call("PUT", path, &json!({}))).await.status, 405, "{path}");
    }
    assert_eq!(meter.call(jane.get("/v1/nothing")).await.status, 404);
    // Whoever has written from an address a moment ago is found out by a second transaction.
    let mut guest = Shopper::from(&shop, &format!("198.51.{}.1", round.0));
    meter.call(guest.open_cart("EUR")).await;
    meter.call(guest.add(MUG, 1)).await;
    meter.call(jane.open_cart("EUR")).await;
    let merge = json!({"cart_token": guest.cart_token});
    let path = format!("/v1/store/carts/{}/merge", guest.cart);
    ok(meter.call(jane.call("POST", &path, &merge)).await);
    meter.call(jane.add(TEMPLATE, 1)).await;
    let cart = meter.call(jane.add(SOCKS, 1)).await;
    let at = format!("/v1/store/carts/{}", jane.cart);
    let line = format!("{at}/lines/{}", cart["lines"][2]["id"].as_str().unwrap());
    ok(meter.call(jane.call("PATCH", &line, &json!({"quantity": 2}))).await);
    ok(meter.call(jane.call("DELETE", &line, &json!({}))).await);
    meter.call(jane.addresses()).await;
    ok(meter.call(jane.get(&format!("{at}/shipping_options"))).await);
    meter.call(jane.ship_by("home-standard")).await;
    if round.0 == 1 {
        introduce(jane).await;
    } else {
        purchase(meter, jane).await;
    }
    ok(meter.call(jane.get("/v1/store/orders")).await);

    // Guests do the same; what is counted of them is counted with what they change.
    for number in [2, 3] {
        let mut guest = Shopper::from(&shop, &format!("198.51.{}.{number}", round.0));
        meter.call(guest.open_cart("EUR")).await;
        meter.call(guest.add(TEMPLATE, 1)).await;
        meter.call(guest.add(MUG, 1)).await;
        meter.call(guest.addresses()).await;
        meter.call(guest.ship_by("home-standard")).await;
        if number == 2 {
            purchase(meter, &mut guest).await;
            continue;
        }
        complete(meter, &mut guest).await;
        let path = format!("/v1/store/orders/{}/cancel", guest.order);
        ok(meter.call(guest.call("POST", &path, &json!({}))).await);
        meter.follow().await;
    }
    for job in shop.jobs() {
        meter.call(shop.run_job(&job)).await;
    }
}

/// Makes a customer known to the functions of a purchase without one: whoever buys again within
/// minutes is found out by a second transaction, too.
async fn introduce(jane: &Shopper) {
    jane.view_cart().await;
    let complete = format!("/v1/store/carts/{}/complete", jane.cart);
    assert_eq!(jane.call("POST", &complete, &json!({})).await.status, 400);
    let order = "/v1/store/orders/ord_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    assert_eq!(jane.get(order).await.status, 404);
    let retry = format!("{order}/retry_payment");
    assert_eq!(jane.call("POST", &retry, &json!({})).await.status, 404);
}

async fn complete(meter: &mut Meter, shopper: &mut Shopper) {
    let total = meter.call(shopper.view_cart()).await["totals"]["total"].clone();
    let answer = meter.call(shopper.complete_at(&key(), &total)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    meter.follow().await;
}

/// From a cart that is ready to a download.
async fn purchase(meter: &mut Meter, shopper: &mut Shopper) {
    let shop = meter.shop.clone();
    complete(meter, shopper).await;
    let path = format!("/v1/store/orders/{}/retry_payment", shopper.order);
    ok(meter.call(shopper.call("POST", &path, &json!({}))).await);
    shopper.pay("pm_card_visa");
    meter.follow().await;
    let order = meter.call(shopper.view_order()).await;
    assert_eq!(order["status"], "placed");
    let url = order["downloads"][0]["url"].as_str().unwrap();
    let download = meter.call(shopper.get(url.strip_prefix(shop.base_url()).unwrap())).await;
    assert_eq!(download.status, 302, "{}", download.text());
}

/// Everything that people do with their accounts and at work.
async fn accounts(meter: &mut Meter, people: &mut People, round: Round) {
    let shop = meter.shop.clone();
    tour::confirmation(meter, &shop, round).await;
    let mut joe = tour::registration(meter, &shop, round).await;
    tour::account(meter, &mut people.jane).await;
    tour::moving(meter, &mut people.jane, round).await;
    tour::taken(meter, &mut people.jane, round).await;
    tour::leaving(meter, &mut joe).await;
    let role = tour::roles(meter, &people.owner).await;
    let mut grace = tour::hiring(meter, &people.owner, round).await;
    tour::colleagues(meter, &people.owner, &mut grace, &role).await;
    tour::oneself(meter, &mut people.owner).await;
    tour::keys(meter, &people.owner, round).await;
    tour::gift_cards::change_of_mind(meter, &mut people.jane).await;
    tour::gift_cards::merchant(meter, &people.owner, &mut people.jane).await;
    let code = tour::promotions::promotions(meter, &people.owner).await;
    tour::promotions::bargain(meter, &people.owner, &mut people.jane, &code).await;
    tour::webhooks::endpoints(meter, &shop, &people.owner).await;
    tour::queues::second_chance(meter, &shop, &people.owner).await;
    tour::queues::books(meter, &shop, &people.owner).await;
    tour::media::pictures(meter, &people.owner, round.0).await;
    tour::letters::letters(meter, &people.owner, round).await;
    tour::texts::texts(meter, &people.owner, round).await;
    tour::fulfillment::settings(meter, &people.owner).await;
    tour::parcels::parcels(meter, &people.owner, round).await;
    tour::parcels::followed(meter, &people.owner, round).await;
    tour::inventory::stockroom(meter, &people.owner, round).await;
    tour::goods(meter, &people.owner, round).await;
    tour::key_pools::pools(meter, &people.owner, round).await;
    tour::search::words(meter, &people.owner).await;
    tour::desk::lookups(meter, &people.owner).await;
    tour::files::there_and_back(meter, &people.owner, round).await;
    tour::papers::papers(meter, &people.owner).await;
}

/// A quarter of an hour: nobody is told to buy less often, and whoever was signed in is not.
const A_WHILE_MS: i64 = 15 * 60 * 1000;

/// What takes minutes: then what a function believed of its callers is too old, and asked again.
async fn patience(meter: &mut Meter, people: &mut People, round: Round) {
    for part in 0..3 {
        meter.shop.clock().advance_ms(A_WHILE_MS);
        // How that is done costs what it cost before, and the secrets that are read anew.
        let mut plain = Plain(meter.shop.clone());
        tour::sign_in(&mut plain, &mut people.owner).await;
        people.jane.sign_in(&mut plain).await;
        let owner = &people.owner;
        if part == 0 {
            tour::letters::templates(meter, owner, round).await;
            tour::refunds::desk(meter, owner, &mut people.jane).await;
            tour::order_edits::edits(meter, owner, &mut people.jane.who).await;
        } else if part == 1 {
            tour::completion::completion(meter, owner, round).await;
            tour::returns::returns(meter, owner, &mut people.jane).await;
        } else {
            tour::disputes::disputes(meter, owner, round).await;
            tour::disputes::reserved(meter, owner, round).await;
            tour::privacy::privacy(meter, owner, round).await;
        }
    }
}

#[tokio::test]
async fn every_function_keeps_to_its_budget() {
    let options = Options { webhooks_to_loopback: true, ..Options::default() };
    let carriers = tour::parcels::Carriers::open().await;
    let shop = carriers.shop(options).await;
    let mut cold = Meter::new(&shop);
    let mut people = People::new(&mut cold, &shop).await;
    a_day(&mut cold, &mut people, Round(1)).await;
    accounts(&mut cold, &mut people, Round(1)).await;
    let mut warm = Meter::new(&shop);
    // Once in the life of a shop.
    let founding = "identity.jobs.create_owner";
    warm.costs.insert(founding.to_owned(), cold.of(founding).clone());
    a_day(&mut warm, &mut people, Round(2)).await;
    let plain = warm.costs.clone();
    accounts(&mut warm, &mut people, Round(2)).await;
    patience(&mut cold, &mut people, Round(1)).await;
    let mut patient = Meter::new(&shop);
    patience(&mut patient, &mut people, Round(2)).await;
    warm.take(patient);
    tour::month(&mut warm, &shop).await;
    expect_file!["costs.txt"].assert_eq(&warm.table_with_capacity(&plain));

    // Every function of the templates was measured.
    let declared = shop.stack().functions.iter().map(|function| function.handler.clone());
    let missing: Vec<String> = declared.filter(|h| !warm.costs.contains_key(h)).collect();
    assert_eq!(missing, Vec::<String>::new());

    // What was promised. Whoever reads an account, an order or a page of them reads their data
    // keys, too: one call for all of them. Two where two lists or two accounts are read; who waits
    // for a second thing is found to have a key by a transaction that is refused.
    assert_eq!(plain["catalog.store.list_products"].operations, ["Query"]);
    // Who searches reads the index, and no table.
    let search = warm.of("catalog.store.list_products");
    assert!(search.operations.iter().all(|one| one == "GetObject"), "{search:?}");
    assert_eq!(warm.of("catalog.store.view_product").operations, ["Query"]);
    assert_eq!(warm.of("catalog.store.list_categories").operations, ["Query"]);
    // An order and what opens it; a page of keys, their orders, and what opens them all.
    assert_eq!(warm.of("orders.store.view").operations, ["Query", "BatchGetItem"]);
    let list = &warm.of("orders.store.list").operations;
    assert_eq!(list, &["Query", "BatchGetItem", "BatchGetItem"]);
    for (handler, dynamodb, stripe) in [
        ("cart.store.create", 2, 0),
        // Whoever was counted a moment ago is, when they are counted, found out by a second update.
        ("cart.store.view", 2 + 1, 0),
        ("cart.store.add_line", 3, 0),
        ("cart.store.change_line", 3, 0),
        ("cart.store.remove_line", 3, 0),
        ("cart.store.set_addresses", 3, 0),
        ("cart.store.choose_shipping", 3, 0),
        ("checkout.store.complete", 5, 1),
        // The key of the order is among them.
        ("payments.jobs.on_stripe_event", 4 + 1, 1),
        // An address, an account, its key, a session: the time goes into Argon2id. Before that a
        // token is taken from the account's bucket and from the address's; both go back, it was no
        // guess.
        ("identity.store.login", 4 + 2 + 2, 0),
        ("identity.admin.login", 2 + 2 + 2, 0),
        ("identity.admin.mfa", 3 + 1 + 1, 0),
        ("identity.store.refresh", 2, 0),
        ("identity.admin.refresh", 2, 0),
        // A session that this function sees for the first time; of staff, who they are, too.
        ("identity.store.logout", 1 + 1, 0),
        ("identity.admin.logout", 3 + 1, 0),
        ("identity.store.me", 2 + 1, 0),
        ("platform.jobs.append_audit", 2, 0),
    ] {
        // Of a purchase without codes and gift cards: they come on top of it.
        let cost = plain.get(handler).unwrap_or_else(|| warm.of(handler));
        let operations = cost.operations.join(", ");
        // Each fifth request of a caller is counted, whichever it is.
        let is_of_buyers = handler.starts_with("cart.") || handler.starts_with("checkout.");
        let toll = usize::from(is_of_buyers && operations.starts_with("UpdateItem, "));
        assert!(cost.trips("dynamodb") - toll <= dynamodb, "{handler}: {operations}");
        assert!(cost.trips("stripe") <= stripe, "{handler}: {}", cost.words());
        assert_eq!(cost.total(), cost.trips("dynamodb") + cost.trips("stripe"), "{handler}");
    }
    assert!(warm.of("payments.hooks.stripe").total() <= 2);
    // With a code and a gift card: one transaction more, which notes them.
    let bargain = warm.of("checkout.store.complete");
    assert!(bargain.trips("dynamodb") <= 6 && bargain.trips("stripe") <= 1, "{bargain:?}");
    for function in &shop.stack().functions {
        let is_for_staff = function.handler.split('.').nth(1) == Some("admin");
        let reads =
            |trigger: &Trigger| matches!(trigger, Trigger::Http { method, .. } if method == "GET");
        // A machine's key, who made it, their role, and that it came from a new network; then a
        // list. Or a session, who has it, their role; who acts and their role, at this moment; who
        // is concerned, their role and another one; and one transaction. What is personal of what
        // is read is opened by its keys, all of them in one call.
        let most = match function.handler.as_str() {
            // Keys are looked up, added in parts and counted; the answer is kept. What stands
            // against an erasure: orders under way, credit, an earlier wish; and it is written.
            "inventory.admin.add_keys" | "identity.admin.ask_erasure" => 3 + 2 + 5 + 1,
            // The provider says that it was paid meanwhile: that is booked, then called off.
            "orders.admin.cancel" => 3 + 2 + 11 + 1,
            // The order, its letters, what was sent and its invoice speak for the shop.
            "payments.admin.view_dispute" => 3 + 5 + 1,
            // Each queue, what is dead of it, and how many there are; one dead letter is looked at.
            "platform.admin.list_queues" => 3 + 3 * queue::Name::ALL.len() + 3,
            _ if function.triggers.iter().any(reads) => 4 + 1 + 1,
            _ => 3 + 2 + 3 + 1 + 1,
        };
        let cost = warm.of(&function.handler);
        // The files of a generation of an index are fetched once, whoever asks first.
        let trips = cost.total() - cost.trips("s3");
        assert!(!is_for_staff || trips <= most, "{}: {}", function.handler, cost.words());
    }

    expect![[r#"
        cart.store.add_code                7 dynamodb
        cart.store.add_line                5 dynamodb
        cart.store.change_line             3 dynamodb
        cart.store.choose_shipping         3 dynamodb
        cart.store.create                  1 dynamodb
        cart.store.drop_gift_card          3 dynamodb
        cart.store.merge                   5 dynamodb
        cart.store.remove_code             3 dynamodb
        cart.store.remove_line             3 dynamodb
        cart.store.set_addresses           4 dynamodb
        cart.store.shipping_options        2 dynamodb
        cart.store.use_gift_card           9 dynamodb
        cart.store.use_store_credit        7 dynamodb
        cart.store.view                    4 dynamodb
        cart.unknown                       none
        catalog.admin.add_variant          4 dynamodb
        catalog.admin.archive_product      4 dynamodb
        catalog.admin.change_attribute     3 dynamodb
        catalog.admin.change_category      3 dynamodb
        catalog.admin.change_collection    3 dynamodb
        catalog.admin.change_product       6 dynamodb
        catalog.admin.change_variant       4 dynamodb
        catalog.admin.create_attribute     3 dynamodb
        catalog.admin.create_category      3 dynamodb
        catalog.admin.create_collection    3 dynamodb
        catalog.admin.create_product       5 dynamodb
        catalog.admin.delete_attribute     3 dynamodb
        catalog.admin.delete_category      3 dynamodb
        catalog.admin.delete_collection    3 dynamodb
        catalog.admin.delete_product       6 dynamodb
        catalog.admin.list_attributes      2 dynamodb
        catalog.admin.list_categories      1 dynamodb
        catalog.admin.list_collections     2 dynamodb
        catalog.admin.list_products        3 dynamodb
        catalog.admin.missing_translations 1 dynamodb
        catalog.admin.price_log            1 dynamodb
        catalog.admin.publish_product      6 dynamodb
        catalog.admin.rebuild_search       1 dynamodb
        catalog.admin.remove_category_translation 3 dynamodb
        catalog.admin.remove_translation   4 dynamodb
        catalog.admin.remove_variant       4 dynamodb
        catalog.admin.search_status        1 s3, 1 sqs
        catalog.admin.set_images           7 dynamodb
        catalog.admin.set_options          4 dynamodb
        catalog.admin.set_prices           5 dynamodb
        catalog.admin.set_synonyms         2 dynamodb
        catalog.admin.translate_category   3 dynamodb
        catalog.admin.translate_product    4 dynamodb
        catalog.admin.unpublish_product    5 dynamodb
        catalog.admin.view_collection      2 dynamodb
        catalog.admin.view_product         1 dynamodb
        catalog.admin.view_synonyms        1 dynamodb
        catalog.jobs.apply_schedule        10 dynamodb
        catalog.jobs.index_products        3 dynamodb, 8 s3
        catalog.jobs.on_product_changed    1 sqs
        catalog.jobs.on_stock_changed      12 dynamodb
        catalog.jobs.rebuild_search        1 dynamodb
        catalog.store.list_categories      1 dynamodb
        catalog.store.list_products        10 s3
        catalog.store.suggest              10 s3
        catalog.store.view_product         1 dynamodb
        catalog.unknown                    none
        checkout.jobs.expire_unpaid        1 dynamodb
        checkout.store.complete            6 dynamodb, 1 stripe
        checkout.store.retry_payment       4 dynamodb, 1 stripe
        checkout.unknown                   none
        fulfillment.admin.add_pickup_point 4 dynamodb
        fulfillment.admin.buy_label        6 dynamodb
        fulfillment.admin.cancel           4 dynamodb
        fulfillment.admin.change_pickup_point 2 dynamodb
        fulfillment.admin.change_shipping  2 dynamodb
        fulfillment.admin.change_tax       2 dynamodb
        fulfillment.admin.create           4 dynamodb
        fulfillment.admin.deliver          4 dynamodb
        fulfillment.admin.list             2 dynamodb
        fulfillment.admin.list_due         3 dynamodb
        fulfillment.admin.list_pickup_points 1 dynamodb
        fulfillment.admin.mark_lost        4 dynamodb
        fulfillment.admin.mark_returned    4 dynamodb
        fulfillment.admin.pack             4 dynamodb
        fulfillment.admin.queue            3 dynamodb
        fulfillment.admin.remove_pickup_point 2 dynamodb
        fulfillment.admin.ship             6 dynamodb
        fulfillment.admin.simulate_shipping 3 dynamodb
        fulfillment.admin.simulate_tax     4 dynamodb
        fulfillment.admin.view             4 dynamodb
        fulfillment.admin.view_shipping    1 dynamodb
        fulfillment.admin.view_tax         1 dynamodb
        fulfillment.admin.void_label       4 dynamodb
        fulfillment.hooks.easypost         4 dynamodb
        fulfillment.store.pickup_points    1 dynamodb
        fulfillment.unknown                none
        identity.admin.accept_invitation   5 dynamodb
        identity.admin.ask_erasure         11 dynamodb
        identity.admin.ask_export          9 dynamodb
        identity.admin.change_password     7 dynamodb
        identity.admin.change_role         7 dynamodb
        identity.admin.change_staff        9 dynamodb
        identity.admin.create_api_key      3 dynamodb
        identity.admin.create_role         3 dynamodb
        identity.admin.delete_role         4 dynamodb
        identity.admin.end_own_session     2 dynamodb
        identity.admin.end_own_sessions    4 dynamodb
        identity.admin.end_session         6 dynamodb
        identity.admin.forgot_password     7 dynamodb
        identity.admin.invite              7 dynamodb
        identity.admin.list_api_keys       1 dynamodb
        identity.admin.list_consents       6 dynamodb
        identity.admin.list_customers      4 dynamodb, 19 s3
        identity.admin.list_own_sessions   1 dynamodb
        identity.admin.list_permissions    none
        identity.admin.list_privacy_requests 5 dynamodb
        identity.admin.list_roles          5 dynamodb
        identity.admin.list_sessions       2 dynamodb
        identity.admin.list_staff          4 dynamodb
        identity.admin.login               6 dynamodb
        identity.admin.logout              4 dynamodb
        identity.admin.mfa                 5 dynamodb
        identity.admin.refresh             2 dynamodb
        identity.admin.reinstate_staff     8 dynamodb
        identity.admin.reset_password      5 dynamodb
        identity.admin.reset_second_factor 8 dynamodb
        identity.admin.revoke_api_key      7 dynamodb
        identity.admin.rotate_api_key      7 dynamodb
        identity.admin.step_up             7 dynamodb
        identity.admin.suspend_staff       8 dynamodb
        identity.admin.view_api_key        1 dynamodb
        identity.admin.view_customer       2 dynamodb
        identity.admin.view_role           1 dynamodb
        identity.admin.view_staff          1 dynamodb
        identity.jobs.apply_retention      24 dynamodb
        identity.jobs.create_owner         1 dynamodb
        identity.jobs.index_customers      2 dynamodb, 7 s3
        identity.jobs.on_customer_changed  1 sqs
        identity.jobs.rebuild_search       1 sqs
        identity.jobs.rotate_signing_key   4 secretsmanager
        identity.jobs.serve_privacy        27 dynamodb, 2 s3
        identity.store.add_address         3 dynamodb
        identity.store.ask_erasure         9 dynamodb
        identity.store.ask_export          5 dynamodb
        identity.store.change_address      4 dynamodb
        identity.store.change_consent      5 dynamodb
        identity.store.change_email        13 dynamodb
        identity.store.change_password     8 dynamodb
        identity.store.change_phone        9 dynamodb
        identity.store.change_profile      2 dynamodb
        identity.store.close_account       8 dynamodb
        identity.store.confirm_email       8 dynamodb
        identity.store.confirm_phone       5 dynamodb
        identity.store.end_session         2 dynamodb
        identity.store.forgot_password     7 dynamodb
        identity.store.list_addresses      3 dynamodb
        identity.store.list_consents       2 dynamodb
        identity.store.list_sessions       1 dynamodb
        identity.store.login               8 dynamodb
        identity.store.logout              2 dynamodb
        identity.store.logout_all          2 dynamodb
        identity.store.me                  2 dynamodb
        identity.store.open_export         5 dynamodb
        identity.store.password_policy     none
        identity.store.profile             2 dynamodb
        identity.store.reauthenticate      9 dynamodb
        identity.store.refresh             2 dynamodb
        identity.store.register            5 dynamodb
        identity.store.remove_address      4 dynamodb
        identity.store.remove_phone        3 dynamodb
        identity.store.resend_verification 8 dynamodb
        identity.store.reset_password      6 dynamodb
        identity.store.verify_email        4 dynamodb
        identity.store.view_address        3 dynamodb
        identity.store.view_phone          4 dynamodb
        identity.unknown                   none
        inventory.admin.add_keys           10 dynamodb
        inventory.admin.adjust             5 dynamodb
        inventory.admin.allocate           4 dynamodb
        inventory.admin.arm                4 dynamodb
        inventory.admin.cancel_transfer    3 dynamodb
        inventory.admin.change_level       4 dynamodb
        inventory.admin.change_location    2 dynamodb
        inventory.admin.count              5 dynamodb
        inventory.admin.create_location    4 dynamodb
        inventory.admin.create_transfer    4 dynamodb
        inventory.admin.disarm             5 dynamodb
        inventory.admin.forecast           3 dynamodb
        inventory.admin.list_events        1 dynamodb
        inventory.admin.list_findings      1 dynamodb
        inventory.admin.list_keys          3 dynamodb
        inventory.admin.list_levels        2 dynamodb
        inventory.admin.list_locations     1 dynamodb
        inventory.admin.list_low_stock     2 dynamodb
        inventory.admin.list_movements     1 dynamodb
        inventory.admin.list_transfers     1 dynamodb
        inventory.admin.receive            5 dynamodb
        inventory.admin.receive_transfer   3 dynamodb
        inventory.admin.ship_transfer      3 dynamodb
        inventory.admin.view_key_pool      3 dynamodb
        inventory.admin.view_level         3 dynamodb
        inventory.admin.view_location      1 dynamodb
        inventory.admin.view_sku           2 dynamodb
        inventory.admin.view_transfer      1 dynamodb
        inventory.admin.withdraw_keys      5 dynamodb
        inventory.jobs.merge_shards        4 dynamodb
        inventory.jobs.on_level_changed    none
        inventory.jobs.prove               21 dynamodb
        inventory.jobs.send_back_in_stock  5 dynamodb
        inventory.jobs.send_digest         10 dynamodb
        inventory.store.subscribe          9 dynamodb
        inventory.store.unsubscribe        3 dynamodb
        inventory.unknown                  none
        media.admin.delete                 4 dynamodb, 2 s3
        media.admin.describe               2 dynamodb
        media.admin.list                   1 dynamodb
        media.admin.upload                 3 dynamodb
        media.admin.view                   1 dynamodb
        media.jobs.on_uploaded             3 dynamodb, 4 s3
        media.unknown                      none
        notifications.admin.list_messages  2 dynamodb
        notifications.admin.list_suppressions 2 dynamodb
        notifications.admin.list_templates 4 dynamodb
        notifications.admin.preview_template 6 dynamodb
        notifications.admin.publish_template 6 dynamodb
        notifications.admin.resend_message 8 dynamodb
        notifications.admin.roll_back_template 5 dynamodb
        notifications.admin.suppress       2 dynamodb
        notifications.admin.test_template  6 dynamodb
        notifications.admin.unsuppress     4 dynamodb
        notifications.admin.view_template  5 dynamodb
        notifications.admin.write_template 6 dynamodb
        notifications.jobs.deliver         6 dynamodb, 1 ses
        notifications.jobs.deliver_text    1 dynamodb
        notifications.jobs.on_feedback     3 dynamodb
        notifications.jobs.on_text_answer  2 dynamodb
        notifications.unknown              none
        orders.admin.add_note              7 dynamodb
        orders.admin.apply_edit            8 dynamodb
        orders.admin.cancel                11 dynamodb, 3 stripe
        orders.admin.cancel_draft          8 dynamodb
        orders.admin.cancel_lines          7 dynamodb
        orders.admin.change_address        7 dynamodb
        orders.admin.change_draft          7 dynamodb
        orders.admin.create_draft          6 dynamodb
        orders.admin.hold                  7 dynamodb
        orders.admin.invoice               2 dynamodb
        orders.admin.list                  2 dynamodb, 17 s3
        orders.admin.list_drafts           4 dynamodb
        orders.admin.list_edits            5 dynamodb
        orders.admin.list_failed_refunds   6 dynamodb
        orders.admin.list_invoices         2 dynamodb
        orders.admin.list_notes            5 dynamodb
        orders.admin.list_refunds          5 dynamodb
        orders.admin.packing_slip          3 dynamodb
        orders.admin.parcel_slip           5 dynamodb
        orders.admin.pick_list             3 dynamodb
        orders.admin.preview_edit          10 dynamodb
        orders.admin.preview_refund        7 dynamodb
        orders.admin.propose_edit          10 dynamodb
        orders.admin.refund                7 dynamodb
        orders.admin.release               7 dynamodb
        orders.admin.reopen                7 dynamodb
        orders.admin.resend_confirmation   8 dynamodb
        orders.admin.retry_refund          7 dynamodb
        orders.admin.send_draft            5 dynamodb
        orders.admin.timeline              6 dynamodb
        orders.admin.view                  2 dynamodb
        orders.admin.view_draft            5 dynamodb
        orders.admin.withdraw_edit         8 dynamodb
        orders.jobs.complete               18 dynamodb
        orders.jobs.expire_edits           1 dynamodb
        orders.jobs.index_orders           2 dynamodb, 7 s3
        orders.jobs.issue_invoice          8 dynamodb, 1 s3
        orders.jobs.on_order_changed       1 sqs
        orders.jobs.on_order_placed        5 dynamodb, 3 sqs
        orders.jobs.rebuild_search         1 sqs
        orders.store.approve_edit          6 dynamodb
        orders.store.cancel                8 dynamodb
        orders.store.decline_edit          6 dynamodb
        orders.store.download              3 dynamodb
        orders.store.invoice               3 dynamodb
        orders.store.list                  3 dynamodb
        orders.store.look_up               8 dynamodb
        orders.store.view                  2 dynamodb
        orders.store.view_edit             2 dynamodb
        orders.store.view_pay_link         1 dynamodb
        orders.unknown                     none
        payments.admin.accept_dispute      7 dynamodb
        payments.admin.capture             7 dynamodb
        payments.admin.list_disputes       5 dynamodb
        payments.admin.submit_evidence     7 dynamodb
        payments.admin.view_dispute        9 dynamodb
        payments.hooks.stripe              1 dynamodb, 1 sqs
        payments.jobs.capture_due          1 dynamodb
        payments.jobs.on_stripe_event      3 dynamodb, 1 stripe
        payments.jobs.reconcile            7 dynamodb, 3 stripe
        payments.unknown                   none
        platform.admin.audit               4 dynamodb
        platform.admin.cancel_import       2 dynamodb, 1 s3
        platform.admin.change_settings     2 dynamodb
        platform.admin.create_export       3 dynamodb
        platform.admin.create_import       5 dynamodb
        platform.admin.list_dead           3 sqs
        platform.admin.list_import_flaws   2 dynamodb
        platform.admin.list_imports        1 dynamodb
        platform.admin.list_mismatches     1 dynamodb
        platform.admin.list_queues         45 sqs
        platform.admin.redrive             1 dynamodb, 4 sqs
        platform.admin.start_import        4 dynamodb, 1 s3
        platform.admin.view_export         3 dynamodb
        platform.admin.view_import         3 dynamodb
        platform.admin.view_settings       1 dynamodb
        platform.jobs.append_audit         10 dynamodb
        platform.jobs.relay_outbox         6 dynamodb, 2 sqs
        platform.jobs.run_exchange         14 dynamodb, 10 s3
        platform.jobs.sweep_outbox         8 dynamodb
        platform.store.config              1 dynamodb
        platform.store.live                none
        platform.store.openapi             none
        platform.store.ready               8 dynamodb, 3 secretsmanager, 1 ses, 14 sqs
        platform.unknown                   none
        promotions.admin.activate_promotion 5 dynamodb
        promotions.admin.adjust_gift_card  3 dynamodb
        promotions.admin.adjust_store_credit 5 dynamodb
        promotions.admin.change_gift_card  2 dynamodb
        promotions.admin.change_groups     4 dynamodb
        promotions.admin.change_promotion  3 dynamodb
        promotions.admin.create_codes      2 dynamodb
        promotions.admin.create_promotion  3 dynamodb
        promotions.admin.delete_code       2 dynamodb
        promotions.admin.delete_promotion  2 dynamodb
        promotions.admin.end_promotion     3 dynamodb
        promotions.admin.issue_gift_card   1 dynamodb
        promotions.admin.issue_gift_cards  1 dynamodb
        promotions.admin.list_codes        3 dynamodb
        promotions.admin.list_gift_cards   2 dynamodb
        promotions.admin.list_promotions   1 dynamodb
        promotions.admin.pause_promotion   3 dynamodb
        promotions.admin.simulate          2 dynamodb
        promotions.admin.view_gift_card    2 dynamodb
        promotions.admin.view_groups       3 dynamodb
        promotions.admin.view_promotion    2 dynamodb
        promotions.admin.view_store_credit 4 dynamodb
        promotions.jobs.expire_gift_cards  4 dynamodb
        promotions.store.check_gift_card   6 dynamodb
        promotions.store.view_store_credit 2 dynamodb
        promotions.unknown                 none
        returns.admin.approve              7 dynamodb
        returns.admin.cancel               7 dynamodb
        returns.admin.close                7 dynamodb
        returns.admin.create               7 dynamodb
        returns.admin.credit               8 dynamodb
        returns.admin.exchange             9 dynamodb
        returns.admin.list                 5 dynamodb
        returns.admin.preview_exchange     9 dynamodb
        returns.admin.queue                6 dynamodb
        returns.admin.receive              8 dynamodb
        returns.admin.refund               7 dynamodb
        returns.admin.reject               7 dynamodb
        returns.admin.view                 3 dynamodb
        returns.jobs.expire                1 dynamodb
        returns.jobs.pay_out               1 dynamodb
        returns.store.cancel               5 dynamodb
        returns.store.list                 4 dynamodb
        returns.store.request              6 dynamodb
        returns.store.send                 5 dynamodb
        returns.store.view                 3 dynamodb
        returns.unknown                    none
        webhooks.admin.change_endpoint     3 dynamodb
        webhooks.admin.create_endpoint     3 dynamodb
        webhooks.admin.delete_endpoint     4 dynamodb
        webhooks.admin.list_deliveries     2 dynamodb
        webhooks.admin.list_endpoints      1 dynamodb
        webhooks.admin.redeliver           4 dynamodb
        webhooks.admin.replay              2 dynamodb
        webhooks.admin.rotate_secret       3 dynamodb
        webhooks.admin.test_endpoint       4 dynamodb
        webhooks.admin.view_endpoint       3 dynamodb
        webhooks.jobs.announce             4 dynamodb, 2 sqs
        webhooks.jobs.deliver              8 dynamodb
        webhooks.jobs.sweep                1 dynamodb, 1 sqs
        webhooks.unknown                   none
    "#]]
    .assert_eq(&warm.table());
}

#[tokio::test]
async fn each_fifth_request_of_a_customer_is_counted_and_their_session_is_asked_once_a_minute() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    // The function knows its secrets already.
    ok(Shopper::customer(&shop, "joe@example.org").await.get("/v1/store/orders").await);
    let mut meter = Meter::new(&shop);
    let mut counted = Vec::new();
    for _ in 0..15 {
        ok(meter.call(jane.get("/v1/store/orders")).await);
        counted.push(meter.costs.remove("orders.store.list").unwrap().operations);
        shop.clock().advance_ms(5_000);
    }
    let mut wanted = vec![vec!["Query"]; 15];
    wanted[0] = vec!["BatchGetItem", "Query"];
    // What has lain for a minute is not believed, and what was not counted by then never is.
    wanted[12] = vec!["BatchGetItem", "Query"];
    for fifth in [4, 9] {
        wanted[fifth] = vec!["UpdateItem", "Query"];
    }
    assert_eq!(counted, wanted);
}

/// A shop with so many products, all in one category, so many carts, and a customer with so many
/// orders.
async fn grown(many: usize) -> (Shop, Shopper) {
    let mut goods = crowd::goods(many);
    let shop = Shop::open(Options::default()).await.unwrap();
    // A million of them is too much to be there twice.
    let products = std::mem::take(&mut goods.products);
    let mut stock = std::mem::take(&mut goods.stock);
    stock.truncate(10);
    world::fill(&shop, &goods).await;
    let store = shop.store();
    store.import_stock(&stock).await.unwrap();
    store.import_products(&products[..10], Currency::EUR).await.unwrap();
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    store.import_products(&products[10..], Currency::EUR).await.unwrap();
    drop(products);
    let (order, cart) = (format!("ORD#{}", jane.order), format!("CART#{}", jane.cart));
    copy(&shop, "fluxion-orders", &order, many - 1, older_order).await;
    copy(&shop, "fluxion-carts", &cart, many - 1, another_cart).await;
    (shop, jane)
}

type Row = HashMap<String, AttributeValue>;

fn plain(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// In its customer's history: an order like this one, made at that time.
fn older_order(row: &mut Row, ulid: Ulid, at: jiff::Timestamp) {
    let id = OrderId::from_ulid(ulid).to_string();
    row.insert("pk".into(), plain(&format!("ORD#{id}")));
    row.insert("id".into(), plain(&id));
    row.insert("created_at".into(), plain(&at.to_string()));
    row.insert("gsi1sk".into(), plain(&format!("{at:.3}#{id}")));
    // In the customer's list alone: the merchant's are not looked at here.
    row.retain(|name, _| !name.starts_with("gsi2") && !name.starts_with("gsi3"));
}

fn another_cart(row: &mut Row, ulid: Ulid, _: jiff::Timestamp) {
    let id = CartId::from_ulid(ulid).to_string();
    row.insert("pk".into(), plain(&format!("CART#{id}")));
    row.insert("id".into(), plain(&id));
}

/// Writes so many rows made of this one, each a second older than the one before.
async fn copy(
    shop: &Shop,
    table: &str,
    pk: &str,
    copies: usize,
    change: impl Fn(&mut Row, Ulid, jiff::Timestamp),
) {
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let model = client
        .get_item()
        .table_name(table)
        .key("pk", plain(pk))
        .key("sk", plain("META"))
        .send()
        .await
        .unwrap()
        .item
        .unwrap();
    // What is copied is no news: without its stream, a table takes it much faster.
    let has_stream = client.describe_table().table_name(table).send().await.unwrap();
    if has_stream.table.unwrap().stream_specification.is_some() {
        let off = StreamSpecification::builder().stream_enabled(false).build().unwrap();
        let table = client.update_table().table_name(table).stream_specification(off);
        table.send().await.unwrap();
    }
    let now = shop.clock().now_ms();
    let copied = |n: usize| {
        let at_ms = now - i64::try_from(n).unwrap() * 1000;
        let at = jiff::Timestamp::from_millisecond(at_ms).unwrap();
        let mut row = model.clone();
        change(&mut row, Ulid::from_parts(u64::try_from(at_ms).unwrap(), n as u128), at);
        row
    };
    let numbers: Vec<usize> = (1..=copies).collect();
    for batch in numbers.chunks(25) {
        let puts = batch.iter().map(|n| {
            let put = PutRequest::builder().set_item(Some(copied(*n))).build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let written =
            client.batch_write_item().request_items(table, puts.collect()).send().await.unwrap();
        assert!(written.unprocessed_items.unwrap_or_default().is_empty());
    }
}

/// What a shopper's way costs, from the list to the order, in a shop that has grown.
async fn way(shop: &Shop, mut jane: Shopper) -> BTreeMap<&'static str, Cost> {
    let mut costs = BTreeMap::new();
    let before = jane.order.clone();
    for round in 0..2 {
        shop.clock().advance_ms(1);
        let mut note = |name, handler: &str, from| {
            let cost = Cost::of(&shop.wire().recorder().since(from), handler);
            assert!(cost.total() > 0, "{name}");
            if round == 1 {
                costs.insert(name, cost);
            }
        };
        let mark = || shop.wire().recorder().mark();
        let list = "catalog.store.list_products";
        for (name, query) in [
            ("list", ""),
            ("list of a category", "&category=goods"),
            ("list by price", "&sort=price_asc"),
        ] {
            let from = mark();
            let page = ok(jane.get(&format!("/v1/store/products?limit=20{query}")).await);
            assert_eq!(page["data"].as_array().unwrap().len(), 20);
            note(name, list, from);
            if name == "list" {
                let from = mark();
                let cursor = page["next_cursor"].as_str().unwrap();
                let next = format!("/v1/store/products?limit=20&cursor={cursor}");
                let page = ok(jane.get(&next).await);
                assert_eq!(page["data"].as_array().unwrap().len(), 20);
                note("list, second page", list, from);
            }
        }
        for (name, product) in [("view", crowd::product(7)), ("view by name", crowd::slug(7))] {
            let from = mark();
            ok(jane.get(&format!("/v1/store/products/{product}")).await);
            note(name, "catalog.store.view_product", from);
        }
        jane.open_cart("EUR").await;
        let from = mark();
        jane.add(MUG, 1).await;
        note("add_line", "cart.store.add_line", from);
        jane.addresses().await;
        jane.ship_by("home-standard").await;
        let total = jane.view_cart().await["totals"]["total"].clone();
        let from = mark();
        let answer = jane.complete_at(&key(), &total).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        note("complete", "checkout.store.complete", from);
        let from = mark();
        ok(jane.get("/v1/store/orders?limit=20").await);
        note("orders", "orders.store.list", from);
        let from = mark();
        ok(jane.get(&format!("/v1/store/orders/{before}")).await);
        note("order", "orders.store.view", from);
    }
    costs
}

/// What the small shop has of products, carts and orders, and the large one; `STORY_PRODUCTS` says
/// otherwise of the large one, and asks in tenfold steps on the way.
const FEW: usize = 100;
const MANY: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn cost_grows_neither_with_the_catalog_nor_with_the_history() {
    let most = std::env::var("STORY_PRODUCTS").ok();
    let steps: Vec<usize> = match most.map(|most| most.parse::<usize>().expect("a number")) {
        None => vec![MANY],
        Some(most) => (1..=6).map(|n| FEW * 10_usize.pow(n)).take_while(|n| *n <= most).collect(),
    };
    assert!(!steps.is_empty(), "nothing is larger than the small shop");
    let (shop, jane) = grown(FEW).await;
    let small = way(&shop, jane).await;
    let row = |cost: &Cost| {
        format!("{:.1} read, {:.1} written, {}", cost.reads, cost.writes, cost.words())
    };
    for (name, cost) in &small {
        println!("{FEW:>8} {name:<20} {}", row(cost));
    }
    for many in steps {
        let (shop, jane) = grown(many).await;
        for (name, cost) in &way(&shop, jane).await {
            println!("{many:>8} {name:<20} {}", row(cost));
            assert_eq!(cost, &small[name], "{name}, {many}");
        }
    }
}
