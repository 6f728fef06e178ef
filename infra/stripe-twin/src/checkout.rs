//! Checkout Sessions of mode `payment`: a page of Stripe's own on which a customer pays.
//!
//! As at Stripe since 2022-08-01, a session has no PaymentIntent until its customer confirms one.
//! While the session is open, that intent belongs to it: nobody else confirms or cancels it, and
//! when the session expires, the intent is canceled with it. What becomes of the intent is
//! [`follow`]ed: a session is complete as soon as nothing is left to do for the customer.

use serde_json::{Value, json};

use crate::form::Fields;
use crate::lists;
use crate::money;
use crate::params;
use crate::payment_intents::attempt::{self, Attempt};
use crate::payment_intents::{self as intents, Call};
use crate::payment_methods;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::timers::Timer;
use crate::world::World;

/// The nearest end of a session, in seconds from its creation.
const LIFE_SECONDS_MIN: i64 = 30 * 60;
/// The furthest end, and that of a session that names none.
const LIFE_SECONDS_MAX: i64 = 24 * 60 * 60;
/// Characters of `client_reference_id`.
const REFERENCE_LENGTH_MAX: usize = 200;
/// Characters after the prefix of a session's id.
const ID_LENGTH: usize = 58;
/// Lines of a session.
const LINES_MAX: usize = 100;

/// Parameters of a creation that the twin understands; others are refused as unknown.
const CREATED: [&str; 11] = [
    "adaptive_pricing",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "expires_at",
    "line_items",
    "locale",
    "metadata",
    "mode",
    "payment_intent_data",
    "success_url",
];

/// `POST /v1/checkout/sessions`.
pub(crate) fn create(world: &mut World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&CREATED)?;
    match form.one_of("mode", &["payment", "setup", "subscription"])? {
        Some("payment") => {}
        Some(_) => return Err(Refusal::invalid("The twin's account takes payments only.")),
        None => return Err(Refusal::missing("mode")),
    }
    let success_url = url(form, "success_url")?.ok_or_else(|| Refusal::missing("success_url"))?;
    let cancel_url = url(form, "cancel_url")?;
    let reference = form.filled("client_reference_id");
    if reference.is_some_and(|text| text.chars().count() > REFERENCE_LENGTH_MAX) {
        let message = "client_reference_id can have up to 200 characters.";
        return Err(Refusal::invalid(message).param("client_reference_id"));
    }
    let expires_at = expiry(world, form)?;
    let (amount, currency, lines) = lines(form)?;
    money::chargeable(amount, &currency)?;
    let data = payment_data(form)?;
    let metadata = params::metadata(form, &json!({}))?;
    let pricing = form.below("adaptive_pricing");
    let is_adaptive = pricing.map(|it| it.boolean("enabled")).transpose()?.flatten();
    let id = world.chance.letters("cs_test_", ID_LENGTH);
    let session = json!({
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": is_adaptive.unwrap_or(true) },
        "after_expiration": null,
        "allow_promotion_codes": null,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "billing_address_collection": null,
        "cancel_url": cancel_url,
        "client_reference_id": reference,
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "created": world.now(),
        "currency": currency,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": null,
        "customer_creation": "if_required",
        "customer_details": null,
        "customer_email": form.filled("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "invoice": null,
        "invoice_creation": null,
        "livemode": false,
        "locale": form.filled("locale"),
        "metadata": metadata,
        "mode": "payment",
        "payment_intent": null,
        "payment_link": null,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": null,
        "payment_method_options": {},
        "payment_method_types": if currency == "usd" {
            json!(["card", "us_bank_account"])
        } else {
            json!(["card"])
        },
        "payment_status": "unpaid",
        "permissions": null,
        "phone_number_collection": { "enabled": false },
        "recovered_from": null,
        "saved_payment_method_options": null,
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "status": "open",
        "submit_type": null,
        "subscription": null,
        "success_url": success_url,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page",
        "url": format!("https://checkout.stripe.com/c/pay/{id}"),
        "_intent_data": data,
        "_lines": lines,
    });
    world.save(Kind::CheckoutSession, &session);
    let seconds = expires_at - world.now();
    world.after_seconds(seconds, Timer::ExpireSession, &id);
    Ok(session)
}

/// Where the customer is sent afterwards.
fn url<'a>(form: &'a Fields, name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(url) = form.filled(name) else { return Ok(None) };
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(Some(url));
    }
    let message = "Not a valid URL. URLs must have a scheme, such as https.";
    Err(Refusal::invalid(message).code("url_invalid").param(name))
}

fn expiry(world: &World, form: &Fields) -> Result<i64, Refusal> {
    let now = world.now();
    let Some(at) = form.integer("expires_at")? else { return Ok(now + LIFE_SECONDS_MAX) };
    let wrong = if at < now + LIFE_SECONDS_MIN {
        "at least 30 minutes"
    } else if at > now + LIFE_SECONDS_MAX {
        "less than 24 hours"
    } else {
        return Ok(at);
    };
    let message =
        format!("The `expires_at` timestamp must be {wrong} from Checkout Session creation.");
    Err(Refusal::invalid(message).param("expires_at"))
}

/// What is paid: the sum of the lines, all in one currency, with inline prices only.
fn lines(form: &Fields) -> Result<(i64, String, Value), Refusal> {
    let sent = form.below("line_items").ok_or_else(|| Refusal::missing("line_items"))?;
    let count = sent.names().count();
    if count == 0 || count > LINES_MAX {
        let message = format!("A Checkout Session has between 1 and {LINES_MAX} line items.");
        return Err(Refusal::invalid(message).param("line_items"));
    }
    let (mut sum, mut common) = (0_i64, None::<String>);
    for name in sent.names() {
        let param = |rest: &str| format!("line_items[{name}]{rest}");
        let line = sent.below(name).ok_or_else(|| Refusal::missing(&param("")))?;
        line.only(&["price_data", "quantity"])?;
        let price = line.below("price_data");
        let price = price.ok_or_else(|| Refusal::missing(&param("[price_data]")))?;
        price.only(&["currency", "product_data", "unit_amount"])?;
        let product = price.below("product_data").and_then(|product| product.filled("name"));
        if product.is_none() {
            return Err(Refusal::missing(&param("[price_data][product_data][name]")));
        }
        let amount = price.integer("unit_amount")?;
        let amount = amount.ok_or_else(|| Refusal::missing(&param("[price_data][unit_amount]")))?;
        let quantity = line.integer("quantity")?;
        let quantity = quantity.ok_or_else(|| Refusal::missing(&param("[quantity]")))?;
        if amount < 0 || quantity < 1 {
            let message = "Amounts are not negative, quantities at least 1.";
            return Err(Refusal::invalid(message).param(&param("")));
        }
        let currency = price.filled("currency");
        let currency =
            currency.ok_or_else(|| Refusal::missing(&param("[price_data][currency]")))?;
        let currency = money::currency(currency)?;
        if common.as_ref().is_some_and(|common| *common != currency) {
            let message = "All line items of a Checkout Session have the same currency.";
            return Err(Refusal::invalid(message).param(&param("[price_data][currency]")));
        }
        common = Some(currency);
        sum = sum.saturating_add(amount.saturating_mul(quantity));
    }
    Ok((sum, common.unwrap_or_default(), sent.to_json()))
}

/// What the PaymentIntent is to be made of.
fn payment_data(form: &Fields) -> Result<Value, Refusal> {
    let nothing = Fields::default();
    let data = form.below("payment_intent_data").unwrap_or(&nothing);
    data.only(&["capture_method", "description", "metadata"])?;
    let capture = data.one_of("capture_method", &["automatic", "automatic_async", "manual"])?;
    Ok(json!({
        "capture_method": capture,
        "description": data.filled("description"),
        "metadata": params::metadata(data, &json!({}))?,
    }))
}

/// `GET /v1/checkout/sessions`.
pub(crate) fn list(world: &World, form: &Fields) -> Result<Value, Refusal> {
    let known = ["limit", "starting_after", "ending_before", "created", "payment_intent", "status"];
    form.only(&known)?;
    let equal = ["payment_intent", "status"];
    lists::list(world, form, Kind::CheckoutSession, "/v1/checkout/sessions", &equal, |_| true)
}

/// `POST /v1/checkout/sessions/{id}/expire`.
pub(crate) fn expire(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&[])?;
    let session = world.find(Kind::CheckoutSession, id, "session")?;
    if session["status"] != "open" {
        let status = session["status"].as_str().unwrap_or_default();
        return Err(Refusal::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
             Session has a status of `{status}`."
        ))
        .executed());
    }
    Ok(end(world, session))
}

/// Timer: nobody finished in time.
pub(crate) fn pass_time(world: &mut World, id: &str) {
    let found = world.store.get(Kind::CheckoutSession, id).cloned();
    if let Some(session) = found.filter(|session| session["status"] == "open") {
        end(world, session);
    }
}

fn end(world: &mut World, mut session: Value) -> Value {
    session["status"] = json!("expired");
    session["url"] = Value::Null;
    world.save(Kind::CheckoutSession, &session);
    let intent = session["payment_intent"].as_str();
    let intent = intent.and_then(|id| world.store.get(Kind::PaymentIntent, id).cloned());
    if let Some(intent) = intent {
        intents::give_up(world, intent, Some("expired"));
    }
    world.emit("checkout.session.expired", &session, None);
    session
}

/// The open session that an intent belongs to: until it ends, the intent is nobody else's.
pub(crate) fn owner<'a>(world: &'a World, intent: &Value) -> Option<&'a Value> {
    let session = world.store.get(Kind::CheckoutSession, intent["_session"].as_str()?)?;
    (session["status"] == "open").then_some(session)
}

/// `POST /v1/test_helpers/checkout/sessions/{id}/pay`: the twin's own. It stands for the page on
/// which the customer enters a card; a decline is shown there, and the session stays open.
pub(crate) fn pay(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&["payment_method", "payment_method_data", "key"])?;
    let session = world.find(Kind::CheckoutSession, id, "session")?;
    if session["status"] != "open" {
        let message = "This Checkout Session is not open any more.";
        return Err(Refusal::invalid(message).param("session"));
    }
    let method = payment_methods::resolve(world, form)?;
    let method = method.ok_or_else(|| Refusal::missing("payment_method"))?;
    let intent = match session["payment_intent"].as_str() {
        Some(id) => world.find(Kind::PaymentIntent, id, "intent")?,
        None => open_intent(world, session)?,
    };
    intents::check_method(&intent, &method)?;
    attempt::run(world, intent, &method, &Attempt::default())?;
    world.find(Kind::CheckoutSession, id, "session")
}

/// The session's PaymentIntent, made when its customer first confirms.
fn open_intent(world: &mut World, mut session: Value) -> Result<Value, Refusal> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let data = session["_intent_data"].clone();
    let mut pairs = vec![
        ("amount".to_owned(), session["amount_total"].to_string()),
        ("currency".to_owned(), text(&session["currency"])),
    ];
    for name in ["capture_method", "description"] {
        pairs.extend(data[name].as_str().map(|value| (name.to_owned(), value.to_owned())));
    }
    for (name, value) in data["metadata"].as_object().into_iter().flatten() {
        pairs.push((format!("metadata[{name}]"), text(value)));
    }
    let form = Fields::from_pairs(&pairs)?;
    let mut intent = intents::create(world, Call { key: crate::auth::Key::Secret, form: &form })?;
    intent["_session"] = session["id"].clone();
    world.save(Kind::PaymentIntent, &intent);
    session["payment_intent"] = intent["id"].clone();
    world.save(Kind::CheckoutSession, &session);
    Ok(intent)
}

/// Takes over into a session what became of its intent. Money that is reserved only leaves the
/// session complete and unpaid, as a debit does that is on its way.
pub(crate) fn follow(world: &mut World, intent: &Value) {
    let session = intent["_session"].as_str();
    let session = session.and_then(|id| world.store.get(Kind::CheckoutSession, id).cloned());
    let Some(mut session) = session else { return };
    let is_paid = intent["status"] == "succeeded";
    if is_paid {
        session["payment_status"] = json!("paid");
    }
    let event = match (session["status"].as_str(), intent["status"].as_str()) {
        (Some("open"), Some("succeeded" | "requires_capture" | "processing")) => {
            session["status"] = json!("complete");
            session["url"] = Value::Null;
            Some("checkout.session.completed")
        }
        (Some("complete"), Some("succeeded")) if intent["capture_method"] != "manual" => {
            Some("checkout.session.async_payment_succeeded")
        }
        (Some("complete"), Some("requires_payment_method")) => {
            Some("checkout.session.async_payment_failed")
        }
        _ => None,
    };
    world.save(Kind::CheckoutSession, &session);
    if let Some(event) = event {
        world.emit(event, &session, None);
    }
}
