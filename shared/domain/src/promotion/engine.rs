//! What promotions are worth in a basket: a function of the promotions, the basket, the customer
//! and the time.
//!
//! Promotions apply from the highest priority to the lowest; each sees what the ones before it left
//! of every line. Of a group, the one that takes off most at the group's turn applies. An exclusive
//! promotion applies where it alone takes off more than all others together. Amounts for several
//! lines are shared out by largest remainder in proportion to what is left of them.
//!
//! Always true: no line and no shipping falls below zero; what the lines and the shipping are told
//! is exactly what the promotion takes off; the order of the lines and of the promotions does not
//! matter; nothing exceeds a budget or a maximum; what is charged can be charged (amounts are whole
//! [`stripe_step`](crate::currency::Currency::stripe_step)s).

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::{
    APPLIED_MAX, Action, CustomerFacts, PPM_MAX, Per, Promotion, Reward, Status, Target, Tier,
    TierBy, Trigger,
};
use crate::address::Country;
use crate::catalog::{Prices, Slug};
use crate::currency::Currency;
use crate::id::{ProductId, PromotionId, VariantId};
use crate::money::{Money, Refusal};

/// A line as the promotions see it.
#[derive(Debug, Clone)]
pub struct BasketLine<'a> {
    /// The variant.
    pub variant: VariantId,
    /// Its product.
    pub product: ProductId,
    /// The product's categories.
    pub categories: &'a [Slug],
    /// What one costs; not negative.
    pub unit_price: Money,
    /// How many.
    pub quantity: u32,
    /// Whether the price is a reduced one.
    pub is_reduced: bool,
}

/// What is to be bought.
#[derive(Debug, Clone)]
pub struct Basket<'a> {
    /// What it is priced in.
    pub currency: Currency,
    /// Where it goes, where that is known.
    pub country: Option<Country>,
    /// What is in it.
    pub lines: Vec<BasketLine<'a>>,
    /// What the chosen way of sending costs; none where none is chosen or needed.
    pub shipping: Option<Money>,
}

/// How often a promotion was used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Orders that got it.
    pub orders: u64,
    /// What it took off them, in the basket's currency, in minor units.
    pub spent: i64,
    /// Orders of this customer that got it.
    pub by_customer: u64,
    /// Orders that got it by this code.
    pub by_code: u64,
    /// Orders that may get it by this code.
    pub by_code_max: Option<u32>,
}

/// A promotion that may apply.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The promotion.
    pub promotion: &'a Promotion,
    /// The code in the cart that opens it.
    pub code: Option<&'a Code>,
    /// How often it was used.
    pub used: Used,
}

/// Why a promotion does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "code")]
#[schemars(rename = "PromotionReason")]
pub enum Why {
    /// It is a draft, paused or has ended.
    NotActive {
        /// Where it stands.
        status: Status,
    },
    /// Its time has not come.
    NotStarted {
        /// When it comes.
        #[schemars(with = "String")]
        from: Timestamp,
    },
    /// Its time is over.
    Expired {
        /// Since when.
        #[schemars(with = "String")]
        until: Timestamp,
    },
    /// It wants one of its codes.
    CodeMissing,
    /// The cart is in another currency.
    OtherCurrency,
    /// Nobody has said yet where the goods go.
    CountryUnknown,
    /// The goods go elsewhere.
    OtherCountry,
    /// The customer is in none of its groups.
    OtherCustomers,
    /// The customer has ordered before.
    NotFirstOrder,
    /// None of its goods is in the cart.
    NoGoods,
    /// Its goods cost too little.
    SubtotalTooLow {
        /// What is missing.
        missing: Money,
    },
    /// Its goods cost too much.
    SubtotalTooHigh {
        /// What is too much.
        excess: Money,
    },
    /// There are too few of its goods.
    QuantityTooLow {
        /// Units that are missing.
        missing: u32,
    },
    /// It was used as often as it may be.
    Exhausted,
    /// This customer used it as often as they may.
    UsedByCustomer,
    /// Its code was used as often as it may be.
    CodeUsed,
    /// Its budget does not pay what it would take off.
    BudgetSpent {
        /// What is left of it.
        left: Money,
    },
    /// No way of sending is chosen yet.
    ShippingUnknown,
    /// Others left nothing, its tiers are not reached, or it takes off nothing in this currency.
    NothingToTakeOff,
    /// Another of its group takes off more.
    GroupHasBetter {
        /// Which.
        promotion: PromotionId,
    },
    /// An exclusive one takes off more than all others together.
    ExclusiveIsBetter {
        /// Which.
        promotion: PromotionId,
    },
    /// It is exclusive, and others together take off at least as much.
    OthersAreBetter,
    /// As many promotions as one order may have apply already.
    TooMany,
}

impl Why {
    /// The name clients match on.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotActive { .. } => "not_active",
            Self::NotStarted { .. } => "not_started",
            Self::Expired { .. } => "expired",
            Self::CodeMissing => "code_missing",
            Self::OtherCurrency => "other_currency",
            Self::CountryUnknown => "country_unknown",
            Self::OtherCountry => "other_country",
            Self::OtherCustomers => "other_customers",
            Self::NotFirstOrder => "not_first_order",
            Self::NoGoods => "no_goods",
            Self::SubtotalTooLow { .. } => "subtotal_too_low",
            Self::SubtotalTooHigh { .. } => "subtotal_too_high",
            Self::QuantityTooLow { .. } => "quantity_too_low",
            Self::Exhausted => "exhausted",
            Self::UsedByCustomer => "used_by_customer",
            Self::CodeUsed => "code_used",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::ShippingUnknown => "shipping_unknown",
            Self::NothingToTakeOff => "nothing_to_take_off",
            Self::GroupHasBetter { .. } => "group_has_better",
            Self::ExclusiveIsBetter { .. } => "exclusive_is_better",
            Self::OthersAreBetter => "others_are_better",
            Self::TooMany => "too_many",
        }
    }

    /// Whether a later step of the checkout decides it: the shopper may keep the code.
    pub const fn is_undecided(self) -> bool {
        matches!(self, Self::CountryUnknown | Self::ShippingUnknown)
    }
}

/// Why a promotion takes nothing off a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromotionLineReason")]
pub enum LineWhy {
    /// The promotion does not apply.
    NotApplied,
    /// The line is none of the goods that it reduces.
    NotSelected,
    /// It reduces the shipping only.
    ShippingOnly,
    /// Other units were reduced: cheaper ones, or as many as it reduces.
    NotReached,
    /// Others left nothing of the line, or less than a minor unit falls to it.
    NothingLeft,
}

/// What a promotion does to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineVerdict {
    /// What is taken off.
    pub amount: Money,
    /// Why nothing is.
    pub why: Option<LineWhy>,
}

/// What became of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Which.
    pub promotion: PromotionId,
    /// What people call it.
    pub name: String,
    /// The code that opened it.
    pub code: Option<Code>,
    /// All that it takes off.
    pub amount: Money,
    /// What of it is taken off the shipping.
    pub shipping: Money,
    /// What of it is taken off each line of the basket, in its order.
    pub lines: Vec<LineVerdict>,
    /// Why it does not apply.
    pub why: Option<Why>,
}

impl Explanation {
    /// Whether it applies.
    pub const fn is_applied(&self) -> bool {
        self.why.is_none()
    }
}

/// What the promotions do to a basket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What is taken off each line, in the basket's order.
    pub lines: Vec<Money>,
    /// What is taken off the shipping.
    pub shipping: Money,
    /// One per candidate: the applied ones first, in the order in which they applied.
    pub explanations: Vec<Explanation>,
}

impl Outcome {
    /// Nothing is taken off.
    pub fn nothing(currency: Currency, lines: usize) -> Self {
        let zero = Money::zero(currency);
        Self { lines: vec![zero; lines], shipping: zero, explanations: Vec::new() }
    }

    /// The promotions that apply.
    pub fn applied(&self) -> impl Iterator<Item = &Explanation> {
        self.explanations.iter().filter(|explanation| explanation.is_applied())
    }
}

/// What promotions do to a basket, and why.
///
/// Refused are negative prices, prices in another currency and sums that do not fit.
pub fn evaluate(
    candidates: &[Candidate<'_>],
    basket: &Basket<'_>,
    customer: &CustomerFacts,
    now: Timestamp,
) -> Result<Outcome, Refusal> {
    let till = Till::open(basket)?;
    let mut rivals: Vec<Rival<'_>> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        rivals.push(till.admit(candidate, customer, now));
    }
    // Ids break ties: the order in which promotions were found does not matter.
    rivals.sort_by_key(|rival| {
        let promotion = rival.candidate.promotion;
        (Reverse(promotion.terms.stacking.priority), promotion.id, rival.candidate.code)
    });
    till.decide(&mut rivals);
    Ok(till.close(rivals))
}

/// A basket in whole steps of its currency, its lines in an order of their own.
struct Till<'a> {
    basket: &'a Basket<'a>,
    /// Minor units of a step.
    step: i64,
    /// Places in the basket, in the till's order.
    order: Vec<usize>,
    /// What each line costs, in minor units and in steps.
    prices: Vec<i64>,
    worth: Vec<i64>,
    /// Places of the lines in the till, by the price of a unit, cheapest first.
    cheapest: Vec<usize>,
    shipping: i64,
}

/// What is left of the lines and the shipping, in steps.
#[derive(Clone)]
struct Left {
    lines: Vec<i64>,
    shipping: i64,
}

/// What a promotion takes off, in steps.
#[derive(Clone, Default)]
struct Taken {
    lines: Vec<i64>,
    shipping: i64,
}

impl Taken {
    fn total(&self) -> i64 {
        self.lines.iter().sum::<i64>() + self.shipping
    }
}

/// A candidate with what is known of it.
struct Rival<'a> {
    candidate: Candidate<'a>,
    /// Which lines its conditions select.
    selected: Vec<bool>,
    /// What they cost in minor units, and how many units they are.
    subtotal: i64,
    units: u32,
    why: Option<Why>,
    taken: Option<Taken>,
    /// Its turn among those that apply.
    turn: usize,
}

impl<'a> Till<'a> {
    fn open(basket: &'a Basket<'a>) -> Result<Self, Refusal> {
        let step = basket.currency.stripe_step();
        let mut order: Vec<usize> = (0..basket.lines.len()).collect();
        order.sort_by_key(|at| {
            basket
                .lines
                .get(*at)
                .map(|line| (line.variant, line.unit_price.amount(), line.quantity))
        });
        let zero = Money::zero(basket.currency);
        let mut prices = Vec::with_capacity(order.len());
        let mut total = zero;
        for line in order.iter().filter_map(|at| basket.lines.get(*at)) {
            let price = line.unit_price.times(line.quantity)?;
            total = total.add(price)?;
            if price.is_negative() {
                return Err(Refusal::Negative);
            }
            prices.push(price.amount());
        }
        let shipping = basket.shipping.unwrap_or(zero);
        total.add(shipping)?;
        if shipping.is_negative() {
            return Err(Refusal::Negative);
        }
        let worth = prices.iter().map(|price| price / step).collect();
        let mut till = Self {
            basket,
            step,
            order,
            prices,
            worth,
            cheapest: Vec::new(),
            shipping: shipping.amount() / step,
        };
        till.cheapest = (0..till.order.len()).collect();
        let mut cheapest = std::mem::take(&mut till.cheapest);
        cheapest.sort_by_key(|at| (till.line(*at).map(|line| line.unit_price.amount()), *at));
        till.cheapest = cheapest;
        Ok(till)
    }

    /// A line by its place in the till.
    fn line(&self, at: usize) -> Option<&'a BasketLine<'a>> {
        self.basket.lines.get(*self.order.get(at)?)
    }

    fn lines(&self) -> impl Iterator<Item = &'a BasketLine<'a>> + '_ {
        self.order.iter().filter_map(|at| self.basket.lines.get(*at))
    }

    fn money(&self, steps: i64) -> Money {
        // Steps came from an amount in minor units by division.
        Money::new(steps.saturating_mul(self.step), self.basket.currency)
    }

    /// An amount of the basket's currency in whole steps.
    fn steps(&self, amounts: &Prices) -> Option<i64> {
        amounts.get(&self.basket.currency).map(|amount| amount / self.step)
    }

    /// Looks at a candidate's conditions and limits.
    fn admit<'b>(
        &self,
        candidate: &Candidate<'b>,
        customer: &CustomerFacts,
        now: Timestamp,
    ) -> Rival<'b> {
        let goods = &candidate.promotion.terms.conditions.goods;
        let selected: Vec<bool> = self.lines().map(|line| goods.has(line)).collect();
        let (mut subtotal, mut units) = (0_i64, 0_u32);
        for ((line, price), _) in
            self.lines().zip(&self.prices).zip(&selected).filter(|(_, is)| **is)
        {
            // The sum of all prices fits.
            subtotal = subtotal.saturating_add(*price);
            units = units.saturating_add(line.quantity);
        }
        let mut rival = Rival {
            candidate: *candidate,
            selected,
            subtotal,
            units,
            why: None,
            taken: None,
            turn: usize::MAX,
        };
        rival.why = self.against(&rival, customer, now);
        rival
    }

    /// The first thing that speaks against a candidate, before it is known what it would take off.
    fn against(&self, rival: &Rival<'_>, customer: &CustomerFacts, now: Timestamp) -> Option<Why> {
        let Candidate { promotion, code, used } = rival.candidate;
        let (conditions, limits) = (&promotion.terms.conditions, &promotion.terms.limits);
        let currency = self.basket.currency;
        let missing_in = |prices: &Prices| !prices.is_empty() && !prices.contains_key(&currency);
        match promotion.status {
            Status::Active => {}
            status @ (Status::Draft | Status::Paused | Status::Ended) => {
                return Some(Why::NotActive { status });
            }
        }
        if let Some(from) = conditions.from.filter(|from| now < *from) {
            return Some(Why::NotStarted { from });
        }
        if let Some(until) = conditions.until.filter(|until| now >= *until) {
            return Some(Why::Expired { until });
        }
        if promotion.terms.trigger == Trigger::Code && code.is_none() {
            return Some(Why::CodeMissing);
        }
        if limits.uses_total.is_some_and(|max| used.orders >= u64::from(max)) {
            return Some(Why::Exhausted);
        }
        if used.by_code_max.is_some_and(|max| used.by_code >= u64::from(max)) {
            return Some(Why::CodeUsed);
        }
        if limits.uses_per_customer.is_some_and(|max| used.by_customer >= u64::from(max)) {
            return Some(Why::UsedByCustomer);
        }
        if !conditions.currencies.is_empty() && !conditions.currencies.contains(&currency)
            || missing_in(&conditions.subtotal_min)
            || missing_in(&limits.budget)
        {
            return Some(Why::OtherCurrency);
        }
        if !conditions.countries.is_empty() {
            match self.basket.country {
                None => return Some(Why::CountryUnknown),
                Some(country) if !conditions.countries.contains(&country) => {
                    return Some(Why::OtherCountry);
                }
                Some(_) => {}
            }
        }
        let groups = &conditions.customer_groups;
        if !groups.is_empty() && groups.is_disjoint(&customer.groups) {
            return Some(Why::OtherCustomers);
        }
        if conditions.first_order && customer.orders.is_some_and(|orders| orders > 0) {
            return Some(Why::NotFirstOrder);
        }
        if rival.units == 0 {
            return Some(Why::NoGoods);
        }
        if let Some(min) = conditions.subtotal_min.get(&currency).filter(|m| rival.subtotal < **m) {
            let missing = Money::new(min - rival.subtotal, currency);
            return Some(Why::SubtotalTooLow { missing });
        }
        if let Some(max) = conditions.subtotal_max.get(&currency).filter(|m| rival.subtotal > **m) {
            let excess = Money::new(rival.subtotal - max, currency);
            return Some(Why::SubtotalTooHigh { excess });
        }
        if let Some(min) = conditions.quantity_min.filter(|min| rival.units < *min) {
            return Some(Why::QuantityTooLow { missing: min - rival.units });
        }
        None
    }

    /// Lets the rivals compete: each exclusive one alone against all others together.
    fn decide(&self, rivals: &mut [Rival<'_>]) {
        let is_in = |rival: &Rival<'_>, exclusive: bool| {
            rival.why.is_none() && rival.candidate.promotion.terms.stacking.exclusive == exclusive
        };
        let full = Left { lines: self.worth.clone(), shipping: self.shipping };
        let mut best: Option<(i64, PromotionId)> = None;
        for rival in rivals.iter_mut().filter(|rival| is_in(rival, true)) {
            match self.take(rival, &full) {
                Ok(taken) => {
                    let total = taken.total();
                    // Of equals the first: the highest priority.
                    if best.is_none_or(|(most, _)| total > most) {
                        best = Some((total, rival.candidate.promotion.id));
                    }
                    rival.taken = Some(taken);
                }
                Err(why) => rival.why = Some(why),
            }
        }
        let together = self.combine(rivals, full, |rival| is_in(rival, false));
        let winner = best.filter(|(alone, _)| *alone > together);
        let mut has_winner = false;
        for rival in rivals.iter_mut().filter(|rival| rival.why.is_none()) {
            let id = rival.candidate.promotion.id;
            match winner {
                Some((_, promotion)) if promotion != id || has_winner => {
                    rival.taken = None;
                    rival.why = Some(Why::ExclusiveIsBetter { promotion });
                }
                Some(_) => {
                    has_winner = true;
                    rival.turn = 0;
                }
                None if rival.candidate.promotion.terms.stacking.exclusive => {
                    rival.taken = None;
                    rival.why = Some(Why::OthersAreBetter);
                }
                None => {}
            }
        }
    }

    /// Applies the rivals one after the other, of each group the best; all that they take off.
    fn combine(
        &self,
        rivals: &mut [Rival<'_>],
        mut left: Left,
        is_in: impl Fn(&Rival<'_>) -> bool,
    ) -> i64 {
        let (mut total, mut applied) = (0_i64, 0_usize);
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut promoted: BTreeSet<PromotionId> = BTreeSet::new();
        for at in 0..rivals.len() {
            let Some(rival) = rivals.get(at).filter(|rival| is_in(rival)) else { continue };
            let promotion = rival.candidate.promotion;
            let group = promotion.terms.stacking.group.as_deref();
            if group.is_some_and(|group| done.contains(group)) {
                continue;
            }
            // A promotion by two of its codes applies once.
            if promoted.contains(&promotion.id) {
                let why = Why::GroupHasBetter { promotion: promotion.id };
                if let Some(rival) = rivals.get_mut(at) {
                    rival.why = Some(why);
                }
                continue;
            }
            let mut best: Option<(usize, Taken)> = None;
            for (other, rival) in rivals.iter_mut().enumerate().skip(at) {
                let is_of_group = other == at
                    || group.is_some()
                        && rival.candidate.promotion.terms.stacking.group.as_deref() == group;
                if !is_of_group || !is_in(rival) {
                    continue;
                }
                match self.take(rival, &left) {
                    Ok(taken) => {
                        if best.as_ref().is_none_or(|(_, most)| taken.total() > most.total()) {
                            best = Some((other, taken));
                        }
                    }
                    Err(why) => rival.why = Some(why),
                }
            }
            if let Some(group) = group {
                done.insert(group);
            }
            let Some((best_at, taken)) = best else { continue };
            let best_id = rivals.get(best_at).map(|rival| rival.candidate.promotion.id);
            let is_full = applied == APPLIED_MAX;
            for (other, rival) in rivals.iter_mut().enumerate().skip(at) {
                let is_of_group = other == at
                    || group.is_some()
                        && rival.candidate.promotion.terms.stacking.group.as_deref() == group;
                if !is_of_group || !is_in(rival) {
                    continue;
                }
                if is_full {
                    rival.why = Some(Why::TooMany);
                } else if other != best_at {
                    rival.why = best_id.map(|promotion| Why::GroupHasBetter { promotion });
                }
            }
            if is_full {
                continue;
            }
            for (left, taken) in left.lines.iter_mut().zip(&taken.lines) {
                *left -= taken;
            }
            left.shipping -= taken.shipping;
            total += taken.total();
            if let Some(rival) = rivals.get_mut(best_at) {
                promoted.insert(rival.candidate.promotion.id);
                rival.taken = Some(taken);
                rival.turn = applied;
            }
            applied += 1;
        }
        total
    }

    /// What a rival takes off what is left, within its maximum and its budget.
    fn take(&self, rival: &Rival<'_>, left: &Left) -> Result<Taken, Why> {
        let promotion = rival.candidate.promotion;
        let actions = &promotion.terms.actions;
        let mut taken = Taken { lines: vec![0; left.lines.len()], shipping: 0 };
        let mut rest = left.clone();
        for action in actions {
            let by = self.act(action, rival, &rest);
            for ((sum, rest), by) in taken.lines.iter_mut().zip(&mut rest.lines).zip(&by.lines) {
                *sum += by;
                *rest -= by;
            }
            taken.shipping += by.shipping;
            rest.shipping -= by.shipping;
        }
        if let Some(max) = self.steps(&promotion.terms.limits.max_discount)
            && taken.total() > max
        {
            taken = cut(&taken, max);
        }
        let total = taken.total();
        if total == 0 {
            let is_undecided =
                self.basket.shipping.is_none() && actions.iter().any(Action::is_of_shipping);
            return Err(if is_undecided { Why::ShippingUnknown } else { Why::NothingToTakeOff });
        }
        // All or nothing: a shopper who was promised ten is not given the three that are left.
        if let Some(budget) = promotion.terms.limits.budget.get(&self.basket.currency) {
            let left = budget.saturating_sub(rival.candidate.used.spent).max(0);
            if self.money(total).amount() > left {
                return Err(Why::BudgetSpent { left: Money::new(left, self.basket.currency) });
            }
        }
        Ok(taken)
    }

    /// What one action takes off.
    fn act(&self, action: &Action, rival: &Rival<'_>, left: &Left) -> Taken {
        match action {
            Action::Percent { ppm, target } => Self::percent(*ppm, *target, rival, left),
            Action::Fixed { amounts, target, per } => {
                let amount = self.steps(amounts).unwrap_or(0);
                match per {
                    Per::Order => fixed(amount, *target, rival, left),
                    Per::Unit => self.each(amount, *target, rival, left),
                }
            }
            Action::FreeShipping => {
                Taken { lines: vec![0; left.lines.len()], shipping: left.shipping }
            }
            Action::BuyXGetY { buy, get, goods, ppm, repeats_max } => {
                let reduced = if goods.is_empty() {
                    rival.selected.clone()
                } else {
                    self.lines().map(|line| goods.has(line)).collect()
                };
                let units = self.rewarded(*buy, *get, *repeats_max, &rival.selected, &reduced);
                self.reduce(&units, *ppm, left)
            }
            Action::Tiered { by, target, tiers } => {
                match tiers.iter().rev().find(|tier| self.reaches(*by, tier, rival)) {
                    Some(Tier { reward: Reward::Percent { ppm }, .. }) => {
                        Self::percent(*ppm, *target, rival, left)
                    }
                    Some(Tier { reward: Reward::Fixed { amounts }, .. }) => {
                        fixed(self.steps(amounts).unwrap_or(0), *target, rival, left)
                    }
                    None => Taken { lines: vec![0; left.lines.len()], shipping: 0 },
                }
            }
        }
    }

    fn reaches(&self, by: TierBy, tier: &Tier, rival: &Rival<'_>) -> bool {
        match by {
            TierBy::Quantity => tier.from_quantity.is_some_and(|from| rival.units >= from),
            TierBy::Subtotal => tier
                .from_subtotal
                .get(&self.basket.currency)
                .is_some_and(|from| rival.subtotal >= *from),
        }
    }

    fn percent(ppm: u32, target: Target, rival: &Rival<'_>, left: &Left) -> Taken {
        let base = match target {
            Target::Shipping => left.shipping,
            Target::Order | Target::Lines => weights(target, rival, left).iter().sum(),
        };
        fixed(Self::share(base, ppm), target, rival, left)
    }

    /// A share of steps, a half rounded up.
    fn share(steps: i64, ppm: u32) -> i64 {
        let whole = i128::from(PPM_MAX);
        let share = (i128::from(steps) * i128::from(ppm) + whole / 2) / whole;
        // At most all of it.
        i64::try_from(share).unwrap_or(steps).min(steps)
    }

    /// So much off each unit.
    fn each(&self, amount: i64, target: Target, rival: &Rival<'_>, left: &Left) -> Taken {
        let of_target = weights(target, rival, left);
        let lines = self
            .lines()
            .zip(&of_target)
            .map(|(line, left)| amount.saturating_mul(i64::from(line.quantity)).min(*left))
            .collect();
        Taken { lines, shipping: 0 }
    }

    /// How many units of each line are reduced: the cheapest first, while enough others are bought.
    ///
    /// A unit can be bought or reduced, not both. For every `get` units that are reduced, or a part
    /// of them, `buy` others are bought.
    fn rewarded(
        &self,
        buy: u32,
        get: u32,
        repeats_max: Option<u32>,
        bought: &[bool],
        reduced: &[bool],
    ) -> Vec<u32> {
        let is = |flags: &[bool], at: usize| flags.get(at).copied().unwrap_or(false);
        let mut units = vec![0_u32; self.order.len()];
        let most = repeats_max.map_or(u32::MAX, |repeats| repeats.saturating_mul(get));
        let mut to_buy: u32 = self
            .lines()
            .zip(bought)
            .filter(|(_, is_bought)| **is_bought)
            .fold(0, |sum, (line, _)| sum.saturating_add(line.quantity));
        let mut given = 0_u32;
        for at in self.cheapest.iter().copied().filter(|at| is(reduced, *at)) {
            let (Some(line), Some(units)) = (self.line(at), units.get_mut(at)) else { continue };
            for _ in 0..line.quantity {
                if given >= most || get == 0 {
                    break;
                }
                let rest = if is(bought, at) { to_buy.saturating_sub(1) } else { to_buy };
                let repeats = (given + 1).div_ceil(get);
                if u64::from(repeats) * u64::from(buy) > u64::from(rest) {
                    break;
                }
                to_buy = rest;
                given += 1;
                *units += 1;
            }
        }
        units
    }

    /// A share off so many units of each line.
    fn reduce(&self, units: &[u32], ppm: u32, left: &Left) -> Taken {
        let lines = self
            .lines()
            .zip(units)
            .zip(&left.lines)
            .map(|((line, units), left)| {
                let all = i128::from(line.quantity.max(1));
                let base = i128::from(*left) * i128::from(*units) / all;
                Self::share(i64::try_from(base).unwrap_or(0), ppm).min(*left)
            })
            .collect();
        Taken { lines, shipping: 0 }
    }

    /// Back into the basket's order and into money.
    fn close(&self, mut rivals: Vec<Rival<'_>>) -> Outcome {
        rivals.sort_by_key(|rival| rival.turn);
        let count = self.order.len();
        let mut outcome = Outcome::nothing(self.basket.currency, count);
        let mut sums = vec![0_i64; count];
        let mut shipping = 0_i64;
        for rival in rivals {
            let applied = rival.taken.as_ref().filter(|_| rival.why.is_none());
            let nothing = LineVerdict { amount: self.money(0), why: Some(LineWhy::NotApplied) };
            let mut lines = vec![nothing; count];
            for (at, place) in self.order.iter().enumerate() {
                let steps = applied.and_then(|taken| taken.lines.get(at)).copied().unwrap_or(0);
                if let Some(sum) = sums.get_mut(*place) {
                    *sum += steps;
                }
                let why = self.line_why(&rival, at, steps);
                if let Some(line) = lines.get_mut(*place) {
                    *line = LineVerdict { amount: self.money(steps), why };
                }
            }
            let off_shipping = applied.map_or(0, |taken| taken.shipping);
            shipping += off_shipping;
            let promotion = rival.candidate.promotion;
            outcome.explanations.push(Explanation {
                promotion: promotion.id,
                name: promotion.terms.name.clone(),
                code: rival.candidate.code.cloned(),
                amount: self.money(applied.map_or(0, Taken::total)),
                shipping: self.money(off_shipping),
                lines,
                why: rival.why,
            });
        }
        outcome.lines = sums.into_iter().map(|steps| self.money(steps)).collect();
        outcome.shipping = self.money(shipping);
        outcome
    }

    /// Why nothing is taken off a line; nothing where something is.
    fn line_why(&self, rival: &Rival<'_>, at: usize, steps: i64) -> Option<LineWhy> {
        if rival.why.is_some() {
            return Some(LineWhy::NotApplied);
        }
        if steps > 0 {
            return None;
        }
        let actions = &rival.candidate.promotion.terms.actions;
        if actions.iter().all(Action::is_of_shipping) {
            return Some(LineWhy::ShippingOnly);
        }
        let is_selected = rival.selected.get(at).copied().unwrap_or(false);
        let (mut is_touched, mut is_of_some) = (false, false);
        for action in actions {
            match action {
                Action::Percent { target, .. }
                | Action::Fixed { target, .. }
                | Action::Tiered { target, .. } => match target {
                    Target::Order => is_touched = true,
                    Target::Lines => is_touched |= is_selected,
                    Target::Shipping => {}
                },
                Action::FreeShipping => {}
                Action::BuyXGetY { goods, .. } => {
                    is_of_some |= if goods.is_empty() {
                        is_selected
                    } else {
                        self.line(at).is_some_and(|line| goods.has(line))
                    };
                }
            }
        }
        Some(match (is_touched, is_of_some) {
            (true, _) => LineWhy::NothingLeft,
            (false, true) => LineWhy::NotReached,
            (false, false) => LineWhy::NotSelected,
        })
    }
}

/// What is left of each line that is a target; zero for the others.
fn weights(target: Target, rival: &Rival<'_>, left: &Left) -> Vec<i64> {
    match target {
        Target::Order => left.lines.clone(),
        Target::Lines => left
            .lines
            .iter()
            .zip(&rival.selected)
            .map(|(left, is_selected)| if *is_selected { *left } else { 0 })
            .collect(),
        Target::Shipping => vec![0; left.lines.len()],
    }
}

/// An amount off a target, shared out among its lines.
fn fixed(amount: i64, target: Target, rival: &Rival<'_>, left: &Left) -> Taken {
    match target {
        Target::Shipping => {
            let shipping = amount.min(left.shipping);
            Taken { lines: vec![0; left.lines.len()], shipping }
        }
        Target::Order | Target::Lines => {
            let weights = weights(target, rival, left);
            let amount = amount.min(weights.iter().sum());
            Taken { lines: shares(amount, &weights), shipping: 0 }
        }
    }
}

/// Cuts what is taken off to a smaller sum, in proportion.
fn cut(taken: &Taken, to: i64) -> Taken {
    let mut weights = taken.lines.clone();
    weights.push(taken.shipping);
    let mut lines = shares(to, &weights);
    let shipping = lines.pop().unwrap_or(0);
    Taken { lines, shipping }
}

/// An amount by largest remainder. It is at most the sum of the weights, and so no share is more
/// than its weight.
fn shares(amount: i64, weights: &[i64]) -> Vec<i64> {
    let positive: Vec<u64> = weights.iter().map(|weight| weight.unsigned_abs()).collect();
    if amount <= 0 || positive.iter().all(|weight| *weight == 0) {
        return vec![0; weights.len()];
    }
    // Steps are shared out as money is; the currency plays no part in it.
    let shares = Money::new(amount, Currency::EUR).allocate(&positive);
    // Refused only where there is nobody to give to.
    shares.map_or_else(|_| vec![0; weights.len()], |s| s.into_iter().map(Money::amount).collect())
}

#[cfg(test)]
mod tests;
