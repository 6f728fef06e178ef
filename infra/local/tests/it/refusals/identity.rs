//! Who somebody is, and who they are not.

use std::collections::BTreeSet;

use local::{Request, Response, Shop};
use serde_json::{Value, json};

use crate::world;
use crate::world::{PASSWORD, Shopper, ok, refusal};

async fn try_token(shopper: &Shopper, token: &str) -> Response {
    shopper.call("POST", "/v1/auth/email/verify", &json!({"token": token})).await
}

#[tokio::test]
async fn a_mailed_link_is_good_once_and_for_a_day() {
    let shop = world::open().await;
    let jane = Shopper::new(&shop);
    jane.register("jane@example.org").await;
    shop.settle().await;
    let token = jane.mailed_token("jane@example.org").unwrap();
    assert_eq!(refusal(&try_token(&jane, "guessed").await), (400, "invalid_token".into()));
    assert_eq!(try_token(&jane, &token).await.status, 204);
    assert_eq!(refusal(&try_token(&jane, &token).await), (400, "invalid_token".into()));

    jane.register("joe@example.org").await;
    shop.settle().await;
    let token = jane.mailed_token("joe@example.org").unwrap();
    shop.clock().advance_ms(24 * 3600 * 1000);
    assert_eq!(refusal(&try_token(&jane, &token).await), (400, "invalid_token".into()));
    assert_eq!(jane.login("joe@example.org").await.status, 401);
}

/// An answer without what names this one request.
fn shape(answer: &Response) -> (u16, Value, Vec<(String, String)>) {
    let mut body = answer.value();
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    // The last is told to testers alone: no shop with real money has it.
    let passing = ["x-request-id", "apigw-requestid", "server-timing"];
    let headers = answer.headers.iter().filter(|(name, _)| !passing.contains(&name.as_str()));
    (answer.status, body, headers.cloned().collect())
}

#[tokio::test]
async fn nobody_learns_from_a_refused_sign_in_who_has_an_account() {
    let shop = world::open().await;
    Shopper::customer(&shop, "jane@example.org").await;
    let joe = Shopper::new(&shop);
    joe.register("waiting@example.org").await;
    let before = joe.login("waiting@example.org").await;
    assert_eq!(refusal(&before), (401, "invalid_credentials".into()));
    let body = json!({"email": "jane@example.org", "password": "not her password"});
    let wrong = joe.call("POST", "/v1/auth/login", &body).await;
    let unknown = joe.login("nobody@example.org").await;
    assert_eq!(shape(&before), shape(&wrong));
    assert_eq!(shape(&before), shape(&unknown));
}

#[tokio::test]
async fn a_second_registration_is_answered_alike_and_told_by_mail() {
    let shop = world::open().await;
    let jane = Shopper::new(&shop);
    let first = jane.register("jane@example.org").await;
    assert_eq!(first.status, 202, "{}", first.text());
    shop.settle().await;
    // Still unconfirmed: whoever asks again gets another link, and both work until one is used.
    // (From elsewhere each time: how often an address has asked is no secret to itself.)
    let again = Shopper::from(&shop, "203.0.113.8").register("Jane@Example.org").await;
    assert_eq!(shape(&first), shape(&again));
    shop.settle().await;
    jane.verify("jane@example.org").await;
    let known = Shopper::from(&shop, "203.0.113.9").register("jane@example.org").await;
    assert_eq!(shape(&first), shape(&known));
    shop.settle().await;
    let mails = shop.mails();
    let templates: Vec<&str> = mails.iter().map(|mail| mail.tags["template"].as_str()).collect();
    assert_eq!(templates, ["verify_email", "verify_email", "already_registered"]);
    assert_eq!(jane.mailed_token("jane@example.org"), None);
}

async fn renew(shopper: &Shopper, token: &str) -> Response {
    let request = Request::new("POST", "/v1/auth/refresh").json(&json!({"refresh_token": token}));
    shopper.shop.send(request).await
}

fn refresh_token(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.value()["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let first = refresh_token(&jane.login("jane@example.org").await);
    let other = refresh_token(&jane.login("jane@example.org").await);
    let second = refresh_token(&renew(&jane, &first).await);
    assert_ne!(first, second);
    shop.clock().advance_ms(11_000);
    let third = refresh_token(&renew(&jane, &second).await);
    assert_eq!(refusal(&renew(&jane, &first).await), (401, "session_revoked".into()));
    assert_eq!(refusal(&renew(&jane, &third).await), (401, "session_revoked".into()));
    // Only that session: the other device stays signed in.
    refresh_token(&renew(&jane, &other).await);
    for nonsense in ["x", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.x"] {
        assert_eq!(refusal(&renew(&jane, nonsense).await), (401, "session_revoked".into()));
    }
    let nothing = shop.send(Request::new("POST", "/v1/auth/refresh").json(&json!({}))).await;
    assert_eq!(refusal(&nothing), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn two_tabs_that_renew_at_once_get_the_same_successor() {
    let shop = world::open().await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let token = refresh_token(&jane.login("jane@example.org").await);
    let (one, two) = tokio::join!(renew(&jane, &token), renew(&jane, &token));
    let (one, two) = (refresh_token(&one), refresh_token(&two));
    assert_eq!(one, two);
    // A lost answer is given again within the grace, and what it gave is good.
    shop.clock().advance_ms(10_000);
    assert_eq!(refresh_token(&renew(&jane, &token).await), one);
    refresh_token(&renew(&jane, &one).await);
}

#[tokio::test]
async fn a_session_ends_by_signing_out_and_by_time() {
    let shop = world::open().await;
    let mut jane = Shopper::customer(&shop, "jane@example.org").await;
    let answer = jane.login("jane@example.org").await;
    let token = refresh_token(&answer);
    jane.bearer = answer.value()["access_token"].as_str().map(str::to_owned);
    assert_eq!(ok(jane.get("/v1/auth/me").await)["email"], "jane@example.org");
    let out = jane.call("POST", "/v1/auth/logout", &json!({})).await;
    assert_eq!(out.status, 204);
    assert_eq!(refusal(&renew(&jane, &token).await), (401, "session_revoked".into()));

    let answer = jane.login("jane@example.org").await;
    assert_eq!(answer.value()["expires_in"], 900);
    jane.bearer = answer.value()["access_token"].as_str().map(str::to_owned);
    shop.clock().advance_ms(899_000);
    ok(jane.get("/v1/auth/me").await);
    shop.clock().advance_ms(2 * 60 * 1000);
    let late = jane.get("/v1/auth/me").await;
    assert_eq!(refusal(&late), (401, "unauthenticated".into()));
    assert_eq!(late.header("www-authenticate"), Some("Bearer"));
    let token = refresh_token(&answer);
    shop.clock().advance_ms(7 * 24 * 3600 * 1000);
    assert_eq!(refusal(&renew(&jane, &token).await), (401, "session_revoked".into()));
    for bearer in ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        jane.bearer = Some(bearer.to_owned());
        assert_eq!(refusal(&jane.get("/v1/auth/me").await), (401, "unauthenticated".into()));
    }
}

/// A browser that is signed in.
struct Browser {
    shop: Shop,
    cookies: String,
    csrf: String,
}

impl Browser {
    async fn sign_in(shop: &Shop, email: &str) -> (Self, Response) {
        let body = json!({"email": email, "password": PASSWORD});
        let request =
            Request::new("POST", "/v1/auth/login").header("origin", shop.base_url()).json(&body);
        let answer = shop.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let pairs: Vec<&str> =
            answer.all("set-cookie").filter_map(|cookie| cookie.split(';').next()).collect();
        let csrf = answer.value()["csrf_token"].as_str().unwrap().to_owned();
        (Self { shop: shop.clone(), cookies: pairs.join("; "), csrf }, answer)
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::new(method, path).header("cookie", &self.cookies);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if method == "POST" {
            request = request.json(&json!({}));
        }
        self.shop.send(request).await
    }
}

#[tokio::test]
async fn a_browsers_session_lies_in_cookies_that_no_script_reads() {
    let shop = world::open().await;
    Shopper::customer(&shop, "jane@example.org").await;
    let (jane, answer) = Browser::sign_in(&shop, "jane@example.org").await;
    let body = answer.value();
    assert!(body["access_token"].is_null() && body["refresh_token"].is_null());
    let cookies: Vec<&str> = answer.all("set-cookie").collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for (cookie, name, site, age) in [
        (cookies[0], "__Host-session=", "SameSite=Lax", "Max-Age=900"),
        (cookies[1], "__Host-refresh=", "SameSite=Strict", "Max-Age=2592000"),
    ] {
        assert!(cookie.starts_with(name), "{name}");
        let attributes: BTreeSet<&str> = cookie.split("; ").skip(1).collect();
        assert_eq!(attributes, BTreeSet::from(["HttpOnly", "Path=/", "Secure", site, age]));
    }
    assert_eq!(jane.send("GET", "/v1/auth/me", &[]).await.status, 200);

    // Renewed without a token in the body, by the cookie alone, from our own pages alone.
    let origin = shop.base_url();
    let renewed = jane.send("POST", "/v1/auth/refresh", &[("origin", origin)]).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text());
    assert_eq!(renewed.all("set-cookie").count(), 2);
    let foreign = [("origin", "https://evil.example")];
    let refused = jane.send("POST", "/v1/auth/refresh", &foreign).await;
    assert_eq!(refusal(&refused), (403, "csrf_failed".into()));

    let ours = [("origin", origin), ("x-csrf-token", jane.csrf.as_str())];
    let out = jane.send("POST", "/v1/auth/logout", &ours).await;
    assert_eq!(out.status, 204);
    let cleared: Vec<&str> = out.all("set-cookie").collect();
    assert_eq!(cleared.len(), 2);
    assert!(cleared.iter().all(|cookie| cookie.contains("Max-Age=0")), "{cleared:?}");
    let mode = json!({"email": "jane@example.org", "password": PASSWORD, "mode": "token"});
    let apps = shop.send(Request::new("POST", "/v1/auth/login").json(&mode)).await;
    assert_eq!(apps.all("set-cookie").count(), 0);
}

#[tokio::test]
async fn another_site_can_not_act_in_a_browsers_name() {
    let shop = world::open().await;
    for email in ["jane@example.org", "joe@example.org"] {
        Shopper::customer(&shop, email).await;
    }
    let (jane, _) = Browser::sign_in(&shop, "jane@example.org").await;
    let (joe, _) = Browser::sign_in(&shop, "joe@example.org").await;
    let origin = shop.base_url();
    let (csrf, others) = (jane.csrf.as_str(), joe.csrf.as_str());
    let bad: [&[(&str, &str)]; 7] = [
        &[("origin", origin)],
        &[("origin", origin), ("x-csrf-token", "guessed")],
        &[("origin", origin), ("x-csrf-token", others)],
        &[("origin", "https://evil.example"), ("x-csrf-token", csrf)],
        &[("origin", "null"), ("x-csrf-token", csrf)],
        &[("x-csrf-token", csrf)],
        &[("sec-fetch-site", "cross-site"), ("x-csrf-token", csrf)],
    ];
    for headers in bad {
        let answer = jane.send("POST", "/v1/store/carts", headers).await;
        assert_eq!(refusal(&answer), (403, "csrf_failed".into()), "{headers:?}");
    }
    let good: [&[(&str, &str)]; 2] = [
        &[("origin", origin), ("x-csrf-token", csrf)],
        &[("sec-fetch-site", "same-origin"), ("x-csrf-token", csrf)],
    ];
    for headers in good {
        let answer = jane.send("POST", "/v1/store/carts", headers).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert!(answer.value()["cart_token"].is_null());
    }
    let login = Request::new("POST", "/v1/auth/login")
        .header("origin", "https://evil.example")
        .json(&json!({"email": "jane@example.org", "password": PASSWORD}));
    assert_eq!(refusal(&shop.send(login).await), (403, "csrf_failed".into()));
}
