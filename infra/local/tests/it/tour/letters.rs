//! A letter about an order, from the post to its end, and once more; addresses that are not
//! written to.

use local::Request;
use serde_json::{Value, json};
use testkit::goods::TEMPLATE;

use super::{Pace, Round, done, text};
use crate::world::{Colleague, Shopper, ok, refusal};

/// The addresses that are not written to.
pub(crate) const SUPPRESSIONS: &str = "/v1/admin/suppressions";

/// Somebody buys something, and is thanked.
pub(crate) async fn thanked(jane: &mut Shopper) -> wire::Mail {
    jane.open_cart("EUR").await;
    jane.ready(TEMPLATE, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    jane.pay("pm_card_visa");
    jane.shop.settle().await;
    newest(jane)
}

/// The newest letter of all.
pub(crate) fn newest(jane: &Shopper) -> wire::Mail {
    jane.shop.mails().pop().expect("a letter")
}

/// SES says that this became of a letter.
pub(crate) fn news(mail: &wire::Mail, what: &str) -> Request {
    Request::new("POST", &format!("/_local/mail/{}/{what}", mail.id))
}

/// A letter is sent, arrives, is sent again, is called spam; its address is forgiven.
pub(crate) async fn letters<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let mut jane = Shopper::from(&owner.shop, &round.ip(60));
    let mail = thanked(&mut jane).await;
    assert_eq!(owner.shop.send(news(&mail, "delivery")).await.status, 202);
    pace.settle().await;
    let log = format!("/v1/admin/orders/{}/messages", jane.order);
    let shown = ok(pace.call(owner.get(&log)).await);
    assert_eq!(shown["data"][0]["status"], "delivered");
    let again = format!("/v1/admin/messages/{}/resend", text(&shown["data"][0], "id"));
    let sent = pace.call(owner.call("POST", &again, &Value::Null)).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    pace.settle().await;
    assert_eq!(owner.shop.send(news(&newest(&jane), "complaint")).await.status, 202);
    pace.follow().await;
    let refused = pace.call(owner.call("POST", &again, &Value::Null)).await;
    assert_eq!(refusal(&refused), (409, "address_suppressed".into()));
    let list = ok(pace.call(owner.get(SUPPRESSIONS)).await);
    // What comes next is written down and not sent.
    let mut next = Shopper::from(&owner.shop, &round.ip(61));
    let before = owner.shop.mails().len();
    next.open_cart("EUR").await;
    next.ready(TEMPLATE, 1).await;
    assert_eq!(next.complete().await.status, 201);
    next.pay("pm_card_visa");
    pace.settle().await;
    assert_eq!(owner.shop.mails().len(), before);
    let at = format!("{SUPPRESSIONS}/{}", text(&list["data"][0], "id"));
    done(&pace.call(owner.call("DELETE", &at, &Value::Null)).await);
    let body = json!({"email": round.email("loud")});
    let made = pace.call(owner.call("POST", SUPPRESSIONS, &body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let at = format!("{SUPPRESSIONS}/{}", text(&made.value(), "id"));
    done(&pace.call(owner.call("DELETE", &at, &Value::Null)).await);
}

/// The merchant's own words for letters.
pub(crate) const TEMPLATES: &str = "/v1/admin/templates";

/// Words for the letter that thanks for an order, told apart by a mark.
pub(crate) fn words(mark: &str) -> Value {
    let html = "{% extends \"frame.html\" %}{% block body %}<h1>Thank you</h1>\
                {% for line in order.lines %}<p>{{ line.title }}</p>{% endfor %}{% endblock %}";
    json!({
        "subject": format!("{mark} {{{{ order.number }}}}"),
        "html": html,
        "text": format!("{mark}: {{{{ order.number }}}}, {{{{ order.total }}}}"),
    })
}

/// Other words are tried, kept, shown, sent to oneself, published and taken back.
pub(crate) async fn templates<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    ok(pace.call(owner.get(TEMPLATES)).await);
    let at = format!("{TEMPLATES}/order_confirmation/en");
    let mark = format!("Round {}", round.0);
    let made = pace.call(owner.call("POST", &format!("{at}/versions"), &words(&mark))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let (seen, version) =
        (made.header("etag").unwrap().to_owned(), made.value()["version"].clone());
    let mut jane = Shopper::from(&owner.shop, &round.ip(62));
    jane.open_cart("EUR").await;
    jane.ready(TEMPLATE, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let body = json!({"version": version, "order_id": jane.order});
    let shown = ok(pace.call(owner.call("POST", &format!("{at}/preview"), &body)).await);
    assert!(shown["subject"].as_str().unwrap().starts_with(&mark), "{shown}");
    let body = json!({"version": version});
    let sent = pace.call(owner.call("POST", &format!("{at}/test"), &body)).await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    pace.settle().await;
    let publish = format!("{at}/versions/{version}/publish");
    let answer = pace.call(owner.call_if(&seen, "POST", &publish, &Value::Null)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    // What is believed of the letter is a minute old.
    owner.shop.clock().advance_ms(61_000);
    jane.pay("pm_card_visa");
    pace.settle().await;
    assert!(newest(&jane).subject.starts_with(&mark));
    let shown = pace.call(owner.get(&at)).await;
    let seen = shown.header("etag").expect("a tag").to_owned();
    assert_eq!(ok(shown)["published_version"], version);
    let answer =
        pace.call(owner.call_if(&seen, "POST", &format!("{at}/rollback"), &Value::Null)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    owner.shop.clock().advance_ms(61_000);
}
