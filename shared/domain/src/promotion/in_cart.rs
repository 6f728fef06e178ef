//! Promotions in a cart: its codes, and what its lines cost with what is taken off.

use jiff::Timestamp;

use super::code::{AppliedCode, Code};
use super::engine::{self, Basket, BasketLine, Explanation, Outcome, Why};
use super::on_offer::OnOffer;
use super::used::{LineDiscount, OrderPromotion};
use super::{CODES_PER_CART_MAX, Status};
use crate::cart::Cart;
use crate::catalog::Offer;
use crate::id::PromotionId;
use crate::money::{self, Money};
use crate::pricing::Item;

/// Why a code does not go into a cart, or out of it, or into an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such code.
    Unknown,
    /// The cart has no such code.
    NotInCart,
    /// The cart holds as many codes as it may.
    TooMany,
    /// It can not be used any more.
    Expired(Why),
    /// It was used as often as it may be, by all or by this customer.
    Exhausted(Why),
    /// Something about this cart speaks against it.
    NotApplicable(Why),
    /// A promotion was used up between the pricing and the placing of an order.
    UsedUp {
        /// Which.
        promotion: PromotionId,
        /// What it is called.
        name: String,
        /// The code that opened it.
        code: Option<Code>,
    },
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "code_unknown",
            Self::NotInCart => "code_not_found",
            Self::TooMany => "too_many_codes",
            Self::Expired(_) => "code_expired",
            Self::Exhausted(_) => "code_exhausted",
            Self::NotApplicable(_) => "code_not_applicable",
            Self::UsedUp { .. } => "promotion_exhausted",
        }
    }

    /// What a reason against a promotion means for its code. Who guesses the code of a draft learns
    /// nothing.
    const fn by(why: Why) -> Self {
        match why {
            Why::NotActive { status: Status::Draft } => Self::Unknown,
            Why::NotActive { status: Status::Ended } | Why::Expired { .. } => Self::Expired(why),
            Why::Exhausted | Why::UsedByCustomer | Why::CodeUsed | Why::BudgetSpent { .. } => {
                Self::Exhausted(why)
            }
            Why::NotActive { status: Status::Active | Status::Paused }
            | Why::NotStarted { .. }
            | Why::CodeMissing
            | Why::OtherCurrency
            | Why::CountryUnknown
            | Why::OtherCountry
            | Why::OtherCustomers
            | Why::NotFirstOrder
            | Why::NoGoods
            | Why::SubtotalTooLow { .. }
            | Why::SubtotalTooHigh { .. }
            | Why::QuantityTooLow { .. }
            | Why::ShippingUnknown
            | Why::NothingToTakeOff
            | Why::GroupHasBetter { .. }
            | Why::ExclusiveIsBetter { .. }
            | Why::OthersAreBetter
            | Why::TooMany => Self::NotApplicable(why),
        }
    }
}

/// What the promotions do to a cart.
#[derive(Debug, Clone)]
pub struct Promoted {
    /// What is taken off, and why other things are not. Lines are those that are for sale.
    pub outcome: Outcome,
    /// What an order keeps of each promotion that applies, in the order in which they applied.
    pub applied: Vec<OrderPromotion>,
}

impl Promoted {
    /// What is taken off a line that is for sale, by its place among these.
    pub fn of_line(&self, at: usize) -> Vec<LineDiscount> {
        let of = |explanation: &Explanation| {
            let amount = explanation.lines.get(at)?.amount;
            amount.is_positive().then(|| LineDiscount {
                promotion_id: explanation.promotion,
                name: explanation.name.clone(),
                code: explanation.code.clone(),
                amount,
            })
        };
        self.outcome.applied().filter_map(of).collect()
    }

    /// What became of the promotion of a code.
    pub fn of_code(&self, code: &Code) -> Option<&Explanation> {
        self.outcome.explanations.iter().find(|one| one.code.as_ref() == Some(code))
    }
}

/// Lets the promotions take their part off the items, which are the sold lines of a cart; of each
/// offer it is told whether its price is a reduced one.
pub(crate) fn promote(
    cart: &Cart,
    sold: &[(&Offer, bool)],
    items: &mut [Item],
    shipping: Option<Money>,
    on_offer: &OnOffer,
    now: Timestamp,
) -> Result<Promoted, money::Refusal> {
    let candidates = on_offer.candidates(cart.currency);
    if candidates.is_empty() {
        let outcome = Outcome::nothing(cart.currency, items.len());
        return Ok(Promoted { outcome, applied: Vec::new() });
    }
    let lines = sold
        .iter()
        .zip(items.iter())
        .map(|((offer, is_reduced), item)| BasketLine {
            variant: offer.variant,
            product: offer.product,
            categories: &offer.categories,
            unit_price: item.unit_price,
            quantity: item.quantity,
            is_reduced: *is_reduced,
        })
        .collect();
    let country = cart.destination().map(|to| to.country);
    let basket = Basket { currency: cart.currency, country, lines, shipping };
    let outcome = engine::evaluate(&candidates, &basket, &on_offer.customer, now)?;
    for (item, discount) in items.iter_mut().zip(&outcome.lines) {
        item.discount = *discount;
    }
    let applied = outcome
        .applied()
        .filter_map(|one| {
            let candidate = candidates.iter().find(|candidate| {
                candidate.promotion.id == one.promotion && candidate.code == one.code.as_ref()
            })?;
            Some(OrderPromotion::of(one, candidate))
        })
        .collect();
    Ok(Promoted { outcome, applied })
}

impl Cart {
    /// Puts a code in; one that is in already stays.
    pub fn enter(mut self, code: AppliedCode) -> Result<Self, Refusal> {
        if self.codes.iter().any(|other| other.code == code.code) {
            return Ok(self);
        }
        if self.codes.len() >= CODES_PER_CART_MAX {
            return Err(Refusal::TooMany);
        }
        self.codes.push(code);
        Ok(self)
    }

    /// Takes a code out.
    pub fn withdraw(mut self, code: &Code) -> Result<Self, Refusal> {
        let before = self.codes.len();
        self.codes.retain(|other| other.code != *code);
        if self.codes.len() == before { Err(Refusal::NotInCart) } else { Ok(self) }
    }
}

/// Whether a code that was just put in may stay: its promotion applies, or a later step of the
/// checkout decides.
pub fn may_stay(promoted: &Promoted, code: &Code) -> Result<(), Refusal> {
    match promoted.of_code(code) {
        None => Err(Refusal::Unknown),
        Some(explanation) => match explanation.why {
            None => Ok(()),
            Some(why) if why.is_undecided() => Ok(()),
            Some(why) => Err(Refusal::by(why)),
        },
    }
}
