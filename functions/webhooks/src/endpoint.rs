//! What the endpoints of webhooks share: which one, its form, what the audit log is told.

use api::form::{Fields, Form, ListOf, Parsed, Text, YesOrNo};
use api::{Problem, Reply, Staff};
use domain::audit::{Change, changes};
use domain::event::Event;
use domain::id::WebhookId;
use domain::permission::Permission;
use domain::webhook::target::URL_CHARS_MAX;
use domain::webhook::{
    DESCRIPTION_CHARS_MAX, EVERYTHING, Endpoint, EndpointChange, Refusal, Status, Target, Topic,
    Wanted,
};
use runtime::Call;
use serde_json::{Value, json};

use crate::App;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const RACES_MAX: usize = 5;
/// Names of events in one list: all there are, some of them twice.
const EVENTS_MAX: usize = 100;

/// The name of an event, or what stands for all.
const fn event_name() -> Parsed<&'static str> {
    fn read(name: &str) -> Option<&'static str> {
        if name == EVERYTHING { Some(EVERYTHING) } else { Topic::parse(name).map(Topic::name) }
    }
    Parsed::by(read, "the name of an event, or *", 50).pattern(r"^(\*|[a-z_]+\.[a-z_]+)$")
}

fn url() -> Parsed<Target> {
    Parsed::by(Target::parse, "an address like https://erp.example/hooks", URL_CHARS_MAX)
        .pattern("^https?://[!-~]+$")
}

/// A list of events, one or more.
const fn events() -> ListOf<Parsed<&'static str>> {
    ListOf::some_up_to(EVENTS_MAX, event_name(), "Name an event, or * for all of them.")
}

/// A new endpoint.
#[derive(Debug)]
pub struct NewEndpoint {
    pub(crate) url: Target,
    pub(crate) description: String,
    pub(crate) events: Wanted,
}

impl Form for NewEndpoint {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let url = fields.required("url", url());
        let description = fields.optional("description", Text::between(0, DESCRIPTION_CHARS_MAX));
        let names = fields.required("events", events());
        let events = Wanted::of_names(names?)?;
        Some(Self { url: url?, description: description?.unwrap_or_default(), events })
    }
}

/// What of an endpoint is changed.
#[derive(Debug)]
pub struct ChangedEndpoint(pub(crate) EndpointChange);

impl Form for ChangedEndpoint {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let url = fields.optional("url", url());
        let description = fields.optional("description", Text::between(0, DESCRIPTION_CHARS_MAX));
        let names = fields.optional("events", events());
        let is_active = fields.optional("is_active", YesOrNo);
        let events = match names? {
            Some(names) => Some(Wanted::of_names(names)?),
            None => None,
        };
        let (url, description, is_active) = (url?, description?, is_active?);
        Some(Self(EndpointChange { url, description, events, is_active }))
    }
}

/// Refuses an address that may not be called.
pub(crate) fn may_be_called(app: &App, url: &Target) -> Result<(), Refusal> {
    if url.may_be_called(app.allows_loopback) { Ok(()) } else { Err(Refusal::NotPublic) }
}

/// An endpoint by the id in a path.
pub(crate) async fn load(app: &App, id: WebhookId) -> Reply<Endpoint> {
    app.store.webhook_endpoint(id).await?.ok_or_else(Problem::not_found)
}

/// Whether a caller may change endpoints, and so is shown their addresses as they are.
pub(crate) fn may_manage<P>(who: &Staff<P>) -> bool {
    who.permissions().contains(Permission::WebhooksManage)
}

/// What the audit log is told of an endpoint; its address may hold a token and is not.
fn shown(endpoint: &Endpoint) -> Value {
    let status = match endpoint.status {
        Status::Active => "active",
        Status::Paused => "paused",
        Status::Disabled { .. } => "disabled",
    };
    json!({
        "status": status,
        "events": endpoint.events.names(),
        "url": endpoint.url.as_str(),
        "description": endpoint.description,
    })
}

/// What differs between two forms of an endpoint; none where there is none.
pub(crate) fn endpoint_changes(before: Option<&Endpoint>, after: Option<&Endpoint>) -> Vec<Change> {
    changes(&before.map_or(Value::Null, shown), &after.map_or(Value::Null, shown))
}

/// An entry of the audit log about an endpoint.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: impl std::fmt::Display,
    changed: Vec<Change>,
) -> Reply<Event> {
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let object = Some(object.to_string());
    Ok(doors.audit(&call.request, call.who.actor(), action, object, changed))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_of_an_endpoint_is_named() {
        let flaws = |body| {
            flaws_of::<NewEndpoint>(&body).into_iter().map(|flaw| flaw.0).collect::<Vec<_>>()
        };
        assert_eq!(flaws(json!({})), ["/url", "/events"]);
        let body = json!({"url": "ftp://erp.example", "events": ["order.eaten"], "secret": "x"});
        assert_eq!(flaws(body), ["/url", "/events/0", "/secret"]);
        let body = json!({"url": "https://erp.example/", "events": []});
        assert_eq!(flaws(body), ["/events"]);
        let body = json!({"url": "https://erp.example/", "events": ["*"]});
        assert!(flaws(body).is_empty());
    }

    #[test]
    fn a_change_may_be_of_anything_or_nothing_but_never_to_no_events() {
        assert_eq!(flaws_of::<ChangedEndpoint>(&json!({})), []);
        let flaws = flaws_of::<ChangedEndpoint>(&json!({"events": []}));
        assert_eq!(flaws, [("/events".to_owned(), "required")]);
    }
}
