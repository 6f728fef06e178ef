//! Files of every kind, there and back.

use std::collections::BTreeMap;

use domain::catalog::{Category, Slug};
use domain::id::{CategoryId, Ulid};
use domain::permission::Permission;
use local::Shop;
use serde_json::{Value, json};
use testkit::goods::MUG;

use super::{Pace, Plain, Round, media, text};
use crate::imports::{Parcel, announce, send};
use crate::world::{Colleague, Shopper, ok};

/// Announces, sends and starts a file; the import's path.
async fn begin<P: Pace>(pace: &mut P, who: &Colleague, parcel: &Parcel<'_>) -> String {
    let made = ok(pace.call(announce(who, parcel)).await);
    let sent = send(&who.shop, &made["upload"], parcel.bytes).await;
    assert!((200..300).contains(&sent.status), "{}", sent.text());
    let path = format!("/v1/admin/imports/{}", text(&made, "id"));
    ok(pace.call(who.call("POST", &format!("{path}/start"), &json!({}))).await);
    path
}

/// The import as it is when it rests.
async fn rest<P: Pace>(pace: &mut P, who: &Colleague, path: &str) -> Value {
    pace.follow().await;
    ok(pace.call(who.get(path)).await)
}

/// A category to put products into.
async fn shelve(who: &Colleague, number: u8) -> Slug {
    let slug = Slug::parse(&format!("bowls-{number}")).unwrap();
    let category = Category {
        id: CategoryId::from_ulid(Ulid::from_parts(9, u128::from(number))),
        slug: slug.clone(),
        title: "Bowls".to_owned(),
        description: String::new(),
        parent: None,
        position: 9,
        translations: BTreeMap::new(),
        products: 0,
        version: 1,
    };
    who.shop.store().import_categories(&[category]).await.unwrap();
    slug
}

/// A file of more rows than one message is worth, and a count whose job dies after it: whoever
/// comes next, when something was sold, finds it in the ledger.
pub(crate) async fn long_and_broken(shop: &Shop, owner: &Colleague) {
    let mut pace = Plain(shop.clone());
    let rows: String = (0..1_100).map(|row| format!("NOBODYS-{row},5\n")).collect();
    let file = format!("sku,on_hand\n{rows}");
    let path = begin(&mut pace, owner, &Parcel::csv("stock", &file)).await;
    assert_eq!(rest(&mut pace, owner, &path).await["flawed_rows"], 1_100);

    // Which of its transactions is the count depends on what else it has to note.
    for at in 1..=3 {
        let name = format!("counter-{at}");
        let counter = Colleague::of(shop, &name, Permission::ALL).await;
        let file = format!("sku,on_hand\n{},4{at}\n", MUG.sku);
        let path = begin(&mut pace, &counter, &Parcel::csv("stock", &file)).await;
        let is_write = |call: &wire::CallId| {
            call.caller == "platform.jobs.run_exchange" && call.operation == "TransactWriteItems"
        };
        let kind = wire::FaultKind::DieAfter;
        shop.wire().faults().arm(wire::Plan { at, kind, filter: Some(Box::new(is_write)) });
        shop.settle().await;
        let mut guest = Shopper::guest(shop).await;
        guest.ready(MUG, 1).await;
        assert_eq!(guest.complete().await.status, 201);
        guest.pay("pm_card_visa");
        shop.settle_all().await;
        shop.wire().faults().disarm();
        // What was begun waits for half an hour: nobody's token is good for so long.
        let late = Colleague::of(shop, &format!("late-{at}"), Permission::ALL).await;
        assert_eq!(rest(&mut pace, &late, &path).await["state"], "done");
    }
}

/// Files that were never sent, and some that are gone before anybody has looked at them.
pub(crate) async fn gone(shop: &Shop, owner: &Colleague) {
    let client = aws_sdk_s3::Client::new(&shop.sdk_config());
    let take_away = async |key: String| {
        client.delete_object().bucket(crate::media::BUCKET).key(key).send().await.unwrap();
    };
    let parcel = Parcel::csv("stock", "sku,on_hand\n");
    let id = text(&ok(announce(owner, &parcel).await), "id");
    let start = owner.call("POST", &format!("/v1/admin/imports/{id}/start"), &json!({})).await;
    assert_eq!(start.status, 409, "{}", start.text());

    let path = begin(&mut Plain(shop.clone()), owner, &parcel).await;
    let id = path.rsplit('/').next().unwrap();
    take_away(format!("imports/{id}")).await;
    shop.settle_all().await;
    assert_ne!(ok(owner.get(&path).await)["state"], "done");

    let bytes = media::png(9);
    let asked = ok(media::ask(owner, "image/png", &bytes).await);
    let upload = &asked["upload"];
    let form = media::form(&text(upload, "url"), &media::fields(upload), &bytes);
    assert_eq!(shop.send(form).await.status, 204);
    let id = text(&asked["media"], "id");
    take_away(format!("uploads/{id}")).await;
    shop.settle_all().await;
    assert_ne!(ok(owner.get(&format!("/v1/admin/media/{id}")).await)["status"], "ready");
}

/// Every kind of file comes, is looked at, is stopped, and goes.
pub(crate) async fn there_and_back<P: Pace>(pace: &mut P, owner: &Colleague, round: Round) {
    let number = round.0;
    let category = shelve(owner, number).await;
    let products = format!(
        "handle,title,status,categories,sku,price_EUR\n\
         bowl-{number},Bowl,active,{category},BOWL-{number},9.00\n\
         plate-{number},Plate,active,,plate,8.00\n"
    );
    let parcel = Parcel { is_dry_run: true, ..Parcel::csv("products", &products) };
    let path = begin(pace, owner, &parcel).await;
    let checked = rest(pace, owner, &path).await;
    assert_eq!(checked["state"], "checked", "{checked}");
    let flaws = ok(pace.call(owner.get(&format!("{path}/flaws"))).await);
    assert_eq!(flaws["data"][0]["row"], 3);
    ok(pace.call(owner.call("POST", &format!("{path}/start"), &json!({}))).await);
    assert_eq!(rest(pace, owner, &path).await["applied"]["created"], 1);

    let prices = format!(
        "sku,currency,price,sale_price,sale_from,sale_until\n\
         BOWL-{number},EUR,9.{number}0,8.{number}0,2026-01-01T00:00:00Z,2029-01-01T00:00:00Z\n"
    );
    let stock = format!("sku,on_hand\nBOWL-{number},{number}\n{},5{number}\n", MUG.sku);
    let customers = format!("email,name\nada{number}@example.org,Ada\n");
    let renamed = format!("email,name\nada{number}@example.org,Ada Lovelace\n");
    // Into the archive, which keeps no pictures, and out of it.
    let picture = media::upload(owner, &media::png(220 + number)).await;
    let listed = ok(owner.get("/v1/admin/products?limit=100").await);
    let handle = json!(format!("bowl-{number}"));
    let bowl = listed["data"].as_array().unwrap().iter().find(|one| one["slug"] == handle);
    let bowl = format!("/v1/admin/products/{}", text(bowl.unwrap(), "id"));
    media::attached(owner, &bowl, &[&picture]).await;
    let status =
        |status: &str| format!("handle,status,sku\nbowl-{number},{status},BOWL-{number}\n");
    let (archived, drafts) = (status("archived"), status("draft"));
    let files = [
        ("prices", prices),
        ("stock", stock),
        ("customers", customers),
        ("customers", renamed),
        ("products", archived),
        ("products", drafts),
    ];
    for (kind, file) in files {
        let path = begin(pace, owner, &Parcel::csv(kind, &file)).await;
        let done = rest(pace, owner, &path).await;
        assert_eq!((&done["state"], &done["flawed_rows"]), (&json!("done"), &json!(0)), "{done}");
    }
    let shown = ok(owner.get(&bowl).await);
    assert_eq!(
        (&shown["status"], &shown["images"][0]["media_id"]),
        (&json!("draft"), &json!(picture))
    );
    let path = begin(pace, owner, &Parcel::csv("stock", "sku,on_hand\nBOWL-1,4\n")).await;
    ok(pace.call(owner.call("POST", &format!("{path}/cancel"), &json!({}))).await);
    let shown = ok(pace.call(owner.get("/v1/admin/imports?limit=1")).await);
    let next = format!("/v1/admin/imports?limit=1&cursor={}", text(&shown, "next_cursor"));
    ok(pace.call(owner.get(&next)).await);

    let statuses = [("products", json!("active")), ("prices", Value::Null), ("stock", Value::Null)];
    for (kind, status) in statuses.into_iter().chain([("customers", Value::Null)]) {
        let body = json!({"kind": kind, "format": "csv", "status": status});
        let made = ok(pace.call(owner.call("POST", "/v1/admin/exports", &body)).await);
        let path = format!("/v1/admin/exports/{}", text(&made, "id"));
        assert_eq!(rest(pace, owner, &path).await["state"], "done");
    }
}
