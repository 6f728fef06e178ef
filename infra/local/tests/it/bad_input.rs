//! Whatever is wrong with a request, the answer is a problem that names it, and nothing changed.
//!
//! What there is to send wrongly is read from the contract: an endpoint that is added to it is
//! covered by that. The contract also says what is wrong: an input that it allows may be taken or
//! refused, one that it forbids must be refused, for exactly the fields that it forbids.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use local::Request;
use serde_json::{Map, Value, json};

use crate::oddities::{
    fields, flaws, path_values, query_values, raw_bodies, raw_values, with, without,
};
use crate::world::{self, ok};

pub(crate) mod trial;

use trial::{Ask, Operation, Person, Trial, Wanted, codes_of, headers, operations, shape};

const BODY_BYTES_MAX: usize = 1024 * 1024;
const DEPTH_MAX: usize = 32;

/// What the contract says of a body; `None` where it is no JSON.
fn judged(schema: &Value, raw: &[u8]) -> Option<BTreeSet<String>> {
    let value: Value = serde_json::from_slice(raw).ok()?;
    Some(flaws(schema, &value, ""))
}

#[tokio::test]
async fn a_bad_body_is_refused_for_every_flaw_and_changes_nothing() {
    let mut trial = Trial::open().await;
    for operation in operations() {
        let Some(schema) = operation.body().filter(|_| !operation.is_signed()) else { continue };
        let good = trial.good(&operation);
        let example = trial.example(&operation);
        assert_eq!(flaws(schema, &example, ""), BTreeSet::new(), "the sample of {}", operation.id);
        let mut bodies: Vec<Vec<u8>> = raw_bodies();
        let mut empty = vec![Vec::new(), b"{}".to_vec()];
        bodies.append(&mut empty);
        let fields = fields(schema, "");
        for field in &fields {
            bodies.push(without(&example, &field.pointer).to_string().into_bytes());
            for raw in raw_values() {
                bodies.push(with(&example, &field.pointer, &raw).into_bytes());
            }
        }
        for name in ["unknown", "__proto__", "constructor", "", "id", "a/b", "a~b", "\u{1f600}"] {
            let mut body = example.clone();
            body[name] = json!(1);
            bodies.push(body.to_string().into_bytes());
        }
        // All fields wrong at once, and one that nobody asked for.
        let mut wrong = Map::new();
        for field in schema["properties"].as_object().unwrap().keys() {
            wrong.insert(field.clone(), json!([1]));
        }
        wrong.insert("unknown".to_owned(), json!(null));
        bodies.push(Value::Object(wrong).to_string().into_bytes());
        let mut deep = example.clone();
        for field in &fields {
            if field.schema["type"] != "object" {
                deep = serde_json::from_str(&with(&deep, &field.pointer, "[]")).unwrap();
            }
        }
        bodies.push(deep.to_string().into_bytes());

        let before = trial.tables().await;
        let mut allowed = Vec::new();
        for body in bodies {
            let what = String::from_utf8_lossy(&body).into_owned();
            let ask = good.clone().body(body.clone());
            let ask = if operation.key().is_some() {
                ask.header("idempotency-key", &world::key())
            } else {
                ask
            };
            // An empty body is an empty object.
            let judged_as: &[u8] = if body.is_empty() { b"{}" } else { &body };
            match judged(schema, judged_as) {
                None => trial.expect(&operation, &what, ask, Wanted::Code("malformed_json")).await,
                Some(flaws) if flaws.is_empty() => allowed.push((what, ask)),
                Some(flaws) => {
                    let flaws = flaws.into_iter().map(|at| pointer(&at)).collect();
                    trial.expect(&operation, &what, ask, Wanted::Flaws(flaws)).await;
                }
            }
        }
        trial.unchanged(&operation, &before).await;
        for (what, ask) in allowed {
            trial.expect(&operation, &what, ask, Wanted::Anything).await;
        }
    }
    trial.conclude("bad bodies");
}

/// A pointer as it is written: unknown names are the caller's and are escaped.
fn pointer(at: &str) -> String {
    // The only planted names with such characters.
    at.replace("/a/b", "/a~1b").replace("/a~b", "/a~0b")
}

#[tokio::test]
async fn a_body_too_large_too_deep_twice_named_or_of_another_type_is_refused() {
    let mut trial = Trial::open().await;
    for operation in operations() {
        let before = trial.tables().await;
        let good = trial.good(&operation);
        let large = |bytes: usize| {
            let mut body = b"{\"a\":\"".to_vec();
            body.resize(bytes - 2, b'x');
            body.extend_from_slice(b"\"}");
            body
        };
        let json = good.clone().header("content-type", "application/json");
        if operation.body().is_some() {
            let ask = json.clone().body(large(BODY_BYTES_MAX + 1));
            let wanted = Wanted::Refusal(413, "body_too_large");
            trial.expect(&operation, "a byte more than may be", ask, wanted).await;
        }
        let takes_json = operation.body().is_some() && !operation.is_signed();
        if !takes_json {
            trial.unchanged(&operation, &before).await;
            continue;
        }
        let ask = json.clone().body(large(BODY_BYTES_MAX));
        let wanted = flaws(operation.body().unwrap(), &json!({"a": "x"}), "");
        trial.expect(&operation, "as large as may be", ask, Wanted::Flaws(wanted)).await;

        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [DEPTH_MAX, 100, 10_000, 100_000] {
                let inner = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                let body = format!("{{\"a\":{inner}}}");
                let ask = json.clone().body(body);
                trial.expect(&operation, "too deep", ask, Wanted::Code("too_deep")).await;
            }
            let unclosed = json.clone().body(open.repeat(5_000));
            trial.expect(&operation, "unclosed", unclosed, Wanted::Code("too_deep")).await;
        }
        let schema = operation.body().unwrap().clone();
        let example = trial.example(&operation);
        for (name, _) in schema["properties"].as_object().unwrap() {
            // Which of two values counts is nobody's guess to make.
            let Some(value) = example.get(name) else { continue };
            let body = format!("{{\"{name}\":{value},{}", &example.to_string()[1..]);
            let wanted = Wanted::Flaws(BTreeSet::from([format!("/{name}")]));
            trial.expect(&operation, "twice named", json.clone().body(body), wanted).await;
        }
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/xml",
            "application/jsonp",
            "text/json",
            "application/json-seq",
            "json",
            "application/octet-stream",
            "*/*",
            "application/json, text/plain",
        ] {
            let ask = good.clone().header("content-type", kind);
            let wanted = Wanted::Refusal(415, "unsupported_media_type");
            trial.expect(&operation, kind, ask, wanted).await;
        }
        let ask = good.clone().without("content-type");
        let wanted = Wanted::Refusal(415, "unsupported_media_type");
        trial.expect(&operation, "no content type", ask, wanted).await;
        trial.unchanged(&operation, &before).await;
    }
    trial.conclude("bodies of bad form");
}

#[tokio::test]
async fn bad_paths_queries_and_keys_are_refused() {
    let mut trial = Trial::open().await;
    for operation in operations() {
        if operation.is_signed() {
            continue;
        }
        let before = trial.tables().await;
        let good = trial.good(&operation);
        for (name, schema) in operation.parameters("path") {
            for value in path_values(schema["pattern"].as_str().unwrap_or_default()) {
                let path = trial.path(&operation, &[(name, &value)]);
                let mut ask = Ask { path, ..good.clone() };
                // Another path under the same key is refused for that.
                if operation.key().is_some() {
                    ask = ask.header("idempotency-key", &world::key());
                }
                let decoded = decoded(&value);
                let wanted = if flaws(schema, &json!(decoded), "").is_empty() {
                    // Well formed, but nobody's.
                    match (operation.body(), name) {
                        (None, "line_id") => Wanted::Refusal(404, "line_not_found"),
                        (None, "code") if operation.path.contains("/carts/") => {
                            Wanted::Refusal(404, "code_not_found")
                        }
                        (None, _) => Wanted::Refusal(404, "not_found"),
                        (Some(_), _) => Wanted::Anything,
                    }
                } else {
                    Wanted::Flaws(BTreeSet::from([format!("/path/{name}")]))
                };
                trial.expect(&operation, &value, ask, wanted).await;
            }
        }
        // A flawed path, a flawed body and a flawed key are one answer.
        let ids: Vec<(&str, &str)> = operation
            .parameters("path")
            .into_iter()
            .filter(|(_, schema)| schema["pattern"].as_str().is_some_and(|p| p.contains("_[0-7]")))
            .map(|(name, _)| (name, "x"))
            .collect();
        let mut wanted: BTreeSet<String> =
            ids.iter().map(|(name, _)| format!("/path/{name}")).collect();
        let mut ask = Ask { path: trial.path(&operation, &ids), ..good.clone() };
        if operation.key().is_some() {
            ask = ask.header("idempotency-key", "two words");
            wanted.insert("/headers/Idempotency-Key".to_owned());
        }
        if operation.body().is_some() {
            ask = ask.body(b"[]".to_vec());
            wanted.insert(String::new());
        }
        if !wanted.is_empty() {
            trial.expect(&operation, "all at once", ask, Wanted::Flaws(wanted)).await;
        }
        if let Some(is_required) = operation.key() {
            let long = "k".repeat(256);
            for key in ["", " ", "two words", "k\u{e9}y", "tab\tkey", "\u{1f511}", &long] {
                let ask = good.clone().header("idempotency-key", key);
                let wanted = BTreeSet::from(["/headers/Idempotency-Key".to_owned()]);
                trial.expect(&operation, key, ask, Wanted::Flaws(wanted)).await;
            }
            if is_required {
                let ask = good.clone().without("idempotency-key");
                let wanted = Wanted::Refusal(400, "idempotency_key_required");
                trial.expect(&operation, "no key", ask, wanted).await;
            }
        }
        let queries = operation.parameters("query");
        let mut all_wrong = (Vec::new(), BTreeSet::new());
        for (name, schema) in &queries {
            for value in query_values() {
                let ask =
                    Ask { query: operation.query(&format!("{name}={value}")), ..good.clone() };
                let plain = decoded(&value.replace('+', " "));
                let read = match plain.parse::<i64>() {
                    Ok(number) if schema["type"] != "string" && number.to_string() == plain => {
                        json!(number)
                    }
                    _ => json!(plain),
                };
                let wrong = flaws(schema, &read, "");
                let wanted = if !wrong.is_empty() {
                    Wanted::Flaws(BTreeSet::from([format!("/query/{name}")]))
                } else if *name == "cursor" {
                    Wanted::Code("invalid_cursor")
                } else {
                    Wanted::Anything
                };
                trial.expect(&operation, &format!("{name}={value}"), ask, wanted).await;
            }
            let ask = Ask { query: operation.query(&format!("{name}=1&{name}=1")), ..good.clone() };
            let answer = trial.send(&operation, ask).await;
            if answer.status != 400 || !codes_of(&answer).contains(&"duplicate".to_owned()) {
                trial.faults.push(format!("{}: {name} may stand twice", operation.id));
            }
            all_wrong.0.push(format!("{name}=%00"));
            all_wrong.1.insert(format!("/query/{name}"));
        }
        if !queries.is_empty() {
            let ask = Ask { query: operation.query("unknown=1"), ..good.clone() };
            let wanted = Wanted::Flaws(BTreeSet::from(["/query/unknown".to_owned()]));
            trial.expect(&operation, "unknown=1", ask, wanted).await;
            let ask = Ask { query: all_wrong.0.join("&"), ..good.clone() };
            trial.expect(&operation, "all wrong", ask, Wanted::Flaws(all_wrong.1)).await;
        }
        trial.unchanged(&operation, &before).await;
    }
    trial.conclude("bad paths, queries and keys");
}

/// As the gateway decodes a placeholder; what is no encoding stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| *first == b'%');
        let code = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The text with one character after another changed, a few of them.
fn tampered(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let step = (text.len() / 24).max(1);
    for at in (0..text.len()).step_by(step).chain([text.len() - 1]) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        all.push(String::from_utf8(bytes).unwrap());
    }
    all.push(text[..text.len() / 2].to_owned());
    all.push(format!("{text}A"));
    all.push(text.replace('.', ""));
    all.push(text.to_uppercase());
    all.retain(|changed| changed != text);
    all
}

#[tokio::test]
async fn a_cursor_that_was_changed_or_is_another_lists_is_refused() {
    let mut trial = Trial::open().await;
    let lists: Vec<Operation> = operations()
        .into_iter()
        .filter(|one| one.parameters("query").iter().any(|(name, _)| *name == "cursor"))
        .collect();
    assert!(lists.len() >= 2);
    let cursor_of = async |trial: &Trial, who: Person<'_>, operation: &Operation, query: &str| {
        let query = operation.query(&format!("limit=1{query}"));
        let path = format!("{}?{query}", trial.path(operation, &[]));
        let page = match who {
            Person::Customer(who) => who.get(&path).await,
            Person::Member(who) => who.get(&path).await,
        };
        ok(page)["next_cursor"].as_str().map(str::to_owned)
    };
    let mut short = Vec::new();
    for operation in &lists {
        let Some(own) = cursor_of(&trial, trial.owner_of(operation), operation, "").await else {
            short.push(operation.id.as_str());
            continue;
        };
        trial.cursors.entry(operation.id.clone()).or_default().push(own);
        for (name, schema) in operation.parameters("query") {
            for word in schema["enum"].as_array().into_iter().flatten() {
                let query = format!("&{name}={}", word.as_str().unwrap());
                let other = cursor_of(&trial, trial.owner_of(operation), operation, &query).await;
                trial.cursors.entry(operation.id.clone()).or_default().extend(other);
            }
        }
        if operation.asks_for("bearer") {
            let another = trial.other_than_owner_of(operation);
            let foreign = cursor_of(&trial, another, operation, "").await;
            let name = format!("{} of another", operation.id);
            trial.cursors.entry(name).or_default().extend(foreign);
        }
    }
    // What this shop has no two of; other stories turn these lists' pages.
    assert_eq!(short, ONE_PAGE);
    for operation in &lists {
        let good = trial.good(operation);
        let with = |cursor: &str| Ask {
            query: operation.query(&format!("cursor={cursor}")),
            ..good.clone()
        };
        let own = trial.cursors.get(&operation.id).map(|all| all[0].clone());
        if let Some(own) = &own {
            assert_eq!(trial.send(operation, with(own)).await.status, 200);
        }
        let mut bad = own.as_deref().map(tampered).unwrap_or_default();
        for (list, cursors) in &trial.cursors {
            for cursor in cursors {
                if *list != operation.id {
                    bad.push(cursor.clone());
                }
            }
        }
        for cursor in bad {
            let wanted = Wanted::Code("invalid_cursor");
            trial.expect(operation, &cursor, with(&cursor), wanted).await;
        }
        // The same list in another order is another list.
        for (name, schema) in operation.parameters("query") {
            for word in schema["enum"].as_array().into_iter().flatten().skip(1) {
                let word = word.as_str().unwrap();
                let query = format!("&{name}={word}");
                let of_word = cursor_of(&trial, trial.owner_of(operation), operation, &query);
                let Some(of_word) = of_word.await else { continue };
                if trial.send(operation, with(&of_word)).await.status == 200 {
                    // A word for the very order that is the default.
                    assert_eq!(Some(&of_word), own.as_ref(), "{word}");
                }
            }
        }
    }
    trial.conclude("bad cursors");
}

/// Lists that are one page long in the shop of the trial.
const ONE_PAGE: [&str; 21] = [
    "identity.admin.list_consents",
    "promotions.admin.view_store_credit",
    "payments.admin.list_disputes",
    "orders.admin.list_drafts",
    "platform.admin.list_import_flaws",
    "inventory.admin.list_events",
    "inventory.admin.list_findings",
    "inventory.admin.list_low_stock",
    "orders.admin.list_invoices",
    "notifications.admin.list_messages",
    "orders.admin.list_notes",
    "identity.admin.list_privacy_requests",
    "catalog.admin.price_log",
    "platform.admin.list_mismatches",
    "orders.admin.list_failed_refunds",
    "returns.admin.queue",
    "notifications.admin.list_suppressions",
    "notifications.admin.view_template",
    "webhooks.admin.list_deliveries",
    "identity.store.list_consents",
    "promotions.store.view_store_credit",
];

/// What may stand behind `Authorization` instead of this token.
fn bad_bearers(bearer: &str) -> Vec<String> {
    let signed = |text: &str| format!("Bearer {text}");
    let mut bad: Vec<String> = tampered(bearer).iter().map(|token| signed(token)).collect();
    let parts: Vec<&str> = bearer.split('.').collect();
    let b64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    for header in [
        r#"{"alg":"none","kid":"local-1"}"#,
        r#"{"alg":"HS256","kid":"local-1"}"#,
        r#"{"alg":"EdDSA","kid":"local-2"}"#,
        r#"{"alg":"EdDSA","kid":"local-1","crit":["b64"],"b64":false}"#,
        r#"{"alg":"EdDSA","kid":"local-1","jwk":{"kty":"OKP"}}"#,
        r#"{"alg":"EdDSA"}"#,
        "[]",
        "",
    ] {
        bad.push(signed(&format!("{}.{}.{}", b64(header), parts[1], parts[2])));
        bad.push(signed(&format!("{}.{}.", b64(header), parts[1])));
    }
    let words = ["", "Bearer", "Bearer ", "Basic amFuZTpqYW5l", "bearer x", "Bearer a.b.c", "x"];
    bad.extend(words.map(str::to_owned));
    bad.push(signed(&"a".repeat(10_000)));
    bad.push(format!("{} {bearer}", signed(bearer)));
    bad.push(bearer.to_owned());
    bad
}

#[tokio::test]
async fn bad_credentials_open_nothing() {
    let mut trial = Trial::open().await;
    let of_customer = bad_bearers(trial.jane.bearer.as_ref().unwrap());
    let of_member = bad_bearers(&trial.boss.bearer);
    for operation in operations() {
        let before = trial.tables().await;
        let good = trial.good(&operation);
        let knows_callers = operation.asks_for("bearer");
        if knows_callers {
            let is_for_staff = operation.is_for_staff();
            for header in if is_for_staff { &of_member } else { &of_customer } {
                let ask = good.clone().header("authorization", header);
                let wanted = Wanted::Refusal(401, "unauthenticated");
                trial.expect(&operation, header, ask, wanted).await;
            }
            let cookies = good.clone().without("authorization");
            let name = if is_for_staff { "__Host-staff-session" } else { "__Host-session" };
            let cookie = format!("{name}={}", trial.bearer(&operation));
            let cookies = cookies.header("cookie", &cookie);
            if operation.method != "GET" {
                let wanted = || Wanted::Refusal(403, "csrf_failed");
                for (name, value) in [
                    ("x-csrf-token", ""),
                    ("x-csrf-token", "guessed"),
                    ("origin", "https://evil.example"),
                    ("origin", "null"),
                    ("sec-fetch-site", "cross-site"),
                ] {
                    let mut ask = cookies.clone().header(name, value);
                    if name == "sec-fetch-site" {
                        ask = ask.without("origin");
                    }
                    trial.expect(&operation, name, ask, wanted()).await;
                }
            }
        }
        let names_one = operation.path.contains("{id}");
        for name in ["cart_token", "order_token"] {
            if operation.asks_for(name) && names_one {
                let header = format!("x-{}", name.replace('_', "-"));
                let bare = good.clone().without("authorization").without("x-order-token");
                for token in ["x", "null", "../", &"a".repeat(5_000)] {
                    let ask = bare.clone().header(&header, token);
                    let wanted = Wanted::Refusal(404, "not_found");
                    trial.expect(&operation, token, ask, wanted).await;
                }
                let wanted = Wanted::Refusal(401, "unauthenticated");
                trial.expect(&operation, "no token", bare, wanted).await;
            }
        }
        // Somebody else's is not there.
        let is_theirs = knows_callers && !operation.is_for_staff();
        if is_theirs && names_one && operation.id != "cart.store.merge" {
            let id = trial.live(&operation, "id", &trial.joe);
            let ask = Ask { path: trial.path(&operation, &[("id", &id)]), ..good.clone() };
            let wanted = Wanted::Refusal(404, "not_found");
            trial.expect(&operation, "another's id", ask, wanted).await;
        }
        trial.unchanged(&operation, &before).await;
    }
    // After a quarter of an hour the same good token is worth nothing.
    trial.shop.clock().advance_ms(15 * 60 * 1000);
    for operation in operations().iter().filter(|one| one.asks_for("bearer")) {
        let ask = trial.good(operation);
        let wanted = Wanted::Refusal(401, "unauthenticated");
        trial.expect(operation, "an old token", ask, wanted).await;
    }
    trial.conclude("bad credentials");
}

#[tokio::test]
async fn a_webhook_that_the_provider_did_not_sign_like_this_is_refused() {
    let mut trial = Trial::open().await;
    let secret = trial.shop.stripe_keys().webhook_secrets[0].clone();
    let sign = |secret: &str, at: i64, body: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, &[format!("{at}.").as_bytes(), body].concat());
        tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    let now = trial.shop.clock().now().as_second();
    let is_providers = |one: &Operation| one.asks_for("stripe_signature");
    for operation in operations().into_iter().filter(is_providers) {
        let before = trial.tables().await;
        let good = trial.good(&operation);
        let example = trial.example(&operation);
        let body = example.to_string().into_bytes();
        let genuine = sign(&secret, now, &body);
        let forged = || Wanted::Refusal(400, "invalid_signature");
        let nonsense = [
            String::new(),
            "t=1".to_owned(),
            format!("v1={genuine}"),
            format!("t=x,v1={genuine}"),
            format!("t={now},v0={genuine}"),
            format!("t={now},v1={}", genuine.to_uppercase().replace('A', "B")),
            format!("t={now},v1={}", &genuine[..62]),
            format!("t={},v1={genuine}", now + 1),
            format!("t={now},v1={}", sign("whsec_other", now, &body)),
            format!("t={},v1={}", now - 301, sign(&secret, now - 301, &body)),
            format!("t={},v1={}", now + 301, sign(&secret, now + 301, &body)),
            format!("t=99999999999999999999,v1={genuine}"),
            format!("t={now},v1={}", "é".repeat(32)),
            "a".repeat(10_000),
        ];
        for header in nonsense {
            let ask = good.clone().body(body.clone()).header("stripe-signature", &header);
            trial.expect(&operation, &header, ask, forged()).await;
        }
        let ask = good.clone().body(body.clone()).without("stripe-signature");
        trial.expect(&operation, "no signature", ask, forged()).await;
        let header = format!("t={now},v1={genuine}");
        let mut changed = body.clone();
        changed[10] ^= 1;
        let ask = good.clone().body(changed).header("stripe-signature", &header);
        trial.expect(&operation, "another body", ask, forged()).await;

        // Signed by the provider, and still no event.
        let mut bodies = raw_bodies();
        bodies.push(Vec::new());
        for name in ["id", "type", "livemode", "data"] {
            for raw in ["null", "[]", "1.5", "{}"] {
                if (name, raw) != ("data", "{}") {
                    bodies.push(with(&example, &format!("/{name}"), raw).into_bytes());
                }
            }
            bodies.push(without(&example, &format!("/{name}")).to_string().into_bytes());
        }
        for body in bodies {
            let header = format!("t={now},v1={}", sign(&secret, now, &body));
            let what = String::from_utf8_lossy(&body).into_owned();
            let ask = good.clone().body(body).header("stripe-signature", &header);
            let wanted = Wanted::Refusal(400, "invalid_event");
            trial.expect(&operation, &what, ask, wanted).await;
        }
        let live = with(&example, "/livemode", "true").into_bytes();
        let header = format!("t={now},v1={}", sign(&secret, now, &live));
        let ask = good.clone().body(live).header("stripe-signature", &header);
        trial.expect(&operation, "live", ask, Wanted::Refusal(400, "livemode_mismatch")).await;
        // Objects that are odd, but objects: acknowledged and left, or looked into and found to be
        // nobody's.
        for raw in raw_values() {
            for at in ["/data/object", "/data/object/id", "/data/object/metadata", "/type", "/id"] {
                let body = with(&example, at, &raw).into_bytes();
                if serde_json::from_slice::<Value>(&body).is_err() {
                    continue;
                }
                let header = format!("t={now},v1={}", sign(&secret, now, &body));
                let ask = good.clone().body(body).header("stripe-signature", &header);
                trial.expect(&operation, &format!("{at} {raw}"), ask, Wanted::Anything).await;
            }
        }
        trial.unchanged(&operation, &before).await;
    }
    trial.conclude("webhooks");
}

#[tokio::test]
async fn methods_and_paths_that_are_not_declared_are_refused() {
    let mut trial = Trial::open().await;
    let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut any = BTreeMap::new();
    for operation in operations() {
        paths.entry(operation.path.clone()).or_default().insert(operation.method.clone());
        any.entry(operation.path.clone()).or_insert(operation);
    }
    for path in paths.keys() {
        let known = &any[path];
        let live = trial.path(known, &[]);
        // A word beside ids is no id: it has its own methods alone.
        let declared = &paths[path];
        let mut allow = declared.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        allow.push_str(", OPTIONS");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
            if declared.contains(method) {
                continue;
            }
            let operation = Operation {
                id: known.id.clone(),
                method: method.to_owned(),
                path: path.clone(),
                text: json!({}),
            };
            let ask = Ask { path: live.clone(), ..trial.good(&operation_without_body(known)) };
            let answer = trial.send(&operation, ask).await;
            let mut faults = shape(&answer);
            if answer.status != 405 || answer.header("allow") != Some(&allow) {
                faults.push(format!("{} {:?}", answer.status, answer.header("allow")));
            }
            trial.faults.extend(faults.iter().map(|fault| format!("{method} {path}: {fault}")));
        }
        let head = trial.shop.send(Request::new("HEAD", &live)).await;
        assert_eq!(declared.contains("GET"), head.status != 405, "HEAD {path}");
        assert!(head.body.is_empty());

        for (origin, is_ours) in [
            (trial.shop.base_url().to_owned(), true),
            ("https://evil.example".to_owned(), false),
            (format!("{}.evil.example", trial.shop.base_url()), false),
            (trial.shop.base_url().to_uppercase(), false),
            ("null".to_owned(), false),
            ("*".to_owned(), false),
            (String::new(), false),
        ] {
            let preflight = Request::new("OPTIONS", &live)
                .header("origin", &origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type,x-csrf-token");
            let answer = trial.shop.send(preflight).await;
            assert_eq!(answer.status, 204, "{path}");
            assert_eq!(headers(&answer), Vec::<String>::new(), "{path}");
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, is_ours.then_some(origin.as_str()), "{path}");
            let credentials = answer.header("access-control-allow-credentials");
            assert_eq!(credentials, is_ours.then_some("true"));
            let age = answer.header("access-control-max-age");
            assert_eq!(age, is_ours.then_some("86400"));
            let methods = answer.header("access-control-allow-methods").unwrap_or_default();
            let all = declared.iter().all(|method| methods.contains(method.as_str()));
            assert_eq!(all, is_ours, "{path}");
        }
    }
    let long = format!("/v1/{}", "a".repeat(8_000));
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/store/products",
        "/v1/store",
        "/v1/store/products/",
        "/v1//store/products",
        "/V1/store/products",
        "/v1/store/carts/",
        "/v1/store/carts//lines",
        "/v1/store/products/x/y",
        "/%2e%2e/",
        "/..",
        "/health",
        "/.env",
        "/wp-login.php",
        "/v1/store/products%2f",
        "/v1/store/products;x=1",
        &long,
    ] {
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            let answer = trial.shop.send(Request::new(method, path)).await;
            let mut faults = shape(&answer);
            if answer.status != 404 || answer.value()["code"] != "not_found" {
                faults.push(answer.status.to_string());
            }
            trial.faults.extend(faults.iter().map(|fault| format!("{method} {path}: {fault}")));
        }
    }
    trial.conclude("undeclared methods");
}

fn operation_without_body(known: &Operation) -> Operation {
    Operation {
        id: known.id.clone(),
        method: known.method.clone(),
        path: known.path.clone(),
        text: json!({
            "parameters": known.text["parameters"], "security": known.text["security"],
        }),
    }
}

#[tokio::test]
async fn strange_headers_do_no_harm() {
    let mut trial = Trial::open().await;
    let long = "x".repeat(20_000);
    let many = (0..300).map(|n| format!("c{n}=v")).collect::<Vec<_>>().join("; ");
    for operation in operations() {
        if operation.method != "GET" {
            continue;
        }
        let good = trial.good(&operation);
        for (name, value) in [
            ("host", "[::1"),
            ("host", "a b"),
            ("host", ""),
            ("x-forwarded-for", "not an address, ::::"),
            ("x-forwarded-proto", "gopher"),
            ("cookie", "=; ;;=a; __Host-session"),
            ("cookie", "__Host-session=; __Host-refresh="),
            ("cookie", many.as_str()),
            ("if-none-match", "\"unclosed"),
            ("if-none-match", "W/, ,,"),
            ("accept", "application/xml;q=oops"),
            ("accept-encoding", "br;q=2"),
            ("range", "bytes=9-1"),
            ("content-length", "-1"),
            ("content-type", "application/json; charset=\u{1f600}"),
            ("x-request-id", "mine\u{7f}"),
            ("user-agent", long.as_str()),
            ("x-odd", "\u{202e}\u{0}"),
            ("x odd", "1"),
            ("", "1"),
        ] {
            let ask = good.clone().header(name, value);
            trial.expect(&operation, name, ask, Wanted::Anything).await;
        }
    }
    trial.conclude("strange headers");
}
