//! Orders: what was bought, and what becomes of it.

use ::store::{Store, Table};
use files::Files;
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Ids, Setup, Till, Trigger, http, on_queue};

mod keys;
mod which;
pub mod jobs {
    //! What follows a placed order.
    pub mod on_order_placed;
}
pub mod store {
    //! Endpoints for buyers.
    pub mod cancel;
    pub mod download;
    pub mod list;
    pub mod view;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    queues: Option<Queues>,
    till: Option<Till>,
    files: Option<Files>,
    shop_url: Option<String>,
    ids: Ids,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let (mut tables, mut till, mut queues, mut files) = (vec![Table::Orders], None, None, None);
        let is_job = setup.handler.starts_with("orders.jobs.");
        match setup.handler {
            "orders.store.cancel" => {
                tables.extend([Table::Carts, Table::Inventory, Table::Ledger, Table::Ephemeral]);
                till = Some(setup.till());
            }
            "orders.store.view" | "orders.store.list" => tables.push(Table::Ephemeral),
            "orders.store.download" => files = setup.files(),
            "orders.jobs.on_order_placed" => {
                tables.extend([Table::Inventory, Table::Ledger, Table::Ephemeral]);
                queues = Some(setup.queues(&[Name::Mail]));
            }
            _ => {}
        }
        Self {
            store: setup.store(&tables),
            doors: (!is_job).then(|| setup.doors()),
            queues,
            till,
            files,
            shop_url: (setup.handler == "orders.store.view").then(|| setup.shop_url()),
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
        "orders.store.view",
        GET "/v1/store/orders/{id}",
        "Shows an order to its buyer.",
        store::view
    ),
    http!(
        "orders.store.list",
        GET "/v1/store/orders",
        "Lists the customer's orders, newest first.",
        store::list
    ),
    http!(
        "orders.store.cancel",
        POST "/v1/store/orders/{id}/cancel",
        "Calls an order off that is not paid yet.",
        store::cancel
    ),
    http!(
        "orders.store.download",
        GET "/v1/store/downloads/{token}",
        "Leads to a digital good; the link is signed, ends, and counts.",
        store::download
    ),
    on_queue!("orders.jobs.on_order_placed", Name::OrderEvents, jobs::on_order_placed),
    Endpoint { handler: "orders.unknown", trigger: Trigger::Unknown },
];
