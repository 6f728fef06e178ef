//! Edits: what staff change about an order after it was placed, as far as its buyer agrees.
//!
//! What is taken off is called off as units always are, at the price of their line. What is added
//! is an order of its own, placed as orders are: priced by the catalogue of the day, taxed, held,
//! invoiced, paid and sent. What the units that were taken off are worth pays for it first, by a
//! credit between the two orders whose code nobody has, as for an exchange; the rest goes back, or
//! is left to be paid. So an order keeps its one payment and its one invoice, and nothing that was
//! added leaves before it is paid.
//!
//! An edit is decided three times by the same function: when it is looked at, when it is proposed,
//! and when it is applied. What it costs stands still from the proposal on; what an order has
//! become meanwhile does not. Where the two do not fit any more the edit came to nothing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::cart::{self, Cart, PricedCart};
use crate::catalog::{Kind, Offer, Sku};
use crate::draft::Deal;
use crate::fulfillment::Fulfillment;
use crate::gift_card::{self, Entry, GiftCard, Source, Wallet};
use crate::id::{CartId, GiftCardId, LineId, OrderId, OrderLineId, RefundId, StaffId, VariantId};
use crate::line_cancel::{self, Editing, Off, Units, Worth};
use crate::money::Money;
use crate::order::{self, Order, Placement};
use crate::payment::Payment;
use crate::pricing::Priced;
use crate::promotion::engine::Outcome;
use crate::promotion::in_cart::Promoted;
use crate::promotion::on_offer::OnOffer;
use crate::refund::{self, Changed, Exchanged, Refund};
use crate::returns::exchange::{self, Fresh, PAID_WITHIN, Replacement};
use crate::shipping::{ShippingOption, ShippingTable};
use crate::tax::{Reason, TaxTable};

/// Edits of one order: the order's rows are read together.
pub const EDITS_MAX: u32 = 50;
/// Lines that one edit takes units off: each gives stock back in the one write that applies it.
pub const REMOVALS_MAX: usize = 20;
/// Different goods that one edit adds: each is a line of an order and a hold of stock.
pub const ADDITIONS_MAX: usize = exchange::REPLACEMENTS_MAX;
/// How many days the buyer has, unless staff say otherwise.
pub const DAYS: u8 = 3;
/// How many days they have at most: prices stand still meanwhile.
pub const DAYS_MAX: u8 = 14;
/// Characters of what staff tell the buyer.
pub const MESSAGE_CHARS_MAX: usize = 1_000;
/// Hours of a day: a deadline is counted on the clock, not in a calendar.
const DAY_HOURS: i64 = 24;

/// Where an edit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OrderEditStatus")]
pub enum Status {
    /// The buyer, or somebody of the staff, has to say yes.
    Open,
    /// It is done.
    Applied,
    /// The buyer said no.
    Declined,
    /// Staff took it back.
    Withdrawn,
    /// Nobody said anything in time.
    Expired,
    /// The order has become another one meanwhile.
    Superseded,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Applied,
        Self::Declined,
        Self::Withdrawn,
        Self::Expired,
        Self::Superseded,
    ];

    /// Whether the machine has the edge `self → to`.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Open => !matches!(to, Self::Open),
            Self::Applied | Self::Declined | Self::Withdrawn | Self::Expired | Self::Superseded => {
                false
            }
        }
    }

    /// The name in documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Applied => "applied",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }
}

/// Goods that are to be added.
#[derive(Debug, Clone)]
pub struct Addition {
    /// What, and how many.
    pub goods: Replacement,
    /// What one costs, in place of the catalogue's price.
    pub unit_price: Option<Money>,
}

/// Goods that an edit adds, with what they cost.
#[derive(Debug, Clone)]
pub struct Goods {
    /// The goods, in a cart that nobody sees.
    pub cart: Cart,
    /// What they cost.
    pub priced: PricedCart,
}

/// What goods cost from the proposal on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// The goods.
    pub lines: Vec<cart::Line>,
    /// All prices, one line for each of the goods.
    pub priced: Priced,
    /// Why they are taxed as they are.
    pub tax_reason: Reason,
}

/// What an edit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// What the units cost that are taken off.
    pub removed: Money,
    /// What the goods cost that are added, with their tax.
    pub added: Money,
    /// What of the first pays for the second.
    pub credit: Money,
    /// What goes back: to gift cards that had paid, and by the provider.
    pub back: Money,
    /// What is not due any more: nobody had paid it yet, or it went back before.
    pub not_due: Money,
    /// What is left to be paid.
    pub due: Money,
}

/// What an edit made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The refund of what was taken off, where something goes back or pays for what was added.
    pub refund: Option<RefundId>,
    /// The order of what was added.
    pub order: Option<OrderId>,
    /// What people call it.
    pub number: Option<String>,
}

/// An edit of an order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Of which order.
    pub order: OrderId,
    /// Which of its edits, counted from 1.
    pub number: u32,
    /// Where it stands.
    pub status: Status,
    /// Units that are taken off.
    pub removed: Vec<Units>,
    /// Goods that are added.
    pub added: Option<Agreed>,
    /// What it comes to.
    pub sums: Sums,
    /// Why, as staff said it.
    pub reason: String,
    /// What staff tell the buyer.
    pub message: Option<String>,
    /// SHA-256 (hex) of the token of the link that was mailed; none where none was.
    pub token_hash: Option<String>,
    /// Who proposed it.
    pub by: Actor,
    /// Who of the staff answers for that.
    pub responsible: StaffId,
    /// Until when it can be agreed to.
    pub until: Timestamp,
    /// What came of it.
    pub made: Option<Made>,
    /// What the buyer said when they declined.
    pub answer: Option<String>,
    /// Who closed it.
    pub closed_by: Option<Actor>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Rises with every write.
    pub version: u64,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Without what people say, and without the token's hash: this may end in a log.
impl std::fmt::Debug for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Edit({}, {}, {:?}, version {})",
            self.order, self.number, self.status, self.version
        )
    }
}

/// Why an order is not edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is taken off and nothing is added.
    Nothing,
    /// The order is not placed, is held, or is over.
    NotPlaced {
        /// Where it stands.
        status: order::Status,
    },
    /// All of it has left.
    AllSent,
    /// Something stands there twice: it is added, or taken off and added.
    Twice {
        /// What.
        sku: Sku,
    },
    /// A price is in another currency than the order: of which of the goods.
    OtherCurrency(usize),
    /// An edit of it is open: that is closed first.
    EditOpen {
        /// Which one.
        number: u32,
    },
    /// It was edited as often as may be.
    TooOften,
    /// It is closed.
    Closed {
        /// Where it stands.
        status: Status,
    },
    /// It can not be agreed to any more.
    Late {
        /// Since when.
        until: Timestamp,
    },
    /// The order has become another one since it was proposed.
    Superseded,
    /// The buyer pays for it: they have to say yes.
    ApprovalRequired {
        /// How much.
        due: Money,
    },
    /// It does not cost what was seen.
    TotalChanged {
        /// What would be left to be paid.
        due: Money,
    },
    /// Units can not be taken off.
    Removal(line_cancel::Refusal),
    /// Goods can not be added.
    Addition(cart::Refusal),
    /// Money can not go back.
    Refund(refund::Refusal),
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "edit_empty",
            Self::NotPlaced { .. } => "order_not_placed",
            Self::AllSent => "already_fulfilled",
            Self::Twice { .. } => "sku_twice",
            Self::OtherCurrency(_) => "currency_mismatch",
            Self::EditOpen { .. } => "edit_open",
            Self::TooOften => "too_many_edits",
            Self::Closed { .. } => "edit_closed",
            Self::Late { .. } => "edit_expired",
            Self::Superseded => "edit_superseded",
            Self::ApprovalRequired { .. } => "approval_required",
            Self::TotalChanged { .. } => "total_changed",
            Self::Removal(refusal) => refusal.code(),
            Self::Addition(refusal) => refusal.code(),
            Self::Refund(refusal) => refusal.code(),
        }
    }

    /// Whether an edit of which this is said can not be applied any more, whatever happens.
    pub const fn is_final(&self) -> bool {
        use line_cancel::Refusal as Off;
        match self {
            Self::NotPlaced { status } => match status {
                order::Status::Canceled | order::Status::Expired | order::Status::Completed => true,
                // What is looked at goes on, most often.
                order::Status::PendingPayment | order::Status::Placed | order::Status::OnHold => {
                    false
                }
            },
            Self::AllSent | Self::Superseded => true,
            Self::Removal(refusal) => match refusal {
                Off::NotPlaced { .. }
                | Off::UnknownLine(_)
                | Off::LineTwice(_)
                | Off::TooMany { .. }
                | Off::EntireOrder
                | Off::TooOften => true,
                // A parcel is called off, money arrives.
                Off::InParcel { .. }
                | Off::CaptureUnderway
                | Off::MoneyUndecided
                | Off::Refund(_) => false,
            },
            Self::Nothing
            | Self::Twice { .. }
            | Self::OtherCurrency(_)
            | Self::EditOpen { .. }
            | Self::TooOften
            | Self::Closed { .. }
            | Self::Late { .. }
            | Self::ApprovalRequired { .. }
            | Self::TotalChanged { .. }
            | Self::Addition(_)
            | Self::Refund(_) => false,
        }
    }
}

impl From<line_cancel::Refusal> for Refusal {
    fn from(refusal: line_cancel::Refusal) -> Self {
        Self::Removal(refusal)
    }
}

impl From<cart::Refusal> for Refusal {
    fn from(refusal: cart::Refusal) -> Self {
        Self::Addition(refusal)
    }
}

impl From<refund::Refusal> for Refusal {
    fn from(refusal: refund::Refusal) -> Self {
        Self::Refund(refusal)
    }
}

impl From<exchange::Refusal> for Refusal {
    fn from(refusal: exchange::Refusal) -> Self {
        match refusal {
            exchange::Refusal::NothingWanted | exchange::Refusal::NothingToCredit => Self::Nothing,
            exchange::Refusal::Refund(refusal) => Self::Refund(refusal),
            exchange::Refusal::Order(refusal) => Self::Addition(refusal),
        }
    }
}

/// An order as it was loaded, with what lies with it.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its parcels.
    pub parcels: &'a [Fulfillment],
    /// Its payment.
    pub payment: Option<&'a Payment>,
    /// Its refunds.
    pub refunds: &'a [Refund],
}

/// The order of what is added, as it shall be.
#[derive(Debug, Clone)]
pub struct Added {
    /// The order, with its payment where something is due.
    pub placement: Placement,
    /// The credit between the two orders, that it was given and that it was spent; none where
    /// nothing of what is added is paid by what is taken off.
    pub credit: Option<(GiftCard, Vec<Entry>)>,
}

/// An order after an edit.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The order.
    pub order: Order,
    /// The order with the refund of what was taken off, where there is one.
    pub changed: Option<Changed>,
    /// Which units were taken off.
    pub removed: Vec<Units>,
    /// The order of what was added.
    pub added: Option<Added>,
    /// What it comes to.
    pub sums: Sums,
}

impl Decided {
    /// What it makes.
    pub fn made(&self) -> Made {
        let placed = self.added.as_ref().map(|added| &added.placement.order);
        Made {
            refund: self.changed.as_ref().map(|changed| changed.refund.id),
            order: placed.map(|order| order.id),
            number: placed.map(|order| order.number.clone()),
        }
    }
}

impl Goods {
    /// Reads what is to be added against the catalogue of the day; each kind of goods once. None
    /// where nothing is. Promotions are for purchases and take nothing off it.
    pub fn read(
        order: &Order,
        id: CartId,
        (wanted, reason): (&[Addition], &str),
        offers: impl Fn(&Sku) -> Option<Offer>,
        line: impl FnMut() -> LineId,
        (shipping, tax, now): (&ShippingTable, &TaxTable, Timestamp),
    ) -> Result<Option<Self>, Refusal> {
        if wanted.is_empty() {
            return Ok(None);
        }
        for (at, one) in wanted.iter().enumerate() {
            if wanted.iter().take(at).any(|other| other.goods.sku == one.goods.sku) {
                return Err(Refusal::Twice { sku: one.goods.sku.clone() });
            }
            if one.unit_price.is_some_and(|price| price.currency() != order.currency) {
                return Err(Refusal::OtherCurrency(at));
            }
        }
        let goods: Vec<Replacement> = wanted.iter().map(|one| one.goods.clone()).collect();
        let cart = exchange::fill(exchange::cart(order, id, now), &goods, &offers, line, now)?;
        let deal = |(one, line): (&Addition, &cart::Line)| Deal {
            line: line.id,
            unit_price: one.unit_price,
            discount: None,
            reason: reason.to_owned(),
        };
        let deals: Vec<Deal> = wanted.iter().zip(&cart.lines).map(deal).collect();
        let of_lines = wanted.iter().map(|one| offers(&one.goods.sku)).collect();
        let nothing_off = OnOffer::default();
        let priced =
            cart.price_by(of_lines, (shipping, tax), (&nothing_off, deals.as_slice()), now)?;
        Ok(Some(Self { cart, priced }))
    }

    /// What was agreed on, as goods of this moment: the prices stand still, what is for sale does
    /// not.
    pub fn again(
        order: &Order,
        id: CartId,
        agreed: &Agreed,
        offers: impl Fn(VariantId) -> Option<Offer>,
        now: Timestamp,
    ) -> Self {
        let cart = Cart { lines: agreed.lines.clone(), ..exchange::cart(order, id, now) };
        let of_lines: Vec<_> = cart.lines.iter().map(|line| offers(line.variant)).collect();
        let outcome = Outcome::nothing(order.currency, agreed.priced.lines.len());
        let priced = PricedCart {
            offers: of_lines,
            priced: agreed.priced.clone(),
            shipping: None,
            tax_reason: agreed.tax_reason,
            promoted: Promoted { outcome, applied: Vec::new() },
        };
        Self { cart, priced }
    }

    /// What stands still from a proposal on.
    fn agreed(&self) -> Agreed {
        Agreed {
            lines: self.cart.lines.clone(),
            priced: self.priced.priced.clone(),
            tax_reason: self.priced.tax_reason,
        }
    }
}

/// What an order would be after an edit with this number; nothing is written.
pub fn decide(
    of: Of<'_>,
    removals: &[(OrderLineId, u32)],
    goods: Option<Goods>,
    number: u32,
    fresh: Fresh,
) -> Result<Decided, Refusal> {
    may_be_edited(of.order)?;
    if removals.is_empty() && goods.is_none() {
        return Err(Refusal::Nothing);
    }
    if let Some(goods) = &goods {
        each_once(of.order, removals, &goods.cart)?;
    }
    let currency = of.order.currency;
    let money = |minor| Money::new(minor, currency);
    let mut editing = Editing { number, adds: goods.is_some(), credit: None };
    let worth = match removals {
        [] => Worth::default(),
        some => {
            let why = (&editing, &fresh.refund);
            of.order.worth_of_units(of.parcels, of.payment, some, why)?
        }
    };
    let total = goods.as_ref().map_or(money(0), |goods| goods.priced.priced.totals.total);
    let credit = money(credit(of.order, worth.exchangeable, total));
    let sums = Sums {
        removed: money(worth.cost()),
        added: total,
        credit,
        back: money(worth.back - credit.amount()),
        not_due: money(worth.cost() - worth.back),
        due: money(total.amount() - credit.amount()),
    };
    if credit.is_positive() {
        let (order, gift_card) = (fresh.order.order, fresh.card);
        editing.credit = Some(Exchanged { order, gift_card, amount: credit });
    }
    let refund = fresh.refund.clone();
    let added = goods.map(|goods| add(of.order, goods, credit, fresh)).transpose()?;
    let (order, changed) = match removals {
        // Its version has to rise: whoever calls it off or sends it meanwhile is asked again.
        [] => (Order { updated_at: refund.now, ..of.order.clone() }, None),
        some => {
            let paid = (of.payment, of.refunds.len());
            match of.order.cancel_units_for(of.parcels, paid, some, editing, refund)? {
                Off::WithoutMoney(order) => (*order, None),
                Off::WithMoney(changed) => {
                    changed.spares(of.order, of.refunds)?;
                    (changed.order.clone(), Some(*changed))
                }
            }
        }
    };
    Ok(Decided { order, changed, removed: worth.units, added, sums })
}

/// Whether an order may be edited: it is placed, and something of it is still to be sent.
fn may_be_edited(order: &Order) -> Result<(), Refusal> {
    if order.status != order::Status::Placed {
        return Err(Refusal::NotPlaced { status: order.status });
    }
    let is_here =
        |line: &order::OrderLine| line.quantity > line.canceled.saturating_add(line.fulfilled);
    if order.lines.iter().any(is_here) { Ok(()) } else { Err(Refusal::AllSent) }
}

/// What is taken off and added at once would be one unit of stock that moves twice in one write:
/// then only the difference is said.
fn each_once(order: &Order, removals: &[(OrderLineId, u32)], cart: &Cart) -> Result<(), Refusal> {
    let is_removed =
        |line: &&order::OrderLine| removals.iter().any(|(removed, _)| *removed == line.id);
    for line in order.lines.iter().filter(is_removed) {
        if cart.lines.iter().any(|added| added.sku == line.sku) {
            return Err(Refusal::Twice { sku: line.sku.clone() });
        }
    }
    Ok(())
}

/// How much of what would go back pays for what is added. A card is never charged less than the
/// provider's minimum: a smaller difference is made up by giving a little back.
fn credit(order: &Order, exchangeable: i64, total: Money) -> i64 {
    let balance = Money::new(exchangeable.max(0), order.currency);
    // Its source is of no matter to the sums.
    let source = Source::GiftCard {
        id: GiftCardId::from_ulid(order.id.ulid()),
        last4: String::new(),
        expires_at: None,
        is_exchange: true,
    };
    let paying = gift_card::plan(total, &[Wallet { source, balance }]);
    total.amount() - paying.due.amount()
}

/// Places the order of what is added.
fn add(of: &Order, goods: Goods, credit: Money, fresh: Fresh) -> Result<Added, Refusal> {
    let Goods { mut cart, mut priced } = goods;
    let Fresh { order: placing, card, code, entry, .. } = fresh;
    let now = placing.now;
    let given = credit
        .is_positive()
        .then(|| GiftCard::of_exchange(card, &code, (credit, of.id, &of.number), entry));
    let wallet = |(card, _): &(GiftCard, Entry)| Wallet { balance: credit, ..card.wallet(now) };
    cart.wallets = given.iter().map(wallet).collect();
    if priced.offers.iter().flatten().any(|offer| offer.kind == Kind::Physical) {
        // It goes the way that the order goes, and the way costs nothing.
        let nothing = Money::zero(of.currency);
        let way = of.shipping.clone();
        priced.shipping = way.map(|way| ShippingOption { price: nothing, window: None, ..way });
        cart.shipping_option = priced.shipping.as_ref().map(|way| way.id.clone());
    }
    let total = priced.priced.totals.total;
    let mut placement = Order::place(cart, priced, total, &placing)?;
    let placed = &mut placement.order;
    placed.exchange_of = Some(of.id);
    placed.access.clone_from(&of.access);
    placed.is_answered = true;
    if placement.payment.is_some() {
        placed.reservation.expires_at = now.saturating_add(PAID_WITHIN).unwrap_or(Timestamp::MAX);
    }
    let spent = placed.tendering.since(None, placed.id, now);
    let credit = given.map(|(card, first)| (card, std::iter::once(first).chain(spent).collect()));
    Ok(Added { placement, credit })
}

/// What staff say of a proposal.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Why.
    pub reason: String,
    /// What the buyer is told.
    pub message: Option<String>,
    /// SHA-256 (hex) of the token of the link that is mailed; none where none is.
    pub token_hash: Option<String>,
    /// Who proposes it.
    pub by: Actor,
    /// Who of the staff answers for that.
    pub responsible: StaffId,
    /// How many days it is good.
    pub days: u8,
    /// When it is proposed.
    pub now: Timestamp,
}

/// The number of the next edit of an order, and the one before it if time has closed that and
/// nobody has written so; refused while one is open.
pub fn next(edits: &[Edit], now: Timestamp) -> Result<(u32, Option<Edit>), Refusal> {
    let Some(last) = edits.iter().max_by_key(|edit| edit.number) else { return Ok((1, None)) };
    if last.number >= EDITS_MAX {
        return Err(Refusal::TooOften);
    }
    if last.status != Status::Open {
        return Ok((last.number + 1, None));
    }
    match last.clone().expire(now) {
        Some(expired) => Ok((last.number + 1, Some(expired))),
        None => Err(Refusal::EditOpen { number: last.number }),
    }
}

impl Edit {
    /// Proposes what was decided; from now on it costs what it does.
    pub fn propose(decided: &Decided, goods: Option<&Goods>, number: u32, with: Proposal) -> Self {
        let good_for = SignedDuration::from_hours(i64::from(with.days) * DAY_HOURS);
        Self {
            order: decided.order.id,
            number,
            status: Status::Open,
            removed: decided.removed.clone(),
            added: goods.map(Goods::agreed),
            sums: decided.sums,
            reason: with.reason,
            message: with.message,
            token_hash: with.token_hash,
            by: with.by,
            responsible: with.responsible,
            until: with.now.saturating_add(good_for).unwrap_or(Timestamp::MAX),
            made: None,
            answer: None,
            closed_by: None,
            closed_at: None,
            version: 0,
            created_at: with.now,
            updated_at: with.now,
        }
    }

    /// Units that it takes off, as they were asked for.
    pub fn removals(&self) -> Vec<(OrderLineId, u32)> {
        self.removed.iter().map(|one| (one.line, one.quantity)).collect()
    }

    /// Whether the buyer pays something for it.
    pub fn costs_more(&self) -> bool {
        self.sums.due.is_positive()
    }

    /// Whether it can still be agreed to.
    pub fn is_open(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.status != Status::Open {
            return Err(Refusal::Closed { status: self.status });
        }
        if self.until <= now {
            return Err(Refusal::Late { until: self.until });
        }
        Ok(())
    }

    /// Where it stands for whoever looks at it now: time closes it before anybody writes so.
    pub fn standing(&self, now: Timestamp) -> Status {
        let is_late = matches!(self.is_open(now), Err(Refusal::Late { .. }));
        if is_late { Status::Expired } else { self.status }
    }

    /// What becomes of the order, decided anew: what it comes to must be what was agreed on. Staff
    /// may apply what costs the buyer nothing more; what does is the buyer's to say.
    pub fn decide(
        &self,
        of: Of<'_>,
        goods: Option<Goods>,
        is_buyer: bool,
        fresh: Fresh,
    ) -> Result<Decided, Refusal> {
        self.is_open(fresh.order.now)?;
        if self.costs_more() && !is_buyer {
            return Err(Refusal::ApprovalRequired { due: self.sums.due });
        }
        let decided = decide(of, &self.removals(), goods, self.number, fresh)?;
        if decided.sums != self.sums {
            return Err(Refusal::Superseded);
        }
        Ok(decided)
    }

    /// It is done: what it made is known.
    #[must_use]
    pub fn applied(self, made: Made, by: Actor, now: Timestamp) -> Self {
        let made = Some(made);
        Self { made, ..self.closed(Status::Applied, by, now) }
    }

    /// The buyer says no.
    pub fn decline(
        self,
        answer: Option<String>,
        by: Actor,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        self.is_open(now)?;
        Ok(Self { answer, ..self.closed(Status::Declined, by, now) })
    }

    /// Staff take it back.
    pub fn withdraw(self, by: Actor, now: Timestamp) -> Result<Self, Refusal> {
        if self.status != Status::Open {
            return Err(Refusal::Closed { status: self.status });
        }
        Ok(self.closed(Status::Withdrawn, by, now))
    }

    /// Closes what time has closed; none where it has not.
    pub fn expire(self, now: Timestamp) -> Option<Self> {
        let is_over = self.status == Status::Open && self.until <= now;
        is_over.then(|| self.closed(Status::Expired, Actor::System, now))
    }

    /// Closes what does not fit its order any more.
    #[must_use]
    pub fn supersede(self, now: Timestamp) -> Self {
        self.closed(Status::Superseded, Actor::System, now)
    }

    fn closed(self, status: Status, by: Actor, now: Timestamp) -> Self {
        Self { status, closed_by: Some(by), closed_at: Some(now), updated_at: now, ..self }
    }
}

#[cfg(test)]
mod tests;
