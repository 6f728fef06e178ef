//! The platform: health, the contract, the shop's settings, the outbox, the audit log.

use std::sync::Arc;

use ::store::{Store, Table};
use domain::currency::Currency;
use notify::Mailer;
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Setup, Trigger, every, http, on_queue, on_stream};
use secrets::Secrets;

mod relay;
mod settings;
pub mod admin {
    //! Endpoints for staff.
    pub mod audit;
    pub mod change_settings;
    pub mod view_settings;
}
pub mod jobs {
    //! The outbox and the audit log.
    pub mod append_audit;
    pub mod relay_outbox;
    pub mod sweep_outbox;
}
pub mod store {
    //! Endpoints for everybody.
    pub mod config;
    pub mod live;
    pub mod openapi;
    pub mod ready;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    queues: Queues,
    mailer: Option<Mailer>,
    secrets: Arc<Secrets>,
    secret_names: Vec<String>,
    doors: Option<Doors>,
    /// The deployment's currency, for those who tell the shop's.
    currency: Option<Currency>,
    /// Whether callers are looked up here.
    knows_callers: bool,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let is_ready = setup.handler == "platform.store.ready";
        let is_job = setup.handler.starts_with("platform.jobs.");
        let knows_callers = setup.handler.starts_with("platform.admin.");
        let tables: &[Table] = match setup.handler {
            "platform.store.ready" => &Table::ALL,
            "platform.jobs.append_audit" => &[Table::Ledger],
            "platform.admin.audit" => {
                &[Table::Ledger, Table::Identity, Table::Ephemeral, Table::Orders]
            }
            "platform.admin.view_settings" | "platform.admin.change_settings" => {
                &[Table::Catalog, Table::Identity, Table::Ephemeral, Table::Orders]
            }
            "platform.store.config" => &[Table::Catalog],
            _ if is_job => &[Table::Orders],
            _ => &[],
        };
        let queues: &[Name] = match setup.handler {
            "platform.store.ready" => &Name::ALL,
            "platform.jobs.append_audit" => &[],
            _ if is_job => &[Name::OrderEvents, Name::Mail, Name::Audit],
            _ => &[],
        };
        let names: &[&str] =
            if is_ready { &["SECRET_STRIPE", "SECRET_JWT_PUBLIC", "SECRET_TOKENS"] } else { &[] };
        let doors = match (is_job, knows_callers) {
            (true, _) => None,
            (false, true) => Some(setup.doors()),
            (false, false) => Some(setup.open_doors()),
        };
        let tells_currency = setup.handler == "platform.store.config";
        Self {
            currency: tells_currency.then(|| setup.currency()),
            store: setup.store(tables),
            queues: setup.queues(queues),
            mailer: is_ready.then(|| setup.mailer()),
            secrets: setup.secrets(),
            secret_names: names.iter().map(|name| setup.text(name)).collect(),
            doors,
            knows_callers,
        }
    }
    fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
    }
    fn store(&self) -> Option<&Store> {
        self.knows_callers.then_some(&self.store)
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!("platform.store.live", GET "/health/live", "Whether the process lives.", store::live),
    http!(
        "platform.store.ready",
        GET "/health/ready",
        "Whether all that the shop depends on answers.",
        store::ready
    ),
    http!("platform.store.openapi", GET "/openapi.json", "This contract.", store::openapi),
    http!(
        "platform.store.config",
        GET "/v1/store/config",
        "Shows what every page of a storefront needs to know of the shop.",
        store::config
    ),
    http!(
        "platform.admin.view_settings",
        GET "/v1/admin/settings",
        "Shows what the merchant has decided for the whole shop.",
        admin::view_settings
    ),
    http!(
        "platform.admin.change_settings",
        PATCH "/v1/admin/settings",
        "Changes the shop's name, currencies, languages, sender, return policy and order numbers.",
        admin::change_settings
    ),
    http!(
        "platform.admin.audit",
        GET "/v1/admin/audit",
        "What was done, newest first; the whole log or a part of it.",
        admin::audit
    ),
    on_stream!("platform.jobs.relay_outbox", Table::Orders, jobs::relay_outbox),
    on_queue!("platform.jobs.append_audit", Name::Audit, jobs::append_audit),
    every!("platform.jobs.sweep_outbox", 60, jobs::sweep_outbox),
    Endpoint { handler: "platform.unknown", trigger: Trigger::Unknown },
];
