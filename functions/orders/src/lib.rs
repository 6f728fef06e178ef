//! Orders: what was bought, and what becomes of it.

use std::path::PathBuf;
use std::sync::Arc;

use ::store::{Store, Table};
use domain::fault::{Fault, Retry};
use files::{Bucket, Files};
use queue::{Name, Queues};
use runtime::{
    Doors, Endpoint, Ids, Setup, Till, Trigger, every, http, invoked, on_batch, on_queue, on_stream,
};
use snapshots::Index;

mod capture;
mod desk;
mod drafts;
mod edits;
mod indexed;
mod keys;
mod papers;
mod pay_again;
mod staff_letters;
mod which;
pub mod admin {
    //! Endpoints for staff.
    pub mod add_note;
    pub mod apply_edit;
    pub mod cancel;
    pub mod cancel_draft;
    pub mod cancel_lines;
    pub mod change_address;
    pub mod change_draft;
    pub mod create_draft;
    pub mod hold;
    pub mod invoice;
    pub mod list;
    pub mod list_drafts;
    pub mod list_edits;
    pub mod list_failed_refunds;
    pub mod list_invoices;
    pub mod list_notes;
    pub mod list_refunds;
    pub mod packing_slip;
    pub mod parcel_slip;
    pub mod pick_list;
    pub mod preview_edit;
    pub mod preview_refund;
    pub mod propose_edit;
    pub mod refund;
    pub mod release;
    pub mod reopen;
    pub mod resend_confirmation;
    pub mod retry_refund;
    pub mod send_draft;
    pub mod timeline;
    pub mod view;
    pub mod view_draft;
    pub mod withdraw_edit;
}
pub mod jobs {
    //! What follows a placed order, and the staff's index of all of them.
    pub mod complete;
    pub mod expire_edits;
    pub mod index_orders;
    pub mod issue_invoice;
    pub mod on_order_changed;
    pub mod on_order_placed;
    pub mod rebuild_search;
}
pub mod store {
    //! Endpoints for buyers.
    pub mod approve_edit;
    pub mod cancel;
    pub mod decline_edit;
    pub mod download;
    pub mod invoice;
    pub mod list;
    pub mod look_up;
    pub mod view;
    pub mod view_edit;
    pub mod view_pay_link;
}

/// What this domain touches.
#[derive(Debug)]
pub struct App {
    store: Store,
    doors: Option<Doors>,
    queues: Option<Queues>,
    till: Option<Till>,
    files: Option<Files>,
    /// Where invoices are written.
    bucket: Option<Bucket>,
    shop_url: Option<String>,
    /// The staff's index of orders.
    index: Option<Arc<Index>>,
    ids: Ids,
}

impl runtime::App for App {
    fn connect(setup: &mut Setup<'_>) -> Self {
        let (mut tables, mut till, mut queues, mut files) = (vec![Table::Orders], None, None, None);
        let is_job = setup.handler.starts_with("orders.jobs.");
        let (mut index, mut bucket) = (None, None);
        match setup.handler {
            "orders.store.cancel" => {
                tables.extend([Table::Carts, Table::Inventory, Table::Ledger, Table::Ephemeral]);
                till = Some(setup.till());
            }
            "orders.store.view"
            | "orders.store.list"
            | "orders.store.look_up"
            | "orders.store.view_edit"
            | "orders.store.decline_edit" => {
                tables.push(Table::Ephemeral);
            }
            "orders.store.approve_edit" => {
                tables.extend([Table::Catalog, Table::Inventory, Table::Ledger, Table::Ephemeral]);
            }
            "orders.admin.preview_edit" | "orders.admin.propose_edit" => {
                tables.extend([Table::Catalog, Table::Inventory]);
                tables.extend([Table::Identity, Table::Ephemeral]);
            }
            "orders.admin.apply_edit" => {
                tables.extend([Table::Catalog, Table::Inventory, Table::Ledger]);
                tables.extend([Table::Identity, Table::Ephemeral]);
            }
            "orders.store.view_pay_link" => tables = vec![Table::Carts, Table::Ephemeral],
            "orders.admin.list_drafts" => {
                tables.extend([Table::Carts, Table::Identity, Table::Ephemeral]);
            }
            "orders.admin.view_draft"
            | "orders.admin.create_draft"
            | "orders.admin.change_draft"
            | "orders.admin.cancel_draft"
            | "orders.admin.send_draft" => {
                tables.extend([Table::Carts, Table::Catalog, Table::Identity, Table::Ephemeral]);
            }
            "orders.store.download" => files = setup.files(),
            "orders.store.invoice" => {
                tables.push(Table::Ephemeral);
                files = setup.files();
            }
            "orders.admin.invoice" => {
                tables.extend([Table::Identity, Table::Ephemeral]);
                files = setup.files();
            }
            "orders.admin.change_address"
            | "orders.admin.packing_slip"
            | "orders.admin.parcel_slip"
            | "orders.admin.pick_list" => {
                tables.extend([Table::Catalog, Table::Identity, Table::Ephemeral]);
            }
            "orders.jobs.issue_invoice" => {
                tables.push(Table::Catalog);
                bucket = Some(Bucket::new(setup.aws(), setup.text("FILES_BUCKET")));
            }
            "orders.jobs.complete" => tables.push(Table::Catalog),
            "orders.jobs.on_order_placed" => {
                tables.extend([Table::Inventory, Table::Ledger, Table::Ephemeral]);
                tables.push(Table::Identity);
                queues = Some(setup.queues(&[Name::Mail, Name::Invoices, Name::Texts]));
            }
            "orders.admin.view"
            | "orders.admin.list_invoices"
            | "orders.admin.preview_refund"
            | "orders.admin.list_edits"
            | "orders.admin.withdraw_edit"
            | "orders.admin.list_notes"
            | "orders.admin.add_note"
            | "orders.admin.timeline"
            | "orders.admin.resend_confirmation"
            | "orders.admin.hold"
            | "orders.admin.release"
            | "orders.admin.reopen"
            | "orders.admin.retry_refund"
            | "orders.admin.list_refunds"
            | "orders.admin.list_failed_refunds" => {
                tables.extend([Table::Identity, Table::Ephemeral]);
            }
            "orders.admin.refund" => {
                tables.extend([Table::Identity, Table::Ledger, Table::Ephemeral]);
            }
            "orders.admin.cancel_lines" => {
                tables.extend([Table::Inventory, Table::Ledger]);
                tables.extend([Table::Identity, Table::Ephemeral]);
            }
            "orders.admin.cancel" => {
                tables.extend([Table::Carts, Table::Inventory, Table::Ledger]);
                tables.extend([Table::Identity, Table::Ephemeral]);
                till = Some(setup.till());
            }
            "orders.admin.list" => {
                tables.extend([Table::Identity, Table::Ephemeral]);
                queues = Some(setup.queues(&[Name::SearchOrders]));
                index = Some(open_index(setup));
            }
            "orders.jobs.index_orders" => {
                queues = Some(setup.queues(&[Name::SearchOrders]));
                index = Some(open_index(setup));
            }
            "orders.jobs.on_order_changed" | "orders.jobs.rebuild_search" => {
                tables.clear();
                queues = Some(setup.queues(&[Name::SearchOrders]));
            }
            _ => {}
        }
        Self {
            store: setup.store(&tables),
            doors: (!is_job).then(|| setup.doors()),
            queues,
            till,
            files,
            bucket,
            shop_url: (setup.handler == "orders.store.view").then(|| setup.shop_url()),
            index,
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

fn open_index(setup: &mut Setup<'_>) -> Arc<Index> {
    let bucket = Bucket::new(setup.aws(), setup.text("FILES_BUCKET"));
    // Of two functions on one machine each has its own.
    let folder = PathBuf::from(setup.text("SEARCH_FOLDER")).join(setup.handler);
    Arc::new(Index::new("orders", bucket, folder))
}

impl App {
    /// The staff's index; asking for it in a function that is not told of it is our own mistake.
    fn index(&self) -> Result<&Arc<Index>, Fault> {
        let tried = "use the index of orders without knowing where it is";
        self.index.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
    }

    fn queues(&self) -> Result<&Queues, Fault> {
        let tried = "use a queue without knowing where it is";
        self.queues.as_ref().ok_or_else(|| Fault::noticed(tried, Retry::Useless))
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
        "orders.store.look_up",
        POST "/v1/store/orders/lookup",
        "Mails a link that shows an order, if the number and the address belong together.",
        store::look_up
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
    http!(
        "orders.admin.list",
        GET "/v1/admin/orders",
        "Lists the shop's orders, newest first; or finds those that somebody looks for.",
        admin::list
    ),
    http!(
        "orders.admin.view",
        GET "/v1/admin/orders/{id}",
        "Shows an order with its payments and where its units lie.",
        admin::view
    ),
    http!(
        "orders.admin.cancel",
        POST "/v1/admin/orders/{id}/cancel",
        "Calls an order off of which nothing went out, and gives back all that was paid.",
        admin::cancel
    ),
    http!(
        "orders.admin.cancel_lines",
        POST "/v1/admin/orders/{id}/lines/cancel",
        "Calls units off that have not left, and gives back what was paid for them.",
        admin::cancel_lines
    ),
    http!(
        "orders.admin.change_address",
        PUT "/v1/admin/orders/{id}/shipping_address",
        "Sends what has not left to another address, for which the same prices and taxes hold.",
        admin::change_address
    ),
    http!(
        "orders.admin.hold",
        POST "/v1/admin/orders/{id}/hold",
        "Holds a placed order: nothing of it is sent until it is released.",
        admin::hold
    ),
    http!(
        "orders.admin.release",
        POST "/v1/admin/orders/{id}/release",
        "Lets an order that was held go on.",
        admin::release
    ),
    http!(
        "orders.admin.reopen",
        POST "/v1/admin/orders/{id}/reopen",
        "Opens a completed order again; it ends by itself once more, a return window later.",
        admin::reopen
    ),
    http!(
        "orders.admin.add_note",
        POST "/v1/admin/orders/{id}/notes",
        "Writes a note about an order, for other members of the staff.",
        admin::add_note
    ),
    http!(
        "orders.admin.list_notes",
        GET "/v1/admin/orders/{id}/notes",
        "Lists the notes about an order, newest first.",
        admin::list_notes
    ),
    http!(
        "orders.admin.timeline",
        GET "/v1/admin/orders/{id}/timeline",
        "Shows what happened to an order, oldest first: payments, parcels, refunds, notes.",
        admin::timeline
    ),
    http!(
        "orders.admin.resend_confirmation",
        POST "/v1/admin/orders/{id}/resend_confirmation",
        "Sends the letter that thanks for an order once more.",
        admin::resend_confirmation
    ),
    http!(
        "orders.admin.preview_refund",
        POST "/v1/admin/orders/{id}/refunds/preview",
        "Shows what a refund would give for each part, and where it would go; writes nothing.",
        admin::preview_refund
    ),
    http!(
        "orders.admin.refund",
        POST "/v1/admin/orders/{id}/refunds",
        "Gives money back: for units of lines, for the shipping, a free amount, a kindness.",
        admin::refund
    ),
    http!(
        "orders.admin.list_refunds",
        GET "/v1/admin/orders/{id}/refunds",
        "Lists an order's refunds, and what can still be given back.",
        admin::list_refunds
    ),
    http!(
        "orders.admin.retry_refund",
        POST "/v1/admin/orders/{id}/refunds/{refund_id}/retry",
        "Asks the payment provider once more for a refund that failed.",
        admin::retry_refund
    ),
    http!(
        "orders.admin.list_failed_refunds",
        GET "/v1/admin/refunds",
        "Lists the refunds that failed and wait for somebody, longest ago first.",
        admin::list_failed_refunds
    ),
    http!(
        "orders.admin.preview_edit",
        POST "/v1/admin/orders/{id}/edits/preview",
        "Shows what an edit of an order would come to, and what is not there; writes nothing.",
        admin::preview_edit
    ),
    http!(
        "orders.admin.propose_edit",
        POST "/v1/admin/orders/{id}/edits",
        "Proposes an edit of an order to its buyer, at what it was seen to come to.",
        admin::propose_edit
    ),
    http!(
        "orders.admin.list_edits",
        GET "/v1/admin/orders/{id}/edits",
        "Lists an order's edits, oldest first.",
        admin::list_edits
    ),
    http!(
        "orders.admin.apply_edit",
        POST "/v1/admin/orders/{id}/edits/{number}/apply",
        "Applies an edit that costs the buyer nothing more.",
        admin::apply_edit
    ),
    http!(
        "orders.admin.withdraw_edit",
        POST "/v1/admin/orders/{id}/edits/{number}/withdraw",
        "Takes an edit back that nobody has agreed to; its link is good no more.",
        admin::withdraw_edit
    ),
    http!(
        "orders.store.view_edit",
        GET "/v1/store/orders/{id}/edit",
        "Shows the edit that the shop proposes of an order, to its buyer.",
        store::view_edit
    ),
    http!(
        "orders.store.approve_edit",
        POST "/v1/store/orders/{id}/edit/approve",
        "Agrees to an edit of an order: it is applied, and what is left is paid.",
        store::approve_edit
    ),
    http!(
        "orders.store.decline_edit",
        POST "/v1/store/orders/{id}/edit/decline",
        "Says no to an edit of an order: it stays as it is.",
        store::decline_edit
    ),
    http!(
        "orders.admin.create_draft",
        POST "/v1/admin/draft_orders",
        "Begins a draft order, for a buyer on the phone or by mail.",
        admin::create_draft
    ),
    http!(
        "orders.admin.list_drafts",
        GET "/v1/admin/draft_orders",
        "Lists the draft orders, newest first.",
        admin::list_drafts
    ),
    http!(
        "orders.admin.view_draft",
        GET "/v1/admin/draft_orders/{id}",
        "Shows a draft order with what it costs, and how it could be sent.",
        admin::view_draft
    ),
    http!(
        "orders.admin.change_draft",
        PUT "/v1/admin/draft_orders/{id}",
        "Writes a draft order anew, all of it; its pay link is good no more.",
        admin::change_draft
    ),
    http!(
        "orders.admin.cancel_draft",
        POST "/v1/admin/draft_orders/{id}/cancel",
        "Calls a draft order off; its pay link is good no more.",
        admin::cancel_draft
    ),
    http!(
        "orders.admin.send_draft",
        POST "/v1/admin/draft_orders/{id}/send",
        "Mails the buyer a link by which a draft order is paid, at prices that stand still.",
        admin::send_draft
    ),
    http!(
        "orders.store.view_pay_link",
        GET "/v1/store/pay_links/{id}",
        "Shows what a pay link is about, to whoever holds its token.",
        store::view_pay_link
    ),
    http!(
        "orders.store.invoice",
        GET "/v1/store/orders/{id}/invoice",
        "Lends the order's invoice and its credit notes to their buyer.",
        store::invoice
    ),
    http!(
        "orders.admin.invoice",
        GET "/v1/admin/orders/{id}/invoice",
        "Lends the order's invoice and its credit notes to the staff.",
        admin::invoice
    ),
    http!(
        "orders.admin.list_invoices",
        GET "/v1/admin/invoices",
        "Lists the invoices and credit notes of a month, oldest first.",
        admin::list_invoices
    ),
    http!(
        "orders.admin.packing_slip",
        GET "/v1/admin/orders/{id}/packing_slip",
        "Prints what lies in the order's parcel, as a PDF without prices.",
        admin::packing_slip
    ),
    http!(
        "orders.admin.parcel_slip",
        GET "/v1/admin/orders/{id}/packing_slips/{fulfillment_id}",
        "Prints what lies in this parcel of the order, as a PDF without prices.",
        admin::parcel_slip
    ),
    http!(
        "orders.admin.pick_list",
        POST "/v1/admin/pick_lists",
        "Prints what is fetched from the shelves for up to fifty orders, as a PDF.",
        admin::pick_list
    ),
    every!("orders.jobs.complete", 3600, jobs::complete),
    every!("orders.jobs.expire_edits", 300, jobs::expire_edits),
    on_queue!("orders.jobs.issue_invoice", Name::Invoices, jobs::issue_invoice),
    on_queue!("orders.jobs.on_order_placed", Name::OrderEvents, jobs::on_order_placed),
    on_stream!("orders.jobs.on_order_changed", Table::Orders, jobs::on_order_changed),
    on_batch!("orders.jobs.index_orders", Name::SearchOrders, jobs::index_orders),
    invoked!("orders.jobs.rebuild_search", jobs::rebuild_search),
    Endpoint { handler: "orders.unknown", trigger: Trigger::Unknown },
];
