//! The catalog: what the shop sells, as shoppers see and find it.

use std::path::PathBuf;
use std::sync::Arc;

use ::store::{Store, Table};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use files::Bucket;
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Setup, Trigger, http, invoked, on_batch, on_stream};

mod index;
mod indexed;
mod task;

pub mod admin {
    //! Endpoints for the staff.
    pub mod rebuild_search;
    pub mod search_status;
    pub mod set_synonyms;
    pub mod view_synonyms;
}
pub mod jobs {
    //! What keeps the shown catalog and its index true.
    pub mod index_products;
    pub mod on_product_changed;
    pub mod on_stock_changed;
    pub mod rebuild_search;
}
pub mod store {
    //! Endpoints for shoppers.
    pub mod list_categories;
    pub mod list_products;
    pub mod suggest;
    pub mod view_product;
}

use index::Index;

/// The functions that read or write the search index.
const INDEXED: [&str; 4] = [
    "catalog.store.list_products",
    "catalog.store.suggest",
    "catalog.admin.search_status",
    "catalog.jobs.index_products",
];
/// The functions that know the index's queue.
const QUEUED: [&str; 3] = [
    "catalog.admin.search_status",
    "catalog.jobs.on_product_changed",
    "catalog.jobs.index_products",
];

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    currency: Currency,
    index: Option<Arc<Index>>,
    queues: Option<Queues>,
    /// Whether its callers are looked up and counted.
    knows_callers: bool,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let knows_callers = setup.handler.starts_with("catalog.admin.");
        let tables: &[Table] = match setup.handler {
            "catalog.jobs.on_stock_changed" => &[Table::Catalog, Table::Inventory],
            _ if knows_callers => {
                &[Table::Catalog, Table::Identity, Table::Ephemeral, Table::Orders]
            }
            _ => &[Table::Catalog],
        };
        let index = INDEXED.contains(&setup.handler).then(|| {
            let bucket = Bucket::new(setup.aws(), setup.text("FILES_BUCKET"));
            // Of two functions on one machine each has its own.
            let folder = PathBuf::from(setup.text("SEARCH_FOLDER")).join(setup.handler);
            Arc::new(Index::new(bucket, folder))
        });
        let is_queued = QUEUED.contains(&setup.handler);
        Self {
            store: setup.store(tables),
            doors: setup.doors(),
            currency: setup.currency(),
            index,
            queues: is_queued.then(|| setup.queues(&[Name::Search])),
            knows_callers,
        }
    }
    fn doors(&self) -> Option<&Doors> {
        Some(&self.doors)
    }
    fn store(&self) -> Option<&Store> {
        self.knows_callers.then_some(&self.store)
    }
}

impl App {
    /// The search index; asking for it in a function that is not told of it is our own mistake.
    fn index(&self) -> Result<&Arc<Index>, Fault> {
        let tried = "use the search index without knowing where it is";
        self.index.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
    }

    fn queues(&self) -> Result<&Queues, Fault> {
        let tried = "use the queue of the search index without knowing where it is";
        self.queues.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
    }
}

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "catalog.store.list_products",
        GET "/v1/store/products",
        "Lists the products on sale, newest first; or searches, filters and counts them.",
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
    http!(
        "catalog.store.suggest",
        GET "/v1/store/search/suggest",
        "Suggests categories and products to somebody who types.",
        store::suggest
    ),
    http!(
        "catalog.admin.view_synonyms",
        GET "/v1/admin/search/synonyms",
        "Shows the words that mean the same to whoever searches.",
        admin::view_synonyms
    ),
    http!(
        "catalog.admin.set_synonyms",
        PUT "/v1/admin/search/synonyms",
        "Replaces the synonyms; searches know them some seconds later.",
        admin::set_synonyms
    ),
    http!(
        "catalog.admin.rebuild_search",
        POST "/v1/admin/search/rebuild",
        "Has every product indexed anew.",
        admin::rebuild_search
    ),
    http!(
        "catalog.admin.search_status",
        GET "/v1/admin/search/status",
        "Shows the state of the search index, and how much it does not know yet.",
        admin::search_status
    ),
    on_stream!("catalog.jobs.on_product_changed", Table::Catalog, jobs::on_product_changed),
    on_batch!("catalog.jobs.index_products", Name::Search, jobs::index_products),
    invoked!("catalog.jobs.rebuild_search", jobs::rebuild_search),
    on_stream!("catalog.jobs.on_stock_changed", Table::Inventory, jobs::on_stock_changed),
    Endpoint { handler: "catalog.unknown", trigger: Trigger::Unknown },
];
