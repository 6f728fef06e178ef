//! Fulfillment: where the shop sends to, how, for how much, and what is taxed where; and parcels,
//! from the first unit that is put into one to the day on which it arrives.

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Post, Setup, Trigger, http};

mod parcel;
mod table;
pub mod admin {
    //! Endpoints for staff.
    pub mod add_pickup_point;
    pub mod buy_label;
    pub mod cancel;
    pub mod change_pickup_point;
    pub mod change_shipping;
    pub mod change_tax;
    pub mod create;
    pub mod deliver;
    pub mod list;
    pub mod list_due;
    pub mod list_pickup_points;
    pub mod mark_lost;
    pub mod mark_returned;
    pub mod pack;
    pub mod queue;
    pub mod remove_pickup_point;
    pub mod ship;
    pub mod simulate_shipping;
    pub mod simulate_tax;
    pub mod view;
    pub mod view_shipping;
    pub mod view_tax;
    pub mod void_label;
}
pub mod hooks {
    //! Endpoints for the carriers.
    pub mod easypost;
}
pub mod store {
    //! Endpoints for shoppers.
    pub mod pickup_points;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    ids: Ids,
    /// The way to the carriers, for those who buy labels or hear of parcels.
    post: Option<Post>,
    /// Whether callers are looked up here.
    knows_callers: bool,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let knows_callers = setup.handler.starts_with("fulfillment.admin.");
        let is_hook = setup.handler.starts_with("fulfillment.hooks.");
        let tables: &[Table] = match setup.handler {
            "fulfillment.unknown" => &[],
            _ if is_hook => &[Table::Orders],
            "fulfillment.admin.ship" => {
                &[Table::Orders, Table::Inventory, Table::Ledger, Table::Identity, Table::Ephemeral]
            }
            _ if knows_callers => {
                &[Table::Catalog, Table::Identity, Table::Ephemeral, Table::Orders]
            }
            _ => &[Table::Catalog],
        };
        let doors = if knows_callers { setup.doors() } else { setup.open_doors() };
        let knows_carriers = is_hook || setup.handler.ends_with("_label");
        let post = knows_carriers.then(|| setup.post());
        let (store, ids) = (setup.store(tables), setup.ids());
        Self { store, doors: Some(doors), ids, post, knows_callers }
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
    http!(
        "fulfillment.admin.view_shipping",
        GET "/v1/admin/shipping",
        "Shows zones, methods, profiles and pickup points, and parcels that fall between tiers.",
        admin::view_shipping
    ),
    http!(
        "fulfillment.admin.change_shipping",
        PUT "/v1/admin/shipping",
        "Replaces the whole shipping table; every flaw is named at its place.",
        admin::change_shipping
    ),
    http!(
        "fulfillment.admin.simulate_shipping",
        POST "/v1/admin/shipping/simulate",
        "Says which zone a destination is in and why, and of each method what it costs or why not.",
        admin::simulate_shipping
    ),
    http!(
        "fulfillment.admin.view_tax",
        GET "/v1/admin/tax",
        "Shows what is taxed where.",
        admin::view_tax
    ),
    http!(
        "fulfillment.admin.change_tax",
        PUT "/v1/admin/tax",
        "Replaces the whole tax table; every flaw is named at its place.",
        admin::change_tax
    ),
    http!(
        "fulfillment.admin.simulate_tax",
        POST "/v1/admin/tax/simulate",
        "Says what lines would be taxed at a destination, by which rule and why.",
        admin::simulate_tax
    ),
    http!(
        "fulfillment.admin.list_pickup_points",
        GET "/v1/admin/pickup_points",
        "Lists the places where parcels wait for their buyers.",
        admin::list_pickup_points
    ),
    http!(
        "fulfillment.admin.add_pickup_point",
        POST "/v1/admin/pickup_points",
        "Adds a place where parcels wait for their buyers.",
        admin::add_pickup_point
    ),
    http!(
        "fulfillment.admin.change_pickup_point",
        PUT "/v1/admin/pickup_points/{id}",
        "Replaces what is known of a pickup point.",
        admin::change_pickup_point
    ),
    http!(
        "fulfillment.admin.remove_pickup_point",
        DELETE "/v1/admin/pickup_points/{id}",
        "Takes a pickup point away; orders that chose it keep what they know of it.",
        admin::remove_pickup_point
    ),
    http!(
        "fulfillment.admin.create",
        POST "/v1/admin/orders/{id}/fulfillments",
        "Opens a parcel with units of an order; they are bound to it from now on.",
        admin::create
    ),
    http!(
        "fulfillment.admin.list",
        GET "/v1/admin/orders/{id}/fulfillments",
        "Lists the parcels of an order, and says what of it is in none yet.",
        admin::list
    ),
    http!(
        "fulfillment.admin.view",
        GET "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}",
        "Shows a parcel, with the tag that it is moved by.",
        admin::view
    ),
    http!(
        "fulfillment.admin.pack",
        POST "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/pack",
        "Says that a parcel is packed and waits for the carrier.",
        admin::pack
    ),
    http!(
        "fulfillment.admin.ship",
        POST "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/ship",
        "Sends a parcel on its way: its units leave the stock, its buyer is told.",
        admin::ship
    ),
    http!(
        "fulfillment.admin.deliver",
        POST "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/deliver",
        "Says that a parcel has arrived; its buyer is told.",
        admin::deliver
    ),
    http!(
        "fulfillment.admin.cancel",
        POST "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/cancel",
        "Calls a parcel off before it leaves; its units stay reserved.",
        admin::cancel
    ),
    http!(
        "fulfillment.admin.mark_lost",
        POST "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/lost",
        "Says that a parcel left and arrived nowhere.",
        admin::mark_lost
    ),
    http!(
        "fulfillment.admin.mark_returned",
        POST "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/returned",
        "Says that a parcel left and came back.",
        admin::mark_returned
    ),
    http!(
        "fulfillment.admin.buy_label",
        POST "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/label",
        "Buys a label for a parcel that has not left, from the carriers.",
        admin::buy_label
    ),
    http!(
        "fulfillment.admin.void_label",
        DELETE "/v1/admin/orders/{id}/fulfillments/{fulfillment_id}/label",
        "Gives the label of a parcel back that has not left.",
        admin::void_label
    ),
    http!(
        "fulfillment.admin.queue",
        GET "/v1/admin/fulfillments",
        "Lists the parcels that wait for their next step, the longest waiting first.",
        admin::queue
    ),
    http!(
        "fulfillment.admin.list_due",
        GET "/v1/admin/fulfillments/due",
        "Lists the orders that have units to send, the longest waiting first.",
        admin::list_due
    ),
    http!(
        "fulfillment.hooks.easypost",
        POST "/v1/hooks/easypost",
        "Takes what carriers report of parcels.",
        hooks::easypost
    ),
    http!(
        "fulfillment.store.pickup_points",
        GET "/v1/store/pickup_points",
        "Lists the pickup points of a country, those with the most similar postal code first.",
        store::pickup_points
    ),
    Endpoint { handler: "fulfillment.unknown", trigger: Trigger::Unknown },
];
