//! Payments: what the provider tells us, stored before it is acknowledged, processed from a queue;
//! and what it is asked for.

use ::store::{Store, Table};
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Setup, Till, Trigger, http, on_queue};

mod notice;
pub mod hooks {
    //! Endpoints for the payment provider.
    pub mod stripe;
}
pub mod jobs {
    //! What is done with what it says.
    pub mod on_stripe_event;
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
        let tables: &[Table] = if is_job {
            &[Table::Carts, Table::Inventory, Table::Orders, Table::Ledger]
        } else {
            &[Table::Ephemeral]
        };
        let is_hook = setup.handler.starts_with("payments.hooks.");
        Self {
            store: setup.store(if is_job || is_hook { tables } else { &[] }),
            doors: (!is_job).then(|| setup.doors()),
            queues: is_hook.then(|| setup.queues(&[Name::StripeEvents])),
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
    on_queue!("payments.jobs.on_stripe_event", Name::StripeEvents, jobs::on_stripe_event),
    Endpoint { handler: "payments.unknown", trigger: Trigger::Unknown },
];
