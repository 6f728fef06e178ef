//! The staff: the first owner, invitations, two factors, roles, keys, and who may do what to whom.

use domain::api_key;
use domain::id::KeyId;
use domain::permission::Permission::{
    self, ApiKeysManage, AuditRead, OrdersRead, OrdersRefund, StaffManage, StaffRead,
};
use local::{Outcome, Request, Response, Shop};
use serde_json::{Value, json};

use crate::world::{self, Colleague, PASSWORD, Shopper, ok, refusal};

const MINUTE: i64 = 60_000;

/// The next step of every app.
fn next_step(shop: &Shop) {
    shop.clock().advance_ms(30_000);
}

/// Past what was believed of everybody.
fn a_minute_later(shop: &Shop) {
    shop.clock().advance_ms(MINUTE + 1);
}

/// The audit log, which is whole: who did what to what.
async fn log(shop: &Shop) -> Vec<(String, String, String)> {
    shop.settle().await;
    let links = shop.audit_log().await.unwrap();
    assert_eq!(domain::audit::verify(links.iter()), Ok(links.len() as u64));
    let entry = |link: domain::audit::Link| {
        let object = link.entry.object.unwrap_or_default();
        (link.entry.actor.to_string(), link.entry.action, object)
    };
    links.into_iter().map(entry).collect()
}

/// How often the log says that somebody did something.
async fn noted(shop: &Shop, actor: &str, action: &str) -> usize {
    let is_it = |(by, what, _): &&(String, String, String)| by == actor && what == action;
    log(shop).await.iter().filter(is_it).count()
}

fn is(answer: &Response, status: u16, code: &str) {
    assert_eq!(refusal(answer), (status, code.to_owned()), "{}", answer.text());
}

fn path(colleague: &Colleague, rest: &str) -> String {
    format!("/v1/admin/staff/{}{rest}", colleague.id)
}

/// Makes a role and answers its path.
async fn make_role(owner: &Colleague, permissions: &[Permission]) -> (String, Value) {
    let names: Vec<&str> = permissions.iter().map(|one| one.name()).collect();
    let body = json!({"name": "A role", "permissions": names});
    let role = ok(owner.call("POST", "/v1/admin/roles", &body).await);
    (format!("/v1/admin/roles/{}", role["id"].as_str().unwrap()), role)
}

/// Accepts the invitation of the newest letter.
async fn accept(colleague: &Colleague) {
    let token = colleague.mailed_token().await;
    let body = json!({"token": token, "password": PASSWORD});
    let answer = colleague.call("POST", "/v1/auth/staff/invitations/accept", &body).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[tokio::test]
async fn the_first_owner_is_made_once_by_hand_and_by_no_request() {
    let shop = world::open().await;
    let handler = "identity.jobs.create_owner";
    assert!(shop.stack().function(handler).unwrap().triggers.is_empty());
    for wrong in [json!({}), json!({"email": "ada", "name": "Ada"})] {
        assert!(matches!(shop.invoke(handler, wrong).await, Outcome::Failed));
    }
    let event = json!({"email": "ada@shop.example", "name": "Ada Lovelace"});
    assert!(matches!(shop.invoke(handler, event.clone()).await, Outcome::Answered(_)));
    let mut ada = Colleague::stranger(&shop, "ada@shop.example");
    accept(&ada).await;
    let session = ada.sign_in().await;
    assert_eq!(session["staff"]["name"], "Ada Lovelace");
    assert_eq!(session["staff"]["role"]["name"], "Owner");
    let permissions = session["staff"]["permissions"].as_array().unwrap();
    assert_eq!(permissions.len(), Permission::ALL.len());
    let me = ok(ada.get("/v1/auth/me").await);
    assert_eq!(me, session["staff"]);

    shop.settle().await;
    let mails = shop.mails().len();
    for event in [event, json!({"email": "eve@shop.example", "name": "Eve"})] {
        assert!(matches!(shop.invoke(handler, event).await, Outcome::Failed));
    }
    shop.settle().await;
    assert_eq!(shop.mails().len(), mails);
    assert_eq!(ok(ada.get("/v1/admin/staff").await)["data"].as_array().unwrap().len(), 1);
    assert_eq!(noted(&shop, "system", "staff.create_owner").await, 1);
}

#[tokio::test]
async fn from_an_invitation_to_a_second_sign_in() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let (_, role) = make_role(&owner, &[StaffRead, OrdersRead]).await;
    let mut grace = Colleague::stranger(&shop, "grace@shop.example");
    let body = json!({"email": grace.email, "name": "Grace", "role_id": role["id"]});
    let invited = owner.call("POST", "/v1/admin/invitations", &body).await;
    assert_eq!(invited.status, 201, "{}", invited.text());
    assert_eq!(invited.value()["status"], "invited");
    assert!(invited.header("etag").is_some());
    is(&grace.first_step().await, 401, "invalid_credentials");

    let token = grace.mailed_token().await;
    let target = "/v1/auth/staff/invitations/accept";
    let weak = json!({"token": token, "password": "grace"});
    assert_eq!(grace.call("POST", target, &weak).await.status, 400);
    let wrong = json!({"token": "nonsense", "password": PASSWORD});
    is(&grace.call("POST", target, &wrong).await, 400, "invalid_token");
    let good = json!({"token": token, "password": PASSWORD, "name": "Grace Hopper"});
    assert_eq!(grace.call("POST", target, &good).await.status, 204);
    is(&grace.call("POST", target, &good).await, 400, "invalid_token");

    let first = ok(grace.first_step().await);
    assert_eq!(first["mfa_required"], true);
    assert_eq!(first["mfa_enrollment_required"], true);
    let uri = first["enrollment"]["otpauth_uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/Fluxion:grace%40shop.example?secret="), "{uri}");
    let session = grace.sign_in().await;
    assert_eq!(session["staff"]["name"], "Grace Hopper");
    assert_eq!(session["staff"]["permissions"], json!(["orders.read", "staff.read"]));
    assert_eq!(grace.recovery.len(), 10);
    assert!(grace.recovery.iter().all(|code| code.replace('-', "").len() == 24));
    ok(grace.get("/v1/admin/staff").await);

    next_step(&shop);
    let first = ok(grace.first_step().await);
    assert_eq!(first["mfa_enrollment_required"], false);
    assert_eq!(first["enrollment"], Value::Null);
    let session = ok(grace.second_step(&first["mfa_token"], &grace.code(0)).await);
    assert_eq!(session["recovery_codes"], Value::Null);
    assert_eq!(noted(&shop, &grace.id, "staff.accept_invitation").await, 1);
    assert_eq!(noted(&shop, &grace.id, "second_factor.enrolled").await, 1);
    assert_eq!(noted(&shop, &grace.id, "staff.sign_in").await, 2);
    // Told of the new second factor, too.
    let subjects: Vec<String> = shop.mails().into_iter().map(|mail| mail.subject).collect();
    assert!(subjects.iter().any(|subject| subject.contains("second factor")), "{subjects:?}");
}

#[tokio::test]
async fn a_code_is_taken_once_a_step_early_or_late_and_no_more() {
    let shop = world::open().await;
    let ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let try_code = async |code: String| {
        let token = ok(ada.first_step().await)["mfa_token"].clone();
        ada.second_step(&token, &code).await
    };
    // The one of the enrollment.
    is(&try_code(ada.code(0)).await, 401, "invalid_code");
    ok(try_code(ada.code(1)).await);
    is(&try_code(ada.code(1)).await, 401, "invalid_code");
    // Older than the one that was taken.
    is(&try_code(ada.code(0)).await, 401, "invalid_code");
    shop.clock().advance_ms(20 * MINUTE);
    is(&try_code(ada.code(2)).await, 401, "invalid_code");
    is(&try_code(ada.code(-2)).await, 401, "invalid_code");
    ok(try_code(ada.code(-1)).await);
    ok(try_code(ada.code(0)).await);
    ok(try_code(ada.code(1)).await);
}

#[tokio::test]
async fn of_two_who_show_one_code_at_once_one_comes_in() {
    let shop = world::open().await;
    let ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    next_step(&shop);
    let token = ok(ada.first_step().await)["mfa_token"].clone();
    let code = ada.code(0);
    let (one, two) = tokio::join!(ada.second_step(&token, &code), ada.second_step(&token, &code));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn a_recovery_code_is_good_once_however_it_is_typed() {
    let shop = world::open().await;
    let ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let try_code = async |code: &str| {
        let token = ok(ada.first_step().await)["mfa_token"].clone();
        ada.second_step(&token, code).await
    };
    ok(try_code(&ada.recovery[3]).await);
    is(&try_code(&ada.recovery[3]).await, 401, "invalid_code");
    ok(try_code(&ada.recovery[4].to_lowercase().replace('-', " ")).await);
    is(&try_code("AAAAAA-AAAAAA-AAAAAA-AAAAAA").await, 401, "invalid_code");
    assert_eq!(noted(&shop, &ada.id, "second_factor.used_recovery").await, 2);
}

#[tokio::test]
async fn wrong_codes_are_counted_whoever_sends_them_and_good_ones_are_not() {
    let shop = world::open().await;
    let mut ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    for _ in 0..8 {
        next_step(&shop);
        ada.sign_in().await;
    }
    next_step(&shop);
    let token = ok(ada.first_step().await)["mfa_token"].clone();
    for round in 0..5 {
        ada.ip = format!("198.51.100.{round}");
        is(&ada.second_step(&token, "000000").await, 401, "invalid_code");
    }
    let refused = ada.second_step(&token, &ada.code(0)).await;
    is(&refused, 429, "rate_limited");
    assert!(refused.header("retry-after").is_some());
    assert!(refused.header("ratelimit-remaining").is_some());
    assert_eq!(noted(&shop, "nobody", "staff.sign_in_failed_burst").await, 1);
    // Nobody is locked out for good.
    shop.clock().advance_ms(4 * MINUTE);
    ada.sign_in().await;
}

#[tokio::test]
async fn wrong_passwords_unknown_invited_and_suspended_ones_get_one_answer() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let body = json!({"email": "grace@shop.example", "name": "Grace", "role_id": ada.role});
    ok(owner.call("POST", "/v1/admin/invitations", &body).await);
    let suspended = Colleague::of(&shop, "bob", &[StaffRead]).await;
    ok(owner.call("POST", &path(&suspended, "/suspend"), &Value::Null).await);
    let mut bodies = Vec::new();
    for email in ["ada@shop.example", "grace@shop.example", "bob@shop.example", "eve@x.example"] {
        let mut somebody = Colleague::stranger(&shop, email);
        if email.starts_with("ada") {
            "not her password".clone_into(&mut somebody.password);
        }
        let answer = somebody.first_step().await;
        is(&answer, 401, "invalid_credentials");
        let mut body = answer.value();
        body["request_id"] = Value::Null;
        bodies.push(body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    // Five wrong ones from one address, and the audit log knows.
    let mut guesser = Colleague::stranger(&shop, "ada@shop.example");
    "a wrong password".clone_into(&mut guesser.password);
    for _ in 0..4 {
        is(&guesser.first_step().await, 401, "invalid_credentials");
    }
    is(&guesser.first_step().await, 429, "rate_limited");
    assert_eq!(noted(&shop, "nobody", "staff.sign_in_failed_burst").await, 1);
}

#[tokio::test]
async fn what_opens_one_kind_of_door_opens_no_other() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let jane = Shopper::customer(&shop, "jane@example.org").await;
    let bearer = |token: &str| format!("Bearer {token}");
    let open = async |target: &str, token: &str| {
        let request = Request::new("GET", target).header("authorization", &bearer(token));
        shop.send(request).await.status
    };
    let (staff_door, store_door) = ("/v1/admin/staff", "/v1/store/orders");
    let customers = jane.bearer.clone().unwrap();
    assert_eq!(open(staff_door, &owner.bearer).await, 200);
    assert_eq!(open(store_door, &customers).await, 200);
    assert_eq!(open(store_door, &owner.bearer).await, 401);
    assert_eq!(open(staff_door, &customers).await, 401);
    for token in [&owner.bearer, &customers] {
        assert_eq!(open("/v1/auth/me", token).await, 200);
    }
    next_step(&shop);
    let first = ok(owner.first_step().await);
    let waiting = first["mfa_token"].as_str().unwrap();
    for target in [staff_door, store_door, "/v1/auth/me", "/v1/auth/staff/sessions"] {
        assert_eq!(open(target, waiting).await, 401, "{target}");
        assert_eq!(open(target, &owner.refresh_token).await, 401, "{target}");
    }
    // Refresh tokens and their doors.
    let with = |token: &str| json!({"refresh_token": token});
    let session = ok(jane.login("jane@example.org").await);
    let customers = session["refresh_token"].as_str().unwrap();
    for (target, token) in [
        ("/v1/auth/staff/refresh", customers),
        ("/v1/auth/refresh", owner.refresh_token.as_str()),
        ("/v1/auth/staff/logout", customers),
        ("/v1/auth/logout", owner.refresh_token.as_str()),
    ] {
        let request = Request::new("POST", target).json(&with(token));
        assert_eq!(shop.send(request).await.status, 401, "{target}");
    }
    ok(owner.call("POST", "/v1/auth/staff/refresh", &with(&owner.refresh_token)).await);
}

#[tokio::test]
async fn a_waiting_sign_in_ends_after_five_minutes_or_with_the_password() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let token = ok(ada.first_step().await)["mfa_token"].clone();
    shop.clock().advance_ms(5 * MINUTE);
    is(&ada.second_step(&token, &ada.code(0)).await, 401, "invalid_mfa_token");
    is(&ada.second_step(&json!("made.up"), &ada.code(0)).await, 401, "invalid_mfa_token");

    let token = ok(ada.first_step().await)["mfa_token"].clone();
    let body = json!({"current_password": PASSWORD, "password": "a louder river stone"});
    let changed = ada.call("POST", "/v1/auth/staff/password/change", &body).await;
    assert_eq!(changed.status, 204, "{}", changed.text());
    is(&ada.second_step(&token, &ada.code(0)).await, 401, "invalid_mfa_token");

    let mut ada = ada;
    "a louder river stone".clone_into(&mut ada.password);
    let token = ok(ada.first_step().await)["mfa_token"].clone();
    ok(owner.call("POST", &path(&ada, "/suspend"), &Value::Null).await);
    is(&ada.second_step(&token, &ada.code(0)).await, 401, "invalid_mfa_token");
}

#[tokio::test]
async fn in_a_browser_the_session_is_in_strict_cookies() {
    let shop = world::open().await;
    let ada = Colleague::of(&shop, "ada", &[StaffManage, StaffRead]).await;
    next_step(&shop);
    let body = json!({"email": ada.email, "password": PASSWORD});
    let origin = shop.base_url().to_owned();
    let send = async |method: &str, target: &str, cookies: &str, csrf: &str, body: &Value| {
        let request = Request::new(method, target)
            .header("origin", &origin)
            .header("cookie", cookies)
            .header("x-csrf-token", csrf);
        shop.send(request.json(body)).await
    };
    let foreign = Request::new("POST", "/v1/auth/staff/login");
    let foreign = shop.send(foreign.header("origin", "https://evil.example").json(&body)).await;
    is(&foreign, 403, "csrf_failed");
    let first = ok(send("POST", "/v1/auth/staff/login", "", "", &body).await);
    let proof = json!({"mfa_token": first["mfa_token"], "code": ada.code(0)});
    let second = send("POST", "/v1/auth/staff/mfa", "", "", &proof).await;
    assert_eq!(second.status, 200, "{}", second.text());
    assert_eq!(second.value()["access_token"], Value::Null);
    let lines: Vec<&str> = second.all("set-cookie").collect();
    assert_eq!(lines.len(), 2);
    for line in &lines {
        for wanted in ["__Host-staff-", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"] {
            assert!(line.contains(wanted), "{line}");
        }
    }
    let cookies: Vec<&str> = lines.iter().filter_map(|line| line.split(';').next()).collect();
    let cookies = cookies.join("; ");
    let csrf = second.value()["csrf_token"].as_str().unwrap().to_owned();
    ok(send("GET", "/v1/admin/staff", &cookies, "", &Value::Null).await);
    let role = json!({"name": "Reader", "permissions": ["staff.read"]});
    is(&send("POST", "/v1/admin/roles", &cookies, "", &role).await, 403, "csrf_failed");
    ok(send("POST", "/v1/admin/roles", &cookies, &csrf, &role).await);
    ok(send("POST", "/v1/auth/staff/refresh", &cookies, "", &json!({})).await);
    let left = send("POST", "/v1/auth/staff/logout", &cookies, &csrf, &json!({})).await;
    assert_eq!(left.status, 204, "{}", left.text());
    assert!(left.all("set-cookie").all(|line| line.contains("Max-Age=0")));
}

#[tokio::test]
async fn who_is_suspended_is_out_within_a_minute_and_for_whoever_did_it_at_once() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let victim = Colleague::of(&shop, "victim", &[]).await;
    let mut bob = Colleague::of(&shop, "bob", &[StaffManage, StaffRead]).await;
    // Believed at both doors now.
    ok(bob.get("/v1/admin/staff").await);
    ok(bob.call("POST", &path(&victim, "/suspend"), &Value::Null).await);
    ok(bob.call("POST", &path(&victim, "/reinstate"), &Value::Null).await);
    let suspended = ok(owner.call("POST", &path(&bob, "/suspend"), &Value::Null).await);
    assert_eq!(suspended["status"], "suspended");
    let again = bob.call("POST", &path(&victim, "/suspend"), &Value::Null).await;
    is(&again, 401, "session_revoked");
    let renewed = json!({"refresh_token": bob.refresh_token});
    is(&bob.call("POST", "/v1/auth/staff/refresh", &renewed).await, 401, "session_revoked");
    a_minute_later(&shop);
    is(&bob.get("/v1/admin/staff").await, 401, "session_revoked");
    is(&bob.get("/v1/auth/me").await, 401, "session_revoked");

    let twice = owner.call("POST", &path(&bob, "/suspend"), &Value::Null).await;
    is(&twice, 409, "invalid_transition");
    let back = ok(owner.call("POST", &path(&bob, "/reinstate"), &Value::Null).await);
    assert_eq!(back["status"], "active");
    // The old session stays over.
    is(&bob.get("/v1/admin/staff").await, 401, "session_revoked");
    next_step(&shop);
    bob.sign_in().await;
    ok(bob.get("/v1/admin/staff").await);
    assert_eq!(noted(&shop, &owner.id, "staff.suspend").await, 1);
    assert_eq!(noted(&shop, &owner.id, "staff.reinstate").await, 1);
    assert_eq!(noted(&shop, &bob.id, "staff.suspend").await, 1);
}

#[tokio::test]
async fn of_two_who_suspend_each_other_at_once_one_stays() {
    let shop = world::open().await;
    let one = Colleague::of(&shop, "one", &[StaffManage, StaffRead]).await;
    let two = Colleague::of(&shop, "two", &[StaffManage, StaffRead]).await;
    let (at_two, at_one) = (path(&two, "/suspend"), path(&one, "/suspend"));
    let (first, second) = tokio::join!(
        one.call("POST", &at_two, &Value::Null),
        two.call("POST", &at_one, &Value::Null),
    );
    let done = [&first, &second].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{} {}", first.text(), second.text());
    a_minute_later(&shop);
    let left = [&one, &two];
    let mut inside = 0;
    for colleague in left {
        inside += usize::from(colleague.get("/v1/admin/staff").await.status == 200);
    }
    assert_eq!(inside, 1);
}

#[tokio::test]
async fn another_role_and_a_changed_role_are_obeyed_within_a_minute() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let ada = Colleague::of(&shop, "ada", &[]).await;
    let answer = ada.get("/v1/admin/roles").await;
    is(&answer, 403, "forbidden");
    assert_eq!(answer.value()["permission"], "staff.read");

    let (at, role) = make_role(&owner, &[StaffRead]).await;
    let tag = owner.tag(&path(&ada, "")).await;
    let body = json!({"role_id": role["id"]});
    let target = path(&ada, "");
    is(&owner.call("PATCH", &target, &body).await, 428, "if_match_required");
    is(&owner.call_if("\"v99\"", "PATCH", &target, &body).await, 412, "if_match_failed");
    let unknown = json!({"role_id": "rol_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    let answer = owner.call_if(&tag, "PATCH", &target, &unknown).await;
    assert_eq!(answer.value()["errors"][0]["code"], "unknown_role", "{}", answer.text());
    let changed = owner.call_if(&tag, "PATCH", &target, &body).await;
    assert_eq!(changed.value()["role_id"], role["id"], "{}", changed.text());
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    is(&owner.call_if(&tag, "PATCH", &target, &body).await, 412, "if_match_failed");
    a_minute_later(&shop);
    ok(ada.get("/v1/admin/roles").await);

    let tag = owner.tag(&at).await;
    let narrower = json!({"permissions": ["orders.read"]});
    is(&owner.call("PATCH", &at, &narrower).await, 428, "if_match_required");
    let changed = ok(owner.call_if(&tag, "PATCH", &at, &narrower).await);
    assert_eq!(changed["permissions"], json!(["orders.read"]));
    assert_eq!(changed["name"], "A role");
    is(&owner.call_if(&tag, "PATCH", &at, &narrower).await, 412, "if_match_failed");
    a_minute_later(&shop);
    is(&ada.get("/v1/admin/roles").await, 403, "forbidden");
    assert_eq!(ok(ada.get("/v1/auth/me").await)["permissions"], json!(["orders.read"]));
    assert_eq!(noted(&shop, &owner.id, "staff.change_role").await, 1);
    assert_eq!(noted(&shop, &owner.id, "role.change").await, 1);
}

#[tokio::test]
async fn a_role_that_somebody_has_stays_and_one_that_nobody_has_goes() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let at = format!("/v1/admin/roles/{}", ada.role);
    let tag = owner.tag(&at).await;
    is(&owner.call("DELETE", &at, &Value::Null).await, 428, "if_match_required");
    is(&owner.call_if(&tag, "DELETE", &at, &Value::Null).await, 409, "role_in_use");
    let (other, role) = make_role(&owner, &[StaffRead]).await;
    let seen = owner.tag(&path(&ada, "")).await;
    let body = json!({"role_id": role["id"]});
    ok(owner.call_if(&seen, "PATCH", &path(&ada, ""), &body).await);
    is(&owner.call_if("\"v9\"", "DELETE", &at, &Value::Null).await, 412, "if_match_failed");
    assert_eq!(owner.call_if(&tag, "DELETE", &at, &Value::Null).await.status, 204);
    is(&owner.get(&at).await, 404, "not_found");
    let tag = owner.tag(&other).await;
    is(&owner.call_if(&tag, "DELETE", &other, &Value::Null).await, 409, "role_in_use");
    let own = format!("/v1/admin/roles/{}", owner.role);
    let tag = owner.tag(&own).await;
    is(&owner.call_if(&tag, "DELETE", &own, &Value::Null).await, 409, "owner_role");
    let body = json!({"name": "Boss"});
    is(&owner.call_if(&tag, "PATCH", &own, &body).await, 409, "owner_role");
    let bad = json!({"name": " ", "permissions": ["ships.sink", "orders.read", "x"]});
    let answer = owner.call("POST", "/v1/admin/roles", &bad).await;
    let pointers: Vec<Value> = answer.value()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flaw| flaw["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["/permissions/0", "/permissions/2"], "{}", answer.text());
    let blank = json!({"name": " ", "permissions": []});
    let answer = owner.call("POST", "/v1/admin/roles", &blank).await;
    assert_eq!(answer.value()["errors"][0]["code"], "invalid_role_name", "{}", answer.text());
}

#[tokio::test]
async fn what_can_not_be_undone_wants_a_proof_of_the_last_ten_minutes() {
    let shop = world::open().await;
    let ada = Colleague::of(&shop, "ada", &[StaffManage, StaffRead]).await;
    let role = json!({"name": "Reader", "permissions": ["staff.read"]});
    ok(ada.call("POST", "/v1/admin/roles", &role).await);
    shop.clock().advance_ms(10 * MINUTE + 1000);
    is(&ada.call("POST", "/v1/admin/roles", &role).await, 403, "step_up_required");
    // Reading does not want it.
    ok(ada.get("/v1/admin/roles").await);
    let target = "/v1/auth/staff/step_up";
    let wrong = json!({"password": "wrong", "code": ada.code(0)});
    is(&ada.call("POST", target, &wrong).await, 401, "invalid_credentials");
    let wrong = json!({"password": PASSWORD, "code": "000000"});
    is(&ada.call("POST", target, &wrong).await, 401, "invalid_credentials");
    let good = json!({"password": PASSWORD, "code": ada.code(0)});
    assert_eq!(ada.call("POST", target, &good).await.status, 204);
    // At once, at every door.
    ok(ada.call("POST", "/v1/admin/roles", &role).await);
    is(&ada.call("POST", target, &good).await, 401, "invalid_credentials");
    shop.clock().advance_ms(4 * MINUTE);
    ok(ada.call("POST", "/v1/admin/roles", &role).await);
    assert_eq!(noted(&shop, &ada.id, "staff.step_up").await, 1);
}

#[tokio::test]
async fn nobody_acts_on_themselves_or_on_who_may_do_more() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let bob = Colleague::of(&shop, "bob", &[StaffManage, StaffRead]).await;
    let rich = Colleague::of(&shop, "rich", &[StaffRead, OrdersRefund]).await;
    for verb in ["/suspend", "/reset_second_factor"] {
        is(&bob.call("POST", &path(&bob, verb), &Value::Null).await, 409, "own_account");
        is(&owner.call("POST", &path(&owner, verb), &Value::Null).await, 409, "own_account");
        for victim in [&owner, &rich] {
            is(&bob.call("POST", &path(victim, verb), &Value::Null).await, 403, "outranked");
        }
    }
    let tag = bob.tag(&path(&bob, "")).await;
    let body = json!({"role_id": owner.role});
    is(&bob.call_if(&tag, "PATCH", &path(&bob, ""), &body).await, 409, "own_account");
    let poor = Colleague::of(&shop, "poor", &[]).await;
    let tag = bob.tag(&path(&poor, "")).await;
    is(&bob.call_if(&tag, "PATCH", &path(&poor, ""), &body).await, 403, "outranked");
    let body = json!({"email": "eve@shop.example", "name": "Eve", "role_id": rich.role});
    is(&bob.call("POST", "/v1/admin/invitations", &body).await, 403, "outranked");
    let body = json!({"name": "More", "permissions": ["orders.refund"]});
    is(&bob.call("POST", "/v1/admin/roles", &body).await, 403, "outranked");
    // The own role, and one that is wider.
    for (role, code) in [(&bob.role, (409, "own_account")), (&rich.role, (403, "outranked"))] {
        let at = format!("/v1/admin/roles/{role}");
        let tag = bob.tag(&at).await;
        let body = json!({"permissions": ["staff.read"]});
        is(&bob.call_if(&tag, "PATCH", &at, &body).await, code.0, code.1);
        is(&bob.call_if(&tag, "DELETE", &at, &Value::Null).await, code.0, code.1);
    }
    let sessions = ok(bob.get(&path(&rich, "/sessions")).await);
    let id = sessions["data"][0]["id"].as_str().unwrap();
    let at = path(&rich, &format!("/sessions/{id}"));
    is(&bob.call("DELETE", &at, &Value::Null).await, 403, "outranked");
    ok(rich.get("/v1/admin/staff").await);
    // Nobody was touched.
    let staff = ok(owner.get("/v1/admin/staff").await);
    assert!(staff["data"].as_array().unwrap().iter().all(|one| one["status"] == "active"));
}

#[tokio::test]
async fn a_lost_app_is_replaced_with_the_help_of_a_colleague() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let mut ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let (lost, old) = (ada.secret.clone(), ok(ada.first_step().await)["mfa_token"].clone());
    let answer = owner.call("POST", &path(&ada, "/reset_second_factor"), &Value::Null).await;
    assert_eq!(ok(answer)["has_second_factor"], false);
    a_minute_later(&shop);
    is(&ada.get("/v1/admin/staff").await, 401, "session_revoked");
    // A sign-in that began before knows of no secret.
    is(&ada.second_step(&old, &ada.code(0)).await, 401, "invalid_mfa_token");
    ada.sign_in().await;
    assert_ne!(ada.secret, lost);
    assert_eq!(ada.recovery.len(), 10);
    assert_eq!(noted(&shop, &owner.id, "staff.reset_second_factor").await, 1);
    assert_eq!(noted(&shop, &ada.id, "second_factor.enrolled").await, 2);
}

#[tokio::test]
async fn a_second_enrollment_that_was_begun_replaces_nothing() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let mut ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    ok(owner.call("POST", &path(&ada, "/reset_second_factor"), &Value::Null).await);
    let thief = ok(ada.first_step().await);
    ada.sign_in().await;
    let mut with_thief = ada.clone();
    with_thief.secret = {
        let mut other = Colleague::stranger(&shop, "x");
        other.secret = ada.secret.iter().rev().copied().collect();
        other.secret
    };
    next_step(&shop);
    is(&ada.second_step(&thief["mfa_token"], &with_thief.code(0)).await, 401, "invalid_code");
    // It is a first step like any other now.
    ok(ada.second_step(&thief["mfa_token"], &ada.code(0)).await);
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_the_second_factor_stays() {
    let shop = world::open().await;
    let mut ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let forgot = "/v1/auth/staff/password/forgot";
    let reset = "/v1/auth/staff/password/reset";
    let mails = shop.mails().len();
    let unknown = ada.call("POST", forgot, &json!({"email": "nobody@shop.example"})).await;
    let known = ada.call("POST", forgot, &json!({"email": ada.email})).await;
    assert_eq!((unknown.status, known.status), (202, 202));
    assert_eq!(unknown.value(), known.value());
    shop.settle().await;
    let first = ada.mailed_token().await;
    ok(ada.call("POST", forgot, &json!({"email": ada.email})).await);
    let second = ada.mailed_token().await;
    assert!(shop.mails().len() >= mails + 2 && first != second);

    let body = |token: &str| json!({"token": token, "password": "a louder river stone"});
    is(&ada.call("POST", reset, &body("nonsense")).await, 400, "invalid_token");
    let weak = json!({"token": second, "password": "ada"});
    assert_eq!(ada.call("POST", reset, &weak).await.status, 400);
    assert_eq!(ada.call("POST", reset, &body(&second)).await.status, 204);
    // Used, and one that was mailed before.
    is(&ada.call("POST", reset, &body(&second)).await, 400, "invalid_token");
    is(&ada.call("POST", reset, &body(&first)).await, 400, "invalid_token");
    a_minute_later(&shop);
    is(&ada.get("/v1/admin/staff").await, 401, "session_revoked");
    ada.bearer.clear();
    is(&ada.first_step().await, 401, "invalid_credentials");
    "a louder river stone".clone_into(&mut ada.password);
    let step = ok(ada.first_step().await);
    assert_eq!(step["mfa_enrollment_required"], false);
    ada.sign_in().await;
    assert_eq!(noted(&shop, &ada.id, "staff.reset_password").await, 1);
    shop.clock().advance_ms(61 * MINUTE);
    ok(ada.call("POST", forgot, &json!({"email": ada.email})).await);
    let late = ada.mailed_token().await;
    shop.clock().advance_ms(30 * MINUTE);
    is(&ada.call("POST", reset, &body(&late)).await, 400, "invalid_token");
}

#[tokio::test]
async fn an_invitation_ends_after_three_days_and_is_written_again() {
    let shop = world::open().await;
    let mut owner = Colleague::owner(&shop).await;
    let (_, role) = make_role(&owner, &[StaffRead]).await;
    let (_, other) = make_role(&owner, &[OrdersRead]).await;
    let mut grace = Colleague::stranger(&shop, "grace@shop.example");
    let invite = async |owner: &Colleague, role: &Value| {
        let body = json!({"email": "grace@shop.example", "name": "Grace", "role_id": role["id"]});
        owner.call("POST", "/v1/admin/invitations", &body).await
    };
    let first = ok(invite(&owner, &role).await);
    let token = grace.mailed_token().await;
    shop.clock().advance_ms(72 * 60 * MINUTE);
    let target = "/v1/auth/staff/invitations/accept";
    let body = json!({"token": token, "password": PASSWORD});
    is(&grace.call("POST", target, &body).await, 400, "invalid_token");
    owner.sign_in().await;
    let again = ok(invite(&owner, &other).await);
    assert_eq!((&again["id"], &again["role_id"]), (&first["id"], &other["id"]));
    // Who was invited and has forgotten it gets another letter by themselves.
    let forgot = json!({"email": grace.email});
    ok(grace.call("POST", "/v1/auth/staff/password/forgot", &forgot).await);
    accept(&grace).await;
    grace.sign_in().await;
    is(&invite(&owner, &role).await, 409, "address_taken");
    assert_eq!(ok(grace.get("/v1/auth/me").await)["permissions"], json!(["orders.read"]));
    // The role of the first invitation is nobody's.
    let at = format!("/v1/admin/roles/{}", role["id"].as_str().unwrap());
    let tag = owner.tag(&at).await;
    assert_eq!(owner.call_if(&tag, "DELETE", &at, &Value::Null).await.status, 204);
    // Whoever is suspended before they came has a link that is good for nothing.
    let body = json!({"email": "bob@shop.example", "name": "Bob", "role_id": other["id"]});
    let invited = ok(owner.call("POST", "/v1/admin/invitations", &body).await);
    let mut bob = Colleague::stranger(&shop, "bob@shop.example");
    invited["id"].as_str().unwrap().clone_into(&mut bob.id);
    let token = bob.mailed_token().await;
    ok(owner.call("POST", &path(&bob, "/suspend"), &Value::Null).await);
    let body = json!({"token": token, "password": PASSWORD});
    is(&bob.call("POST", target, &body).await, 400, "invalid_token");
    let back = ok(owner.call("POST", &path(&bob, "/reinstate"), &Value::Null).await);
    assert_eq!(back["status"], "invited");
    assert_eq!(bob.call("POST", target, &body).await.status, 204);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all_but_one() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let mut ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let first = ada.clone();
    next_step(&shop);
    ada.sign_in().await;
    let second = ada.clone();
    next_step(&shop);
    ada.sign_in().await;
    let own = "/v1/auth/staff/sessions";
    let listed = ok(ada.get(own).await);
    let rows = listed["data"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows.iter().filter(|row| row["is_current"] == true).count(), 1);
    assert_eq!(rows[0]["is_current"], true, "newest first: {listed}");
    assert_eq!(rows[0]["network"], "198.51.100.0/24");
    let by_owner = ok(owner.get(&path(&ada, "/sessions")).await);
    assert_eq!(by_owner["data"].as_array().unwrap().len(), 3);

    let target = format!("{own}/{}", rows[2]["id"].as_str().unwrap());
    assert_eq!(ada.call("DELETE", &target, &Value::Null).await.status, 204);
    is(&ada.call("DELETE", &target, &Value::Null).await, 404, "not_found");
    a_minute_later(&shop);
    is(&first.get(own).await, 401, "session_revoked");
    ok(second.get(own).await);
    // Nobody ends somebody else's by the own door.
    let foreign = ok(owner.get(own).await)["data"][0]["id"].as_str().unwrap().to_owned();
    is(&ada.call("DELETE", &format!("{own}/{foreign}"), &Value::Null).await, 404, "not_found");

    let current = rows[0]["id"].as_str().unwrap();
    let target = path(&ada, &format!("/sessions/{current}"));
    assert_eq!(owner.call("DELETE", &target, &Value::Null).await.status, 204);
    a_minute_later(&shop);
    is(&ada.get(own).await, 401, "session_revoked");
    ada.sign_in().await;
    assert_eq!(ada.call("DELETE", own, &Value::Null).await.status, 204);
    a_minute_later(&shop);
    is(&second.get(own).await, 401, "session_revoked");
    let listed = ok(ada.get(own).await);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(noted(&shop, &ada.id, "staff.end_session").await, 1);
    assert_eq!(noted(&shop, &ada.id, "staff.end_sessions").await, 1);
    assert_eq!(noted(&shop, &owner.id, "staff.end_session").await, 1);
}

#[tokio::test]
async fn another_password_ends_all_other_sessions() {
    let shop = world::open().await;
    let mut ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    let elsewhere = ada.clone();
    next_step(&shop);
    ada.sign_in().await;
    let target = "/v1/auth/staff/password/change";
    let wrong = json!({"current_password": "wrong", "password": "a louder river stone"});
    is(&ada.call("POST", target, &wrong).await, 401, "invalid_credentials");
    let weak = json!({"current_password": PASSWORD, "password": "ada"});
    assert_eq!(ada.call("POST", target, &weak).await.status, 400);
    let good = json!({"current_password": PASSWORD, "password": "a louder river stone"});
    assert_eq!(ada.call("POST", target, &good).await.status, 204);
    a_minute_later(&shop);
    is(&elsewhere.get("/v1/admin/staff").await, 401, "session_revoked");
    ok(ada.get("/v1/admin/staff").await);
    assert_eq!(noted(&shop, &ada.id, "staff.change_password").await, 1);
}

#[tokio::test]
async fn a_session_of_the_staff_ends_after_an_hour_of_rest() {
    let shop = world::open().await;
    let mut ada = Colleague::of(&shop, "ada", &[StaffRead]).await;
    shop.clock().advance_ms(59 * MINUTE);
    let body = json!({"refresh_token": ada.refresh_token});
    let renewed = ok(ada.call("POST", "/v1/auth/staff/refresh", &body).await);
    ada.keep(&renewed);
    ok(ada.get("/v1/admin/staff").await);
    shop.clock().advance_ms(61 * MINUTE);
    let body = json!({"refresh_token": ada.refresh_token});
    is(&ada.call("POST", "/v1/auth/staff/refresh", &body).await, 401, "session_revoked");
}

/// Somebody with a key: the door that it opens.
async fn with_key(shop: &Shop, key: &str, ip: &str) -> Response {
    let request = Request::new("GET", "/v1/admin/staff").from_ip(ip);
    shop.send(request.header("authorization", &format!("Bearer {key}"))).await
}

const HOME: &str = "198.51.100.9";

async fn make_key(maker: &Colleague, body: &Value) -> (String, String) {
    let made = maker.call("POST", "/v1/admin/api_keys", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    let id = made["api_key"]["id"].as_str().unwrap().to_owned();
    (id, made["key"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_key_is_shown_once_and_does_what_it_was_made_for() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let body = json!({"name": "ERP", "scopes": ["staff.read"]});
    let (id, key) = make_key(&owner, &body).await;
    assert!(key.starts_with("flx_test_"), "{key}");
    ok(with_key(&shop, &key, HOME).await);
    let at = format!("/v1/admin/api_keys/{id}");
    for target in [at.as_str(), "/v1/admin/api_keys"] {
        let shown = owner.get(target).await;
        assert!(shown.text().contains(&id) && !shown.text().contains(&key), "{target}");
        assert!(!shown.text().contains("hash"), "{target}");
    }
    let view = ok(owner.get(&at).await);
    assert_eq!((&view["is_good"], &view["is_live"]), (&json!(true), &json!(false)));
    assert_eq!(view["creator"], owner.id.as_str());
    assert!(view["last_used_at"].is_string(), "{view}");

    let open = async |method: &str, target: &str, body: &Value| {
        let request = Request::new(method, target).json(body).from_ip(HOME);
        shop.send(request.header("authorization", &format!("Bearer {key}"))).await
    };
    // Not what it was not made for, not what no key may do, no door of people or customers.
    is(&open("GET", "/v1/admin/audit", &Value::Null).await, 403, "forbidden");
    let role = json!({"name": "x", "permissions": []});
    is(&open("POST", "/v1/admin/roles", &role).await, 403, "forbidden");
    is(&open("POST", "/v1/admin/api_keys", &body).await, 403, "forbidden");
    for target in ["/v1/auth/me", "/v1/auth/staff/sessions", "/v1/store/orders"] {
        is(&open("GET", target, &Value::Null).await, 401, "unauthenticated");
    }
    // No key is made of what no key may do, of nothing, or of the past.
    for (body, code) in [
        (json!({"name": "x", "scopes": ["staff.manage"]}), "scope_not_for_keys"),
        (json!({"name": "x", "scopes": []}), "no_scopes"),
        (json!({"name": " ", "scopes": ["staff.read"]}), "invalid_key_name"),
        (
            json!({"name": "x", "scopes": ["staff.read"], "expires_at": "2020-01-01T00:00:00Z"}),
            "already_expired",
        ),
        (json!({"name": "x", "scopes": ["ships.sink"]}), "unknown_permission"),
    ] {
        let answer = owner.call("POST", "/v1/admin/api_keys", &body).await;
        assert_eq!(answer.value()["errors"][0]["code"], code, "{}", answer.text());
    }
    let maker = Colleague::of(&shop, "maker", &[ApiKeysManage, StaffRead]).await;
    let wider = json!({"name": "x", "scopes": ["orders.refund"]});
    is(&maker.call("POST", "/v1/admin/api_keys", &wider).await, 403, "scopes_wider_than_own");
    assert_eq!(noted(&shop, &owner.id, "api_key.create").await, 1);
}

#[tokio::test]
async fn a_key_shrinks_with_its_creator_and_ends_with_them() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let maker = Colleague::of(&shop, "maker", &[ApiKeysManage, StaffRead, OrdersRead]).await;
    let body = json!({"name": "ERP", "scopes": ["staff.read", "orders.read"]});
    let (_, key) = make_key(&maker, &body).await;
    ok(with_key(&shop, &key, HOME).await);
    let at = format!("/v1/admin/roles/{}", maker.role);
    let narrower = json!({"permissions": ["api_keys.manage", "orders.read"]});
    let tag = owner.tag(&at).await;
    ok(owner.call_if(&tag, "PATCH", &at, &narrower).await);
    a_minute_later(&shop);
    is(&with_key(&shop, &key, HOME).await, 403, "forbidden");
    let wider = json!({"permissions": ["api_keys.manage", "staff.read"]});
    let tag = owner.tag(&at).await;
    ok(owner.call_if(&tag, "PATCH", &at, &wider).await);
    a_minute_later(&shop);
    ok(with_key(&shop, &key, HOME).await);
    ok(owner.call("POST", &path(&maker, "/suspend"), &Value::Null).await);
    a_minute_later(&shop);
    is(&with_key(&shop, &key, HOME).await, 401, "unauthenticated");
}

#[tokio::test]
async fn a_key_expires_is_rotated_with_an_overlap_and_is_revoked_at_once() {
    let shop = world::open().await;
    let mut owner = Colleague::owner(&shop).await;
    let end = shop.clock().now() + jiff::SignedDuration::from_hours(1);
    let body = json!({"name": "x", "scopes": ["staff.read"], "expires_at": end.to_string()});
    let (id, key) = make_key(&owner, &body).await;
    ok(with_key(&shop, &key, HOME).await);
    shop.clock().advance_ms(60 * MINUTE);
    is(&with_key(&shop, &key, HOME).await, 401, "unauthenticated");
    owner.sign_in().await;
    let ended = owner.call("POST", &format!("/v1/admin/api_keys/{id}/rotate"), &json!({})).await;
    is(&ended, 409, "key_ended");

    let (id, first) = make_key(&owner, &json!({"name": "y", "scopes": ["staff.read"]})).await;
    ok(with_key(&shop, &first, HOME).await);
    let at = format!("/v1/admin/api_keys/{id}");
    let rotate = format!("{at}/rotate");
    let poor = Colleague::of(&shop, "poor", &[ApiKeysManage]).await;
    is(&poor.call("POST", &rotate, &json!({})).await, 403, "scopes_wider_than_own");
    let rotated = ok(owner.call("POST", &rotate, &json!({})).await);
    let second = rotated["key"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(rotated["api_key"]["id"], id.as_str());
    ok(with_key(&shop, &first, HOME).await);
    a_minute_later(&shop);
    ok(with_key(&shop, &first, HOME).await);
    ok(with_key(&shop, &second, HOME).await);
    shop.clock().advance_ms(24 * 60 * MINUTE);
    is(&with_key(&shop, &first, HOME).await, 401, "unauthenticated");
    ok(with_key(&shop, &second, HOME).await);

    owner.sign_in().await;
    let third = ok(owner.call("POST", &rotate, &json!({"overlap_hours": 0})).await);
    let third = third["key"].as_str().unwrap().to_owned();
    a_minute_later(&shop);
    is(&with_key(&shop, &second, HOME).await, 401, "unauthenticated");
    ok(with_key(&shop, &third, HOME).await);

    is(&owner.call("DELETE", &at, &Value::Null).await, 428, "if_match_required");
    is(&owner.call_if("\"v1\"", "DELETE", &at, &Value::Null).await, 412, "if_match_failed");
    let tag = owner.tag(&at).await;
    assert_eq!(owner.call_if(&tag, "DELETE", &at, &Value::Null).await.status, 204);
    a_minute_later(&shop);
    is(&with_key(&shop, &third, HOME).await, 401, "unauthenticated");
    let view = ok(owner.get(&at).await);
    assert_eq!(view["is_good"], false);
    assert!(view["revoked_at"].is_string());
    assert_eq!(noted(&shop, &owner.id, "api_key.rotate").await, 2);
    assert_eq!(noted(&shop, &owner.id, "api_key.revoke").await, 1);
}

#[tokio::test]
async fn a_mistyped_key_and_one_of_the_live_shop_cost_no_read() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let (id, key) = make_key(&owner, &json!({"name": "x", "scopes": ["staff.read"]})).await;
    ok(with_key(&shop, &key, HOME).await);
    let live = api_key::issue(KeyId::parse(&id).unwrap(), true, &[7; 32]);
    let last = if key.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{last}", &key[..key.len() - 1]);
    let mark = shop.wire().recorder().mark();
    for wrong in [live, mistyped] {
        is(&with_key(&shop, &wrong, HOME).await, 401, "unauthenticated");
    }
    let calls = shop.wire().recorder().since(mark);
    assert!(calls.iter().all(|call| call.service != "dynamodb"), "{calls:?}");
    // Well formed, of this shop, and made up.
    let made_up = api_key::issue(KeyId::parse(&id).unwrap(), false, &[7; 32]);
    is(&with_key(&shop, &made_up, HOME).await, 401, "unauthenticated");
}

#[tokio::test]
async fn a_key_that_is_used_from_a_new_network_is_noted() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let (id, key) = make_key(&owner, &json!({"name": "x", "scopes": ["staff.read"]})).await;
    ok(with_key(&shop, &key, HOME).await);
    assert_eq!(noted(&shop, &id, "api_key.new_network").await, 1);
    a_minute_later(&shop);
    ok(with_key(&shop, &key, "198.51.100.200").await);
    assert_eq!(noted(&shop, &id, "api_key.new_network").await, 1);
    a_minute_later(&shop);
    ok(with_key(&shop, &key, "203.0.113.200").await);
    assert_eq!(noted(&shop, &id, "api_key.new_network").await, 2);
}

#[tokio::test]
async fn lists_are_paged_and_a_cursor_is_its_callers_own() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let reader = world::staff(&shop, &[StaffRead]).await;
    for name in ["a", "b"] {
        make_key(&owner, &json!({"name": name, "scopes": ["staff.read"]})).await;
    }
    for list in ["staff", "roles", "api_keys"] {
        let target = format!("/v1/admin/{list}?limit=1");
        let first = ok(owner.get(&target).await);
        assert_eq!(first["data"].as_array().unwrap().len(), 1);
        let next = format!("{target}&cursor={}", first["next_cursor"].as_str().unwrap());
        let second = ok(owner.get(&next).await);
        assert_ne!(first["data"][0]["id"], second["data"][0]["id"], "{list}");
        let foreign = Request::new("GET", &next);
        let foreign = foreign.header("authorization", &format!("Bearer {reader}"));
        is(&shop.send(foreign).await, 400, "invalid_cursor");
    }
    let all = ok(owner.get("/v1/admin/permissions").await);
    assert_eq!(all["data"].as_array().unwrap().len(), Permission::ALL.len());
    assert!(all["data"].as_array().unwrap().iter().any(|one| one["name"] == AuditRead.name()));
}

#[tokio::test]
async fn a_single_thing_has_a_tag_and_is_not_sent_twice() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let target = path(&owner, "");
    let tag = owner.tag(&target).await;
    let request = Request::new("GET", &target).header("if-none-match", &tag);
    assert_eq!(owner.send(request).await.status, 304);
    let nobody = "/v1/admin/staff/stf_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    is(&owner.get(nobody).await, 404, "not_found");
    let key = "/v1/admin/api_keys/key_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    is(&owner.get(key).await, 404, "not_found");
}

#[tokio::test]
async fn the_demo_owner_signs_in_with_what_the_shop_prints() {
    let options = local::Options { demo: true, ..local::Options::default() };
    let shop = Shop::open(options).await.unwrap();
    let (email, password) = local::demo::OWNER;
    let mut owner = Colleague::stranger(&shop, email);
    password.clone_into(&mut owner.password);
    owner.secret = world::from_base32(&shop.demo_owner_secret().unwrap());
    let session = owner.sign_in().await;
    assert_eq!(session["staff"]["role"]["name"], "Owner");
    assert_eq!(session["recovery_codes"], Value::Null);
}

#[tokio::test]
async fn every_change_stands_in_the_log_with_who_made_it_and_nothing_personal() {
    let shop = world::open().await;
    let owner = Colleague::owner(&shop).await;
    let (at, role) = make_role(&owner, &[StaffRead]).await;
    let tag = owner.tag(&at).await;
    ok(owner.call_if(&tag, "PATCH", &at, &json!({"name": "Clerk of the day"})).await);
    let mut grace = Colleague::stranger(&shop, "grace@shop.example");
    let body = json!({"email": grace.email, "name": "Grace Hopper", "role_id": role["id"]});
    ok(owner.call("POST", "/v1/admin/invitations", &body).await);
    accept(&grace).await;
    grace.sign_in().await;
    let (spare, _) = make_role(&owner, &[]).await;
    let tag = owner.tag(&spare).await;
    assert_eq!(owner.call_if(&tag, "DELETE", &spare, &Value::Null).await.status, 204);
    let (id, _) = make_key(&owner, &json!({"name": "ERP", "scopes": ["staff.read"]})).await;
    let key = format!("/v1/admin/api_keys/{id}");
    ok(owner.call("POST", &format!("{key}/rotate"), &json!({})).await);
    let tag = owner.tag(&key).await;
    assert_eq!(owner.call_if(&tag, "DELETE", &key, &Value::Null).await.status, 204);
    ok(owner.call("POST", &path(&grace, "/suspend"), &Value::Null).await);

    let log = log(&shop).await;
    let mut said: Vec<(&str, &str)> =
        log.iter().map(|(actor, action, _)| (actor.as_str(), action.as_str())).collect();
    said.sort_unstable();
    let (by_owner, by_grace) = (owner.id.as_str(), grace.id.as_str());
    let mut wanted = vec![
        (by_owner, "staff.sign_in"),
        (by_owner, "second_factor.enrolled"),
        (by_owner, "role.create"),
        (by_owner, "role.change"),
        (by_owner, "staff.invite"),
        (by_grace, "staff.accept_invitation"),
        (by_grace, "staff.sign_in"),
        (by_grace, "second_factor.enrolled"),
        (by_owner, "role.create"),
        (by_owner, "role.delete"),
        (by_owner, "api_key.create"),
        (by_owner, "api_key.rotate"),
        (by_owner, "api_key.revoke"),
        (by_owner, "staff.suspend"),
    ];
    wanted.sort_unstable();
    assert_eq!(said, wanted);
    let text = json!(shop.audit_log().await.unwrap()).to_string();
    for personal in ["grace@", "Grace Hopper", "Clerk of the day", "argon2", "ERP"] {
        assert!(!text.contains(personal), "{personal}");
    }
    assert!(text.contains(r#"{"after":"suspended","before":"active","field":"status"}"#), "{text}");
}
