//! The policies of the templates, executed.
//!
//! A tour of several chapters makes every function do everything it can do. With all policies
//! enforced nothing is denied; with any one part of any policy taken away, something that the
//! function asked for would be; and what the whole tour never needs stands in a file that may only
//! shrink.
//!
//! Each chapter begins in a shop of its own: an empty one, or one in which people are signed in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::pin::Pin;
use std::sync::OnceLock;

use domain::id::OrderId;
use domain::permission::Permission;
use local::{Options, Outcome, Request, Response, Shop, Snapshot};
use serde_json::{Value, json};
use templates::{Stack, Trigger};
use testkit::goods::{self, Good, MUG, POSTER, SOCKS, TEMPLATE};
use wire::Grant;

use crate::tour::{self, People, Plain, Round};
use crate::world::{self, Colleague, PASSWORD, Shopper, address, key, ok, refusal};
use crate::{accounts, exchanges};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;
type Alone = fn(Shop) -> Boxed;
type Among = fn(Shop, People) -> Boxed;

/// Chapters that begin in a shop without people.
const ALONE: &[(&str, Alone)] = &[
    ("the doors", |shop| Box::pin(doors(shop))),
    ("the catalog", |shop| Box::pin(catalog(shop))),
    ("an account", |shop| Box::pin(account(shop))),
    ("a customer helps themselves", |shop| Box::pin(accounts::tour(shop))),
    ("a cart", |shop| Box::pin(cart(shop))),
    ("two carts become one", |shop| Box::pin(merge(shop))),
    ("a carrier is asked", |shop| Box::pin(carrier(shop))),
    ("a purchase", |shop| Box::pin(purchase(shop))),
    ("a decline", |shop| Box::pin(decline(shop))),
    ("a shortage", |shop| Box::pin(shortage(shop))),
    ("a gift", |shop| Box::pin(gift(shop))),
    ("called off", |shop| Box::pin(called_off(shop))),
    ("never paid", |shop| Box::pin(never_paid(shop))),
    ("paid late", |shop| Box::pin(paid_late(shop))),
    ("sent back", |shop| Box::pin(sent_back(shop))),
    ("left unsaid", |shop| Box::pin(left_unsaid(shop))),
    ("goods at two places", |shop| Box::pin(two_places(shop))),
    ("the first owner", |shop| Box::pin(founding(shop))),
    ("a month", |shop| Box::pin(month(shop))),
    ("a registration", |shop| Box::pin(registration(shop))),
    ("before the index", |shop| Box::pin(before_the_index(shop))),
    ("before the desk's indexes", |shop| Box::pin(before_the_desk(shop))),
];

/// Chapters that begin where people are signed in.
const AMONG: &[(&str, Among)] = &[
    ("an account's day", |shop, people| Box::pin(a_day(shop, people))),
    ("an account moves", |shop, people| Box::pin(moving(shop, people))),
    ("an address is taken", |shop, people| Box::pin(taken(shop, people))),
    ("an account ends", |shop, people| Box::pin(leaving(shop, people))),
    ("roles and colleagues", |shop, people| Box::pin(work(shop, people))),
    ("a member's day", |shop, people| Box::pin(oneself(shop, people))),
    ("keys of machines", |shop, people| Box::pin(keys(shop, people))),
    ("a gift card in a cart", |shop, people| Box::pin(gift_card(shop, people))),
    ("a merchant's gift cards", |shop, people| Box::pin(gift_card_desk(shop, people))),
    ("gift cards in orders", |shop, people| Box::pin(gift_cards(shop, people))),
    ("promotions", |shop, people| Box::pin(promotions(shop, people))),
    ("letters", |shop, people| Box::pin(letters(shop, people))),
    ("a picture", |shop, people| Box::pin(picture(shop, people))),
    ("goods", |shop, people| Box::pin(goods_of_the_shop(shop, people))),
    ("settings", |shop, people| Box::pin(settings(shop, people))),
    ("parcels", |shop, people| Box::pin(parcels(shop, people))),
    ("an order's end", |shop, people| Box::pin(completion(shop, people))),
    ("the order desk", |shop, people| Box::pin(order_desk(shop, people))),
    ("what comes back", |shop, people| Box::pin(coming_back(shop, people))),
    ("what is never sent", |shop, people| Box::pin(never_sent(shop, people))),
    ("an order is edited", |shop, people| Box::pin(edited(shop, people))),
    ("what nobody agrees to", |shop, people| Box::pin(never_agreed(shop, people))),
    ("disputes", |shop, people| Box::pin(disputes(shop, people))),
    ("the stockroom", |shop, people| Box::pin(stockroom(shop, people))),
    ("files of goods", |shop, people| Box::pin(files(shop, people))),
    ("papers of orders", |shop, people| Box::pin(papers(shop, people))),
    ("keys that are sold", |shop, people| Box::pin(key_pools(shop, people))),
    ("searching", |shop, people| Box::pin(searching(shop, people))),
    ("the staff's desk", |shop, people| Box::pin(desk(shop, people))),
    ("systems that are told", |shop, people| Box::pin(systems(shop, people))),
    ("the books", |shop, people| Box::pin(books(shop, people))),
    ("dead letters", |shop, people| Box::pin(dead_letters(shop, people))),
    ("somebody is forgotten", |shop, people| Box::pin(forgotten(shop, people))),
    ("nobody is forgotten yet", |shop, people| Box::pin(waited_for(shop, people))),
    ("the staff's door", |shop, people| Box::pin(staff_door(shop, people))),
];

/// Where a chapter begins.
enum Walk {
    Alone(Alone),
    Among(Among),
    /// At one function's door, where everybody knocks.
    Knock(String),
}

/// The tour: its chapters, and the shops in which they begin.
struct Stage {
    chapters: Vec<(String, Walk)>,
    empty: Snapshot,
    busy: Snapshot,
    people: People,
    policies: Policies,
    /// Open as long as the stage is.
    _carriers: tour::parcels::Carriers,
}

impl Stage {
    async fn set() -> Self {
        // What fails shall fail: a retry hides nothing here.
        let options =
            || Options { sdk_attempts: 1, webhooks_to_loopback: true, ..Options::default() };
        let goods = goods::small(world::MUGS);
        let carriers = tour::parcels::Carriers::open().await;
        let busy = carriers.shop(options()).await;
        let people = People::new(&mut Plain(busy.clone()), &busy).await;
        busy.settle().await;
        let alone = ALONE.iter().map(|(name, walk)| ((*name).to_owned(), Walk::Alone(*walk)));
        let among = AMONG.iter().map(|(name, walk)| ((*name).to_owned(), Walk::Among(*walk)));
        let mut chapters: Vec<_> = alone.chain(among).collect();
        for function in &busy.stack().functions {
            let sids: Vec<&str> = function.statements.iter().map(|one| one.sid.as_str()).collect();
            if sids.contains(&"KnowSessions") || sids.contains(&"CountRequests") {
                let name = format!("a knock at {}", function.handler);
                chapters.push((name, Walk::Knock(function.handler.clone())));
            }
        }
        let policies = policies(busy.stack());
        Self {
            chapters,
            policies,
            empty: Snapshot::of(world::open_with(options(), &goods).await).unwrap(),
            busy: Snapshot::of(busy).unwrap(),
            people,
            _carriers: carriers,
        }
    }

    /// A chapter that is about to begin, and its shop.
    async fn begin(&self, walk: &Walk) -> (Shop, Boxed) {
        let snapshot = if matches!(walk, Walk::Alone(_)) { &self.empty } else { &self.busy };
        let shop = snapshot.open().await.unwrap();
        shop.wire().iam().keep_asked();
        let people = self.people.in_shop(&shop);
        let chapter: Boxed = match walk {
            Walk::Alone(walk) => walk(shop.clone()),
            Walk::Among(walk) => walk(shop.clone(), people),
            Walk::Knock(handler) => Box::pin(knock(shop.clone(), people, handler.clone())),
        };
        (shop, chapter)
    }
}

/// Everybody calls one function with its sample event: nobody in particular, a customer and a
/// member of the staff as often as requests are counted together, and a machine from a network
/// that it never came from. Whether they are let in is another story; who they are is asked.
async fn knock(shop: Shop, mut people: People, handler: String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../events/{handler}.json"));
    let event: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let said = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let request = || {
        let mut target = said("/rawPath").unwrap().to_owned();
        if let Some(query) = said("/rawQueryString").filter(|query| !query.is_empty()) {
            target = format!("{target}?{query}");
        }
        let method = said("/requestContext/http/method").unwrap();
        let mut request = Request::new(method, &target).header("idempotency-key", &key());
        for name in ["content-type", "if-match", "x-cart-token", "x-order-token"] {
            if let Some(value) = said(&format!("/headers/{name}")) {
                request = request.header(name, value);
            }
        }
        request.body = said("/body").unwrap_or_default().to_owned().into();
        request
    };
    let signed = |bearer: &str| request().header("authorization", &format!("Bearer {bearer}"));
    shop.send(request()).await;
    shop.send(signed(&people.machine.bearer)).await;
    if handler == "identity.store.close_account" {
        // An account ends once; it is asked for often where that fails.
        for at in 1..=COUNTED_TOGETHER {
            let is_end = |call: &wire::CallId| call.operation == "TransactWriteItems";
            let plan = wire::Plan {
                at,
                kind: wire::FaultKind::FailBefore,
                filter: Some(Box::new(is_end)),
            };
            shop.wire().faults().arm(plan);
        }
    }
    for _ in 0..=COUNTED_TOGETHER {
        shop.send(signed(&people.owner.bearer)).await;
        shop.send(signed(people.jane.who.bearer.as_ref().unwrap())).await;
        if handler == "identity.store.logout_all" {
            people.jane.sign_in(&mut Plain(shop.clone())).await;
        }
    }
}

/// Requests of a known caller that are written down together.
const COUNTED_TOGETHER: u64 = 5;

async fn founding(shop: Shop) {
    let made = tour::founding(&mut Plain(shop.clone()), &shop).await;
    assert!(matches!(made, Outcome::Answered(_)));
}

async fn month(shop: Shop) {
    tour::month(&mut Plain(shop.clone()), &shop).await;
}

async fn registration(shop: Shop) {
    tour::confirmation(&mut Plain(shop.clone()), &shop, Round(1)).await;
    tour::registration(&mut Plain(shop.clone()), &shop, Round(1)).await;
}

async fn a_day(shop: Shop, mut people: People) {
    tour::account(&mut Plain(shop), &mut people.jane).await;
}

async fn moving(shop: Shop, mut people: People) {
    tour::moving(&mut Plain(shop), &mut people.jane, Round(1)).await;
}

async fn taken(shop: Shop, mut people: People) {
    tour::taken(&mut Plain(shop), &mut people.jane, Round(1)).await;
}

async fn leaving(shop: Shop, mut people: People) {
    tour::leaving(&mut Plain(shop), &mut people.jane).await;
}

async fn work(shop: Shop, people: People) {
    let mut pace = Plain(shop);
    let role = tour::roles(&mut pace, &people.owner).await;
    let mut grace = tour::hiring(&mut pace, &people.owner, Round(1)).await;
    tour::colleagues(&mut pace, &people.owner, &mut grace, &role).await;
}

async fn oneself(shop: Shop, mut people: People) {
    tour::oneself(&mut Plain(shop), &mut people.owner).await;
}

async fn letters(shop: Shop, people: People) {
    tour::letters::letters(&mut Plain(shop.clone()), &people.owner, Round(1)).await;
    tour::texts::texts(&mut Plain(shop.clone()), &people.owner, Round(1)).await;
    tour::letters::templates(&mut Plain(shop), &people.owner, Round(1)).await;
}

async fn picture(shop: Shop, people: People) {
    tour::media::pictures(&mut Plain(shop), &people.owner, 1).await;
}

async fn gift_card(shop: Shop, mut people: People) {
    let jane = &mut people.jane;
    tour::gift_cards::change_of_mind(&mut Plain(shop), jane).await;
}

async fn gift_card_desk(shop: Shop, mut people: People) {
    let mut pace = Plain(shop);
    tour::gift_cards::merchant(&mut pace, &people.owner, &mut people.jane).await;
}

async fn gift_cards(shop: Shop, mut people: People) {
    tour::gift_cards::orders(&shop, &mut people.jane).await;
}

async fn promotions(shop: Shop, mut people: People) {
    let mut pace = Plain(shop);
    let code = tour::promotions::promotions(&mut pace, &people.owner).await;
    tour::promotions::bargain(&mut pace, &people.owner, &mut people.jane, &code).await;
    tour::refunds::call_off(&mut pace, &people.owner, &people.jane.who).await;
}

async fn disputes(shop: Shop, people: People) {
    tour::disputes::disputes(&mut Plain(shop.clone()), &people.owner, Round(1)).await;
    tour::disputes::reserved(&mut Plain(shop.clone()), &people.owner, Round(1)).await;
    tour::disputes::lapsing(&mut Plain(shop), &people.owner).await;
}

async fn order_desk(shop: Shop, mut people: People) {
    tour::refunds::desk(&mut Plain(shop), &people.owner, &mut people.jane).await;
}

async fn coming_back(shop: Shop, mut people: People) {
    tour::returns::returns(&mut Plain(shop), &people.owner, &mut people.jane).await;
}

async fn never_sent(shop: Shop, people: People) {
    tour::returns::never_sent(&shop, &people.owner).await;
}

/// Where a good is taken from is looked up where it may lie at two places.
async fn edited(shop: Shop, mut people: People) {
    open_lyon(&shop, &people.owner).await;
    tour::order_edits::edits(&mut Plain(shop), &people.owner, &mut people.jane.who).await;
}

async fn never_agreed(shop: Shop, people: People) {
    tour::order_edits::never_agreed(&shop, &people.owner).await;
}

async fn systems(shop: Shop, people: People) {
    tour::webhooks::endpoints(&mut Plain(shop.clone()), &shop, &people.owner).await;
    // One that takes nothing is told of an order, too.
    let mut guest = Shopper::guest(&shop).await;
    guest.ready(MUG, 1).await;
    assert_eq!(guest.complete().await.status, 201);
    guest.pay("pm_card_visa");
    shop.settle().await;
}

async fn forgotten(shop: Shop, people: People) {
    let mut pace = Plain(shop.clone());
    tour::privacy::privacy(&mut pace, &people.owner, Round(1)).await;
    tour::privacy::years(&mut pace, &shop, &people.owner, Round(1)).await;
}

/// Who has an order under way is not forgotten, whoever asks: its number is read where it is
/// sealed.
async fn waited_for(shop: Shop, people: People) {
    let mut kim = Shopper::customer(&shop, "kim@example.org").await;
    kim.open_cart("EUR").await;
    kim.ready(MUG, 1).await;
    assert_eq!(kim.complete().await.status, 201);
    shop.settle().await;
    let id = ok(kim.get("/v1/auth/me").await)["id"].as_str().unwrap().to_owned();
    let asked = kim.call("POST", "/v1/store/me/erasure", &json!({})).await;
    assert_eq!(asked.status, 409, "{}", asked.text());
    let path = format!("/v1/admin/customers/{id}/erasure");
    let asked = people.owner.call("POST", &path, &json!({})).await;
    assert_eq!(asked.status, 409, "{}", asked.text());
}

async fn books(shop: Shop, people: People) {
    let mut guest = Shopper::guest(&shop).await;
    guest.ready(MUG, 1).await;
    assert_eq!(guest.complete().await.status, 201);
    shop.twin().set_faults(stripe_twin::Faults { webhook_drop: 100, ..Default::default() });
    guest.pay("pm_card_visa");
    shop.clock().advance_ms(11 * 60_000);
    tour::queues::books(&mut Plain(shop.clone()), &shop, &people.owner).await;
    assert_eq!(guest.view_order().await["status"], "placed");
    // They are compared while a dispute waits for its answer, too.
    shop.twin().set_faults(stripe_twin::Faults::default());
    let pace = &mut Plain(shop.clone());
    tour::disputes::bought(pace, &people.owner, Round(2), "pm_card_createDispute").await;
    shop.advance(60).await;
    shop.settle().await;
    assert_eq!(shop.store().disputes_due(1, None).await.unwrap().entries.len(), 1);
    let outcome = shop.run_job("payments.jobs.reconcile").await;
    assert!(matches!(outcome, Outcome::Answered(_)));
}

async fn dead_letters(shop: Shop, people: People) {
    tour::queues::dead_letters(&mut Plain(shop.clone()), &shop, &people.owner).await;
    tour::queues::poison(&shop).await;
}

async fn goods_of_the_shop(shop: Shop, people: People) {
    tour::goods(&mut Plain(shop), &people.owner, Round(1)).await;
}

async fn before_the_index(shop: Shop) {
    tour::search::before(&shop).await;
}

async fn before_the_desk(shop: Shop) {
    tour::desk::before(&shop).await;
}

async fn desk(shop: Shop, people: People) {
    tour::desk::custom(&shop).await;
    tour::desk::lookups(&mut Plain(shop.clone()), &people.owner).await;
    tour::desk::upkeep(&shop).await;
}

async fn searching(shop: Shop, people: People) {
    tour::search::words(&mut Plain(shop.clone()), &people.owner).await;
    tour::search::upkeep(&shop).await;
}

async fn files(shop: Shop, people: People) {
    tour::files::gone(&shop, &people.owner).await;
    tour::files::there_and_back(&mut Plain(shop.clone()), &people.owner, Round(1)).await;
    tour::files::long_and_broken(&shop, &people.owner).await;
}

async fn papers(shop: Shop, people: People) {
    tour::papers::papers(&mut Plain(shop.clone()), &people.owner).await;
    tour::papers::kept_prefix(&mut Plain(shop), &people.owner).await;
}

async fn key_pools(shop: Shop, people: People) {
    tour::key_pools::pools(&mut Plain(shop), &people.owner, Round(1)).await;
}

async fn keys(shop: Shop, people: People) {
    tour::keys(&mut Plain(shop), &people.owner, Round(1)).await;
}

/// A shop whose carriers would be asked, if it had an account with them.
async fn carrier(shop: Shop) {
    let goods = goods::small(world::MUGS);
    let mut table = serde_json::to_value(&goods.shipping).unwrap();
    let method = json!({"id": "usps", "name": "Priority", "zone": "home", "lead_days": [1, 3],
        "by": {"carrier": {"carrier": "USPS", "service": "Priority"}},
        "tiers": {"EUR": [{"price": 1500}]}});
    table["methods"].as_array_mut().unwrap().push(method);
    table["ship_from"] = world::address();
    let shipping = serde_json::from_value(table).unwrap();
    let settings = store::Settings::new(shipping, goods.tax, goods.shop);
    shop.store().import_settings(&settings).await.unwrap();
    let jane = Shopper::guest(&shop).await;
    jane.add(MUG, 1).await;
    jane.addresses().await;
    ok(jane.get(&format!("/v1/store/carts/{}/shipping_options", jane.cart)).await);
    jane.ship_by("usps").await;
}

async fn settings(shop: Shop, people: People) {
    tour::fulfillment::settings(&mut Plain(shop), &people.owner).await;
}

async fn parcels(shop: Shop, people: People) {
    tour::parcels::parcels(&mut Plain(shop.clone()), &people.owner, Round(1)).await;
    tour::parcels::followed(&mut Plain(shop), &people.owner, Round(1)).await;
}

async fn completion(shop: Shop, people: People) {
    tour::completion::completion(&mut Plain(shop), &people.owner, Round(1)).await;
}

async fn stockroom(shop: Shop, people: People) {
    tour::inventory::stockroom(&mut Plain(shop.clone()), &people.owner, Round(1)).await;
    tour::inventory::unexplained(&shop).await;
}

/// A member with a hash of long ago signs in by a browser, again over the old cookies; a refresh
/// token is used twice; somebody guesses.
async fn staff_door(shop: Shop, people: People) {
    weaken(&shop).await;
    let mut owner = people.owner.clone();
    owner.bearer.clear();
    let mut cookies = String::new();
    for _ in 0..2 {
        let form = json!({"email": owner.email, "password": owner.password});
        let first = ok(owner.call("POST", "/v1/auth/staff/login", &form).await);
        let code = owner.recovery.pop().unwrap();
        let body = json!({"mfa_token": first["mfa_token"], "code": code});
        let second = Request::new("POST", "/v1/auth/staff/mfa")
            .header("cookie", &cookies)
            .header("origin", shop.base_url());
        let session = owner.send(second.json(&body)).await;
        assert_eq!(session.status, 200, "{}", session.text());
        let pairs = session.all("set-cookie").filter_map(|line| line.split(';').next());
        cookies = pairs.collect::<Vec<_>>().join("; ");
    }
    let refresh = || {
        Request::new("POST", "/v1/auth/staff/refresh")
            .header("cookie", &cookies)
            .header("origin", shop.base_url())
            .json(&json!({}))
    };
    ok(owner.send(refresh()).await);
    shop.clock().advance_ms(60_000);
    let stolen = owner.send(refresh()).await;
    assert_eq!(refusal(&stolen), (401, "session_revoked".into()));
    let guesser = Colleague { password: "a guess".into(), ip: "198.51.100.66".into(), ..owner };
    for _ in 0..5 {
        assert_eq!(refusal(&guesser.first_step().await), (401, "invalid_credentials".into()));
    }
}

/// A POST under an idempotency key, twice: claimed, remembered, answered again.
async fn twice(who: &Shopper, target: &str, body: &Value) -> Response {
    let key = key();
    let ask = || who.send(Request::new("POST", target).header("idempotency-key", &key).json(body));
    let first = ask().await;
    let again = ask().await;
    assert_eq!(again.status, first.status, "{target}: {}", again.text());
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{target}");
    first
}

/// Health, the contract, and what fits no route of any domain.
async fn doors(shop: Shop) {
    let nobody = Shopper::new(&shop);
    for path in ["/health/live", "/health/ready", "/openapi.json", "/v1/auth/password_policy"] {
        ok(nobody.get(path).await);
    }
    assert_eq!(nobody.get("/nowhere").await.status, 404);
    for function in &shop.stack().functions {
        for trigger in &function.triggers {
            let Trigger::Http { path, .. } = trigger else { continue };
            if path == "$default" {
                continue;
            }
            let answer = nobody.send(Request::new("PROPFIND", path)).await;
            assert_eq!(answer.status, 405, "{path}: {}", answer.text());
        }
    }
}

/// Every list in every order, by page, and every way to one product.
async fn catalog(shop: Shop) {
    let nobody = Shopper::new(&shop);
    ok(nobody.get("/v1/store/categories").await);
    for sort in ["newest", "oldest", "price_asc", "price_desc", "title"] {
        for filter in ["", "&category=goods"] {
            let path = format!("/v1/store/products?limit=1&sort={sort}{filter}");
            let page = ok(nobody.get(&path).await);
            let cursor = page["next_cursor"].as_str().unwrap();
            ok(nobody.get(&format!("{path}&cursor={cursor}")).await);
        }
    }
    let found = ok(nobody.get("/v1/store/products/socks").await);
    let id = found["id"].as_str().unwrap();
    ok(nobody.get(&format!("/v1/store/products/{id}")).await);
}

/// The hash of [`PASSWORD`] with the parameters of long ago.
const WEAK_HASH: &str = "$argon2id$v=19$m=64,t=1,p=1$c3Rvcnktc2FsdC0wMDAwMQ\
                         $nW/N76dykJXDDNeylvpbW5wsBzMtix2XphHDx7zbWm0";

/// Gives everybody a hash of long ago.
async fn weaken(shop: &Shop) {
    use aws_sdk_dynamodb::types::AttributeValue;
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let found = client.scan().table_name("fluxion-identity").send().await.unwrap();
    for item in found.items() {
        if item.contains_key("password") {
            let weak = AttributeValue::S(WEAK_HASH.to_owned());
            let mut item = item.clone();
            item.insert("password".to_owned(), weak);
            let put = client.put_item().table_name("fluxion-identity").set_item(Some(item));
            put.send().await.unwrap();
        }
    }
}

/// Registered, again, confirmed, again, signed in both ways, renewed, signed out.
async fn account(shop: Shop) {
    let email = "jane@example.org";
    let mut jane = Shopper::new(&shop);
    let form = json!({"email": email, "password": PASSWORD, "name": "Jane Roe"});
    assert_eq!(twice(&jane, "/v1/auth/register", &form).await.status, 202);
    assert_eq!(jane.register(email).await.status, 202);
    shop.settle().await;
    assert_eq!(shop.mails().len(), 2);
    let token = json!({"token": jane.mailed_token(email).unwrap()});
    assert_eq!(twice(&jane, "/v1/auth/email/verify", &token).await.status, 204);
    assert_eq!(jane.register(email).await.status, 202);
    shop.settle().await;
    assert!(shop.mails().last().unwrap().text.clone().unwrap().contains("already"));

    weaken(&shop).await;
    let form = json!({"email": email, "password": PASSWORD, "mode": "token"});
    let session = ok(jane.call("POST", "/v1/auth/login", &form).await);
    let text = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
    jane.bearer = Some(text(&session, "access_token"));
    ok(jane.get("/v1/auth/me").await);
    let first = json!({"refresh_token": text(&session, "refresh_token")});
    ok(jane.call("POST", "/v1/auth/refresh", &first).await);
    shop.clock().advance_ms(60_000);
    let stolen = jane.call("POST", "/v1/auth/refresh", &first).await;
    assert_eq!(refusal(&stolen), (401, "session_revoked".into()));
    let gone = jane.call("POST", "/v1/auth/logout", &Value::Null).await;
    assert_eq!(refusal(&gone), (401, "session_revoked".into()));
    let session = ok(jane.call("POST", "/v1/auth/login", &form).await);
    jane.bearer = Some(text(&session, "access_token"));
    assert_eq!(jane.call("POST", "/v1/auth/logout", &json!({})).await.status, 204);

    let form = json!({"email": email, "password": PASSWORD});
    let session = jane.call("POST", "/v1/auth/login", &form).await;
    let cookies: Vec<&str> =
        session.all("set-cookie").filter_map(|line| line.split(';').next()).collect();
    let browser = |request: Request| {
        let origin = shop.base_url().to_owned();
        let csrf = text(&session.value(), "csrf_token");
        request
            .header("cookie", &cookies.join("; "))
            .header("origin", &origin)
            .header("x-csrf-token", &csrf)
    };
    ok(shop.send(browser(Request::new("POST", "/v1/auth/refresh"))).await);
    ok(shop.send(browser(Request::new("GET", "/v1/auth/me"))).await);
    ok(shop.send(browser(Request::new("POST", "/v1/auth/logout"))).await);
}

/// Every endpoint of a guest's cart, and a customer's new one in a browser.
async fn cart(shop: Shop) {
    let mut jane = Shopper::new(&shop);
    let made = twice(&jane, "/v1/store/carts", &json!({"currency": "EUR"})).await.value();
    jane.cart = made["cart"]["id"].as_str().unwrap().to_owned();
    jane.cart_token = made["cart_token"].as_str().map(str::to_owned);
    let at = |rest: &str| format!("/v1/store/carts/{}{rest}", jane.cart);
    let body = json!({"variant_id": MUG.variant(), "quantity": 1});
    let cart = ok(twice(&jane, &at("/lines"), &body).await);
    let line = at(&format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap()));
    ok(jane.call("PATCH", &line, &json!({"quantity": 2})).await);
    jane.addresses().await;
    ok(jane.get(&at("/shipping_options")).await);
    jane.ship_by("home-express").await;
    jane.view_cart().await;
    ok(jane.send(Request::new("DELETE", &line)).await);

    let mut customer = Shopper::customer(&shop, "jane@example.org").await;
    customer.open_cart("EUR").await;
    customer.add(MUG, 1).await;
    // What needs the sealing key: a browser that changes something.
    let form = json!({"email": "jane@example.org", "password": PASSWORD});
    let session = customer.call("POST", "/v1/auth/login", &form).await;
    let cookie = session.all("set-cookie").next().unwrap().split(';').next().unwrap().to_owned();
    let csrf = session.value()["csrf_token"].as_str().unwrap().to_owned();
    let browser = |method: &str, path: &str| {
        Request::new(method, path)
            .header("cookie", &cookie)
            .header("origin", shop.base_url())
            .header("x-csrf-token", &csrf)
    };
    let at = |rest: &str| format!("/v1/store/carts/{}{rest}", customer.cart);
    let cart = ok(shop.send(browser("GET", &at(""))).await);
    let line = at(&format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap()));
    let to = json!({"email": "jane@example.org", "shipping_address": address()});
    let way = json!({"shipping_option_id": "home-standard"});
    ok(shop.send(browser("POST", &at("/lines")).json(&body)).await);
    ok(shop.send(browser("PATCH", &line).json(&json!({"quantity": 3}))).await);
    ok(shop.send(browser("PUT", &at("/addresses")).json(&to)).await);
    ok(shop.send(browser("PUT", &at("/shipping")).json(&way)).await);
    ok(shop.send(browser("GET", &at("/shipping_options"))).await);
    ok(shop.send(browser("DELETE", &line)).await);
    shop.clock().advance_ms(1);
    ok(shop.send(browser("POST", "/v1/store/carts").json(&json!({}))).await);
}

/// A guest's cart goes into a customer's, and becomes one.
async fn merge(shop: Shop) {
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    for _ in 0..2 {
        // The first time there is no cart of hers.
        let guest = Shopper::guest(&shop).await;
        guest.add(SOCKS, 1).await;
        let path = format!("/v1/store/carts/{}/merge", guest.cart);
        let body = json!({"cart_token": guest.cart_token});
        ok(twice(&jane, &path, &body).await);
        ok(jane.call("POST", &path, &body).await);
    }
}

/// A customer buys both kinds of goods, twice, and downloads.
async fn purchase(shop: Shop) {
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    for _ in 0..2 {
        // Of two carts of one moment the shop would not know the newer.
        shop.clock().advance_ms(1);
        jane.open_cart("EUR").await;
        jane.add(TEMPLATE, 1).await;
        jane.ready(MUG, 1).await;
        let key = key();
        assert_eq!(jane.complete_with(&key).await.status, 201);
        assert_eq!(jane.complete_with(&key).await.header("idempotent-replayed"), Some("true"));
        assert_eq!(refusal(&jane.complete().await), (409, "cart_completed".into()));
        jane.pay("pm_card_visa");
        shop.settle().await;
    }
    let order = jane.view_order().await;
    assert_eq!(order["status"], "placed");
    let url = order["downloads"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix(shop.base_url()).unwrap();
    assert_eq!(jane.get(path).await.status, 302);
    let page = ok(jane.get("/v1/store/orders?limit=1").await);
    let cursor = page["next_cursor"].as_str().unwrap();
    ok(jane.get(&format!("/v1/store/orders?limit=1&cursor={cursor}")).await);
    // Changed at another desk: what is shown follows.
    let store = shop.store();
    store.import_stock(&goods::small(3).stock).await.unwrap();
    shop.settle().await;
}

/// A declined card; an intent that the merchant canceled; a new one, paid.
async fn decline(shop: Shop) {
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(MUG, 1).await;
    jane.complete().await;
    jane.pay("pm_card_chargeDeclined");
    shop.settle().await;
    let path = format!("/v1/store/orders/{}/retry_payment", jane.order);
    ok(twice(&jane, &path, &json!({})).await);
    let key = &shop.stripe_keys().secret_key;
    let request = http::Request::post(format!("/v1/payment_intents/{}/cancel", jane.intent))
        .header("authorization", format!("Bearer {key}"))
        .body(bytes::Bytes::new())
        .unwrap();
    assert_eq!(shop.twin().handle(request).status(), 200);
    let again = ok(jane.call("POST", &path, &json!({})).await);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert_ne!(text(&again["payment"]["payment_intent_id"]), jane.intent);
    jane.intent = text(&again["payment"]["payment_intent_id"]);
    jane.client_secret = text(&again["payment"]["client_secret"]);
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
}

/// The last one is held: refused; the hold lapses: taken over.
async fn shortage(shop: Shop) {
    let mut first = Shopper::guest(&shop).await;
    first.ready(POSTER, 1).await;
    assert_eq!(first.complete().await.status, 201);
    let mut second = Shopper::from(&shop, "203.0.113.8");
    second.open_cart("EUR").await;
    second.ready(POSTER, 1).await;
    assert_eq!(refusal(&second.complete().await), (409, "insufficient_stock".into()));
    shop.clock().advance_ms(31 * 60 * 1000);
    let answer = second.complete().await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// What costs nothing is placed at once.
async fn gift(shop: Shop) {
    let mut goods = goods::small(10);
    for (product, offers) in &mut goods.products {
        let of_offers = offers.iter_mut().map(|offer| &mut offer.prices);
        let of_variants = product.variants.iter_mut().map(|variant| &mut variant.prices);
        for price in of_offers.chain(of_variants).flat_map(|prices| prices.values_mut()) {
            *price = 0;
        }
    }
    world::fill(&shop, &goods).await;
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    let answer = jane.complete().await;
    assert_eq!(answer.value()["order"]["status"], "placed", "{}", answer.text());
    shop.settle().await;
    assert_eq!(shop.mails().len(), 1);
}

/// A code whose uses are counted.
async fn counted(shop: &Shop) -> String {
    let all = [Permission::PromotionsRead, Permission::PromotionsWrite];
    let clerk = Colleague::of(shop, "promoter", &all).await;
    let terms = json!({"name": "Spring", "trigger": "code", "limits": {"uses_total": 9},
        "actions": [{"type": "percent", "ppm": 50_000, "target": "order"}]});
    let made = ok(clerk.call("POST", "/v1/admin/promotions", &terms).await);
    let at = format!("/v1/admin/promotions/{}", made["id"].as_str().unwrap());
    ok(clerk.call("POST", &format!("{at}/activate"), &json!({})).await);
    ok(clerk.call("POST", &format!("{at}/codes"), &json!({"code": "SPRING"})).await);
    // Promotions are believed for a minute.
    shop.clock().advance_ms(60_000);
    "SPRING".to_owned()
}

/// Somebody who has completed a cart with a code.
async fn with_code(shop: &Shop, code: &str, good: Good) -> Shopper {
    let mut jane = Shopper::guest(shop).await;
    jane.ready(good, 1).await;
    let path = format!("/v1/store/carts/{}/codes", jane.cart);
    ok(jane.call("POST", &path, &json!({"code": code})).await);
    assert_eq!(jane.complete().await.status, 201);
    jane
}

/// Called off, and not called off because the money was faster.
async fn called_off(shop: Shop) {
    let code = counted(&shop).await;
    for is_paid in [false, true] {
        let jane = with_code(&shop, &code, MUG).await;
        if is_paid {
            jane.pay("pm_card_visa");
        }
        let path = format!("/v1/store/orders/{}/cancel", jane.order);
        let answer = twice(&jane, &path, &json!({})).await;
        assert_eq!(answer.status, if is_paid { 409 } else { 200 });
        shop.settle().await;
    }
}

/// The sweep of the unpaid: one that expires, one whose webhook never came.
async fn never_paid(shop: Shop) {
    let code = counted(&shop).await;
    let mut people = Vec::new();
    for is_paid in [false, true] {
        let jane = with_code(&shop, &code, MUG).await;
        if is_paid {
            jane.pay("pm_card_visa");
        }
        people.push(jane);
    }
    shop.clock().advance_ms(31 * 60 * 1000);
    let outcome = shop.run_job("checkout.jobs.expire_unpaid").await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    for (jane, status) in people.iter().zip(["expired", "placed"]) {
        assert_eq!(jane.view_order().await["status"], status);
    }
    shop.settle().await;
}

/// A paid order whose time was over and whose stock was given back.
async fn lapsed(shop: &Shop) -> Shopper {
    let code = counted(shop).await;
    let jane = with_code(shop, &code, POSTER).await;
    shop.clock().advance_ms(31 * 60 * 1000);
    let store = shop.store();
    let file = store.order(OrderId::parse(&jane.order).unwrap()).await.unwrap().unwrap();
    store.take_over(&file.order).await.unwrap();
    jane
}

/// The goods are still there: they are held again. By the webhook, and by the sweep.
async fn paid_late(shop: Shop) {
    let jane = lapsed(&shop).await;
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["status"], "placed");
}

/// The goods are gone: the money goes back, with a letter.
async fn sent_back(shop: Shop) {
    let jane = lapsed(&shop).await;
    let mut joe = Shopper::from(&shop, "203.0.113.8");
    joe.open_cart("EUR").await;
    joe.ready(POSTER, 1).await;
    assert_eq!(joe.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    assert_eq!(jane.view_order().await["payment_status"], "refunded");
    assert!(shop.mails().iter().any(|mail| mail.subject.contains("on its way back")));
}

/// Events that no stream brought: the sweep says them. One for each queue.
async fn left_unsaid(shop: Shop) {
    let lou = Shopper::customer(&shop, "lou@example.org").await;
    tour::texts::switch(&shop, true, (0, 0)).await;
    let jane = Shopper::new(&shop);
    assert_eq!(jane.register("jane@example.org").await.status, 202);
    let mut guest = Shopper::guest(&shop).await;
    guest.ready(MUG, 1).await;
    assert_eq!(guest.complete().await.status, 201);
    guest.pay("pm_card_visa");
    // The cancellation finds the money and places the order; nothing is pumped.
    let path = format!("/v1/store/orders/{}/cancel", guest.order);
    assert_eq!(guest.call("POST", &path, &json!({})).await.status, 409);
    let nobody = json!({"email": "nobody@shop.example"});
    let answer = guest.call("POST", "/v1/auth/staff/password/forgot", &nobody).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let clerk = Colleague::of(&shop, "clerk", Permission::ALL).await;
    let again = format!("/v1/admin/orders/{}/resend_confirmation", guest.order);
    let ask = Request::new("POST", &again).header("idempotency-key", &world::key());
    assert_eq!(clerk.send(ask.json(&json!({}))).await.status, 204);
    let body = json!({"kind": "stock", "format": "csv"});
    ok(clerk.call("POST", "/v1/admin/exports", &body).await);
    let body = json!({"goodwill": {"amount": 1, "currency": "EUR"}});
    let path = format!("/v1/admin/orders/{}/refunds", guest.order);
    let ask = Request::new("POST", &path).header("idempotency-key", &world::key()).json(&body);
    ok(clerk.send(ask).await);
    let asked = json!({"phone": "+4915112345678", "text": "order-sms-1"});
    assert_eq!(lou.call("PUT", tour::texts::PHONE, &asked).await.status, 202);
    tour::privacy::waits_for_poster(&shop, "may@example.org").await;
    shop.store().queue_back(&POSTER.typed_sku()).await.unwrap();
    let outcome = shop.run_job("inventory.jobs.send_back_in_stock").await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    shop.clock().advance_ms(31_000);
    let outcome = shop.run_job("platform.jobs.sweep_outbox").await;
    assert!(matches!(outcome, Outcome::Answered(_)));
    shop.settle().await;
    assert_eq!((shop.mails().len(), shop.texts().len()), (7, 1));
}

/// Goods lie at a second place, too.
async fn open_lyon(shop: &Shop, keeper: &Colleague) {
    let lyon = json!({"name": "Lyon", "country": "FR", "postal_code": "69001", "serves": ["FR"]});
    let made = Request::new("POST", "/v1/admin/inventory/locations");
    let made = keeper.send(made.header("idempotency-key", &key()).json(&lyon)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    // Places are believed for a minute.
    shop.clock().advance_ms(60_000);
}

/// Where goods lie at several places, all of them are asked for what is sent instead.
async fn two_places(shop: Shop) {
    let keeper = [Permission::InventoryRead, Permission::InventoryAdjust];
    let keeper = Colleague::of(&shop, "keeper", &keeper).await;
    open_lyon(&shop, &keeper).await;
    let clerk = exchanges::clerk(&shop).await;
    let back = exchanges::back(&clerk, 1, exchanges::plain).await;
    let body = json!({"replacements": exchanges::one(MUG)});
    exchanges::replacement(&exchanges::exchange(&clerk, &back, body).await);
    shop.settle().await;
}

pub(crate) type Policies = BTreeMap<String, Vec<wire::Statement>>;

/// What the templates grant.
pub(crate) fn policies(stack: &Stack) -> Policies {
    let statement = |one: &templates::Statement| wire::Statement {
        sid: one.sid.clone(),
        effect: if one.effect == "Deny" { wire::Effect::Deny } else { wire::Effect::Allow },
        actions: one.actions.clone(),
        resources: one.resources.clone(),
        condition: one.condition.clone(),
    };
    stack
        .functions
        .iter()
        .map(|one| (one.handler.clone(), one.statements.iter().map(statement).collect()))
        .collect()
}

/// What a tour with all policies found.
struct Found {
    /// Whatever some chapter asked for.
    asked: wire::Asked,
    /// Grants that some chapter needed.
    used: BTreeSet<Grant>,
    /// Grants that no chapter needed.
    unused: BTreeSet<Grant>,
    policies: Policies,
}

/// The tour is made once, by whoever asks first.
fn tour() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.unwrap().block_on(async { walk(Stage::set().await).await })
    })
}

async fn walk(stage: Stage) -> Found {
    let mut asked = wire::Asked::default();
    let (mut used, mut unused) = (BTreeSet::new(), BTreeSet::new());
    let mut called = BTreeSet::new();
    for (name, walk) in &stage.chapters {
        let (shop, chapter) = stage.begin(walk).await;
        chapter.await;
        let iam = shop.wire().iam();
        assert!(iam.denials().is_empty(), "{name}: {:#?}", iam.denials());
        asked.extend(iam.asked());
        used.extend(iam.used());
        unused.extend(iam.unused());
        called.extend(shop.metrics().into_keys());
    }
    let unused = &unused - &used;
    let idle: Vec<_> = stage.policies.keys().filter(|one| !called.contains(*one)).collect();
    assert!(idle.is_empty(), "no chapter calls {idle:?}");
    Found { asked, used, unused, policies: stage.policies }
}

#[test]
fn nothing_that_the_shop_does_is_denied_and_nothing_is_granted_in_vain() {
    let found = tour();
    let line = |grant: &Grant| format!("{} {} {}", grant.caller, grant.sid, grant.pattern);
    let unused: BTreeSet<String> = found.unused.iter().map(line).collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/unused_grants.txt");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let listed: BTreeSet<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let mut faults: Vec<String> = unused
        .difference(&listed)
        .map(|line| format!("granted and never used; take it out of the template:\n  {line}"))
        .collect();
    faults.extend(
        listed
            .difference(&unused)
            .map(|line| format!("used or gone; take its line out of unused_grants.txt:\n  {line}")),
    );
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    println!("{} grants used, {} listed as unused", found.used.len(), listed.len());
}

/// Parts of policies that are taken away; their number may grow, not shrink.
const PARTS_MIN: usize = 5_000;

/// A policy with something taken away.
struct Reduced {
    caller: String,
    /// What was taken away, in words.
    without: String,
    /// What is left of the caller's policy.
    rest: Vec<wire::Statement>,
}

/// Every statement taken away once, and every action, resource and key of those that have several.
fn reductions(found: &Found) -> Vec<Reduced> {
    let mut all = Vec::new();
    for (caller, statements) in &found.policies {
        for (at, statement) in statements.iter().enumerate() {
            if statement.effect == wire::Effect::Deny {
                continue;
            }
            let sid = match statement.sid.as_str() {
                "" => format!("#{at}"),
                sid => sid.to_owned(),
            };
            let is_used = |pattern: &String| {
                let (caller, sid) = (caller.clone(), sid.clone());
                !found.unused.contains(&Grant { caller, sid, pattern: pattern.clone() })
            };
            if !statement.actions.iter().any(is_used) {
                continue;
            }
            let mut push = |without: String, changed| {
                let mut rest = statements.clone();
                match changed {
                    Some(changed) => rest[at] = changed,
                    None => drop(rest.remove(at)),
                }
                all.push(Reduced { caller: caller.clone(), without, rest });
            };
            push(sid.clone(), None);
            for (part, list) in [("action", &statement.actions), ("resource", &statement.resources)]
            {
                for one in list.iter().filter(|one| list.len() > 1 && is_used(one)) {
                    let mut changed = statement.clone();
                    let from = if part == "action" {
                        &mut changed.actions
                    } else {
                        &mut changed.resources
                    };
                    from.retain(|other| other != one);
                    push(format!("the {part} {one} of {sid}"), Some(changed));
                }
            }
            let pointer = "/ForAllValues:StringLike/dynamodb:LeadingKeys";
            let keys = statement.condition.pointer(pointer).and_then(Value::as_array);
            for one in keys.into_iter().flatten() {
                let left: Vec<&Value> =
                    keys.into_iter().flatten().filter(|other| *other != one).collect();
                if left.is_empty() {
                    continue;
                }
                let mut changed = statement.clone();
                *changed.condition.pointer_mut(pointer).unwrap() = json!(left);
                push(format!("the keys {one} of {sid}"), Some(changed));
            }
        }
    }
    all
}

#[test]
fn every_part_of_every_policy_is_missed_when_it_is_gone() {
    let found = tour();
    let all = reductions(found);
    let does_well = |one: &&Reduced| !found.asked.is_denied(&one.caller, &one.rest).unwrap();
    let faults: Vec<String> = all
        .iter()
        .filter(does_well)
        .map(|one| format!("{} does well without {}", one.caller, one.without))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(all.len() >= PARTS_MIN, "only {} parts were taken away", all.len());
    println!("{} parts of policies taken away, {} denials", all.len(), all.len());
}
