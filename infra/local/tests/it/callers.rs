//! Every route of the contract, tried by everybody who must not get through it.
//!
//! The routes come from the contract, and who may call them from their own declaration there: a
//! new endpoint is tried without a word here. What was tried stands in `callers.txt`, which may
//! only grow.

use std::collections::BTreeSet;

use domain::permission::Permission;
use expect_test::expect_file;
use serde_json::json;

use crate::bad_input::trial::{Operation, Trial, operations};
use crate::world::{Colleague, Shopper, ok, refusal};

/// Whom a route is for, as the contract says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Everybody,
    Signed,
    Customers,
    CartOwners,
    OrderReaders,
    WhoeverIsSignedIn,
    Members,
    Staff,
}

fn whom(operation: &Operation) -> For {
    let requirements = operation.text["security"].as_array().unwrap();
    if requirements.iter().any(|one| one.as_object().unwrap().is_empty()) {
        return For::Everybody;
    }
    let asks = |name| operation.asks_for(name);
    match operation.text.get("x-permission") {
        Some(_) => For::Staff,
        None if operation.is_signed() => For::Signed,
        None if asks("staff_cookie") && asks("session_cookie") => For::WhoeverIsSignedIn,
        None if asks("staff_cookie") => For::Members,
        None if asks("order_token") => For::OrderReaders,
        None if asks("cart_token") => For::CartOwners,
        None => For::Customers,
    }
}

/// Somebody who knocks.
struct Caller {
    name: &'static str,
    /// What stands behind `Bearer`.
    bearer: Option<String>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whose credentials are none, or no longer.
    Nobody,
    /// A customer who owns nothing of what is asked for.
    AnotherCustomer,
    /// The customer who owns all of it: what is the staff's is not hers.
    Customer,
    /// A member of the staff, or a machine, without any permission.
    Powerless,
    /// A machine without any permission, which is no member of the staff either.
    PowerlessMachine,
}

/// What a caller is told at a route; none where they may pass.
fn wanted(operation: &Operation, caller: &Caller) -> Option<(u16, &'static str)> {
    let has_id = operation.path.contains("{id}");
    let is_somebodys = match whom(operation) {
        For::Everybody => return None,
        // The signature is the credential: without it nobody is anybody.
        For::Signed => return Some((400, "invalid_signature")),
        // Whoever opens a cart owns it.
        For::CartOwners if !has_id => false,
        For::Customers | For::CartOwners | For::OrderReaders => true,
        For::WhoeverIsSignedIn | For::Members | For::Staff => false,
    };
    let for_staff = matches!(whom(operation), For::Members | For::Staff);
    let for_both = whom(operation) == For::WhoeverIsSignedIn;
    let stranger = Some((401, "unauthenticated"));
    let may_pass = match caller.kind {
        // Whoever opens a cart owns it.
        Kind::Nobody => {
            caller.bearer.is_none() && !is_somebodys && whom(operation) == For::CartOwners
        }
        // The guest's token in the body is the proof, whoever brings it.
        Kind::AnotherCustomer => {
            !for_staff && (!has_id || !is_somebodys || operation.id == "cart.store.merge")
        }
        Kind::Customer => !for_staff,
        Kind::Powerless => for_both || whom(operation) == For::Members,
        Kind::PowerlessMachine => false,
    };
    if may_pass {
        return None;
    }
    match caller.kind {
        Kind::Nobody if caller.name == "revoked" || caller.name == "suspended" => {
            let is_theirs = for_both || for_staff == (caller.name == "suspended");
            if is_theirs { Some((401, "session_revoked")) } else { stranger }
        }
        Kind::AnotherCustomer if !for_staff => Some((404, "not_found")),
        Kind::Powerless | Kind::PowerlessMachine if whom(operation) == For::Staff => {
            Some((403, "forbidden"))
        }
        _ => stranger,
    }
}

#[tokio::test]
async fn nobody_gets_through_a_door_that_is_not_theirs() {
    let mut trial = Trial::open().await;
    let shop = trial.shop.clone();
    let mut owner = Colleague::owner(&shop).await;
    let mut idle = Colleague::of(&shop, "idle", &[]).await;
    let expired_staff = idle.bearer.clone();
    let expired = trial.jane.bearer.clone();
    shop.clock().advance_ms(16 * 60 * 1000);

    for person in [&mut trial.jane, &mut trial.joe] {
        person.bearer = None;
    }
    let again = |person: &Shopper, email: &str| {
        let (person, email) = (person.clone(), email.to_owned());
        async move { ok(person.login(&email).await) }
    };
    let jane = again(&trial.jane, "jane@example.org").await;
    let revoked = again(&trial.jane, "jane@example.org").await;
    let joe = again(&trial.joe, "joe@example.org").await;
    let text = |session: &serde_json::Value, name: &str| session[name].as_str().map(str::to_owned);
    trial.jane.bearer = text(&jane, "access_token");
    let revoked_refresh = json!({"refresh_token": text(&revoked, "refresh_token")});
    let out = trial.guest.call("POST", "/v1/auth/logout", &revoked_refresh).await;
    assert_eq!(out.status, 204, "{}", out.text());

    let pending = ok(Colleague { bearer: String::new(), ..idle.clone() }.first_step().await);
    let pending = text(&pending, "mfa_token");
    assert!(pending.is_some());
    shop.clock().advance_ms(30_000);
    idle.sign_in().await;
    owner.sign_in().await;
    let mut suspended = Colleague::of(&shop, "gone", &[Permission::OrdersRead]).await;
    suspended.ip = "198.51.100.9".to_owned();
    let path = format!("/v1/admin/staff/{}/suspend", suspended.id);
    let gone = owner.call("POST", &path, &json!({})).await;
    assert!((200..300).contains(&gone.status), "{}", gone.text());
    let body = json!({"name": "a till", "scopes": ["orders.read"]});
    let made = ok(owner.call("POST", "/v1/admin/api_keys", &body).await);
    let machine = text(&made, "key").or_else(|| text(&made, "api_key"));
    assert!(machine.is_some(), "{made}");

    let refresh = text(&jane, "refresh_token");
    let (jane_bearer, idle_bearer) = (trial.jane.bearer.clone(), Some(idle.bearer.clone()));
    let who = |name, bearer, kind| Caller { name, bearer, kind };
    let callers = [
        who("nobody", None, Kind::Nobody),
        who("nonsense", Some("a.b.c".to_owned()), Kind::Nobody),
        who("expired", expired, Kind::Nobody),
        who("expired staff", Some(expired_staff), Kind::Nobody),
        who("revoked", text(&revoked, "access_token"), Kind::Nobody),
        who("suspended", Some(suspended.bearer.clone()), Kind::Nobody),
        who("second factor pending", pending, Kind::Nobody),
        who("refresh token", refresh, Kind::Nobody),
        who("another customer", text(&joe, "access_token"), Kind::AnotherCustomer),
        who("customer", jane_bearer, Kind::Customer),
        who("staff without the permission", idle_bearer, Kind::Powerless),
        who("API key without the permission", machine, Kind::PowerlessMachine),
    ];

    let (mut tried, mut wrong) = (BTreeSet::new(), Vec::new());
    let mut open = Vec::new();
    for operation in operations() {
        if whom(&operation) == For::Everybody {
            open.push(operation.id.clone());
        }
        for caller in &callers {
            // The one thing that the machine may do.
            let may = operation.text["x-permission"] == "orders.read";
            if may && caller.kind == Kind::PowerlessMachine {
                continue;
            }
            let Some((status, code)) = wanted(&operation, caller) else { continue };
            shop.clock().advance_ms(1);
            let mut ask = trial.good(&operation).without("x-order-token").without("authorization");
            if let Some(bearer) = &caller.bearer {
                ask = ask.header("authorization", &format!("Bearer {bearer}"));
            }
            let answer = trial.send(&operation, ask).await;
            let told = refusal(&answer);
            if told == (status, code.to_owned()) {
                tried.insert(format!("{} {}: {status} {code}", operation.id, caller.name));
            } else {
                let text = answer.text();
                wrong.push(format!(
                    "{} {}: {} instead of {status} {code}",
                    operation.id, caller.name, text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} doors:\n{}", wrong.len(), wrong.join("\n"));
    println!("{} doors tried by {} callers", tried.len(), callers.len());
    let list: String = tried.iter().map(|line| format!("{line}\n")).collect();
    expect_file!["./callers.txt"].assert_eq(&list);
    let open: String = open.iter().map(|line| format!("{line}\n")).collect();
    expect_file!["./open_to_everybody.txt"].assert_eq(&open);
}
