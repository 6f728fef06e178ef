//! The platform: health, the contract, the shop's settings, the outbox, the audit log, files that
//! come and go.

use std::sync::Arc;

use ::store::{Store, Table};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use files::{Bucket, Files};
use notify::Mailer;
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http, on_queue, on_stream};
use secrets::Secrets;

pub mod admin;
mod exporting;
mod importing;
mod queues;
mod relay;
mod settings;
pub mod jobs {
    //! The outbox, the audit log, imports and exports.
    pub mod append_audit;
    pub mod relay_outbox;
    pub mod run_exchange;
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
    ids: Ids,
    /// Who signs addresses of the bucket.
    files: Option<Files>,
    /// The bucket, for those who read and write it themselves.
    bucket: Option<Bucket>,
    /// The deployment's currency, for those who tell the shop's, and for prices that name none.
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
            "platform.jobs.run_exchange" => &[
                Table::Ephemeral,
                Table::Catalog,
                Table::Inventory,
                Table::Identity,
                Table::Ledger,
                Table::Orders,
            ],
            _ if knows_callers => &[Table::Identity, Table::Ephemeral, Table::Orders],
            _ if is_job => &[Table::Orders],
            _ => &[],
        };
        let queues: &[Name] = match setup.handler {
            "platform.store.ready"
            | "platform.admin.list_queues"
            | "platform.admin.list_dead"
            | "platform.admin.redrive" => &Name::ALL,
            "platform.jobs.append_audit" => &[],
            "platform.jobs.run_exchange" => &[Name::Exchange],
            _ if is_job => &[
                Name::StripeEvents,
                Name::OrderEvents,
                Name::Mail,
                Name::Texts,
                Name::Audit,
                Name::Exchange,
                Name::Webhooks,
            ],
            _ => &[],
        };
        let names: &[&str] =
            if is_ready { &["SECRET_STRIPE", "SECRET_JWT_PUBLIC", "SECRET_TOKENS"] } else { &[] };
        let signs = matches!(
            setup.handler,
            "platform.admin.create_import"
                | "platform.admin.view_import"
                | "platform.admin.view_export"
        );
        let keeps = matches!(
            setup.handler,
            "platform.admin.start_import"
                | "platform.admin.cancel_import"
                | "platform.jobs.run_exchange"
        );
        let doors = match (is_job, knows_callers) {
            (true, _) => None,
            (false, true) => Some(setup.doors()),
            (false, false) => Some(setup.open_doors()),
        };
        let tells_currency = matches!(
            setup.handler,
            "platform.store.config" | "platform.admin.create_import" | "platform.jobs.run_exchange"
        );
        Self {
            currency: tells_currency.then(|| setup.currency()),
            store: setup.store(tables),
            queues: setup.queues(queues),
            mailer: is_ready.then(|| setup.mailer()),
            secrets: setup.secrets(),
            secret_names: names.iter().map(|name| setup.text(name)).collect(),
            doors,
            ids: setup.ids(),
            files: if signs { setup.files() } else { None },
            bucket: keeps.then(|| Bucket::new(setup.aws(), setup.text("FILES_BUCKET"))),
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

impl App {
    /// The bucket, where the function was told of it.
    pub(crate) fn bucket(&self) -> Result<&Bucket, Fault> {
        let missing = || Fault::noticed("touch the bucket without FILES_BUCKET", Retry::Useless);
        self.bucket.as_ref().ok_or_else(missing)
    }

    /// Who signs addresses, where the function was told of it.
    pub(crate) fn files(&self) -> Result<&Files, Fault> {
        let missing = || Fault::noticed("sign an address without FILES_URL", Retry::Useless);
        self.files.as_ref().ok_or_else(missing)
    }

    /// The shop's own currency.
    pub(crate) fn currency(&self) -> Currency {
        self.currency.unwrap_or(Currency::EUR)
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
    http!(
        "platform.admin.create_import",
        POST "/v1/admin/imports",
        "Announces a file of products, prices, stock or customers; the answer says how to send it.",
        admin::create_import
    ),
    http!(
        "platform.admin.list_imports",
        GET "/v1/admin/imports",
        "Lists the imports of the last ninety days, newest first.",
        admin::list_imports
    ),
    http!(
        "platform.admin.view_import",
        GET "/v1/admin/imports/{id}",
        "Shows how far an import is, what it found, and where a dry run's differences lie.",
        admin::view_import
    ),
    http!(
        "platform.admin.start_import",
        POST "/v1/admin/imports/{id}/start",
        "Reads the file that was sent; runs a dry run for real that was checked.",
        admin::start_import
    ),
    http!(
        "platform.admin.cancel_import",
        POST "/v1/admin/imports/{id}/cancel",
        "Stops an import where it is; what was written stays.",
        admin::cancel_import
    ),
    http!(
        "platform.admin.list_import_flaws",
        GET "/v1/admin/imports/{id}/flaws",
        "Lists the rows of an import that have flaws, each with all that is wrong with it.",
        admin::list_import_flaws
    ),
    http!(
        "platform.admin.create_export",
        POST "/v1/admin/exports",
        "Writes products, prices, stock or customers to a file.",
        admin::create_export
    ),
    http!(
        "platform.admin.view_export",
        GET "/v1/admin/exports/{id}",
        "Shows how far an export is and, once it is done, where its file can be fetched.",
        admin::view_export
    ),
    http!(
        "platform.admin.list_mismatches",
        GET "/v1/admin/reconciliation",
        "Lists what differs between the shop's books and the payment provider's, with what to do.",
        admin::list_mismatches
    ),
    http!(
        "platform.admin.list_queues",
        GET "/v1/admin/queues",
        "Shows how full each queue is, and how many of its messages were given up.",
        admin::list_queues
    ),
    http!(
        "platform.admin.list_dead",
        GET "/v1/admin/queues/{name}/dead",
        "Lists up to fifty messages that a queue gave up, with the reason, never their words.",
        admin::list_dead
    ),
    http!(
        "platform.admin.redrive",
        POST "/v1/admin/queues/{name}/redrive",
        "Has up to a hundred messages that a queue gave up tried again.",
        admin::redrive
    ),
    on_stream!("platform.jobs.relay_outbox", Table::Orders, jobs::relay_outbox),
    on_queue!("platform.jobs.append_audit", Name::Audit, jobs::append_audit),
    on_queue!("platform.jobs.run_exchange", Name::Exchange, jobs::run_exchange),
    every!("platform.jobs.sweep_outbox", 60, jobs::sweep_outbox),
    Endpoint { handler: "platform.unknown", trigger: Trigger::Unknown },
];
