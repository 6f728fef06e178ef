//! Payments: what the provider tells us, stored before it is acknowledged, processed from a queue;
//! and what it is asked for.

use ::store::{Store, Table};
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Setup, Till, Trigger, every, http, on_queue};

mod notice;
pub mod hooks {
    //! Endpoints for the payment provider.
    pub mod stripe;
}
pub mod jobs {
    //! What is done with what it says.
    pub mod on_stripe_event;
    pub mod reconcile;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    queues: Option<Queues>,
    till: Till,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let is_job = setup.handler.starts_with("payments.jobs.");
        let is_hook = setup.handler.starts_with("payments.hooks.");
        let says_words = is_hook || setup.handler == "payments.jobs.reconcile";
        let tables: &[Table] = match setup.handler {
            "payments.jobs.reconcile" => &[Table::Orders, Table::Ledger, Table::Ephemeral],
            _ if is_job => &[Table::Carts, Table::Inventory, Table::Orders, Table::Ledger],
            _ if is_hook => &[Table::Ephemeral],
            _ => &[],
        };
        Self {
            store: setup.store(tables),
            doors: (!is_job).then(|| setup.doors()),
            queues: says_words.then(|| setup.queues(&[Name::StripeEvents])),
            till: setup.till(),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
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
    every!("payments.jobs.reconcile", 3600, jobs::reconcile),
    on_queue!("payments.jobs.on_stripe_event", Name::StripeEvents, jobs::on_stripe_event),
    Endpoint { handler: "payments.unknown", trigger: Trigger::Unknown },
];
