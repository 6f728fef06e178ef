//! Promotions: what is taken off, for whom, and how often. What a cart gets is decided when it is
//! priced; here the merchant says what there is.

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http};

mod gift_card;
mod promotion;
pub mod admin {
    //! Endpoints for staff.
    pub mod activate_promotion;
    pub mod adjust_gift_card;
    pub mod adjust_store_credit;
    pub mod change_gift_card;
    pub mod change_groups;
    pub mod change_promotion;
    pub mod create_codes;
    pub mod create_promotion;
    pub mod delete_code;
    pub mod delete_promotion;
    pub mod end_promotion;
    pub mod issue_gift_card;
    pub mod issue_gift_cards;
    pub mod list_codes;
    pub mod list_gift_cards;
    pub mod list_promotions;
    pub mod pause_promotion;
    pub mod simulate;
    pub mod view_gift_card;
    pub mod view_groups;
    pub mod view_promotion;
    pub mod view_store_credit;
}
pub mod jobs {
    //! What is done by the clock.
    pub mod expire_gift_cards;
}
pub mod store {
    //! Endpoints for shoppers.
    pub mod check_gift_card;
    pub mod view_store_credit;
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
            "promotions.admin.list_gift_cards" | "promotions.admin.change_gift_card" => {
                &[Table::Identity, Table::Orders, Table::Ephemeral]
            }
            "promotions.admin.issue_gift_card"
            | "promotions.admin.issue_gift_cards"
            | "promotions.admin.view_gift_card"
            | "promotions.admin.adjust_gift_card"
            | "promotions.admin.adjust_store_credit"
            | "promotions.admin.view_store_credit" => {
                &[Table::Identity, Table::Orders, Table::Ledger, Table::Ephemeral]
            }
            "promotions.store.check_gift_card" => &[Table::Orders, Table::Ephemeral],
            "promotions.store.view_store_credit" => {
                &[Table::Orders, Table::Ledger, Table::Ephemeral]
            }
            "promotions.jobs.expire_gift_cards" => &[Table::Orders, Table::Ledger],
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
        "Adds a code that the merchant chose, or makes up to a thousand that nobody can guess; \
         more of them by asking again with another Idempotency-Key.",
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
    http!(
        "promotions.admin.issue_gift_card",
        POST "/v1/admin/gift_cards",
        "Issues a gift card; its code is shown this once, and mailed where somebody is named.",
        admin::issue_gift_card
    ),
    http!(
        "promotions.admin.issue_gift_cards",
        POST "/v1/admin/gift_cards/bulk",
        "Issues up to five hundred gift cards of one kind; their codes are shown this once.",
        admin::issue_gift_cards
    ),
    http!(
        "promotions.admin.list_gift_cards",
        GET "/v1/admin/gift_cards",
        "Lists the gift cards, newest first.",
        admin::list_gift_cards
    ),
    http!(
        "promotions.admin.view_gift_card",
        GET "/v1/admin/gift_cards/{id}",
        "Shows a gift card with what happened to it, never its code.",
        admin::view_gift_card
    ),
    http!(
        "promotions.admin.change_gift_card",
        PATCH "/v1/admin/gift_cards/{id}",
        "Stops a gift card, or lets it be spent again.",
        admin::change_gift_card
    ),
    http!(
        "promotions.admin.adjust_gift_card",
        POST "/v1/admin/gift_cards/{id}/adjust",
        "Corrects what a gift card is worth, up or down, with a reason.",
        admin::adjust_gift_card
    ),
    http!(
        "promotions.admin.adjust_store_credit",
        POST "/v1/admin/customers/{id}/store_credit",
        "Gives a customer store credit or takes some back, with a reason.",
        admin::adjust_store_credit
    ),
    http!(
        "promotions.admin.view_store_credit",
        GET "/v1/admin/customers/{id}/store_credit",
        "Shows a customer's store credit and what happened to it.",
        admin::view_store_credit
    ),
    http!(
        "promotions.store.check_gift_card",
        POST "/v1/store/gift_cards/balance",
        "Shows what is on a gift card, for whoever has its code.",
        store::check_gift_card
    ),
    http!(
        "promotions.store.view_store_credit",
        GET "/v1/store/me/store_credit",
        "Shows the signed-in customer's store credit and what happened to it.",
        store::view_store_credit
    ),
    every!("promotions.jobs.expire_gift_cards", 86400, jobs::expire_gift_cards),
    Endpoint { handler: "promotions.unknown", trigger: Trigger::Unknown },
];
