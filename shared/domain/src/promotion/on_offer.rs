//! What there is of promotions for one cart, as it was read from the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::code::{Code, CodeEntry};
use super::engine::{Candidate, Used};
use super::{CustomerFacts, Promotion};
use crate::catalog::Prices;
use crate::currency::Currency;
use crate::id::PromotionId;

/// How often a promotion was used, by all and by this cart's buyer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Orders that got it.
    pub orders: u64,
    /// What it took off them: minor units by currency.
    pub spent: Prices,
    /// Orders of this buyer that got it.
    pub by_customer: u64,
}

/// Promotions that a cart may get, and what is known of its buyer.
#[derive(Debug, Clone, Default)]
pub struct OnOffer {
    /// The automatic ones that run.
    pub automatic: Arc<Vec<Promotion>>,
    /// The cart's codes with what they open; a code that is gone is not here.
    pub by_code: Vec<(CodeEntry, Promotion)>,
    /// How often those with limits were used.
    pub uses: BTreeMap<PromotionId, Uses>,
    /// Orders that got something by a code.
    pub code_uses: BTreeMap<Code, u64>,
    /// What is known of the buyer.
    pub customer: CustomerFacts,
}

impl OnOffer {
    /// The candidates for a cart in this currency.
    pub fn candidates(&self, currency: Currency) -> Vec<Candidate<'_>> {
        let used = |promotion: &Promotion| {
            let uses = self.uses.get(&promotion.id);
            Used {
                orders: uses.map_or(0, |uses| uses.orders),
                spent: uses.and_then(|uses| uses.spent.get(&currency)).copied().unwrap_or(0),
                by_customer: uses.map_or(0, |uses| uses.by_customer),
                by_code: 0,
                by_code_max: None,
            }
        };
        let automatic = self.automatic.iter().map(|promotion| {
            let used = used(promotion);
            Candidate { promotion, code: None, used }
        });
        let by_code = self.by_code.iter().map(|(entry, promotion)| {
            let by_code = self.code_uses.get(&entry.code).copied().unwrap_or(0);
            let used = Used { by_code, by_code_max: entry.uses_max, ..used(promotion) };
            Candidate { promotion, code: Some(&entry.code), used }
        });
        automatic.chain(by_code).collect()
    }
}
