//! The ledger of invariants: what must be true of a shop at rest, whatever happened to it.
//!
//! It asks the tables, the mailbox, the queues and the provider's own objects, never the code under
//! test. An empty answer means that nothing is broken.

mod audit;

use std::collections::{BTreeMap, BTreeSet};

use domain::allocation::Allocation;
use domain::audit::{Actor, Link};
use domain::cart::{Cart, Phase};
use domain::catalog::{Kind as GoodKind, Sku};
use domain::fulfillment::{self, Fulfillment};
use domain::gift_card::{self, Account, GiftCard, StoreCredit};
use domain::id::{LocationId, OrderId, OrderLineId};
use domain::invoice::{Invoice, Issued};
use domain::key_pool::{FreeKey, GivenKey, KeyText};
use domain::movement::{Kind, Movement};
use domain::order::{Cause, Order, Status};
use domain::payment::{Entry, EntryKind, Payment, Status as PaymentState};
use domain::refund::{Origin, Refund, Status as RefundState};
use domain::returns::{Disposition, Resolution, Return, ReturnStatus};
use domain::stock::{KEY_POOL, Place};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A letter as the mailbox has it.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Our id of the message.
    pub message_id: String,
    /// Which template.
    pub template: String,
    /// Its subject.
    pub subject: String,
    /// Its content, both forms.
    pub content: String,
}

/// Stock as the table has it.
#[derive(Debug, Clone)]
pub struct Stock {
    /// Of what, where, and on which shard.
    pub place: Place,
    /// Units there.
    pub on_hand: i64,
    /// Units promised.
    pub reserved: i64,
    /// Units kept back.
    pub safety: i64,
    /// Units that may be sold before they are there.
    pub backorder_max: i64,
    /// Units for sale, as the conditions see them.
    pub available: i64,
}

/// A counter of promotions as the table has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Orders that are counted.
    pub orders: i64,
    /// What was taken off them: minor units by currency.
    pub spent: BTreeMap<String, i64>,
}

/// A shop at rest.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Every order.
    pub orders: Vec<Order>,
    /// Every payment.
    pub payments: Vec<Payment>,
    /// Every entry of the payment ledger.
    pub entries: Vec<Entry>,
    /// Every gift card.
    pub gift_cards: Vec<GiftCard>,
    /// Every account of store credit.
    pub credits: Vec<StoreCredit>,
    /// Every entry of the ledger of gift cards and store credit.
    pub gift_entries: Vec<gift_card::Entry>,
    /// Every cart.
    pub carts: Vec<Cart>,
    /// Every stock level, shards too.
    pub stock: Vec<Stock>,
    /// Every parcel.
    pub parcels: Vec<Fulfillment>,
    /// Every key that a unit of an order has.
    pub given_keys: Vec<(OrderId, GivenKey)>,
    /// Every key that nobody has.
    pub free_keys: Vec<(Sku, FreeKey)>,
    /// Every movement of stock.
    pub movements: Vec<Movement>,
    /// Every counter of promotions and buyers, by its two keys; shards are summed.
    pub uses: BTreeMap<(String, String), Uses>,
    /// Units that were there in the beginning, by SKU.
    pub received: BTreeMap<String, i64>,
    /// Every letter.
    pub letters: Vec<Letter>,
    /// The provider's PaymentIntents.
    pub intents: Vec<Value>,
    /// The provider's refunds.
    pub refunds: Vec<Value>,
    /// Every dispute, as the provider has it.
    pub disputes: Vec<Value>,
    /// Every refund of an order, as we know it.
    pub paid_back: Vec<Refund>,
    /// Every return.
    pub returns: Vec<Return>,
    /// Every invoice and credit note.
    pub invoices: Vec<Invoice>,
    /// Every link of the audit log, in any order.
    pub audit: Vec<Link>,
    /// Events that wait in the outbox.
    pub unsent: usize,
    /// Messages in queues: name and number, dead-letter queues included.
    pub queued: BTreeMap<String, u64>,
    /// When it is.
    pub now: Timestamp,
}

/// Every broken invariant, in words.
pub fn broken(facts: &Facts) -> Vec<String> {
    let mut broken = Vec::new();
    stock(facts, &mut broken);
    parcels(facts, &mut broken);
    keys(facts, &mut broken);
    uses(facts, &mut broken);
    money(facts, &mut broken);
    balances(facts, &mut broken);
    tenders(facts, &mut broken);
    refunds(facts, &mut broken);
    returns(facts, &mut broken);
    invoices(facts, &mut broken);
    letters(facts, &mut broken);
    carts(facts, &mut broken);
    rest(facts, &mut broken);
    audit::audit(facts, &mut broken);
    broken
}

/// 1 and 2: nothing is sold twice, nothing is lost, at no location and on no shard.
fn stock(facts: &Facts, broken: &mut Vec<String>) {
    let mut promised: BTreeMap<Place, i64> = BTreeMap::new();
    for order in facts.orders.iter().filter(|o| o.reservation.state.counts_as_reserved()) {
        let mut units: BTreeMap<String, i64> = BTreeMap::new();
        for Allocation { place, quantity } in order.allocations() {
            *units.entry(place.sku.to_string()).or_default() += i64::from(quantity);
            *promised.entry(place).or_default() += i64::from(quantity);
        }
        for (sku, quantity) in order.unshipped_units() {
            if units.remove(sku.as_str()) != Some(i64::from(quantity)) {
                broken.push(format!("{}: {quantity} of {sku} are not held anywhere", order.id));
            }
        }
    }
    for level in &facts.stock {
        let place = named(&level.place);
        let most = level.on_hand + level.backorder_max;
        if level.on_hand < 0 || level.reserved < 0 || level.reserved > most {
            broken.push(format!("{place}: {} of {} reserved", level.reserved, level.on_hand));
        }
        if level.available != most - level.reserved - level.safety {
            broken.push(format!("{place}: available {} does not add up", level.available));
        }
        let wanted = promised.remove(&level.place).unwrap_or(0);
        if wanted != level.reserved {
            broken.push(format!("{place}: orders hold {wanted}, {} reserved", level.reserved));
        }
    }
    for (place, quantity) in promised {
        let place = named(&place);
        broken.push(format!("{place}: orders hold {quantity} of what has no stock level"));
    }
    moved(facts, broken);
}

/// What lies at a location is what its movements add up to; and of each SKU there is what there was
/// in the beginning, and what came since.
fn moved(facts: &Facts, broken: &mut Vec<String>) {
    let mut at: BTreeMap<(String, LocationId), (i64, i64)> = BTreeMap::new();
    let mut of: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for level in &facts.stock {
        let sku = level.place.sku.to_string();
        at.entry((sku.clone(), level.place.location)).or_default().0 += level.on_hand;
        of.entry(sku).or_default().0 += level.on_hand;
    }
    for movement in &facts.movements {
        let sku = movement.sku.to_string();
        at.entry((sku.clone(), movement.location)).or_default().1 += movement.effect();
        if movement.kind != Kind::Opened {
            of.entry(sku).or_default().1 += movement.effect();
        }
    }
    for ((sku, location), (on_hand, moved)) in at {
        if on_hand != moved {
            broken.push(format!("{sku} at {location}: {moved} moved there, {on_hand} on hand"));
        }
    }
    for (sku, (on_hand, moved)) in of {
        let received = facts.received.get(&sku).copied().unwrap_or(0);
        if on_hand != received + moved {
            broken.push(format!("{sku}: {received} received, {moved} moved, {on_hand} on hand"));
        }
    }
}

/// 1, 2 and 7: a unit leaves once, in one parcel, out of the stock; and nothing unpaid leaves.
fn parcels(facts: &Facts, broken: &mut Vec<String>) {
    let mut moved: BTreeMap<(String, Sku), i64> = BTreeMap::new();
    let shipped = facts.movements.iter().filter(|movement| movement.kind == Kind::Shipped);
    for movement in shipped.filter(|movement| movement.location != KEY_POOL) {
        let parcel = movement.reference.clone().unwrap_or_default();
        *moved.entry((parcel, movement.sku.clone())).or_default() -= movement.quantity;
    }
    for parcel in &facts.parcels {
        let Some(order) = facts.orders.iter().find(|order| order.id == parcel.order) else {
            broken.push(format!("{}: a parcel of no order", parcel.id));
            continue;
        };
        let mut units: BTreeMap<Sku, i64> = BTreeMap::new();
        for line in parcel.lines.iter().filter(|_| parcel.status.has_left()) {
            *units.entry(line.sku.clone()).or_default() += i64::from(line.quantity);
        }
        for (sku, wanted) in units {
            let left = moved.remove(&(parcel.id.to_string(), sku.clone())).unwrap_or(0);
            if left != wanted {
                broken.push(format!("{}: {wanted} of {sku}, {left} left the stock", parcel.id));
            }
        }
        let is_paid = order.due().is_zero() || order.captured.amount() >= order.due().amount();
        // What is reserved is taken after the goods have left, or by its deadline; or a part of it,
        // where somebody wants no more.
        let is_reserved = facts.payments.iter().any(|payment| {
            let is_part = payment.capture_asked.as_ref().is_some_and(|asked| {
                asked.amount == payment.captured
                    && asked.amount.is_positive()
                    && parcel.shipped_at.is_some_and(|at| at <= asked.at)
                    && matches!(asked.by, Actor::Staff(_) | Actor::Key(_))
            });
            payment.order == order.id
                && payment.capture.reserves()
                && (is_part || payment.status == PaymentState::Authorized)
        });
        let was_placed = order.placed_at.is_some_and(|at| Some(at) <= parcel.shipped_at);
        if parcel.status.has_left() && !((is_paid || is_reserved) && was_placed) {
            broken.push(format!("{}: left, and {} was not paid", parcel.id, order.id));
        }
    }
    for ((parcel, sku), units) in moved {
        broken.push(format!("{units} of {sku} left the stock in {parcel}, which did not leave"));
    }
    for order in &facts.orders {
        let of: Vec<&Fulfillment> =
            facts.parcels.iter().filter(|parcel| parcel.order == order.id).collect();
        for line in order.lines.iter().filter(|line| line.kind == GoodKind::Physical) {
            let sum = |which: fn(fulfillment::Status) -> bool| -> u32 {
                let lines = of.iter().filter(|one| which(one.status)).flat_map(|one| &one.lines);
                lines.filter(|one| one.line == line.id).map(|one| one.quantity).sum()
            };
            let left = sum(fulfillment::Status::has_left);
            let arrived = sum(|status| status == fulfillment::Status::Delivered);
            if (line.fulfilled, line.delivered) != (left, arrived) {
                let (id, says) = (line.id, (line.fulfilled, line.delivered));
                broken.push(format!("{id}: {says:?} went and came, {left} and {arrived} did"));
            }
            if line.fulfilled + line.canceled > line.quantity {
                broken.push(format!("{}: more went than was bought", line.id));
            }
        }
    }
}

/// No key is given twice, no unit has two, and none is lost: what is counted as free is there.
fn keys(facts: &Facts, broken: &mut Vec<String>) {
    let mut texts: BTreeSet<(Sku, KeyText)> = BTreeSet::new();
    let mut free: BTreeMap<Sku, i64> = BTreeMap::new();
    for (sku, key) in &facts.free_keys {
        *free.entry(sku.clone()).or_default() += 1;
        if !texts.insert((sku.clone(), key.text.clone())) {
            broken.push(format!("{}: there twice", key.id));
        }
    }
    let mut units: BTreeSet<(OrderLineId, u32)> = BTreeSet::new();
    for (order, key) in &facts.given_keys {
        let of = facts.orders.iter().find(|one| one.id == *order);
        let line = of.and_then(|of| of.lines.iter().find(|line| line.id == key.line));
        let Some(line) = line else {
            broken.push(format!("{order}: has {} for a line that it has not", key.id));
            continue;
        };
        if !texts.insert((line.sku.clone(), key.text.clone())) {
            broken.push(format!("{order}: {} is somebody else's, or free", key.id));
        }
        if !units.insert((key.line, key.unit)) || key.unit == 0 || key.unit > line.quantity {
            broken.push(format!("{order}: {} is for a unit that is none", key.id));
        }
    }
    for order in &facts.orders {
        for line in order.lines.iter().filter(|line| line.has_keys) {
            let has = facts.given_keys.iter().filter(|(_, key)| key.line == line.id).count();
            if usize::try_from(line.fulfilled) != Ok(has) {
                broken.push(format!("{}: {} delivered, {has} keys", order.id, line.fulfilled));
            }
            if order.status == Status::Placed && order.held_keys(&line.sku) > 0 {
                broken.push(format!("{}: holds keys of {} still", order.id, line.sku));
            }
        }
    }
    for level in facts.stock.iter().filter(|level| level.place.location == KEY_POOL) {
        let there = free.remove(&level.place.sku).unwrap_or(0);
        if there != level.on_hand {
            broken
                .push(format!("{}: {there} free keys, {} counted", level.place.sku, level.on_hand));
        }
    }
    for (sku, there) in free {
        broken.push(format!("{sku}: {there} free keys that nobody counts"));
    }
}

fn named(place: &Place) -> String {
    match place.shard {
        None => format!("{} at {}", place.sku, place.location),
        Some(shard) => format!("{} at {}, shard {shard}", place.sku, place.location),
    }
}

/// What is counted for promotions is what the orders say that were counted for them. An order whose
/// buyer was forgotten does not say any more who that was: what was counted of them stays.
fn uses(facts: &Facts, broken: &mut Vec<String>) {
    let mut wanted: BTreeMap<(String, String), Uses> = BTreeMap::new();
    for order in facts.orders.iter().filter(|order| order.uses_counted) {
        let mut count = |pk: String, sk: String| wanted.entry((pk, sk)).or_default().orders += 1;
        for used in &order.promotions {
            let pk = format!("PROMO#{}", used.promotion);
            count(pk.clone(), "USES".to_owned());
            if let (Some(_), Some(buyer)) = (used.counted.uses_per_customer, &order.buyer) {
                count(pk.clone(), format!("BUYER#{buyer}"));
            }
            if let Some(code) = &used.code {
                count(pk, format!("CODE#{code}"));
            }
        }
        if let Some(buyer) = &order.buyer {
            count(format!("BUYER#{buyer}"), "META".to_owned());
        }
        for used in &order.promotions {
            let key = (format!("PROMO#{}", used.promotion), "USES".to_owned());
            let spent = &mut wanted.entry(key).or_default().spent;
            *spent.entry(order.currency.to_string()).or_default() += used.amount.amount();
        }
    }
    let is_nameless = |order: &&Order| order.uses_counted && order.buyer.is_none();
    let mut nameless = facts.orders.iter().filter(is_nameless).count();
    let mut keys: BTreeSet<&(String, String)> = wanted.keys().collect();
    keys.extend(facts.uses.keys());
    for key in keys {
        let read = |all: &BTreeMap<(String, String), Uses>| {
            let mut uses = all.get(key).cloned().unwrap_or_default();
            uses.spent.retain(|_, amount| *amount != 0);
            uses
        };
        let (mut is, shall) = (read(&facts.uses), read(&wanted));
        if key.0.starts_with("BUYER#") {
            let forgotten = is.orders.saturating_sub(shall.orders).max(0);
            let forgotten = usize::try_from(forgotten).unwrap_or(0).min(nameless);
            nameless -= forgotten;
            is.orders -= i64::try_from(forgotten).unwrap_or(0);
        }
        if is != shall {
            broken.push(format!("{} {}: {is:?} counted, {shall:?} in orders", key.0, key.1));
        }
    }
}

/// 3, 4 and 5: every cent that was taken is where it belongs.
fn money(facts: &Facts, broken: &mut Vec<String>) {
    let orders: BTreeMap<OrderId, &Order> = facts.orders.iter().map(|o| (o.id, o)).collect();
    let (mut refunded, mut done): (BTreeMap<&str, i64>, BTreeMap<&str, i64>) = Default::default();
    let is_void = |r: &&Value| r["status"] != "failed" && r["status"] != "canceled";
    for refund in facts.refunds.iter().filter(is_void) {
        if let Some(intent) = refund["payment_intent"].as_str() {
            let amount = refund["amount"].as_i64().unwrap_or(0);
            *refunded.entry(intent).or_default() += amount;
            if refund["status"] == "succeeded" {
                *done.entry(intent).or_default() += amount;
            }
        }
    }
    let mut captured_of: BTreeMap<OrderId, Vec<&str>> = BTreeMap::new();
    for intent in facts.intents.iter().filter(|i| i["status"] == "succeeded") {
        let id = intent["id"].as_str().unwrap_or("?");
        let received = intent["amount_received"].as_i64().unwrap_or(0);
        let back = refunded.get(id).copied().unwrap_or(0);
        if back > received {
            broken.push(format!("{id}: {back} of {received} went back"));
        }
        let named = intent["metadata"]["order_id"].as_str().unwrap_or("");
        let Some(order) = OrderId::parse(named).ok().and_then(|id| orders.get(&id)) else {
            broken.push(format!("{id} was captured and belongs to no order"));
            continue;
        };
        captured_of.entry(order.id).or_default().push(id);
        let is_quarantined = facts
            .payments
            .iter()
            .any(|p| p.order == order.id && p.status == PaymentState::IntegrityFailed);
        let is_placed = matches!(order.status, Status::Placed | Status::OnHold | Status::Completed);
        if is_quarantined {
            continue;
        }
        // Of a refund that failed staff are told; the money stands with the shop until they act.
        let of_order = |refund: &&Refund| refund.order == order.id;
        let has_failed =
            facts.paid_back.iter().filter(of_order).any(|one| one.status == RefundState::Failed);
        // What a bank took for good is gone, whatever became of the order.
        let gone = order.refunds.lost;
        if !is_placed && !has_failed && back + gone != received {
            broken.push(format!(
                "{}: {:?}, and {} of its {received} stand captured",
                order.id,
                order.status,
                received - back
            ));
        }
        // The provider counts some currencies otherwise than we do.
        let ours = |stripe: i64| order.currency.from_stripe_amount(stripe).unwrap_or(stripe);
        let (received, sent) = (ours(received), ours(done.get(id).copied().unwrap_or(0)));
        if order.captured.amount() != received || order.refunded.amount() != sent {
            broken.push(format!(
                "{}: says {} taken and {} returned; the provider says {received} and {sent}",
                order.id,
                order.captured.amount(),
                order.refunded.amount()
            ));
        }
    }
    for (order, intents) in &captured_of {
        if intents.len() > 1 {
            broken.push(format!("{order}: captured {} times", intents.len()));
        }
    }
    for order in &facts.orders {
        let is_placed = matches!(order.status, Status::Placed | Status::OnHold | Status::Completed);
        let has_money = captured_of.contains_key(&order.id);
        // Reserved money is taken later; where it was let go, the order is on hold.
        let is_reserved = facts.payments.iter().any(|payment| {
            let is_held = payment.status == PaymentState::Authorized;
            let is_gone = order.is_held_for(Cause::PaymentLapsed)
                || (order.is_held_for(Cause::CallingOff)
                    && order.lines.iter().all(|line| line.fulfilled == 0));
            payment.order == order.id && (is_held || is_gone)
        });
        if is_placed && !order.due().is_zero() && !has_money && !is_reserved {
            broken.push(format!("{}: placed and not paid", order.id));
        }
        let mut again = order.clone();
        let payment = facts.payments.iter().find(|payment| Some(payment.id) == order.payment);
        again.follow_money(payment, order.updated_at);
        if again.payment_status != order.payment_status {
            let (says, is) = (order.payment_status.code(), again.payment_status.code());
            broken.push(format!("{}: says {says}, and its money says {is}", order.id));
        }
        // What was called off after it was taken is on its way back, or there.
        let due = order.due().amount() + order.called_off.taken;
        let takes_parts = facts
            .payments
            .iter()
            .any(|payment| payment.order == order.id && payment.capture.reserves());
        let is_right =
            order.captured.amount() == due || (takes_parts && order.captured.amount() < due);
        if is_placed && has_money && !is_right {
            let captured = order.captured;
            broken.push(format!("{}: {captured} taken of {due}", order.id));
        }
        if order.captured.is_positive() && !has_money {
            broken.push(format!("{}: says paid; the provider knows nothing", order.id));
        }
        let off_shipping: i64 = order.promotions.iter().map(|got| got.shipping.amount()).sum();
        let lines: i64 = order.lines.iter().map(|line| line.total.amount()).sum();
        let totals = &order.totals;
        let line_taxes: i64 = order.lines.iter().map(|line| line.tax.amount()).sum();
        let shipping_tax = totals.tax.amount() - line_taxes;
        let on_top = match order.price_mode {
            domain::tax::PriceMode::Inclusive => 0,
            domain::tax::PriceMode::Exclusive => shipping_tax,
        };
        let shipping = totals.shipping.amount() - off_shipping;
        if lines + shipping + on_top != totals.total.amount() {
            broken.push(format!("{}: its lines do not add up to its total", order.id));
        }
    }
    entries(facts, broken);
    disputes(facts, broken);
}

/// 3, for gift cards and store credit: the entries of an account are its balance, and no balance
/// is below zero.
fn balances(facts: &Facts, broken: &mut Vec<String>) {
    let cards = facts.gift_cards.iter().map(|card| (card.account(), card.balance));
    let credits = facts.credits.iter().map(|credit| {
        let account = Account::StoreCredit(credit.customer);
        (account, credit.balance)
    });
    let mut known = BTreeSet::new();
    for (account, balance) in cards.chain(credits) {
        known.insert((account, balance.currency().to_string()));
        let of: Vec<_> =
            facts.gift_entries.iter().filter(|entry| entry.account == account).cloned().collect();
        if gift_card::balance(balance.currency(), &of) != Ok(balance) {
            broken.push(format!("{account:?}: worth {balance}, its entries say otherwise"));
        }
        if balance.is_negative() {
            broken.push(format!("{account:?}: worth {balance}"));
        }
    }
    for entry in &facts.gift_entries {
        if !known.contains(&(entry.account, entry.amount.currency().to_string())) {
            broken.push(format!("{}: an entry of an account that is not there", entry.id));
        }
    }
}

/// What orders took from gift cards and store credit, and gave back: to the last minor unit what
/// their tenders say, from the accounts that they name, and nothing else was taken.
fn tenders(facts: &Facts, broken: &mut Vec<String>) {
    let mut taken: BTreeMap<(OrderId, Account), i64> = BTreeMap::new();
    for entry in &facts.gift_entries {
        if let Some(order) = entry.order {
            *taken.entry((order, entry.account)).or_default() -= entry.amount.amount();
        }
    }
    for order in &facts.orders {
        let tendering = &order.tendering;
        let is_placed = matches!(order.status, Status::Placed | Status::OnHold | Status::Completed);
        let is_over = matches!(order.status, Status::Expired | Status::Canceled);
        let has_any = !tendering.tenders.is_empty();
        if has_any && (is_placed && tendering.is_returned || is_over && !tendering.is_returned) {
            let back = if tendering.is_returned { "back" } else { "not back" };
            broken.push(format!("{}: {:?}, and its tenders are {back}", order.id, order.status));
        }
        for tender in &tendering.tenders {
            let took = taken.remove(&(order.id, tender.source.account())).unwrap_or(0);
            let wanted = if tendering.is_returned { 0 } else { tender.left() };
            if took != wanted {
                broken.push(format!("{}: took {took} of a tender of {wanted}", order.id));
            }
        }
    }
    for ((order, account), took) in taken {
        broken.push(format!("{order}: took {took} of {account:?}, which is none of its tenders"));
    }
}

/// What was lost in disputes is what the provider says was, and is in the ledger once.
fn disputes(facts: &Facts, broken: &mut Vec<String>) {
    for order in &facts.orders {
        let mine = |dispute: &&Value| {
            facts.payments.iter().any(|payment| {
                payment.order == order.id
                    && payment.status == PaymentState::Succeeded
                    && payment.intent.as_deref() == dispute["payment_intent"].as_str()
            })
        };
        let sum = |statuses: &[&str]| -> i64 {
            let theirs = facts.disputes.iter().filter(mine);
            let such = theirs.filter(|one| statuses.iter().any(|status| one["status"] == *status));
            such.filter_map(|one| one["amount"].as_i64()).sum()
        };
        let (lost, held) = (sum(&["lost"]), sum(&["needs_response", "under_review"]));
        if (order.refunds.lost, order.refunds.disputed) != (lost, held) {
            broken.push(format!("{}: its counters are not its disputes", order.id));
        }
        let written = |kind| -> i64 {
            let of = |entry: &&Entry| entry.order == order.id && entry.kind == kind;
            facts.entries.iter().filter(of).map(|entry| entry.amount.amount()).sum()
        };
        if written(EntryKind::Lost) - written(EntryKind::LossReturned) != lost {
            broken.push(format!("{}: lost differs from the ledger", order.id));
        }
    }
}

/// The append-only ledger says the same as the payments.
fn entries(facts: &Facts, broken: &mut Vec<String>) {
    for payment in &facts.payments {
        let sum = |kind| -> i64 {
            let of = |entry: &&Entry| entry.payment == payment.id && entry.kind == kind;
            facts.entries.iter().filter(of).map(|entry| entry.amount.amount()).sum()
        };
        if payment.captured.amount() != sum(EntryKind::Captured) {
            broken.push(format!("{}: captured differs from the ledger", payment.id));
        }
        let kept = sum(EntryKind::Refunded) - sum(EntryKind::RefundFailed);
        if payment.refunded.amount() != kept {
            broken.push(format!("{}: refunded differs from the ledger", payment.id));
        }
    }
}

/// 4: what goes back of a payment is never more than was taken, and order, payment and refunds say
/// the same of it. What was asked for, the provider has, once.
fn refunds(facts: &Facts, broken: &mut Vec<String>) {
    for order in &facts.orders {
        let of = |is: fn(RefundState) -> bool| -> i64 {
            let mine = facts.paid_back.iter().filter(|refund| refund.order == order.id);
            mine.filter(|refund| is(refund.status)).map(|refund| refund.money.amount()).sum()
        };
        let done = of(|status| status == RefundState::Succeeded);
        let pending = of(|status| {
            let begun = matches!(status, RefundState::Requested | RefundState::Processing);
            begun || status == RefundState::RequiresAction
        });
        if (order.refunded.amount(), order.refunds.pending) != (done, pending) {
            broken.push(format!("{}: its counters are not its refunds", order.id));
        }
        if order.refundable() < 0 {
            broken.push(format!("{}: more goes back than was taken", order.id));
        }
    }
    for payment in &facts.payments {
        let (back, pending) = (payment.refunded.amount(), payment.refund_pending.amount());
        if back + pending > payment.captured.amount() {
            broken.push(format!("{}: more goes back than was taken", payment.id));
        }
    }
    for refund in &facts.paid_back {
        if refund.status == RefundState::Requested {
            broken.push(format!("{}: the provider was never asked for it", refund.id));
        }
        let id = refund.id.to_string();
        let theirs = facts.refunds.iter().filter(|one| one["metadata"]["refund_id"] == id);
        if theirs.count() > usize::try_from(refund.attempt).unwrap_or(usize::MAX) {
            broken.push(format!("{id}: the provider has it more than once"));
        }
    }
    for theirs in &facts.refunds {
        let id = theirs["id"].as_str().unwrap_or("?");
        let is_known = facts.paid_back.iter().any(|one| {
            one.provider_ref.as_deref() == Some(id) || one.former_refs.iter().any(|was| was == id)
        });
        if !is_known && theirs["status"] != "failed" {
            broken.push(format!("{id}: a refund that no order knows"));
        }
    }
}

/// 1 and 2: a unit comes back once, into the book of stock, and the order says so; what the buyer
/// got for it is a refund of the order.
fn returns(facts: &Facts, broken: &mut Vec<String>) {
    let mut moved: BTreeMap<(String, Sku), (i64, i64)> = BTreeMap::new();
    for movement in &facts.movements {
        let reference = movement.reference.clone().unwrap_or_default();
        if reference.starts_with("ret_") {
            let sums = moved.entry((reference, movement.sku.clone())).or_default();
            if movement.kind == Kind::Restocked {
                sums.0 += movement.quantity;
            } else if movement.kind == Kind::WrittenOff {
                sums.1 -= movement.quantity;
            } else {
                broken.push(format!("{}: no return moves units so", movement.id));
            }
        }
    }
    for one in &facts.returns {
        for item in &one.items {
            let gone = item.inspected.iter();
            let gone = gone.filter(|look| look.disposition == Some(Disposition::WriteOff));
            let gone: i64 = gone.map(|look| i64::from(look.quantity)).sum();
            let wanted = (i64::from(item.came_back()), gone);
            let there = moved.remove(&(one.id.to_string(), item.sku.clone())).unwrap_or_default();
            if there != wanted {
                broken.push(format!("{}: {wanted:?} of {}, {there:?} moved", one.id, item.sku));
            }
        }
        if let Some(
            Resolution::Refund { refund, amount }
            | Resolution::StoreCredit { refund, amount }
            | Resolution::Exchange { refund, amount, .. },
        ) = &one.resolution
        {
            let of_refund = facts.paid_back.iter().find(|known| known.id == *refund);
            if of_refund.map(Refund::amount) != Some(*amount) {
                broken.push(format!("{}: {amount} were given for it by nobody", one.id));
            }
        }
    }
    for ((id, sku), units) in moved {
        broken.push(format!("{units:?} of {sku} moved for {id}, which they did not come with"));
    }
    for order in &facts.orders {
        let mut of: Vec<Return> =
            facts.returns.iter().filter(|one| one.order == order.id).cloned().collect();
        of.sort_by_key(|one| one.id);
        for line in &order.lines {
            let items = of.iter().flat_map(|one| &one.items).filter(|item| item.line == line.id);
            let back: u32 = items.map(domain::returns::Item::came_back).sum();
            if back != line.returned || back > line.fulfilled {
                let says = line.returned;
                broken.push(format!("{}: {back} came back, it says {says}", line.id));
            }
        }
        if order.return_status != ReturnStatus::of(&order.lines, &of) {
            broken.push(format!("{}: {:?}, and is not", order.id, order.return_status));
        }
        let credited = facts.paid_back.iter().filter(|refund| refund.order == order.id);
        let credited = credited.map(|refund| {
            let exchanged = refund.exchanged.as_ref().map_or(0, |one| one.amount.amount());
            // What had paid for a replacement and went back after all.
            let back: i64 = match refund.origin {
                Origin::Exchange => refund.parts.iter().map(|part| part.amount().amount()).sum(),
                Origin::Staff
                | Origin::Cancellation
                | Origin::LatePayment
                | Origin::FraudWarning
                | Origin::Provider => 0,
            };
            refund.credit.map_or(0, |credit| credit.amount.amount()) + exchanged - back
        });
        let credited: i64 = credited.sum();
        if credited != order.refunds.credited {
            broken.push(format!("{}: {credited} became credit, it says otherwise", order.id));
        }
    }
    exchanges(facts, broken);
}

/// A replacement is paid with what its first order gave for it, and nothing stays between them.
fn exchanges(facts: &Facts, broken: &mut Vec<String>) {
    for refund in &facts.paid_back {
        let Some(exchanged) = &refund.exchanged else { continue };
        let of = facts.orders.iter().find(|order| order.id == exchanged.order);
        let account = Account::GiftCard(exchanged.gift_card);
        let tender = of.and_then(|order| {
            let mut tenders = order.tendering.tenders.iter();
            tenders.find(|tender| tender.source.account() == account).map(|tender| tender.amount)
        });
        if tender != Some(exchanged.amount) {
            broken.push(format!("{}: {} pay for no replacement", refund.id, exchanged.amount));
        }
        if of.is_some_and(|order| order.exchange_of != Some(refund.order)) {
            broken.push(format!("{}: a replacement for another order", exchanged.order));
        }
    }
}

/// 6: every placed order was confirmed, and never in two different ways.
fn letters(facts: &Facts, broken: &mut Vec<String>) {
    let mut content: BTreeMap<&str, &Letter> = BTreeMap::new();
    for letter in &facts.letters {
        let first = content.entry(&letter.message_id).or_insert(letter);
        if first.subject != letter.subject || first.content != letter.content {
            broken.push(format!("{}: sent with two different contents", letter.message_id));
        }
    }
    for order in &facts.orders {
        let of = |template: &str| -> BTreeSet<&str> {
            facts
                .letters
                .iter()
                .filter(|l| l.template == template && l.subject.contains(&order.number))
                .map(|l| l.message_id.as_str())
                .collect()
        };
        let confirmations = of("order_confirmation").len();
        // Once it was placed it was confirmed, whatever became of it since.
        let was_placed = order.placed_at.is_some();
        if was_placed != (confirmations == 1) {
            broken.push(format!(
                "{}: {:?} and confirmed {confirmations} times",
                order.id, order.status
            ));
        }
        let of_order = facts.parcels.iter().filter(|parcel| parcel.order == order.id);
        let arrived = of_order.filter(|one| one.status == fulfillment::Status::Delivered).count();
        if of("order_delivered").len() != arrived {
            broken.push(format!("{}: the letters about {arrived} parcels", order.id));
        }
        let told = |is: fn(Origin) -> bool| {
            let mine = facts.paid_back.iter().filter(|refund| refund.order == order.id);
            let gives = |refund: &&Refund| refund.amount().is_positive() && is(refund.origin);
            mine.filter(gives).filter(|refund| refund.succeeded_at.is_some()).count()
        };
        let late = told(|origin| origin == Origin::LatePayment);
        let other = told(|origin| origin != Origin::LatePayment);
        if of("late_payment_refunded").len() != late || of("order_refunded").len() != other {
            broken.push(format!("{}: the letters about the returned money", order.id));
        }
        let asked = facts.returns.iter().filter(|one| one.order == order.id).count();
        if of("return_requested").len() != asked {
            broken.push(format!("{}: the letters about {asked} returns", order.id));
        }
        // Whose money came after their own cancellation may be told a second time, by staff.
        let most = if order.placed_at.is_some() { 2 } else { 1 };
        let times = of("order_canceled").len();
        if order.status == Status::Canceled && !(1..=most).contains(&times) {
            broken.push(format!("{}: called off, and its buyer was told {times} times", order.id));
        }
        if order.status != Status::Canceled && order.placed_at.is_none() && times > 0 {
            broken.push(format!("{}: {:?}, and said to be called off", order.id, order.status));
        }
        let is_told = order.failed_debit.is_some_and(|debit| debit.is_told);
        if of("payment_failed").len() != usize::from(is_told) {
            broken.push(format!("{}: the letter about a debit that failed", order.id));
        }
    }
}

/// A cart and its order agree.
fn carts(facts: &Facts, broken: &mut Vec<String>) {
    let carts: BTreeMap<_, _> = facts.carts.iter().map(|cart| (cart.id, cart)).collect();
    let mut open = BTreeSet::new();
    for order in &facts.orders {
        let is_open = matches!(order.status, Status::PendingPayment);
        if is_open && !open.insert(order.cart) {
            broken.push(format!("{}: two orders wait for one cart", order.cart));
        }
        let Some(cart) = carts.get(&order.cart) else { continue };
        let phase = cart.status.phase();
        let wanted = match order.status {
            Status::PendingPayment => phase == Phase::Completing,
            Status::Placed
            | Status::OnHold
            | Status::Completed
            | Status::Canceled
            | Status::Expired => true,
        };
        if !wanted {
            broken.push(format!("{}: {:?} while its cart is {phase:?}", order.id, order.status));
        }
    }
}

/// Each series of numbers begins at one and has no gap, but for numbers that another series has; no
/// number is there twice; an order has one invoice at most, a refund one credit note, and each has
/// its file.
fn invoices(facts: &Facts, broken: &mut Vec<String>) {
    let mut series: BTreeMap<(&str, Issued), Vec<&Invoice>> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    let mut whose = BTreeSet::new();
    for invoice in &facts.invoices {
        let number = &invoice.number;
        series.entry((&invoice.entity, invoice.kind)).or_default().push(invoice);
        if !numbers.insert(number.clone()) {
            broken.push(format!("{number} was given out twice"));
        }
        if !whose.insert((invoice.order_id, invoice.kind, invoice.refund_id)) {
            broken.push(format!("{number} is the second one of {}", invoice.order_id));
        }
        if invoice.stored_at.is_none() {
            broken.push(format!("{number} has no file"));
        }
    }
    for order in facts.orders.iter().filter(|order| order.status == Status::Canceled) {
        let mine: Vec<&Invoice> =
            facts.invoices.iter().filter(|one| one.order_id == order.id).collect();
        let Some(invoice) = mine.iter().find(|one| one.kind == Issued::Invoice) else { continue };
        let notes = mine.iter().filter(|one| one.kind == Issued::CreditNote);
        let credited: i64 = notes.map(|note| note.total.amount()).sum();
        // What is for a replacement was credited with the goods that came back.
        let is_counted = |one: &&Refund| one.order == order.id && one.origin != Origin::Exchange;
        let is_back = |one: &Refund| one.status == RefundState::Succeeded;
        let is_all_back = facts.paid_back.iter().filter(is_counted).all(is_back);
        if is_all_back && credited != invoice.total.amount() {
            let (number, charged) = (&invoice.number, invoice.total);
            broken.push(format!("{number} says {charged} of what was called off, not {credited}"));
        }
    }
    for ((entity, kind), mut issued) in series {
        issued.sort_unstable_by_key(|invoice| invoice.sequence);
        let mut next = 1;
        for invoice in issued {
            let missing = (next..invoice.sequence).map(|sequence| numbered(invoice, sequence));
            let is_sound = invoice.sequence >= next
                && invoice.number == numbered(invoice, invoice.sequence)
                && missing.into_iter().all(|number| numbers.contains(&number));
            if !is_sound {
                let number = &invoice.number;
                broken.push(format!("{number} of {entity} does not follow ({kind:?}, {next})"));
            }
            next = invoice.sequence + 1;
        }
    }
}

/// What a number with this one's prefix is called.
fn numbered(invoice: &Invoice, sequence: u64) -> String {
    let own = format!("{:0>6}", invoice.sequence);
    let prefix = invoice.number.strip_suffix(&own).unwrap_or_default();
    format!("{prefix}{sequence:0>6}")
}

/// 7 and 8: nothing waits that should not.
fn rest(facts: &Facts, broken: &mut Vec<String>) {
    for order in &facts.orders {
        let overdue = order.reservation.expires_at.saturating_add(SignedDuration::from_mins(2));
        if order.status == Status::PendingPayment && overdue.is_ok_and(|at| at < facts.now) {
            broken.push(format!("{}: still waits for a payment long after its time", order.id));
        }
    }
    if facts.unsent > 0 {
        broken.push(format!("{} events stayed in the outbox", facts.unsent));
    }
    for (queue, messages) in facts.queued.iter().filter(|(_, messages)| **messages > 0) {
        broken.push(format!("{queue}: {messages} messages"));
    }
}
