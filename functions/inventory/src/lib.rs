//! Inventory: where stock lies, how it comes, moves and goes, and who is told when it runs low.

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http, on_stream};

mod key_pool;
mod stocktaking;
mod transfer;
mod which;
pub mod admin {
    //! Endpoints for staff.
    pub mod add_keys;
    pub mod adjust;
    pub mod allocate;
    pub mod arm;
    pub mod cancel_transfer;
    pub mod change_level;
    pub mod change_location;
    pub mod count;
    pub mod create_location;
    pub mod create_transfer;
    pub mod disarm;
    pub mod forecast;
    pub mod list_events;
    pub mod list_findings;
    pub mod list_keys;
    pub mod list_levels;
    pub mod list_locations;
    pub mod list_low_stock;
    pub mod list_movements;
    pub mod list_transfers;
    pub mod receive;
    pub mod receive_transfer;
    pub mod ship_transfer;
    pub mod view_key_pool;
    pub mod view_level;
    pub mod view_location;
    pub mod view_sku;
    pub mod view_transfer;
    pub mod withdraw_keys;
}
pub mod jobs {
    //! What is done by the clock and after a change.
    pub mod merge_shards;
    pub mod on_level_changed;
    pub mod prove;
    pub mod send_back_in_stock;
    pub mod send_digest;
}
pub mod store {
    //! Endpoints for shoppers.
    pub mod subscribe;
    pub mod unsubscribe;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    ids: Ids,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let tables: &[Table] = match setup.handler {
            "inventory.unknown" => &[],
            "inventory.jobs.on_level_changed" => &[Table::Inventory, Table::Identity],
            "inventory.jobs.send_back_in_stock" => &[Table::Identity, Table::Orders],
            "inventory.jobs.send_digest" => {
                &[Table::Inventory, Table::Catalog, Table::Identity, Table::Orders]
            }
            "inventory.jobs.prove" => &[Table::Inventory, Table::Catalog, Table::Ledger],
            "inventory.jobs.merge_shards" => &[Table::Inventory, Table::Ledger],
            _ => &[
                Table::Inventory,
                Table::Catalog,
                Table::Ledger,
                Table::Identity,
                Table::Orders,
                Table::Ephemeral,
            ],
        };
        let doors = match setup.handler {
            "inventory.jobs.send_back_in_stock" => Some(setup.sealing_doors()),
            handler if handler.starts_with("inventory.jobs.") => None,
            _ => Some(setup.doors()),
        };
        Self { store: setup.store(tables), doors, ids: setup.ids() }
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
        "inventory.admin.list_locations",
        GET "/v1/admin/inventory/locations",
        "The places where stock lies.",
        admin::list_locations
    ),
    http!(
        "inventory.admin.create_location",
        POST "/v1/admin/inventory/locations",
        "Opens another place where stock lies.",
        admin::create_location
    ),
    http!(
        "inventory.admin.view_location",
        GET "/v1/admin/inventory/locations/{id}",
        "A place where stock lies.",
        admin::view_location
    ),
    http!(
        "inventory.admin.change_location",
        PATCH "/v1/admin/inventory/locations/{id}",
        "Changes a location, or stops selling from it. Checkouts know of it within a minute.",
        admin::change_location
    ),
    http!(
        "inventory.admin.list_levels",
        GET "/v1/admin/inventory/levels",
        "The stock levels at a location, by SKU.",
        admin::list_levels
    ),
    http!(
        "inventory.admin.view_sku",
        GET "/v1/admin/inventory/levels/{sku}",
        "The stock levels of a SKU at all locations, and on its shards.",
        admin::view_sku
    ),
    http!(
        "inventory.admin.view_level",
        GET "/v1/admin/inventory/levels/{sku}/{location_id}",
        "The stock level of a SKU at one location. Its ETag is that of what staff set, not of the \
         counters.",
        admin::view_level
    ),
    http!(
        "inventory.admin.change_level",
        PATCH "/v1/admin/inventory/levels/{sku}/{location_id}",
        "Sets safety stock, backorder cap and low-stock threshold of a level.",
        admin::change_level
    ),
    http!(
        "inventory.admin.list_movements",
        GET "/v1/admin/inventory/movements",
        "The movements of a SKU, newest first.",
        admin::list_movements
    ),
    http!(
        "inventory.admin.list_low_stock",
        GET "/v1/admin/inventory/low_stock",
        "The levels at a location that are low or out.",
        admin::list_low_stock
    ),
    http!(
        "inventory.admin.list_events",
        GET "/v1/admin/inventory/events",
        "What ran low, ran out and came back on a day, newest first.",
        admin::list_events
    ),
    http!(
        "inventory.admin.list_findings",
        GET "/v1/admin/inventory/findings",
        "Levels that the nightly proof could not explain by their movements, newest first.",
        admin::list_findings
    ),
    http!(
        "inventory.admin.adjust",
        POST "/v1/admin/inventory/adjustments",
        "Corrects stock by a difference, or to a number, with a reason: all lines or none.",
        admin::adjust
    ),
    http!(
        "inventory.admin.count",
        POST "/v1/admin/inventory/counts",
        "Writes down what was counted: all lines or none.",
        admin::count
    ),
    http!(
        "inventory.admin.receive",
        POST "/v1/admin/inventory/receipts",
        "Writes down what came from a supplier: all lines or none.",
        admin::receive
    ),
    http!(
        "inventory.admin.view_key_pool",
        GET "/v1/admin/inventory/key_pools/{sku}",
        "How many keys a SKU has, and which paid orders wait for some.",
        admin::view_key_pool
    ),
    http!(
        "inventory.admin.list_keys",
        GET "/v1/admin/inventory/key_pools/{sku}/keys",
        "The keys of a SKU by id: their endings and what became of them, never what they say.",
        admin::list_keys
    ),
    http!(
        "inventory.admin.add_keys",
        POST "/v1/admin/inventory/key_pools/{sku}/keys",
        "Adds keys to a SKU whose variant has_keys. What the pool knows already is left out and \
         named by its position; orders that wait get theirs.",
        admin::add_keys
    ),
    http!(
        "inventory.admin.withdraw_keys",
        POST "/v1/admin/inventory/key_pools/{sku}/withdrawals",
        "Takes free keys out of a pool: all of them or none. What a buyer has stays theirs.",
        admin::withdraw_keys
    ),
    http!(
        "inventory.admin.list_transfers",
        GET "/v1/admin/inventory/transfers",
        "Transfers between locations, newest first.",
        admin::list_transfers
    ),
    http!(
        "inventory.admin.create_transfer",
        POST "/v1/admin/inventory/transfers",
        "Writes a transfer down; nothing moves yet.",
        admin::create_transfer
    ),
    http!(
        "inventory.admin.view_transfer",
        GET "/v1/admin/inventory/transfers/{id}",
        "A transfer.",
        admin::view_transfer
    ),
    http!(
        "inventory.admin.ship_transfer",
        POST "/v1/admin/inventory/transfers/{id}/ship",
        "Sends a transfer on its way: its units leave their location.",
        admin::ship_transfer
    ),
    http!(
        "inventory.admin.receive_transfer",
        POST "/v1/admin/inventory/transfers/{id}/receive",
        "Counts in what arrived of a transfer; with is_last nobody waits for the rest.",
        admin::receive_transfer
    ),
    http!(
        "inventory.admin.cancel_transfer",
        POST "/v1/admin/inventory/transfers/{id}/cancel",
        "Calls a transfer off; what is on its way comes back.",
        admin::cancel_transfer
    ),
    http!(
        "inventory.admin.forecast",
        GET "/v1/admin/inventory/forecast",
        "How many days a SKU's stock lasts, by what was sold lately.",
        admin::forecast
    ),
    http!(
        "inventory.admin.allocate",
        POST "/v1/admin/inventory/allocate",
        "Tells from where an order would be sent, and why. Nothing is held.",
        admin::allocate
    ),
    http!(
        "inventory.admin.arm",
        POST "/v1/admin/inventory/{sku}/arm",
        "Splits a SKU's stock over shards for a flash sale.",
        admin::arm
    ),
    http!(
        "inventory.admin.disarm",
        POST "/v1/admin/inventory/{sku}/disarm",
        "Ends a flash sale: what is left on the shards goes back.",
        admin::disarm
    ),
    http!(
        "inventory.store.subscribe",
        POST "/v1/store/products/{id}/variants/{variant_id}/back_in_stock",
        "Asks for one letter when a variant that is sold out is back.",
        store::subscribe
    ),
    http!(
        "inventory.store.unsubscribe",
        POST "/v1/store/back_in_stock/unsubscribe",
        "Forgets all that an address waits for, by the token of its letter.",
        store::unsubscribe
    ),
    on_stream!("inventory.jobs.on_level_changed", Table::Inventory, jobs::on_level_changed),
    every!("inventory.jobs.send_back_in_stock", 60, jobs::send_back_in_stock),
    every!("inventory.jobs.merge_shards", 60, jobs::merge_shards),
    every!("inventory.jobs.send_digest", 86_400, jobs::send_digest),
    every!("inventory.jobs.prove", 86_400, jobs::prove),
    Endpoint { handler: "inventory.unknown", trigger: Trigger::Unknown },
];
