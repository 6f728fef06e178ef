//! The whole API on one page.

use http::Method;
use serde_json::{Value, json};

use crate::auth::{self, Key};
use crate::form::Fields;
use crate::payment_intents::{self as intents, Call};
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::World;
use crate::{
    charges, checkout, disputes, endpoints, files, lists, payment_methods, refunds, search,
};

/// Executes a request; `path` comes without `/v1`.
pub(crate) fn route(
    world: &mut World,
    key: Key,
    method: &Method,
    path: &[&str],
    form: &Fields,
) -> Result<Value, Refusal> {
    if key == Key::Publishable && !auth::is_publishable(method, path) {
        return Err(auth::secret_key_required());
    }
    let call = Call { key, form };
    match (method.as_str(), path) {
        ("POST", ["payment_intents"]) => intents::create(world, call),
        ("GET", ["payment_intents"]) => intents::list(world, form),
        ("GET", ["payment_intents", "search"]) => {
            search::search(world, form, Kind::PaymentIntent, "/v1/payment_intents/search")
        }
        ("GET", ["payment_intents", id]) => intents::retrieve(world, call, id),
        ("POST", ["payment_intents", id]) => intents::update(world, call, id),
        ("POST", ["payment_intents", id, "confirm"]) => intents::confirm(world, call, id),
        ("POST", ["payment_intents", id, "capture"]) => intents::capture(world, call, id),
        ("POST", ["payment_intents", id, "cancel"]) => intents::cancel(world, call, id),
        ("POST", ["test_helpers", "payment_intents", id, "authenticate"]) => {
            intents::authenticate(world, call, id)
        }

        ("POST", ["checkout", "sessions"]) => checkout::create(world, form),
        ("GET", ["checkout", "sessions"]) => checkout::list(world, form),
        ("GET", ["checkout", "sessions", id]) => world.find(Kind::CheckoutSession, id, "session"),
        ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(world, form, id),
        ("POST", ["test_helpers", "checkout", "sessions", id, "pay"]) => {
            checkout::pay(world, form, id)
        }

        ("POST", ["payment_methods"]) => payment_methods::create(world, form),
        ("GET", ["payment_methods", id]) => payment_methods::retrieve(world, id),

        ("GET", ["charges"]) => charges::list(world, form),
        ("GET", ["charges", "search"]) => {
            search::search(world, form, Kind::Charge, "/v1/charges/search")
        }
        ("GET", ["charges", id]) => world.find(Kind::Charge, id, "id"),

        ("POST", ["refunds"]) => refunds::create(world, form),
        ("GET", ["refunds"]) => refunds::list(world, form),
        ("GET", ["refunds", id]) => world.find(Kind::Refund, id, "id"),
        ("POST", ["refunds", id]) => refunds::update(world, form, id),
        ("POST", ["refunds", id, "cancel"]) => refunds::cancel(world, form, id),

        ("GET", ["disputes"]) => disputes::list(world, form),
        ("GET", ["disputes", id]) => world.find(Kind::Dispute, id, "dispute"),
        ("POST", ["disputes", id]) => disputes::update(world, form, id),
        ("POST", ["disputes", id, "close"]) => disputes::close(world, form, id),
        ("POST", ["files"]) => files::create(world, form),
        ("GET", ["files", id]) => world.find(Kind::File, id, "file"),
        ("GET", ["radar", "early_fraud_warnings"]) => disputes::list_warnings(world, form),
        ("GET", ["radar", "early_fraud_warnings", id]) => world.find(Kind::FraudWarning, id, "id"),

        ("GET", ["events"]) => events(world, form),
        ("GET", ["events", id]) => world.find(Kind::Event, id, "id"),

        ("POST", ["webhook_endpoints"]) => endpoints::create(world, form),
        ("GET", ["webhook_endpoints"]) => endpoints::list(world, form),
        ("GET", ["webhook_endpoints", id]) => {
            world.find(Kind::WebhookEndpoint, id, "webhook_endpoint")
        }
        ("POST", ["webhook_endpoints", id]) => endpoints::update(world, form, id),
        ("DELETE", ["webhook_endpoints", id]) => endpoints::delete(world, id),
        ("POST", ["test_helpers", "webhook_endpoints", id, "roll_secret"]) => {
            endpoints::roll_secret(world, form, id)
        }

        ("GET", ["balance"]) => Ok(balance(world)),
        ("GET", ["balance_transactions"]) => {
            let url = "/v1/balance_transactions";
            let equal = ["source", "type", "currency"];
            lists::list(world, form, Kind::BalanceTransaction, url, &equal, |_| true)
        }
        ("GET", ["balance_transactions", id]) => world.find(Kind::BalanceTransaction, id, "id"),
        ("GET", ["account"]) => Ok(account(world)),

        (verb, _) => Err(Refusal::invalid(format!(
            "Unrecognized request URL ({verb}: /v1/{}). Please see https://stripe.com/docs or we \
             can help at https://support.stripe.com/.",
            path.join("/")
        ))
        .status(404)),
    }
}

fn events(world: &World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&[
        "limit",
        "starting_after",
        "ending_before",
        "created",
        "type",
        "types",
        "delivery_success",
    ])?;
    let types = form.list("types");
    let is_delivered = form.boolean("delivery_success")?;
    lists::list(world, form, Kind::Event, "/v1/events", &["type"], |event| {
        let is_of_type = types.is_empty() || types.iter().any(|kind| event["type"] == *kind);
        let has_fate = is_delivered.is_none_or(|want| (event["pending_webhooks"] == 0) == want);
        is_of_type && has_fate
    })
}

/// `GET /v1/balance`: cheap enough for a health probe. What came in and is not yet paid out.
fn balance(world: &World) -> Value {
    let line = |(currency, amount): (&String, &i64)| {
        let sources = json!({ "card": amount });
        json!({ "amount": amount, "currency": currency, "source_types": sources })
    };
    let pending: Vec<Value> = world.balances.iter().map(line).collect();
    let nothing = world.balances.keys().map(|currency| (currency, &0));
    let available: Vec<Value> = nothing.map(line).collect();
    json!({ "object": "balance", "available": available, "livemode": false, "pending": pending })
}

fn account(world: &World) -> Value {
    json!({
        "id": world.account,
        "object": "account",
        "charges_enabled": true,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": true,
        "metadata": {},
        "payouts_enabled": true,
        "type": "standard",
    })
}
