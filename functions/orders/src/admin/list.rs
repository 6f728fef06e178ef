//! `GET /v1/admin/orders`: the shop's orders, newest first; or those that somebody looks for, the
//! one that is meant first.
//!
//! Which orders fit is answered from the snapshot of the staff's index in this function's own
//! storage, what they are by the table: one batch. A change is found a few seconds later.

use api::cursor::{self, Page};
use api::form::{Integer, OneOf, currency, customer_id, time, words};
use api::view::order_desk::{OrderEntriesView, OrderEntryView};
use api::{Fields, Form, Problem, Query, Reply, Staff};
use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use domain::id::{CustomerId, OrderId};
use domain::order::{FulfillmentStatus, PaymentStatus, Status};
use domain::permission::grant;
use domain::returns::ReturnStatus;
use jiff::Timestamp;
use queue::Name;
use runtime::Call;
use search::{Filter, Found, Place, Question, Sort};
use snapshots::Task;

use crate::App;
use crate::indexed::{PLAIN, facet};

/// The largest total that may be asked for, in minor units.
const TOTAL_MAX: i64 = 999_999_999_999;

/// Which orders, in which order.
#[derive(Debug)]
pub struct Wanted {
    filters: Filters,
    page: Page,
}

#[derive(Debug)]
struct Filters {
    q: Option<String>,
    status: Option<Status>,
    payment_status: Option<PaymentStatus>,
    fulfillment_status: Option<FulfillmentStatus>,
    return_status: Option<ReturnStatus>,
    customer: Option<CustomerId>,
    created_from: Option<Timestamp>,
    created_to: Option<Timestamp>,
    currency: Option<Currency>,
    total_min: Option<i64>,
    total_max: Option<i64>,
    sort: Option<Sort>,
}

const fn of_status(status: Status) -> (&'static str, Status) {
    (status.code(), status)
}

const fn of_payment(status: PaymentStatus) -> (&'static str, PaymentStatus) {
    (status.code(), status)
}

const fn of_fulfillment(status: FulfillmentStatus) -> (&'static str, FulfillmentStatus) {
    (status.code(), status)
}

const fn of_return(status: ReturnStatus) -> (&'static str, ReturnStatus) {
    (status.code(), status)
}

const STATUSES: &[(&str, Status)] = &[
    of_status(Status::PendingPayment),
    of_status(Status::Placed),
    of_status(Status::OnHold),
    of_status(Status::Completed),
    of_status(Status::Canceled),
    of_status(Status::Expired),
];

const PAYMENT_STATUSES: &[(&str, PaymentStatus)] = &[
    of_payment(PaymentStatus::NotRequired),
    of_payment(PaymentStatus::Unpaid),
    of_payment(PaymentStatus::Voided),
    of_payment(PaymentStatus::PartiallyAuthorized),
    of_payment(PaymentStatus::Authorized),
    of_payment(PaymentStatus::Refunded),
    of_payment(PaymentStatus::Overpaid),
    of_payment(PaymentStatus::PartiallyRefunded),
    of_payment(PaymentStatus::PartiallyPaid),
    of_payment(PaymentStatus::Paid),
];

const FULFILLMENT_STATUSES: &[(&str, FulfillmentStatus)] = &[
    of_fulfillment(FulfillmentStatus::NotRequired),
    of_fulfillment(FulfillmentStatus::Unfulfilled),
    of_fulfillment(FulfillmentStatus::PartiallyFulfilled),
    of_fulfillment(FulfillmentStatus::Fulfilled),
    of_fulfillment(FulfillmentStatus::PartiallyDelivered),
    of_fulfillment(FulfillmentStatus::Delivered),
];

const RETURN_STATUSES: &[(&str, ReturnStatus)] = &[
    of_return(ReturnStatus::None),
    of_return(ReturnStatus::Requested),
    of_return(ReturnStatus::InProgress),
    of_return(ReturnStatus::PartiallyReturned),
    of_return(ReturnStatus::Returned),
];

const SORTS: &[(&str, Sort)] =
    &[("relevance", Sort::Relevance), ("newest", Sort::Newest), ("oldest", Sort::Oldest)];

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let q = fields.optional("q", words());
        let status = fields.optional("status", OneOf(STATUSES));
        let payment_status = fields.optional("payment_status", OneOf(PAYMENT_STATUSES));
        let fulfillment_status = fields.optional("fulfillment_status", OneOf(FULFILLMENT_STATUSES));
        let return_status = fields.optional("return_status", OneOf(RETURN_STATUSES));
        let customer = fields.optional("customer_id", customer_id());
        let created_from = fields.optional("created_from", time());
        let created_to = fields.optional("created_to", time());
        let currency = fields.optional("currency", currency());
        let total_min = fields.optional("total_min", Integer::between(0, TOTAL_MAX));
        let total_max = fields.optional("total_max", Integer::between(0, TOTAL_MAX));
        let sort = fields.optional("sort", OneOf(SORTS));
        let page = Page::read(fields);
        let (currency, total_min, total_max) = (currency?, total_min?, total_max?);
        if currency.is_none() && (total_min.is_some() || total_max.is_some()) {
            fields.flaw("currency", "required", "Say the currency of the totals.");
        }
        let filters = Filters {
            q: q?,
            status: status?,
            payment_status: payment_status?,
            fulfillment_status: fulfillment_status?,
            return_status: return_status?,
            customer: customer?,
            created_from: created_from?,
            created_to: created_to?,
            currency,
            total_min,
            total_max,
            sort: sort?,
        };
        Some(Self { filters, page: page? })
    }
}

impl Filters {
    fn facets(&self) -> Vec<Filter> {
        let customer = self.customer.map(|customer| customer.to_string());
        [
            (facet::STATUS, self.status.map(Status::code)),
            (facet::PAYMENT, self.payment_status.map(PaymentStatus::code)),
            (facet::FULFILLMENT, self.fulfillment_status.map(FulfillmentStatus::code)),
            (facet::RETURN, self.return_status.map(ReturnStatus::code)),
            (facet::CUSTOMER, customer.as_deref()),
        ]
        .into_iter()
        .filter_map(|(facet, value)| {
            Some(Filter { facet: facet.to_owned(), values: vec![value?.to_owned()] })
        })
        .collect()
    }

    fn question(self, limit: i32, after: Option<Place>, now: Timestamp) -> Question {
        let filters = self.facets();
        // What fits best, where something is looked for; else the newest.
        let usual = if self.q.is_some() { Sort::Relevance } else { Sort::Newest };
        Question {
            text: self.q,
            languages: vec![PLAIN],
            currency: self.currency,
            filters,
            price_min: self.total_min,
            price_max: self.total_max,
            made_from: self.created_from,
            made_until: self.created_to,
            sort: self.sort.unwrap_or(usual),
            limit: usize::try_from(limit).unwrap_or(1),
            after,
            has_facets: false,
            now,
        }
    }
}

/// Lists orders.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Wanted>>,
) -> Reply<OrderEntriesView> {
    let Query(Wanted { filters, page }) = call.input;
    let scope = format!("every order:{}:{filters:?}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let after = position.as_deref().map(Place::read).transpose()?;
    let Some(snapshot) = app.index()?.newest(call.now).await? else {
        // Whoever looks first has it built.
        Task::<OrderId>::everything(String::new()).tell(app.queues()?, Name::SearchOrders).await?;
        return Err(Problem::search_not_ready());
    };
    let found = snapshot.ask(&filters.question(page.limit, after, call.now))?;
    let Found { cards, total, facets: _, next } = found;
    let ids = cards.iter().map(|card| id(card)).collect::<Result<Vec<_>, _>>()?;
    let mut orders = app.store.orders_by_id(&ids).await?;
    orders.sort_by_key(|order| ids.iter().position(|id| *id == order.id));
    let next = next.as_ref().map(Place::text).transpose()?;
    Ok(OrderEntriesView {
        data: orders.into_iter().map(OrderEntryView::from).collect(),
        next_cursor: cursor::cursor(&call.guard.sealer, &scope, next.as_deref()),
        total,
    })
}

fn id(card: &[u8]) -> Result<OrderId, Fault> {
    let id = std::str::from_utf8(card).ok().and_then(|text| OrderId::parse(text).ok());
    id.ok_or_else(|| Fault::noticed("read an order of the staff's index", Retry::Useless))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::{Value, json};

    use super::*;

    fn read(query: &Value) -> Filters {
        let wanted: Option<Wanted> = api::form::read_value(query, "/query", &mut Vec::new());
        wanted.unwrap().filters
    }

    #[test]
    fn without_words_the_newest_come_first_and_with_them_what_fits_best() {
        let sort = |query| read(&query).question(20, None, Timestamp::UNIX_EPOCH).sort;
        assert_eq!(sort(json!({})), Sort::Newest);
        assert_eq!(sort(json!({"q": "1042"})), Sort::Relevance);
        assert_eq!(sort(json!({"q": "roe", "sort": "oldest"})), Sort::Oldest);
    }

    #[test]
    fn every_flaw_of_a_query_is_named() {
        let query = json!({"q": "", "status": "sold", "payment_status": "free",
            "fulfillment_status": "lost", "return_status": "eaten", "customer_id": "jane",
            "created_from": "yesterday", "created_to": "2026-02-30T00:00:00Z", "currency": "euro",
            "total_min": -1, "total_max": "x", "sort": "best", "limit": 101, "x": 1});
        let names: Vec<String> =
            flaws_of::<Wanted>(&query).into_iter().map(|(pointer, _)| pointer).collect();
        let wanted = [
            "/q",
            "/status",
            "/payment_status",
            "/fulfillment_status",
            "/return_status",
            "/customer_id",
            "/created_from",
            "/created_to",
            "/currency",
            "/total_min",
            "/total_max",
            "/sort",
            "/limit",
            "/x",
        ];
        assert_eq!(names, wanted);
        let flaws = flaws_of::<Wanted>(&json!({"total_max": 1000}));
        assert_eq!(flaws, [("/currency".to_owned(), "required")]);
    }

    #[test]
    fn every_status_can_be_asked_for() {
        let all = |codes: Vec<&str>, known: Vec<&str>| assert_eq!(codes, known);
        all(Status::ALL.map(Status::code).into(), STATUSES.iter().map(|one| one.0).collect());
        let known = PAYMENT_STATUSES.iter().map(|one| one.0).collect();
        all(PaymentStatus::ALL.map(PaymentStatus::code).into(), known);
        let known = FULFILLMENT_STATUSES.iter().map(|one| one.0).collect();
        all(FulfillmentStatus::ALL.map(FulfillmentStatus::code).into(), known);
        let known = RETURN_STATUSES.iter().map(|one| one.0).collect();
        all(ReturnStatus::ALL.map(ReturnStatus::code).into(), known);
        let filters = read(&json!({"status": "placed", "payment_status": "paid"})).facets();
        let shown: Vec<&str> = filters.iter().map(|one| one.facet.as_str()).collect();
        assert_eq!(shown, ["status", "payment_status"]);
    }
}
