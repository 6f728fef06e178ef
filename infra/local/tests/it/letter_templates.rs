//! The merchant's own words for letters: tried, kept, shown, sent to oneself, published, taken
//! back; and never in the way of a letter.

use domain::catalog::Locale;
use domain::permission::Permission::{
    NotificationsWrite, OrdersRead, SettingsRead, TemplatesWrite,
};
use futures_util::future::join_all;
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, TEMPLATE};
use wire::{FaultKind, Plan};

use crate::tour::letters::{TEMPLATES, newest, thanked, words};
use crate::world::{self, Colleague, Shopper, ok, refusal};

const AT: &str = "/v1/admin/templates/order_confirmation/en";
const MINUTE_MS: i64 = 61_000;

/// Somebody who writes the shop's letters.
async fn writer(shop: &Shop) -> Colleague {
    Colleague::of(shop, "mary", &[NotificationsWrite, OrdersRead, SettingsRead, TemplatesWrite])
        .await
}

async fn write(mary: &Colleague, body: &Value) -> Response {
    mary.call("POST", &format!("{AT}/versions"), body).await
}

/// Keeps and publishes words.
async fn publish(mary: &Colleague, body: &Value) -> u64 {
    publish_at(mary, AT, body).await
}

/// Keeps and publishes words for this letter in this language.
async fn publish_at(mary: &Colleague, at: &str, body: &Value) -> u64 {
    let made = mary.call("POST", &format!("{at}/versions"), body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let version = made.value()["version"].as_u64().unwrap();
    let tag = made.header("etag").unwrap();
    ok(mary.call_if(tag, "POST", &format!("{at}/versions/{version}/publish"), &Value::Null).await);
    version
}

async fn noted(shop: &Shop, action: &str) -> usize {
    shop.settle().await;
    let links = shop.audit_log().await.unwrap();
    links.iter().filter(|link| link.entry.action == action).count()
}

#[tokio::test]
async fn what_is_published_is_sent_within_a_minute_and_taken_back_step_by_step() {
    let shop = world::open().await;
    let mary = writer(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    let own = thanked(&mut jane).await.subject.split(' ').next().unwrap().to_owned();
    let shown = ok(mary.get(AT).await);
    assert_eq!(shown["published_version"], Value::Null);
    assert_eq!(shown["current"], shown["built_in"]);
    assert!(shown["variables"].as_array().unwrap().contains(&json!("order.lines[].title")));

    for (number, mark) in [(1, "First"), (2, "Second")] {
        assert_eq!(publish(&mary, &words(mark)).await, number);
        shop.clock().advance_ms(MINUTE_MS);
        let mail = thanked(&mut jane).await;
        assert!(mail.subject.starts_with(mark), "{}", mail.subject);
        assert!(mail.text.unwrap().starts_with(mark));
    }
    let shown = ok(mary.get(AT).await);
    assert_eq!(shown["published_version"], 2);
    assert_eq!(shown["current"], words("Second"));
    assert_eq!(shown["versions"][1]["source"], words("First"));
    assert_eq!(shown["versions"][0]["author"], mary.id.as_str());
    let list = ok(mary.get(TEMPLATES).await);
    let ours = list["data"].as_array().unwrap().iter();
    let ours: Vec<&Value> = ours.filter(|one| one["locales"] != json!([])).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0]["letter"], "order_confirmation");

    for mark in ["First", own.as_str()] {
        let tag = mary.tag(AT).await;
        ok(mary.call_if(&tag, "POST", &format!("{AT}/rollback"), &Value::Null).await);
        shop.clock().advance_ms(MINUTE_MS);
        assert!(thanked(&mut jane).await.subject.starts_with(mark), "{mark}");
    }
    let tag = mary.tag(AT).await;
    let late = mary.call_if(&tag, "POST", &format!("{AT}/rollback"), &Value::Null).await;
    assert_eq!(refusal(&late), (409, "nothing_published".into()));
    for (action, times) in
        [("template.write", 2), ("template.publish", 2), ("template.roll_back", 2)]
    {
        assert_eq!(noted(&shop, action).await, times, "{action}");
    }
}

#[tokio::test]
async fn each_buyer_is_written_to_in_the_language_of_their_papers_where_there_are_words_in_it() {
    let mut goods = goods::small(world::MUGS);
    goods.shop.locales.push(Locale::parse("de").unwrap());
    let shop = world::open_with(Options::default(), &goods).await;
    let mary = writer(&shop).await;
    let confirmation = format!("{TEMPLATES}/order_confirmation/de");
    publish_at(&mary, &confirmation, &words("Danke")).await;
    publish(&mary, &words("Thanks")).await;
    publish_at(&mary, &format!("{TEMPLATES}/order_canceled/en"), &words("Gone")).await;
    shop.clock().advance_ms(MINUTE_MS);
    for (country, mark, point) in [("DE", "Danke", ","), ("FR", "Thanks", ".")] {
        let mut jane = Shopper::guest(&shop).await;
        jane.add(TEMPLATE, 1).await;
        let mut to = world::address();
        to["country"] = json!(country);
        let body = json!({"email": "jane@example.org", "shipping_address": to});
        let path = format!("/v1/store/carts/{}/addresses", jane.cart);
        ok(jane.call("PUT", &path, &body).await);
        let answer = jane.complete().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(jane.pay("pm_card_visa").0, 200);
        shop.settle().await;
        let mail = newest(&jane);
        assert!(mail.subject.starts_with(mark), "{country}: {}", mail.subject);
        let text = mail.text.unwrap();
        let total = text.rsplit(", ").next().unwrap();
        assert!(total.trim_end().ends_with(" EUR") && total.contains(point), "{text}");
    }
    // Where there are none in a buyer's language, those of the shop's usual one are sent.
    let mut jane = Shopper::guest(&shop).await;
    jane.ready(TEMPLATE, 1).await;
    assert_eq!(jane.complete().await.status, 201);
    let path = format!("/v1/store/orders/{}/cancel", jane.order);
    ok(jane.call("POST", &path, &json!({})).await);
    shop.settle().await;
    assert!(newest(&jane).subject.starts_with("Gone"));
}

#[tokio::test]
async fn a_broken_template_is_refused_with_line_column_and_reason() {
    let shop = world::open().await;
    let mary = writer(&shop).await;
    for (form, text, code, line, column) in [
        ("html", "<p>\n  {{ order.numbr }}</p>", "unknown_variable", 2, 6),
        ("html", "<p>\n{{ order.number|safe }}", "unknown_filter", 2, 0),
        ("html", "\n\n{% if order %}", "syntax", 3, 0),
        ("html", "{% include \"verify_email.html\" %}", "unknown_template", 1, 0),
        ("html", "<script>alert(1)</script>", "active_content", 1, 1),
        ("text", "{{ order.number }}\n{{ gift_card.code }}", "unknown_variable", 2, 4),
        ("subject", "{{ token }}", "unknown_variable", 1, 0),
        ("subject", "{{ \"\" }}", "subject_empty", 1, 1),
    ] {
        let mut body = words("Fine");
        body[form] = json!(text);
        let answer = write(&mary, &body).await;
        assert_eq!(answer.status, 400, "{text}: {}", answer.text());
        let problem = answer.value();
        assert_eq!(problem["code"], "invalid_request");
        let flaw = &problem["template_flaws"][0];
        assert_eq!((&flaw["form"], &flaw["code"]), (&json!(form), &json!(code)), "{flaw}");
        assert_eq!(flaw["line"], line, "{flaw}");
        assert!(column == 0 || flaw["column"] == column, "{flaw}");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{form}"));
        let detail = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("Line {line}, column ")), "{detail}");
        let draft = mary.call("POST", &format!("{AT}/preview"), &json!({"draft": body})).await;
        assert_eq!(draft.value()["template_flaws"][0], *flaw);
    }
    // A letter that opens something is worth nothing without its link.
    let reset = "/v1/admin/templates/reset_password/en/versions";
    let body = json!({"subject": "Hello", "html": "<p>Hello</p>", "text": "Hello"});
    let answer = mary.call("POST", reset, &body).await.value();
    assert_eq!(answer["template_flaws"][0]["code"], "link_missing");
    assert_eq!(ok(mary.get(AT).await)["latest_version"], 0);
}

#[tokio::test]
async fn what_is_not_there_is_refused_by_its_name() {
    let shop = world::open().await;
    let mary = writer(&shop).await;
    for (method, rest) in [("GET", ""), ("POST", "/versions"), ("POST", "/preview")] {
        let target = format!("{TEMPLATES}/no_such_letter/en{rest}");
        let answer = match method {
            "GET" => mary.get(&target).await,
            _ => mary.call(method, &target, &words("x")).await,
        };
        assert!([400, 404].contains(&answer.status), "{target}: {}", answer.text());
    }
    let elsewhere = format!("{TEMPLATES}/order_confirmation/fr/versions");
    let answer = mary.call("POST", &elsewhere, &words("Merci")).await;
    assert_eq!(refusal(&answer), (409, "locale_not_offered".into()));
    let made = write(&mary, &words("One")).await;
    let tag = made.header("etag").unwrap().to_owned();
    let two = format!("{AT}/versions/2/publish");
    let answer = mary.call_if(&tag, "POST", &two, &Value::Null).await;
    assert_eq!(refusal(&answer), (404, "unknown_version".into()));
    let one = format!("{AT}/versions/1/publish");
    let blind = mary.call("POST", &one, &Value::Null).await;
    assert_eq!(refusal(&blind), (428, "if_match_required".into()));
    let stale = mary.call_if("\"v7\"", "POST", &one, &Value::Null).await;
    assert_eq!(refusal(&stale), (412, "if_match_failed".into()));
    let answer = mary.call_if(&tag, "POST", &one, &Value::Null).await;
    let tag = answer.header("etag").unwrap().to_owned();
    let again = mary.call_if(&tag, "POST", &one, &Value::Null).await;
    assert_eq!(refusal(&again), (409, "already_published".into()));
    let body = json!({"version": 9});
    for what in ["preview", "test"] {
        let answer = mary.call("POST", &format!("{AT}/{what}"), &body).await;
        assert_eq!(refusal(&answer), (404, "unknown_version".into()), "{what}");
    }
    let body = json!({"order_id": "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    let answer = mary.call("POST", &format!("{AT}/preview"), &body).await;
    assert_eq!(refusal(&answer), (404, "not_found".into()));
    let joe = Colleague::of(&shop, "joe", &[NotificationsWrite]).await;
    let answer = joe.call("POST", &format!("{AT}/preview"), &body).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()));
    assert_eq!(refusal(&joe.get(AT).await), (403, "forbidden".into()));
}

/// A letter's link opens an account: whoever may send letters may not lead it elsewhere.
#[tokio::test]
async fn other_words_are_for_those_who_have_just_proven_who_they_are_and_staff_s_letters_have_none()
{
    let shop = world::open().await;
    let joe = Colleague::of(&shop, "joe", &[NotificationsWrite, SettingsRead]).await;
    let answer = write(&joe, &words("Mine")).await;
    assert_eq!(refusal(&answer), (403, "forbidden".into()));
    assert_eq!(answer.value()["permission"], "templates.write");
    let mary = writer(&shop).await;
    let letters = ["staff_invitation", "staff_reset_password", "second_factor_changed"];
    for letter in letters {
        let path = format!("{TEMPLATES}/{letter}/en/versions");
        let answer = mary.call("POST", &path, &words("Mine")).await;
        assert_eq!(refusal(&answer), (409, "letter_fixed".into()), "{letter}");
    }
    shop.clock().advance_ms(11 * MINUTE_MS);
    let answer = write(&mary, &words("Mine")).await;
    assert_eq!(refusal(&answer), (403, "step_up_required".into()));
}

#[tokio::test]
async fn a_preview_is_of_the_real_order_and_sent_to_nobody_and_a_test_to_oneself_alone() {
    let shop = world::open().await;
    let mary = writer(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    thanked(&mut jane).await;
    let before = shop.mails().len();
    let number = jane.view_order().await["number"].as_str().unwrap().to_owned();
    let body = json!({"draft": words("Draft"), "order_id": jane.order});
    let shown = ok(mary.call("POST", &format!("{AT}/preview"), &body).await);
    assert_eq!(shown["subject"], format!("Draft {number}"));
    // The order's own links open downloads: they are not in a preview.
    let body = json!({"order_id": jane.order});
    let shown = ok(mary.call("POST", &format!("{AT}/preview"), &body).await);
    assert!(shown["html"].as_str().unwrap().contains(&number));
    assert!(!shown["html"].as_str().unwrap().contains("/v1/store/downloads/"));
    let sample = ok(mary.call("POST", &format!("{AT}/preview"), &json!({})).await);
    assert!(!sample["html"].as_str().unwrap().contains("<b>"), "escaped");
    let body = json!({"order_id": jane.order});
    let reset = format!("{TEMPLATES}/reset_password/en/preview");
    let answer = mary.call("POST", &reset, &body).await;
    assert_eq!(answer.value()["errors"][0]["code"], "not_about_an_order");
    let shipped = format!("{TEMPLATES}/order_shipped/en/preview");
    let answer = mary.call("POST", &shipped, &body).await;
    assert_eq!(refusal(&answer), (409, "order_has_no_parcel".into()));
    shop.settle().await;
    assert_eq!(shop.mails().len(), before);

    write(&mary, &words("Mine")).await;
    for _ in 0..2 {
        let request = Request::new("POST", &format!("{AT}/test"))
            .header("idempotency-key", "once")
            .json(&json!({"version": 1}));
        assert_eq!(mary.send(request).await.status, 202);
    }
    shop.settle().await;
    assert_eq!(shop.mails().len(), before + 1);
    let mail = newest(&jane);
    assert_eq!(mail.to, [mary.email.as_str()]);
    assert!(mail.subject.starts_with("[Test] Mine"), "{}", mail.subject);
}

#[tokio::test]
async fn of_ten_who_publish_at_once_one_does_and_every_version_has_its_own_number() {
    let shop = world::open().await;
    let mary = writer(&shop).await;
    let drafts = (0..5).map(|number| {
        let mary = mary.clone();
        async move { write(&mary, &words(&format!("By {number}"))).await }
    });
    let made = join_all(drafts).await;
    let mut numbers: Vec<u64> =
        made.iter().filter_map(|one| one.value()["version"].as_u64()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), made.iter().filter(|one| one.status == 201).count());
    let tag = mary.tag(AT).await;
    let target = format!("{AT}/versions/1/publish");
    let tries = (0..10).map(|_| {
        let (mary, tag, target) = (mary.clone(), tag.clone(), target.clone());
        async move { mary.call_if(&tag, "POST", &target, &Value::Null).await.status }
    });
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert_eq!(noted(&shop, "template.publish").await, 1);
}

#[tokio::test]
async fn words_that_can_not_be_written_any_more_hold_up_no_letter() {
    let shop = world::open().await;
    let mary = writer(&shop).await;
    let mut jane = Shopper::guest(&shop).await;
    let own = thanked(&mut jane).await.subject.split(' ').next().unwrap().to_owned();
    // What a release of the past took, and this one does not.
    let locale = domain::catalog::Locale::parse("en").unwrap();
    let now = shop.clock().now();
    for html in ["{{ order.gone }}", "{% if %}", "{% for a in order.lines %}"] {
        let store = shop.store();
        let found = store.template_pointer("order_confirmation", &locale).await.unwrap();
        let before = found.unwrap_or_else(|| {
            domain::letter_template::Pointer::new("order_confirmation", locale.clone(), now)
        });
        let source = domain::letter_template::Source {
            subject: "Old".into(),
            html: html.into(),
            text: "Old".into(),
        };
        let (kept, version) = before.write(source, domain::audit::Actor::System, now).unwrap();
        let sent = kept.publish(version.number, now).unwrap();
        store.write_template(&before, &sent, &version, &[]).await.unwrap();
        shop.clock().advance_ms(MINUTE_MS);
        let mail = thanked(&mut jane).await;
        assert!(mail.subject.starts_with(&own), "{html}: {}", mail.subject);
        // And it is not published by hand, either.
        let tag = mary.tag(AT).await;
        ok(mary.call_if(&tag, "POST", &format!("{AT}/rollback"), &Value::Null).await);
        let tag = mary.tag(AT).await;
        let target = format!("{AT}/versions/{}/publish", version.number);
        let refused = mary.call_if(&tag, "POST", &target, &Value::Null).await;
        assert_eq!(refusal(&refused), (400, "invalid_request".into()), "{html}");
    }
}

#[tokio::test]
async fn a_second_attempt_says_what_the_first_one_said() {
    let shop = world::open().await;
    let mary = writer(&shop).await;
    publish(&mary, &words("Before")).await;
    shop.clock().advance_ms(MINUTE_MS);
    let mut jane = Shopper::guest(&shop).await;
    // The letters of whoever signed in are out of the way.
    shop.settle().await;
    // Sent, and not marked.
    let is_mark = |call: &wire::CallId| {
        call.caller == "notifications.jobs.deliver" && call.operation == "UpdateItem"
    };
    let filter: wire::Filter = Box::new(is_mark);
    shop.wire().faults().arm(Plan { at: 1, kind: FaultKind::DieBefore, filter: Some(filter) });
    let first = thanked(&mut jane).await;
    assert!(first.subject.starts_with("Before"));
    publish(&mary, &words("After")).await;
    shop.clock().advance_ms(600_000);
    shop.settle_all().await;
    let copies = shop.mails().into_iter().filter(|mail| mail.tags == first.tags);
    let copies: Vec<(String, Option<String>)> =
        copies.map(|mail| (mail.subject, mail.text)).collect();
    assert_eq!(copies.len(), 2);
    assert_eq!(copies[0], copies[1]);
}
