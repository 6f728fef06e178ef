//! The checkout: a cart becomes an order, with its stock held, before any money can move.

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Setup, Till, Trigger, every, http};

mod pay;
pub mod jobs {
    //! What ends what nobody pays.
    pub mod expire_unpaid;
}
pub mod store {
    //! Endpoints for shoppers.
    pub mod complete;
    pub mod retry_payment;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    till: Till,
    ids: Ids,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let is_job = setup.handler.starts_with("checkout.jobs.");
        let tables: &[Table] = match setup.handler {
            "checkout.unknown" => &[],
            _ if is_job => &[Table::Carts, Table::Inventory, Table::Orders, Table::Ledger],
            _ => &Table::ALL,
        };
        let tables: Vec<Table> =
            tables.iter().copied().filter(|table| *table != Table::Identity).collect();
        Self {
            store: setup.store(&tables),
            doors: (!is_job).then(|| setup.doors()),
            till: setup.till(),
            ids: setup.ids(),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        self.doors.as_ref()
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "checkout.store.complete",
        POST "/v1/store/carts/{id}/complete",
        "Makes an order of a cart and says how to pay it.",
        store::complete
    ),
    http!(
        "checkout.store.retry_payment",
        POST "/v1/store/orders/{id}/retry_payment",
        "Says again how to pay an order that waits for its payment.",
        store::retry_payment
    ),
    every!("checkout.jobs.expire_unpaid", 60, jobs::expire_unpaid),
    Endpoint { handler: "checkout.unknown", trigger: Trigger::Unknown },
];
