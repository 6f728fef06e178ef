//! A new PaymentIntent, and its confirmation in the same request where that is asked for.

use serde_json::{Value, json};

use super::attempt::{self, Attempt};
use super::{COMMON, CONFIRMED, Call, DESCRIBED, check_method, describe, no_method};
use crate::form::Fields;
use crate::money;
use crate::payment_methods;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;

/// What the account takes.
const METHOD_TYPES: [&str; 3] = ["card", "link", "us_bank_account"];

/// `POST /v1/payment_intents`.
pub(crate) fn create(world: &mut World, call: Call<'_>) -> Result<Value, Refusal> {
    call.only(&[&COMMON, &DESCRIBED, &CONFIRMED, &["confirm", "confirmation_method"]])?;
    let form = call.form;
    let amount = form.integer("amount")?.ok_or_else(|| Refusal::missing("amount"))?;
    let currency = form.filled("currency").ok_or_else(|| Refusal::missing("currency"))?;
    let currency = money::currency(currency)?;
    money::chargeable(amount, &currency)?;
    let confirms = form.boolean("confirm")?.unwrap_or(false);
    let how = Attempt::of(form)?;
    if !confirms && (form.has("off_session") || form.has("return_url")) {
        let name = if form.has("off_session") { "off_session" } else { "return_url" };
        return Err(Refusal::invalid(format!(
            "You can only pass `{name}` when `confirm` is true."
        ))
        .param(name));
    }
    let mut intent = new(world, form, amount, &currency)?;
    describe(&mut intent, form)?;
    let method = payment_methods::resolve(world, form)?;
    if let Some(method) = &method {
        check_method(&intent, method)?;
        intent["payment_method"] = method["id"].clone();
        intent["status"] = json!("requires_confirmation");
    }
    world.save(Kind::PaymentIntent, &intent);
    world.emit("payment_intent.created", &intent, None);
    match method {
        Some(method) if confirms => attempt::run(world, intent, &method, &how),
        None if confirms => Err(no_method(&intent)),
        Some(_) | None => Ok(intent),
    }
}

fn new(world: &mut World, form: &Fields, amount: i64, currency: &str) -> Result<Value, Refusal> {
    let types = form.list("payment_method_types");
    if let Some(unknown) = types.iter().find(|kind| !METHOD_TYPES.contains(kind)) {
        return Err(Refusal::invalid(format!(
            "The payment method type \"{unknown}\" is invalid. Please ensure the provided type is \
             activated in your dashboard \
             (https://dashboard.stripe.com/account/payments/settings) and your account is enabled \
             for any preview features that you are trying to use."
        ))
        .param("payment_method_types"));
    }
    let automatic = form.below("automatic_payment_methods");
    let is_automatic = match automatic {
        Some(automatic) => automatic.boolean("enabled")?.unwrap_or(false),
        None => types.is_empty(),
    };
    if is_automatic && !types.is_empty() {
        return Err(Refusal::invalid(
            "You may only specify one of these parameters: automatic_payment_methods, \
             payment_method_types.",
        )
        .code("parameters_exclusive"));
    }
    let redirects = match automatic {
        Some(automatic) => automatic.one_of("allow_redirects", &["always", "never"])?,
        None => None,
    };
    let types = match (types.is_empty(), currency) {
        (false, _) => types,
        (true, "usd") if is_automatic => vec!["card", "us_bank_account"],
        (true, _) => vec!["card"],
    };
    let confirmation = form.one_of("confirmation_method", &["automatic", "manual"])?;
    let id = world.chance.id("pi_");
    let secret = world.chance.letters("", 25);
    Ok(json!({
        "id": id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": is_automatic.then(|| json!({
            "allow_redirects": redirects.unwrap_or("always"), "enabled": true,
        })),
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic_async",
        "client_secret": format!("{id}_secret_{secret}"),
        "confirmation_method": confirmation.unwrap_or("automatic"),
        "created": world.now(),
        "currency": currency,
        "customer": null,
        "description": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_configuration_details": null,
        "payment_method_options": {
            "card": {
                "installments": null, "mandate_options": null, "network": null,
                "request_three_d_secure": "automatic",
            },
        },
        "payment_method_types": types,
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    }))
}
