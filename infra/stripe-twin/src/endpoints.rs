//! Webhook endpoints: the one that is there from the start, and those that are registered. An
//! endpoint has two valid secrets while one replaces the other.

use serde_json::{Value, json};

use crate::form::Fields;
use crate::lists;
use crate::params;
use crate::refusal::Refusal;
use crate::store::Kind;
use crate::world::{API_VERSION, World};

/// A replaced signing secret stays valid for a day unless another time is asked for.
const ROLL_SECONDS: i64 = 86_400;

impl World {
    /// Makes the endpoint that is there from the start, or brings it up to date.
    pub(crate) fn ensure_default_endpoint(&mut self, url: &str, secret: &str) {
        let known = self
            .store
            .oldest(Kind::WebhookEndpoint)
            .find(|endpoint| endpoint["_is_default"] == true)
            .cloned();
        let mut endpoint = known.unwrap_or_else(|| {
            let mut endpoint = self.new_endpoint(url, &json!(["*"]), secret);
            endpoint["_is_default"] = json!(true);
            endpoint
        });
        // A secret that was rolled since the last start is not rolled back.
        let held = endpoint["_secrets"].as_array();
        if !held.is_some_and(|held| held.iter().any(|held| held["secret"] == secret)) {
            endpoint["_secrets"] = json!([{ "secret": secret, "until": null }]);
        }
        endpoint["url"] = json!(url);
        self.save(Kind::WebhookEndpoint, &endpoint);
    }

    fn new_endpoint(&mut self, url: &str, enabled_events: &Value, secret: &str) -> Value {
        json!({
            "id": self.chance.id("we_"),
            "object": "webhook_endpoint",
            "api_version": API_VERSION,
            "application": null,
            "created": self.now(),
            "description": null,
            "enabled_events": enabled_events,
            "livemode": false,
            "metadata": {},
            "status": "enabled",
            "url": url,
            "_secrets": [{ "secret": secret, "until": null }],
        })
    }
}

/// `POST /v1/webhook_endpoints`; the secret is shown only here.
pub(crate) fn create(world: &mut World, form: &Fields) -> Result<Value, Refusal> {
    form.only(&["url", "enabled_events", "api_version", "connect", "description", "metadata"])?;
    let url = url(form)?.ok_or_else(|| Refusal::missing("url"))?;
    let events = form.list("enabled_events");
    if events.is_empty() {
        return Err(Refusal::missing("enabled_events"));
    }
    let metadata = params::metadata(form, &json!({}))?;
    let secret = world.chance.letters("whsec_", 32);
    let mut endpoint = world.new_endpoint(url, &json!(events), &secret);
    endpoint["description"] = json!(form.filled("description"));
    endpoint["metadata"] = metadata;
    world.save(Kind::WebhookEndpoint, &endpoint);
    endpoint["secret"] = json!(secret);
    Ok(endpoint)
}

fn url(form: &Fields) -> Result<Option<&str>, Refusal> {
    match form.filled("url") {
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => Err(
            Refusal::invalid("Invalid URL: An explicit scheme (such as https) must be provided.")
                .code("url_invalid")
                .param("url"),
        ),
        url => Ok(url),
    }
}

/// `POST /v1/webhook_endpoints/{id}`.
pub(crate) fn update(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&["url", "enabled_events", "disabled", "description", "metadata"])?;
    let mut endpoint = world.find(Kind::WebhookEndpoint, id, "webhook_endpoint")?;
    if let Some(url) = url(form)? {
        endpoint["url"] = json!(url);
    }
    let events = form.list("enabled_events");
    if !events.is_empty() {
        endpoint["enabled_events"] = json!(events);
    }
    if let Some(is_disabled) = form.boolean("disabled")? {
        endpoint["status"] = json!(if is_disabled { "disabled" } else { "enabled" });
    }
    if let Some(description) = form.text("description") {
        endpoint["description"] = json!(description);
    }
    endpoint["metadata"] = params::metadata(form, &endpoint["metadata"])?;
    world.save(Kind::WebhookEndpoint, &endpoint);
    Ok(endpoint)
}

/// `DELETE /v1/webhook_endpoints/{id}`.
pub(crate) fn delete(world: &mut World, id: &str) -> Result<Value, Refusal> {
    world.find(Kind::WebhookEndpoint, id, "webhook_endpoint")?;
    world.store.remove(Kind::WebhookEndpoint, id);
    Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
}

/// `GET /v1/webhook_endpoints`.
pub(crate) fn list(world: &World, form: &Fields) -> Result<Value, Refusal> {
    lists::list(world, form, Kind::WebhookEndpoint, "/v1/webhook_endpoints", &[], |_| true)
}

/// `POST /v1/test_helpers/webhook_endpoints/{id}/roll_secret`: what the Dashboard's "roll secret"
/// does. Until the old secret runs out, deliveries carry a signature of each.
pub(crate) fn roll_secret(world: &mut World, form: &Fields, id: &str) -> Result<Value, Refusal> {
    form.only(&["expires_in_seconds"])?;
    let mut endpoint = world.find(Kind::WebhookEndpoint, id, "webhook_endpoint")?;
    let seconds = form.integer("expires_in_seconds")?.unwrap_or(ROLL_SECONDS);
    let secret = world.chance.letters("whsec_", 32);
    let old = endpoint["_secrets"][0]["secret"].clone();
    endpoint["_secrets"] = json!([
        { "secret": secret, "until": null },
        { "secret": old, "until": world.now() + seconds },
    ]);
    world.save(Kind::WebhookEndpoint, &endpoint);
    endpoint["secret"] = json!(secret);
    Ok(endpoint)
}
