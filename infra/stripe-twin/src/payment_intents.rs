//! PaymentIntents: the state machine of a payment, as docs.stripe.com/payments/paymentintents
//! lifecycle draws it. What happens when a payment is attempted is in `attempt`.

pub(crate) mod attempt;
mod create;

pub(crate) use create::create;

use serde_json::{Value, json};

use crate::auth::Key;
use crate::charges;
use crate::checkout;
use crate::form::Fields;
use crate::lists;
use crate::money;
use crate::params;
use crate::payment_methods;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;
use attempt::Attempt;

const CAPTURE_METHODS: [&str; 3] = ["automatic", "automatic_async", "manual"];
const CANCELLATION_REASONS: [&str; 4] =
    ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];
const UPDATABLE: [&str; 3] =
    ["requires_payment_method", "requires_confirmation", "requires_action"];
const CANCELABLE: [&str; 4] =
    ["requires_payment_method", "requires_capture", "requires_confirmation", "requires_action"];

/// What creation, update and confirmation have in common.
const COMMON: [&str; 17] = [
    "allowed_payment_method_types",
    "amount_details",
    "capture_method",
    "excluded_payment_method_types",
    "hooks",
    "mandate",
    "mandate_data",
    "payment_details",
    "payment_method",
    "payment_method_data",
    "payment_method_options",
    "radar_options",
    "receipt_email",
    "return_url",
    "setup_future_usage",
    "shipping",
    "use_stripe_sdk",
];
/// What creation and update have in common beyond that.
const DESCRIBED: [&str; 15] = [
    "amount",
    "application_fee_amount",
    "currency",
    "customer",
    "customer_account",
    "description",
    "metadata",
    "on_behalf_of",
    "payment_method_configuration",
    "payment_method_types",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
    "automatic_payment_methods",
];
const CONFIRMED: [&str; 5] =
    ["off_session", "error_on_requires_action", "client_secret", "radar_options", "key"];

/// Who calls, with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) key: Key,
    pub(crate) form: &'a Fields,
}

impl Call<'_> {
    /// Stripe.js sends more than the API documents; servers must not.
    fn only(&self, lists: &[&[&str]]) -> Result<(), Refusal> {
        match self.key {
            Key::Secret => self.form.only(&lists.concat()),
            Key::Publishable => Ok(()),
        }
    }
}

/// Takes over the parameters that describe a payment without moving it.
fn describe(intent: &mut Value, form: &Fields) -> Result<(), Refusal> {
    for name in [
        "customer",
        "description",
        "receipt_email",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    ] {
        if let Some(text) = form.text(name) {
            intent[name] = json!(Some(text).filter(|text| !text.is_empty()));
        }
    }
    if let Some(method) = form.one_of("capture_method", &CAPTURE_METHODS)? {
        intent["capture_method"] = json!(method);
    }
    if form.has("setup_future_usage") {
        let usage = form.one_of("setup_future_usage", &["off_session", "on_session"])?;
        intent["setup_future_usage"] = json!(usage);
    }
    if let Some(fee) = form.integer("application_fee_amount")? {
        intent["application_fee_amount"] = json!(fee);
    }
    if let Some(shipping) = params::shipping(form)? {
        intent["shipping"] = shipping;
    }
    let card = form.below("payment_method_options").and_then(|options| options.below("card"));
    if let Some(card) = card {
        let wishes = ["automatic", "any", "challenge"];
        if let Some(wish) = card.one_of("request_three_d_secure", &wishes)? {
            intent["payment_method_options"]["card"]["request_three_d_secure"] = json!(wish);
        }
        if let Some(method) = card.one_of("capture_method", &["manual"])? {
            intent["payment_method_options"]["card"]["capture_method"] = json!(method);
        }
    }
    intent["metadata"] = params::metadata(form, &intent["metadata"])?;
    Ok(())
}

/// Refuses a payment method of a type that the intent does not take.
pub(crate) fn check_method(intent: &Value, method: &Value) -> Result<(), Refusal> {
    let types = intent["payment_method_types"].as_array();
    if types.is_some_and(|types| types.contains(&method["type"])) {
        return Ok(());
    }
    let (id, kind) = (method["id"].as_str(), method["type"].as_str());
    Err(Refusal::invalid(format!(
        "The PaymentMethod provided ({}) is not allowed for this PaymentIntent: its type is {}. \
         Please attach a PaymentMethod of one of its payment_method_types.",
        id.unwrap_or_default(),
        kind.unwrap_or_default(),
    ))
    .code("payment_intent_incompatible_payment_method")
    .param("payment_method"))
}

/// The intent of a path, if the caller may see it.
fn find(world: &World, call: Call<'_>, id: &str) -> Result<Value, Refusal> {
    let intent = world.find(Kind::PaymentIntent, id, "intent")?;
    match (call.key, call.form.filled("client_secret")) {
        (Key::Secret, None) => Ok(intent),
        (_, Some(secret)) if intent["client_secret"] == secret => Ok(intent),
        (Key::Publishable, None) => Err(Refusal::missing("client_secret")),
        (_, Some(_)) => Err(Refusal::invalid(
            "The client_secret provided does not match the client_secret associated with the \
             PaymentIntent.",
        )
        .code("payment_intent_invalid_parameter")
        .param("client_secret")),
    }
}

/// A request that does not fit the state of the intent, which is shown with the refusal.
fn unexpected_state(intent: &Value, message: String) -> Refusal {
    Refusal::invalid(message)
        .code("payment_intent_unexpected_state")
        .with("payment_intent", intent.clone())
        .executed()
}

fn no_method(intent: &Value) -> Refusal {
    unexpected_state(
        intent,
        "You cannot confirm this PaymentIntent because it's missing a payment method. You can \
         either update the PaymentIntent with a payment method and then confirm it again, or \
         confirm it again directly with a payment method or ConfirmationToken."
            .into(),
    )
}

fn status(intent: &Value) -> &str {
    intent["status"].as_str().unwrap_or_default()
}

/// `GET /v1/payment_intents/{id}`.
pub(crate) fn retrieve(world: &World, call: Call<'_>, id: &str) -> Result<Value, Refusal> {
    call.only(&[&["client_secret", "key"]])?;
    find(world, call, id)
}

/// `POST /v1/payment_intents/{id}`.
pub(crate) fn update(world: &mut World, call: Call<'_>, id: &str) -> Result<Value, Refusal> {
    call.only(&[&COMMON, &DESCRIBED])?;
    let form = call.form;
    let mut intent = find(world, call, id)?;
    let moving = ["amount", "currency", "payment_method", "payment_method_data", "capture_method"];
    if let Some(name) = moving.iter().find(|name| form.has(name))
        && !UPDATABLE.contains(&status(&intent))
    {
        let message = format!(
            "This PaymentIntent's {name} could not be updated because it has a status of {}. You \
             may only update the {name} of a PaymentIntent with one of the following statuses: {}.",
            status(&intent),
            UPDATABLE.join(", "),
        );
        return Err(unexpected_state(&intent, message).param(name));
    }
    let amount = form.integer("amount")?.or(intent["amount"].as_i64()).unwrap_or_default();
    let currency = match form.filled("currency") {
        Some(currency) => money::currency(currency)?,
        None => intent["currency"].as_str().unwrap_or_default().to_owned(),
    };
    if form.has("amount") || form.has("currency") {
        money::chargeable(amount, &currency)?;
    }
    describe(&mut intent, form)?;
    let is_moved = intent["amount"] != amount || intent["currency"] != currency.as_str();
    intent["amount"] = json!(amount);
    intent["currency"] = json!(currency);
    if let Some(method) = payment_methods::resolve(world, form)? {
        check_method(&intent, &method)?;
        intent["payment_method"] = method["id"].clone();
        intent["status"] = json!("requires_confirmation");
        intent["next_action"] = Value::Null;
    } else if is_moved && status(&intent) == "requires_action" {
        // What the customer was about to authenticate is not what would be charged.
        intent["status"] = json!("requires_confirmation");
        intent["next_action"] = Value::Null;
    }
    if UPDATABLE.contains(&status(&intent)) {
        intent["last_payment_error"] = Value::Null;
    }
    world.save(Kind::PaymentIntent, &intent);
    Ok(intent)
}

/// `POST /v1/payment_intents/{id}/confirm`.
pub(crate) fn confirm(world: &mut World, call: Call<'_>, id: &str) -> Result<Value, Refusal> {
    call.only(&[&COMMON, &CONFIRMED, &["amount_to_confirm", "confirmation_token"]])?;
    let form = call.form;
    let mut intent = find(world, call, id)?;
    if checkout::owner(world, &intent).is_some() {
        return Err(of_session("confirm"));
    }
    match status(&intent) {
        "succeeded" => {
            let message = "You cannot confirm this PaymentIntent because it has already succeeded \
                           after being previously confirmed.";
            return Err(unexpected_state(&intent, message.into()));
        }
        state if !UPDATABLE.contains(&state) => {
            let message = format!(
                "You cannot confirm this PaymentIntent because it has a status of {state}. Only a \
                 PaymentIntent with one of the following statuses may be confirmed: \
                 requires_confirmation, requires_action."
            );
            return Err(unexpected_state(&intent, message));
        }
        _ => {}
    }
    if call.key == Key::Publishable && intent["confirmation_method"] == "manual" {
        return Err(Refusal::invalid(
            "This PaymentIntent cannot be confirmed using your publishable key because its \
             `confirmation_method` is set to `manual`. Please use your secret key instead, or \
             create a PaymentIntent with `confirmation_method` set to `automatic`.",
        )
        .code("payment_intent_invalid_parameter")
        .param("confirmation_method"));
    }
    let to_confirm = form.integer("amount_to_confirm")?;
    if to_confirm.is_some_and(|amount| intent["amount"] != amount) {
        return Err(Refusal::invalid(
            "The amount_to_confirm does not match the amount of the PaymentIntent.",
        )
        .code("payment_intent_invalid_parameter")
        .param("amount_to_confirm"));
    }
    let mut how = Attempt::of(form)?;
    describe(&mut intent, form)?;
    let method = payment_methods::resolve(world, form)?.or_else(|| {
        let known = intent["payment_method"].as_str();
        known.and_then(|id| world.store.get(Kind::PaymentMethod, id).cloned())
    });
    let Some(method) = method else { return Err(no_method(&intent)) };
    check_method(&intent, &method)?;
    // Confirmed by hand, an authenticated intent waits for the server's second confirmation.
    how.is_authenticated = intent["_authenticated"] == method["id"];
    attempt::run(world, intent, &method, &how)
}

/// `POST /v1/payment_intents/{id}/capture`.
pub(crate) fn capture(world: &mut World, call: Call<'_>, id: &str) -> Result<Value, Refusal> {
    call.only(&[&[
        "amount_details",
        "amount_to_capture",
        "application_fee_amount",
        "final_capture",
        "hooks",
        "metadata",
        "payment_details",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
    ]])?;
    let form = call.form;
    let mut intent = find(world, call, id)?;
    let asked = form.integer("amount_to_capture")?;
    if status(&intent) != "requires_capture" {
        let message = format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a \
             PaymentIntent with one of the following statuses may be captured: requires_capture.",
            status(&intent)
        );
        return Err(unexpected_state(&intent, message));
    }
    let capturable = intent["amount_capturable"].as_i64().unwrap_or_default();
    let amount = asked.unwrap_or(capturable);
    if amount < 1 {
        return Err(Refusal::invalid("This value must be greater than or equal to 1.")
            .code("parameter_invalid_integer")
            .param("amount_to_capture"));
    }
    if amount > capturable {
        return Err(Refusal::invalid(
            "The amount_to_capture is greater than the amount you can capture on this \
             PaymentIntent.",
        )
        .code("amount_too_large")
        .param("amount_to_capture")
        .executed());
    }
    describe(&mut intent, form)?;
    intent["status"] = json!("succeeded");
    intent["amount_capturable"] = json!(0);
    intent["amount_received"] = json!(amount);

    let charge_id = intent["latest_charge"].as_str().unwrap_or_default();
    let before = world.find(Kind::Charge, charge_id, "latest_charge")?;
    let mut charge = before.clone();
    charge["captured"] = json!(true);
    charge["amount_captured"] = json!(amount);
    // The released rest counts as refunded on the charge, without a refund object.
    charge["amount_refunded"] = json!(capturable - amount);
    charge["payment_method_details"]["card"]["capture_before"] = Value::Null;
    world.save(Kind::Charge, &charge);
    world.save(Kind::PaymentIntent, &intent);
    world.emit("charge.captured", &charge, Some(&before));
    world.emit("payment_intent.succeeded", &intent, None);
    charges::after_capture(world, &charge);
    checkout::follow(world, &intent);
    Ok(intent)
}

/// `POST /v1/payment_intents/{id}/cancel`.
pub(crate) fn cancel(world: &mut World, call: Call<'_>, id: &str) -> Result<Value, Refusal> {
    call.only(&[&["cancellation_reason"]])?;
    let reason = call.form.one_of("cancellation_reason", &CANCELLATION_REASONS)?;
    let intent = find(world, call, id)?;
    if checkout::owner(world, &intent).is_some() {
        return Err(of_session("cancel"));
    }
    if !CANCELABLE.contains(&status(&intent)) {
        let message = format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a \
             PaymentIntent with one of the following statuses may be canceled: \
             requires_payment_method, requires_capture, requires_confirmation, requires_action, \
             processing.",
            status(&intent)
        );
        return Err(unexpected_state(&intent, message));
    }
    Ok(give_up(world, intent, reason))
}

/// An intent that a Checkout Session made is the session's while that is open.
fn of_session(verb: &str) -> Refusal {
    Refusal::invalid(format!(
        "You cannot {verb} this PaymentIntent because it was created by a Checkout Session that is \
         still open. To cancel it, expire the Checkout Session instead."
    ))
}

/// Cancels an intent, where that can still be.
pub(crate) fn give_up(world: &mut World, mut intent: Value, reason: Option<&str>) -> Value {
    if !CANCELABLE.contains(&status(&intent)) {
        return intent;
    }
    let is_authorized = status(&intent) == "requires_capture";
    intent["status"] = json!("canceled");
    intent["canceled_at"] = json!(world.now());
    intent["cancellation_reason"] = json!(reason);
    intent["amount_capturable"] = json!(0);
    intent["next_action"] = Value::Null;
    if is_authorized {
        let charge_id = intent["latest_charge"].as_str().unwrap_or_default();
        if let Some(before) = world.store.get(Kind::Charge, charge_id).cloned() {
            let mut charge = before.clone();
            charges::release(&mut charge);
            world.save(Kind::Charge, &charge);
            world.emit("charge.refunded", &charge, Some(&before));
        }
    }
    world.save(Kind::PaymentIntent, &intent);
    world.emit("payment_intent.canceled", &intent, None);
    intent
}

/// `GET /v1/payment_intents`.
pub(crate) fn list(world: &World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&["limit", "starting_after", "ending_before", "created", "customer"])?;
    let url = "/v1/payment_intents";
    lists::list(world, form, Kind::PaymentIntent, url, &["customer"], |_| true)
}

/// `POST /v1/test_helpers/payment_intents/{id}/authenticate`: the twin's own. It stands for the
/// bank's 3-D Secure page, on which the customer succeeds, fails or walks away.
pub(crate) fn authenticate(world: &mut World, call: Call<'_>, id: &str) -> Result<Value, Refusal> {
    call.only(&[&["outcome", "client_secret", "key"]])?;
    let outcome = call.form.one_of("outcome", &["succeed", "fail", "abandon"])?;
    let intent = find(world, call, id)?;
    if status(&intent) != "requires_action" {
        let message = format!(
            "This PaymentIntent cannot be authenticated because it has a status of {}.",
            status(&intent)
        );
        return Err(unexpected_state(&intent, message));
    }
    match outcome {
        Some("succeed") => attempt::pass_authentication(world, intent),
        Some("fail") => Ok(attempt::fail_authentication(world, intent)),
        Some(_) => Ok(intent),
        None => Err(Refusal::missing("outcome")),
    }
}
