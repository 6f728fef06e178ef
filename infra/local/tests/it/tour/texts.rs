//! A telephone from the code that is texted to it to the STOP that comes back; a text that waits
//! for the morning, and one that is sent once more.

use local::{Request, Shop};
use serde_json::{Value, json};
use testkit::goods::TEMPLATE;

use super::{Customer, Pace, Round, done, text};
use crate::world::{Colleague, Shopper, ok, refusal};

pub(crate) const PHONE: &str = "/v1/store/me/phone";
pub(crate) const CONFIRM: &str = "/v1/store/me/phone/confirm";

/// Texts are sent, but for those hours.
pub(crate) async fn switch(shop: &Shop, is_on: bool, quiet: (u8, u8)) {
    let kept = shop.store().shop().await.expect("settings");
    let mut after = kept.value;
    after.texts.is_on = is_on;
    (after.texts.quiet_from, after.texts.quiet_until) = quiet;
    let changed = shop.store().change_shop(&after, kept.version, &[]).await.expect("settings");
    assert!(changed.is_some());
}

/// Somebody answers a text.
pub(crate) async fn answer(shop: &Shop, from: &str, text: &str, id: &str) {
    let body = json!({"from": from, "text": text, "id": id});
    let told = shop.send(Request::new("POST", "/_local/texts/answers").json(&body)).await;
    assert_eq!(told.status, 202, "{}", told.text());
}

/// The code in the newest text to a number.
pub(crate) fn code(shop: &Shop, to: &str) -> String {
    let text = shop.texts().into_iter().rev().find(|text| text.to == to).expect("a text").text;
    let digits = |word: &str| word.len() >= 6 && word.bytes().take(6).all(|b| b.is_ascii_digit());
    let word = text.split_whitespace().find(|word| digits(word)).expect("a code");
    word[..6].to_owned()
}

/// Somebody buys something that is delivered at once.
pub(crate) async fn buys(who: &mut Shopper) {
    who.open_cart("EUR").await;
    who.ready(TEMPLATE, 1).await;
    assert_eq!(who.complete().await.status, 201);
    who.pay("pm_card_visa");
}

/// All that may become of a text.
pub(crate) async fn texts<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let shop = owner.shop.clone();
    let number = format!("+4915112345{:03}", round.0);
    let mut lou = Customer::new(&shop, &round.email("lou")).await;
    switch(&shop, true, (0, 0)).await;
    let asked = json!({"phone": number, "text": "order-sms-1"});
    let asked = pace.call(lou.who.call("PUT", PHONE, &asked)).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    pace.settle().await;
    let typed = json!({"code": code(&shop, &number)});
    ok(pace.call(lou.who.call("POST", CONFIRM, &typed)).await);
    assert_eq!(ok(pace.call(lou.who.get(PHONE)).await)["is_texted"], true);

    buys(&mut lou.who).await;
    pace.settle().await;
    let log = format!("/v1/admin/orders/{}/messages", lou.who.order);
    let shown = ok(owner.get(&log).await);
    let texted =
        shown["data"].as_array().expect("a list").iter().find(|one| one["channel"] == "sms");
    let again = format!("/v1/admin/messages/{}/resend", text(texted.expect("a text"), "id"));
    let sent = pace.call(owner.call("POST", &again, &Value::Null)).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    pace.settle().await;

    answer(&shop, &number, "STOP", &format!("stop-{}", round.0)).await;
    pace.follow().await;
    let refused = pace.call(owner.call("POST", &again, &Value::Null)).await;
    assert_eq!(refusal(&refused), (409, "address_suppressed".into()));
    let at =
        format!("{}/{}", super::letters::SUPPRESSIONS, text(&refused.value(), "suppression_id"));
    let kept = pace.call(owner.call("DELETE", &at, &Value::Null)).await;
    assert_eq!(refusal(&kept), (409, "stopped_by_reader".into()));
    answer(&shop, &number, "START", &format!("start-{}", round.0)).await;
    pace.follow().await;

    // All day long but for an hour that it is not.
    let hour = u8::try_from(shop.clock().now().to_zoned(jiff::tz::TimeZone::UTC).hour());
    let hour = hour.expect("an hour");
    switch(&shop, true, ((hour + 20) % 24, (hour + 6) % 24)).await;
    let before = shop.texts().len();
    buys(&mut lou.who).await;
    pace.settle().await;
    assert_eq!(shop.texts().len(), before, "it waits");
    switch(&shop, false, (21, 8)).await;
    done(&pace.call(lou.who.call("DELETE", PHONE, &Value::Null)).await);
}
