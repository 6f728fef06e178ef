//! The catalog: what the shop sells, as shoppers see and find it.

use std::path::PathBuf;
use std::sync::Arc;

use ::store::{Store, Table};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use files::Bucket;
use queue::{Name, Queues};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http, invoked, on_batch, on_stream};

mod change;
mod form;
mod indexed;
mod shelf;

pub mod admin {
    //! Endpoints for staff.
    pub mod add_variant;
    pub mod archive_product;
    pub mod change_attribute;
    pub mod change_category;
    pub mod change_collection;
    pub mod change_product;
    pub mod change_variant;
    pub mod create_attribute;
    pub mod create_category;
    pub mod create_collection;
    pub mod create_product;
    pub mod delete_attribute;
    pub mod delete_category;
    pub mod delete_collection;
    pub mod delete_product;
    pub mod list_attributes;
    pub mod list_categories;
    pub mod list_collections;
    pub mod list_products;
    pub mod missing_translations;
    pub mod price_log;
    pub mod publish_product;
    pub mod rebuild_search;
    pub mod remove_category_translation;
    pub mod remove_translation;
    pub mod remove_variant;
    pub mod search_status;
    pub mod set_images;
    pub mod set_options;
    pub mod set_prices;
    pub mod set_synonyms;
    pub mod translate_category;
    pub mod translate_product;
    pub mod unpublish_product;
    pub mod view_collection;
    pub mod view_product;
    pub mod view_synonyms;
}
pub mod jobs {
    //! What keeps the shown catalog and its index true.
    pub mod apply_schedule;
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

use snapshots::Index;

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
    ids: Ids,
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
            "catalog.jobs.apply_schedule" => &[Table::Catalog, Table::Orders],
            _ if knows_callers => {
                &[Table::Catalog, Table::Identity, Table::Ephemeral, Table::Orders]
            }
            _ => &[Table::Catalog],
        };
        let index = INDEXED.contains(&setup.handler).then(|| {
            let bucket = Bucket::new(setup.aws(), setup.text("FILES_BUCKET"));
            // Of two functions on one machine each has its own.
            let folder = PathBuf::from(setup.text("SEARCH_FOLDER")).join(setup.handler);
            Arc::new(Index::new("products", bucket, folder))
        });
        let is_queued = QUEUED.contains(&setup.handler);
        Self {
            store: setup.store(tables),
            doors: setup.doors(),
            currency: setup.currency(),
            ids: setup.ids(),
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
    http!(
        "catalog.admin.list_products",
        GET "/v1/admin/products",
        "Lists all products, in the store or not, newest first.",
        admin::list_products
    ),
    http!(
        "catalog.admin.create_product",
        POST "/v1/admin/products",
        "Makes a draft, with the variants that its options make.",
        admin::create_product
    ),
    http!(
        "catalog.admin.missing_translations",
        GET "/v1/admin/products/missing_translations",
        "Lists products that a language does not say all of.",
        admin::missing_translations
    ),
    http!(
        "catalog.admin.view_product",
        GET "/v1/admin/products/{id}",
        "Shows a product, in the store or not.",
        admin::view_product
    ),
    http!(
        "catalog.admin.change_product",
        PATCH "/v1/admin/products/{id}",
        "Changes a product: what is left out stays.",
        admin::change_product
    ),
    http!(
        "catalog.admin.delete_product",
        DELETE "/v1/admin/products/{id}",
        "Deletes a draft that never was in the store.",
        admin::delete_product
    ),
    http!(
        "catalog.admin.publish_product",
        POST "/v1/admin/products/{id}/publish",
        "Puts a draft into the store, now.",
        admin::publish_product
    ),
    http!(
        "catalog.admin.unpublish_product",
        POST "/v1/admin/products/{id}/unpublish",
        "Makes a product a draft again, out of the store.",
        admin::unpublish_product
    ),
    http!(
        "catalog.admin.archive_product",
        POST "/v1/admin/products/{id}/archive",
        "Puts a product into the archive; it is not sold any more.",
        admin::archive_product
    ),
    http!(
        "catalog.admin.set_options",
        PUT "/v1/admin/products/{id}/options",
        "Sets what can be chosen, and makes the variants that are missing.",
        admin::set_options
    ),
    http!(
        "catalog.admin.set_images",
        PUT "/v1/admin/products/{id}/images",
        "Sets which pictures a product shows, in which order, and what is said of each.",
        admin::set_images
    ),
    http!(
        "catalog.admin.add_variant",
        POST "/v1/admin/products/{id}/variants",
        "Adds a variant.",
        admin::add_variant
    ),
    http!(
        "catalog.admin.change_variant",
        PATCH "/v1/admin/products/{id}/variants/{variant_id}",
        "Changes a variant: what is left out stays.",
        admin::change_variant
    ),
    http!(
        "catalog.admin.remove_variant",
        DELETE "/v1/admin/products/{id}/variants/{variant_id}",
        "Takes a variant out; its SKU is free.",
        admin::remove_variant
    ),
    http!(
        "catalog.admin.set_prices",
        PUT "/v1/admin/products/{id}/variants/{variant_id}/prices",
        "Sets what a variant costs, and what it costs for a while.",
        admin::set_prices
    ),
    http!(
        "catalog.admin.price_log",
        GET "/v1/admin/products/{id}/price_log",
        "Lists all that was ever asked for, newest first.",
        admin::price_log
    ),
    http!(
        "catalog.admin.translate_product",
        PUT "/v1/admin/products/{id}/translations/{locale}",
        "Writes what a product says in a language.",
        admin::translate_product
    ),
    http!(
        "catalog.admin.remove_translation",
        DELETE "/v1/admin/products/{id}/translations/{locale}",
        "Takes away what a product says in a language.",
        admin::remove_translation
    ),
    http!(
        "catalog.admin.list_categories",
        GET "/v1/admin/categories",
        "Lists the categories with all that staff knows of them.",
        admin::list_categories
    ),
    http!(
        "catalog.admin.create_category",
        POST "/v1/admin/categories",
        "Makes a category.",
        admin::create_category
    ),
    http!(
        "catalog.admin.change_category",
        PATCH "/v1/admin/categories/{slug}",
        "Changes or moves a category.",
        admin::change_category
    ),
    http!(
        "catalog.admin.delete_category",
        DELETE "/v1/admin/categories/{slug}",
        "Deletes a category that nothing is in.",
        admin::delete_category
    ),
    http!(
        "catalog.admin.translate_category",
        PUT "/v1/admin/categories/{slug}/translations/{locale}",
        "Writes what a category says in a language.",
        admin::translate_category
    ),
    http!(
        "catalog.admin.remove_category_translation",
        DELETE "/v1/admin/categories/{slug}/translations/{locale}",
        "Takes away what a category says in a language.",
        admin::remove_category_translation
    ),
    http!(
        "catalog.admin.list_collections",
        GET "/v1/admin/collections",
        "Lists the collections.",
        admin::list_collections
    ),
    http!(
        "catalog.admin.create_collection",
        POST "/v1/admin/collections",
        "Makes a collection, by hand or by a rule.",
        admin::create_collection
    ),
    http!(
        "catalog.admin.view_collection",
        GET "/v1/admin/collections/{slug}",
        "Shows a collection.",
        admin::view_collection
    ),
    http!(
        "catalog.admin.change_collection",
        PATCH "/v1/admin/collections/{slug}",
        "Changes a collection, its goods or its rule.",
        admin::change_collection
    ),
    http!(
        "catalog.admin.delete_collection",
        DELETE "/v1/admin/collections/{slug}",
        "Ends a collection; its goods stay.",
        admin::delete_collection
    ),
    http!(
        "catalog.admin.list_attributes",
        GET "/v1/admin/attributes",
        "Lists the attributes of goods.",
        admin::list_attributes
    ),
    http!(
        "catalog.admin.create_attribute",
        POST "/v1/admin/attributes",
        "Makes an attribute of goods.",
        admin::create_attribute
    ),
    http!(
        "catalog.admin.change_attribute",
        PATCH "/v1/admin/attributes/{slug}",
        "Changes the name or the choices of an attribute.",
        admin::change_attribute
    ),
    http!(
        "catalog.admin.delete_attribute",
        DELETE "/v1/admin/attributes/{slug}",
        "Deletes an attribute.",
        admin::delete_attribute
    ),
    every!("catalog.jobs.apply_schedule", 60, jobs::apply_schedule),
    on_stream!("catalog.jobs.on_product_changed", Table::Catalog, jobs::on_product_changed),
    on_batch!("catalog.jobs.index_products", Name::Search, jobs::index_products),
    invoked!("catalog.jobs.rebuild_search", jobs::rebuild_search),
    on_stream!("catalog.jobs.on_stock_changed", Table::Inventory, jobs::on_stock_changed),
    Endpoint { handler: "catalog.unknown", trigger: Trigger::Unknown },
];
