//! A customer's account: how somebody gets back in, moves, leaves — and how nobody else gets in
//! meanwhile. Links are read from the letters, as their readers do.

use std::collections::{BTreeMap, BTreeSet};

use local::{Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::MUG;
use wire::{FaultKind, Plan};

use crate::world::{self, PASSWORD, Shopper, ok, refusal};

const JANE: &str = "jane@example.org";
const JANE_NEW: &str = "jane@new.example";
const ANOTHER: &str = "a louder river stone";
const MINUTE_MS: i64 = 60 * 1000;

/// One device of somebody: its tokens, and where it is.
struct Device {
    shop: Shop,
    ip: String,
    access: String,
    refresh: String,
}

impl Device {
    async fn sign_in(shop: &Shop, email: &str, password: &str) -> Self {
        let answer = try_sign_in(shop, "203.0.113.7", email, password).await;
        let session = ok(answer);
        let text = |name: &str| session[name].as_str().unwrap().to_owned();
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        // What is revoked in the very millisecond of a sign-in ends it, too.
        shop.clock().advance_ms(1);
        Self { shop: shop.clone(), ip: "203.0.113.7".to_owned(), access, refresh }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let bearer = format!("Bearer {}", self.access);
        let request = Request::new(method, path).from_ip(&self.ip).header("authorization", &bearer);
        self.shop.send(if body.is_null() { request } else { request.json(body) }).await
    }

    async fn get(&self, path: &str) -> Response {
        self.call("GET", path, &Value::Null).await
    }

    async fn renew(&self) -> Response {
        renew(&self.shop, &self.refresh).await
    }

    /// Renews, and goes on with what was given.
    async fn renewed(&mut self) {
        let session = ok(self.renew().await);
        self.access = session["access_token"].as_str().unwrap().to_owned();
        self.refresh = session["refresh_token"].as_str().unwrap().to_owned();
    }
}

async fn renew(shop: &Shop, token: &str) -> Response {
    post(shop, "/v1/auth/refresh", &json!({"refresh_token": token})).await
}

/// What anybody may ask.
async fn post(shop: &Shop, path: &str, body: &Value) -> Response {
    shop.send(Request::new("POST", path).json(body)).await
}

async fn post_from(shop: &Shop, ip: &str, path: &str, body: &Value) -> Response {
    shop.send(Request::new("POST", path).from_ip(ip).json(body)).await
}

async fn try_sign_in(shop: &Shop, ip: &str, email: &str, password: &str) -> Response {
    let body = json!({"email": email, "password": password, "mode": "token"});
    post_from(shop, ip, "/v1/auth/login", &body).await
}

/// A shop in which Jane has a confirmed account.
async fn with_jane() -> Shop {
    let shop = world::open().await;
    open_account(&shop, "203.0.113.1", JANE).await;
    shop
}

async fn open_account(shop: &Shop, ip: &str, email: &str) {
    let who = Shopper::from(shop, ip);
    assert_eq!(who.register(email).await.status, 202);
    who.verify(email).await;
    shop.clock().advance_ms(1);
}

/// The templates of all letters to an address, oldest first.
fn letters(shop: &Shop, email: &str) -> Vec<String> {
    let mails = shop.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == email));
    mails.map(|mail| mail.tags["template"].clone()).collect()
}

/// The token of every letter to an address that has one, oldest first.
fn tokens(shop: &Shop, email: &str) -> Vec<String> {
    let mails = shop.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == email));
    let token =
        |text: String| Some(text.split("#token=").nth(1)?.split_whitespace().next()?.to_owned());
    mails.filter_map(|mail| token(mail.text.unwrap_or_default())).collect()
}

/// The newest token that was mailed to an address.
async fn mailed(shop: &Shop, email: &str) -> String {
    shop.settle().await;
    tokens(shop, email).pop().expect("a letter with a link")
}

async fn forgot(shop: &Shop, email: &str) -> String {
    let answer = post(shop, "/v1/auth/password/forgot", &json!({"email": email})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    mailed(shop, email).await
}

async fn reset(shop: &Shop, token: &str, password: &str) -> Response {
    let body = json!({"token": token, "password": password});
    post(shop, "/v1/auth/password/reset", &body).await
}

async fn confirm(shop: &Shop, token: &str) -> Response {
    post(shop, "/v1/auth/email/confirm", &json!({"token": token})).await
}

/// An answer without what names this one request.
fn shape(answer: &Response) -> (u16, Value, BTreeMap<String, String>) {
    let mut body = answer.value();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    // The last is told to testers alone: no shop with real money has it.
    let passing = ["x-request-id", "apigw-requestid", "server-timing"];
    let headers = answer.headers.iter().filter(|(name, _)| !passing.contains(&name.as_str()));
    (answer.status, body, headers.cloned().collect())
}

/// What a function asked of AWS since then, in order.
fn asked(shop: &Shop, handler: &str, since: wire::Mark) -> Vec<String> {
    let calls = shop.wire().recorder().since(since).into_iter();
    calls.filter(|call| call.caller == handler).map(|call| call.operation).collect()
}

// A forgotten password.

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_and_every_session_ends() {
    let shop = with_jane().await;
    let (phone, desk) = tokio::join!(
        Device::sign_in(&shop, JANE, PASSWORD),
        Device::sign_in(&shop, JANE, PASSWORD)
    );
    ok(phone.get("/v1/auth/me").await);
    let token = forgot(&shop, JANE).await;
    assert_eq!(reset(&shop, &token, ANOTHER).await.status, 204);
    shop.settle().await;
    assert_eq!(letters(&shop, JANE), ["verify_email", "reset_password", "password_changed"]);

    // What asks the table knows at once; what believed them knows within a minute.
    for device in [&phone, &desk] {
        assert_eq!(refusal(&device.renew().await), (401, "session_revoked".into()));
    }
    shop.clock().advance_ms(MINUTE_MS);
    for device in [&phone, &desk] {
        let late = device.get("/v1/auth/me").await;
        assert_eq!(refusal(&late), (401, "session_revoked".into()));
    }
    let old = try_sign_in(&shop, "203.0.113.7", JANE, PASSWORD).await;
    assert_eq!(refusal(&old), (401, "invalid_credentials".into()));
    let back = Device::sign_in(&shop, JANE, ANOTHER).await;
    assert_eq!(ok(back.get("/v1/auth/me").await)["email"], JANE);
}

#[tokio::test]
async fn a_link_to_choose_a_password_is_good_once_for_half_an_hour_and_dies_with_its_sisters() {
    let shop = with_jane().await;
    let first = forgot(&shop, JANE).await;
    let second = forgot(&shop, JANE).await;
    assert_ne!(first, second);
    assert_eq!(reset(&shop, &second, ANOTHER).await.status, 204);
    for used in [&second, &first] {
        let again = reset(&shop, used, "a third river stone").await;
        assert_eq!(refusal(&again), (400, "invalid_token".into()));
    }
    shop.clock().advance_ms(60 * MINUTE_MS);
    let third = forgot(&shop, JANE).await;
    shop.clock().advance_ms(30 * MINUTE_MS);
    assert_eq!(refusal(&reset(&shop, &third, PASSWORD).await), (400, "invalid_token".into()));
    Device::sign_in(&shop, JANE, ANOTHER).await;
    // A link that confirms an address chooses no password, and the other way round.
    let fourth = forgot(&shop, JANE).await;
    let wrong = post(&shop, "/v1/auth/email/verify", &json!({"token": fourth})).await;
    assert_eq!(refusal(&wrong), (400, "invalid_token".into()));
    assert_eq!(refusal(&confirm(&shop, &fourth).await), (400, "invalid_token".into()));
    assert_eq!(reset(&shop, &fourth, PASSWORD).await.status, 204);
}

#[tokio::test]
async fn two_clicks_at_once_reset_a_password_once() {
    let shop = with_jane().await;
    let token = forgot(&shop, JANE).await;
    let (one, two) =
        tokio::join!(reset(&shop, &token, ANOTHER), reset(&shop, &token, "a third river stone"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 400]);
    shop.settle().await;
    let told = letters(&shop, JANE).into_iter().filter(|letter| letter == "password_changed");
    assert_eq!(told.count(), 1);
}

#[tokio::test]
async fn a_bad_password_does_not_use_the_link_up() {
    let shop = with_jane().await;
    let token = forgot(&shop, JANE).await;
    let short = reset(&shop, &token, "short").await;
    assert_eq!(refusal(&short), (400, "invalid_request".into()));
    assert_eq!(short.value()["errors"][0]["code"], "password_too_short");
    let guessable = reset(&shop, &token, "dear jane river stone").await;
    assert_eq!(guessable.value()["errors"][0]["pointer"], "/password");
    assert_eq!(guessable.value()["errors"][0]["code"], "password_guessable");
    assert_eq!(reset(&shop, &token, ANOTHER).await.status, 204);
}

#[tokio::test]
async fn nobody_learns_from_an_answer_or_its_work_whether_an_address_has_an_account() {
    let shop = with_jane().await;
    let waiting = Shopper::from(&shop, "203.0.113.2");
    waiting.register("waiting@example.org").await;
    shop.settle().await;
    for (path, handler) in [
        ("/v1/auth/password/forgot", "identity.store.forgot_password"),
        ("/v1/auth/email/resend", "identity.store.resend_verification"),
        ("/v1/auth/register", "identity.store.register"),
    ] {
        let mut seen = Vec::new();
        let people = [JANE, "waiting@example.org", "nobody@example.org"];
        for (number, email) in people.into_iter().enumerate() {
            let mut body = json!({"email": email});
            if path.ends_with("register") {
                body = json!({"email": email, "password": PASSWORD, "name": "Jane Roe"});
            }
            let mark = shop.wire().recorder().mark();
            // From other addresses each time: the buckets must not tell them apart.
            let ip = format!("198.51.100.{}", number + 1);
            let answer = post_from(&shop, &ip, path, &body).await;
            assert_eq!(answer.status, 202, "{path}: {}", answer.text());
            seen.push((shape(&answer), asked(&shop, handler, mark)));
            shop.clock().advance_ms(61 * MINUTE_MS);
        }
        assert_eq!(seen[0], seen[1], "{path}");
        assert_eq!(seen[0], seen[2], "{path}");
        assert!(seen[0].1.contains(&"TransactWriteItems".to_owned()), "{:?}", seen[0].1);
    }
    shop.settle().await;
    // The last registration alone has made something of the unknown address.
    assert_eq!(letters(&shop, "nobody@example.org"), ["verify_email"]);
}

#[tokio::test]
async fn a_mailed_link_leads_to_our_own_pages_whatever_host_the_request_names() {
    let shop = with_jane().await;
    let poisoned = |path: &str, body: Value| {
        Request::new("POST", path)
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "gopher")
            .header("forwarded", "host=evil.example;proto=gopher")
            .header("origin", "https://evil.example")
            .header("referer", "https://evil.example/")
            .json(&body)
    };
    let form = json!({"email": "joe@example.org", "password": PASSWORD, "name": "Joe"});
    for (path, body) in [
        ("/v1/auth/register", form),
        ("/v1/auth/email/resend", json!({"email": "joe@example.org"})),
        ("/v1/auth/password/forgot", json!({"email": JANE})),
    ] {
        assert_eq!(shop.send(poisoned(path, body)).await.status, 202, "{path}");
    }
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let body = json!({"email": JANE_NEW, "password": PASSWORD});
    let bearer = format!("Bearer {}", jane.access);
    let change = poisoned("/v1/auth/email/change", body).header("authorization", &bearer);
    assert_eq!(shop.send(change).await.status, 202);
    shop.settle().await;
    let mails = shop.mails();
    assert_eq!(mails.len(), 6);
    for mail in mails {
        let (text, html) = (mail.text.unwrap_or_default(), mail.html.unwrap_or_default());
        assert!(!text.contains("evil") && !html.contains("evil"), "{text}");
        let links: Vec<&str> =
            text.split_whitespace().filter(|word| word.contains("#token=")).collect();
        assert!(links.iter().all(|link| link.starts_with(shop.base_url())), "{links:?}");
        assert_eq!(links.len(), 1, "{text}");
    }
}

// A changed password.

#[tokio::test]
async fn a_changed_password_keeps_this_session_and_ends_the_others() {
    let shop = with_jane().await;
    let mut here = Device::sign_in(&shop, JANE, PASSWORD).await;
    let there = Device::sign_in(&shop, JANE, PASSWORD).await;
    let path = "/v1/auth/password/change";
    // Both functions have seen the other session.
    ok(there.get("/v1/auth/me").await);
    assert_eq!(there.call("POST", path, &json!({})).await.status, 400);

    let body = json!({"current_password": PASSWORD, "password": ANOTHER});
    let answer = here.call("POST", path, &body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    // At once where it was revoked and where the table is asked, within a minute elsewhere.
    let at_once = there.call("POST", path, &json!({})).await;
    assert_eq!(refusal(&at_once), (401, "session_revoked".into()));
    assert_eq!(refusal(&there.renew().await), (401, "session_revoked".into()));
    shop.clock().advance_ms(MINUTE_MS);
    let late = there.get("/v1/auth/me").await;
    assert_eq!(refusal(&late), (401, "session_revoked".into()));
    ok(here.get("/v1/auth/me").await);
    here.renewed().await;
    ok(here.get("/v1/auth/me").await);

    shop.settle().await;
    assert_eq!(letters(&shop, JANE), ["verify_email", "password_changed"]);
    let old = try_sign_in(&shop, "203.0.113.7", JANE, PASSWORD).await;
    assert_eq!(old.status, 401);
    Device::sign_in(&shop, JANE, ANOTHER).await;
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_to_another_one() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let path = "/v1/auth/password/change";
    let same = json!({"current_password": PASSWORD, "password": PASSWORD});
    let answer = jane.call("POST", path, &same).await;
    assert_eq!(answer.value()["errors"][0]["code"], "password_unchanged");
    let own = json!({"current_password": PASSWORD, "password": "dear jane river stone"});
    let answer = jane.call("POST", path, &own).await;
    assert_eq!(answer.value()["errors"][0]["code"], "password_guessable");
    let wrong = json!({"current_password": "guess", "password": ANOTHER});
    for _ in 0..5 {
        let answer = jane.call("POST", path, &wrong).await;
        assert_eq!(refusal(&answer), (401, "invalid_credentials".into()));
    }
    // Whoever has found an open browser guesses no faster than at the door.
    assert_eq!(refusal(&jane.call("POST", path, &wrong).await), (429, "rate_limited".into()));
    let right = json!({"current_password": PASSWORD, "password": ANOTHER});
    assert_eq!(jane.call("POST", path, &right).await.status, 429);
    shop.clock().advance_ms(3 * MINUTE_MS);
    assert_eq!(jane.call("POST", path, &right).await.status, 204);
}

// Another address.

async fn ask_to_move(jane: &Device, to: &str) {
    let body = json!({"email": to, "password": PASSWORD});
    let answer = jane.call("POST", "/v1/auth/email/change", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.value(), json!({"status": "check_your_email"}));
    jane.shop.settle().await;
}

#[tokio::test]
async fn an_account_moves_when_both_addresses_have_agreed() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let before = forgot(&shop, JANE).await;
    ask_to_move(&jane, JANE_NEW).await;
    let (old, new) = (mailed(&shop, JANE).await, mailed(&shop, JANE_NEW).await);
    // A double click, and only one of the two: nothing has moved.
    for _ in 0..2 {
        assert_eq!(confirm(&shop, &new).await.status, 204);
    }
    assert_eq!(ok(jane.get("/v1/store/me").await)["email"], JANE);
    let elsewhere = try_sign_in(&shop, "203.0.113.7", JANE_NEW, PASSWORD).await;
    assert_eq!(elsewhere.status, 401);

    assert_eq!(confirm(&shop, &old).await.status, 204);
    let profile = ok(jane.get("/v1/store/me").await);
    assert_eq!((&profile["email"], &profile["email_verified"]), (&json!(JANE_NEW), &json!(true)));
    for used in [&old, &new] {
        assert_eq!(refusal(&confirm(&shop, used).await), (400, "invalid_token".into()));
    }
    shop.settle().await;
    let told = ["verify_email", "reset_password", "confirm_email_change", "email_changed"];
    assert_eq!(letters(&shop, JANE), told);
    assert_eq!(letters(&shop, JANE_NEW), ["confirm_email_change"]);
    // The old address is nobody's now, and its letters open nothing.
    assert_eq!(refusal(&reset(&shop, &before, ANOTHER).await), (400, "invalid_token".into()));
    assert_eq!(try_sign_in(&shop, "203.0.113.7", JANE, PASSWORD).await.status, 401);
    Device::sign_in(&shop, JANE_NEW, PASSWORD).await;
    open_account(&shop, "203.0.113.1", JANE).await;
}

#[tokio::test]
async fn asking_for_another_address_forgets_what_was_asked_before() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    ask_to_move(&jane, "first@new.example").await;
    let (old, new) = (mailed(&shop, JANE).await, mailed(&shop, "first@new.example").await);
    assert_eq!(confirm(&shop, &old).await.status, 204);
    ask_to_move(&jane, "second@new.example").await;
    for dead in [&old, &new] {
        assert_eq!(refusal(&confirm(&shop, dead).await), (400, "invalid_token".into()));
    }
    let links = [mailed(&shop, JANE).await, mailed(&shop, "second@new.example").await];
    // Both readers at the same moment.
    let (one, two) = tokio::join!(confirm(&shop, &links[0]), confirm(&shop, &links[1]));
    assert_eq!((one.status, two.status), (204, 204));
    assert_eq!(ok(jane.get("/v1/store/me").await)["email"], "second@new.example");

    let body = json!({"email": "SECOND@new.example", "password": PASSWORD});
    let same = jane.call("POST", "/v1/auth/email/change", &body).await;
    assert_eq!(refusal(&same), (400, "invalid_request".into()));
    let body = json!({"email": "third@new.example", "password": "guess"});
    let guess = jane.call("POST", "/v1/auth/email/change", &body).await;
    assert_eq!(refusal(&guess), (401, "invalid_credentials".into()));
}

#[tokio::test]
async fn the_links_of_a_change_of_address_end_after_a_day() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    ask_to_move(&jane, JANE_NEW).await;
    let (old, new) = (mailed(&shop, JANE).await, mailed(&shop, JANE_NEW).await);
    assert_eq!(confirm(&shop, &old).await.status, 204);
    shop.clock().advance_ms(24 * 60 * MINUTE_MS);
    for late in [&old, &new] {
        assert_eq!(refusal(&confirm(&shop, late).await), (400, "invalid_token".into()));
    }
}

#[tokio::test]
async fn an_address_that_has_an_account_is_told_so_and_nobody_else_is() {
    let shop = with_jane().await;
    open_account(&shop, "203.0.113.2", "joe@example.org").await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    // Taken already: the letters differ, the answer does not.
    ask_to_move(&jane, "joe@example.org").await;
    assert_eq!(letters(&shop, "joe@example.org"), ["verify_email", "already_registered"]);
    assert_eq!(confirm(&shop, &mailed(&shop, JANE).await).await.status, 204);
    assert_eq!(ok(jane.get("/v1/store/me").await)["email"], JANE);

    // Taken meanwhile.
    ask_to_move(&jane, JANE_NEW).await;
    let (old, new) = (mailed(&shop, JANE).await, mailed(&shop, JANE_NEW).await);
    open_account(&shop, "203.0.113.3", JANE_NEW).await;
    assert_eq!(confirm(&shop, &new).await.status, 204);
    assert_eq!(confirm(&shop, &old).await.status, 204);
    shop.settle().await;
    assert_eq!(ok(jane.get("/v1/store/me").await)["email"], JANE);
    let told = ["confirm_email_change", "verify_email", "already_registered"];
    assert_eq!(letters(&shop, JANE_NEW), told);
    assert_eq!(refusal(&confirm(&shop, &old).await), (400, "invalid_token".into()));
    Device::sign_in(&shop, JANE_NEW, PASSWORD).await;
}

// Registration.

async fn register(shop: &Shop, ip: &str, password: &str, name: &str) {
    let body = json!({"email": JANE, "password": password, "name": name});
    let answer = post_from(shop, ip, "/v1/auth/register", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    shop.settle().await;
}

#[tokio::test]
async fn nobody_prepares_an_account_for_somebody_else() {
    let shop = world::open().await;
    register(&shop, "198.51.100.66", "the stranger's river", "Mallory").await;
    register(&shop, "203.0.113.7", PASSWORD, "Jane Roe").await;
    register(&shop, "198.51.100.66", "the stranger's other", "Mallory").await;
    let links = tokens(&shop, JANE);
    assert_eq!(links.len(), 3);
    // Jane opens the link that she asked for.
    let own = post(&shop, "/v1/auth/email/verify", &json!({"token": links[1]})).await;
    assert_eq!(own.status, 204);
    for other in [&links[0], &links[2]] {
        let answer = post(&shop, "/v1/auth/email/verify", &json!({"token": other})).await;
        assert_eq!(refusal(&answer), (400, "invalid_token".into()));
    }
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    assert_eq!(ok(jane.get("/v1/store/me").await)["name"], "Jane Roe");
    for strangers in ["the stranger's river", "the stranger's other"] {
        assert_eq!(try_sign_in(&shop, "198.51.100.66", JANE, strangers).await.status, 401);
    }
}

#[tokio::test]
async fn who_asks_for_help_with_a_prepared_account_chooses_the_password() {
    for path in ["/v1/auth/password/forgot", "/v1/auth/email/resend"] {
        let shop = world::open().await;
        register(&shop, "198.51.100.66", "the stranger's river", "Mallory").await;
        if path.ends_with("resend") {
            register(&shop, "203.0.113.7", PASSWORD, "Jane Roe").await;
        }
        assert_eq!(post(&shop, path, &json!({"email": JANE})).await.status, 202);
        let token = mailed(&shop, JANE).await;
        assert_eq!(letters(&shop, JANE).last().unwrap(), "reset_password", "{path}");
        assert_eq!(reset(&shop, &token, ANOTHER).await.status, 204);
        // The address is confirmed by it, and the links of before are dead.
        for link in tokens(&shop, JANE) {
            let answer = post(&shop, "/v1/auth/email/verify", &json!({"token": link})).await;
            assert_eq!(refusal(&answer), (400, "invalid_token".into()));
        }
        shop.clock().advance_ms(1);
        for dead in ["the stranger's river", PASSWORD] {
            assert_eq!(try_sign_in(&shop, "203.0.113.9", JANE, dead).await.status, 401);
        }
        Device::sign_in(&shop, JANE, ANOTHER).await;
    }
}

#[tokio::test]
async fn a_lost_letter_is_written_again() {
    let shop = world::open().await;
    register(&shop, "203.0.113.7", PASSWORD, "Jane Roe").await;
    let path = "/v1/auth/email/resend";
    assert_eq!(post(&shop, path, &json!({"email": JANE})).await.status, 202);
    let token = mailed(&shop, JANE).await;
    let answer = post(&shop, "/v1/auth/email/verify", &json!({"token": token})).await;
    assert_eq!(answer.status, 204);
    Device::sign_in(&shop, JANE, PASSWORD).await;
    assert_eq!(post(&shop, path, &json!({"email": JANE})).await.status, 202);
    shop.settle().await;
    assert_eq!(letters(&shop, JANE), ["verify_email", "verify_email", "already_registered"]);
}

// Sessions.

#[tokio::test]
async fn a_customer_sees_their_sessions_and_ends_one() {
    let shop = with_jane().await;
    open_account(&shop, "203.0.113.2", "joe@example.org").await;
    let joe = Device::sign_in(&shop, "joe@example.org", PASSWORD).await;
    let body = json!({"email": JANE, "password": PASSWORD, "mode": "token"});
    let phone = Request::new("POST", "/v1/auth/login").header("user-agent", "Phone/1").json(&body);
    let phone = ok(shop.send(phone.from_ip("198.51.100.23")).await);
    shop.clock().advance_ms(1000);
    let desk = Device::sign_in(&shop, JANE, PASSWORD).await;

    let list = ok(desk.get("/v1/auth/sessions").await);
    assert_eq!(list["next_cursor"], Value::Null);
    let sessions = list["data"].as_array().unwrap();
    let current: Vec<bool> = sessions.iter().map(|s| s["is_current"] == true).collect();
    assert_eq!(current, [true, false]);
    assert_eq!(sessions[1]["device"], "Phone/1");
    assert_eq!(sessions[1]["network"], "198.51.100.0/24");
    let members: BTreeSet<&str> =
        sessions[0].as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["created_at", "device", "id", "is_current", "last_used_at", "network"];
    assert_eq!(members, BTreeSet::from(wanted));

    let path = format!("/v1/auth/sessions/{}", sessions[1]["id"].as_str().unwrap());
    // To a stranger it is not there.
    let stranger = joe.call("DELETE", &path, &Value::Null).await;
    assert_eq!(refusal(&stranger), (404, "not_found".into()));
    assert_eq!(desk.call("DELETE", &path, &Value::Null).await.status, 204);
    let again = desk.call("DELETE", &path, &Value::Null).await;
    assert_eq!(refusal(&again), (404, "not_found".into()));
    let token = phone["refresh_token"].as_str().unwrap();
    assert_eq!(refusal(&renew(&shop, token).await), (401, "session_revoked".into()));
    assert_eq!(ok(desk.get("/v1/auth/sessions").await)["data"].as_array().unwrap().len(), 1);
    let nonsense = desk.call("DELETE", "/v1/auth/sessions/ses_1", &Value::Null).await;
    assert_eq!(refusal(&nonsense), (400, "invalid_request".into()));
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session_and_no_other_customers() {
    let shop = with_jane().await;
    open_account(&shop, "203.0.113.2", "joe@example.org").await;
    let joe = Device::sign_in(&shop, "joe@example.org", PASSWORD).await;
    let desk = Device::sign_in(&shop, JANE, PASSWORD).await;
    let phone = Device::sign_in(&shop, JANE, PASSWORD).await;
    let out = desk.call("POST", "/v1/auth/logout_all", &json!({})).await;
    assert_eq!(out.status, 204, "{}", out.text());
    let cleared: Vec<&str> = out.all("set-cookie").collect();
    assert_eq!(cleared.len(), 2);
    assert!(cleared.iter().all(|cookie| cookie.contains("Max-Age=0")), "{cleared:?}");
    for device in [&desk, &phone] {
        let again = device.call("POST", "/v1/auth/logout_all", &json!({})).await;
        assert_eq!(refusal(&again), (401, "session_revoked".into()));
        assert_eq!(refusal(&device.renew().await), (401, "session_revoked".into()));
    }
    ok(joe.get("/v1/auth/me").await);
    ok(joe.renew().await);
    shop.clock().advance_ms(1);
    Device::sign_in(&shop, JANE, PASSWORD).await;
}

#[tokio::test]
async fn who_comes_back_late_signs_out_with_what_they_still_hold() {
    let shop = with_jane().await;
    let app = Device::sign_in(&shop, JANE, PASSWORD).await;
    let body = json!({"email": JANE, "password": PASSWORD});
    let login = Request::new("POST", "/v1/auth/login").header("origin", shop.base_url());
    let browser = shop.send(login.json(&body)).await;
    let cookies: Vec<&str> =
        browser.all("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
    shop.clock().advance_ms(16 * MINUTE_MS);
    assert_eq!(refusal(&app.get("/v1/auth/me").await), (401, "unauthenticated".into()));

    let nothing = post(&shop, "/v1/auth/logout", &json!({})).await;
    assert_eq!(refusal(&nothing), (401, "unauthenticated".into()));
    let made_up = post(&shop, "/v1/auth/logout", &json!({"refresh_token": "made up"})).await;
    assert_eq!(refusal(&made_up), (401, "unauthenticated".into()));
    let sent = json!({"refresh_token": app.refresh});
    assert_eq!(post(&shop, "/v1/auth/logout", &sent).await.status, 204);
    assert_eq!(refusal(&app.renew().await), (401, "session_revoked".into()));

    let cookies = cookies.join("; ");
    let leave = |origin: &str| {
        let request = Request::new("POST", "/v1/auth/logout").header("cookie", &cookies);
        shop.send(request.header("origin", origin).json(&json!({})))
    };
    assert_eq!(refusal(&leave("https://evil.example").await), (403, "csrf_failed".into()));
    let out = leave(shop.base_url()).await;
    assert_eq!((out.status, out.all("set-cookie").count()), (204, 2));
    let request = Request::new("POST", "/v1/auth/refresh").header("cookie", &cookies);
    let late = shop.send(request.header("origin", shop.base_url()).json(&json!({}))).await;
    assert_eq!(refusal(&late), (401, "session_revoked".into()));
}

#[tokio::test]
async fn two_devices_renew_at_once_and_neither_disturbs_the_other() {
    let shop = with_jane().await;
    let mut phone = Device::sign_in(&shop, JANE, PASSWORD).await;
    let mut desk = Device::sign_in(&shop, JANE, PASSWORD).await;
    for _ in 0..3 {
        tokio::join!(phone.renewed(), desk.renewed());
        assert_ne!(phone.refresh, desk.refresh);
        shop.clock().advance_ms(11_000);
    }
    ok(phone.get("/v1/auth/me").await);
    ok(desk.get("/v1/auth/me").await);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_ten_seconds_and_then_ends_the_session() {
    let shop = with_jane().await;
    let mut jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let before = jane.refresh.clone();
    jane.renewed().await;
    for _ in 0..2 {
        shop.clock().advance_ms(5_000);
        let again = ok(renew(&shop, &before).await);
        assert_eq!(again["refresh_token"], json!(jane.refresh));
    }
    shop.clock().advance_ms(1);
    assert_eq!(refusal(&renew(&shop, &before).await), (401, "session_revoked".into()));
    assert_eq!(refusal(&jane.renew().await), (401, "session_revoked".into()));
}

// The account itself.

#[tokio::test]
async fn a_profile_shows_the_account_and_takes_another_name() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let profile = ok(jane.get("/v1/store/me").await);
    assert_eq!(profile["name"], "Jane Roe");
    let members: BTreeSet<&str> = profile.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["created_at", "email", "email_verified", "id", "name"];
    assert_eq!(members, BTreeSet::from(wanted));
    let named = jane.call("PATCH", "/v1/store/me", &json!({"name": "Jane Doe"})).await;
    assert_eq!(ok(named)["name"], "Jane Doe");
    assert_eq!(ok(jane.get("/v1/auth/me").await)["name"], "Jane Doe");
    let more = json!({"name": "Jane", "email": "joe@example.org"});
    let answer = jane.call("PATCH", "/v1/store/me", &more).await;
    assert_eq!(refusal(&answer), (400, "invalid_request".into()));
    let nobody = shop.send(Request::new("GET", "/v1/store/me")).await;
    assert_eq!(refusal(&nobody), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn an_account_is_closed_by_who_has_just_proven_who_they_are() {
    let shop = with_jane().await;
    let mut jane = Shopper::new(&shop);
    let device = Device::sign_in(&shop, JANE, PASSWORD).await;
    jane.bearer = Some(device.access.clone());
    jane.open_cart("EUR").await;
    jane.ready(MUG, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    shop.settle().await;
    for _ in 0..3 {
        let answer = device.call("POST", "/v1/store/me/addresses", &world::address()).await;
        assert_eq!(answer.status, 201);
    }
    ask_to_move(&device, JANE_NEW).await;
    let pending = mailed(&shop, JANE_NEW).await;

    shop.clock().advance_ms(11 * MINUTE_MS);
    let close = || device.call("DELETE", "/v1/store/me", &Value::Null);
    assert_eq!(refusal(&close().await), (403, "step_up_required".into()));
    let prove = |password: &str| {
        let body = json!({"password": password});
        async { device.call("POST", "/v1/auth/reauthenticate", &{ body }).await }
    };
    let wrong = prove("guess").await;
    assert_eq!(refusal(&wrong), (401, "invalid_credentials".into()));
    assert_eq!(prove(PASSWORD).await.status, 204);
    // At once, though the function that closes accounts has seen the session before its proof.
    let closed = close().await;
    assert_eq!(closed.status, 204, "{}", closed.text());
    assert!(closed.all("set-cookie").all(|cookie| cookie.contains("Max-Age=0")));
    assert_eq!(refusal(&close().await), (401, "session_revoked".into()));
    assert_eq!(refusal(&device.renew().await), (401, "session_revoked".into()));
    assert_eq!(try_sign_in(&shop, "203.0.113.7", JANE, PASSWORD).await.status, 401);
    assert_eq!(refusal(&confirm(&shop, &pending).await), (400, "invalid_token".into()));
    shop.settle().await;
    assert_eq!(letters(&shop, JANE).last().unwrap(), "account_closed");

    // Nothing of it is left but the shop's books, and when its consents have to go.
    let client = aws_sdk_dynamodb::Client::new(&shop.sdk_config());
    let left = client.scan().table_name("fluxion-identity").send().await.unwrap();
    assert_eq!(left.count(), 1, "{:?}", left.items());
    let left = format!("{:?}", left.items());
    assert!(left.contains("PRIVACY#cus_") && !left.contains('@'), "{left}");
    let facts = world::facts(&shop, &testkit::goods::small(world::MUGS)).await;
    assert_eq!(facts.orders.len(), 1);
    open_account(&shop, "203.0.113.1", JANE).await;
    let back = Device::sign_in(&shop, JANE, PASSWORD).await;
    assert_eq!(ok(back.get("/v1/store/me/addresses").await)["data"], json!([]));
}

// The address book.

const BOOK: &str = "/v1/store/me/addresses";

fn at_city(city: &str) -> Value {
    let mut address = world::address();
    address["city"] = json!(city);
    address
}

async fn add(who: &Device, body: &Value) -> Value {
    let answer = who.call("POST", BOOK, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.value()
}

fn path(entry: &Value) -> String {
    format!("{BOOK}/{}", entry["id"].as_str().unwrap())
}

#[tokio::test]
async fn addresses_are_kept_changed_and_removed_and_nobody_else_sees_them() {
    let shop = with_jane().await;
    open_account(&shop, "203.0.113.2", "joe@example.org").await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let joe = Device::sign_in(&shop, "joe@example.org", PASSWORD).await;
    let home = add(&jane, &world::address()).await;
    assert!(home["id"].as_str().unwrap().starts_with("adr_"));
    assert_eq!(home["is_default_shipping"], false);
    assert_eq!(ok(jane.get(&path(&home)).await), home);

    let moved = ok(jane.call("PUT", &path(&home), &at_city("Bonn")).await);
    assert_eq!((&moved["city"], &moved["id"]), (&json!("Bonn"), &home["id"]));
    assert_eq!(moved["created_at"], home["created_at"]);
    for (method, body) in
        [("GET", Value::Null), ("PUT", at_city("Nowhere")), ("DELETE", Value::Null)]
    {
        let answer = joe.call(method, &path(&home), &body).await;
        assert_eq!(refusal(&answer), (404, "not_found".into()), "{method}");
    }
    assert_eq!(ok(joe.get(BOOK).await)["data"], json!([]));
    assert_eq!(ok(jane.get(&path(&home)).await)["city"], "Bonn");

    assert_eq!(jane.call("DELETE", &path(&home), &Value::Null).await.status, 204);
    for method in ["GET", "DELETE"] {
        let answer = jane.call(method, &path(&home), &Value::Null).await;
        assert_eq!(refusal(&answer), (404, "not_found".into()), "{method}");
    }
    let flawed = jane.call("POST", BOOK, &json!({"name": "Jane", "country": "XX"})).await;
    assert_eq!(refusal(&flawed), (400, "invalid_request".into()));
    assert!(flawed.value()["errors"].as_array().unwrap().len() >= 4);
}

#[tokio::test]
async fn there_is_one_default_of_each_and_it_moves() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let mut body = world::address();
    body["is_default_shipping"] = json!(true);
    body["is_default_billing"] = json!(true);
    let home = add(&jane, &body).await;
    shop.clock().advance_ms(1);
    let mut body = at_city("Bonn");
    body["is_default_shipping"] = json!(true);
    add(&jane, &body).await;
    let defaults = || async {
        let list = ok(jane.get(BOOK).await);
        let flag = |entry: &Value, name: &str| entry[name] == true;
        let both = |e: &Value| (flag(e, "is_default_shipping"), flag(e, "is_default_billing"));
        list["data"].as_array().unwrap().iter().map(both).collect::<Vec<_>>()
    };
    assert_eq!(defaults().await, [(false, true), (true, false)]);
    ok(jane.call("PUT", &path(&home), &body).await);
    assert_eq!(defaults().await, [(true, false), (false, false)]);
    assert_eq!(jane.call("DELETE", &path(&home), &Value::Null).await.status, 204);
    assert_eq!(defaults().await, [(false, false)]);
    // Two devices that both want theirs to be the default.
    let (one, two) = tokio::join!(add(&jane, &body), add(&jane, &body));
    assert_ne!(one["id"], two["id"]);
    let found = defaults().await;
    assert_eq!(found.iter().filter(|(shipping, _)| *shipping).count(), 1, "{found:?}");
}

#[tokio::test]
async fn twenty_addresses_fill_a_book_and_it_is_read_in_pages() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    for number in 0..19 {
        shop.clock().advance_ms(1);
        add(&jane, &at_city(&format!("City {number}"))).await;
    }
    shop.clock().advance_ms(1);
    // Two devices want the last place.
    let body = at_city("City 19");
    let post = || jane.call("POST", BOOK, &body);
    let (one, two) = tokio::join!(post(), post());
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let full = post().await;
    assert_eq!(refusal(&full), (409, "address_book_full".into()));
    assert_eq!(full.value()["addresses_max"], 20);
    let mut cities = Vec::new();
    let mut next = format!("{BOOK}?limit=7");
    loop {
        let page = ok(jane.get(&next).await);
        cities.extend(page["data"].as_array().unwrap().iter().map(|a| a["city"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{BOOK}?limit=7&cursor={cursor}");
    }
    let wanted: Vec<Value> = (0..20).map(|number| json!(format!("City {number}"))).collect();
    assert_eq!(cities, wanted);
    let key = world::key();
    let bearer = format!("Bearer {}", jane.access);
    let first = ok(jane.get(&format!("{BOOK}?limit=1")).await)["data"][0].clone();
    assert_eq!(jane.call("DELETE", &path(&first), &Value::Null).await.status, 204);
    // A lost answer: the same key adds nothing twice.
    let mut ids = BTreeSet::new();
    for _ in 0..2 {
        let request = Request::new("POST", BOOK).header("idempotency-key", &key);
        let answer = shop.send(request.header("authorization", &bearer).json(&body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        ids.insert(answer.value()["id"].to_string());
    }
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_is_its_senders_own() {
    let shop = with_jane().await;
    let joes = "joe@example.org";
    open_account(&shop, "203.0.113.2", joes).await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    let joe = Device::sign_in(&shop, joes, PASSWORD).await;
    let (key, body) = (world::key(), at_city("Graz"));
    let mut ids = BTreeSet::new();
    for bearer in [&jane.access, &joe.access] {
        let request = Request::new("POST", BOOK).header("idempotency-key", &key).json(&body);
        let answer = shop.send(request.header("authorization", &format!("Bearer {bearer}"))).await;
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (201, None));
        ids.insert(answer.value()["id"].to_string());
    }
    // Guests are told apart by their addresses.
    for ip in ["203.0.113.8", "203.0.113.9"] {
        let request = Request::new("POST", "/v1/store/carts").from_ip(ip).json(&json!({}));
        let answer = shop.send(request.header("idempotency-key", &key)).await;
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (201, None));
        ids.insert(answer.value()["cart"]["id"].to_string());
    }
    assert_eq!(ids.len(), 4);
    for device in [&jane, &joe] {
        assert_eq!(ok(device.get(BOOK).await)["data"].as_array().unwrap().len(), 1);
    }
}

// How often.

const DESK: &str = "203.0.113.7";

#[tokio::test]
async fn the_sixth_wrong_password_waits_and_good_ones_never_do() {
    let shop = with_jane().await;
    open_account(&shop, "203.0.113.2", "joe@example.org").await;
    for _ in 0..10 {
        let answer = try_sign_in(&shop, DESK, JANE, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for left in (0..5).rev() {
        let answer = try_sign_in(&shop, DESK, JANE, "guess").await;
        assert_eq!(refusal(&answer), (401, "invalid_credentials".into()));
        assert_eq!(answer.header("ratelimit-limit"), Some("5"));
        assert_eq!(answer.header("ratelimit-remaining"), Some(left.to_string().as_str()));
    }
    // Right or wrong: who waits is told until when.
    for password in ["guess", PASSWORD] {
        let answer = try_sign_in(&shop, DESK, JANE, password).await;
        assert_eq!(refusal(&answer), (429, "rate_limited".into()));
        assert_eq!(answer.header("retry-after"), Some("180"));
        assert_eq!(answer.header("ratelimit-remaining"), Some("0"));
        assert_eq!(answer.header("ratelimit-reset"), Some("900"));
    }
    // Nobody is locked out: neither others from here, nor Jane from elsewhere, nor for long.
    assert_eq!(try_sign_in(&shop, DESK, "joe@example.org", PASSWORD).await.status, 200);
    assert_eq!(try_sign_in(&shop, "198.51.100.1", JANE, PASSWORD).await.status, 200);
    shop.clock().advance_ms(3 * MINUTE_MS);
    assert_eq!(try_sign_in(&shop, DESK, JANE, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn fifty_wrong_passwords_from_one_address_are_enough_whosever_they_are() {
    let shop = with_jane().await;
    for number in 0..50 {
        let email = format!("nobody{number}@example.org");
        let answer = try_sign_in(&shop, DESK, &email, "guess").await;
        assert_eq!(refusal(&answer), (401, "invalid_credentials".into()), "{number}");
        if number == 25 {
            assert_eq!(try_sign_in(&shop, DESK, JANE, PASSWORD).await.status, 200);
        }
    }
    let answer = try_sign_in(&shop, DESK, JANE, PASSWORD).await;
    assert_eq!(refusal(&answer), (429, "rate_limited".into()));
    assert_eq!(try_sign_in(&shop, "203.0.113.8", JANE, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_header_is_no_other_address() {
    let shop = with_jane().await;
    let mut statuses = Vec::new();
    for number in 0..6 {
        let body = json!({"email": JANE, "password": "guess"});
        let elsewhere = format!("198.51.100.{number}");
        let mut request = Request::new("POST", "/v1/auth/login").from_ip(DESK);
        for name in ["x-forwarded-for", "x-real-ip", "true-client-ip", "cf-connecting-ip"] {
            request = request.header(name, &elsewhere);
        }
        let forwarded = format!("for={elsewhere}");
        let answer = shop.send(request.header("forwarded", &forwarded).json(&body)).await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
}

#[tokio::test]
async fn a_house_with_many_ipv6_addresses_is_one_house() {
    let shop = with_jane().await;
    let mut statuses = Vec::new();
    for number in 1..=6 {
        let ip = format!("2001:db8:7:1::{number}");
        statuses.push(try_sign_in(&shop, &ip, JANE, "guess").await.status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    assert_eq!(try_sign_in(&shop, "2001:db8:7:2::1", JANE, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn nobody_signs_in_while_wrong_passwords_can_not_be_counted() {
    let shop = with_jane().await;
    assert_eq!(try_sign_in(&shop, DESK, JANE, PASSWORD).await.status, 200);
    for at in 1..=3 {
        let counts = |call: &wire::CallId| {
            call.caller == "identity.store.login" && call.operation == "UpdateItem"
        };
        let filter: wire::Filter = Box::new(counts);
        shop.wire().faults().arm(Plan { at, kind: FaultKind::FailBefore, filter: Some(filter) });
    }
    let answer = try_sign_in(&shop, DESK, JANE, PASSWORD).await;
    assert_eq!(refusal(&answer), (503, "unavailable".into()));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(shop.wire().faults().fired().len(), 3);
    assert_eq!(try_sign_in(&shop, DESK, JANE, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn five_registrations_an_hour_come_from_one_address() {
    let shop = world::open().await;
    let ask = |number: i32, ip: &'static str| {
        let email = format!("person{number}@example.org");
        let body = json!({"email": email, "password": PASSWORD, "name": "Jane"});
        let shop = shop.clone();
        async move { post_from(&shop, ip, "/v1/auth/register", &body).await }
    };
    for number in 0..5 {
        assert_eq!(ask(number, DESK).await.status, 202);
    }
    let answer = ask(5, DESK).await;
    assert_eq!(refusal(&answer), (429, "rate_limited".into()));
    assert_eq!(answer.header("retry-after"), Some("720"));
    assert_eq!(ask(5, "203.0.113.8").await.status, 202);
    shop.clock().advance_ms(12 * MINUTE_MS);
    assert_eq!(ask(6, DESK).await.status, 202);
}

#[tokio::test]
async fn five_letters_an_hour_go_to_one_reader_and_on_behalf_of_one_address() {
    let shop = with_jane().await;
    // To one reader, from many addresses: known and unknown ones alike.
    for email in [JANE, "nobody@example.org"] {
        for number in 1..=6 {
            let ip = format!("198.51.100.{number}");
            let is_reset = number % 2 == 0;
            let path = if is_reset { "/v1/auth/password/forgot" } else { "/v1/auth/email/resend" };
            let answer = post_from(&shop, &ip, path, &json!({"email": email})).await;
            assert_eq!(answer.status, if number <= 5 { 202 } else { 429 }, "{email} {number}");
        }
    }
    shop.settle().await;
    assert_eq!(letters(&shop, JANE).len(), 1 + 5);
    // On behalf of one address, to many readers.
    for number in 1..=6 {
        let body = json!({"email": format!("person{number}@example.org")});
        let answer = post_from(&shop, DESK, "/v1/auth/password/forgot", &body).await;
        assert_eq!(answer.status, if number <= 5 { 202 } else { 429 }, "{number}");
    }
}

#[tokio::test]
async fn fifty_guessed_links_from_one_address_are_enough() {
    let shop = with_jane().await;
    let token = forgot(&shop, JANE).await;
    for number in 0..50 {
        let answer = match number % 2 {
            0 => reset(&shop, "guessed", ANOTHER).await,
            _ => confirm(&shop, "guessed").await,
        };
        assert_eq!(refusal(&answer), (400, "invalid_token".into()), "{number}");
    }
    assert_eq!(refusal(&reset(&shop, &token, ANOTHER).await), (429, "rate_limited".into()));
    let body = json!({"token": token, "password": ANOTHER});
    let elsewhere = post_from(&shop, "198.51.100.1", "/v1/auth/password/reset", &body).await;
    assert_eq!(elsewhere.status, 204);
}

// What is written down.

#[tokio::test]
async fn what_happens_to_an_account_stands_in_the_audit_log() {
    let shop = with_jane().await;
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    for _ in 0..5 {
        try_sign_in(&shop, DESK, JANE, "guess").await;
    }
    let phone = Device { ip: "198.51.100.9".into(), ..jane };
    let body = json!({"current_password": PASSWORD, "password": ANOTHER});
    assert_eq!(phone.call("POST", "/v1/auth/password/change", &body).await.status, 204);
    let token = forgot(&shop, JANE).await;
    assert_eq!(reset(&shop, &token, PASSWORD).await.status, 204);
    shop.clock().advance_ms(3 * MINUTE_MS);
    let jane = Device::sign_in(&shop, JANE, PASSWORD).await;
    ask_to_move(&jane, JANE_NEW).await;
    for email in [JANE, JANE_NEW] {
        let token = mailed(&shop, email).await;
        assert_eq!(confirm(&shop, &token).await.status, 204);
    }
    assert_eq!(jane.call("DELETE", "/v1/store/me", &Value::Null).await.status, 204);
    shop.settle().await;
    let links = shop.store().audit(false, 100, None).await.unwrap();
    let actions: Vec<&str> = links.iter().map(|link| link.entry.action.as_str()).collect();
    let wanted = [
        "session.begin",
        "sign_in.burst",
        "password.change",
        "password.reset",
        "session.begin",
        "email.change_requested",
        "email.change",
        "account.close",
    ];
    let mut sorted = actions.clone();
    sorted.sort_unstable();
    let mut expected = wanted.to_vec();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(domain::audit::verify(links.iter()).unwrap(), 8);
    let text = serde_json::to_string(&links).unwrap();
    assert!(!text.contains("example"), "an address in the audit log: {text}");
}

/// Everything that the customers' functions can do, each way in which a browser or an app asks for
/// it: for the check that no grant is missing and none is in vain.
pub(crate) async fn tour(shop: Shop) {
    open_account(&shop, "203.0.113.1", JANE).await;
    let twice = async |ip: &str, bearer: Option<&str>, path: &str, body: &Value| {
        let key = world::key();
        let mut statuses = Vec::new();
        for _ in 0..2 {
            let mut request = Request::new("POST", path).from_ip(ip);
            if let Some(bearer) = bearer {
                request = request.header("authorization", &format!("Bearer {bearer}"));
            }
            let answer = shop.send(request.header("idempotency-key", &key).json(body)).await;
            assert!(answer.status < 300, "{path}: {}", answer.text());
            statuses.push(answer.status);
        }
        statuses[0]
    };
    // Without a session.
    let body = json!({"email": JANE});
    twice(DESK, None, "/v1/auth/password/forgot", &body).await;
    let token = mailed(&shop, JANE).await;
    let body = json!({"token": token, "password": ANOTHER});
    twice(DESK, None, "/v1/auth/password/reset", &body).await;
    register_as(&shop, "joe@example.org").await;
    let body = json!({"email": "joe@example.org"});
    twice("203.0.113.8", None, "/v1/auth/email/resend", &body).await;
    shop.settle().await;
    shop.clock().advance_ms(60 * MINUTE_MS);

    // With one: each function's first call of a session looks it up, a browser's is sealed.
    let jane = Device::sign_in(&shop, JANE, ANOTHER).await;
    let bearer = Some(jane.access.as_str());
    let wrong = json!({"password": "guess"});
    for _ in 0..5 {
        let answer = jane.call("POST", "/v1/auth/reauthenticate", &wrong).await;
        assert_eq!(answer.status, 401);
    }
    shop.clock().advance_ms(15 * MINUTE_MS - 2_000);
    let right = json!({"password": ANOTHER});
    twice(DESK, bearer, "/v1/auth/reauthenticate", &right).await;
    let body = json!({"current_password": ANOTHER, "password": PASSWORD});
    let jane = Device::sign_in(&shop, JANE, ANOTHER).await;
    let bearer = Some(jane.access.as_str());
    twice(DESK, bearer, "/v1/auth/password/change", &body).await;
    shop.clock().advance_ms(1);
    let browser = Browser::sign_in(&shop, JANE, PASSWORD).await;
    let body = json!({"email": JANE_NEW, "password": PASSWORD});
    twice(DESK, bearer, "/v1/auth/email/change", &body).await;
    for email in [JANE, JANE_NEW] {
        let body = json!({"token": mailed(&shop, email).await});
        twice(DESK, None, "/v1/auth/email/confirm", &body).await;
    }
    for path in ["/v1/auth/sessions", "/v1/store/me", BOOK] {
        ok(jane.get(path).await);
    }
    assert_eq!(browser.call("PATCH", "/v1/store/me", &json!({"name": "J"})).await.status, 200);
    let home = add(&jane, &world::address()).await;
    twice(DESK, bearer, BOOK, &world::address()).await;
    assert_eq!(browser.call("POST", BOOK, &at_city("Bonn")).await.status, 201);
    let page = ok(jane.get(&format!("{BOOK}?limit=1")).await);
    let cursor = page["next_cursor"].as_str().unwrap();
    ok(jane.get(&format!("{BOOK}?limit=1&cursor={cursor}")).await);
    ok(jane.get(&path(&home)).await);
    assert_eq!(browser.call("PUT", &path(&home), &at_city("Bonn")).await.status, 200);
    assert_eq!(browser.call("DELETE", &path(&home), &json!({})).await.status, 204);
    let body = json!({"current_password": PASSWORD, "password": ANOTHER});
    assert_eq!(browser.call("POST", "/v1/auth/password/change", &body).await.status, 204);
    let body = json!({"email": JANE, "password": ANOTHER});
    assert_eq!(browser.call("POST", "/v1/auth/email/change", &body).await.status, 202);
    let right = json!({"password": ANOTHER});
    assert_eq!(browser.call("POST", "/v1/auth/reauthenticate", &right).await.status, 204);
    let sessions = ok(browser.call("GET", "/v1/auth/sessions", &Value::Null).await);
    let here = sessions["data"].as_array().unwrap().iter().find(|s| s["is_current"] == true);
    let own = format!("/v1/auth/sessions/{}", here.unwrap()["id"].as_str().unwrap());
    assert_eq!(browser.call("DELETE", &own, &json!({})).await.status, 204);
    // Signed in over a session that is still there: that one ends.
    let browser = Browser::sign_in(&shop, JANE_NEW, ANOTHER).await;
    let body = json!({"email": JANE_NEW, "password": ANOTHER});
    assert_eq!(browser.call("POST", "/v1/auth/login", &body).await.status, 200);
    let gone = browser.call("POST", "/v1/auth/refresh", &json!({})).await;
    assert_eq!(refusal(&gone), (401, "session_revoked".into()));
    let browser = Browser::sign_in(&shop, JANE_NEW, ANOTHER).await;
    assert_eq!(browser.call("POST", "/v1/auth/logout_all", &json!({})).await.status, 204);
    shop.clock().advance_ms(1);
    let browser = Browser::sign_in(&shop, JANE_NEW, ANOTHER).await;
    assert_eq!(browser.call("DELETE", "/v1/store/me", &json!({})).await.status, 204);
    shop.settle().await;
}

async fn register_as(shop: &Shop, email: &str) {
    let answer = Shopper::from(shop, "203.0.113.8").register(email).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

/// A browser that is signed in.
struct Browser {
    shop: Shop,
    cookies: String,
    csrf: String,
}

impl Browser {
    async fn sign_in(shop: &Shop, email: &str, password: &str) -> Self {
        // Sessions of the millisecond in which all are revoked are over, too.
        shop.clock().advance_ms(1);
        let body = json!({"email": email, "password": password});
        let request = Request::new("POST", "/v1/auth/login").header("origin", shop.base_url());
        let answer = shop.send(request.json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let pairs: Vec<&str> =
            answer.all("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
        let csrf = answer.value()["csrf_token"].as_str().unwrap().to_owned();
        Self { shop: shop.clone(), cookies: pairs.join("; "), csrf }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let request = Request::new(method, path)
            .header("cookie", &self.cookies)
            .header("origin", self.shop.base_url())
            .header("x-csrf-token", &self.csrf);
        self.shop.send(if body.is_null() { request } else { request.json(body) }).await
    }
}

#[tokio::test]
async fn a_customer_does_all_that_a_customer_can_do() {
    tour(world::open().await).await;
}
