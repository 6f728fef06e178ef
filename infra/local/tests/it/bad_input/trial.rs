//! The bench on which bad requests are tried: who calls, what a good request would be, and what a
//! good refusal is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use domain::permission::Permission;
use local::{Options, Request, Response, Shop};
use serde_json::{Value, json};
use testkit::goods::{self, MUG, SOCKS, TEMPLATE};

use crate::imports::{Parcel, announce};
use crate::oddities::complete;
use crate::tour;
use crate::webhooks;
use crate::world::{self, Colleague, PASSWORD, Shopper, ok};

/// An operation of the contract.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) text: Value,
}

pub(crate) fn repository(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn operations() -> Vec<Operation> {
    let contract = repository("infra/openapi.json");
    let mut all = Vec::new();
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for (method, text) in methods.as_object().unwrap() {
            all.push(Operation {
                id: text["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                text: never_null(text),
            });
        }
    }
    all
}

/// The contract without the nulls of optional fields: here null is absent.
fn never_null(contract: &Value) -> Value {
    match contract {
        Value::Object(all) => {
            let mut all: serde_json::Map<String, Value> =
                all.iter().map(|(name, value)| (name.clone(), never_null(value))).collect();
            if let Some([kind, null]) = all.get("type").and_then(Value::as_array).map(Vec::as_slice)
                && null == "null"
            {
                let kind = kind.clone();
                all.insert("type".to_owned(), kind);
            }
            if let Some(Value::Array(words)) = all.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            Value::Object(all)
        }
        Value::Array(all) => all.iter().map(never_null).collect(),
        other => other.clone(),
    }
}

impl Operation {
    pub(crate) fn parameters(&self, place: &str) -> Vec<(&str, &Value)> {
        let all = self.text["parameters"].as_array().into_iter().flatten();
        all.filter(|one| one["in"] == place)
            .map(|one| (one["name"].as_str().unwrap(), &one["schema"]))
            .collect()
    }

    /// The query that it can not do without, and this part of one; what the part says anew is not
    /// said twice.
    pub(crate) fn query(&self, part: &str) -> String {
        let said: Vec<&str> =
            part.split('&').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        let all = self.text["parameters"].as_array().into_iter().flatten();
        let required = all.filter(|one| one["in"] == "query" && one["required"] == true);
        let names = required.map(|one| one["name"].as_str().unwrap());
        let mut query: Vec<String> = names
            .filter(|name| !said.contains(name))
            .map(|name| match name {
                "sku" => format!("sku={}", MUG.sku),
                "locale" => "locale=de".to_owned(),
                "country" => "country=DE".to_owned(),
                "month" => "month=2026-11".to_owned(),
                "q" => "q=mug".to_owned(),
                other => panic!("{}: say here what a good {other} is", self.id),
            })
            .collect();
        query.extend((!part.is_empty()).then(|| part.to_owned()));
        query.join("&")
    }

    pub(crate) fn body(&self) -> Option<&Value> {
        self.text.pointer("/requestBody/content/application~1json/schema")
    }

    /// Whether these credentials are among those that open it.
    pub(crate) fn asks_for(&self, credential: &str) -> bool {
        let all = self.text["security"].as_array().into_iter().flatten();
        all.into_iter().any(|one| one.get(credential).is_some())
    }

    /// The `Idempotency-Key`: none, optional, required.
    pub(crate) fn key(&self) -> Option<bool> {
        let all = self.text["parameters"].as_array().into_iter().flatten();
        all.filter_map(|one| one["$ref"].as_str()?.rsplit('/').next()).find_map(|name| match name {
            "IdempotencyKey" => Some(false),
            "IdempotencyKeyRequired" => Some(true),
            _ => None,
        })
    }

    /// Whether it is for the staff alone.
    pub(crate) fn is_for_staff(&self) -> bool {
        self.asks_for("staff_cookie") && !self.asks_for("session_cookie")
    }

    /// Whether it changes only what has not changed since it was seen.
    fn wants_a_tag(&self) -> bool {
        let all = self.text["parameters"].as_array().into_iter().flatten();
        all.into_iter().any(|one| one["$ref"] == "#/components/parameters/IfMatch")
    }

    /// Whether it guesses what opens doors: the last guess that is let through is written down.
    fn guesses(&self) -> bool {
        let guessing = [
            "identity.store.login",
            "identity.store.reauthenticate",
            "identity.store.change_password",
            "identity.store.change_email",
            "identity.admin.login",
            "identity.admin.mfa",
            "identity.admin.step_up",
            "identity.admin.change_password",
        ];
        guessing.contains(&self.id.as_str())
    }

    /// Whether the body is read as JSON before anything is known of the caller's rights to it.
    pub(crate) fn is_signed(&self) -> bool {
        self.asks_for("stripe_signature") || self.asks_for("carrier_signature")
    }
}

/// A request to an operation, before it is sent.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }
}

/// People with carts and orders, and what was found wrong so far.
pub(crate) struct Trial {
    pub(crate) shop: Shop,
    pub(crate) jane: Shopper,
    pub(crate) joe: Shopper,
    /// A guest's cart that may become Jane's.
    pub(crate) guest: Shopper,
    /// Somebody who may do everything.
    pub(crate) boss: Colleague,
    /// Somebody else who may, with a session.
    pub(crate) colleague: Colleague,
    /// Ids of what a person calls their own, by person and path.
    own: BTreeMap<(String, &'static str), String>,
    pub(crate) line: String,
    /// A gift card in Jane's cart.
    gift_card: String,
    /// Jane's own id.
    customer: String,
    pub(crate) download: String,
    /// The mug's product.
    product: String,
    /// A transfer that is a draft.
    transfer: String,
    /// A paid order, and a parcel of it.
    parcel: (String, String),
    /// A refund of that order.
    refund: String,
    /// A SKU whose units are keys.
    keyed: String,
    pub(crate) cursors: BTreeMap<String, Vec<String>>,
    pub(crate) faults: Vec<String>,
    pub(crate) sent: BTreeMap<String, usize>,
    pub(crate) taken: usize,
}

/// Somebody who has a list of their own.
#[derive(Clone, Copy)]
pub(crate) enum Person<'a> {
    Customer(&'a Shopper),
    Member(&'a Colleague),
}

/// A parcel of the paid order that has something to send.
async fn packed(orders: &Value, boss: &Colleague) -> (String, String) {
    for order in orders["data"].as_array().unwrap() {
        let line = &order["lines"][0];
        if order["status"] == "placed" && line["type"] == "physical" {
            let order = order["id"].as_str().unwrap();
            let made = crate::tour::parcels::open(boss, order, &line["id"], 1).await;
            assert_eq!(made.status, 201, "{}", made.text());
            return (order.to_owned(), made.value()["id"].as_str().unwrap().to_owned());
        }
    }
    panic!("there is no order to send")
}

/// What a refused request must be refused for.
pub(crate) enum Wanted<'a> {
    /// 400 with flaws at exactly these places.
    Flaws(BTreeSet<String>),
    /// 400 with one flaw of this code.
    Code(&'a str),
    /// This status and code.
    Refusal(u16, &'a str),
    /// Anything but a failure of ours: the contract allows the input.
    Anything,
}

impl Trial {
    /// A shop with two customers, each with a cart, two paid orders and one unpaid.
    pub(crate) async fn open() -> Self {
        // How often somebody may call is another story.
        let parameters = [("Limits".to_owned(), "caller=100000/60".to_owned())].into();
        let options = Options { parameters, ..Options::default() };
        let shop = world::open_with(options, &goods::small(world::MUGS)).await;
        let mut people = Vec::new();
        for email in ["jane@example.org", "joe@example.org"] {
            let mut person = Shopper::customer(&shop, email).await;
            for good in [TEMPLATE, SOCKS, MUG] {
                shop.clock().advance_ms(1);
                person.open_cart("EUR").await;
                person.ready(good, 1).await;
                assert_eq!(person.complete().await.status, 201);
                if good != MUG {
                    person.pay("pm_card_visa");
                    shop.settle().await;
                }
            }
            shop.clock().advance_ms(1);
            let (order, token) = (person.order.clone(), person.order_token.clone());
            person.open_cart("EUR").await;
            person.ready(MUG, 1).await;
            (person.order, person.order_token) = (order, token);
            people.push(person);
        }
        let joe = people.pop().unwrap();
        let jane = people.pop().unwrap();
        let guest = Shopper::guest(&shop).await;
        guest.add(SOCKS, 1).await;
        let line = jane.view_cart().await["lines"][0]["id"].as_str().unwrap().to_owned();
        let list = ok(jane.get("/v1/store/orders?limit=100").await);
        let mut download = String::new();
        for order in list["data"].as_array().unwrap() {
            let path = format!("/v1/store/orders/{}", order["id"].as_str().unwrap());
            if let Some(url) = ok(jane.get(&path).await)["downloads"][0]["url"].as_str() {
                url.rsplit('/').next().unwrap().clone_into(&mut download);
            }
        }
        assert!(!download.is_empty());
        let boss = Colleague::of(&shop, "boss", Permission::ALL).await;
        let colleague = Colleague::of(&shop, "colleague", Permission::ALL).await;
        let mut own = BTreeMap::new();
        for (person, email) in [(&jane, "jane@example.org"), (&joe, "joe@example.org")] {
            for (name, id) in belongings(person, email).await {
                own.insert((person.cart.clone(), name), id);
            }
        }
        own.extend(work_of(&boss, &colleague).await);
        let mug = ok(jane.get("/v1/store/products/blue-mug").await);
        let product = mug["id"].as_str().unwrap().to_owned();
        let transfer = crate::inventory::draft(&boss).await;
        let parcel = packed(&list, &boss).await;
        let path = format!("/v1/admin/orders/{}/refunds", parcel.0);
        let cent = json!({"goodwill": {"amount": 1, "currency": "EUR"}});
        let made = local::Request::new("POST", &path).header("idempotency-key", &world::key());
        let refund = ok(boss.send(made.json(&cent)).await)["id"].as_str().unwrap().to_owned();
        let keyed = tour::key_pools::filled(&boss, 3).await;
        let amount = domain::money::Money::new(500, domain::currency::Currency::EUR);
        let (gift_card, code) = crate::gift_cards::card(&shop, amount, None).await;
        ok(crate::gift_cards::present(&jane, &code).await);
        let gift_card = gift_card.to_string();
        let me = ok(jane.get("/v1/auth/me").await);
        let customer = me["id"].as_str().unwrap().to_owned();
        Self {
            gift_card,
            customer,
            shop,
            jane,
            joe,
            guest,
            boss,
            colleague,
            own,
            line,
            download,
            product,
            transfer,
            parcel,
            refund,
            keyed,
            cursors: BTreeMap::new(),
            faults: Vec::new(),
            sent: BTreeMap::new(),
            taken: 0,
        }
    }

    /// The value of a path's placeholder that Jane may call.
    pub(crate) fn live(&self, operation: &Operation, name: &str, who: &Shopper) -> String {
        match name {
            "id" if operation.id == "cart.store.merge" => self.guest.cart.clone(),
            "id" if operation.path.contains("/carts/") => who.cart.clone(),
            "id" if operation.path.contains("/pay_links/") => who.cart.clone(),
            "id" if operation.path.contains("/draft_orders/") => {
                "drf_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()
            }
            "id" if operation.path.contains("/fulfillments") => self.parcel.0.clone(),
            "fulfillment_id" => self.parcel.1.clone(),
            "dispute_id" => "dp_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            "return_id" => "ret_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            "id" if operation.path.contains("/refunds/{refund_id}") => self.parcel.0.clone(),
            "refund_id" => self.refund.clone(),
            "id" if operation.path.contains("/orders/") => who.order.clone(),
            "id" if operation.path.contains("/admin/gift_cards/") => self.gift_card.clone(),
            "id" if operation.path.contains("/admin/customers/") => self.customer.clone(),
            "id" if operation.path.contains("/store/products/") => self.product.clone(),
            "id" if operation.path.contains("/inventory/locations/") => {
                domain::stock::FIRST_LOCATION.to_string()
            }
            "id" if operation.path.contains("/inventory/transfers/") => self.transfer.clone(),
            "id" if operation.path.contains("/admin/messages/") => {
                "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()
            }
            "id" if operation.path.contains("/admin/suppressions/") => "a".repeat(43),
            "id" | "session_id" => {
                let place = operation.path.split(&format!("/{{{name}}}")).next().unwrap();
                let whose = if operation.is_for_staff() { "" } else { &who.cart };
                let own = self.own.iter().find(|((person, at), _)| person == whose && *at == place);
                let (_, id) = own.unwrap_or_else(|| panic!("say here what a good {place}/… is"));
                id.clone()
            }
            "event_id" => "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            "name" if operation.path.contains("/admin/queues/") => "mail".to_owned(),
            "letter" => "order_confirmation".to_owned(),
            "purpose" => "marketing_mail".to_owned(),
            "version" | "number" => "1".to_owned(),
            "line_id" => self.line.clone(),
            "gift_card_id" => self.gift_card.clone(),
            "token" => self.download.clone(),
            "id_or_slug" => "socks".to_owned(),
            "locale" => "de".to_owned(),
            "code" => CODE.to_owned(),
            "slug" => SHELF.to_owned(),
            "sku" if operation.path.contains("/key_pools/") => self.keyed.clone(),
            "sku" => MUG.sku.to_owned(),
            "variant_id" if operation.path.contains("/admin/products/") => SOCKS.variant(),
            "variant_id" => MUG.variant(),
            "location_id" => domain::stock::FIRST_LOCATION.to_string(),
            other => panic!("{}: say here what a good {other} is", operation.id),
        }
    }

    pub(crate) fn path(&self, operation: &Operation, changed: &[(&str, &str)]) -> String {
        let fill = |part: &str| {
            let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            let Some(name) = name else { return part.to_owned() };
            let given = changed.iter().find(|(other, _)| *other == name);
            given.map_or_else(|| self.live(operation, name, &self.jane), |(_, v)| (*v).to_owned())
        };
        operation.path.split('/').map(fill).collect::<Vec<_>>().join("/")
    }

    /// A good body: the sample event's, with what lives in this shop.
    pub(crate) fn example(&self, operation: &Operation) -> Value {
        let Some(schema) = operation.body() else { return Value::Null };
        let event = repository(&format!("events/{}.json", operation.id));
        let text = event["body"].as_str().unwrap_or("{}");
        let mut body: Value = serde_json::from_str(text).unwrap();
        let living = [
            ("variant_id", json!(MUG.variant())),
            ("cart_token", json!(self.guest.cart_token)),
            ("password", json!(PASSWORD)),
            ("current_password", json!(PASSWORD)),
            ("role_id", json!(self.own[&(String::new(), ROLES)])),
        ];
        // Whoever changes a password shows the one they have and chooses another.
        let changes_password = body.get("current_password").is_some();
        for (name, value) in living {
            if body.get(name).is_some() && !(name == "password" && changes_password) {
                body[name] = value;
            }
        }
        if operation.is_signed() { body } else { complete(schema, &body) }
    }

    /// A request that is good in every respect.
    pub(crate) fn good(&self, operation: &Operation) -> Ask {
        let mut headers = vec![("origin".to_owned(), self.shop.base_url().to_owned())];
        let mut put = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                headers.push((name.to_owned(), value.clone()));
            }
        };
        // Where everybody may call, nobody in particular does: Jane could sign herself out.
        if operation.asks_for("bearer") {
            put("authorization", Some(&format!("Bearer {}", self.bearer(operation))));
        }
        if operation.wants_a_tag() {
            put("if-match", Some(&"\"v1\"".to_owned()));
        }
        put("x-order-token", self.jane.order_token.as_ref());
        if operation.key().is_some() {
            put("idempotency-key", Some(&world::key()));
        }
        let body = operation.body().map(|_| {
            put("content-type", Some(&"application/json".to_owned()));
            self.example(operation).to_string().into_bytes()
        });
        let (path, query) = (self.path(operation, &[]), operation.query(""));
        Ask { path, query, headers, body }
    }

    /// Whom an operation is for.
    pub(crate) fn owner_of(&self, operation: &Operation) -> Person<'_> {
        if operation.is_for_staff() {
            return Person::Member(&self.boss);
        }
        Person::Customer(&self.jane)
    }

    /// Somebody else whom it is for.
    pub(crate) fn other_than_owner_of(&self, operation: &Operation) -> Person<'_> {
        if operation.is_for_staff() {
            return Person::Member(&self.colleague);
        }
        Person::Customer(&self.joe)
    }

    /// The access token of whom an operation is for.
    pub(crate) fn bearer(&self, operation: &Operation) -> String {
        if operation.is_for_staff() {
            return self.boss.bearer.clone();
        }
        self.jane.bearer.clone().unwrap()
    }

    /// Sends it, from an address that nobody came from: how often is another story.
    pub(crate) async fn send(&mut self, operation: &Operation, ask: Ask) -> Response {
        let number: usize = self.sent.values().sum::<usize>() + 1;
        let ip = format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255);
        self.send_from(&ip, operation, ask).await
    }

    /// Sends it from this address.
    pub(crate) async fn send_from(
        &mut self,
        ip: &str,
        operation: &Operation,
        ask: Ask,
    ) -> Response {
        *self.sent.entry(operation.id.clone()).or_default() += 1;
        let target =
            if ask.query.is_empty() { ask.path } else { format!("{}?{}", ask.path, ask.query) };
        let mut request = Request::new(&operation.method, &target);
        ip.clone_into(&mut request.source_ip);
        request.headers = ask.headers;
        request.body = Bytes::from(ask.body.unwrap_or_default());
        self.shop.send(request).await
    }

    /// Sends it and compares the answer with what is wanted.
    pub(crate) async fn expect(
        &mut self,
        operation: &Operation,
        what: &str,
        ask: Ask,
        wanted: Wanted<'_>,
    ) {
        // Of two carts of one moment the shop would not know the newer.
        self.shop.clock().advance_ms(1);
        // Only this request's calls are looked at.
        self.shop.wire().recorder().reset();
        let mark = self.shop.wire().recorder().mark();
        let answer = self.send(operation, ask).await;
        let mut faults = Vec::new();
        let is_good = (200..400).contains(&answer.status);
        match &wanted {
            Wanted::Anything if is_good => self.taken += 1,
            Wanted::Anything => {}
            Wanted::Flaws(pointers) => {
                let named = pointers_of(&answer);
                if answer.status != 400 || named != *pointers {
                    faults.push(format!("not refused for {pointers:?}"));
                }
            }
            Wanted::Code(code) => {
                let codes = codes_of(&answer);
                if answer.status != 400 || codes != [*code] {
                    faults.push(format!("not refused as {code}"));
                }
            }
            Wanted::Refusal(status, code) => {
                if answer.status != *status || answer.value()["code"] != *code {
                    faults.push(format!("not refused with {status} {code}"));
                }
            }
        }
        if !is_good {
            faults.extend(shape(&answer));
            let calls = self.shop.wire().recorder().since(mark);
            let is_input = matches!(wanted, Wanted::Flaws(_) | Wanted::Code(_));
            let is_cursor = matches!(wanted, Wanted::Code("invalid_cursor"));
            for call in calls {
                let reads = ["GetItem", "BatchGetItem", "Query", "GetSecretValue"];
                let is_read = reads.contains(&call.operation.as_str());
                // A claimed key and a counted try may stay; nothing else may.
                let is_guess = operation.guesses() && call.tables == ["fluxion-orders"];
                let is_passing = call.tables == ["fluxion-ephemeral"] || call.status != 200;
                let is_passing = is_passing || is_guess;
                if !is_read && !is_passing && call.service != "stripe" {
                    faults.push(format!("{} on {:?}", call.operation, call.tables));
                } else if is_input
                    && call.service != "secretsmanager"
                    && !knows_the_caller(&call, is_cursor)
                {
                    faults.push(format!("{} was asked before the input", call.service));
                }
            }
        }
        for fault in faults {
            let text: String = answer.text().chars().take(400).collect();
            let what: String = what.chars().take(120).collect();
            let (id, status) = (&operation.id, answer.status);
            self.faults.push(format!("{id}: {what:?}: {fault}\n    {status} {text}"));
        }
    }

    /// What lies in all tables that do not forget by themselves.
    pub(crate) async fn tables(&self) -> BTreeSet<String> {
        let client = aws_sdk_dynamodb::Client::new(&self.shop.sdk_config());
        let mut all = BTreeSet::new();
        for table in &self.shop.stack().tables {
            if table.name.ends_with("-ephemeral") {
                continue;
            }
            let mut pages = client.scan().table_name(&table.name).into_paginator().send();
            while let Some(page) = pages.next().await {
                for item in page.unwrap().items() {
                    all.insert(format!("{} {}", table.name, sorted(item)));
                }
            }
        }
        all
    }

    /// Ends the trial of one operation: what was refused has changed nothing.
    pub(crate) async fn unchanged(&mut self, operation: &Operation, before: &BTreeSet<String>) {
        let after = self.tables().await;
        for row in before.symmetric_difference(&after) {
            self.faults.push(format!("{}: a refused request left or took {row}", operation.id));
        }
    }

    pub(crate) fn conclude(&self, title: &str) {
        for (id, sent) in &self.sent {
            println!("{sent:>6}  {id}");
        }
        let total: usize = self.sent.values().sum();
        println!("{total:>6}  {title}, {} of them taken as valid", self.taken);
        let shown = self.faults.len().min(40);
        assert!(
            self.faults.is_empty(),
            "{} faults:\n{}",
            self.faults.len(),
            self.faults[..shown].join("\n")
        );
    }
}

/// An item as text: the same for the same item, whatever the order of its attributes.
pub(crate) fn sorted(item: &HashMap<String, AttributeValue>) -> String {
    let shown = |value: &AttributeValue| match value {
        AttributeValue::M(map) => sorted(map),
        AttributeValue::L(list) => {
            let wrap = |(at, one): (usize, &AttributeValue)| (at.to_string(), one.clone());
            sorted(&list.iter().enumerate().map(wrap).collect())
        }
        plain => format!("{plain:?}"),
    };
    let sorted: BTreeMap<&String, String> =
        item.iter().map(|(name, value)| (name, shown(value))).collect();
    format!("{sorted:?}")
}

pub(crate) fn pointers_of(answer: &Response) -> BTreeSet<String> {
    let errors = answer.value()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().filter_map(|flaw| flaw["pointer"].as_str().map(str::to_owned)).collect()
}

pub(crate) fn codes_of(answer: &Response) -> Vec<String> {
    let errors = answer.value()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().filter_map(|flaw| flaw["code"].as_str().map(str::to_owned)).collect()
}

/// What is wrong with the shape of a refusal.
pub(crate) fn shape(answer: &Response) -> Vec<String> {
    let mut faults = Vec::new();
    if !(400..500).contains(&answer.status) {
        faults.push("not a refusal, but a failure".to_owned());
    }
    let body = answer.value();
    let is_text = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
    if answer.header("content-type") != Some("application/problem+json") {
        faults.push(format!("the content type is {:?}", answer.header("content-type")));
    }
    for name in ["type", "title", "detail", "code", "request_id"] {
        if !is_text(name) {
            faults.push(format!("no {name}"));
        }
    }
    let code = body["code"].as_str().unwrap_or_default();
    if body["type"] != json!(format!("/problems/{code}")) || body["status"] != answer.status {
        faults.push("type or status do not fit".to_owned());
    }
    if body["request_id"].as_str() != answer.header("x-request-id") {
        faults.push("two request ids".to_owned());
    }
    let errors = body["errors"].as_array();
    let is_input = ["invalid_request", "idempotency_key_required", "invalid_cursor"];
    // What the state of things refuses may be told line by line, too.
    let may_have = is_input.contains(&code) || answer.status == 409;
    let fits = match errors {
        Some(errors) => may_have && !errors.is_empty(),
        None => !is_input.contains(&code),
    };
    if !fits {
        faults.push("flaws and code do not fit".to_owned());
    }
    for flaw in errors.into_iter().flatten() {
        let keys: Vec<&String> = flaw.as_object().unwrap().keys().collect();
        if keys != ["code", "detail", "pointer"] {
            faults.push(format!("a flaw with {keys:?}"));
        }
    }
    faults.extend(headers(answer));
    faults
}

/// Which of the headers that stand on every answer do not.
pub(crate) fn headers(answer: &Response) -> Vec<String> {
    let wanted = [
        ("strict-transport-security", "max-age=63072000; includeSubDomains; preload"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("vary", "Origin"),
    ];
    let mut faults: Vec<String> = wanted
        .iter()
        .filter(|(name, value)| answer.header(name) != Some(*value))
        .map(|(name, _)| format!("{name}: {:?}", answer.header(name)))
        .collect();
    for name in
        ["permissions-policy", "cross-origin-resource-policy", "cache-control", "x-request-id"]
    {
        if answer.header(name).is_none_or(str::is_empty) {
            faults.push(format!("no {name}"));
        }
    }
    if answer.status >= 400 && answer.header("cache-control") != Some("no-store") {
        faults.push("a refusal that may be kept".to_owned());
    }
    faults
}

/// Who is calling is asked before what they bring is looked at: their session, and for staff who
/// they are. A cursor is opened when the caller was counted.
fn knows_the_caller(call: &wire::Call, is_cursor: bool) -> bool {
    call.operation == "BatchGetItem" && call.tables == ["fluxion-ephemeral"]
        || call.operation == "GetItem" && call.tables == ["fluxion-identity"]
        || call.operation == "UpdateItem" && call.tables == ["fluxion-ephemeral"] && is_cursor
}

const SESSIONS: &str = "/v1/auth/sessions";
const BOOK: &str = "/v1/store/me/addresses";
const OWN_SESSIONS: &str = "/v1/auth/staff/sessions";
const PRODUCTS: &str = "/v1/admin/products";
/// The readable name of a category, a collection and an attribute.
const PROMOTIONS: &str = "/v1/admin/promotions";
const POINTS: &str = "/v1/admin/pickup_points";
const MEDIA: &str = "/v1/admin/media";
const IMPORTS: &str = "/v1/admin/imports";
const EXPORTS: &str = "/v1/admin/exports";
/// A promotion's code.
const CODE: &str = "SPRING";
const SHELF: &str = "mugs";
const STAFF: &str = "/v1/admin/staff";
const STAFF_SESSIONS: &str = "/v1/admin/staff/{id}/sessions";
const ROLES: &str = "/v1/admin/roles";
const KEYS: &str = "/v1/admin/api_keys";

fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

/// A customer's addresses, and a session that is not the one they call with.
async fn belongings(person: &Shopper, email: &str) -> [(&'static str, String); 2] {
    person.shop.clock().advance_ms(1);
    let body = json!({"email": email, "password": PASSWORD, "mode": "token"});
    ok(Shopper::from(&person.shop, "203.0.113.99").call("POST", "/v1/auth/login", &body).await);
    let sessions = ok(person.get(SESSIONS).await);
    let is_other = |one: &&Value| one["is_current"] == false;
    let other = sessions["data"].as_array().unwrap().iter().find(is_other).unwrap();
    ok(person.call("POST", BOOK, &world::address()).await);
    let address = ok(person.call("POST", BOOK, &world::address()).await);
    [(SESSIONS, id_of(other)), (BOOK, id_of(&address))]
}

/// A role that nobody has, a key that was not used, a colleague and sessions of both.
async fn work_of(
    boss: &Colleague,
    colleague: &Colleague,
) -> BTreeMap<(String, &'static str), String> {
    let role = json!({"name": "A role", "permissions": ["orders.read"]});
    let role = ok(boss.call("POST", ROLES, &role).await);
    let mut key = Value::Null;
    for name in ["Warehouse", "Till"] {
        let body = json!({"name": name, "scopes": ["orders.read"]});
        key = ok(boss.call("POST", KEYS, &body).await)["api_key"].clone();
    }
    let mut phone = Colleague { bearer: String::new(), ..boss.clone() };
    boss.shop.clock().advance_ms(1);
    let first = ok(phone.first_step().await);
    let code = phone.recovery.pop().unwrap();
    ok(phone.second_step(&first["mfa_token"], &code).await);
    let own = ok(boss.get(OWN_SESSIONS).await);
    let is_other = |one: &&Value| one["is_current"] == false;
    let own = own["data"].as_array().unwrap().iter().find(is_other).unwrap().clone();
    let theirs = ok(boss.get(&format!("{STAFF}/{}/sessions", colleague.id)).await);
    for place in ["categories", "collections", "attributes"] {
        let mut body = json!({"title": "Mugs"});
        body[if place == "attributes" { "code" } else { "slug" }] = json!(SHELF);
        if place == "attributes" {
            body["type"] = json!("text");
        }
        ok(boss.call("POST", &format!("/v1/admin/{place}"), &body).await);
    }
    let socks = ok(boss.get("/v1/store/products/socks").await);
    let promotion = json!({"name": "Spring", "trigger": "code",
        "actions": [{"type": "percent", "ppm": 50_000, "target": "order"}]});
    let promotion = ok(boss.call("POST", PROMOTIONS, &promotion).await);
    let codes = format!("{PROMOTIONS}/{}/codes", id_of(&promotion));
    ok(boss.call("POST", &codes, &json!({"code": CODE})).await);
    let point = json!({"id": "mitte", "name": "Mitte", "line1": "Lindenstrasse 1",
        "city": "Berlin", "postal_code": "10969", "country": "DE"});
    let point = ok(boss.call("POST", POINTS, &point).await);
    let picture = ok(tour::media::ask(boss, "image/png", &tour::media::png(1)).await);
    let import = ok(announce(boss, &Parcel::csv("stock", "sku,on_hand\n")).await);
    let export = json!({"kind": "stock", "format": "csv"});
    let export = ok(boss.call("POST", EXPORTS, &export).await);
    let endpoint = json!({"url": "https://erp.example/hooks", "events": ["webhook.test"]});
    let endpoint = ok(boss.call("POST", webhooks::ENDPOINTS, &endpoint).await);
    boss.shop.settle().await;
    let ids = [
        (webhooks::ENDPOINTS, id_of(&endpoint["endpoint"])),
        (PROMOTIONS, id_of(&promotion)),
        (POINTS, id_of(&point)),
        (MEDIA, id_of(&picture["media"])),
        (IMPORTS, id_of(&import)),
        (EXPORTS, id_of(&export)),
        (ROLES, id_of(&role)),
        (KEYS, id_of(&key)),
        (OWN_SESSIONS, id_of(&own)),
        (STAFF, colleague.id.clone()),
        (PRODUCTS, id_of(&socks)),
        (STAFF_SESSIONS, id_of(&theirs["data"][0])),
    ];
    ids.into_iter().map(|(at, id)| ((String::new(), at), id)).collect()
}
