//! A merchant's promotions, from the draft to the end, and a shopper who gets one.

use local::Request;
use serde_json::{Value, json};
use testkit::goods::{MUG, SOCKS};

use super::{Customer, Pace, done, gift_cards, tag, text};
use crate::world::{self, Colleague, Shopper, ok};

const PROMOTIONS: &str = "/v1/admin/promotions";

async fn make<P: Pace>(pace: &mut P, who: &Colleague, trigger: &str, limits: &Value) -> String {
    let body = json!({
        "name": "Five percent", "trigger": trigger, "limits": limits,
        "actions": [{"type": "percent", "ppm": 50_000, "target": "order"}],
    });
    let made = pace.call(who.call("POST", PROMOTIONS, &body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    format!("{PROMOTIONS}/{}", text(&made.value(), "id"))
}

async fn turn<P: Pace>(pace: &mut P, who: &Colleague, at: &str, verb: &str) {
    ok(pace.call(who.call("POST", &format!("{at}/{verb}"), &json!({}))).await);
}

/// All that is done with promotions, by whom may do it; the codes that two are left with.
pub(crate) async fn promotions<P: Pace>(pace: &mut P, owner: &Colleague) -> [String; 2] {
    let draft = make(pace, owner, "automatic", &json!({})).await;
    let seen = tag(&pace.call(owner.get(&draft)).await);
    done(&pace.call(owner.call_if(&seen, "DELETE", &draft, &Value::Null)).await);

    let at = make(pace, owner, "automatic", &json!({})).await;
    turn(pace, owner, &at, "activate").await;
    turn(pace, owner, &at, "pause").await;
    turn(pace, owner, &at, "activate").await;
    let seen = tag(&pace.call(owner.get(&at)).await);
    let body = json!({"name": "Six percent"});
    ok(pace.call(owner.call_if(&seen, "PATCH", &at, &body)).await);
    turn(pace, owner, &at, "end").await;

    let at = make(pace, owner, "code", &json!({"uses_per_customer": 100})).await;
    turn(pace, owner, &at, "activate").await;
    let codes = format!("{at}/codes");
    let made = pace.call(owner.call("POST", &codes, &json!({"count": 2, "uses_max": 9}))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.value();
    let code = text(&made["data"][0], "code");
    ok(pace.call(owner.get(&codes)).await);
    let other = format!("{codes}/{}", text(&made["data"][1], "code"));
    done(&pace.call(owner.call("DELETE", &other, &Value::Null)).await);
    let list = ok(pace.call(owner.get(&format!("{PROMOTIONS}?limit=1"))).await);
    let next = format!("{PROMOTIONS}?limit=1&cursor={}", text(&list, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);
    let body = json!({
        "currency": "EUR", "codes": [code],
        "lines": [{"variant_id": MUG.variant(), "quantity": 2}],
    });
    ok(pace.call(owner.call("POST", &format!("{PROMOTIONS}/simulate"), &body)).await);
    let at = make(pace, owner, "code", &json!({})).await;
    turn(pace, owner, &at, "activate").await;
    let body = json!({"count": 1, "prefix": "TOO-"});
    let made = pace.call(owner.call("POST", &format!("{at}/codes"), &body)).await.value();
    let second = text(&made["data"][0], "code");
    pace.settle().await;
    [code, second]
}

/// A cart with a code, through everything that can be done with a cart, to its order.
pub(crate) async fn bargain<P: Pace>(
    pace: &mut P,
    owner: &Colleague,
    jane: &mut Customer,
    [code, second]: &[String; 2],
) {
    let customer = ok(jane.who.get("/v1/auth/me").await);
    let groups = format!("/v1/admin/customers/{}/groups", text(&customer, "id"));
    let vip = json!({"group": "vip", "is_member": true});
    ok(pace.call(owner.call("POST", &groups, &vip)).await);
    ok(pace.call(owner.get(&groups)).await);
    let who = &mut jane.who;
    let enter = json!({"code": code});
    let home = json!({"email": "jane@example.org", "shipping_address": world::address()});
    who.open_cart("EUR").await;
    let at = format!("/v1/store/carts/{}", who.cart);
    let line = who.add(MUG, 1).await;
    ok(who.call("PUT", &format!("{at}/addresses"), &home).await);
    let codes = format!("{at}/codes");
    ok(pace.call(who.call("POST", &codes, &enter)).await);
    ok(pace.call(who.call("POST", &codes, &json!({"code": second}))).await);
    ok(pace.call(who.call("PUT", &format!("{at}/addresses"), &home)).await);
    ok(pace.call(who.get(&at)).await);
    let line = format!("{at}/lines/{}", text(&line["lines"][0], "id"));
    ok(pace.call(who.call("PATCH", &line, &json!({"quantity": 2}))).await);
    ok(pace.call(who.get(&format!("{at}/shipping_options"))).await);
    pace.call(who.ship_by("home-standard")).await;
    gift_cards::pay_in_part(pace, who).await;
    pace.call(who.add(SOCKS, 1)).await;
    // The socks stay: a cart without goods asks for no counters.
    ok(pace.call(who.send(Request::new("DELETE", &line))).await);
    let guest = Shopper { bearer: None, ..who.clone() };
    let guest = {
        let mut guest = guest;
        guest.open_cart("EUR").await;
        guest.add(SOCKS, 1).await;
        guest
    };
    ok(guest.call("POST", &format!("/v1/store/carts/{}/codes", guest.cart), &enter).await);
    let body = json!({"cart_token": guest.cart_token});
    let merge = format!("/v1/store/carts/{}/merge", guest.cart);
    ok(pace.call(who.call("POST", &merge, &body)).await);
    ok(pace.call(who.send(Request::new("DELETE", &format!("{codes}/{code}")))).await);
    ok(pace.call(who.call("POST", &codes, &enter)).await);
    let answer = pace.call(who.complete()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    pace.settle().await;
}
