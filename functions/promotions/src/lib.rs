//! Promotions: what is taken off, for whom, and how often. What a cart gets is decided when it is
//! priced; here the merchant says what there is.

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, http};

mod promotion;
pub mod admin {
    //! Endpoints for staff.
    pub mod activate_promotion;
    pub mod change_groups;
    pub mod change_promotion;
    pub mod create_codes;
    pub mod create_promotion;
    pub mod delete_code;
    pub mod delete_promotion;
    pub mod end_promotion;
    pub mod list_codes;
    pub mod list_promotions;
    pub mod pause_promotion;
    pub mod simulate;
    pub mod view_groups;
    pub mod view_promotion;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Doors,
    ids: Ids,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let tables: &[Table] = match setup.handler {
            "promotions.unknown" => &[],
            "promotions.admin.view_promotion"
            | "promotions.admin.view_groups"
            | "promotions.admin.change_groups"
            | "promotions.admin.list_codes"
            | "promotions.admin.simulate" => &[
                Table::Identity,
                Table::Catalog,
                Table::Inventory,
                Table::Orders,
                Table::Ephemeral,
            ],
            _ => &[Table::Identity, Table::Catalog, Table::Orders, Table::Ephemeral],
        };
        Self { store: setup.store(tables), doors: setup.doors(), ids: setup.ids() }
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
        "promotions.admin.create_promotion",
        POST "/v1/admin/promotions",
        "Makes a promotion: a draft that nobody gets until it is activated.",
        admin::create_promotion
    ),
    http!(
        "promotions.admin.list_promotions",
        GET "/v1/admin/promotions",
        "Lists the promotions, newest first.",
        admin::list_promotions
    ),
    http!(
        "promotions.admin.view_promotion",
        GET "/v1/admin/promotions/{id}",
        "Shows a promotion with how often it was used and what it took off.",
        admin::view_promotion
    ),
    http!(
        "promotions.admin.change_promotion",
        PATCH "/v1/admin/promotions/{id}",
        "Changes a promotion. Once it was active, its trigger and which limits it has stay.",
        admin::change_promotion
    ),
    http!(
        "promotions.admin.delete_promotion",
        DELETE "/v1/admin/promotions/{id}",
        "Deletes a draft. What was active is ended instead.",
        admin::delete_promotion
    ),
    http!(
        "promotions.admin.activate_promotion",
        POST "/v1/admin/promotions/{id}/activate",
        "Lets a draft or paused promotion apply, within a minute in every cart.",
        admin::activate_promotion
    ),
    http!(
        "promotions.admin.pause_promotion",
        POST "/v1/admin/promotions/{id}/pause",
        "Stops an active promotion for a while, within a minute in every cart.",
        admin::pause_promotion
    ),
    http!(
        "promotions.admin.end_promotion",
        POST "/v1/admin/promotions/{id}/end",
        "Ends a promotion for good. Orders keep what they got.",
        admin::end_promotion
    ),
    http!(
        "promotions.admin.create_codes",
        POST "/v1/admin/promotions/{id}/codes",
        "Adds a code that the merchant chose, or makes up to a thousand that nobody can guess.",
        admin::create_codes
    ),
    http!(
        "promotions.admin.list_codes",
        GET "/v1/admin/promotions/{id}/codes",
        "Lists the codes of a promotion with how often each was used, oldest first.",
        admin::list_codes
    ),
    http!(
        "promotions.admin.delete_code",
        DELETE "/v1/admin/promotions/{id}/codes/{code}",
        "Deletes a code: it opens nothing any more, in carts that hold it neither.",
        admin::delete_code
    ),
    http!(
        "promotions.admin.simulate",
        POST "/v1/admin/promotions/simulate",
        "Says of a basket, line by line, which promotion gives what and why others do not.",
        admin::simulate
    ),
    http!(
        "promotions.admin.view_groups",
        GET "/v1/admin/customers/{id}/groups",
        "Shows the groups of a customer that promotions can ask for.",
        admin::view_groups
    ),
    http!(
        "promotions.admin.change_groups",
        POST "/v1/admin/customers/{id}/groups",
        "Puts a customer into a group that promotions can ask for, or takes them out.",
        admin::change_groups
    ),
    Endpoint { handler: "promotions.unknown", trigger: Trigger::Unknown },
];
