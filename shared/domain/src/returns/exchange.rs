//! Exchanges: what came back is settled by other goods.
//!
//! The replacement is an order of its own, placed as orders are: priced by the catalogue of the
//! day, taxed, held, invoiced and sent. What the goods that came back are worth pays for it, as a
//! tender; where it costs less the rest goes back, where it costs more the rest is due. The credit
//! that stands between the two orders is a gift card whose code nobody has: what ever comes back
//! onto it, because the replacement is not paid in time, is called off or comes back itself, goes
//! the way on which the first order was paid.
//!
//! The refund of the first order takes the units, under the condition of all refunds: no unit is
//! paid back and exchanged.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cart::{self, Cart, PricedCart, Quantity};
use crate::catalog::{Kind, Sku};
use crate::gift_card::{self, Code, Entry, GiftCard, Source, Wallet};
use crate::id::{CartId, GiftCardId, LineId};
use crate::money::Money;
use crate::order::{self, Order, Placement};
use crate::payment::Payment;
use crate::refund::{self, Changed, Exchanged};
use crate::returns::Resolution;
use crate::shipping::ShippingOption;

/// Different goods that are given for one return: each is a line of an order and a hold of stock.
pub const REPLACEMENTS_MAX: usize = 10;
/// How long a dearer replacement is kept for whoever has to pay for it.
pub const PAID_WITHIN: SignedDuration = SignedDuration::from_hours(48);

/// Units of something that is given for what came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// Why nothing is exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody said for what.
    NothingWanted,
    /// Nothing of the worth of what came back was paid by card: gift cards and store credit get
    /// theirs back, and buy what they like.
    NothingToCredit,
    /// What came back is not refunded.
    Refund(refund::Refusal),
    /// The replacement can not be ordered.
    Order(cart::Refusal),
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingWanted => "exchange_empty",
            Self::NothingToCredit => "nothing_to_credit",
            Self::Refund(refusal) => refusal.code(),
            Self::Order(refusal) => refusal.code(),
        }
    }
}

impl From<refund::Refusal> for Refusal {
    fn from(refusal: refund::Refusal) -> Self {
        Self::Refund(refusal)
    }
}

impl From<cart::Refusal> for Refusal {
    fn from(refusal: cart::Refusal) -> Self {
        Self::Order(refusal)
    }
}

/// What would be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// What the units that came back are worth.
    pub worth: Money,
    /// What the replacement costs.
    pub total: Money,
    /// What of the worth pays for it.
    pub credit: Money,
    /// What goes back: to gift cards that had paid for it, and the rest.
    pub back: Money,
    /// What is left to be paid.
    pub due: Money,
}

/// What only the outside can give to an exchange.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// To the order of the replacement.
    pub order: order::Fresh,
    /// To the refund of what came back.
    pub refund: refund::Fresh,
    /// The id of the credit between them.
    pub card: GiftCardId,
    /// Its code, which nobody is told.
    pub code: Code,
    /// To its first entry.
    pub entry: gift_card::Fresh,
}

/// Two orders and the credit between them, as they shall be.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The order whose goods came back, with the refund of them.
    pub changed: Changed,
    /// The order of the replacement.
    pub placement: Placement,
    /// The credit between them.
    pub card: GiftCard,
    /// That it was given, and that it was spent.
    pub entries: Vec<Entry>,
    /// What the return is settled with.
    pub resolution: Resolution,
    /// The sums.
    pub difference: Difference,
}

/// The cart of a replacement: for whoever bought the first order, to where that went. Lines follow.
pub fn cart(order: &Order, id: CartId, now: Timestamp) -> Cart {
    let owner = match order.customer {
        Some(customer) => cart::Owner::Customer(customer),
        None => cart::Owner::Token(order.cart_access.clone().unwrap_or_default()),
    };
    let (shipping, billing) = (order.shipping_address.clone(), order.billing_address.clone());
    let cart = Cart::open(id, owner, order.currency, now)
        .address(order.email.clone(), shipping, billing)
        .for_business(order.vat_id.clone());
    let pickup_point = order.shipping.as_ref().and_then(|way| way.pickup_point.clone());
    Cart { pickup_point, ..cart }
}

/// Puts the goods in, each under an id of its own.
pub fn fill(
    mut cart: Cart,
    wanted: &[Replacement],
    offers: impl Fn(&Sku) -> Option<crate::catalog::Offer>,
    mut line: impl FnMut() -> LineId,
    now: Timestamp,
) -> Result<Cart, Refusal> {
    for Replacement { sku, quantity } in wanted {
        let gone = || cart::Refusal::VariantUnavailable { sku: sku.clone() };
        let offer = offers(sku).ok_or_else(gone)?;
        cart = cart.add(&offer, *quantity, line(), now)?;
    }
    Ok(cart)
}

/// What an exchange would come to.
pub fn difference(
    order: &Order,
    wanted: &refund::Wanted,
    total: Money,
) -> Result<Difference, Refusal> {
    let plan = order.plan_refund(wanted)?;
    let parts: i64 = plan.parts.iter().map(|part| part.amount().amount()).sum();
    let balance = order.exchangeable(wanted)?;
    if !balance.is_positive() || !total.is_positive() {
        return Err(Refusal::NothingToCredit);
    }
    // Its source is of no matter to the sums.
    let source = Source::GiftCard {
        id: GiftCardId::from_ulid(order.id.ulid()),
        last4: String::new(),
        expires_at: None,
        is_exchange: true,
    };
    let paying = gift_card::plan(total, &[Wallet { source, balance }]);
    let money = |minor| Money::new(minor, order.currency);
    let credit = total.amount() - paying.due.amount();
    if credit <= 0 {
        return Err(Refusal::NothingToCredit);
    }
    Ok(Difference {
        worth: money(parts),
        total,
        credit: money(credit),
        back: money(parts - credit),
        due: paying.due,
    })
}

/// Gives other goods for what came back. `expected` is what staff saw that they cost.
pub fn exchange(
    (order, payment, refunds): (&Order, Option<&Payment>, usize),
    wanted: &refund::Wanted,
    (mut cart, mut priced): (Cart, PricedCart),
    expected: Money,
    fresh: Fresh,
) -> Result<Exchange, Refusal> {
    if cart.lines.is_empty() {
        return Err(Refusal::NothingWanted);
    }
    let Fresh { order: placing, refund, card: id, code, entry } = fresh;
    let now = placing.now;
    let sums = difference(order, wanted, priced.priced.totals.total)?;
    let (credit, given) =
        GiftCard::of_exchange(id, &code, (sums.credit, order.id, &order.number), entry);
    let wallet = Wallet { balance: sums.credit, ..credit.wallet(now) };
    cart.wallets = vec![wallet];
    if priced.offers.iter().flatten().any(|offer| offer.kind == Kind::Physical) {
        // It goes the way that the first order went, and the way costs nothing.
        let way = order.shipping.clone();
        let nothing = Money::zero(order.currency);
        priced.shipping = way.map(|way| ShippingOption { price: nothing, window: None, ..way });
        cart.shipping_option = priced.shipping.as_ref().map(|way| way.id.clone());
    }
    let mut placement = Order::place(cart, priced, expected, &placing)?;
    let placed = &mut placement.order;
    placed.exchange_of = Some(order.id);
    placed.access.clone_from(&order.access);
    placed.is_answered = true;
    if placement.payment.is_some() {
        placed.reservation.expires_at = now.saturating_add(PAID_WITHIN).unwrap_or(Timestamp::MAX);
    }
    let spent = placed.tendering.since(None, placed.id, now);
    let exchanged = Exchanged { order: placed.id, gift_card: id, amount: sums.credit };
    let changed = order.request_exchange(payment, refunds, wanted, exchanged, refund)?;
    let resolution = Resolution::Exchange {
        refund: changed.refund.id,
        amount: changed.refund.amount(),
        order: placed.id,
        number: placed.number.clone(),
        credit: sums.credit,
        due: sums.due,
    };
    let entries = std::iter::once(given).chain(spent).collect();
    Ok(Exchange { changed, placement, card: credit, entries, resolution, difference: sums })
}

#[cfg(test)]
mod tests;
