//! Payments: what the provider tells us, stored before it is acknowledged, processed from a queue;
//! what it is asked for; and what staff answer to disputes.

use ::store::{Store, Table};
use domain::fault::{Fault, Retry};
use files::Bucket;
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Setup, Till, Trigger, every, http, on_queue};

mod answer;
mod desk;
mod notice;
pub mod admin {
    //! Endpoints for staff.
    pub mod accept_dispute;
    pub mod capture;
    pub mod list_disputes;
    pub mod submit_evidence;
    pub mod view_dispute;
}
pub mod hooks {
    //! Endpoints for the payment provider.
    pub mod stripe;
}
pub mod jobs {
    //! What is done with what it says.
    pub mod capture_due;
    pub mod on_stripe_event;
    pub mod reconcile;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    queues: Option<Queues>,
    till: Option<Till>,
    /// Where invoices lie.
    papers: Option<Bucket>,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let is_job = setup.handler.starts_with("payments.jobs.");
        let is_admin = setup.handler.starts_with("payments.admin.");
        let is_hook = setup.handler.starts_with("payments.hooks.");
        let is_beat =
            matches!(setup.handler, "payments.jobs.reconcile" | "payments.jobs.capture_due");
        let says_words = is_hook || is_beat;
        let tables: &[Table] = match setup.handler {
            "payments.jobs.reconcile" => &[Table::Orders, Table::Ledger, Table::Ephemeral],
            "payments.jobs.capture_due" => &[Table::Orders, Table::Identity, Table::Catalog],
            "payments.jobs.on_stripe_event" => &[
                Table::Carts,
                Table::Inventory,
                Table::Orders,
                Table::Ledger,
                Table::Ephemeral,
                Table::Catalog,
            ],
            "payments.admin.view_dispute" => {
                &[Table::Orders, Table::Identity, Table::Ephemeral, Table::Catalog]
            }
            _ if is_admin => &[Table::Orders, Table::Identity, Table::Ephemeral],
            _ if is_hook => &[Table::Ephemeral],
            _ => &[],
        };
        let answers = setup.handler == "payments.jobs.on_stripe_event";
        Self {
            papers: answers.then(|| Bucket::new(setup.aws(), setup.text("FILES_BUCKET"))),
            store: setup.store(tables),
            doors: (!is_job).then(|| setup.doors()),
            queues: says_words.then(|| setup.queues(&[Name::StripeEvents])),
            till: (!is_admin).then(|| setup.till()),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

impl App {
    /// The till; asking for it in a function that has none is our own mistake.
    fn till(&self) -> Result<&Till, Fault> {
        let tried = "go to the payment provider without the way there";
        self.till.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
    }

    /// The papers; the same of them.
    fn papers(&self) -> Result<&Bucket, Fault> {
        let tried = "look for papers without knowing where";
        self.papers.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "payments.hooks.stripe",
        POST "/v1/hooks/stripe",
        "Takes Stripe's events.",
        hooks::stripe
    ),
    http!(
        "payments.admin.list_disputes",
        GET "/v1/admin/disputes",
        "Lists what card holders dispute, newest first; or, with due=true, what somebody has to \
         answer, the most urgent first.",
        admin::list_disputes
    ),
    http!(
        "payments.admin.view_dispute",
        GET "/v1/admin/orders/{id}/disputes/{dispute_id}",
        "Shows a dispute of an order, with the evidence that the order is.",
        admin::view_dispute
    ),
    http!(
        "payments.admin.submit_evidence",
        POST "/v1/admin/orders/{id}/disputes/{dispute_id}/submit",
        "Answers a dispute with the order's evidence, and with what is written here in its place. \
         A bank takes one answer.",
        admin::submit_evidence
    ),
    http!(
        "payments.admin.accept_dispute",
        POST "/v1/admin/orders/{id}/disputes/{dispute_id}/accept",
        "Gives in to a dispute: the money is gone.",
        admin::accept_dispute
    ),
    http!(
        "payments.admin.capture",
        POST "/v1/admin/orders/{id}/capture",
        "Takes the money that is reserved for an order, all of it or a part; what is not taken is \
         let go.",
        admin::capture
    ),
    every!("payments.jobs.capture_due", 3600, jobs::capture_due),
    every!("payments.jobs.reconcile", 3600, jobs::reconcile),
    on_queue!("payments.jobs.on_stripe_event", Name::StripeEvents, jobs::on_stripe_event),
    Endpoint { handler: "payments.unknown", trigger: Trigger::Unknown },
];
