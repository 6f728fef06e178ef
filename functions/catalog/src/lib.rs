//! The catalog: what the shop sells, as shoppers see it.

use ::store::{Store, Table};
use domain::currency::Currency;
use runtime::{Doors, Endpoint, Setup, Trigger, http, on_stream};

pub mod jobs {
    //! What keeps the shown catalog true.
    pub mod on_stock_changed;
}
pub mod store {
    //! Endpoints for shoppers.
    pub mod list_categories;
    pub mod list_products;
    pub mod view_product;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    currency: Currency,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let tables: &[Table] = match setup.handler {
            "catalog.jobs.on_stock_changed" => &[Table::Catalog, Table::Inventory],
            _ => &[Table::Catalog],
        };
        Self { store: setup.store(tables), doors: setup.doors(), currency: setup.currency() }
    }
    fn doors(&self) -> Option<&Doors> {
        Some(&self.doors)
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "catalog.store.list_products",
        GET "/v1/store/products",
        "Lists the products on sale, newest first unless sorted otherwise.",
        store::list_products
    ),
    http!(
        "catalog.store.view_product",
        GET "/v1/store/products/{id_or_slug}",
        "Shows one product, by its id or its readable name.",
        store::view_product
    ),
    http!(
        "catalog.store.list_categories",
        GET "/v1/store/categories",
        "Lists the categories; their parents make the tree.",
        store::list_categories
    ),
    on_stream!("catalog.jobs.on_stock_changed", Table::Inventory, jobs::on_stock_changed),
    Endpoint { handler: "catalog.unknown", trigger: Trigger::Unknown },
];
