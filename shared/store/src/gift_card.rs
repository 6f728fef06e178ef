//! Gift cards and store credit.
//!
//! | item | table | key | index |
//! |---|---|---|---|
//! | gift card | orders | `GC#id` / META | `by_status` (all of them), `work` (until it ends) |
//! | credit of an exchange | orders | `GC#id` / META | `by_status`, `work` (until it is paid out) |
//! | a gift card by its code | orders | `GCODE#sha256` / META | |
//! | store credit | orders | `CREDIT#customer` / currency | |
//! | entry | ledger | `GC#id` or `CREDIT#customer` / entry's id | |
//!
//! A balance is a counter: it moves behind its own condition, in the transaction that appends the
//! entry of the move, and an entry is written once. What the staff change of a gift card is a
//! document with a version; spending does not raise it.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::cart::Cart;
use domain::currency::Currency;
use domain::event::Event;
use domain::fault::Fault;
use domain::gift_card::{Account, Entry, GiftCard, Source, Status, StoreCredit};
use domain::id::{CustomerId, GiftCardId, Ulid};
use domain::money::Money;
use domain::order::Order;
use domain::refund::{Credit, Refund};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::idempotency::{self, Answer, Claim};
use crate::item::{Item, Key, Page, Range, Saved, count, document, item, moment, number, text};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table, cart, outbox, refund};

/// Gift cards that are issued in one transaction: three actions each, of a hundred.
pub const ISSUED_AT_ONCE: usize = 30;
/// Currencies of one customer's store credit that are looked at.
const CREDITS_MAX: i32 = 100;
/// The list of all gift cards.
const EVERY: &str = "GC#all";
/// The gift cards that end some day, by the day.
const ENDING: &str = "WQ#gift_card";
/// The credits of exchanges onto which something came back, by when they were given.
const UNSPENT: &str = "WQ#exchange_credit";

#[derive(Serialize, Deserialize)]
struct ByCode {
    gift_card: GiftCardId,
}

fn card_key(id: GiftCardId) -> Key {
    Key::meta(format!("GC#{id}"))
}

fn code_key(hash: &str) -> Key {
    Key::meta(format!("GCODE#{hash}"))
}

fn credit_key(customer: CustomerId, currency: Currency) -> Key {
    Key::new(format!("CREDIT#{customer}"), currency.to_string())
}

fn ledger(account: Account) -> String {
    match account {
        Account::GiftCard(id) => format!("GC#{id}"),
        Account::StoreCredit(customer) => format!("CREDIT#{customer}"),
    }
}

/// Where a card stands among those that end some day.
fn ending(id: GiftCardId, at: Timestamp) -> AttributeValue {
    text(format!("{}#{id}", moment(at)))
}

/// The item of a gift card as it will stand after this write, with its index keys.
fn card_item(card: &GiftCard) -> Result<Item, Fault> {
    let mut item = item(&card_key(card.id), card)?;
    item.insert("version".into(), count(card.version + 1));
    item.insert("gsi2pk".into(), text(EVERY));
    item.insert("gsi2sk".into(), text(format!("{}#{}", moment(card.created_at), card.id)));
    if let Some(at) = card.expires_at {
        // Conditions compare numbers.
        item.insert("ends_ms".into(), number(at.as_millisecond()));
        // The credit of an exchange does not end: what comes back onto it is paid out.
        let queue = match card.exchange_of {
            Some(_) => card.balance.is_positive().then_some(UNSPENT),
            None => (card.status != Status::Expired).then_some(ENDING),
        };
        if let Some(queue) = queue {
            item.insert("gsi3pk".into(), text(queue));
            item.insert("gsi3sk".into(), ending(card.id, at));
        }
    }
    Ok(item)
}

/// Names and values of a condition on a balance.
fn on_balance(condition: &str, amount: i64) -> Expression {
    Expression::new(condition)
        .name("#balance", "balance")
        .name("#amount", "amount")
        .value(":amount", number(amount))
}

/// Moves an order's money between its tenders' accounts and the order, with the entries that say
/// so: what has changed from `before` to `after`, which is often nothing. Two actions a tender.
/// Taking more than there is, or from what can not be spent, fails the transaction.
pub(crate) fn tender_in(
    store: &Store,
    transaction: &mut Transaction,
    before: Option<&Order>,
    after: &Order,
) -> Result<(), Fault> {
    let now = after.updated_at;
    let entries = after.tendering.since(before.map(|order| &order.tendering), after.id, now);
    for (tender, entry) in after.tendering.tenders.iter().zip(entries) {
        // What went back by refunds is back.
        if entry.amount.is_zero() {
            continue;
        }
        let amount = Money::new(entry.amount.amount().abs(), entry.amount.currency());
        if entry.amount.is_negative() {
            take(store, transaction, (&tender.source, amount), now)?;
        } else {
            put_back(store, transaction, (&tender.source, amount))?;
        }
        append(store, transaction, &entry)?;
    }
    Ok(())
}

/// Puts what a refund gives to gift cards and store credit on them, with the entries that say so.
/// Where the order had a part of the account that gets credit besides, both go there in one write:
/// a transaction writes no item twice.
pub(crate) fn refund_in(
    store: &Store,
    transaction: &mut Transaction,
    refund: &Refund,
) -> Result<(), Fault> {
    for (tender, entry) in refund.tenders.iter().zip(refund.gift_entries()) {
        let besides = refund.credit.filter(|credit| is_of(&tender.source, credit));
        let more = besides.map_or(0, |credit| credit.amount.amount());
        let amount = Money::new(tender.amount.amount() + more, tender.amount.currency());
        put_back(store, transaction, (&tender.source, amount))?;
        append(store, transaction, &entry)?;
    }
    Ok(())
}

fn is_of(source: &Source, credit: &Credit) -> bool {
    source.account() == Account::StoreCredit(credit.customer)
}

/// Gives store credit besides what a refund puts back, with the entry that says so.
pub(crate) fn credit_besides(
    store: &Store,
    transaction: &mut Transaction,
    refund: &Refund,
    (before, after, entry): (Option<Money>, &StoreCredit, &Entry),
) -> Result<(), Fault> {
    let is_given = |credit: &Credit| refund.tenders.iter().any(|one| is_of(&one.source, credit));
    if !refund.credit.as_ref().is_some_and(is_given) {
        credit_in(store, transaction, before, after)?;
    }
    append(store, transaction, entry)
}

fn take(
    store: &Store,
    transaction: &mut Transaction,
    (source, taken): (&Source, Money),
    now: Timestamp,
) -> Result<(), Fault> {
    let update = "SET #balance.#amount = #balance.#amount - :amount";
    let amount = taken.amount();
    match source {
        Source::GiftCard { id, .. } => {
            let condition = "#balance.#amount >= :amount AND #status = :active \
                             AND (attribute_not_exists(ends_ms) OR ends_ms > :now)";
            let condition = on_balance(condition, amount)
                .name("#status", "status")
                .value(":active", text(Status::Active.code()))
                .value(":now", number(now.as_millisecond()));
            transaction.update(store, Table::Orders, &card_key(*id), update, condition)
        }
        Source::StoreCredit { customer } => {
            let key = credit_key(*customer, taken.currency());
            let condition = on_balance("#balance.#amount >= :amount", amount);
            transaction.update(store, Table::Orders, &key, update, condition)
        }
    }
}

/// Whatever became of the card meanwhile, the money is on it again.
fn put_back(
    store: &Store,
    transaction: &mut Transaction,
    (source, back): (&Source, Money),
) -> Result<(), Fault> {
    let update = "SET #balance.#amount = #balance.#amount + :amount";
    let condition = on_balance("attribute_exists(pk)", back.amount());
    match source {
        Source::GiftCard { id, expires_at: Some(at), is_exchange, .. } => {
            // A card that has ended since then has to end once more; a credit is to be paid out.
            let queue = if *is_exchange { UNSPENT } else { ENDING };
            let update = format!("{update}, gsi3pk = :ending, gsi3sk = :place");
            let condition =
                condition.value(":ending", text(queue)).value(":place", ending(*id, *at));
            transaction.update(store, Table::Orders, &card_key(*id), &update, condition)
        }
        Source::GiftCard { id, expires_at: None, .. } => {
            transaction.update(store, Table::Orders, &card_key(*id), update, condition)
        }
        Source::StoreCredit { customer } => {
            let key = credit_key(*customer, back.currency());
            transaction.update(store, Table::Orders, &key, update, condition)
        }
    }
}

fn append(store: &Store, transaction: &mut Transaction, entry: &Entry) -> Result<(), Fault> {
    let row = item(&Key::new(ledger(entry.account), entry.id.to_string()), entry)?;
    transaction.put(store, Table::Ledger, row, Expression::absent())
}

/// Writes store credit as it shall be, if it is worth what it was when it was loaded. `before` is
/// none for an account that is opened by it.
fn credit_in(
    store: &Store,
    transaction: &mut Transaction,
    before: Option<Money>,
    after: &StoreCredit,
) -> Result<(), Fault> {
    let row = item(&credit_key(after.customer, after.balance.currency()), after)?;
    let condition = match before {
        Some(balance) => on_balance("#balance.#amount = :amount", balance.amount()),
        None => Expression::absent(),
    };
    transaction.put(store, Table::Orders, row, condition)
}

/// Gives the credit of an exchange, which is spent already, with the entries that say both.
pub(crate) fn exchange_in(
    store: &Store,
    transaction: &mut Transaction,
    card: &GiftCard,
    entries: &[Entry],
) -> Result<(), Fault> {
    transaction.put(store, Table::Orders, card_item(card)?, Expression::absent())?;
    entries.iter().try_for_each(|entry| append(store, transaction, entry))
}

/// A correction as it is written: what it says, and the answer that is remembered with it.
#[derive(Debug)]
pub struct Correction<'a> {
    /// The ledger's entry.
    pub entry: &'a Entry,
    /// What is said of it.
    pub events: &'a [Event],
    /// The caller's idempotency key, with the answer.
    pub remembered: Option<(&'a Claim, &'a Answer)>,
}

impl Correction<'_> {
    fn write(&self, store: &Store, transaction: &mut Transaction) -> Result<(), Fault> {
        append(store, transaction, self.entry)?;
        for event in self.events {
            outbox::say(store, transaction, event)?;
        }
        match self.remembered {
            Some((claim, answer)) => idempotency::remember_in(store, transaction, claim, answer),
            None => Ok(()),
        }
    }
}

impl Store {
    /// A gift card by its id.
    pub async fn gift_card(&self, id: GiftCardId) -> Result<Option<GiftCard>, Fault> {
        self.get(Table::Orders, &card_key(id), true).await
    }

    /// The gift card with this code, by the code's hash. The reads are as many whether or not
    /// there is one.
    pub async fn gift_card_by_code(&self, hash: &str) -> Result<Option<GiftCard>, Fault> {
        let found: Option<ByCode> = self.get(Table::Orders, &code_key(hash), true).await?;
        let none = GiftCardId::from_ulid(Ulid::nil());
        self.gift_card(found.map_or(none, |found| found.gift_card)).await
    }

    /// A page of all gift cards, newest first.
    pub async fn gift_cards(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<GiftCard>, Fault> {
        let index = Some(("by_status", "gsi2pk", Some("gsi2sk")));
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, EVERY, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// A page of an account's entries, newest first.
    pub async fn gift_entries(
        &self,
        account: Account,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Entry>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Ledger, None, &ledger(account), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// The same, without what staff noted: nothing is opened for it.
    pub async fn gift_entries_without_reasons(
        &self,
        account: Account,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Entry>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query_raw(Table::Ledger, None, &ledger(account), range).await?;
        let without = |mut row: Item| {
            row.remove("reason");
            document(row)
        };
        let entries = page.entries.into_iter().map(without).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// A customer's store credit, one account for each currency that they ever had any in.
    pub async fn store_credits(&self, customer: CustomerId) -> Result<Vec<StoreCredit>, Fault> {
        let range = Range { limit: Some(CREDITS_MAX), ..Range::default() };
        let partition = format!("CREDIT#{customer}");
        let page = self.query(Table::Orders, None, &partition, range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// A customer's store credit in a currency.
    pub async fn store_credit(
        &self,
        customer: CustomerId,
        currency: Currency,
    ) -> Result<Option<StoreCredit>, Fault> {
        self.get(Table::Orders, &credit_key(customer, currency), true).await
    }

    /// A cart with what its gift cards and its credit are worth now: one round trip where it has
    /// any, none where it has not.
    pub async fn look_again(&self, cart: Cart, now: Timestamp) -> Result<Cart, Fault> {
        if cart.wallets.is_empty() {
            return Ok(cart);
        }
        let keys: Vec<Key> = cart
            .wallets
            .iter()
            .map(|wallet| match wallet.source {
                Source::GiftCard { id, .. } => card_key(id),
                Source::StoreCredit { customer } => credit_key(customer, cart.currency),
            })
            .collect();
        let (mut cards, mut credits) = (Vec::new(), Vec::new());
        for row in self.batch_get(Table::Orders, &keys, true).await? {
            match row.get("pk") {
                Some(AttributeValue::S(pk)) if pk.starts_with("GC#") => cards.push(document(row)?),
                _ => credits.push(document(row)?),
            }
        }
        Ok(cart.seen(&cards, &credits, now))
    }

    /// Writes new gift cards with their codes and first entries, at most [`ISSUED_AT_ONCE`], all
    /// or none; `Raced` where one of their codes or ids is taken.
    pub async fn issue_gift_cards(
        &self,
        cards: &[(GiftCard, Entry)],
        events: &[Event],
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        for (card, entry) in cards {
            transaction.put(self, Table::Orders, card_item(card)?, Expression::absent())?;
            let by_code = item(&code_key(&card.code_hash), &ByCode { gift_card: card.id })?;
            transaction.put(self, Table::Orders, by_code, Expression::absent())?;
            append(self, &mut transaction, entry)?;
        }
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        Ok(cart::saved(&transaction.commit(self, "issue gift cards").await?))
    }

    /// Stops a gift card or lets it be spent again: its new version, or none where the staff
    /// changed it meanwhile. Its balance may move at the same time.
    pub async fn switch_gift_card(
        &self,
        before: &GiftCard,
        after: &GiftCard,
        events: &[Event],
    ) -> Result<Option<u64>, Fault> {
        let mut transaction = Transaction::default();
        let condition = Expression::version(before.version)
            .name("#status", "status")
            .value(":status", text(after.status.code()))
            .value(":at", text(after.updated_at.to_string()))
            .value(":next", count(before.version + 1));
        let update = "SET #status = :status, updated_at = :at, version = :next";
        let key = card_key(before.id);
        transaction.update(self, Table::Orders, &key, update, condition)?;
        for event in events {
            outbox::say(self, &mut transaction, event)?;
        }
        let done = transaction.commit(self, "switch a gift card").await?;
        Ok(matches!(done, Committed::Yes).then_some(before.version + 1))
    }

    /// Corrects a gift card, if it is as it was loaded, to the last minor unit.
    pub async fn correct_gift_card(
        &self,
        before: &GiftCard,
        after: &GiftCard,
        correction: &Correction<'_>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.replace(&mut transaction, before, after)?;
        correction.write(self, &mut transaction)?;
        Ok(cart::saved(&transaction.commit(self, "correct a gift card").await?))
    }

    /// The credits of exchanges onto which something came back. The index is a little behind the
    /// table: whoever pays one out loads it first.
    pub async fn unspent_exchanges(&self, limit: i32) -> Result<Vec<GiftCard>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let range = Range { limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Orders, index, UNSPENT, range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// Pays out what came back onto the credit of an exchange: the refund of the order whose goods
    /// had come back for it, and the credit with its entry, in one transaction.
    pub async fn pay_out(
        &self,
        step: &refund::Move<'_>,
        (before, after): (&GiftCard, &GiftCard),
        entry: &Entry,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.money_in(&mut transaction, step)?;
        self.replace(&mut transaction, before, after)?;
        append(self, &mut transaction, entry)?;
        Ok(cart::saved(&transaction.commit(self, "pay a credit out").await?))
    }

    fn replace(
        &self,
        transaction: &mut Transaction,
        before: &GiftCard,
        after: &GiftCard,
    ) -> Result<(), Fault> {
        let condition = "version = :loaded AND #balance.#amount = :amount";
        let condition =
            on_balance(condition, before.balance.amount()).value(":loaded", count(before.version));
        transaction.put(self, Table::Orders, card_item(after)?, condition)
    }

    /// Corrects a customer's store credit, if it is worth what it was when it was loaded. `before`
    /// is none for an account that is opened by it.
    pub async fn correct_store_credit(
        &self,
        before: Option<Money>,
        after: &StoreCredit,
        correction: &Correction<'_>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        credit_in(self, &mut transaction, before, after)?;
        correction.write(self, &mut transaction)?;
        Ok(cart::saved(&transaction.commit(self, "correct store credit").await?))
    }

    /// Gift cards whose time is over and was not ended yet, longest over first. The index is a
    /// little behind the table: whoever ends one loads it first.
    pub async fn overdue_gift_cards(
        &self,
        now: Timestamp,
        limit: i32,
    ) -> Result<Vec<GiftCard>, Fault> {
        let index = Some(("work", "gsi3pk", Some("gsi3sk")));
        let due = moment(now);
        let range = Range { up_to: Some(&due), limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Orders, index, ENDING, range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// Ends a gift card, with the entry of what was left on it; `Raced` where its balance or
    /// anything else of it has changed.
    pub async fn end_gift_card(
        &self,
        before: &GiftCard,
        after: &GiftCard,
        entry: Option<&Entry>,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        self.replace(&mut transaction, before, after)?;
        if let Some(entry) = entry {
            append(self, &mut transaction, entry)?;
        }
        Ok(cart::saved(&transaction.commit(self, "end a gift card").await?))
    }
}
