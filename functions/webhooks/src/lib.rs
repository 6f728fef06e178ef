//! Outgoing webhooks: the merchant's own systems are told of what happens in the shop.
//!
//! An event of the outbox is written down once as it is told, then becomes one delivery for each
//! endpoint that wants it; each is tried until it is taken, or for three days.

use ::store::{Store, Table};
use courier::Courier;
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Ids, Setup, Stage, Trigger, every, http, on_queue};

mod endpoint;
mod errand;
pub mod admin {
    //! Endpoints for staff.
    pub mod change_endpoint;
    pub mod create_endpoint;
    pub mod delete_endpoint;
    pub mod list_deliveries;
    pub mod list_endpoints;
    pub mod redeliver;
    pub mod replay;
    pub mod rotate_secret;
    pub mod test_endpoint;
    pub mod view_endpoint;
}
pub mod jobs {
    //! Telling.
    pub mod announce;
    pub mod deliver;
    pub mod sweep;
}

/// The variable that lets a shop on somebody's own machine call that machine. No template sets it.
const LOOPBACK: &str = "WEBHOOK_LOOPBACK";

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    queues: Queues,
    courier: Option<Courier>,
    ids: Ids,
    /// Whether this machine may be called.
    allows_loopback: bool,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let (tables, queues): (&[Table], &[Name]) = match setup.handler {
            "webhooks.jobs.announce" => (
                &[Table::Identity, Table::Ephemeral, Table::Orders],
                &[Name::Webhooks, Name::WebhookDeliveries],
            ),
            "webhooks.jobs.sweep" => (&[Table::Ephemeral], &[Name::WebhookDeliveries]),
            "webhooks.unknown" => (&[], &[]),
            _ => (&[Table::Identity, Table::Ephemeral, Table::Orders], &[]),
        };
        let allows_loopback = allows_loopback(setup);
        let is_job = setup.handler.starts_with("webhooks.jobs.");
        let courier = (setup.handler == "webhooks.jobs.deliver")
            .then(|| Courier::new(allows_loopback))
            .transpose();
        Self {
            store: setup.store(tables),
            doors: (!is_job).then(|| setup.doors()),
            queues: setup.queues(queues),
            courier: courier.unwrap_or_else(|fault| {
                setup.fault(fault.to_string());
                None
            }),
            ids: setup.ids(),
            allows_loopback,
        }
    }
    fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

/// Whether this machine may be called: where somebody works on it and said so, nowhere else.
fn allows_loopback(setup: &mut Setup<'_>) -> bool {
    if setup.optional(LOOPBACK).is_none_or(|word| word.is_empty()) {
        return false;
    }
    let is_at_home = matches!(setup.stage(), Some(Stage::Local | Stage::Test));
    if !is_at_home {
        setup.fault(format!("{LOOPBACK} has no place in the cloud"));
    }
    is_at_home
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "webhooks.admin.create_endpoint",
        POST "/v1/admin/webhook_endpoints",
        "Adds a system that is told of events; the secret that signs them is shown this once.",
        admin::create_endpoint
    ),
    http!(
        "webhooks.admin.list_endpoints",
        GET "/v1/admin/webhook_endpoints",
        "Lists the systems that are told of events, oldest first; there are twenty at most.",
        admin::list_endpoints
    ),
    http!(
        "webhooks.admin.view_endpoint",
        GET "/v1/admin/webhook_endpoints/{id}",
        "Shows a system that is told of events, never its secret.",
        admin::view_endpoint
    ),
    http!(
        "webhooks.admin.change_endpoint",
        PATCH "/v1/admin/webhook_endpoints/{id}",
        "Changes an endpoint's address, name or events, switches it off, or on again.",
        admin::change_endpoint
    ),
    http!(
        "webhooks.admin.delete_endpoint",
        DELETE "/v1/admin/webhook_endpoints/{id}",
        "Deletes an endpoint: it is told of nothing any more, of what is under way neither.",
        admin::delete_endpoint
    ),
    http!(
        "webhooks.admin.rotate_secret",
        POST "/v1/admin/webhook_endpoints/{id}/rotate_secret",
        "Makes another secret, shown this once; the one before signs as well for a day.",
        admin::rotate_secret
    ),
    http!(
        "webhooks.admin.test_endpoint",
        POST "/v1/admin/webhook_endpoints/{id}/test",
        "Sends an endpoint an event of the kind webhook.test, even while it is switched off.",
        admin::test_endpoint
    ),
    http!(
        "webhooks.admin.list_deliveries",
        GET "/v1/admin/webhook_endpoints/{id}/deliveries",
        "Lists what an endpoint was sent in the last thirty days, with the answers, newest first.",
        admin::list_deliveries
    ),
    http!(
        "webhooks.admin.redeliver",
        POST "/v1/admin/webhook_endpoints/{id}/deliveries/{event_id}/redeliver",
        "Sends an event to an endpoint again, whatever became of it, under the same webhook-id.",
        admin::redeliver
    ),
    http!(
        "webhooks.admin.replay",
        POST "/v1/admin/webhook_endpoints/{id}/replay",
        "Sends an endpoint again all that it wants of what happened between two moments.",
        admin::replay
    ),
    on_queue!("webhooks.jobs.announce", Name::Webhooks, jobs::announce),
    on_queue!("webhooks.jobs.deliver", Name::WebhookDeliveries, jobs::deliver),
    every!("webhooks.jobs.sweep", 60, jobs::sweep),
    Endpoint { handler: "webhooks.unknown", trigger: Trigger::Unknown },
];
