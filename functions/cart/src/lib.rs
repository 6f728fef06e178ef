//! The cart: everything between “I like this” and “I buy it”.

use ::store::{Store, Table};
use domain::currency::Currency;
use runtime::{Doors, Endpoint, Ids, Post, Setup, Trigger, http};

mod change;
mod quotes;
pub mod store {
    //! Endpoints for shoppers.
    pub mod add_code;
    pub mod add_line;
    pub mod change_line;
    pub mod choose_shipping;
    pub mod create;
    pub mod drop_gift_card;
    pub mod merge;
    pub mod remove_code;
    pub mod remove_line;
    pub mod set_addresses;
    pub mod shipping_options;
    pub mod use_gift_card;
    pub mod use_store_credit;
    pub mod view;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    ids: Ids,
    currency: Currency,
    /// For those who show what carriers ask for.
    post: Option<Post>,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let mut tables = vec![Table::Carts, Table::Catalog, Table::Inventory, Table::Ephemeral];
        // Gift cards and credit lie with the orders that they pay.
        if matches!(
            setup.handler,
            "cart.store.view" | "cart.store.use_gift_card" | "cart.store.use_store_credit"
        ) {
            tables.push(Table::Orders);
        }
        let asks_carriers =
            matches!(setup.handler, "cart.store.shipping_options" | "cart.store.choose_shipping");
        Self {
            store: setup.store(&tables),
            doors: setup.doors(),
            ids: setup.ids(),
            currency: setup.currency(),
            post: asks_carriers.then(|| setup.post()),
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
        "cart.store.add_code",
        POST "/v1/store/carts/{id}/codes",
        "Puts a discount code into a cart, where it goes with it.",
        store::add_code
    ),
    http!(
        "cart.store.remove_code",
        DELETE "/v1/store/carts/{id}/codes/{code}",
        "Takes a discount code out of a cart.",
        store::remove_code
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
        "cart.store.use_gift_card",
        POST "/v1/store/carts/{id}/gift_cards",
        "Pays with a gift card, by its code; the totals stay, what is due falls.",
        store::use_gift_card
    ),
    http!(
        "cart.store.drop_gift_card",
        DELETE "/v1/store/carts/{id}/gift_cards/{gift_card_id}",
        "Does not pay with a gift card after all.",
        store::drop_gift_card
    ),
    http!(
        "cart.store.use_store_credit",
        POST "/v1/store/carts/{id}/store_credit",
        "Pays with the customer's store credit, or does not.",
        store::use_store_credit
    ),
    http!(
        "cart.store.merge",
        POST "/v1/store/carts/{id}/merge",
        "Takes a guest's cart over into the signed-in customer's.",
        store::merge
    ),
    Endpoint { handler: "cart.unknown", trigger: Trigger::Unknown },
];
