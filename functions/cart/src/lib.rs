//! The cart: everything between “I like this” and “I buy it”.

use ::store::{Store, Table};
use domain::currency::Currency;
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, http};

mod change;
pub mod store {
    //! Endpoints for shoppers.
    pub mod add_line;
    pub mod change_line;
    pub mod choose_shipping;
    pub mod create;
    pub mod merge;
    pub mod remove_line;
    pub mod set_addresses;
    pub mod shipping_options;
    pub mod view;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    ids: Ids,
    currency: Currency,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        Self {
            store: setup.store(&[Table::Carts, Table::Catalog, Table::Ephemeral]),
            doors: setup.doors(),
            ids: setup.ids(),
            currency: setup.currency(),
        }
    }
    fn doors(&self) -> Option<&Doors> {
        Some(&self.doors)
    }
    fn store(&self) -> Option<&Store> {
        Some(&self.store)
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "cart.store.create",
        POST "/v1/store/carts",
        "Opens a cart; a guest gets a token for it.",
        store::create
    ),
    http!(
        "cart.store.view",
        GET "/v1/store/carts/{id}",
        "Shows a cart, priced now.",
        store::view
    ),
    http!(
        "cart.store.add_line",
        POST "/v1/store/carts/{id}/lines",
        "Puts units of a variant into a cart; equal variants are one line.",
        store::add_line
    ),
    http!(
        "cart.store.change_line",
        PATCH "/v1/store/carts/{id}/lines/{line_id}",
        "Sets the units of a line.",
        store::change_line
    ),
    http!(
        "cart.store.remove_line",
        DELETE "/v1/store/carts/{id}/lines/{line_id}",
        "Takes a line out of a cart.",
        store::remove_line
    ),
    http!(
        "cart.store.set_addresses",
        PUT "/v1/store/carts/{id}/addresses",
        "Says where the goods and the letters go.",
        store::set_addresses
    ),
    http!(
        "cart.store.shipping_options",
        GET "/v1/store/carts/{id}/shipping_options",
        "Lists the ways of sending this cart, cheapest first.",
        store::shipping_options
    ),
    http!(
        "cart.store.choose_shipping",
        PUT "/v1/store/carts/{id}/shipping",
        "Chooses how the parcel goes.",
        store::choose_shipping
    ),
    http!(
        "cart.store.merge",
        POST "/v1/store/carts/{id}/merge",
        "Takes a guest's cart over into the signed-in customer's.",
        store::merge
    ),
    Endpoint { handler: "cart.unknown", trigger: Trigger::Unknown },
];
