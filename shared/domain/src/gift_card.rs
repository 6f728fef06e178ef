//! Gift cards and store credit: money that the shop owes, spent at checkout beside the card.
//!
//! Both are accounts. What happens to one is an [`Entry`]; entries are only ever added, and their
//! sum is the balance. An order does not cost less because of a gift card: the card is a
//! [`Tender`], a part of how the order is paid. What is left is [due](Plan::due) and is paid
//! elsewhere.
//!
//! A gift card's code opens it for whoever holds it, so nothing but its hash is kept.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cart::{Cart, Owner};
use crate::currency::Currency;
use crate::id::{CustomerId, GiftCardId, GiftEntryId, OrderId, StaffId, Ulid};
use crate::money::{self, Money};

/// Gift cards of one cart. Each costs two actions of the placing transaction, and store credit two
/// more: twelve of its hundred.
pub const CARDS_MAX: usize = 5;
/// Gift cards that are issued together.
pub const BULK_MAX: u32 = 500;
/// Minor units of one gift card, and of one correction: a slipped zero is stopped here.
pub const AMOUNT_MAX: i64 = 10_000_000;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 200;
/// Random bytes of a code: 80 bits.
pub const CODE_BYTES: usize = 10;

/// Crockford's base 32: no I, L, O, U.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols that are random, five bits each.
const RANDOM_SYMBOLS: usize = 16;
const GROUP: usize = 4;

/// Where a gift card stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "GiftCardStatus")]
pub enum Status {
    /// Can be spent.
    Active,
    /// Stopped by the staff.
    Disabled,
    /// Its time is over, and so is its money.
    Expired,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 3] = [Self::Active, Self::Disabled, Self::Expired];

    /// Whether the machine has the edge `self → to`.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Active => matches!(to, Self::Disabled | Self::Expired),
            Self::Disabled => matches!(to, Self::Active | Self::Expired),
            Self::Expired => false,
        }
    }

    /// The name in conditions.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
        }
    }
}

/// A gift card's code: sixteen symbols of chance and one that tells a mistyped code without a
/// read, shown as `XXXX-XXXX-XXXX-XXXX-X`.
///
/// The seventeenth is a check over GF(2⁵): the sum of the symbols, each times its own power of a
/// generator. One wrong symbol is always noticed, and so are two that changed places.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

/// Without the code: this may end in a log.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

impl Code {
    /// The code of these random bytes.
    pub fn issue(random: [u8; CODE_BYTES]) -> Self {
        let number = random.iter().fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        let mut values: Vec<u8> =
            (0..RANDOM_SYMBOLS).map(|at| low_five(number >> (5 * at))).collect();
        values.push(check(&values));
        Self(values.into_iter().map(symbol).collect())
    }

    /// Reads a code as people type it: in any case, with or without separators, with the letters
    /// that Crockford takes for digits. None where it was mistyped.
    pub fn parse(text: &str) -> Option<Self> {
        let mut values = Vec::with_capacity(RANDOM_SYMBOLS + 1);
        for letter in text.chars().filter(|letter| !matches!(letter, '-' | ' ')) {
            let symbol = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = SYMBOLS.iter().position(|each| char::from(*each) == symbol)?;
            values.push(u8::try_from(value).ok()?);
            if values.len() > RANDOM_SYMBOLS + 1 {
                return None;
            }
        }
        let (last, random) = values.split_last()?;
        let is_whole = random.len() == RANDOM_SYMBOLS && check(random) == *last;
        is_whole.then(|| Self(values.iter().copied().map(symbol).collect()))
    }

    /// What is stored of it: SHA-256 in hex. Of 80 random bits a plain hash is enough.
    pub fn hash(&self) -> String {
        Sha256::digest(self.0.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Its last four symbols, by which its holder tells it from others.
    pub fn last4(&self) -> String {
        self.0.chars().skip(RANDOM_SYMBOLS + 1 - GROUP).collect()
    }

    /// The code in groups, to be shown once and never again.
    pub fn reveal(&self) -> String {
        let mut shown = String::with_capacity(self.0.len() + GROUP);
        for (at, letter) in self.0.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                shown.push('-');
            }
            shown.push(letter);
        }
        shown
    }
}

fn low_five(number: u128) -> u8 {
    // Five bits always fit.
    u8::try_from(number & 31).unwrap_or(0)
}

fn symbol(value: u8) -> char {
    SYMBOLS.get(usize::from(value)).copied().map_or('0', char::from)
}

/// Horner's rule with the generator 2 of GF(2⁵) modulo x⁵ + x² + 1: its first 31 powers differ.
fn check(values: &[u8]) -> u8 {
    values.iter().fold(0, |sum, value| doubled(sum ^ value))
}

const fn doubled(value: u8) -> u8 {
    let shifted = value << 1;
    if shifted & 32 == 0 { shifted } else { (shifted ^ 0b10_0101) & 31 }
}

/// A gift card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiftCard {
    /// Its id, which opens nothing.
    pub id: GiftCardId,
    /// What it was worth when it was issued.
    pub initial: Money,
    /// What it is worth.
    pub balance: Money,
    /// Where it stands.
    pub status: Status,
    /// SHA-256 (hex) of its code.
    pub code_hash: String,
    /// The last four symbols of its code.
    pub last4: String,
    /// When its time is over.
    pub expires_at: Option<Timestamp>,
    /// What the staff noted when they issued it.
    pub note: Option<String>,
    /// Who issued it.
    pub issued_by: Option<StaffId>,
    /// The order whose goods came back for it, where it is the credit of an exchange: nobody has
    /// its code, and what comes back onto it goes the way on which that order was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_of: Option<OrderId>,
    /// Rises with every change by the staff; spending is no change.
    pub version: u64,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When the staff last changed it.
    pub updated_at: Timestamp,
}

/// What a new gift card shall be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it is worth.
    pub amount: Money,
    /// When its time is over.
    pub expires_at: Option<Timestamp>,
    /// What the staff note about it.
    pub note: Option<String>,
}

/// A customer's store credit in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCredit {
    /// Whose it is.
    pub customer: CustomerId,
    /// What it is worth.
    pub balance: Money,
}

/// Whose money an entry moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// A gift card's.
    GiftCard(GiftCardId),
    /// A customer's store credit.
    StoreCredit(CustomerId),
}

/// What an entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "GiftCardEntryKind")]
pub enum EntryKind {
    /// The gift card came into the world.
    Issued,
    /// An order was paid with it.
    Redeemed,
    /// The order came to nothing, and the money is back.
    Returned,
    /// The staff corrected it.
    Adjusted,
    /// Its time was over.
    Expired,
}

/// A fact of the append-only ledger of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id. An order's follow from the order, so that the same redemption counts once.
    pub id: GiftEntryId,
    /// Whose money it is.
    pub account: Account,
    /// What happened.
    pub kind: EntryKind,
    /// By how much the balance rose; below zero, fell.
    pub amount: Money,
    /// The order that was paid.
    pub order: Option<OrderId>,
    /// Who did it, where a person did.
    pub by: Option<StaffId>,
    /// Why, where a person did.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What the entries of an account come to in a currency.
pub fn balance(currency: Currency, entries: &[Entry]) -> Result<Money, money::Refusal> {
    let amounts = entries.iter().map(|entry| entry.amount);
    Money::sum(currency, amounts.filter(|amount| amount.currency() == currency))
}

/// Why a gift card or a credit is not used or not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is none with this code, or it is empty, stopped or too old. Which of them is nobody's
    /// business but its holder's.
    Unusable,
    /// It is in another currency than the cart.
    OtherCurrency {
        /// The gift card's.
        currency: Currency,
    },
    /// The cart holds [`CARDS_MAX`] of them.
    TooMany,
    /// The cart has no such gift card.
    NotInCart,
    /// Guests have no store credit.
    NoAccount,
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// It would be worth less than nothing.
    BelowZero {
        /// What it is worth.
        balance: Money,
    },
    /// It would be worth more than [`AMOUNT_MAX`].
    TooMuch,
    /// A correction of nothing.
    NoAmount,
    /// Its time would be over before it begins.
    AlreadyExpired,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unusable => "gift_card_unusable",
            Self::OtherCurrency { .. } => "gift_card_other_currency",
            Self::TooMany => "too_many_gift_cards",
            Self::NotInCart => "gift_card_not_found",
            Self::NoAccount => "store_credit_needs_account",
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::BelowZero { .. } => "balance_too_small",
            Self::TooMuch => "balance_too_large",
            Self::NoAmount => "no_amount",
            Self::AlreadyExpired => "already_expired",
        }
    }
}

/// What only the outside can give to an entry that the staff make.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// The entry's id.
    pub entry: GiftEntryId,
    /// Who does it; nobody, where time does.
    pub by: Option<StaffId>,
    /// When.
    pub now: Timestamp,
}

impl Fresh {
    fn entry(self, account: Account, kind: EntryKind, amount: Money) -> Entry {
        let Self { entry: id, by, now: at } = self;
        Entry { id, account, kind, amount, order: None, by, reason: None, at }
    }
}

impl GiftCard {
    /// A new gift card, and its first entry.
    pub fn issue(
        id: GiftCardId,
        code: &Code,
        wanted: Wanted,
        fresh: Fresh,
    ) -> Result<(Self, Entry), Refusal> {
        let Wanted { amount, expires_at, note } = wanted;
        if !amount.is_positive() {
            return Err(Refusal::NoAmount);
        }
        if amount.amount() > AMOUNT_MAX {
            return Err(Refusal::TooMuch);
        }
        if expires_at.is_some_and(|at| at <= fresh.now) {
            return Err(Refusal::AlreadyExpired);
        }
        let card = Self {
            id,
            initial: amount,
            balance: amount,
            status: Status::Active,
            code_hash: code.hash(),
            last4: code.last4(),
            expires_at,
            note,
            issued_by: fresh.by,
            exchange_of: None,
            version: 0,
            created_at: fresh.now,
            updated_at: fresh.now,
        };
        let entry = fresh.entry(card.account(), EntryKind::Issued, amount);
        Ok((card, entry))
    }

    /// The credit of an exchange: what goods of that order were worth and a replacement takes at
    /// once, so that nothing is left on it. Its code is nobody's. Its time is over from the
    /// beginning: what comes back onto it can not be spent.
    pub(crate) fn of_exchange(
        id: GiftCardId,
        code: &Code,
        (amount, order, number): (Money, OrderId, &str),
        fresh: Fresh,
    ) -> (Self, Entry) {
        let card = Self {
            id,
            initial: amount,
            balance: Money::zero(amount.currency()),
            status: Status::Active,
            code_hash: code.hash(),
            last4: code.last4(),
            expires_at: Some(fresh.now),
            note: Some(format!("Exchange of {number}")),
            issued_by: fresh.by,
            exchange_of: Some(order),
            version: 0,
            created_at: fresh.now,
            updated_at: fresh.now,
        };
        let entry = fresh.entry(card.account(), EntryKind::Issued, amount);
        (card, entry)
    }

    /// Takes off the credit of an exchange what came back onto it; nothing where nothing did.
    pub fn pay_out(self, fresh: Fresh) -> Option<(Self, Entry)> {
        if self.exchange_of.is_none() || !self.balance.is_positive() {
            return None;
        }
        let (nothing, minor) = (Money::zero(self.balance.currency()), self.balance.amount());
        let amount = Money::new(-minor, self.balance.currency());
        let entry = fresh.entry(self.account(), EntryKind::Adjusted, amount);
        Some((Self { balance: nothing, updated_at: fresh.now, ..self }, entry))
    }

    /// The account that its entries belong to.
    pub const fn account(&self) -> Account {
        Account::GiftCard(self.id)
    }

    /// Whether it can be spent: whole, in time and worth something.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.status == Status::Active && !self.is_over(now) && self.balance.is_positive()
    }

    /// Whether its time is over, whatever was written of that.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// What a cart sees of it. One that can not be spent is worth nothing there.
    pub fn wallet(&self, now: Timestamp) -> Wallet {
        let nothing = Money::zero(self.balance.currency());
        let balance = if self.is_usable(now) { self.balance } else { nothing };
        let (id, last4, expires_at) = (self.id, self.last4.clone(), self.expires_at);
        let is_exchange = self.exchange_of.is_some();
        Wallet { source: Source::GiftCard { id, last4, expires_at, is_exchange }, balance }
    }

    /// Stops it, or lets it be spent again.
    pub fn switch(self, to: Status, now: Timestamp) -> Result<Self, Refusal> {
        let from = self.status;
        if from.may_become(to) && to != Status::Expired {
            return Ok(Self { status: to, updated_at: now, ..self });
        }
        Err(Refusal::InvalidTransition { from, to })
    }

    /// Corrects it by an amount, with a reason.
    pub fn adjust(
        self,
        amount: Money,
        reason: String,
        fresh: Fresh,
    ) -> Result<(Self, Entry), Refusal> {
        if self.status == Status::Expired {
            let to = Status::Active;
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        let balance = adjusted(self.balance, amount)?;
        let entry = fresh.entry(self.account(), EntryKind::Adjusted, amount);
        let card = Self { balance, updated_at: fresh.now, ..self };
        Ok((card, Entry { reason: Some(reason), ..entry }))
    }

    /// Ends it, where its time is over: what is left on it is nobody's, and an entry says so.
    /// A card that is over and got money back from an order that came to nothing ends once more.
    pub fn expire(self, fresh: Fresh) -> Option<(Self, Option<Entry>)> {
        if !self.is_over(fresh.now) {
            return None;
        }
        let entry = self.balance.is_positive().then(|| {
            let amount = Money::new(-self.balance.amount(), self.balance.currency());
            fresh.entry(self.account(), EntryKind::Expired, amount)
        });
        let balance = Money::zero(self.balance.currency());
        Some((Self { balance, status: Status::Expired, updated_at: fresh.now, ..self }, entry))
    }
}

impl StoreCredit {
    /// An account that nobody put anything into yet.
    pub const fn empty(customer: CustomerId, currency: Currency) -> Self {
        Self { customer, balance: Money::zero(currency) }
    }

    /// Gives or takes, with a reason.
    pub fn adjust(
        self,
        amount: Money,
        reason: String,
        fresh: Fresh,
    ) -> Result<(Self, Entry), Refusal> {
        let balance = adjusted(self.balance, amount)?;
        let account = Account::StoreCredit(self.customer);
        let entry = fresh.entry(account, EntryKind::Adjusted, amount);
        Ok((Self { balance, ..self }, Entry { reason: Some(reason), ..entry }))
    }

    /// What a cart sees of it.
    pub const fn wallet(&self) -> Wallet {
        let source = Source::StoreCredit { customer: self.customer };
        Wallet { source, balance: self.balance }
    }
}

fn adjusted(balance: Money, amount: Money) -> Result<Money, Refusal> {
    if amount.is_zero() {
        return Err(Refusal::NoAmount);
    }
    let after = balance.add(amount).map_err(|refusal| match refusal {
        money::Refusal::CurrencyMismatch => Refusal::OtherCurrency { currency: balance.currency() },
        money::Refusal::Overflow
        | money::Refusal::NothingToAllocateTo
        | money::Refusal::DivisionByZero
        | money::Refusal::Negative => Refusal::TooMuch,
    })?;
    if after.is_negative() {
        return Err(Refusal::BelowZero { balance });
    }
    if after.amount() > AMOUNT_MAX && amount.is_positive() {
        return Err(Refusal::TooMuch);
    }
    Ok(after)
}

/// Where a tender's money comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A gift card.
    GiftCard {
        /// Which.
        id: GiftCardId,
        /// The last four symbols of its code.
        last4: String,
        /// When its time is over.
        expires_at: Option<Timestamp>,
        /// Whether it is the credit of an exchange.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_exchange: bool,
    },
    /// A customer's store credit.
    StoreCredit {
        /// Whose.
        customer: CustomerId,
    },
}

impl Source {
    /// The account behind it.
    pub const fn account(&self) -> Account {
        match self {
            Self::GiftCard { id, .. } => Account::GiftCard(*id),
            Self::StoreCredit { customer } => Account::StoreCredit(*customer),
        }
    }

    /// Whose turn it is: what ends first is spent first, and what never ends last.
    fn turn(&self) -> (Timestamp, Account) {
        let ends_at = match self {
            Self::GiftCard { expires_at, .. } => *expires_at,
            Self::StoreCredit { .. } => None,
        };
        (ends_at.unwrap_or(Timestamp::MAX), self.account())
    }
}

/// A gift card or a credit as a cart has seen it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// What it is.
    pub source: Source,
    /// What could be spent of it.
    pub balance: Money,
}

/// A part of an order's total that is paid with a gift card or a credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tender {
    /// From where.
    pub source: Source,
    /// How much; above zero.
    pub amount: Money,
    /// What of it was refunded since: minor units of the same currency.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub refunded: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_nothing(minor: &i64) -> bool {
    *minor == 0
}

impl Tender {
    /// What was not refunded, in minor units.
    pub const fn left(&self) -> i64 {
        self.amount.amount() - self.refunded
    }
}

/// How a total is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// With gift cards and credit.
    pub tenders: Vec<Tender>,
    /// What is left to be paid by card.
    pub due: Money,
    /// What could have been paid with gift cards and is left to the card, because a card payment
    /// has a minimum and a smallest step.
    pub withheld: Money,
}

/// Spends wallets on a total: what ends first goes first, then the smaller one, so that cards
/// become empty instead of many; store credit, which never ends, goes last. The order in which
/// they were added to the cart does not matter.
///
/// Where less than a card payment's minimum would be left, the minimum is left: the last tender
/// pays less.
pub fn plan(total: Money, wallets: &[Wallet]) -> Plan {
    let currency = total.currency();
    let mut usable: Vec<&Wallet> = wallets
        .iter()
        .filter(|wallet| wallet.balance.currency() == currency && wallet.balance.is_positive())
        .collect();
    usable.sort_by_key(|wallet| {
        let (ends_at, account) = wallet.source.turn();
        let is_credit = matches!(account, Account::StoreCredit(_));
        (ends_at, is_credit, wallet.balance.amount(), account)
    });
    let mut due = total.amount();
    let mut tenders = Vec::new();
    for wallet in usable.into_iter().take(CARDS_MAX + 1) {
        let amount = wallet.balance.amount().min(due);
        if amount > 0 {
            due -= amount;
            let amount = Money::new(amount, currency);
            tenders.push(Tender { source: wallet.source.clone(), amount, refunded: 0 });
        }
    }
    let wanted = chargeable(due, currency);
    // A total that can not be charged as it stands is refused where the order is placed.
    let withheld = if wanted <= total.amount() { wanted - due } else { 0 };
    give_back(&mut tenders, withheld);
    let (due, withheld) = (Money::new(due + withheld, currency), Money::new(withheld, currency));
    Plan { tenders, due, withheld }
}

/// The least that can be charged and is not less than this.
fn chargeable(due: i64, currency: Currency) -> i64 {
    if due == 0 {
        return 0;
    }
    let least = due.max(currency.stripe_minimum().unwrap_or(0));
    let step = currency.stripe_step();
    least.saturating_add(step - 1) / step * step
}

/// Takes so much out of the tenders, from the last one on.
fn give_back(tenders: &mut Vec<Tender>, amount: i64) {
    let mut left = amount;
    while left > 0
        && let Some(last) = tenders.pop()
    {
        let kept = (last.amount.amount() - left).max(0);
        left -= last.amount.amount() - kept;
        if kept > 0 {
            let amount = Money::new(kept, last.amount.currency());
            tenders.push(Tender { amount, ..last });
        }
    }
}

/// The tenders of an order, and whether their money is with the order or back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tendering {
    /// What was planned when the order was placed; it does not change.
    pub tenders: Vec<Tender>,
    /// Whether the money went back: the order came to nothing.
    pub is_returned: bool,
    /// How often the money was taken: once more for a payment that came late.
    pub round: u32,
}

impl Tendering {
    /// Tenders whose money is taken as the order is placed.
    pub const fn of(tenders: Vec<Tender>) -> Self {
        Self { tenders, is_returned: false, round: 1 }
    }

    /// What is paid by them, in minor units of the order's currency.
    pub fn paid(&self) -> i64 {
        if self.is_returned { 0 } else { self.planned() }
    }

    /// What of it went back by refunds, in minor units of the order's currency.
    pub fn refunded(&self) -> i64 {
        if self.is_returned { 0 } else { self.tenders.iter().map(|tender| tender.refunded).sum() }
    }

    /// What they were to pay, in minor units of the order's currency.
    pub fn planned(&self) -> i64 {
        self.tenders.iter().map(|tender| tender.amount.amount()).sum()
    }

    /// The money goes back; nothing happens where it is back.
    #[must_use]
    pub fn give_back(self) -> Self {
        Self { is_returned: true, ..self }
    }

    /// The money is taken, once more where it went back.
    #[must_use]
    pub fn take_again(self) -> Self {
        let round = if self.is_returned { self.round + 1 } else { self.round };
        Self { is_returned: false, round, ..self }
    }

    /// The entries that lead from `before` to this, one for each tender; what was refunded
    /// meanwhile is not given back once more. A new order has nothing before it.
    pub fn since(&self, before: Option<&Self>, order: OrderId, at: Timestamp) -> Vec<Entry> {
        let was_paid = before.is_some_and(|before| !before.is_returned);
        let kind = match (was_paid, self.is_returned) {
            (false, false) => EntryKind::Redeemed,
            (true, true) => EntryKind::Returned,
            (true, false) | (false, true) => return Vec::new(),
        };
        self.tenders.iter().map(|tender| self.entry(tender, kind, order, at)).collect()
    }

    fn entry(&self, tender: &Tender, kind: EntryKind, order: OrderId, at: Timestamp) -> Entry {
        let is_back = kind == EntryKind::Returned;
        let minor = tender.left();
        let amount = Money::new(if is_back { minor } else { -minor }, tender.amount.currency());
        let mark = u128::from(self.round) * 2 + u128::from(is_back);
        let ulid = order.ulid();
        let id = Ulid::from_parts(ulid.timestamp_ms(), ulid.random() ^ mark);
        Entry {
            id: GiftEntryId::from_ulid(id),
            account: tender.source.account(),
            kind,
            amount,
            order: Some(order),
            by: None,
            reason: None,
            at,
        }
    }
}

impl Cart {
    /// Pays with a gift card; one that the cart has is seen anew.
    pub fn use_gift_card(mut self, card: &GiftCard, now: Timestamp) -> Result<Self, Refusal> {
        if !card.is_usable(now) {
            return Err(Refusal::Unusable);
        }
        if card.balance.currency() != self.currency {
            return Err(Refusal::OtherCurrency { currency: card.balance.currency() });
        }
        let wallet = card.wallet(now);
        if let Some(known) = self.wallet_mut(card.account()) {
            *known = wallet;
            return Ok(self);
        }
        if self.gift_cards().count() >= CARDS_MAX {
            return Err(Refusal::TooMany);
        }
        self.wallets.push(wallet);
        Ok(self)
    }

    /// Does not pay with a gift card after all.
    pub fn drop_gift_card(mut self, id: GiftCardId) -> Result<Self, Refusal> {
        let before = self.wallets.len();
        self.wallets.retain(|wallet| wallet.source.account() != Account::GiftCard(id));
        if self.wallets.len() == before { Err(Refusal::NotInCart) } else { Ok(self) }
    }

    /// Pays with so much store credit as its customer has, or, where none is given, does not.
    pub fn use_store_credit(mut self, balance: Option<Money>) -> Result<Self, Refusal> {
        let Owner::Customer(customer) = self.owner else { return Err(Refusal::NoAccount) };
        let account = Account::StoreCredit(customer);
        self.wallets.retain(|wallet| wallet.source.account() != account);
        if let Some(balance) = balance {
            self.wallets.push(StoreCredit { customer, balance }.wallet());
        }
        Ok(self)
    }

    /// The cart with what its gift cards and its credit are worth by now. What is not among the
    /// facts is worth nothing.
    #[must_use]
    pub fn seen(mut self, cards: &[GiftCard], credits: &[StoreCredit], now: Timestamp) -> Self {
        let nothing = Money::zero(self.currency);
        for wallet in &mut self.wallets {
            let balance = match wallet.source {
                Source::GiftCard { id, .. } => {
                    cards.iter().find(|card| card.id == id).map(|card| card.wallet(now).balance)
                }
                Source::StoreCredit { customer } => credits
                    .iter()
                    .map(|credit| (credit.customer, credit.balance))
                    .find(|(whose, money)| *whose == customer && money.currency() == self.currency)
                    .map(|(_, balance)| balance),
            };
            wallet.balance = balance.unwrap_or(nothing);
        }
        self
    }

    /// Takes over what another cart was to be paid with, as far as it fits.
    pub(crate) fn take_wallets(&mut self, other: &Self) {
        for wallet in other.wallets.iter().filter(|w| matches!(w.source, Source::GiftCard { .. })) {
            let is_known = self.wallet_mut(wallet.source.account()).is_some();
            if !is_known && self.gift_cards().count() < CARDS_MAX {
                self.wallets.push(wallet.clone());
            }
        }
    }

    fn gift_cards(&self) -> impl Iterator<Item = &Wallet> {
        self.wallets.iter().filter(|wallet| matches!(wallet.source, Source::GiftCard { .. }))
    }

    fn wallet_mut(&mut self, account: Account) -> Option<&mut Wallet> {
        self.wallets.iter_mut().find(|wallet| wallet.source.account() == account)
    }
}

#[cfg(test)]
mod tests;
