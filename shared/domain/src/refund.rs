//! Money back: what is given for which part of an order, where it goes, and what became of it.
//!
//! A refund is asked for in one write that moves the order's counters, and sent to the payment
//! provider afterwards. However many ask at once, `captured − refunded − pending − lost` of an
//! order never falls below zero: that number is kept with the order, and the write that asks has
//! it as its condition. What the provider says later moves the same counters; a refund that failed
//! after it had succeeded opens the balance again.
//!
//! Gift cards and store credit get theirs back first, at once; money goes back last.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::gift_card::{self, Tender};
use crate::id::{
    CustomerId, GiftCardId, GiftEntryId, OrderId, OrderLineId, PaymentId, RefundId, Ulid,
};
use crate::money::Money;
use crate::order::{self, Order, OrderLine};
use crate::payment::{Entry, EntryKind, Payment};

/// Refunds of one order: far more than anybody asks for, and few enough to be read with it.
pub const REFUNDS_MAX: usize = 200;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 500;

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RefundStatus")]
pub enum Status {
    /// Decided and written down; the provider was not asked yet.
    Requested,
    /// The provider is asked, or is at it.
    Processing,
    /// The provider needs something of the customer.
    RequiresAction,
    /// The money is on its way to the customer.
    Succeeded,
    /// It did not come about, or came back: the balance is open again.
    Failed,
    /// Called off before it came about.
    Canceled,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 6] = [
        Self::Requested,
        Self::Processing,
        Self::RequiresAction,
        Self::Succeeded,
        Self::Failed,
        Self::Canceled,
    ];

    /// Whether the machine has the edge `self → to`. Banks send money back: what succeeded may
    /// still fail. What failed is asked for again by staff, as a new attempt.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Requested => matches!(to, Self::Processing | Self::Failed),
            Self::Processing => {
                matches!(to, Self::Succeeded | Self::Failed | Self::RequiresAction | Self::Canceled)
            }
            Self::RequiresAction => {
                matches!(to, Self::Processing | Self::Succeeded | Self::Failed | Self::Canceled)
            }
            Self::Succeeded => matches!(to, Self::Failed),
            Self::Failed => matches!(to, Self::Requested),
            Self::Canceled => false,
        }
    }

    /// The name in documents and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Processing => "processing",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    const fn counts_as(self) -> Counted {
        match self {
            Self::Requested | Self::Processing | Self::RequiresAction => Counted::Pending,
            Self::Succeeded => Counted::Refunded,
            Self::Failed | Self::Canceled => Counted::Not,
        }
    }
}

/// Among which of an order's counters the money of a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Pending,
    Refunded,
    Not,
}

/// Where a refund came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RefundOrigin")]
pub enum Origin {
    /// Staff asked for it.
    Staff,
    /// The order, or units of it, were called off after it was paid.
    Cancellation,
    /// The payment came after the order's end.
    LatePayment,
    /// The card's issuer warned of fraud.
    FraudWarning,
    /// Somebody made it at the provider itself.
    Provider,
    /// A replacement is not wanted after all, or came back: what it was paid with goes the way it
    /// came.
    Exchange,
}

/// What was given back so far, beside what the order says: minor units of the order's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Money whose return is under way.
    pub pending: i64,
    /// Money lost in disputes.
    pub lost: i64,
    /// Money that is with banks until disputes are decided.
    #[serde(default)]
    pub disputed: i64,
    /// Money that became store credit, or pays for a replacement, instead of going back: it stays,
    /// and is owed.
    #[serde(default)]
    pub credited: i64,
    /// What was given for the shipping.
    pub shipping: i64,
    /// What was promised and not given, because the provider moves money in larger steps only; the
    /// next refund gives it.
    pub carried: i64,
}

/// What was given back for a line, or will never be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfLine {
    /// For so many units.
    pub units: u32,
    /// So many minor units of the order's currency.
    pub amount: i64,
}

/// What somebody wants to give back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Units of lines, each line once.
    pub lines: Vec<(OrderLineId, u32)>,
    /// Of what the shipping cost.
    pub shipping: Option<Money>,
    /// An amount, for no part of the order in particular.
    pub amount: Option<Money>,
    /// An amount as a kindness.
    pub goodwill: Option<Money>,
}

/// A part of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Units of a line.
    Line {
        /// Which.
        line: OrderLineId,
        /// How many.
        quantity: u32,
        /// What is given for them.
        amount: Money,
    },
    /// The shipping, or a part of it.
    Shipping {
        /// What is given for it.
        amount: Money,
    },
    /// No part of the order in particular.
    Amount {
        /// What is given.
        amount: Money,
    },
    /// A kindness.
    Goodwill {
        /// What is given.
        amount: Money,
    },
}

impl Part {
    /// What is given for it.
    pub const fn amount(&self) -> Money {
        match self {
            Self::Line { amount, .. }
            | Self::Shipping { amount }
            | Self::Amount { amount }
            | Self::Goodwill { amount } => *amount,
        }
    }

    /// Whether so much of what it is for was not given back yet.
    fn is_left_of(&self, order: &Order) -> Result<(), Refusal> {
        match self {
            Self::Line { line, quantity, amount } => {
                let Some(of) = order.lines.iter().find(|of| of.id == *line) else { return Ok(()) };
                let left = of.refundable_units();
                if *quantity > left {
                    return Err(Refusal::TooManyUnits { line: *line, left });
                }
                let refundable = Money::new(of.refundable_amount(), order.currency);
                if amount.amount() > refundable.amount() {
                    return Err(Refusal::ExceedsRefundable { refundable });
                }
                Ok(())
            }
            Self::Shipping { amount } => {
                let left = order.shipping_left();
                if amount.amount() > left.amount() {
                    return Err(Refusal::TooMuchShipping { left });
                }
                Ok(())
            }
            Self::Amount { .. } | Self::Goodwill { .. } => Ok(()),
        }
    }
}

/// What would be given, and where it would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// For which parts.
    pub parts: Vec<Part>,
    /// Back to gift cards and store credit.
    pub tenders: Vec<Tender>,
    /// Back by the payment provider.
    pub money: Money,
    /// What the parts are more than is given; below zero where an earlier rest is given, too. It
    /// is less than a step of the provider's.
    pub carry: i64,
    /// All that is given: tenders and money.
    pub amount: Money,
}

/// Money of an order that became store credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Whose.
    pub customer: CustomerId,
    /// How much.
    pub amount: Money,
}

/// Money of an order that pays for a replacement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// The order of the replacement.
    pub order: OrderId,
    /// The credit that it was paid with.
    pub gift_card: GiftCardId,
    /// How much.
    pub amount: Money,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id; the root of the idempotency keys that we send to the provider.
    pub id: RefundId,
    /// Of which order.
    pub order: OrderId,
    /// Of which payment; none where all goes to gift cards and store credit.
    pub payment: Option<PaymentId>,
    /// Where it stands.
    pub status: Status,
    /// Where it came from.
    pub origin: Origin,
    /// For which parts of the order; none where it was not made here.
    pub parts: Vec<Part>,
    /// What went back to gift cards and store credit; it is there, whatever becomes of the rest.
    pub tenders: Vec<Tender>,
    /// What goes back by the provider.
    pub money: Money,
    /// What became store credit, instead of going back by the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
    /// What pays for a replacement, instead of going back by the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchanged: Option<Exchanged>,
    /// See [`Plan::carry`].
    #[serde(default)]
    pub carry: i64,
    /// Why, as staff said it.
    pub reason: Option<String>,
    /// Who asked for it.
    pub by: Actor,
    /// Rises each time that staff ask for it again.
    pub attempt: u32,
    /// When the provider was first asked in this attempt.
    pub asked_at: Option<Timestamp>,
    /// The provider's id of it in this attempt, once known.
    pub provider_ref: Option<String>,
    /// The provider's ids of it in attempts that failed.
    #[serde(default)]
    pub former_refs: Vec<String>,
    /// Why it failed, in the provider's words.
    pub failure: Option<String>,
    /// When it first succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// Rises with every write.
    pub version: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What the provider says of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The provider's id.
    pub provider_ref: String,
    /// Where it stands there.
    pub state: ToldState,
    /// How much.
    pub amount: Money,
    /// The refund that we named when we asked for it.
    pub refund: Option<RefundId>,
    /// The attempt that we named when we asked for it.
    pub attempt: Option<u32>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Where a refund stands at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToldState {
    /// Under way.
    Pending,
    /// The customer has to do something.
    RequiresAction,
    /// Done.
    Succeeded,
    /// It did not come about, or came back.
    Failed,
    /// Called off.
    Canceled,
}

impl ToldState {
    const fn status(self) -> Status {
        match self {
            Self::Pending => Status::Processing,
            Self::RequiresAction => Status::RequiresAction,
            Self::Succeeded => Status::Succeeded,
            Self::Failed => Status::Failed,
            Self::Canceled => Status::Canceled,
        }
    }
}

/// Why no money is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing was asked for.
    Nothing,
    /// The order was not placed yet.
    NotPlaced,
    /// The order has no such line.
    UnknownLine(OrderLineId),
    /// A line stands there twice.
    LineTwice(OrderLineId),
    /// Fewer units of a line are left to be refunded.
    TooManyUnits {
        /// Which.
        line: OrderLineId,
        /// How many are left.
        left: u32,
    },
    /// Less is left of the shipping.
    TooMuchShipping {
        /// How much is left.
        left: Money,
    },
    /// An amount is in another currency than the order.
    OtherCurrency,
    /// Whoever bought as a guest has no account for store credit.
    NoAccount,
    /// Less is left to be given back.
    ExceedsRefundable {
        /// How much is left.
        refundable: Money,
    },
    /// It is less than the provider can move.
    TooSmall {
        /// The least it can.
        step: Money,
    },
    /// A refund of the same had succeeded, and the bank sent it back: that one is asked for again,
    /// so that what has a credit note gets no second one.
    CameBack {
        /// Which.
        refund: RefundId,
    },
    /// The order has as many refunds as it may have.
    TooMany,
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing_to_refund",
            Self::NotPlaced => "order_not_placed",
            Self::UnknownLine(_) => "line_not_found",
            Self::LineTwice(_) => "duplicate_line",
            Self::TooManyUnits { .. } => "quantity_not_refundable",
            Self::TooMuchShipping { .. } => "shipping_not_refundable",
            Self::OtherCurrency => "currency_mismatch",
            Self::NoAccount => "store_credit_needs_account",
            Self::ExceedsRefundable { .. } => "exceeds_refundable",
            Self::TooSmall { .. } => "refund_too_small",
            Self::CameBack { .. } => "refund_came_back",
            Self::TooMany => "too_many_refunds",
            Self::InvalidTransition { .. } => "invalid_transition",
        }
    }
}

/// What only the outside can give to a new refund.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// Its id.
    pub id: RefundId,
    /// Who asks for it.
    pub by: Actor,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub now: Timestamp,
}

/// An order, its payment and a refund as they shall be, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The order.
    pub order: Order,
    /// Its payment, where it changes.
    pub payment: Option<Payment>,
    /// The refund.
    pub refund: Refund,
    /// The fact for the ledger, where money moved.
    pub entry: Option<Entry>,
    /// What is worth telling somebody.
    pub news: News,
}

impl Changed {
    /// Whether it leaves what refunds need that had succeeded and came back: they have their credit
    /// notes, so they are asked for again and nothing is given in their stead. One that could not
    /// be asked for `before` either needs nothing.
    pub fn spares(&self, before: &Order, refunds: &[Refund]) -> Result<(), Refusal> {
        let (mut before, mut after) = (before.clone(), self.order.clone());
        for refund in refunds.iter().filter(|refund| refund.came_back()) {
            if !refund.takes_again(&mut before) {
                continue;
            }
            if !refund.takes_again(&mut after) {
                return Err(Refusal::CameBack { refund: refund.id });
            }
        }
        Ok(())
    }
}

/// What is worth telling somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Nothing.
    None,
    /// The customer: the money is on its way.
    Succeeded,
    /// The merchant's systems: it came about once more, after it had come back. The customer was
    /// told the first time; a second letter would read as a second refund. The books have its
    /// credit note.
    SucceededAgain,
    /// Staff: it failed.
    Failed,
    /// The merchant's systems: it is under way at the provider, or waits for something there.
    Underway,
}

impl Order {
    /// What may still go back by the provider, in minor units of the order's currency: the number
    /// that the condition of every request looks at. Below zero where more went back at the
    /// provider's own than we knew of.
    pub const fn refundable(&self) -> i64 {
        let gone = self.refunds.lost + self.refunds.disputed + self.refunds.credited;
        self.captured.amount() - self.refunded.amount() - self.refunds.pending - gone
    }

    /// What may still go back to gift cards and store credit, in minor units.
    pub fn tender_refundable(&self) -> i64 {
        if self.tendering.is_returned {
            return 0;
        }
        self.tendering.tenders.iter().map(Tender::left).sum()
    }

    /// What the shipping cost: what the total is more than its lines.
    pub fn shipping_total(&self) -> Money {
        let lines: i64 = self.lines.iter().map(|line| line.total.amount()).sum();
        Money::new(self.totals.total.amount() - lines, self.currency)
    }

    /// What of the shipping was not given back yet.
    pub fn shipping_left(&self) -> Money {
        Money::new(self.shipping_total().amount() - self.refunds.shipping, self.currency)
    }

    /// What would be given back for this. The units of a line share what is left of the line by
    /// largest remainder, so that all of them together get exactly what the line cost.
    pub fn plan_refund(&self, wanted: &Wanted) -> Result<Plan, Refusal> {
        if self.status == order::Status::PendingPayment {
            return Err(Refusal::NotPlaced);
        }
        self.plan_parts(self.parts(wanted)?)
    }

    /// What would be given back for these parts.
    pub(crate) fn plan_parts(&self, parts: Vec<Part>) -> Result<Plan, Refusal> {
        let sum: i64 = parts.iter().map(|part| part.amount().amount()).sum();
        if sum <= 0 {
            return Err(Refusal::Nothing);
        }
        let tender_left = self.tender_refundable();
        let refundable = Money::new(self.refundable().max(0) + tender_left, self.currency);
        if sum > refundable.amount() {
            return Err(Refusal::ExceedsRefundable { refundable });
        }
        let tenders = self.tenders_back(sum.min(tender_left));
        let promised = sum - sum.min(tender_left);
        let step = self.currency.stripe_step();
        // What goes to gift cards and credit needs no steps; nothing is carried by it.
        let money = if promised == 0 {
            0
        } else {
            (self.refunds.carried + promised).div_euclid(step).max(0) * step
        };
        let given = money + sum.min(tender_left);
        if given == 0 {
            return Err(Refusal::TooSmall { step: Money::new(step, self.currency) });
        }
        if money > self.refundable() {
            return Err(Refusal::ExceedsRefundable { refundable });
        }
        Ok(Plan {
            parts,
            tenders,
            money: Money::new(money, self.currency),
            carry: promised - money,
            amount: Money::new(given, self.currency),
        })
    }

    fn parts(&self, wanted: &Wanted) -> Result<Vec<Part>, Refusal> {
        let mut parts = Vec::new();
        for (at, (id, quantity)) in wanted.lines.iter().enumerate() {
            if wanted.lines.iter().take(at).any(|(other, _)| other == id) {
                return Err(Refusal::LineTwice(*id));
            }
            let line = self.lines.iter().find(|line| line.id == *id);
            let line = line.ok_or(Refusal::UnknownLine(*id))?;
            let left = line.refundable_units();
            if *quantity > left {
                return Err(Refusal::TooManyUnits { line: *id, left });
            }
            let amount = share(line.refundable_amount(), left, *quantity);
            let amount = Money::new(amount, self.currency);
            parts.push(Part::Line { line: *id, quantity: *quantity, amount });
        }
        let amounts = [wanted.shipping, wanted.amount, wanted.goodwill];
        if amounts.iter().flatten().any(|amount| amount.currency() != self.currency) {
            return Err(Refusal::OtherCurrency);
        }
        if let Some(amount) = wanted.shipping {
            let left = self.shipping_left();
            if amount.amount() > left.amount() {
                return Err(Refusal::TooMuchShipping { left });
            }
            parts.push(Part::Shipping { amount });
        }
        parts.extend(wanted.amount.map(|amount| Part::Amount { amount }));
        parts.extend(wanted.goodwill.map(|amount| Part::Goodwill { amount }));
        Ok(parts)
    }

    /// So much back to the tenders: what was spent last, which lasts longest, gets it first.
    fn tenders_back(&self, amount: i64) -> Vec<Tender> {
        let mut left = amount;
        let mut back = Vec::new();
        for tender in self.tendering.tenders.iter().rev() {
            let part = tender.left().min(left);
            if part > 0 {
                left -= part;
                let amount = Money::new(part, self.currency);
                back.push(Tender { amount, refunded: 0, ..tender.clone() });
            }
        }
        back
    }

    /// Asks for money back: the order with its counters moved, the payment, and the refund. Where
    /// nothing goes by the provider, it is done with that.
    pub fn request_refund(
        &self,
        payment: Option<&Payment>,
        refunds: usize,
        wanted: &Wanted,
        fresh: Fresh,
    ) -> Result<Changed, Refusal> {
        if refunds >= REFUNDS_MAX {
            return Err(Refusal::TooMany);
        }
        let plan = self.plan_refund(wanted)?;
        Ok(self.clone().give_planned(payment, plan, Origin::Staff, fresh))
    }

    /// Gives store credit for what would go back by the provider, to the last minor unit: credit
    /// knows no steps. Gift cards get theirs back as they would. The money stays with the shop and
    /// can not go back any more; it is done with that.
    pub fn request_credit(
        &self,
        payment: Option<&Payment>,
        refunds: usize,
        wanted: &Wanted,
        fresh: Fresh,
    ) -> Result<Changed, Refusal> {
        if refunds >= REFUNDS_MAX {
            return Err(Refusal::TooMany);
        }
        let customer = self.customer.ok_or(Refusal::NoAccount)?;
        let mut plan = self.plan_refund(wanted)?;
        let parts: i64 = plan.parts.iter().map(|part| part.amount().amount()).sum();
        let tenders: i64 = plan.tenders.iter().map(|tender| tender.amount.amount()).sum();
        let amount = Money::new(parts - tenders, self.currency);
        (plan.money, plan.carry) = (Money::zero(self.currency), 0);
        let mut changed = self.clone().give_planned(payment, plan, Origin::Staff, fresh);
        if amount.is_positive() {
            changed.order.refunds.credited += amount.amount();
            changed.refund.credit = Some(Credit { customer, amount });
        }
        Ok(changed)
    }

    /// What units are worth to somebody who wants others for them: what would go back by the
    /// provider, to the last minor unit. Gift cards and store credit get theirs back.
    pub fn exchangeable(&self, wanted: &Wanted) -> Result<Money, Refusal> {
        let plan = self.plan_refund(wanted)?;
        let parts: i64 = plan.parts.iter().map(|part| part.amount().amount()).sum();
        let tenders: i64 = plan.tenders.iter().map(|tender| tender.amount.amount()).sum();
        Ok(Money::new(parts - tenders, self.currency))
    }

    /// Lets so much of what units are worth pay for a replacement; the rest goes back as always.
    /// What pays stays with the shop and can not go back any more.
    pub(crate) fn request_exchange(
        &self,
        payment: Option<&Payment>,
        refunds: usize,
        wanted: &Wanted,
        exchanged: Exchanged,
        fresh: Fresh,
    ) -> Result<Changed, Refusal> {
        if refunds >= REFUNDS_MAX {
            return Err(Refusal::TooMany);
        }
        let plan = self.plan_refund(wanted)?;
        Ok(self.clone().give_exchanged(payment, plan, (Origin::Staff, exchanged), fresh))
    }

    /// Asks for what was planned but for what pays for other goods.
    pub(crate) fn give_exchanged(
        self,
        payment: Option<&Payment>,
        mut plan: Plan,
        (origin, exchanged): (Origin, Exchanged),
        fresh: Fresh,
    ) -> Changed {
        let parts: i64 = plan.parts.iter().map(|part| part.amount().amount()).sum();
        let tenders: i64 = plan.tenders.iter().map(|tender| tender.amount.amount()).sum();
        (plan.money, plan.carry) = self.stepped(parts - tenders - exchanged.amount.amount());
        let mut changed = self.give_planned(payment, plan, origin, fresh);
        changed.order.refunds.credited += exchanged.amount.amount();
        changed.refund.exchanged = Some(exchanged);
        changed
    }

    /// So much as the provider can move of it and of what was promised before, and what is left.
    fn stepped(&self, promised: i64) -> (Money, i64) {
        let step = self.currency.stripe_step();
        let money = (self.refunds.carried + promised).div_euclid(step).max(0) * step;
        (Money::new(money, self.currency), promised - money)
    }

    /// Money that had paid for a replacement goes back after all, the way it came.
    pub fn pay_back(&self, payment: &Payment, amount: Money, fresh: Fresh) -> Changed {
        let mut order = self.clone();
        order.refunds.credited -= amount.amount();
        let (money, carry) = order.stepped(amount.amount());
        let parts = vec![Part::Amount { amount }];
        let plan = Plan { parts, tenders: Vec::new(), money, carry, amount: money };
        order.give_planned(Some(payment), plan, Origin::Exchange, fresh)
    }

    /// Asks for what was planned.
    pub(crate) fn give_planned(
        mut self,
        payment: Option<&Payment>,
        plan: Plan,
        origin: Origin,
        fresh: Fresh,
    ) -> Changed {
        for back in &plan.tenders {
            let of = |tender: &&mut Tender| tender.source.account() == back.source.account();
            if let Some(tender) = self.tendering.tenders.iter_mut().find(of) {
                tender.refunded += back.amount.amount();
            }
        }
        let refund = Refund {
            parts: plan.parts,
            tenders: plan.tenders,
            carry: plan.carry,
            ..Refund::new(&self, payment, plan.money, origin, fresh)
        };
        take_parts(&mut self, &refund);
        refund.begun(self, payment)
    }

    /// Promises what is too little for the provider: the next refund gives it.
    pub(crate) fn promise(&mut self, parts: &[Part], sum: i64) {
        shift_parts(self, parts, sum, 1);
    }

    /// The return of all money that is left of an order which came to nothing.
    pub fn return_all(&self, payment: &Payment, origin: Origin, fresh: Fresh) -> Option<Changed> {
        // What became store credit may leave less of it than the provider moves.
        let step = self.currency.stripe_step();
        let money = Money::new(self.refundable().div_euclid(step) * step, self.currency);
        money.is_positive().then(|| {
            let refund = Refund::new(self, Some(payment), money, origin, fresh);
            refund.begun(self.clone(), Some(payment))
        })
    }

    /// Takes over a refund that somebody made at the provider; none where nothing came of it. It
    /// is a fact: nothing can refuse it.
    pub fn adopt_refund(&self, payment: &Payment, told: &Told, now: Timestamp) -> Option<Changed> {
        let status = told.state.status();
        if status.counts_as() == Counted::Not {
            return None;
        }
        let fresh = Fresh { id: adopted(&told.provider_ref), by: Actor::System, reason: None, now };
        let mut refund = Refund::new(self, Some(payment), told.amount, Origin::Provider, fresh);
        refund.asked_at = Some(now);
        refund.provider_ref = Some(told.provider_ref.clone());
        refund.status = status;
        Some(refund.counted(Counted::Not, self.clone(), Some(payment), now))
    }
}

impl Refund {
    fn new(
        order: &Order,
        payment: Option<&Payment>,
        money: Money,
        origin: Origin,
        fresh: Fresh,
    ) -> Self {
        let Fresh { id, by, reason, now } = fresh;
        Self {
            id,
            order: order.id,
            payment: payment.filter(|_| money.is_positive()).map(|payment| payment.id),
            status: Status::Requested,
            origin,
            parts: Vec::new(),
            tenders: Vec::new(),
            money,
            credit: None,
            exchanged: None,
            carry: 0,
            reason,
            by,
            attempt: 1,
            asked_at: None,
            provider_ref: None,
            former_refs: Vec::new(),
            failure: None,
            succeeded_at: None,
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }

    fn begun(mut self, order: Order, payment: Option<&Payment>) -> Changed {
        if self.money.is_zero() {
            self.status = Status::Succeeded;
        }
        let now = self.created_at;
        self.counted(Counted::Not, order, payment, now)
    }

    /// All that goes back: to gift cards, to store credit and by the provider.
    pub fn amount(&self) -> Money {
        let tenders: i64 = self.tenders.iter().map(|tender| tender.amount.amount()).sum();
        let credit = self.credit.map_or(0, |credit| credit.amount.amount());
        Money::new(self.money.amount() + tenders + credit, self.money.currency())
    }

    /// The key under which the provider is asked: of immutable ids, one for each attempt.
    pub fn key(&self) -> String {
        format!("{}:refund:{}", self.id, self.attempt)
    }

    /// The provider is about to be asked.
    pub fn ask(self, now: Timestamp) -> Result<Self, Refusal> {
        let (from, to) = (self.status, Status::Processing);
        if from != Status::Requested {
            return Err(Refusal::InvalidTransition { from, to });
        }
        Ok(Self { status: to, asked_at: Some(now), updated_at: now, ..self })
    }

    /// Whether the provider told of this very refund, in this attempt.
    pub fn is_told_by(&self, told: &Told) -> bool {
        match &self.provider_ref {
            Some(known) => *known == told.provider_ref,
            None => told.refund == Some(self.id) && told.attempt == Some(self.attempt),
        }
    }

    /// Whether the provider told of it in any attempt.
    pub fn was_told_by(&self, told: &Told) -> bool {
        self.is_told_by(told)
            || told.refund == Some(self.id)
            || self.former_refs.contains(&told.provider_ref)
    }

    /// What the provider's word about it means; nothing where we knew that, or know better.
    pub fn hear(
        &self,
        order: &Order,
        payment: &Payment,
        told: &Told,
        now: Timestamp,
    ) -> Option<Changed> {
        let to = told.state.status();
        let mut refund = self.clone();
        refund.provider_ref = Some(told.provider_ref.clone());
        if to == self.status {
            // The first word of a refund that is still under way: we learn its name.
            let is_new = self.provider_ref.is_none();
            refund.updated_at = now;
            return is_new.then(|| refund.unmoved(order));
        }
        if !self.status.may_become(to) {
            return None;
        }
        refund.failure.clone_from(&told.failure);
        Some(refund.become_(self.status, to, order, Some(payment), now))
    }

    /// The provider refused to begin it.
    pub fn refused(
        &self,
        order: &Order,
        payment: &Payment,
        why: String,
        now: Timestamp,
    ) -> Option<Changed> {
        if !matches!(self.status, Status::Requested | Status::Processing) {
            return None;
        }
        let refund = Self { failure: Some(why), ..self.clone() };
        Some(refund.become_(self.status, Status::Failed, order, Some(payment), now))
    }

    /// Asks once more for what failed, if that much is still left.
    pub fn retry(
        &self,
        order: &Order,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Changed, Refusal> {
        let (from, to) = (self.status, Status::Requested);
        if !from.may_become(to) || self.origin == Origin::Provider {
            return Err(Refusal::InvalidTransition { from, to });
        }
        let refundable = Money::new(order.refundable().max(0), order.currency);
        if self.money.amount() > refundable.amount() {
            return Err(Refusal::ExceedsRefundable { refundable });
        }
        self.released_parts().iter().try_for_each(|part| part.is_left_of(order))?;
        let mut refund = self.clone();
        refund.attempt += 1;
        refund.former_refs.extend(refund.provider_ref.take());
        refund.asked_at = None;
        refund.failure = None;
        Ok(refund.become_(from, to, order, Some(payment), now))
    }

    /// Whether it had succeeded, and the bank sent it back.
    fn came_back(&self) -> bool {
        let is_ours = self.origin != Origin::Provider;
        is_ours && self.status == Status::Failed && self.succeeded_at.is_some()
    }

    /// Takes its parts and its money out of what is left of an order, if they are there.
    fn takes_again(&self, order: &mut Order) -> bool {
        let parts = self.released_parts();
        let is_there = self.money.amount() <= order.refundable()
            && parts.iter().all(|part| part.is_left_of(order).is_ok());
        if is_there {
            shift_parts(order, parts, self.carry, 1);
            order.refunds.pending += self.money.amount();
        }
        is_there
    }

    /// What becomes of lines and shipping when it fails: they may be refunded again — but not where
    /// a part went to gift cards, or paid for a replacement, which have it still. That one is asked
    /// for again as it is.
    fn released_parts(&self) -> &[Part] {
        if self.is_given_in_part() { &[] } else { &self.parts }
    }

    const fn is_given_in_part(&self) -> bool {
        !self.tenders.is_empty() || self.exchanged.is_some()
    }

    fn become_(
        mut self,
        from: Status,
        to: Status,
        order: &Order,
        payment: Option<&Payment>,
        now: Timestamp,
    ) -> Changed {
        self.status = to;
        self.updated_at = now;
        let (was, is) = (from.counts_as(), to.counts_as());
        let mut order = order.clone();
        if was != Counted::Not && is == Counted::Not {
            release_parts(&mut order, &self);
        } else if was == Counted::Not && is != Counted::Not {
            if self.is_given_in_part() {
                order.refunds.carried += self.carry;
            } else {
                take_parts(&mut order, &self);
            }
        }
        self.counted(was, order, payment, now)
    }

    /// Nothing moves but what we know of it: that it is under way.
    fn unmoved(self, order: &Order) -> Changed {
        let order = order.clone();
        Changed { order, payment: None, refund: self, entry: None, news: News::Underway }
    }

    /// Moves its money from one counter to the other, of the order and of the payment.
    fn counted(
        mut self,
        was: Counted,
        mut order: Order,
        payment: Option<&Payment>,
        now: Timestamp,
    ) -> Changed {
        let is = self.status.counts_as();
        let minor = self.money.amount();
        let moved = |counter: Counted| {
            let there = |at: Counted| if at == counter { minor } else { 0 };
            there(is) - there(was)
        };
        let (pending, refunded) = (moved(Counted::Pending), moved(Counted::Refunded));
        let plus = |money: Money, more: i64| Money::new(money.amount() + more, money.currency());
        order.refunds.pending += pending;
        order.refunded = plus(order.refunded, refunded);
        // What is reserved counts, though nothing of it moves.
        order.follow_money(payment, now);
        let payment = payment.filter(|_| minor > 0).map(|payment| Payment {
            refund_pending: plus(payment.refund_pending, pending),
            refunded: plus(payment.refunded, refunded),
            updated_at: now,
            ..payment.clone()
        });
        let has_succeeded = was != Counted::Refunded && is == Counted::Refunded;
        let kind = if has_succeeded {
            Some(EntryKind::Refunded)
        } else if was == Counted::Refunded {
            Some(EntryKind::RefundFailed)
        } else {
            None
        };
        let news = if has_succeeded && self.succeeded_at.is_some() {
            News::SucceededAgain
        } else if has_succeeded {
            self.succeeded_at = Some(now);
            News::Succeeded
        } else if was != Counted::Not && is == Counted::Not {
            News::Failed
        } else {
            match self.status {
                Status::Processing | Status::RequiresAction => News::Underway,
                Status::Requested | Status::Succeeded | Status::Failed | Status::Canceled => {
                    News::None
                }
            }
        };
        let entry = kind.zip(payment.as_ref()).map(|(kind, payment)| Entry {
            payment: payment.id,
            order: order.id,
            provider_ref: self.provider_ref.clone().unwrap_or_else(|| self.id.to_string()),
            kind,
            amount: self.money,
            at: now,
        });
        Changed { order, payment, refund: self, entry, news }
    }

    /// What its tenders' accounts are told: one entry each, under ids that follow from it.
    pub fn gift_entries(&self) -> Vec<gift_card::Entry> {
        let entry = |(at, tender): (usize, &Tender)| {
            let ulid = self.id.ulid();
            let mark = u128::try_from(at).unwrap_or(u128::MAX);
            let id = Ulid::from_parts(ulid.timestamp_ms(), ulid.random() ^ mark);
            gift_card::Entry {
                id: GiftEntryId::from_ulid(id),
                account: tender.source.account(),
                kind: gift_card::EntryKind::Returned,
                amount: tender.amount,
                order: Some(self.order),
                by: None,
                reason: None,
                at: self.created_at,
            }
        };
        self.tenders.iter().enumerate().map(entry).collect()
    }
}

impl OrderLine {
    /// Units of it whose money may still go back.
    pub const fn refundable_units(&self) -> u32 {
        self.quantity.saturating_sub(self.refunded.units).saturating_sub(self.waived.units)
    }

    /// What may still go back for it, in minor units of the order's currency.
    pub const fn refundable_amount(&self) -> i64 {
        self.total.amount() - self.refunded.amount - self.waived.amount
    }
}

/// The share of so many units in what is left for all of them: by largest remainder, of equal ones
/// the first. All that are left get all that is left.
pub(crate) fn share(open: i64, left: u32, quantity: u32) -> i64 {
    if left == 0 {
        return 0;
    }
    let (open, left, quantity) = (i128::from(open), i128::from(left), i128::from(quantity));
    let (each, rest) = (open.div_euclid(left), open.rem_euclid(left));
    // No more than `open`, which fits.
    i64::try_from(each * quantity + rest.min(quantity)).unwrap_or(0)
}

fn take_parts(order: &mut Order, refund: &Refund) {
    shift_parts(order, &refund.parts, refund.carry, 1);
}

fn release_parts(order: &mut Order, refund: &Refund) {
    shift_parts(order, refund.released_parts(), refund.carry, -1);
}

fn shift_parts(order: &mut Order, parts: &[Part], carry: i64, sign: i64) {
    for part in parts {
        match part {
            Part::Line { line, quantity, amount } => {
                if let Some(line) = order.lines.iter_mut().find(|of| of.id == *line) {
                    line.refunded.amount += sign * amount.amount();
                    line.refunded.units = if sign > 0 {
                        line.refunded.units.saturating_add(*quantity)
                    } else {
                        line.refunded.units.saturating_sub(*quantity)
                    };
                }
            }
            Part::Shipping { amount } => order.refunds.shipping += sign * amount.amount(),
            Part::Amount { .. } | Part::Goodwill { .. } => {}
        }
    }
    order.refunds.carried += sign * carry;
}

/// Our id of a refund that was made at the provider: it follows from the provider's, so that it is
/// taken over once.
fn adopted(provider_ref: &str) -> RefundId {
    RefundId::from_ulid(crate::id::derived("refund", provider_ref))
}

#[cfg(test)]
mod tests;
