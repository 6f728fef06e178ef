//! One attempt at a payment: 3-D Secure where the card asks for it, then the bank's answer.
//!
//! A decline is a result: the intent goes back to `requires_payment_method` with its error, the
//! failed charge stays, and the caller gets 402 with both embedded.

use serde_json::{Value, json};

use super::status;
use crate::cards::{self, AUTHENTICATION_REQUIRED, Authentication, Card, Decline};
use crate::charges;
use crate::checkout;
use crate::form::Fields;
use crate::refusal::Refusal;
use crate::render;
use crate::store::Kind;
use crate::timers::Timer;
use crate::world::World;

/// How a payment is attempted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) is_off_session: bool,
    pub(crate) return_url: Option<String>,
    pub(crate) uses_stripe_sdk: bool,
    pub(crate) fails_on_action: bool,
    pub(crate) is_authenticated: bool,
}

impl Attempt {
    /// As the request wishes.
    pub(crate) fn of(form: &Fields) -> Result<Self, Refusal> {
        let is_off_session = match form.filled("off_session") {
            Some("one_off" | "recurring") => true,
            _ => form.boolean("off_session")?.unwrap_or(false),
        };
        let return_url = form.filled("return_url").map(ToOwned::to_owned);
        if return_url.as_deref().is_some_and(|url| !url.contains("://")) {
            return Err(Refusal::invalid("Not a valid URL")
                .code("url_invalid")
                .param("return_url"));
        }
        Ok(Self {
            is_off_session,
            return_url,
            uses_stripe_sdk: form.boolean("use_stripe_sdk")?.unwrap_or(false),
            fails_on_action: form.boolean("error_on_requires_action")?.unwrap_or(false),
            is_authenticated: false,
        })
    }
}

/// What 3-D Secure has to say before the bank is asked.
enum Wish {
    Nothing,
    Customer,
    Decline,
}

/// Attempts the payment and stores what came of it.
pub(crate) fn run(
    world: &mut World,
    mut intent: Value,
    method: &Value,
    how: &Attempt,
) -> Result<Value, Refusal> {
    intent["payment_method"] = method["id"].clone();
    intent["next_action"] = Value::Null;
    intent["last_payment_error"] = Value::Null;
    if method["type"] == "us_bank_account" {
        return Ok(debit(world, intent, method));
    }
    let number = method["_card"].as_str().unwrap_or_default();
    let Some(card) = cards::numbered(number) else {
        let id = method["id"].as_str().unwrap_or_default();
        return Err(Refusal::not_found("payment_method", id, "payment_method"));
    };
    match wish(&intent, method, &card, how) {
        Wish::Customer if how.fails_on_action => {
            Err(decline(world, intent, method, &card, &AUTHENTICATION_REQUIRED, how))
        }
        Wish::Customer => Ok(ask_customer(world, intent, how)),
        Wish::Decline => Err(decline(world, intent, method, &card, &AUTHENTICATION_REQUIRED, how)),
        Wish::Nothing => match card.decline {
            Some(answer) => Err(decline(world, intent, method, &card, &answer, how)),
            None => Ok(approve(world, intent, method, &card, how)),
        },
    }
}

fn wish(intent: &Value, method: &Value, card: &Card, how: &Attempt) -> Wish {
    if how.is_authenticated {
        return Wish::Nothing;
    }
    let is_set_up = method["_is_set_up"] == true;
    let request = &intent["payment_method_options"]["card"]["request_three_d_secure"];
    let is_requested = request == "any" || request == "challenge";
    let is_wanted = match card.authentication {
        Authentication::NotSupported => false,
        Authentication::OnRequest => is_requested && !how.is_off_session,
        Authentication::Always => true,
        Authentication::UntilSetUp => !is_set_up,
        Authentication::OnSession => !(how.is_off_session && is_set_up),
    };
    match (is_wanted, how.is_off_session) {
        (false, _) => Wish::Nothing,
        (true, true) => Wish::Decline,
        (true, false) => Wish::Customer,
    }
}

fn ask_customer(world: &mut World, mut intent: Value, how: &Attempt) -> Value {
    let secret = intent["client_secret"].as_str().unwrap_or_default();
    let id = intent["id"].as_str().unwrap_or_default();
    let page = format!(
        "https://hooks.stripe.com/3d_secure_2/hosted?payment_intent={id}\
         &payment_intent_client_secret={secret}"
    );
    intent["next_action"] = match &how.return_url {
        Some(return_url) if !how.uses_stripe_sdk => json!({
            "redirect_to_url": { "return_url": return_url, "url": page },
            "type": "redirect_to_url",
        }),
        _ => json!({
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {
                "directory_server_name": "visa", "stripe_js": page,
                "three_d_secure_2_source": world.chance.id("payatt_"),
                "type": "three_d_secure_redirect",
            },
        }),
    };
    intent["status"] = json!("requires_action");
    world.save(Kind::PaymentIntent, &intent);
    world.emit("payment_intent.requires_action", &intent, None);
    intent
}

fn approve(
    world: &mut World,
    mut intent: Value,
    method: &Value,
    card: &Card,
    how: &Attempt,
) -> Value {
    let is_manual = intent["capture_method"] == "manual"
        || intent["payment_method_options"]["card"]["capture_method"] == "manual";
    let attempt =
        charges::Attempt { intent: &intent, method, is_authenticated: how.is_authenticated };
    let mut charge = charges::approved(world, &attempt, card, !is_manual);
    let charge_id = charge["id"].as_str().unwrap_or_default().to_owned();
    intent["latest_charge"] = json!(charge_id);
    intent["_authenticated"] = Value::Null;
    if is_manual {
        intent["status"] = json!("requires_capture");
        intent["amount_capturable"] = intent["amount"].clone();
    } else {
        intent["status"] = json!("succeeded");
        intent["amount_received"] = intent["amount"].clone();
        if intent["capture_method"] == "automatic" {
            charges::book(world, &mut charge);
        }
    }
    let mut method = method.clone();
    method["_is_spent"] = json!(true);
    method["_is_set_up"] =
        json!(method["_is_set_up"] == true || !intent["setup_future_usage"].is_null());
    if method["customer"].is_null() && !intent["setup_future_usage"].is_null() {
        method["customer"] = intent["customer"].clone();
    }
    world.save(Kind::PaymentMethod, &method);
    world.save(Kind::Charge, &charge);
    world.save(Kind::PaymentIntent, &intent);
    world.emit("charge.succeeded", &charge, None);
    if is_manual {
        world.emit("payment_intent.amount_capturable_updated", &intent, None);
        world.after_seconds(charges::AUTHORIZED_SECONDS, Timer::ExpireCharge, &charge_id);
    } else {
        world.emit("payment_intent.succeeded", &intent, None);
        charges::after_capture(world, &charge);
    }
    checkout::follow(world, &intent);
    intent
}

fn decline(
    world: &mut World,
    mut intent: Value,
    method: &Value,
    card: &Card,
    answer: &Decline,
    how: &Attempt,
) -> Refusal {
    let attempt =
        charges::Attempt { intent: &intent, method, is_authenticated: how.is_authenticated };
    let charge = charges::declined(world, &attempt, card, answer);
    let mut refusal = Refusal::card(answer.message)
        .code(answer.code)
        .with("charge", charge["id"].clone())
        .with("payment_method", render::public(method));
    let is_parameter = matches!(answer.code, "incorrect_cvc" | "expired_card");
    if is_parameter {
        refusal = refusal.param(if answer.code == "incorrect_cvc" { "cvc" } else { "exp_month" });
    }
    if answer.reason != answer.code || answer.code == AUTHENTICATION_REQUIRED.code {
        refusal = refusal.with("decline_code", answer.reason);
    }
    if let Some(advice) = answer.advice {
        refusal = refusal.with("advice_code", advice);
    }
    intent["latest_charge"] = charge["id"].clone();
    intent["payment_method"] = Value::Null;
    intent["status"] = json!("requires_payment_method");
    intent["last_payment_error"] = Value::Object(refusal.error.clone());
    intent["_authenticated"] = Value::Null;
    world.save(Kind::Charge, &charge);
    world.save(Kind::PaymentIntent, &intent);
    world.emit("charge.failed", &charge, None);
    world.emit("payment_intent.payment_failed", &intent, None);
    refusal.with("payment_intent", intent)
}

/// A bank debit takes its time.
fn debit(world: &mut World, mut intent: Value, method: &Value) -> Value {
    let attempt = charges::Attempt { intent: &intent, method, is_authenticated: false };
    let charge = charges::pending(world, &attempt);
    intent["latest_charge"] = charge["id"].clone();
    intent["status"] = json!("processing");
    intent["processing"] = json!({ "type": "us_bank_account" });
    world.save(Kind::Charge, &charge);
    world.save(Kind::PaymentIntent, &intent);
    world.emit("charge.pending", &charge, None);
    world.emit("payment_intent.processing", &intent, None);
    checkout::follow(world, &intent);
    intent
}

/// The customer has convinced the bank that it is them. A decline that follows shows in the
/// intent, not as an error: nobody confirmed anything in this request.
pub(crate) fn pass_authentication(world: &mut World, mut intent: Value) -> Result<Value, Refusal> {
    let id = intent["payment_method"].as_str().unwrap_or_default();
    let method = world.find(Kind::PaymentMethod, id, "payment_method")?;
    if intent["confirmation_method"] == "manual" {
        intent["status"] = json!("requires_confirmation");
        intent["next_action"] = Value::Null;
        intent["_authenticated"] = method["id"].clone();
        world.save(Kind::PaymentIntent, &intent);
        return Ok(intent);
    }
    let intent_id = intent["id"].as_str().unwrap_or_default().to_owned();
    let how = Attempt { is_authenticated: true, ..Attempt::default() };
    match run(world, intent, &method, &how) {
        Ok(intent) => Ok(intent),
        Err(refusal) if refusal.status == 402 => {
            world.find(Kind::PaymentIntent, &intent_id, "intent")
        }
        Err(refusal) => Err(refusal),
    }
}

/// The bank does not believe the customer.
pub(crate) fn fail_authentication(world: &mut World, mut intent: Value) -> Value {
    debug_assert_eq!(status(&intent), "requires_action");
    let id = intent["payment_method"].as_str().unwrap_or_default();
    let method = world.store.get(Kind::PaymentMethod, id).map(render::public);
    let refusal = Refusal::invalid(
        "The provided PaymentMethod has failed authentication. You can provide \
         payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent \
         again.",
    )
    .code("payment_intent_authentication_failure")
    .with("payment_method", method);
    intent["status"] = json!("requires_payment_method");
    intent["payment_method"] = Value::Null;
    intent["next_action"] = Value::Null;
    intent["last_payment_error"] = Value::Object(refusal.error);
    world.save(Kind::PaymentIntent, &intent);
    world.emit("payment_intent.payment_failed", &intent, None);
    intent
}
