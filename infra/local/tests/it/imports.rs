//! Files that come and go: every bad row named, every good one in, once, however often the job
//! dies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use domain::permission::Permission;
use local::{Options, Request, Response, Shop, Snapshot};
use serde_json::{Value, json};
use testkit::goods;
use wire::{FaultKind, Plan};

use crate::world::{self, Colleague, Shopper, key, ok, refusal};

/// All that somebody needs who moves every kind of file.
pub(crate) const ALL: &[Permission] = &[
    Permission::ImportsCreate,
    Permission::ExportsCreate,
    Permission::ProductsRead,
    Permission::ProductsWrite,
    Permission::InventoryRead,
    Permission::InventoryAdjust,
    Permission::CustomersRead,
    Permission::CustomersWrite,
];

/// A shop, and somebody who moves files.
async fn desk() -> (Shop, Colleague) {
    let shop = world::open().await;
    let clerk = Colleague::of(&shop, "clerk", ALL).await;
    (shop, clerk)
}

/// A file on its way: what is asked for first.
pub(crate) struct Parcel<'a> {
    pub(crate) kind: &'a str,
    pub(crate) format: &'a str,
    pub(crate) is_dry_run: bool,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Parcel<'a> {
    pub(crate) fn csv(kind: &'a str, text: &'a str) -> Self {
        Self { kind, format: "csv", is_dry_run: false, bytes: text.as_bytes() }
    }
}

pub(crate) async fn announce(who: &Colleague, parcel: &Parcel<'_>) -> Response {
    let body = json!({"kind": parcel.kind, "format": parcel.format,
        "dry_run": parcel.is_dry_run, "size": parcel.bytes.len()});
    let request = Request::new("POST", "/v1/admin/imports").header("idempotency-key", &key());
    who.send(request.json(&body)).await
}

/// Sends a file as a browser does.
pub(crate) async fn send(shop: &Shop, upload: &Value, bytes: &[u8]) -> Response {
    let boundary = "----example-boundary";
    let mut body = Vec::new();
    for (name, value) in upload["fields"].as_object().expect("fields") {
        let value = value.as_str().expect("a text");
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend(part.bytes());
    }
    let part = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend(part.bytes());
    body.extend_from_slice(bytes);
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    let url = upload["url"].as_str().expect("an address");
    let path = url.strip_prefix(shop.base_url()).expect("an address of this machine");
    let mut request = Request::new("POST", path)
        .header("content-type", &format!("multipart/form-data; boundary={boundary}"));
    request.body = body.into();
    shop.send(request).await
}

/// Announces, sends and starts; the import's path.
async fn begin(who: &Colleague, parcel: &Parcel<'_>) -> String {
    let made = ok(announce(who, parcel).await);
    let sent = send(&who.shop, &made["upload"], parcel.bytes).await;
    assert!((200..300).contains(&sent.status), "{}: {}", sent.status, sent.text());
    let path = format!("/v1/admin/imports/{}", made["id"].as_str().expect("an id"));
    ok(who.call("POST", &format!("{path}/start"), &json!({})).await);
    path
}

/// The same, and waits until it rests; the import as it is then.
async fn import(who: &Colleague, parcel: &Parcel<'_>) -> Value {
    let path = begin(who, parcel).await;
    who.shop.settle().await;
    ok(who.get(&path).await)
}

fn counts(import: &Value, which: &str) -> [u64; 4] {
    ["created", "updated", "unchanged", "refused"]
        .map(|name| import[which][name].as_u64().expect("a number"))
}

/// Every flaw that an import names, by row and column.
async fn flaws(who: &Colleague, import: &Value) -> BTreeSet<(u64, String, String)> {
    let id = import["id"].as_str().expect("an id");
    let (mut found, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = ok(who.get(&format!("/v1/admin/imports/{id}/flaws?limit=100{cursor}")).await);
        for row in page["data"].as_array().expect("rows") {
            for flaw in row["flaws"].as_array().expect("flaws") {
                assert_eq!(flaw["row"], row["row"]);
                let text = |name: &str| flaw[name].as_str().unwrap_or("-").to_owned();
                found.insert((flaw["row"].as_u64().expect("a row"), text("column"), text("code")));
            }
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Every product of the shop: its version and what it says, by its readable name.
pub(crate) async fn products(shop: &Shop) -> BTreeMap<String, (u64, Value)> {
    let store = shop.store();
    let (mut all, mut position) = (BTreeMap::new(), None);
    loop {
        let page = store.every_product(None, 100, position.as_deref()).await.expect("products");
        for product in page.entries {
            let shown = json!(domain::exchange::product::shown(&product));
            all.insert(product.slug.to_string(), (product.version, shown));
        }
        position = page.next;
        if position.is_none() {
            return all;
        }
    }
}

/// Fetches what an address leads to.
async fn fetch(shop: &Shop, url: &Value) -> Response {
    let url = url.as_str().expect("an address");
    let path = url.strip_prefix(shop.base_url()).expect("an address of this machine");
    shop.send(Request::new("GET", path)).await
}

/// Exports, and answers the file.
async fn export(who: &Colleague, kind: &str, format: &str) -> Vec<u8> {
    let body = json!({"kind": kind, "format": format});
    let made = ok(who.call("POST", "/v1/admin/exports", &body).await);
    who.shop.settle().await;
    let path = format!("/v1/admin/exports/{}", made["id"].as_str().expect("an id"));
    let done = ok(who.get(&path).await);
    assert_eq!(done["state"], "done", "{done}");
    let file = fetch(&who.shop, &done["url"]).await;
    assert_eq!(file.status, 200, "{}", file.text());
    assert_eq!(Some(file.body.len() as u64), done["size"].as_u64());
    file.body.to_vec()
}

const PER_PRODUCT: u64 = 20;
const HEAD: &str = "handle,title,status,option1_name,option1_value,sku,price_EUR,weight_grams,\
    quantity_max\n";

/// So many products of twenty variants each. Every twentieth is bad in each of its rows, in a way
/// of its own; what is to be named of them.
pub(crate) fn many(products: u64) -> (String, BTreeSet<(u64, String, String)>) {
    let (mut file, mut bad) = (HEAD.to_owned(), BTreeSet::new());
    let mut row = 1;
    for product in 0..products {
        let is_bad = product % 20 == 7;
        for number in 0..PER_PRODUCT {
            row += 1;
            let mut cells = [
                format!("tea-{product}"),
                if number == 0 { format!("Tea {product}") } else { String::new() },
                "active".to_owned(),
                "Size".to_owned(),
                format!("{number}00 g"),
                format!("TEA-{product}-{number}"),
                format!("{}.{:02}", product % 90 + 1, number),
                "120".to_owned(),
                "10".to_owned(),
            ];
            if is_bad {
                let (at, wrong, column, code) = match number % 5 {
                    0 => (5, "tea nr. 1", "sku", "malformed"),
                    1 => (6, "19.999", "price_EUR", "too_precise"),
                    2 => (8, "0", "quantity_max", "out_of_range"),
                    3 => (7, "heavy", "weight_grams", "malformed"),
                    _ => (4, "", "option1_value", "required"),
                };
                cells[at] = wrong.to_owned();
                bad.insert((row, column.to_owned(), code.to_owned()));
            }
            writeln!(file, "{}", cells.join(",")).expect("a line");
        }
    }
    (file, bad)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_rows_the_good_ones_come_in_once_and_every_bad_one_is_named() {
    let (shop, clerk) = desk().await;
    let before = products(&shop).await.len();
    let (file, bad) = many(500);
    assert_eq!((file.lines().count(), bad.len()), (10_001, 500));
    let begun = std::time::Instant::now();
    let first = import(&clerk, &Parcel::csv("products", &file)).await;
    let took = begun.elapsed();
    assert_eq!(first["state"], "done", "{first}");
    assert_eq!((&first["rows"], &first["flawed_rows"]), (&json!(10_000), &json!(500)));
    assert_eq!(counts(&first, "checked"), [9_500, 0, 0, 500]);
    assert_eq!(counts(&first, "applied"), [9_500, 0, 0, 500]);
    assert_eq!(flaws(&clerk, &first).await, bad);
    let after = products(&shop).await;
    assert_eq!(after.len() - before, 475);
    let variants = after.iter().filter(|(slug, _)| slug.starts_with("tea-"));
    let variants: usize = variants.map(|(_, (_, rows))| rows.as_array().unwrap().len()).sum();
    assert_eq!(variants, 9_500);
    println!("10,000 rows in {took:?}");

    // The same file once more: nothing changes, and the same is said of it.
    let second = import(&clerk, &Parcel::csv("products", &file)).await;
    assert_eq!(counts(&second, "applied"), [0, 0, 9_500, 500]);
    assert_eq!(flaws(&clerk, &second).await, bad);
    assert_eq!(products(&shop).await, after);
}

/// A file of products that is about to be worked on.
struct Waiting {
    snapshot: Snapshot,
    clerk: Colleague,
    path: String,
}

impl Waiting {
    async fn of(kind: &str, file: &str) -> Self {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let clerk = Colleague::of(&shop, "clerk", ALL).await;
        shop.settle().await;
        let path = begin(&clerk, &Parcel::csv(kind, file)).await;
        let snapshot = Snapshot::of(shop).expect("a shop at rest");
        Self { snapshot, clerk, path }
    }

    async fn open(&self) -> (Shop, Colleague) {
        let shop = self.snapshot.open().await.expect("the shop opens again");
        let clerk = Colleague { shop: shop.clone(), ..self.clerk.clone() };
        (shop, clerk)
    }

    /// What is to be seen at the end, whatever happened on the way.
    async fn end(&self, shop: &Shop, clerk: &Colleague) -> Value {
        // Hours have passed: whoever was signed in is not any more.
        let clerk = &mut clerk.clone();
        clerk.sign_in().await;
        let import = ok(clerk.get(&self.path).await);
        let rows: Vec<Value> = products(shop).await.into_values().map(|(_, rows)| rows).collect();
        let mut stock = BTreeMap::new();
        for good in [goods::MUG, goods::POSTER] {
            let level = shop.store().stock(&good.typed_sku()).await.expect("a store");
            stock.insert(good.sku, level.map(|level| level.on_hand));
        }
        json!({
            "state": import["state"],
            "counts": counts(&import, "applied"),
            "checked": counts(&import, "checked"),
            "flaws": flaws(clerk, &import).await,
            "products": rows,
            "stock": stock,
        })
    }
}

/// Kills a job at every call, or every so many, and in several ways: the end is always the same.
async fn killed(kind: &str, file: &str, every: usize, kinds: &[FaultKind]) -> usize {
    let waiting = Waiting::of(kind, file).await;
    let (shop, clerk) = waiting.open().await;
    shop.wire().faults().reset();
    shop.settle_all().await;
    let calls = shop.wire().faults().count();
    let expected = waiting.end(&shop, &clerk).await;
    assert_eq!(expected["state"], "done", "{expected}");
    let mut points = 0;
    for at in (1..=calls).step_by(every) {
        for kind in kinds {
            let (shop, clerk) = waiting.open().await;
            shop.wire().faults().reset();
            shop.wire().faults().arm(Plan::at(at, *kind));
            shop.settle_all().await;
            shop.wire().faults().disarm();
            shop.settle_all().await;
            let end = waiting.end(&shop, &clerk).await;
            assert_eq!(end, expected, "{kind:?} at call {at} of {calls}");
            points += 1;
        }
    }
    points
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_killed_anywhere_is_followed_by_one_that_ends_the_same() {
    let (file, bad) = many(30);
    assert_eq!(bad.len(), 40);
    let kinds = [FaultKind::DieAfter, FaultKind::LoseResponse, FaultKind::DieBefore];
    let points = killed("products", &file, 9, &kinds).await;
    println!("products: killed at {points} points");
    assert!(points >= 12, "only {points} points");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_is_killed_anywhere_counts_once() {
    let sku = goods::MUG.typed_sku();
    let file = format!("sku,on_hand\n{sku},77\nNOBODYS-1,5\n{sku},78\n");
    let kinds = [FaultKind::DieAfter, FaultKind::LoseResponse];
    let points = killed("stock", &file, 2, &kinds).await;
    println!("stock: killed at {points} points");
    assert!(points >= 12, "only {points} points");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_writes_nothing_but_what_it_found_and_can_be_run_afterwards() {
    let (shop, clerk) = desk().await;
    let before = products(&shop).await;
    let file =
        format!("{HEAD}cup,Cup,active,,,CUP-1,4.50,200,\nbowl,Bowl,draft,,,BOWL-1,free,300,\n");
    let parcel = Parcel { is_dry_run: true, ..Parcel::csv("products", &file) };
    let checked = import(&clerk, &parcel).await;
    assert_eq!((&checked["state"], &checked["is_dry_run"]), (&json!("checked"), &json!(true)));
    assert_eq!(counts(&checked, "checked"), [1, 0, 0, 1]);
    assert_eq!(counts(&checked, "applied"), [0, 0, 0, 0]);
    assert_eq!(products(&shop).await, before);
    let diff = fetch(&shop, &checked["diff_url"]).await;
    assert_eq!(diff.text(), "{\"outcome\":\"create\",\"rows\":[2]}\n");
    let named = BTreeSet::from([(3, "price_EUR".to_owned(), "malformed".to_owned())]);
    assert_eq!(flaws(&clerk, &checked).await, named);

    let path = format!("/v1/admin/imports/{}", checked["id"].as_str().unwrap());
    ok(clerk.call("POST", &format!("{path}/start"), &json!({})).await);
    shop.settle().await;
    let done = ok(clerk.get(&path).await);
    assert_eq!((&done["state"], counts(&done, "applied")), (&json!("done"), [1, 0, 0, 1]));
    assert_eq!(products(&shop).await.len(), before.len() + 1);
    let later = Parcel {
        is_dry_run: true,
        ..Parcel::csv("products", "handle,sku,price_EUR\ncup,CUP-1,5\n")
    };
    let again = import(&clerk, &later).await;
    let diff = fetch(&shop, &again["diff_url"]).await.value();
    assert_eq!(
        diff,
        json!({"rows": [2], "outcome": "update", "changes": [
            {"sku": "CUP-1", "field": "price_EUR", "before": "4.50", "after": "5.00"}]})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cell_that_goes_out_is_a_formula_and_every_one_comes_back_as_it_was() {
    let (shop, clerk) = desk().await;
    let formula = "=HYPERLINK(\"https://example.com\",\"Win\")";
    let line = json!({"handle": "trap", "title": formula, "description": "@SUM(A1)\n-2+3",
        "sku": "TRAP-1", "price_EUR": "1.00", "option1_name": "+Kind", "option1_value": "-1"});
    let text = format!("{line}\n");
    let parcel = Parcel { format: "ndjson", ..Parcel::csv("products", &text) };
    let done = import(&clerk, &parcel).await;
    assert_eq!(counts(&done, "applied"), [1, 0, 0, 0], "{done}");
    let before = products(&shop).await;
    assert_eq!(before["trap"].1[0]["title"], formula);

    let csv = export(&clerk, "products", "csv").await;
    let text = String::from_utf8(csv).unwrap();
    assert!(text.contains("\"'=HYPERLINK(") && text.contains("'@SUM(A1)"), "{text}");
    assert!(text.contains(",'+Kind,-1,"), "a number is no formula: {text}");
    let parcel = Parcel::csv("products", &text);
    let back = import(&clerk, &parcel).await;
    let [created, updated, unchanged, refused] = counts(&back, "applied");
    assert_eq!((created, updated, refused), (0, 0, 0), "{back}");
    assert_eq!(unchanged, back["rows"].as_u64().unwrap());
    assert_eq!(products(&shop).await, before);

    let json = String::from_utf8(export(&clerk, "products", "ndjson").await).unwrap();
    let first: Value = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|row: &Value| row["handle"] == "trap")
        .unwrap();
    assert_eq!(first["title"], formula);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_stock_and_customers_come_back_as_they_went() {
    let (shop, clerk) = desk().await;
    Shopper::customer(&shop, "jane@example.org").await;
    for kind in ["prices", "stock", "customers"] {
        for format in ["csv", "ndjson"] {
            let file = export(&clerk, kind, format).await;
            let text = String::from_utf8(file).unwrap();
            assert!(text.lines().count() > 1 || format == "ndjson", "{text}");
            let parcel = Parcel { format, ..Parcel::csv(kind, &text) };
            let back = import(&clerk, &parcel).await;
            let [created, updated, unchanged, refused] = counts(&back, "applied");
            assert_eq!((created, updated, refused), (0, 0, 0), "{kind} {format}: {back}");
            assert!(unchanged > 0, "{kind} {format}: {text}");
        }
    }
    let sku = goods::MUG.typed_sku();
    let file = format!("sku;currency;price\n{sku};EUR;13,37\n");
    let done = import(&clerk, &Parcel::csv("prices", &file)).await;
    assert_eq!(counts(&done, "applied"), [0, 1, 0, 0], "{done}");
    let file = format!("sku,on_hand\n{sku},123\n");
    let done = import(&clerk, &Parcel::csv("stock", &file)).await;
    assert_eq!(counts(&done, "applied"), [0, 1, 0, 0], "{done}");
    let level = shop.store().stock(&sku).await.unwrap().unwrap();
    assert_eq!(level.on_hand, 123);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shopifys_file_is_one_of_products_of_prices_and_of_stock() {
    let (shop, clerk) = desk().await;
    let file = "\u{feff}Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,\
        Option1 Value,\
        Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Variant Compare At Price,\
        Variant Requires Shipping,Image Src,Gift Card,Status\r\n\
        shirt,Shirt,\"<p>Soft &amp; <b>warm</b></p><script>x()</script>\",Acme,Tops,\"a, b\",\
        TRUE,Size,\
        S,shirt_s,200,4,19.99,24.99,TRUE,https://example.com/a.jpg,FALSE,active\r\n\
        shirt,,,,,,,,M,shirt_m,210,5,21.00,,TRUE,,,\r\n\
        shirt,,,,,,,,,,,,,,,https://example.com/b.jpg,,\r\n";
    for (kind, wanted) in
        [("products", [2, 0, 0, 0]), ("prices", [0, 0, 2, 0]), ("stock", [2, 0, 0, 0])]
    {
        let parcel = Parcel { format: "shopify", ..Parcel::csv(kind, file) };
        let done = import(&clerk, &parcel).await;
        assert_eq!(counts(&done, "applied"), wanted, "{kind}: {done}");
        assert_eq!(done["rows"], 3);
    }
    let shown = ok(Shopper::new(&shop).get("/v1/store/products/shirt").await);
    assert_eq!(shown["description"], "Soft & warm");
    assert_eq!(shown["price_from"]["amount"], 1999);
    assert_eq!(shown["variants"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_by_a_file_chooses_a_password_and_is_named_nowhere_else() {
    let (shop, clerk) = desk().await;
    let file = "email,name\nada@example.org,Ada Lovelace\nnot-an-address,Charles Babbage\n\
        ada@example.org,Augusta King\n";
    let parcel = Parcel { is_dry_run: true, ..Parcel::csv("customers", file) };
    let checked = import(&clerk, &parcel).await;
    let path = format!("/v1/admin/imports/{}", checked["id"].as_str().unwrap());
    let diff = fetch(&shop, &checked["diff_url"]).await.text();
    ok(clerk.call("POST", &format!("{path}/start"), &json!({})).await);
    shop.settle().await;
    let done = ok(clerk.get(&path).await);
    assert_eq!(counts(&done, "applied"), [1, 0, 0, 2], "{done}");
    let told = format!("{done}{diff}{:?}", flaws(&clerk, &done).await).to_lowercase();
    for personal in ["ada@", "lovelace", "babbage", "augusta", "not-an"] {
        assert!(!told.contains(personal), "{told}");
    }
    assert!(shop.mails().iter().all(|mail| !mail.to.iter().any(|to| to.starts_with("ada@"))));

    let ada = Shopper::new(&shop);
    assert_eq!(ada.login("ada@example.org").await.status, 401);
    let body = json!({"email": "ada@example.org"});
    assert_eq!(ada.call("POST", "/v1/auth/password/forgot", &body).await.status, 202);
    shop.settle().await;
    let token = ada.mailed_token("ada@example.org").expect("a letter");
    let body = json!({"token": token, "password": world::PASSWORD});
    assert_eq!(ada.call("POST", "/v1/auth/password/reset", &body).await.status, 204);
    assert_eq!(ada.login("ada@example.org").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_started_when_it_is_there_and_only_as_it_was_announced() {
    let (shop, mut clerk) = desk().await;
    let file = "sku,on_hand\nMUG-1,5\n";
    let parcel = Parcel::csv("stock", file);
    let made = ok(announce(&clerk, &parcel).await);
    let path = format!("/v1/admin/imports/{}", made["id"].as_str().unwrap());
    let start = format!("{path}/start");
    let early = clerk.call("POST", &start, &json!({})).await;
    assert_eq!(refusal(&early), (409, "file_missing".into()));
    let longer = send(&shop, &made["upload"], format!("{file}X-1,6\n").as_bytes()).await;
    assert_eq!(longer.status, 400, "{}", longer.text());
    assert_eq!(send(&shop, &made["upload"], file.as_bytes()).await.status, 204);
    ok(clerk.call("POST", &start, &json!({})).await);
    let twice = clerk.call("POST", &start, &json!({})).await;
    assert_eq!(refusal(&twice), (409, "invalid_transition".into()));
    let canceled = ok(clerk.call("POST", &format!("{path}/cancel"), &json!({})).await);
    assert_eq!(canceled["state"], "canceled");
    shop.settle().await;
    assert_eq!(ok(clerk.get(&path).await)["applied"]["refused"], 0);
    for verb in ["start", "cancel"] {
        let late = clerk.call("POST", &format!("{path}/{verb}"), &json!({})).await;
        assert_eq!(refusal(&late), (409, "invalid_transition".into()));
    }
    let late = send(&shop, &made["upload"], file.as_bytes()).await.status;
    shop.clock().advance_ms(16 * 60 * 1000);
    let expired = send(&shop, &made["upload"], file.as_bytes()).await.status;
    assert_eq!((late, expired), (204, 403), "the form is good for a quarter of an hour");
    clerk.sign_in().await;

    let broken = import(&clerk, &Parcel::csv("stock", "sku,location,colour\nA,B,C\n")).await;
    assert_eq!((&broken["state"], &broken["failure"]), (&json!("failed"), &json!("unreadable")));
    let codes: Vec<_> = broken["first_flaws"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flaw| (flaw["column"].as_str().unwrap(), flaw["code"].as_str().unwrap()))
        .collect();
    assert_eq!(codes, [("colour", "unknown_column"), ("on_hand", "missing_column")]);
    let listed = ok(clerk.get("/v1/admin/imports?limit=1").await);
    assert_eq!(listed["data"][0]["id"], broken["id"]);
    assert!(listed["next_cursor"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_not_hear_that_a_file_was_started_hears_it_when_they_ask_again() {
    let file = "sku,on_hand\nMUG-1,5\n";
    let lost = [
        FaultKind::LoseResponse,
        FaultKind::TimeoutAfter,
        FaultKind::DieAfter,
        FaultKind::DieBefore,
        FaultKind::FailBefore,
    ];
    for (kind, is_dry_run) in lost.into_iter().zip([true, false].into_iter().cycle()) {
        let options = Options { sdk_attempts: 1, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let clerk = Colleague::of(&shop, "clerk", ALL).await;
        let parcel = Parcel { is_dry_run, ..Parcel::csv("stock", file) };
        let made = ok(announce(&clerk, &parcel).await);
        assert_eq!(send(&shop, &made["upload"], file.as_bytes()).await.status, 204);
        let path = format!("/v1/admin/imports/{}", made["id"].as_str().unwrap());
        let start = |key: &str| {
            let start = Request::new("POST", &format!("{path}/start"));
            clerk.send(start.header("idempotency-key", key).json(&json!({})))
        };
        let mut plan = Plan::at(1, kind);
        plan.filter = Some(Box::new(|call| {
            call.caller == "platform.admin.start_import" && call.operation == "TransactWriteItems"
        }));
        shop.wire().faults().arm(plan);
        let first = start("mine").await;
        assert!(first.status >= 500, "{kind:?}: {} {}", first.status, first.text());
        shop.wire().faults().disarm();
        // Who died holds their key for half a minute.
        shop.clock().advance_ms(31_000);
        let again = start("mine").await;
        assert_eq!(again.status, 202, "{kind:?}: {}", again.text());
        assert_eq!(again.value()["state"], "checking", "{kind:?}");
        let other = start("another").await;
        assert_eq!(refusal(&other), (409, "invalid_transition".into()), "{kind:?}");
        shop.settle().await;
        // It has come to its end since: the same words are answered the same, and start nothing.
        let end = if is_dry_run { "checked" } else { "done" };
        assert_eq!(ok(clerk.get(&path).await)["state"], end, "{kind:?}");
        let late = start("mine").await;
        assert_eq!((late.status, late.value()), (202, again.value()), "{kind:?}");
        assert_eq!(late.header("idempotent-replayed"), Some("true"), "{kind:?}");
        shop.settle().await;
        assert_eq!(ok(clerk.get(&path).await)["state"], end, "{kind:?}");
        if !is_dry_run {
            let over = start("a third").await;
            assert_eq!(refusal(&over), (409, "invalid_transition".into()), "{kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_by_a_file_what_they_may_not_change_by_hand() {
    let (shop, clerk) = desk().await;
    let narrow = Colleague::of(
        &shop,
        "narrow",
        &[
            Permission::ImportsCreate,
            Permission::ExportsCreate,
            Permission::InventoryAdjust,
            Permission::InventoryRead,
        ],
    )
    .await;
    let file = "sku,on_hand\nMUG-1,5\n";
    for (kind, permission) in [
        ("products", "products.write"),
        ("prices", "products.write"),
        ("customers", "customers.write"),
    ] {
        let refused = announce(&narrow, &Parcel::csv(kind, file)).await;
        assert_eq!(refusal(&refused), (403, "forbidden".into()));
        assert_eq!(refused.value()["permission"], permission);
    }
    assert_eq!(announce(&narrow, &Parcel::csv("stock", file)).await.status, 201);
    let made = ok(announce(&clerk, &Parcel::csv("products", file)).await);
    for verb in ["start", "cancel"] {
        let path = format!("/v1/admin/imports/{}/{verb}", made["id"].as_str().unwrap());
        let refused = narrow.call("POST", &path, &json!({})).await;
        assert_eq!(refusal(&refused), (403, "forbidden".into()));
    }
    let body = json!({"kind": "customers", "format": "csv"});
    let refused = narrow.call("POST", "/v1/admin/exports", &body).await;
    assert_eq!(refusal(&refused), (403, "forbidden".into()));

    // An export is for whoever asked for it, for a week, and its address for a minute.
    let body = json!({"kind": "stock", "format": "csv"});
    let made = ok(clerk.call("POST", "/v1/admin/exports", &body).await);
    shop.settle().await;
    let path = format!("/v1/admin/exports/{}", made["id"].as_str().unwrap());
    assert_eq!(narrow.get(&path).await.status, 404);
    let url = ok(clerk.get(&path).await)["url"].clone();
    assert_eq!(fetch(&shop, &url).await.status, 200);
    shop.clock().advance_ms(61_000);
    assert_eq!(fetch(&shop, &url).await.status, 403);
    // Ten minutes after the proof of who they are, another one is wanted.
    shop.clock().advance_ms(10 * 60_000);
    let refused = clerk.call("POST", "/v1/admin/exports", &body).await;
    assert_eq!(refusal(&refused), (403, "step_up_required".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_is_made_once_for_one_key() {
    let (_, clerk) = desk().await;
    let body = json!({"kind": "stock", "format": "csv", "dry_run": true, "size": 9});
    let without = clerk.call("POST", "/v1/admin/imports", &body).await;
    assert_eq!(refusal(&without), (400, "idempotency_key_required".into()));
    let request =
        || Request::new("POST", "/v1/admin/imports").header("idempotency-key", "same").json(&body);
    let (first, second) = (ok(clerk.send(request()).await), clerk.send(request()).await);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(second.value()["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_none_is_put_aside_and_the_next_one_is_read() {
    let (shop, clerk) = desk().await;
    let stack = shop.stack();
    let name = stack.queues.iter().find(|queue| queue.name.ends_with("-exchange")).unwrap();
    shop.wire().sqs().send(&name.name, "{}").expect("a queue");
    let sku = goods::MUG.typed_sku();
    let file = format!("sku,on_hand\n{sku},5\n");
    let done = import(&clerk, &Parcel::csv("stock", &file)).await;
    assert_eq!(done["state"], "done");
    shop.settle_all().await;
    let depths = shop.wire().sqs().depths();
    let dead = depths.iter().find(|depth| depth.queue.ends_with("-exchange-dlq")).unwrap();
    assert_eq!(dead.visible, 1, "{dead:?}");
}
