//! Promotions: what is taken off, when, for whom, and how often.
//!
//! A promotion is a document: conditions that must hold, actions that follow, and limits. What it
//! is worth in a basket is decided by [`evaluate`], which also says of each one
//! that does not apply why not. How often it was used is counted elsewhere and an input here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::address::{Country, Email};
use crate::catalog::{Prices, Slug};
use crate::currency::Currency;
use crate::id::{CustomerId, ProductId, PromotionId, VariantId};

pub mod code;
pub mod engine;
pub mod in_cart;
pub mod on_offer;
pub mod used;

pub use code::Code;
pub use engine::{Basket, BasketLine, Candidate, Outcome, evaluate};
pub use on_offer::OnOffer;

/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 100;
/// Characters of the name of a stacking group or of a group of customers.
pub const GROUP_CHARS_MAX: usize = 40;
/// Actions of one promotion.
pub const ACTIONS_MAX: usize = 4;
/// Tiers of one action.
pub const TIERS_MAX: usize = 10;
/// Products, variants and categories that one selection names together. Fifty automatic promotions
/// with two selections each still fit one document of the store (400 KB).
pub const SELECTED_MAX: usize = 100;
/// Countries, groups or currencies that a condition names.
pub const NAMED_MAX: usize = 50;
/// Automatic promotions that are active or paused at a time: they are read as one document.
pub const AUTOMATIC_MAX: usize = 50;
/// Of these, the ones with limits: the counters of each are read with every cart.
pub const LIMITED_AUTOMATIC_MAX: usize = 5;
/// Codes that one cart holds.
pub const CODES_PER_CART_MAX: usize = 10;
/// Promotions that apply to one order: each is up to three counters in the transaction that places
/// it, and that transaction has room for twenty.
pub const APPLIED_MAX: usize = 6;
/// All of it, in parts per million.
pub const PPM_MAX: u32 = 1_000_000;
/// The largest amount of money in a promotion, in minor units.
pub const AMOUNT_MAX: i64 = 999_999_999_999;
/// Units that a condition or an action counts.
pub const UNITS_MAX: u32 = 4_000;

/// Where a promotion stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromotionStatus")]
pub enum Status {
    /// Being written; nobody gets it.
    Draft,
    /// Whoever meets its conditions gets it.
    Active,
    /// Nobody gets it for now.
    Paused,
    /// Over for good.
    Ended,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Active, Self::Paused, Self::Ended];

    /// Whether the machine has the edge `self → to`. What has ended is made anew, not woken up: its
    /// counters tell of what was.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Draft => matches!(to, Self::Active),
            Self::Active => matches!(to, Self::Paused | Self::Ended),
            Self::Paused => matches!(to, Self::Active | Self::Ended),
            Self::Ended => false,
        }
    }
}

/// What makes a promotion apply.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromotionTrigger")]
pub enum Trigger {
    /// Its conditions alone.
    Automatic,
    /// One of its codes in the cart.
    Code,
}

/// Some of the goods. An empty selection is all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// These products, with all their variants.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub products: BTreeSet<ProductId>,
    /// These variants.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub variants: BTreeSet<VariantId>,
    /// All products of these categories, by their slugs.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<Slug>,
    /// But none of these products.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub except_products: BTreeSet<ProductId>,
    /// But nothing that is reduced already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub except_reduced: bool,
}

impl Selection {
    /// Whether a line is among them.
    pub fn has(&self, line: &BasketLine<'_>) -> bool {
        if self.except_products.contains(&line.product) || self.except_reduced && line.is_reduced {
            return false;
        }
        self.products.is_empty() && self.variants.is_empty() && self.categories.is_empty()
            || self.products.contains(&line.product)
            || self.variants.contains(&line.variant)
            || line.categories.iter().any(|category| self.categories.contains(category))
    }

    /// How many things it names.
    pub fn len(&self) -> usize {
        self.products.len()
            + self.variants.len()
            + self.categories.len()
            + self.except_products.len()
    }

    /// Whether it is all of the goods.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && !self.except_reduced
    }
}

/// What something is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromotionTarget")]
pub enum Target {
    /// All lines.
    Order,
    /// The lines that the conditions select.
    Lines,
    /// The shipping.
    Shipping,
}

/// What a fixed amount is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// All of the target together; it is shared out among the lines.
    Order,
    /// Each unit of the target.
    Unit,
}

/// What is counted to find the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TierBy {
    /// What the selected lines cost, before any discount.
    Subtotal,
    /// How many units they are.
    Quantity,
}

/// What a tier gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
pub enum Reward {
    /// A share of the price.
    Percent {
        /// Parts per million: 100 000 is 10 %.
        ppm: u32,
    },
    /// An amount, once.
    Fixed {
        /// Minor units by currency.
        amounts: Prices,
    },
}

/// From where on something is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// From this subtotal on, in minor units by currency; for tiers by subtotal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub from_subtotal: Prices,
    /// From so many units on; for tiers by quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_quantity: Option<u32>,
    /// What is given then.
    pub reward: Reward,
}

/// What a promotion does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type", deny_unknown_fields)]
#[schemars(rename = "PromotionAction")]
pub enum Action {
    /// A share of the price.
    Percent {
        /// Parts per million: 100 000 is 10 %.
        ppm: u32,
        /// Of what.
        target: Target,
    },
    /// An amount.
    Fixed {
        /// Minor units by currency; in another currency nothing is taken off.
        amounts: Prices,
        /// Off what.
        target: Target,
        /// Once, or for each unit.
        per: Per,
    },
    /// All of the shipping.
    FreeShipping,
    /// Who buys some of the selected goods gets others for less.
    BuyXGetY {
        /// Units to be bought of the goods that the conditions select.
        buy: u32,
        /// Units that are reduced for so many bought.
        get: u32,
        /// Which goods are reduced; the selected ones where it is empty.
        #[serde(default)]
        goods: Selection,
        /// By how much, in parts per million: 1 000 000 is a gift.
        ppm: u32,
        /// How often in one order; without a limit where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeats_max: Option<u32>,
    },
    /// The more, the more.
    Tiered {
        /// What is counted.
        by: TierBy,
        /// Off what.
        target: Target,
        /// Lowest first. The highest that is reached gives.
        tiers: Vec<Tier>,
    },
}

impl Action {
    /// Whether it takes anything off the shipping.
    pub const fn is_of_shipping(&self) -> bool {
        match self {
            Self::FreeShipping => true,
            Self::Percent { target, .. }
            | Self::Fixed { target, .. }
            | Self::Tiered { target, .. } => matches!(target, Target::Shipping),
            Self::BuyXGetY { .. } => false,
        }
    }
}

/// What must hold. What is absent or empty always does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "PromotionConditions")]
pub struct Conditions {
    /// Which goods count for subtotal and quantity, and are the target `lines`. At least one of
    /// them must be in the cart.
    pub goods: Selection,
    /// The selected lines cost at least this, before any discount: minor units by currency. In a
    /// currency that is not named the condition does not hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subtotal_min: Prices,
    /// The selected lines cost at most this.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub subtotal_max: Prices,
    /// The selected lines are at least so many units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity_min: Option<u32>,
    /// The customer is in one of these groups.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub customer_groups: BTreeSet<String>,
    /// The customer, or the guest by their mail address, has not ordered before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub first_order: bool,
    /// From then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// Until then, not included.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// The cart is in one of these currencies.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub currencies: BTreeSet<Currency>,
    /// The goods go to one of these countries.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<Country>,
}

/// How it goes together with others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stacking {
    /// Of one group only the promotion applies that takes off most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Higher ones apply first; later ones find less to take something off.
    pub priority: i32,
    /// Applies alone or not at all: alone where that takes off more than all others together.
    pub exclusive: bool,
}

/// How often, and how much.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "PromotionLimits")]
pub struct Limits {
    /// Orders that get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_total: Option<u32>,
    /// Orders of one customer, or of one mail address, that get it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses_per_customer: Option<u32>,
    /// What it takes off all orders together: minor units by currency. In a currency that is not
    /// named it takes off nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub budget: Prices,
    /// What it takes off one order: minor units by currency; no limit where it is not named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub max_discount: Prices,
}

impl Limits {
    /// Whether all orders that get it are counted in one place, behind a condition.
    pub fn is_shared(&self) -> bool {
        self.uses_total.is_some() || !self.budget.is_empty()
    }

    /// Whether anything has to be read to know if it still applies.
    pub fn is_counted(&self) -> bool {
        self.is_shared() || self.uses_per_customer.is_some()
    }
}

/// What a merchant decides of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What people call it; shoppers see it.
    pub name: String,
    /// What makes it apply.
    pub trigger: Trigger,
    /// What it does, in this order.
    pub actions: Vec<Action>,
    /// What must hold.
    #[serde(default)]
    pub conditions: Conditions,
    /// How it goes together with others.
    #[serde(default)]
    pub stacking: Stacking,
    /// How often, and how much.
    #[serde(default)]
    pub limits: Limits,
}

/// A promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// Its id.
    pub id: PromotionId,
    /// Where it stands.
    pub status: Status,
    /// What the merchant has decided.
    #[serde(flatten)]
    pub terms: Terms,
    /// Rises with every write.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Why a promotion is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// It has ended: what is written in orders is not rewritten here.
    Ended,
    /// It was active: its trigger and the kinds of its limits stay, because what was counted would
    /// not say what it seems to.
    Started,
    /// It was active and can only be ended.
    NotADraft,
    /// [`AUTOMATIC_MAX`] automatic promotions are running.
    TooManyAutomatic,
    /// [`LIMITED_AUTOMATIC_MAX`] automatic promotions with limits are running.
    TooManyLimited,
    /// It applies by itself and has no codes.
    Automatic,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::Ended => "promotion_ended",
            Self::Started => "promotion_started",
            Self::NotADraft => "promotion_not_a_draft",
            Self::TooManyAutomatic => "too_many_automatic_promotions",
            Self::TooManyLimited => "too_many_limited_promotions",
            Self::Automatic => "promotion_is_automatic",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidTransition { from, to } => {
                write!(f, "A promotion that is {from:?} can not become {to:?}.")
            }
            Self::Ended => f.write_str("This promotion has ended. Make a new one."),
            Self::Started => f.write_str(
                "This promotion was active. Its trigger stays, and so does which limits it has; \
                 how high they are may change.",
            ),
            Self::NotADraft => f.write_str("This promotion was active. End it instead."),
            Self::TooManyAutomatic => {
                write!(f, "{AUTOMATIC_MAX} automatic promotions may run at a time.")
            }
            Self::TooManyLimited => write!(
                f,
                "{LIMITED_AUTOMATIC_MAX} automatic promotions with limits may run at a time.",
            ),
            Self::Automatic => f.write_str("This promotion applies by itself and has no codes."),
        }
    }
}

/// One thing wrong with the terms of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// A stable code.
    pub code: &'static str,
    /// What to do about it.
    pub detail: &'static str,
}

impl Terms {
    /// Every contradiction in the terms. That each number is within its bounds was seen before.
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut flaw = |pointer: String, code, detail| flaws.push(Flaw { pointer, code, detail });
        if self.actions.is_empty() || self.actions.len() > ACTIONS_MAX {
            flaw("/actions".into(), "out_of_range", "A promotion has one to four actions.");
        }
        for (at, action) in self.actions.iter().enumerate() {
            let pointer = format!("/actions/{at}");
            if let Action::BuyXGetY { goods, .. } = action
                && goods.len() > SELECTED_MAX
            {
                let detail = "A selection names at most a hundred things.";
                flaw(format!("{pointer}/goods"), "too_many", detail);
            }
            if let Action::Fixed { target: Target::Shipping, per: Per::Unit, .. } = action {
                let detail = "The shipping is no unit: take the amount off per order.";
                flaw(format!("{pointer}/per"), "not_allowed", detail);
            }
            if let Action::Tiered { by, tiers, .. } = action {
                tier_flaws(*by, tiers, &pointer, &mut flaw);
            }
        }
        let Conditions { goods, from, until, subtotal_min, subtotal_max, .. } = &self.conditions;
        if goods.len() > SELECTED_MAX {
            let detail = "A selection names at most a hundred things.";
            flaw("/conditions/goods".into(), "too_many", detail);
        }
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            let detail = "This must be after the beginning.";
            flaw("/conditions/until".into(), "out_of_range", detail);
        }
        for (currency, min) in subtotal_min {
            if subtotal_max.get(currency).is_some_and(|max| max < min) {
                let detail = "This must not be below subtotal_min.";
                let pointer = format!("/conditions/subtotal_max/{currency}");
                flaw(pointer, "out_of_range", detail);
            }
        }
        flaws
    }
}

/// What is wrong with tiers.
fn tier_flaws(
    by: TierBy,
    tiers: &[Tier],
    pointer: &str,
    flaw: &mut impl FnMut(String, &'static str, &'static str),
) {
    if tiers.is_empty() || tiers.len() > TIERS_MAX {
        flaw(format!("{pointer}/tiers"), "out_of_range", "There are one to ten tiers.");
    }
    for (at, tier) in tiers.iter().enumerate() {
        let is_told = match by {
            TierBy::Subtotal => !tier.from_subtotal.is_empty() && tier.from_quantity.is_none(),
            TierBy::Quantity => tier.from_quantity.is_some() && tier.from_subtotal.is_empty(),
        };
        if !is_told {
            let detail = "Say from_subtotal for tiers by subtotal, from_quantity for tiers by \
                          quantity, and not both.";
            flaw(format!("{pointer}/tiers/{at}"), "not_allowed", detail);
        }
    }
    for (at, pair) in tiers.windows(2).enumerate() {
        let [lower, higher] = pair else { continue };
        let is_rising = match by {
            TierBy::Quantity => lower.from_quantity < higher.from_quantity,
            TierBy::Subtotal => higher.from_subtotal.iter().all(|(currency, from)| {
                lower.from_subtotal.get(currency).is_none_or(|below| below < from)
            }),
        };
        if !is_rising {
            let detail = "Each tier begins above the one before.";
            flaw(format!("{pointer}/tiers/{}", at + 1), "out_of_range", detail);
        }
    }
}

impl Promotion {
    /// A new one: a draft.
    pub const fn draft(id: PromotionId, terms: Terms, now: Timestamp) -> Self {
        Self { id, status: Status::Draft, terms, version: 0, created_at: now, updated_at: now }
    }

    /// With other terms. Once it was active, what it is counted by stays.
    pub fn change(&self, terms: Terms, now: Timestamp) -> Result<Self, Refusal> {
        match self.status {
            Status::Draft => {}
            Status::Ended => return Err(Refusal::Ended),
            Status::Active | Status::Paused => {
                let kinds =
                    |limits: &Limits| (limits.is_shared(), limits.uses_per_customer.is_some());
                let is_same = terms.trigger == self.terms.trigger
                    && kinds(&terms.limits) == kinds(&self.terms.limits);
                if !is_same {
                    return Err(Refusal::Started);
                }
            }
        }
        Ok(Self { terms, updated_at: now, ..self.clone() })
    }

    /// In another status.
    pub fn turn(&self, to: Status, now: Timestamp) -> Result<Self, Refusal> {
        if !self.status.may_become(to) {
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        Ok(Self { status: to, updated_at: now, ..self.clone() })
    }

    /// Refuses to delete what orders may tell of.
    pub fn may_be_deleted(&self) -> Result<(), Refusal> {
        if self.status == Status::Draft { Ok(()) } else { Err(Refusal::NotADraft) }
    }

    /// Refuses codes for what needs none, or is over.
    pub fn may_have_codes(&self) -> Result<(), Refusal> {
        match (self.terms.trigger, self.status) {
            (Trigger::Automatic, _) => Err(Refusal::Automatic),
            (Trigger::Code, Status::Ended) => Err(Refusal::Ended),
            (Trigger::Code, Status::Draft | Status::Active | Status::Paused) => Ok(()),
        }
    }
}

/// The automatic promotions that run, in one document: what every cart is priced with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Each of them, as it stands.
    pub promotions: Vec<Promotion>,
    /// Rises with every write.
    #[serde(default)]
    pub version: u64,
}

impl Running {
    /// With this promotion as it is now: in while it is active, out otherwise. Nothing where that
    /// changes nothing.
    pub fn with(&self, promotion: &Promotion) -> Result<Option<Self>, Refusal> {
        let is_in =
            promotion.terms.trigger == Trigger::Automatic && promotion.status == Status::Active;
        let was_in = self.promotions.iter().any(|other| other.id == promotion.id);
        if !is_in && !was_in {
            return Ok(None);
        }
        let mut promotions = self.promotions.clone();
        promotions.retain(|other| other.id != promotion.id);
        if is_in {
            promotions.push(promotion.clone());
        }
        if promotions.len() > AUTOMATIC_MAX {
            return Err(Refusal::TooManyAutomatic);
        }
        let limited = |all: &[Promotion]| {
            all.iter().filter(|promotion| promotion.terms.limits.is_counted()).count()
        };
        if limited(&promotions) > LIMITED_AUTOMATIC_MAX.max(limited(&self.promotions)) {
            return Err(Refusal::TooManyLimited);
        }
        Ok(Some(Self { promotions, version: self.version }))
    }
}

/// What is known of whoever buys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerFacts {
    /// The groups that they are in.
    pub groups: BTreeSet<String>,
    /// Orders that they placed before and that were not called off unpaid; none where nobody knows
    /// yet who buys.
    pub orders: Option<u64>,
}

/// By what somebody's uses are counted: the account, or a guest's mail address. Hashed, because it
/// ends up in keys; nothing where nobody knows yet who buys. Who knows an address can tell its
/// hash: what lies under a guest's goes when their orders are forgotten.
pub fn buyer(customer: Option<CustomerId>, email: Option<&Email>) -> Option<String> {
    let holder = match (customer, email) {
        (Some(customer), _) => customer.to_string(),
        (None, Some(email)) => email.key(),
        (None, None) => return None,
    };
    let digest = Sha256::digest(holder.as_bytes());
    Some(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
