//! Returns: what buyers send back, from the question whether they may to what they get for it.

use ::store::{Store, Table};
use runtime::{Doors, Endpoint, Ids, Setup, Trigger, every, http};

mod buyer;
mod desk;
mod exchanging;
mod settling;
mod wanted;
pub mod admin {
    //! Endpoints for staff.
    pub mod approve;
    pub mod cancel;
    pub mod close;
    pub mod create;
    pub mod credit;
    pub mod exchange;
    pub mod list;
    pub mod preview_exchange;
    pub mod queue;
    pub mod receive;
    pub mod refund;
    pub mod reject;
    pub mod view;
}
pub mod jobs {
    //! What ends by itself.
    pub mod expire;
    pub mod pay_out;
}
pub mod store {
    //! Endpoints for buyers.
    pub mod cancel;
    pub mod list;
    pub mod request;
    pub mod send;
    pub mod view;
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
        let mut tables = match setup.handler {
            "returns.unknown" => Vec::new(),
            _ => vec![Table::Orders],
        };
        if setup.handler.starts_with("returns.store.") {
            tables.push(Table::Ephemeral);
        }
        if setup.handler.starts_with("returns.admin.") {
            tables.extend([Table::Identity, Table::Ephemeral]);
        }
        match setup.handler {
            "returns.store.request" | "returns.store.list" | "returns.admin.preview_exchange" => {
                tables.push(Table::Catalog);
            }
            "returns.admin.receive" | "returns.admin.exchange" => {
                tables.extend([Table::Catalog, Table::Inventory, Table::Ledger]);
            }
            "returns.admin.refund" | "returns.admin.credit" | "returns.jobs.pay_out" => {
                tables.push(Table::Ledger);
            }
            _ => {}
        }
        let is_job = setup.handler.starts_with("returns.jobs.");
        Self {
            store: setup.store(&tables),
            doors: (!is_job).then(|| setup.doors()),
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

/// The functions of this domain.
pub static ENDPOINTS: &[Endpoint<App>] = &[
    http!(
        "returns.store.request",
        POST "/v1/store/orders/{id}/returns",
        "Asks whether goods of an order may come back, within the shop's time for it.",
        store::request
    ),
    http!(
        "returns.store.list",
        GET "/v1/store/orders/{id}/returns",
        "Lists the returns of an order, and says what of it may still come back, until when.",
        store::list
    ),
    http!(
        "returns.store.view",
        GET "/v1/store/orders/{id}/returns/{return_id}",
        "Shows a return to the order's buyer.",
        store::view
    ),
    http!(
        "returns.store.cancel",
        POST "/v1/store/orders/{id}/returns/{return_id}/cancel",
        "Calls a return off that is not on its way.",
        store::cancel
    ),
    http!(
        "returns.store.send",
        POST "/v1/store/orders/{id}/returns/{return_id}/send",
        "Says that the buyer has sent what they may send back, and with whom.",
        store::send
    ),
    http!(
        "returns.admin.queue",
        GET "/v1/admin/returns",
        "Lists the returns that wait for their next step, the longest waiting first.",
        admin::queue
    ),
    http!(
        "returns.admin.list",
        GET "/v1/admin/orders/{id}/returns",
        "Lists the returns of an order, and says what of it is in none.",
        admin::list
    ),
    http!(
        "returns.admin.view",
        GET "/v1/admin/orders/{id}/returns/{return_id}",
        "Shows a return, with the tag that it is moved by.",
        admin::view
    ),
    http!(
        "returns.admin.create",
        POST "/v1/admin/orders/{id}/returns",
        "Asks for a return in the buyer's name, whatever the time.",
        admin::create
    ),
    http!(
        "returns.admin.approve",
        POST "/v1/admin/orders/{id}/returns/{return_id}/approve",
        "Lets a buyer send back what they asked for, and tells them how.",
        admin::approve
    ),
    http!(
        "returns.admin.reject",
        POST "/v1/admin/orders/{id}/returns/{return_id}/reject",
        "Does not let a buyer send back what they asked for, and tells them why.",
        admin::reject
    ),
    http!(
        "returns.admin.cancel",
        POST "/v1/admin/orders/{id}/returns/{return_id}/cancel",
        "Calls a return off that is not on its way.",
        admin::cancel
    ),
    http!(
        "returns.admin.receive",
        POST "/v1/admin/orders/{id}/returns/{return_id}/receive",
        "Says what came, in which state, and what becomes of it: it is for sale again, or written \
         off.",
        admin::receive
    ),
    http!(
        "returns.admin.refund",
        POST "/v1/admin/orders/{id}/returns/{return_id}/refund",
        "Settles a return: the buyer gets their money, the way it came.",
        admin::refund
    ),
    http!(
        "returns.admin.credit",
        POST "/v1/admin/orders/{id}/returns/{return_id}/credit",
        "Settles a return: the buyer gets store credit instead of money.",
        admin::credit
    ),
    http!(
        "returns.admin.preview_exchange",
        POST "/v1/admin/orders/{id}/returns/{return_id}/exchange/preview",
        "Shows what other goods for what came back would cost today, and who would owe whom what.",
        admin::preview_exchange
    ),
    http!(
        "returns.admin.exchange",
        POST "/v1/admin/orders/{id}/returns/{return_id}/exchange",
        "Settles a return: the buyer gets other goods, in an order of their own. What they cost \
         less goes back; what they cost more is asked of the buyer, for whom they are kept.",
        admin::exchange
    ),
    http!(
        "returns.admin.close",
        POST "/v1/admin/orders/{id}/returns/{return_id}/close",
        "Settles a return of which the buyer gets nothing, and says why.",
        admin::close
    ),
    every!("returns.jobs.expire", 3600, jobs::expire),
    every!("returns.jobs.pay_out", 300, jobs::pay_out),
    Endpoint { handler: "returns.unknown", trigger: Trigger::Unknown },
];
