//! What an order keeps of its promotions: what each took off, and what was counted for it.
//!
//! The snapshot is what is given back when the order ends unpaid. It does not ask the promotion,
//! which may have changed since.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::Code;
use super::engine::{Candidate, Explanation};
use crate::id::PromotionId;
use crate::money::Money;

/// What a promotion took off a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineDiscount {
    /// Which promotion.
    pub promotion_id: PromotionId,
    /// What it was called.
    pub name: String,
    /// The code that opened it.
    pub code: Option<Code>,
    /// What was taken off the whole line.
    pub amount: Money,
}

/// A promotion that an order got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPromotion {
    /// Which.
    pub promotion: PromotionId,
    /// What it was called.
    pub name: String,
    /// The code that opened it.
    pub code: Option<Code>,
    /// All that it took off.
    pub amount: Money,
    /// What of it was taken off the shipping.
    pub shipping: Money,
    /// The limits at which it was counted.
    pub counted: Counted,
}

/// The limits that a use was counted under. They are conditions of the order's placing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Whether all uses are counted in one place, because they are limited.
    pub is_shared: bool,
    /// Orders that may get it.
    #[serde(default)]
    pub uses_total: Option<u32>,
    /// What it may take off all orders in this order's currency, in minor units.
    #[serde(default)]
    pub budget: Option<i64>,
    /// Orders of one buyer that may get it.
    #[serde(default)]
    pub uses_per_customer: Option<u32>,
    /// Orders that may get it by this code.
    #[serde(default)]
    pub uses_per_code: Option<u32>,
    /// Whether it wants a buyer who has not ordered before.
    #[serde(default)]
    pub is_first_order: bool,
}

impl OrderPromotion {
    /// What an order keeps of a promotion that applies.
    pub fn of(explanation: &Explanation, candidate: &Candidate<'_>) -> Self {
        let limits = &candidate.promotion.terms.limits;
        Self {
            promotion: explanation.promotion,
            name: explanation.name.clone(),
            code: explanation.code.clone(),
            amount: explanation.amount,
            shipping: explanation.shipping,
            counted: Counted {
                is_shared: limits.is_shared(),
                uses_total: limits.uses_total,
                budget: limits.budget.get(&explanation.amount.currency()).copied(),
                uses_per_customer: limits.uses_per_customer,
                uses_per_code: candidate.used.by_code_max,
                is_first_order: candidate.promotion.terms.conditions.first_order,
            },
        }
    }
}
