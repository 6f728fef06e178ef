//! The cart: mutable, priced on read, never an order.
//!
//! A line names a variant and a quantity; equal variants are one line. While an order waits for
//! its payment the cart is `completing` and nobody changes it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::address::{Address, Country, Destination, Email, postal_key};
use crate::carrier::Quote;
use crate::catalog::{Kind, Offer, Sku};
use crate::currency::Currency;
use crate::draft::{Agreement, Deal};
use crate::gift_card::{self, Wallet};
use crate::id::{CartId, CustomerId, LineId, OrderId, VariantId};
use crate::money::Money;
use crate::pricing::{self, Freight, Item, Priced};
use crate::promotion::code::AppliedCode;
use crate::promotion::in_cart::{self, Promoted};
use crate::promotion::on_offer::OnOffer;
use crate::shipping::{
    By, Load, OptionKind, PickupPoint, PickupPointId, Shipment, ShippingOption, ShippingOptionId,
    ShippingTable,
};
use crate::tax::{Reason, TaxTable};
use crate::vat_id::VatId;

/// Lines of a cart. Placing writes a stock item per SKU plus a handful of others, and one
/// DynamoDB transaction holds 100 actions.
pub const LINES_MAX: usize = 40;
/// Units of a line, unless the variant says less.
pub const QUANTITY_MAX: u32 = 100;
/// How long a carrier's price holds that a shopper has chosen.
pub const QUOTE_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// How long an untouched cart is kept.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Units of a line: 1 to [`QUANTITY_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    /// The quantity, or nothing where it is out of bounds.
    pub const fn new(units: u32) -> Option<Self> {
        if units >= 1 && units <= QUANTITY_MAX { Some(Self(units)) } else { None }
    }

    /// The number of units.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u32::deserialize(deserializer)?)
            .ok_or_else(|| serde::de::Error::custom("quantity out of bounds"))
    }
}

/// Whose the cart is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// A signed-in customer.
    Customer(CustomerId),
    /// Whoever holds the token with this SHA-256 (hex).
    Token(String),
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(id) => fmt::Debug::fmt(id, f),
            Self::Token(_) => f.write_str("guest"),
        }
    }
}

/// Where a cart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Status {
    /// Can be changed.
    Active,
    /// An order waits for its payment.
    Completing {
        /// Which order.
        order_id: OrderId,
    },
    /// The order is placed.
    Completed {
        /// Which order.
        order_id: OrderId,
    },
    /// Untouched for long; comes back at a touch.
    Abandoned,
    /// Its lines went into another cart.
    Merged {
        /// Which cart.
        into: CartId,
    },
    /// Gone.
    Expired,
}

/// A status without its particulars, for the transition matrix and for display.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CartStatus")]
pub enum Phase {
    /// See [`Status::Active`].
    Active,
    /// See [`Status::Completing`].
    Completing,
    /// See [`Status::Completed`].
    Completed,
    /// See [`Status::Abandoned`].
    Abandoned,
    /// See [`Status::Merged`].
    Merged,
    /// See [`Status::Expired`].
    Expired,
}

impl Phase {
    /// Every phase, for the printed matrix.
    pub const ALL: [Self; 6] = [
        Self::Active,
        Self::Completing,
        Self::Completed,
        Self::Abandoned,
        Self::Merged,
        Self::Expired,
    ];

    /// Whether the machine has the edge `self → to`.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            // To completed: the late payment of an order that had ended finishes its cart, too.
            Self::Active => matches!(
                to,
                Self::Completing | Self::Abandoned | Self::Merged | Self::Expired | Self::Completed
            ),
            Self::Completing => matches!(to, Self::Completed | Self::Active),
            Self::Abandoned => matches!(to, Self::Active | Self::Merged | Self::Expired),
            Self::Completed | Self::Merged | Self::Expired => false,
        }
    }
}

impl Status {
    /// The status without its particulars.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Active => Phase::Active,
            Self::Completing { .. } => Phase::Completing,
            Self::Completed { .. } => Phase::Completed,
            Self::Abandoned => Phase::Abandoned,
            Self::Merged { .. } => Phase::Merged,
            Self::Expired => Phase::Expired,
        }
    }
}

/// A line of a cart. Title and SKU are kept for the day the variant is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// What is wanted.
    pub variant: VariantId,
    /// How many.
    pub quantity: Quantity,
    /// The variant's SKU when it was added.
    pub sku: Sku,
    /// The name when it was added.
    pub title: String,
}

/// What a carrier asked for the parcel when its service was chosen: what the shopper saw is what
/// they pay, for a day, as long as it is the same parcel to the same place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    option: ShippingOptionId,
    price: Money,
    weight_grams: u64,
    country: Country,
    postal_key: String,
    until: Timestamp,
}

impl Quoted {
    fn holds(
        &self,
        option: &ShippingOptionId,
        load: Load,
        to: &Destination<'_>,
        now: Timestamp,
    ) -> bool {
        self.option == *option
            && self.weight_grams == load.weight_grams
            && self.country == to.country
            && self.postal_key == postal_key(to.postal_code)
            && now < self.until
    }
}

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Its id.
    pub id: CartId,
    /// Whose it is.
    pub owner: Owner,
    /// Where it stands.
    #[serde(flatten)]
    pub status: Status,
    /// What it is priced in.
    pub currency: Currency,
    /// What is in it.
    pub lines: Vec<Line>,
    /// Where the confirmation goes.
    pub email: Option<Email>,
    /// Where the parcel goes.
    pub shipping_address: Option<Address>,
    /// Who pays; the shipping address where absent.
    pub billing_address: Option<Address>,
    /// The buyer's VAT id, where they buy as a business.
    #[serde(default)]
    pub vat_id: Option<VatId>,
    /// How the parcel goes.
    pub shipping_option: Option<ShippingOptionId>,
    /// Where the buyer fetches it, as it was when it was chosen.
    #[serde(default)]
    pub pickup_point: Option<PickupPoint>,
    /// What a carrier asked for it, where one was asked.
    #[serde(default)]
    pub quote: Option<Quoted>,
    /// The gift cards and the credit that it is to be paid with, as they were seen last.
    #[serde(default)]
    pub wallets: Vec<Wallet>,
    /// The codes that were put in, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<AppliedCode>,
    /// What was agreed with its buyer: such a cart is completed as it is, or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Box<Agreement>>,
    /// Rises with every write.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Why a cart is not changed or completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An order was made of it, or is being made.
    Completed {
        /// Which order.
        order_id: OrderId,
    },
    /// It was merged or has expired.
    NotActive(Phase),
    /// What is in it was agreed with the shop: nobody changes it.
    Agreed,
    /// The time is over in which what was agreed could be ordered.
    AgreementOver {
        /// When it was over.
        until: Timestamp,
    },
    /// The shop has changed what was agreed, or called it off.
    AgreementWithdrawn,
    /// It holds [`LINES_MAX`] lines.
    Full,
    /// More units than one line may hold.
    QuantityLimit {
        /// Units that one line may hold.
        max: u32,
    },
    /// No such line.
    LineNotFound,
    /// There is no such variant.
    UnknownVariant,
    /// The variant is not for sale.
    VariantUnavailable {
        /// What was wanted.
        sku: Sku,
    },
    /// The variant has no price in the cart's currency.
    CurrencyUnavailable {
        /// What was wanted.
        sku: Sku,
        /// The cart's currency.
        currency: Currency,
    },
    /// Nothing is in it.
    Empty,
    /// Nobody to write to.
    EmailMissing,
    /// Nowhere to send the goods (or to tax them).
    AddressMissing,
    /// No way of sending was chosen.
    ShippingMissing,
    /// The chosen way does not serve this parcel.
    ShippingUnavailable,
    /// Nothing in the cart is sent anywhere.
    ShippingNotNeeded,
    /// The chosen way ends at a pickup point, and none was chosen.
    PickupPointMissing,
    /// There is no such pickup point, or the chosen way does not go there.
    UnknownPickupPoint,
    /// The total is not what the shopper saw.
    TotalChanged {
        /// What the shopper saw.
        expected: Money,
        /// What it is.
        actual: Money,
    },
    /// Less than the payment provider takes in this currency.
    BelowMinimum {
        /// The least that can be charged.
        minimum: Money,
    },
    /// Fewer units are for sale than wanted.
    InsufficientStock(Vec<Shortage>),
    /// A gift card or a credit can not be used.
    GiftCard(gift_card::Refusal),
    /// A code or a promotion does not go with it.
    Promotion(in_cart::Refusal),
    /// The sum does not fit, or prices mix currencies.
    Money(crate::money::Refusal),
}

/// What is missing of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// Of what.
    pub sku: Sku,
    /// Units wanted.
    pub wanted: u32,
    /// Units that could be had.
    pub available: u32,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Completed { .. } => "cart_completed",
            Self::NotActive(_) => "cart_not_active",
            Self::Agreed => "cart_agreed",
            Self::AgreementOver { .. } => "pay_link_expired",
            Self::AgreementWithdrawn => "pay_link_withdrawn",
            Self::Full => "cart_full",
            Self::QuantityLimit { .. } => "quantity_limit",
            Self::LineNotFound => "line_not_found",
            Self::UnknownVariant => "unknown_variant",
            Self::VariantUnavailable { .. } => "variant_unavailable",
            Self::CurrencyUnavailable { .. } => "currency_unavailable",
            Self::Empty => "cart_empty",
            Self::EmailMissing => "email_missing",
            Self::AddressMissing => "address_missing",
            Self::ShippingMissing => "shipping_missing",
            Self::ShippingUnavailable => "shipping_unavailable",
            Self::ShippingNotNeeded => "shipping_not_needed",
            Self::PickupPointMissing => "pickup_point_missing",
            Self::UnknownPickupPoint => "unknown_pickup_point",
            Self::TotalChanged { .. } => "total_changed",
            Self::BelowMinimum { .. } => "amount_too_small",
            Self::InsufficientStock(_) => "insufficient_stock",
            Self::GiftCard(refusal) => refusal.code(),
            Self::Promotion(refusal) => refusal.code(),
            Self::Money(_) => "amount_too_large",
        }
    }
}

impl From<gift_card::Refusal> for Refusal {
    fn from(refusal: gift_card::Refusal) -> Self {
        Self::GiftCard(refusal)
    }
}

impl From<in_cart::Refusal> for Refusal {
    fn from(refusal: in_cart::Refusal) -> Self {
        Self::Promotion(refusal)
    }
}

impl From<crate::money::Refusal> for Refusal {
    fn from(refusal: crate::money::Refusal) -> Self {
        Self::Money(refusal)
    }
}

/// A cart with what its lines cost now.
#[derive(Debug, Clone)]
pub struct PricedCart {
    /// One per line of the cart, in its order; none where the variant is not for sale any more.
    pub offers: Vec<Option<Offer>>,
    /// The sums of the lines that are for sale, in the order of those lines.
    pub priced: Priced,
    /// The chosen way of sending, where it still serves, at the price that this buyer pays.
    pub shipping: Option<ShippingOption>,
    /// Why it is taxed as it is.
    pub tax_reason: Reason,
    /// What the promotions take off, and why others do not.
    pub promoted: Promoted,
}

impl Cart {
    /// An empty cart.
    pub fn open(id: CartId, owner: Owner, currency: Currency, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            status: Status::Active,
            currency,
            lines: Vec::new(),
            email: None,
            shipping_address: None,
            billing_address: None,
            vat_id: None,
            shipping_option: None,
            pickup_point: None,
            quote: None,
            wallets: Vec::new(),
            codes: Vec::new(),
            agreed: None,
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Refuses unless the cart can be changed; an abandoned one comes back by the touch.
    pub fn changeable(self, now: Timestamp) -> Result<Self, Refusal> {
        let cart = self.orderable(now)?;
        if cart.agreed.is_some() { Err(Refusal::Agreed) } else { Ok(cart) }
    }

    /// Refuses unless an order may be made of the cart.
    pub(crate) fn orderable(mut self, now: Timestamp) -> Result<Self, Refusal> {
        match self.status {
            Status::Active => {}
            Status::Abandoned => self.status = Status::Active,
            Status::Completing { order_id } | Status::Completed { order_id } => {
                return Err(Refusal::Completed { order_id });
            }
            Status::Merged { .. } | Status::Expired if self.agreed.is_some() => {
                return Err(Refusal::AgreementWithdrawn);
            }
            status @ (Status::Merged { .. } | Status::Expired) => {
                return Err(Refusal::NotActive(status.phase()));
            }
        }
        if let Some(until) = self.agreed.as_ref().map(|agreed| agreed.until)
            && until <= now
        {
            return Err(Refusal::AgreementOver { until });
        }
        self.updated_at = now;
        Ok(self)
    }

    /// Puts units of a variant in; an equal variant's line grows.
    pub fn add(
        mut self,
        offer: &Offer,
        quantity: Quantity,
        line_id: LineId,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if !offer.is_active {
            return Err(Refusal::VariantUnavailable { sku: offer.sku.clone() });
        }
        if offer.price(self.currency, now).is_none() {
            let (sku, currency) = (offer.sku.clone(), self.currency);
            return Err(Refusal::CurrencyUnavailable { sku, currency });
        }
        let limit = offer.quantity_max.min(QUANTITY_MAX);
        let refused = Refusal::QuantityLimit { max: limit };
        let bounded = |units: u32| Quantity::new(units).filter(|q| q.get() <= limit);
        if let Some(line) = self.lines.iter_mut().find(|line| line.variant == offer.variant) {
            let units = line.quantity.get().saturating_add(quantity.get());
            line.quantity = bounded(units).ok_or(refused)?;
            return Ok(self);
        }
        if self.lines.len() >= LINES_MAX {
            return Err(Refusal::Full);
        }
        let quantity = bounded(quantity.get()).ok_or(refused)?;
        let title = offer.product_title.clone();
        let (variant, sku) = (offer.variant, offer.sku.clone());
        self.lines.push(Line { id: line_id, variant, quantity, sku, title });
        Ok(self)
    }

    /// Sets the units of a line. `limit` is what the variant allows, where it still exists.
    pub fn change(
        mut self,
        line_id: LineId,
        quantity: Quantity,
        limit: impl Fn(VariantId) -> Option<u32>,
    ) -> Result<Self, Refusal> {
        let line = self.lines.iter_mut().find(|line| line.id == line_id);
        let line = line.ok_or(Refusal::LineNotFound)?;
        let max = limit(line.variant).unwrap_or(QUANTITY_MAX);
        if quantity.get() > max {
            return Err(Refusal::QuantityLimit { max });
        }
        line.quantity = quantity;
        Ok(self)
    }

    /// Takes a line out.
    pub fn remove(mut self, line_id: LineId) -> Result<Self, Refusal> {
        let before = self.lines.len();
        self.lines.retain(|line| line.id != line_id);
        if self.lines.len() == before { Err(Refusal::LineNotFound) } else { Ok(self) }
    }

    /// Says where the goods and the letters go. A chosen way of sending is kept; whether it
    /// serves the new address shows when the cart is priced.
    #[must_use]
    pub fn address(
        mut self,
        email: Email,
        shipping: Option<Address>,
        billing: Option<Address>,
    ) -> Self {
        self.email = Some(email);
        self.shipping_address = shipping;
        self.billing_address = billing;
        self
    }

    /// Says that a business buys, or that nobody does.
    #[must_use]
    pub fn for_business(mut self, vat_id: Option<VatId>) -> Self {
        self.vat_id = vat_id;
        self
    }

    /// Chooses how the parcel goes, and where it waits if the buyer fetches it.
    pub fn ship_by(
        mut self,
        option: &ShippingOptionId,
        point: Option<&PickupPointId>,
        offers: &[Option<Offer>],
        table: &ShippingTable,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let shipment = self.shipment(offers, now)?.ok_or(Refusal::ShippingNotNeeded)?;
        let method = table.method(option).ok_or(Refusal::ShippingUnavailable)?;
        let (chosen, to) = match method.by {
            By::Pickup => {
                let id = point.ok_or(Refusal::PickupPointMissing)?;
                let chosen = table.pickup_point(id).ok_or(Refusal::UnknownPickupPoint)?;
                let zone = table.zone(&chosen.destination());
                if zone.is_none_or(|zone| zone.id != method.zone) {
                    return Err(Refusal::UnknownPickupPoint);
                }
                (Some(chosen.clone()), chosen.destination())
            }
            By::Parcel | By::Carrier(_) => {
                let to = self.shipping_address.as_ref().ok_or(Refusal::AddressMissing)?;
                (None, to.destination())
            }
        };
        if !table.options(&to, &shipment, now).iter().any(|o| o.id == *option) {
            return Err(Refusal::ShippingUnavailable);
        }
        self.shipping_option = Some(option.clone());
        self.pickup_point = chosen;
        self.quote = None;
        Ok(self)
    }

    /// Keeps what a carrier asks for the chosen way of sending, if it is the carrier's.
    pub fn keep_quote(
        mut self,
        quote: &Quote,
        offers: &[Option<Offer>],
        table: &ShippingTable,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let shipment = self.shipment(offers, now)?;
        let (Some(option), Some(to), Some(shipment)) =
            (&self.shipping_option, self.destination(), shipment)
        else {
            return Ok(self);
        };
        let price = table.quoted(option, quote, self.currency);
        let quoted = price.map(|price| Quoted {
            option: option.clone(),
            price,
            weight_grams: shipment.load().weight_grams,
            country: to.country,
            postal_key: postal_key(to.postal_code),
            until: now.saturating_add(QUOTE_LIFETIME).unwrap_or(Timestamp::MAX),
        });
        self.quote = quoted;
        Ok(self)
    }

    /// The ways of sending that serve this cart, cheapest first. With nothing to send that is a
    /// refusal that says so; without an address, too, unless the goods can be fetched.
    pub fn shipping_options(
        &self,
        offers: &[Option<Offer>],
        table: &ShippingTable,
        now: Timestamp,
    ) -> Result<Vec<ShippingOption>, Refusal> {
        let shipment = self.shipment(offers, now)?.ok_or(Refusal::ShippingNotNeeded)?;
        if let Some(to) = &self.shipping_address {
            return Ok(table.options(&to.destination(), &shipment, now));
        }
        let pickups = table.pickups(&shipment, now);
        if pickups.is_empty() { Err(Refusal::AddressMissing) } else { Ok(pickups) }
    }

    /// Where the goods change hands, which is what tax and shipping are about: the pickup point
    /// where one is chosen, else the shipping address.
    pub fn destination(&self) -> Option<Destination<'_>> {
        let address = self.shipping_address.as_ref().map(Address::destination);
        self.pickup_point.as_ref().map(PickupPoint::destination).or(address)
    }

    /// What is sent: a parcel for each shipping profile of the physical lines, and what all lines
    /// are worth; nothing where all is digital.
    pub fn shipment(
        &self,
        offers: &[Option<Offer>],
        now: Timestamp,
    ) -> Result<Option<Shipment>, Refusal> {
        let mut shipment =
            Shipment { parcels: BTreeMap::new(), subtotal: Money::zero(self.currency) };
        for (line, offer) in self.sold(offers) {
            let units = line.quantity.get();
            if offer.kind == Kind::Physical {
                let sum: &mut Load =
                    shipment.parcels.entry(offer.shipping_profile.clone()).or_default();
                let weight = u64::from(offer.weight_grams) * u64::from(units);
                sum.weight_grams = sum.weight_grams.saturating_add(weight);
                let volume = offer.volume_mm3.saturating_mul(u64::from(units));
                sum.volume_mm3 = sum.volume_mm3.saturating_add(volume);
            }
            let price = self.unit_price(offer, now)?.times(units)?;
            shipment.subtotal = shipment.subtotal.add(price)?;
        }
        Ok((!shipment.parcels.is_empty()).then_some(shipment))
    }

    /// The lines that are for sale, with their offers.
    fn sold<'a>(
        &'a self,
        offers: &'a [Option<Offer>],
    ) -> impl Iterator<Item = (&'a Line, &'a Offer)> {
        self.lines.iter().zip(offers).filter_map(|(line, offer)| {
            let offer = offer.as_ref()?;
            self.is_for_sale(Some(offer)).then_some((line, offer))
        })
    }

    /// Whether an offer can be bought in this cart's currency.
    pub fn is_for_sale(&self, offer: Option<&Offer>) -> bool {
        offer.is_some_and(|o| o.is_active && o.prices.contains_key(&self.currency))
    }

    fn unit_price(&self, offer: &Offer, now: Timestamp) -> Result<Money, Refusal> {
        let (sku, currency) = (offer.sku.clone(), self.currency);
        offer.price(self.currency, now).ok_or(Refusal::CurrencyUnavailable { sku, currency })
    }

    /// What the cart costs `now`: prices follow the sales that run at that moment, and `on_offer`
    /// takes its part off; but what was agreed is what was agreed. `offers` holds one entry per
    /// line, in the cart's order.
    pub fn price(
        &self,
        offers: Vec<Option<Offer>>,
        shipping_table: &ShippingTable,
        tax_table: &TaxTable,
        on_offer: &OnOffer,
        now: Timestamp,
    ) -> Result<PricedCart, Refusal> {
        if let Some(agreed) = &self.agreed {
            return Ok(agreed.of_cart(self, offers));
        }
        let no_deals: &[Deal] = &[];
        self.price_by(offers, (shipping_table, tax_table), (on_offer, no_deals), now)
    }

    /// What the cart costs by the catalogue, by promotions, and by what staff agree on for some of
    /// its lines. Their prices are of the shop's kind: who does not owe its tax pays them without.
    pub(crate) fn price_by(
        &self,
        offers: Vec<Option<Offer>>,
        (shipping_table, tax_table): (&ShippingTable, &TaxTable),
        (on_offer, deals): (&OnOffer, &[Deal]),
        now: Timestamp,
    ) -> Result<PricedCart, Refusal> {
        let mut shipping = self.chosen_shipping(&offers, shipping_table, now)?;
        let ruling = tax_table.ruling(self.destination().as_ref(), self.vat_id.as_ref());
        let mut items = Vec::with_capacity(self.lines.len());
        let mut sold = Vec::with_capacity(self.lines.len());
        let mut off = Vec::with_capacity(deals.len());
        for (line, offer) in self.sold(&offers) {
            let deal = deals.iter().find(|deal| deal.line == line.id);
            let price = match deal.and_then(|deal| deal.unit_price) {
                Some(price) => price,
                None => self.unit_price(offer, now)?,
            };
            if let Some(discount) = deal.and_then(|deal| deal.discount) {
                off.push((items.len(), ruling.price(discount, &offer.tax_category)?));
            }
            let base = offer.prices.get(&self.currency);
            sold.push((offer, base.is_some_and(|base| price.amount() < *base)));
            items.push(Item {
                unit_price: ruling.price(price, &offer.tax_category)?,
                quantity: line.quantity.get(),
                tax_category: offer.tax_category.clone(),
                discount: Money::zero(self.currency),
            });
        }
        if let Some(option) = &mut shipping {
            let main = pricing::main_category(&items, ruling.base(), self.currency)?;
            option.price = ruling.price(option.price, &main)?;
        }
        let price = shipping.as_ref().map(|option| option.price);
        let promoted = in_cart::promote(self, &sold, &mut items, price, on_offer, now)?;
        for (at, discount) in off {
            let Some(item) = items.get_mut(at) else { continue };
            // A price that fell since, or one without its tax, never makes a line negative.
            let most = item.unit_price.times(item.quantity)?;
            item.discount = item.discount.add(discount)?.min(most)?;
        }
        let price = price.unwrap_or(Money::zero(self.currency));
        let freight = Freight { price, discount: promoted.outcome.shipping };
        let priced = pricing::price_with(&items, freight, &ruling.region, self.currency)?;
        let tax_reason = ruling.reason;
        Ok(PricedCart { offers, priced, shipping, tax_reason, promoted })
    }

    /// The chosen way of sending, where it still serves.
    fn chosen_shipping(
        &self,
        offers: &[Option<Offer>],
        table: &ShippingTable,
        now: Timestamp,
    ) -> Result<Option<ShippingOption>, Refusal> {
        let (Some(id), Some(to)) = (&self.shipping_option, self.destination()) else {
            return Ok(None);
        };
        let Some(shipment) = self.shipment(offers, now)? else { return Ok(None) };
        let found = table.options(&to, &shipment, now).into_iter().find(|o| o.id == *id);
        let Some(mut option) = found else { return Ok(None) };
        if option.kind == OptionKind::Pickup {
            // A point that was closed since serves nobody any more.
            let is_open = |point: &&PickupPoint| table.pickup_point(&point.id).is_some();
            let Some(point) = self.pickup_point.as_ref().filter(is_open) else { return Ok(None) };
            option.pickup_point = Some(point.clone());
        }
        // What is free stays free.
        if option.kind == OptionKind::Carrier && !option.price.is_zero() {
            let load = shipment.load();
            let quote = self.quote.as_ref().filter(|quote| quote.holds(id, load, &to, now));
            option.price = quote.map_or(option.price, |quote| quote.price);
        }
        Ok(Some(option))
    }

    /// Takes the lines of a guest's cart over. Quantities of equal variants are added and bounded;
    /// what does not fit is reported, never dropped in silence.
    pub fn merge(mut self, guest: &Self) -> (Self, Vec<Trimmed>) {
        let mut trimmed = Vec::new();
        for line in &guest.lines {
            let wanted = line.quantity.get();
            let has_room = self.lines.len() < LINES_MAX;
            let own = self.lines.iter_mut().find(|own| own.variant == line.variant);
            let taken = if let Some(own) = own {
                let before = own.quantity.get();
                let sum = before.saturating_add(wanted).min(QUANTITY_MAX);
                own.quantity = Quantity(sum);
                sum - before
            } else if has_room {
                self.lines.push(line.clone());
                wanted
            } else {
                0
            };
            if taken < wanted {
                trimmed.push(Trimmed { sku: line.sku.clone(), wanted, taken });
            }
        }
        for code in &guest.codes {
            // More codes than fit are dropped: they can be typed again.
            if let Ok(with) = self.clone().enter(code.clone()) {
                self = with;
            }
        }
        if self.email.is_none() {
            self.email.clone_from(&guest.email);
        }
        if self.shipping_address.is_none() {
            self.shipping_address.clone_from(&guest.shipping_address);
            self.billing_address.clone_from(&guest.billing_address);
            self.vat_id.clone_from(&guest.vat_id);
            self.shipping_option.clone_from(&guest.shipping_option);
            self.pickup_point.clone_from(&guest.pickup_point);
            self.quote.clone_from(&guest.quote);
        }
        self.take_wallets(guest);
        (self, trimmed)
    }
}

/// A line that did not fit when two carts became one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Trimmed {
    /// Of what.
    pub sku: Sku,
    /// Units that the guest's cart held.
    pub wanted: u32,
    /// Units that were taken over.
    pub taken: u32,
}
