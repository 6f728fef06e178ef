//! Orders and their payments.
//!
//! | item | key | index |
//! |---|---|---|
//! | order | `ORD#id` / META | `by_customer`, `by_status`, `work` |
//! | payment | `ORD#id` / PAY#id | `work`: `WQ#capture_due` / until#id, while money is reserved |
//! | parcel | `ORD#id` / FUL#id | `work`; see [`crate::fulfillment`] |
//! | refund | `ORD#id` / REF#id | `work`; see [`crate::refund`] |
//! | return | `ORD#id` / RET#id | `work`; see [`crate::returns`] |
//! | edit | `ORD#id` / EDIT#number | `work`; see [`crate::order_edit`] |
//! | dispute | `ORD#id` / DSP#id | `by_status`, `work`; see [`crate::dispute`] |
//! | uses of a download | `ORD#id` / DL#line | |
//! | key that a unit has | `ORD#id` / KEY#line#unit | |
//! | number, taken | `ORDNO#number` / META | |
//! | unpaid orders of a holder, counted | `OPEN#holder` / META | |
//!
//! The indexes of the table hold keys and nothing else; what they list is fetched by them, as it is
//! at that moment.
//!
//! The reservation of an order's stock is part of the order: one document, one condition, instead
//! of a row per SKU that would have to agree with it. Ledger entries go into a table of their own
//! that nobody may change: `PAY#payment` / reference#kind.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::allocation::Allocation;
use domain::cart::Cart;
use domain::dispute::Dispute;
use domain::event::{Counted, Event};
use domain::fault::{Fault, Retry};
use domain::fulfillment::{self, Fulfillment};
use domain::id::{CustomerId, OrderId, OrderLineId, PromotionId};
use domain::key_pool::GivenKey;
use domain::limit::Standing;
use domain::order::{Order, Status};
use domain::order_edit::Edit;
use domain::payment::{Entry, Payment};
use domain::refund::Refund;
use domain::reservation::State;
use domain::returns::Return;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::data_key::Reading;
use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::limit::Bucket;
use crate::stock::Lack;
use crate::transaction::{Committed, Expression, Transaction, Updated};
use crate::{Store, Table, cart, draft, gift_card, key_pool, outbox, promotion, stock};

/// A holder's bucket may have to be looked at this often.
const LIMIT_ATTEMPTS_MAX: usize = 4;

/// Pages of an order's rows: far more than the keys of the largest order fill.
const PAGES_MAX: usize = 16;

/// An order with its payments: one query.
#[derive(Debug, Clone)]
pub struct OrderFile {
    /// The order.
    pub order: Order,
    /// Its payments, oldest first.
    pub payments: Vec<Payment>,
    /// Uses of its download links, by line.
    pub downloads: Vec<Downloads>,
    /// The keys that its units have.
    pub keys: Vec<GivenKey>,
    /// Its parcels, oldest first.
    pub parcels: Vec<Fulfillment>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Its returns, oldest first.
    pub returns: Vec<Return>,
    /// Its disputes, oldest first.
    pub disputes: Vec<Dispute>,
    /// Its edits, oldest first.
    pub edits: Vec<Edit>,
}

impl OrderFile {
    /// The payment that the order waits for or was paid with.
    pub fn payment(&self) -> Option<&Payment> {
        self.payments.iter().find(|payment| Some(payment.id) == self.order.payment)
    }
}

/// How often a line's download link was used.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Downloads {
    /// The order's line.
    pub line: OrderLineId,
    /// Uses so far.
    pub used: u32,
}

/// What became of a placement.
#[derive(Debug)]
pub enum Placed {
    /// The order exists and its stock is held.
    Yes,
    /// Fewer units are for sale than wanted, at these places.
    Short(Vec<Lack>),
    /// The cart or one of its gift cards changed, or another completion was first.
    Raced,
    /// The number is taken: take another.
    NumberTaken,
    /// The holder places orders too often.
    TooOften(Standing),
    /// The holder has too many unpaid orders.
    TooManyOpen,
    /// A promotion was used up meanwhile.
    UsedUp(PromotionId),
}

/// How often somebody may place orders, and how many may be unpaid at a time: nobody holds all
/// the stock without paying for any.
#[derive(Debug)]
pub struct Allowance {
    /// How often.
    pub bucket: Bucket,
    /// How many unpaid ones.
    pub open_max: u32,
}

/// What became of a settlement.
#[derive(Debug)]
pub enum Settled {
    /// Written.
    Yes,
    /// Somebody settled meanwhile: load again.
    Raced,
    /// The stock that had been given back is gone, at these places.
    Short(Vec<Lack>),
    /// The gift cards' money that had been given back was spent elsewhere.
    TenderGone,
    /// A promotion whose use had been given back is used up.
    UsedUp(PromotionId),
}

fn partition(id: OrderId) -> String {
    format!("ORD#{id}")
}

pub(crate) fn number_key(number: &str) -> Key {
    Key::meta(format!("ORDNO#{number}"))
}

pub(crate) fn order_key(id: OrderId) -> Key {
    Key::meta(partition(id))
}

fn payment_key(payment: &Payment) -> Key {
    Key::new(partition(payment.order), format!("PAY#{}", payment.id))
}

/// An order as it is written first: it keeps the trace of the call that makes it, in which whoever
/// settles it goes on.
pub(crate) fn begun(store: &Store, order: &Order) -> Order {
    Order { trace: order.trace.or_else(store.watch.trace), ..order.clone() }
}

/// The item of an order as it will stand after this write, with its index keys.
pub(crate) fn order_item(order: &Order) -> Result<Item, Fault> {
    let mut item = item(&order_key(order.id), order)?;
    let created = format!("{}#{}", moment(order.created_at), order.id);
    if let Some(customer) = order.customer {
        item.insert("gsi1pk".into(), text(format!("CUST#{customer}")));
        item.insert("gsi1sk".into(), text(&created));
    }
    let by_status = format!("OS#{}#{}", order.status.code(), month_of(order.created_at));
    item.insert("gsi2pk".into(), text(by_status));
    item.insert("gsi2sk".into(), text(created));
    if let Some((queue, due)) = work(order) {
        item.insert("gsi3pk".into(), text(format!("WQ#{queue}")));
        item.insert("gsi3sk".into(), text(format!("{}#{}", moment(due), order.id)));
    }
    if !is_open(order) {
        item.remove("holder");
    }
    // What a request for money has its condition on: conditions compare but do not calculate.
    item.insert("refundable".into(), number(order.refundable()));
    item.insert("version".into(), count(order.version + 1));
    Ok(item)
}

/// The work queue an order stands in, and since when it is due.
fn work(order: &Order) -> Option<(&'static str, Timestamp)> {
    match order.status {
        Status::PendingPayment => Some(("unpaid", order.reservation.expires_at)),
        Status::Placed if fulfillment::is_due(order) => {
            Some(("fulfill", order.placed_at.unwrap_or(order.created_at)))
        }
        // Since when nothing is left to be done; until when something may come back, the reader
        // knows.
        Status::Placed => order.done_since().map(|since| ("complete", since)),
        Status::OnHold | Status::Completed | Status::Canceled | Status::Expired => None,
    }
}

/// Reserved money that is to be taken, what ends first in front.
const CAPTURE_DUE: &str = "WQ#capture_due";

/// Orders of a page, of those that were made in a while.
const MADE_PAGE: i32 = 200;

/// Before this month there was no order anywhere.
const FIRST_MONTH: u32 = 202_601;

/// A place on the way through all orders.
#[derive(Serialize, Deserialize)]
struct Walk {
    /// Like 202611.
    month: u32,
    /// Which of [`Status::ALL`].
    status: usize,
    /// Within the month's orders of this status.
    within: Option<String>,
}

/// The month that a time is in, in UTC, like 202611.
fn month_of(at: Timestamp) -> u32 {
    let digits = at.to_string();
    let digits = digits.bytes().filter(u8::is_ascii_digit).take(6);
    digits.fold(0, |number, digit| number * 10 + u32::from(digit.saturating_sub(b'0')))
}

/// The month before, if there can be orders in it.
fn month_before(month: u32) -> Option<u32> {
    let before = if month % 100 == 1 { month - 89 } else { month - 1 };
    (FIRST_MONTH..month).contains(&before).then_some(before)
}

/// The month after.
const fn month_after(month: u32) -> u32 {
    if month % 100 == 12 { month + 89 } else { month + 1 }
}

fn open_key(holder: &str) -> Key {
    Key::meta(format!("OPEN#{holder}"))
}

const fn is_open(order: &Order) -> bool {
    matches!(order.status, Status::PendingPayment)
}

pub(crate) fn payment_item(payment: &Payment) -> Result<Item, Fault> {
    let mut item = item(&payment_key(payment), payment)?;
    let until = payment.capture_before.filter(|_| payment.authorized.is_positive());
    if let Some(until) = until {
        item.insert("gsi3pk".into(), text(CAPTURE_DUE));
        item.insert("gsi3sk".into(), text(format!("{}#{}", moment(until), payment.id)));
    }
    item.insert("version".into(), count(payment.version + 1));
    Ok(item)
}

impl Store {
    /// An order with its payments.
    pub async fn order(&self, id: OrderId) -> Result<Option<OrderFile>, Fault> {
        let (mut order, mut payments, mut downloads) = (None, Vec::new(), Vec::new());
        let (mut keys, mut parcels) = (Vec::new(), Vec::new());
        let mut refunds: Vec<Refund> = Vec::new();
        let mut returns = Vec::new();
        let mut disputes: Vec<Dispute> = Vec::new();
        let mut edits = Vec::new();
        for row in self.rows(&partition(id)).await? {
            match row.get("sk") {
                Some(AttributeValue::S(sk)) if sk == "META" => order = Some(document(row)?),
                Some(AttributeValue::S(sk)) if sk.starts_with("PAY#") => {
                    payments.push(document(row)?);
                }
                Some(AttributeValue::S(sk)) if sk.starts_with("DL#") => {
                    downloads.push(document(row)?);
                }
                Some(AttributeValue::S(sk)) if sk.starts_with("KEY#") => {
                    keys.push(key_pool::given(row)?);
                }
                Some(AttributeValue::S(sk)) if sk.starts_with("FUL#") => {
                    parcels.push(document(row)?);
                }
                Some(AttributeValue::S(sk)) if sk.starts_with("REF#") => {
                    refunds.push(document(row)?);
                }
                Some(AttributeValue::S(sk)) if sk.starts_with("RET#") => {
                    returns.push(document(row)?);
                }
                Some(AttributeValue::S(sk)) if sk.starts_with("DSP#") => {
                    disputes.push(document(row)?);
                }
                Some(AttributeValue::S(sk)) if sk.starts_with("EDIT#") => {
                    edits.push(document(row)?);
                }
                // Rows of kinds that this reader does not show.
                _ => {}
            }
        }
        // Ids of refunds that were made at the provider know no time.
        refunds.sort_by_key(|refund| (refund.created_at, refund.id));
        disputes.sort_by_key(|dispute| (dispute.opened_at, dispute.id));
        Ok(order.map(|order| OrderFile {
            order,
            payments,
            downloads,
            keys,
            parcels,
            refunds,
            returns,
            disputes,
            edits,
        }))
    }

    /// All rows of an order: one query, and one more for each megabyte of keys.
    async fn rows(&self, partition: &str) -> Result<Vec<Item>, Fault> {
        let (mut rows, mut position) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let range = Range { position: position.as_deref(), ..Range::default() };
            let page = self.query(Table::Orders, None, partition, range).await?;
            rows.extend(page.entries);
            position = page.next;
            if position.is_none() {
                return Ok(rows);
            }
        }
        Err(Fault::noticed("read all rows of an order", Retry::Useless))
    }

    /// Places an order: the order, its payment, its number, the cart and the held stock, in one
    /// transaction.
    pub async fn place(
        &self,
        order: &mut Order,
        mut payment: Option<&mut Payment>,
        cart: &Cart,
        events: &[Event],
        allowance: &mut Allowance,
        now: Timestamp,
    ) -> Result<Placed, Fault> {
        order.holder =
            (order.status == Status::PendingPayment).then(|| allowance.bucket.holder().to_owned());
        order.trace = order.trace.or_else(self.watch.trace);
        for _ in 0..LIMIT_ATTEMPTS_MAX {
            let placed =
                self.place_once(order, payment.as_deref_mut(), cart, events, allowance, now);
            if let Some(placed) = placed.await? {
                return Ok(placed);
            }
        }
        Err(Fault::noticed("place an order past a bucket that never stands still", Retry::Helps))
    }

    /// One attempt; none where the bucket stood otherwise than was thought.
    async fn place_once(
        &self,
        order: &mut Order,
        payment: Option<&mut Payment>,
        cart: &Cart,
        events: &[Event],
        allowance: &mut Allowance,
        now: Timestamp,
    ) -> Result<Option<Placed>, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(cart.version);
        transaction.put(self, Table::Carts, cart::cart_item(cart)?, condition)?;
        numbered_in(self, &mut transaction, order)?;
        transaction.put(self, Table::Orders, order_item(order)?, Expression::absent())?;
        transaction.count(Counted::OrderPlaced);
        if let Some(payment) = &payment {
            transaction.put(self, Table::Orders, payment_item(payment)?, Expression::absent())?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        let draft_position = transaction.position();
        draft::order_in(self, &mut transaction, order)?;
        let first_tender = transaction.position();
        gift_card::tender_in(self, &mut transaction, None, order)?;
        let first_hold = transaction.position();
        let held = order.allocations();
        for allocation in &held {
            stock::hold(self, &mut transaction, allocation)?;
        }
        let counters = promotion::count_in(self, &mut transaction, order)?;
        let bucket_position = transaction.position();
        if let Err(standing) = allowance.bucket.take_in(self, &mut transaction, now)? {
            return Ok(Some(Placed::TooOften(standing)));
        }
        let open_position = transaction.position();
        if let Some(holder) = &order.holder {
            let condition = Expression::new("attribute_not_exists(orders) OR orders < :max")
                .value(":max", number(i64::from(allowance.open_max)))
                .value(":none", number(0_i64))
                .value(":one", number(1_i64));
            let update = "SET orders = if_not_exists(orders, :none) + :one";
            transaction.update(self, Table::Orders, &open_key(holder), update, condition)?;
        }
        let refused = match transaction.commit(self, "place an order").await? {
            Committed::Yes => {
                allowance.bucket.took(now);
                order.version += 1;
                if let Some(payment) = payment {
                    payment.version += 1;
                }
                return Ok(Some(Placed::Yes));
            }
            Committed::Refused(refused) => refused,
        };
        let at = |wanted| refused.iter().find(|(position, _)| *position == wanted);
        let is_tender = |(position, _): &(usize, _)| (first_tender..first_hold).contains(position);
        let is_withdrawn = order.draft.is_some() && at(draft_position).is_some();
        // A gift card that was spent meanwhile pays less of the next attempt.
        if at(0).is_some() || is_withdrawn || refused.iter().any(is_tender) {
            return Ok(Some(Placed::Raced));
        }
        let lacks = lacks(&held, first_hold, &refused);
        if !lacks.is_empty() {
            return Ok(Some(Placed::Short(lacks)));
        }
        if let Some(promotion) = counters.exhausted(&refused) {
            return Ok(Some(Placed::UsedUp(promotion)));
        }
        if order.holder.is_some() && at(open_position).is_some() {
            return Ok(Some(Placed::TooManyOpen));
        }
        if let Some((_, item)) = at(bucket_position) {
            allowance.bucket.see(item.as_ref());
            return Ok(None);
        }
        Ok(Some(Placed::NumberTaken))
    }

    /// Counts an order no longer among its holder's unpaid ones, in the transaction in which it
    /// ceases to be one. What is written of it forgets the holder, so that it counts once.
    pub(crate) fn close(&self, transaction: &mut Transaction, order: &Order) -> Result<(), Fault> {
        let Some(holder) = order.holder.as_ref().filter(|_| !is_open(order)) else {
            return Ok(());
        };
        // No condition that could fail: money never waits for a count.
        let condition = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)")
            .value(":one", number(1_i64));
        let update = "SET orders = if_not_exists(orders, :one) - :one";
        transaction.update(self, Table::Orders, &open_key(holder), update, condition)
    }

    /// Links a payment to its PaymentIntent and, where the order changed since it was placed, lets
    /// the holder of another token in; where the caller sent an idempotency key, remembers the
    /// answer — together, while the payment is awaited: what ends an order writes its payment.
    pub async fn answer_completion(
        &self,
        order: Option<&mut Order>,
        payment: Option<&mut Payment>,
        remembered: Option<(&Claim, &Answer)>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        if let Some(order) = &order {
            let condition = Expression::version(order.version);
            transaction.put(self, Table::Orders, order_item(order)?, condition)?;
        }
        if let Some(payment) = &payment {
            let condition = Expression::version(payment.version);
            transaction.put(self, Table::Orders, payment_item(payment)?, condition)?;
        }
        if let Some((claim, answer)) = remembered {
            idempotency::remember_in(self, &mut transaction, claim, answer)?;
        }
        if transaction.position() == 0 {
            return Ok(Saved::Yes);
        }
        let saved = cart::saved(&transaction.commit(self, "answer a completion").await?);
        if saved == Saved::Yes {
            if let Some(order) = order {
                order.version += 1;
            }
            if let Some(payment) = payment {
                payment.version += 1;
            }
        }
        Ok(saved)
    }

    /// Writes what the provider said of a payment, where no money moved.
    pub async fn save_payment(&self, payment: &Payment) -> Result<Saved, Fault> {
        let condition = Expression::version(payment.version);
        self.put_if(Table::Orders, payment_item(payment)?, condition).await
    }

    /// Writes money that came: order, payment, ledger, cart, events and — for an order whose stock
    /// or gift cards' money had been given back — the stock and that money, in one transaction. The
    /// order's version is the guard of all that hangs on it; the ledger's entry makes the same
    /// money count once.
    pub async fn settle(
        &self,
        before: &Order,
        order: &Order,
        payment: &Payment,
        entry: &Entry,
        events: &[Event],
        hold_again: bool,
    ) -> Result<Settled, Fault> {
        // A cart that expired or went another way must not stand between an order and its money.
        for with_cart in [before.status == Status::PendingPayment, false] {
            let mut transaction = Transaction::default();
            let condition = Expression::version(order.version);
            transaction.put(self, Table::Orders, order_item(order)?, condition)?;
            let condition = Expression::version(payment.version);
            transaction.put(self, Table::Orders, payment_item(payment)?, condition)?;
            self.append(&mut transaction, entry)?;
            for event in events {
                outbox::say(self, &mut transaction, event)?;
            }
            self.close(&mut transaction, order)?;
            let cart_position = transaction.position();
            if with_cart {
                self.complete_cart(&mut transaction, order)?;
            }
            let first_hold = transaction.position();
            let held = if hold_again { order.allocations() } else { Vec::new() };
            for allocation in &held {
                stock::hold(self, &mut transaction, allocation)?;
            }
            let counters = if before.uses_counted {
                promotion::give_back_in(self, &mut transaction, before, order)?;
                promotion::Counters::default()
            } else {
                promotion::count_in(self, &mut transaction, order)?
            };
            let first_tender = transaction.position();
            gift_card::tender_in(self, &mut transaction, Some(before), order)?;
            let refused = match transaction.commit(self, "settle an order").await? {
                Committed::Yes => return Ok(Settled::Yes),
                Committed::Refused(refused) => refused,
            };
            if refused.iter().any(|(position, _)| *position < cart_position) {
                return Ok(Settled::Raced);
            }
            let lacks = lacks(&held, first_hold, &refused);
            if !lacks.is_empty() {
                return Ok(Settled::Short(lacks));
            }
            if let Some(promotion) = counters.exhausted(&refused) {
                return Ok(Settled::UsedUp(promotion));
            }
            if refused.iter().any(|(position, _)| *position >= first_tender) {
                return Ok(Settled::TenderGone);
            }
        }
        Ok(Settled::Raced)
    }

    /// Writes a payment that can not be believed, with its ledger entry; the order stays.
    pub async fn quarantine(&self, payment: &Payment, entry: &Entry) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(payment.version);
        transaction.put(self, Table::Orders, payment_item(payment)?, condition)?;
        self.append(&mut transaction, entry)?;
        Ok(cart::saved(&transaction.commit(self, "quarantine a payment").await?))
    }

    pub(crate) fn append(&self, transaction: &mut Transaction, entry: &Entry) -> Result<(), Fault> {
        let sk = format!("{}#{}", entry.provider_ref, entry.kind.code());
        let row = item(&Key::new(format!("PAY#{}", entry.payment), sk), entry)?;
        transaction.put(self, Table::Ledger, row, Expression::absent())
    }

    fn complete_cart(&self, transaction: &mut Transaction, order: &Order) -> Result<(), Fault> {
        let condition = Expression::new("#status = :completing AND order_id = :order")
            .name("#status", "status")
            .value(":completing", text("completing"))
            .value(":order", text(order.id.to_string()))
            .value(":completed", text("completed"))
            .value(":one", number(1_i64))
            .value(":expires", number(cart::expiry(order.updated_at)));
        let update = "SET #status = :completed, version = version + :one, expires = :expires";
        transaction.update(self, Table::Carts, &cart::key(order.cart), update, condition)
    }

    /// Ends an unpaid order: the order and its payment as they shall be, the stock given back
    /// where it was held, the cart open again.
    pub async fn end_unpaid(
        &self,
        before: &Order,
        after: &Order,
        payment: Option<&Payment>,
        events: &[Event],
    ) -> Result<Saved, Fault> {
        // As above: a cart that is gone does not keep an order open.
        for with_cart in [true, false] {
            let mut transaction = Transaction::default();
            let condition = Expression::version(before.version);
            transaction.put(self, Table::Orders, order_item(after)?, condition)?;
            if let Some(payment) = payment {
                let condition = Expression::version(payment.version);
                transaction.put(self, Table::Orders, payment_item(payment)?, condition)?;
            }
            self.give_back(&mut transaction, before, after)?;
            gift_card::tender_in(self, &mut transaction, Some(before), after)?;
            promotion::give_back_in(self, &mut transaction, before, after)?;
            self.close(&mut transaction, after)?;
            if before.status == Status::PendingPayment {
                transaction.count(Counted::OrderFailed);
            }
            for event in events {
                outbox::say(self, &mut transaction, event)?;
            }
            let cart_position = transaction.position();
            if with_cart {
                self.reopen_cart(&mut transaction, after)?;
            }
            match transaction.commit(self, "end an order").await? {
                Committed::Yes => return Ok(Saved::Yes),
                Committed::Refused(refused)
                    if refused.iter().all(|(position, _)| *position == cart_position) => {}
                Committed::Refused(_) => return Ok(Saved::Raced),
            }
        }
        Ok(Saved::Raced)
    }

    /// Gives back the stock of an order whose hold has lapsed, for the next buyer. The order goes
    /// on waiting for its payment; if that comes, it takes its chance like everybody else.
    pub async fn take_over(&self, before: &Order) -> Result<Saved, Fault> {
        let mut after = before.clone();
        after.reservation.state = State::Expired;
        let mut transaction = Transaction::default();
        let condition = Expression::version(before.version);
        transaction.put(self, Table::Orders, order_item(&after)?, condition)?;
        self.give_back(&mut transaction, before, &after)?;
        Ok(cart::saved(&transaction.commit(self, "take a lapsed hold over").await?))
    }

    pub(crate) fn give_back(
        &self,
        transaction: &mut Transaction,
        before: &Order,
        after: &Order,
    ) -> Result<(), Fault> {
        let mut stays = held(after);
        for Allocation { place, quantity } in held(before) {
            let kept = stays.iter_mut().find(|one| one.place == place);
            let quantity = match kept {
                Some(kept) => quantity.saturating_sub(std::mem::take(&mut kept.quantity)),
                None => quantity,
            };
            if quantity > 0 {
                stock::release(self, transaction, &Allocation { place, quantity })?;
            }
        }
        Ok(())
    }

    pub(crate) fn reopen_cart(
        &self,
        transaction: &mut Transaction,
        order: &Order,
    ) -> Result<(), Fault> {
        let condition = Expression::new("#status = :completing AND order_id = :order")
            .name("#status", "status")
            .value(":completing", text("completing"))
            .value(":order", text(order.id.to_string()))
            .value(":active", text("active"))
            .value(":one", number(1_i64))
            .value(":expires", number(cart::expiry(order.updated_at)));
        let update = "SET #status = :active, version = version + :one, expires = :expires \
                      REMOVE order_id";
        transaction.update(self, Table::Carts, &cart::key(order.cart), update, condition)
    }

    /// Writes an order that was loaded and changed.
    pub async fn save_order(&self, order: &Order) -> Result<Saved, Fault> {
        let condition = Expression::version(order.version);
        self.put_if(Table::Orders, order_item(order)?, condition).await
    }

    /// A customer's orders, newest first.
    pub async fn orders_of(
        &self,
        customer: CustomerId,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Order>, Fault> {
        let index = Some(("by_customer", "gsi1pk", Some("gsi1sk")));
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, &format!("CUST#{customer}"), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// These orders as they are now, in any order; one call for each hundred.
    pub async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, Fault> {
        let keys: Vec<Key> = ids.iter().map(|id| order_key(*id)).collect();
        let rows = self.batch_get(Table::Orders, &keys, true).await?;
        rows.into_iter().map(document).collect()
    }

    /// A part of all orders there are, for whoever goes through them all: month by month from this
    /// one back, status by status. A part may be empty and still have a next one.
    pub async fn every_order(
        &self,
        now: Timestamp,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Order>, Fault> {
        let Walk { month, status, within } = match position {
            Some(position) => serde_json::from_str(position)
                .map_err(|error| Fault::new("read a place among orders", error, Retry::Useless))?,
            None => Walk { month: month_of(now), status: 0, within: None },
        };
        let Some(of) = Status::ALL.get(status) else {
            return Ok(Page { entries: Vec::new(), next: None });
        };
        let index = Some(("by_status", "gsi2pk", Some("gsi2sk")));
        let range = Range { limit: Some(limit), position: within.as_deref(), ..Range::default() };
        let partition = format!("OS#{}#{month}", of.code());
        let page = self.query(Table::Orders, index, &partition, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        let next = match page.next {
            Some(within) => Some(Walk { month, status, within: Some(within) }),
            None if status + 1 < Status::ALL.len() => {
                Some(Walk { month, status: status + 1, within: None })
            }
            None => month_before(month).map(|month| Walk { month, status: 0, within: None }),
        };
        let next = next.as_ref().map(serde_json::to_string).transpose();
        let next =
            next.map_err(|error| Fault::new("write a place among orders", error, Retry::Useless))?;
        Ok(Page { entries, next })
    }

    /// A part of all orders of the months before the one that a moment is in, for whoever goes
    /// through them once: the oldest month first, status by status. The position after the last
    /// part is where the next month begins, once it is so old.
    pub async fn orders_before(
        &self,
        then: Timestamp,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Order>, Fault> {
        let page = self.rows_before(then, limit, position).await?;
        let rows = page.entries.into_iter().map(|row| (Table::Orders, row)).collect();
        let entries = self.opened(rows, Reading::List).await?;
        let entries = entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// The same, as they lie there.
    pub(crate) async fn rows_before(
        &self,
        then: Timestamp,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Item>, Fault> {
        let Walk { month, status, within } = match position {
            Some(position) => serde_json::from_str(position)
                .map_err(|error| Fault::new("read a place among orders", error, Retry::Useless))?,
            None => Walk { month: FIRST_MONTH, status: 0, within: None },
        };
        let of = Status::ALL.get(status).filter(|_| month < month_of(then));
        let Some(of) = of else { return Ok(Page { entries: Vec::new(), next: None }) };
        let index = Some(("by_status", "gsi2pk", Some("gsi2sk")));
        let range = Range { limit: Some(limit), position: within.as_deref(), ..Range::default() };
        let partition = format!("OS#{}#{month}", of.code());
        let page = self.query_raw(Table::Orders, index, &partition, range).await?;
        let next = match page.next {
            Some(within) => Walk { month, status, within: Some(within) },
            None if status + 1 < Status::ALL.len() => {
                Walk { month, status: status + 1, within: None }
            }
            None => Walk { month: month_after(month), status: 0, within: None },
        };
        let next = serde_json::to_string(&next);
        let next =
            next.map_err(|error| Fault::new("write a place among orders", error, Retry::Useless))?;
        let entries = self.rows_of(Table::Orders, &page.entries).await?;
        Ok(Page { entries, next: Some(next) })
    }

    /// The orders that were made between two moments, less than a month apart, and do not wait for
    /// their payment.
    pub async fn made_between(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<OrderId>, Fault> {
        let mut months = vec![month_of(from), month_of(until)];
        months.dedup();
        let mut found = Vec::new();
        for month in months {
            for status in Status::ALL.into_iter().filter(|it| *it != Status::PendingPayment) {
                let partition = format!("OS#{}#{month}", status.code());
                found.extend(self.made_in(&partition, from, until).await?);
            }
        }
        Ok(found)
    }

    async fn made_in(
        &self,
        partition: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<OrderId>, Fault> {
        let index = Some(("by_status", "gsi2pk", Some("gsi2sk")));
        // Of that very moment, too: `~` comes behind every id.
        let (first, last) = (moment(from), format!("{}~", moment(until)));
        let (mut found, mut position) = (Vec::new(), None::<String>);
        loop {
            let range = Range {
                up_to: Some(&last),
                is_descending: true,
                limit: Some(MADE_PAGE),
                position: position.as_deref(),
                ..Range::default()
            };
            let page = self.query_raw(Table::Orders, index, partition, range).await?;
            let rows = page.entries.len();
            let keys = page.entries.iter().filter_map(|row| row.get("gsi2sk")?.as_s().ok());
            let young: Vec<_> = keys.take_while(|key| **key >= first).collect();
            let ids = young.iter().filter_map(|key| OrderId::parse(key.split_once('#')?.1).ok());
            found.extend(ids);
            position = page.next.filter(|_| young.len() == rows);
            if position.is_none() {
                return Ok(found);
            }
        }
    }

    /// A page of the orders whose payment window is over, longest waiting first. The index is a
    /// little behind the table: whoever acts on an order loads it first.
    pub async fn overdue(
        &self,
        now: Timestamp,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Order>, Fault> {
        self.work_up_to("WQ#unpaid", &moment(now), limit, position).await
    }

    /// A page of the orders of which nothing is left to be done, and was not then, longest ago
    /// first. The index is a little behind the table: whoever acts on an order loads it first.
    pub async fn done(
        &self,
        then: Timestamp,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Order>, Fault> {
        // Of that very moment, too: `~` comes behind every id.
        self.work_up_to("WQ#complete", &format!("{}~", moment(then)), limit, position).await
    }

    /// A page of the payments whose money is reserved until then at most, what ends first in front.
    /// The index is a little behind the table: whoever acts on a payment loads it first.
    pub async fn captures_due(
        &self,
        until: Timestamp,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Payment>, Fault> {
        self.work_up_to(CAPTURE_DUE, &moment(until), limit, position).await
    }

    /// A page of a work queue, up to a place in it.
    async fn work_up_to<T: DeserializeOwned>(
        &self,
        queue: &str,
        up_to: &str,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<T>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let range = Range { up_to: Some(up_to), limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, queue, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Counts a use of a download link; `None` where it was used `uses_max` times already.
    pub async fn count_download(
        &self,
        order: OrderId,
        line: OrderLineId,
        uses_max: u32,
    ) -> Result<Option<u32>, Fault> {
        let key = Key::new(partition(order), format!("DL#{line}"));
        let condition = Expression::new("attribute_not_exists(used) OR used < :max")
            .value(":max", number(i64::from(uses_max)))
            .value(":one", number(1_i64))
            .value(":none", number(0_i64))
            .value(":line", text(line.to_string()));
        let update = "SET used = if_not_exists(used, :none) + :one, line = :line";
        match self.update_if(Table::Orders, &key, update, condition).await? {
            Updated::Yes(row) => document::<Downloads>(row).map(|row| Some(row.used)),
            Updated::Refused(_) => Ok(None),
        }
    }
}

/// Whose a number is.
#[derive(Serialize, Deserialize)]
pub(crate) struct Numbered {
    pub(crate) order_id: OrderId,
}

/// Takes an order's number, if nobody has it.
pub(crate) fn numbered_in(
    store: &Store,
    transaction: &mut Transaction,
    order: &Order,
) -> Result<(), Fault> {
    let row = item(&number_key(&order.number), &Numbered { order_id: order.id })?;
    transaction.put(store, Table::Orders, row, Expression::absent())
}

/// What of the stock an order holds as it stands.
fn held(order: &Order) -> Vec<Allocation> {
    if order.reservation.state.counts_as_reserved() { order.allocations() } else { Vec::new() }
}

/// What the refused holds tell of their places.
pub(crate) fn lacks(
    held: &[Allocation],
    first_hold: usize,
    refused: &[(usize, Option<Item>)],
) -> Vec<Lack> {
    refused
        .iter()
        .filter_map(|(position, row)| {
            let allocation = held.get(position.checked_sub(first_hold)?)?;
            Some(stock::lack(allocation, row.as_ref()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_gone_through_from_now_back_to_the_first() {
        let at: Timestamp = "2027-02-01T00:00:00Z".parse().unwrap();
        let mut months = vec![month_of(at)];
        while let Some(before) = month_before(months[months.len() - 1]) {
            months.push(before);
        }
        assert_eq!(months[..3], [202_702, 202_701, 202_612]);
        assert!(months[1..].iter().zip(&months).all(|(a, b)| month_after(*a) == *b));
        assert_eq!((months.len(), months.last()), (14, Some(&FIRST_MONTH)));
        // A clock that is wrong ends the walk rather than to go on for ever.
        assert_eq!(month_before(month_of(Timestamp::UNIX_EPOCH)), None);
    }
}
