//! Draft orders: what staff put together for a buyer on the phone or by mail, and ask the money for
//! by a link.
//!
//! A draft is priced like a cart, but for what staff agree on line by line; promotions are for
//! shoppers. When its link is sent, what it costs stands still: a cart is made of it whose contents
//! and prices nobody changes, and its buyer completes that cart like any other. There is no second
//! way to an order, and no stock is held before it.
//!
//! Whoever changes a draft or calls it off closes the cart of its last link in the same write; the
//! cart's version decides between them and the buyer.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::{Address, Email};
use crate::audit::Actor;
use crate::cart::{self, Cart, Owner, PricedCart, Quantity};
use crate::catalog::Offer;
use crate::currency::Currency;
use crate::id::{CartId, DraftId, LineId, OrderId, PaymentId, VariantId};
use crate::money::Money;
use crate::order::{self, Order};
use crate::pricing::Priced;
use crate::promotion::engine::Outcome;
use crate::promotion::in_cart::Promoted;
use crate::promotion::on_offer::OnOffer;
use crate::shipping::{PickupPointId, ShippingOption, ShippingOptionId, ShippingTable};
use crate::tax::{Reason, TaxTable};
use crate::vat_id::VatId;

/// Days that a pay link is good, unless staff say otherwise.
pub const LINK_DAYS: u8 = 7;
/// Days that a pay link is good at most: longer, and prices and stock are another matter.
pub const LINK_DAYS_MAX: u8 = 14;
/// How long an untouched draft is kept. What was bought of it is an order by then.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Characters of the reason for another price.
pub const REASON_CHARS_MAX: usize = 200;
/// Characters of what staff note of a draft, for each other.
pub const NOTE_CHARS_MAX: usize = 1000;
/// Characters of what is said to the buyer beside the link.
pub const MESSAGE_CHARS_MAX: usize = 1000;

/// Where a draft stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DraftStatus")]
pub enum Status {
    /// Being written; no link of it is good.
    Open,
    /// Its buyer has a link.
    Sent,
    /// An order was made of it.
    Ordered,
    /// Called off.
    Canceled,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 4] = [Self::Open, Self::Sent, Self::Ordered, Self::Canceled];

    /// Whether the machine has the edge `self → to`. From `ordered` a way leads on only where the
    /// order ended unpaid: its cart says so.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Open => matches!(to, Self::Sent | Self::Canceled),
            Self::Sent => matches!(to, Self::Open | Self::Ordered | Self::Canceled),
            Self::Ordered => matches!(to, Self::Open | Self::Sent | Self::Canceled),
            Self::Canceled => false,
        }
    }

    /// The name in documents.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sent => "sent",
            Self::Ordered => "ordered",
            Self::Canceled => "canceled",
        }
    }
}

/// What was agreed on for a line, beside the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    /// Which line.
    pub line: LineId,
    /// What one costs, in place of the catalogue's price.
    pub unit_price: Option<Money>,
    /// What is taken off the whole line.
    pub discount: Option<Money>,
    /// Why.
    pub reason: String,
}

/// What a cart costs because it was agreed: it does not follow the catalogue any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// The draft that it was agreed by.
    pub draft: DraftId,
    /// All prices, one line for each line of the cart.
    pub priced: Priced,
    /// How the parcel goes, at the agreed price.
    pub shipping: Option<ShippingOption>,
    /// Why it is taxed as it is.
    pub tax_reason: Reason,
    /// Until when it can be ordered.
    pub until: Timestamp,
}

impl Agreement {
    /// The agreed prices as those of a cart; lines that are not for sale any more have none.
    pub(crate) fn of_cart(&self, cart: &Cart, offers: Vec<Option<Offer>>) -> PricedCart {
        let mut priced = self.priced.clone();
        let is_sold: Vec<bool> =
            offers.iter().map(|offer| cart.is_for_sale(offer.as_ref())).collect();
        let mut sold = is_sold.iter();
        priced.lines.retain(|_| sold.next().copied().unwrap_or(false));
        let outcome = Outcome::nothing(cart.currency, priced.lines.len());
        PricedCart {
            offers,
            priced,
            shipping: self.shipping.clone(),
            tax_reason: self.tax_reason,
            promoted: Promoted { outcome, applied: Vec::new() },
        }
    }
}

/// A draft order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Its id.
    pub id: DraftId,
    /// Where it stands.
    pub status: Status,
    /// What is in it, for whom, and how it goes: a cart that nobody shops with.
    pub content: Cart,
    /// What was agreed on beside the catalogue.
    pub deals: Vec<Deal>,
    /// What staff note of it, for each other.
    pub note: Option<String>,
    /// The cart of its last link.
    #[serde(default)]
    pub cart_id: Option<CartId>,
    /// The last order that was made of it.
    #[serde(default)]
    pub order_id: Option<OrderId>,
    /// Who began it.
    pub by: Actor,
    /// Rises with every write.
    pub version: u64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Without its buyer: this may end in a log.
impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Draft({}, {:?}, version {})", self.id, self.status, self.version)
    }
}

/// What is asked for of a line.
#[derive(Debug, Clone)]
pub struct AskedLine {
    /// Its id, a new one.
    pub id: LineId,
    /// What.
    pub variant: VariantId,
    /// How many.
    pub quantity: Quantity,
    /// Another price than the catalogue's.
    pub deal: Option<AskedDeal>,
}

/// Another price than the catalogue's.
#[derive(Debug, Clone)]
pub struct AskedDeal {
    /// What one costs.
    pub unit_price: Option<Money>,
    /// What is taken off the whole line.
    pub discount: Option<Money>,
    /// Why.
    pub reason: String,
}

/// What is to be in a draft: all of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What it is priced in.
    pub currency: Currency,
    /// The lines.
    pub lines: Vec<AskedLine>,
    /// Where the link and the letters go.
    pub email: Option<Email>,
    /// Where the parcel goes.
    pub shipping_address: Option<Address>,
    /// Who pays, where that differs.
    pub billing_address: Option<Address>,
    /// The buyer's VAT id, where a business buys.
    pub vat_id: Option<VatId>,
    /// How the parcel goes.
    pub shipping_option: Option<ShippingOptionId>,
    /// Where the buyer fetches it.
    pub pickup_point: Option<PickupPointId>,
    /// What staff note of it.
    pub note: Option<String>,
}

/// Why a draft is not written, changed or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An order was made of it, or is being made.
    Ordered {
        /// Which order.
        order_id: OrderId,
    },
    /// It was called off.
    Canceled,
    /// There is no such variant; which of the lines wants it.
    UnknownVariant {
        /// The line's place.
        at: usize,
    },
    /// Two lines are of one variant.
    VariantTwice {
        /// The second line's place.
        at: usize,
    },
    /// A price is in another currency than the draft.
    OtherCurrency {
        /// The line's place.
        at: usize,
    },
    /// More is taken off a line than it costs.
    DiscountTooLarge {
        /// The line's place.
        at: usize,
        /// What the line costs.
        most: Money,
    },
    /// A cart could not be so.
    Cart(cart::Refusal),
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ordered { .. } => "draft_ordered",
            Self::Canceled => "draft_canceled",
            Self::UnknownVariant { .. } => "unknown_variant",
            Self::VariantTwice { .. } => "variant_twice",
            Self::OtherCurrency { .. } => "currency_mismatch",
            Self::DiscountTooLarge { .. } => "discount_too_large",
            Self::Cart(refusal) => refusal.code(),
        }
    }
}

impl From<cart::Refusal> for Refusal {
    fn from(refusal: cart::Refusal) -> Self {
        Self::Cart(refusal)
    }
}

impl From<crate::money::Refusal> for Refusal {
    fn from(refusal: crate::money::Refusal) -> Self {
        Self::Cart(refusal.into())
    }
}

/// What goes into a draft, read against the catalogue.
#[derive(Debug, Clone)]
pub struct Content {
    cart: Cart,
    deals: Vec<Deal>,
    note: Option<String>,
}

impl Content {
    /// Reads what was asked for against what there is.
    pub fn read(
        id: DraftId,
        asked: Asked,
        offers: &HashMap<VariantId, Offer>,
        shipping: &ShippingTable,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let (cart_id, nobody) = (CartId::from_ulid(id.ulid()), Owner::Token(String::new()));
        let mut cart = Cart::open(cart_id, nobody, asked.currency, now);
        let mut deals = Vec::new();
        for (at, line) in asked.lines.into_iter().enumerate() {
            let offer = offers.get(&line.variant).ok_or(Refusal::UnknownVariant { at })?;
            if cart.lines.iter().any(|other| other.variant == line.variant) {
                return Err(Refusal::VariantTwice { at });
            }
            cart = cart.add(offer, line.quantity, line.id, now)?;
            if let Some(deal) = line.deal {
                let catalog = offer.price(asked.currency, now);
                let unit_price = deal.unit_price.or(catalog);
                let unit_price = unit_price.unwrap_or(Money::zero(asked.currency));
                let of_currency = |money: &Money| money.currency() == asked.currency;
                if !of_currency(&unit_price) || !deal.discount.iter().all(of_currency) {
                    return Err(Refusal::OtherCurrency { at });
                }
                let most = unit_price.times(line.quantity.get())?;
                if deal.discount.is_some_and(|off| off.amount() > most.amount()) {
                    return Err(Refusal::DiscountTooLarge { at, most });
                }
                let AskedDeal { unit_price, discount, reason } = deal;
                deals.push(Deal { line: line.id, unit_price, discount, reason });
            }
        }
        cart.email = asked.email;
        cart.shipping_address = asked.shipping_address;
        cart.billing_address = asked.billing_address;
        cart.vat_id = asked.vat_id;
        if let Some(option) = &asked.shipping_option {
            let of_lines: Vec<Option<Offer>> =
                cart.lines.iter().map(|line| offers.get(&line.variant).cloned()).collect();
            cart = cart.ship_by(option, asked.pickup_point.as_ref(), &of_lines, shipping, now)?;
        }
        Ok(Self { cart, deals, note: asked.note })
    }
}

/// What only the outside can give to a link.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The id of its cart.
    pub cart: CartId,
    /// SHA-256 (hex) of the token that opens it.
    pub token_hash: String,
    /// Days that it is good.
    pub days: u8,
    /// The time.
    pub now: Timestamp,
}

/// A draft that changed, with the carts that go with it.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The draft.
    pub draft: Draft,
    /// The cart of the link that was good until now, closed.
    pub closed: Option<Cart>,
    /// The cart of the new link.
    pub opened: Option<Cart>,
}

impl Draft {
    /// A new draft.
    pub fn begin(id: DraftId, content: Content, by: Actor, now: Timestamp) -> Self {
        let Content { cart, deals, note } = content;
        Self {
            id,
            status: Status::Open,
            content: cart,
            deals,
            note,
            cart_id: None,
            order_id: None,
            by,
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// What it costs: what was agreed while a link is out, else what it would cost now.
    pub fn price(
        &self,
        offers: Vec<Option<Offer>>,
        shipping: &ShippingTable,
        tax: &TaxTable,
        now: Timestamp,
    ) -> Result<PricedCart, cart::Refusal> {
        match &self.content.agreed {
            Some(agreed) => Ok(agreed.of_cart(&self.content, offers)),
            None => self.price_anew(offers, shipping, tax, now),
        }
    }

    /// What it would cost now.
    pub fn price_anew(
        &self,
        offers: Vec<Option<Offer>>,
        shipping: &ShippingTable,
        tax: &TaxTable,
        now: Timestamp,
    ) -> Result<PricedCart, cart::Refusal> {
        let nothing_off = OnOffer::default();
        self.content.price_by(offers, (shipping, tax), (&nothing_off, self.deals.as_slice()), now)
    }

    /// Writes all of it anew; its link is good no more. `cart` is that of its last link.
    pub fn change(
        self,
        content: Content,
        cart: Option<Cart>,
        now: Timestamp,
    ) -> Result<Changed, Refusal> {
        let closed = self.recall(cart, now)?;
        let Content { cart: content, deals, note } = content;
        let draft = Self { status: Status::Open, content, deals, note, updated_at: now, ..self };
        Ok(Changed { draft, closed, opened: None })
    }

    /// Calls it off; its link is good no more.
    pub fn cancel(self, cart: Option<Cart>, now: Timestamp) -> Result<Changed, Refusal> {
        let closed = self.recall(cart, now)?;
        let draft = Self { status: Status::Canceled, updated_at: now, ..self };
        Ok(Changed { draft, closed, opened: None })
    }

    /// Agrees on what it costs and makes the cart that its link opens; a link that was sent before
    /// is good no more. What could not be ordered now is not sent.
    pub fn send(
        mut self,
        cart: Option<Cart>,
        priced: PricedCart,
        fresh: Fresh,
    ) -> Result<Changed, Refusal> {
        let Fresh { cart: id, token_hash, days, now } = fresh;
        let closed = self.recall(cart, now)?;
        self.content.agreed = None;
        let (order, payment) = (self.id.ulid(), self.id.ulid());
        let trial = order::Fresh {
            order: OrderId::from_ulid(order),
            payment: PaymentId::from_ulid(payment),
            number: String::new(),
            now,
        };
        let total = priced.priced.totals.total;
        Order::place(self.content.clone(), priced.clone(), total, &trial)?;
        let good_for = SignedDuration::from_hours(i64::from(days) * 24);
        let until = now.saturating_add(good_for).unwrap_or(Timestamp::MAX);
        let PricedCart { priced, shipping, tax_reason, .. } = priced;
        let agreement = Agreement { draft: self.id, priced, shipping, tax_reason, until };
        self.content.agreed = Some(Box::new(agreement));
        let opened = Cart {
            id,
            owner: Owner::Token(token_hash),
            created_at: now,
            updated_at: now,
            ..self.content.clone()
        };
        let draft = Self { status: Status::Sent, cart_id: Some(id), updated_at: now, ..self };
        Ok(Changed { draft, closed, opened: Some(opened) })
    }

    /// Closes the cart of the last link, unless an order is made of it.
    fn recall(&self, cart: Option<Cart>, now: Timestamp) -> Result<Option<Cart>, Refusal> {
        if self.status == Status::Canceled {
            return Err(Refusal::Canceled);
        }
        let Some(cart) = cart else { return Ok(None) };
        match cart.status {
            cart::Status::Completing { order_id } | cart::Status::Completed { order_id } => {
                Err(Refusal::Ordered { order_id })
            }
            cart::Status::Active | cart::Status::Abandoned => {
                Ok(Some(Cart { status: cart::Status::Expired, updated_at: now, ..cart }))
            }
            cart::Status::Merged { .. } | cart::Status::Expired => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_matrix() {
        let matrix = order::tests::matrix(&Status::ALL, Status::may_become);
        let wanted = "Open            -> Sent Canceled\n\
                      Sent            -> Open Ordered Canceled\n\
                      Ordered         -> Open Sent Canceled\n\
                      Canceled        -> -\n";
        assert_eq!(matrix, wanted);
    }

    #[test]
    fn a_link_ends_before_its_cart_and_a_cart_before_its_draft() {
        let longest = SignedDuration::from_hours(i64::from(LINK_DAYS_MAX) * 24);
        assert!(longest < cart::LIFETIME && cart::LIFETIME < LIFETIME);
    }
}
