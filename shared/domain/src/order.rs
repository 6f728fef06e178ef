//! The order: an immutable snapshot of what was bought, plus confirmed changes.
//!
//! It exists, with its stock held, before any money can move. Browser return, webhook and
//! sweeper all call [`Order::settle`]; the second call finds nothing to do.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::address::{Address, Email};
use crate::allocation::Allocation;
use crate::audit::Actor;
use crate::cart::{self, Cart, PricedCart};
use crate::catalog::{Download, Kind, Sku};
use crate::currency::Currency;
use crate::dispute;
use crate::event::{Fact, Letter};
use crate::fulfillment;
use crate::gift_card::{self, Tendering};
use crate::id::{
    CartId, CustomerId, DraftId, OrderId, OrderLineId, PaymentId, ProductId, RefundId, VariantId,
};
use crate::line_cancel::{self, Cancellation};
use crate::money::Money;
use crate::payment::{self, Entry, Intent, Mismatch, Payment, Reading};
use crate::pricing::Totals;
use crate::promotion::buyer;
use crate::promotion::used::{LineDiscount, OrderPromotion};
use crate::refund::{self, Refund};
use crate::reservation::{Reservation, State};
use crate::returns::ReturnStatus;
use crate::shipping::ShippingOption;
use crate::shop::FraudPolicy;
use crate::stock::{FIRST_LOCATION, Place};
use crate::tax::{PriceMode, Reason, TaxRate};
use crate::trace::TraceId;
use crate::vat_id::VatId;

/// How long an order waits for its payment.
pub const PAYMENT_WINDOW: SignedDuration = SignedDuration::from_mins(30);
/// How long an order waits for another payment after a debit failed: its buyer left days ago and
/// has to find the letter first.
pub const PAY_AGAIN_WINDOW: SignedDuration = SignedDuration::from_hours(48);
/// After how long a debit that is under way is looked at again; it takes days.
pub const DEBIT_WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// How long a mailed link that shows an order is good.
pub const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(60);
/// Access tokens an order answers to; each answer of a completion makes one, the oldest goes.
pub const ACCESS_TOKENS_MAX: usize = 5;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "OrderStatus")]
pub enum Status {
    /// Stock is held, money is awaited.
    PendingPayment,
    /// Paid, or nothing to pay.
    Placed,
    /// Somebody looks at it: nothing is shipped or captured.
    OnHold,
    /// All done, and the time for returns is over.
    Completed,
    /// Called off.
    Canceled,
    /// Nobody paid in time.
    Expired,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 6] = [
        Self::PendingPayment,
        Self::Placed,
        Self::OnHold,
        Self::Completed,
        Self::Canceled,
        Self::Expired,
    ];

    /// Whether the machine has the edge `self → to`. From `expired` and `canceled` only a payment
    /// that came late leads back, and only if the goods are still there.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::PendingPayment => matches!(to, Self::Placed | Self::Expired | Self::Canceled),
            Self::Placed => matches!(to, Self::OnHold | Self::Completed | Self::Canceled),
            Self::OnHold => matches!(to, Self::Placed | Self::Canceled),
            Self::Completed | Self::Expired | Self::Canceled => matches!(to, Self::Placed),
        }
    }

    /// The name in keys and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PendingPayment => "pending_payment",
            Self::Placed => "placed",
            Self::OnHold => "on_hold",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
}

/// How far an order is paid: a function of amounts alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Nothing to pay.
    NotRequired,
    /// Nothing paid.
    Unpaid,
    /// What was reserved was let go.
    Voided,
    /// Less than due is reserved.
    PartiallyAuthorized,
    /// All that is due is reserved.
    Authorized,
    /// All that was taken went back.
    Refunded,
    /// More was taken than is due.
    Overpaid,
    /// A part went back.
    PartiallyRefunded,
    /// Less was taken than is due.
    PartiallyPaid,
    /// Paid.
    Paid,
}

impl PaymentStatus {
    /// Every status.
    pub const ALL: [Self; 10] = [
        Self::NotRequired,
        Self::Unpaid,
        Self::Voided,
        Self::PartiallyAuthorized,
        Self::Authorized,
        Self::Refunded,
        Self::Overpaid,
        Self::PartiallyRefunded,
        Self::PartiallyPaid,
        Self::Paid,
    ];

    /// The name in documents and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::Unpaid => "unpaid",
            Self::Voided => "voided",
            Self::PartiallyAuthorized => "partially_authorized",
            Self::Authorized => "authorized",
            Self::Refunded => "refunded",
            Self::Overpaid => "overpaid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::PartiallyPaid => "partially_paid",
            Self::Paid => "paid",
        }
    }
}

/// The amounts that decide a [`PaymentStatus`], in minor units of the order's currency.
#[derive(Debug, Clone, Copy, Default)]
pub struct Amounts {
    /// What is due now, after what gift cards and credit have paid.
    pub due: i64,
    /// What gift cards and credit have paid.
    pub tendered: i64,
    /// What of that went back to them.
    pub tendered_back: i64,
    /// Open authorizations.
    pub authorized: i64,
    /// Taken.
    pub captured: i64,
    /// Returned.
    pub refunded: i64,
    /// Lost in disputes.
    pub lost: i64,
    /// Whether an authorization was let go.
    pub was_voided: bool,
}

impl Amounts {
    /// The status that these amounts mean.
    pub const fn status(self) -> PaymentStatus {
        let Self { due, tendered, tendered_back, .. } = self;
        let Self { authorized, captured, refunded, lost, was_voided, .. } = self;
        if captured == 0 {
            return if authorized == 0 {
                // Of what is not due any more nothing lacks.
                if was_voided && due > 0 {
                    PaymentStatus::Voided
                } else if due == 0 && tendered > 0 {
                    if tendered_back == 0 {
                        PaymentStatus::Paid
                    } else if tendered_back < tendered {
                        PaymentStatus::PartiallyRefunded
                    } else {
                        PaymentStatus::Refunded
                    }
                } else if due == 0 {
                    PaymentStatus::NotRequired
                } else {
                    PaymentStatus::Unpaid
                }
            } else if authorized < due {
                PaymentStatus::PartiallyAuthorized
            } else {
                PaymentStatus::Authorized
            };
        }
        let kept = captured - refunded - lost;
        if refunded == captured && tendered_back == tendered {
            PaymentStatus::Refunded
        } else if kept > due {
            PaymentStatus::Overpaid
        } else if captured < due {
            // What went back of a part does not make it the whole.
            PaymentStatus::PartiallyPaid
        } else if refunded + tendered_back > 0 {
            PaymentStatus::PartiallyRefunded
        } else if kept < due {
            PaymentStatus::PartiallyPaid
        } else {
            PaymentStatus::Paid
        }
    }
}

/// How far an order is fulfilled: a function of its lines' counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FulfillmentStatus {
    /// Nothing to deliver.
    NotRequired,
    /// Nothing went out.
    Unfulfilled,
    /// A part went out.
    PartiallyFulfilled,
    /// All went out.
    Fulfilled,
    /// A part arrived.
    PartiallyDelivered,
    /// All arrived.
    Delivered,
}

impl FulfillmentStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::NotRequired,
        Self::Unfulfilled,
        Self::PartiallyFulfilled,
        Self::Fulfilled,
        Self::PartiallyDelivered,
        Self::Delivered,
    ];

    /// The name in documents and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::Unfulfilled => "unfulfilled",
            Self::PartiallyFulfilled => "partially_fulfilled",
            Self::Fulfilled => "fulfilled",
            Self::PartiallyDelivered => "partially_delivered",
            Self::Delivered => "delivered",
        }
    }
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Its id.
    pub id: OrderLineId,
    /// What was bought.
    pub variant: VariantId,
    /// The product it belongs to.
    pub product: ProductId,
    /// Its SKU.
    pub sku: Sku,
    /// The product's name.
    pub title: String,
    /// What told the variant from its siblings.
    pub variant_title: String,
    /// Physical or digital.
    pub kind: Kind,
    /// Units bought.
    pub quantity: u32,
    /// What one cost.
    pub unit_price: Money,
    /// What was taken off.
    pub discount: Money,
    /// By which promotions: their sum is the discount.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<LineDiscount>,
    /// The tax on the line, contained or on top.
    pub tax: Money,
    /// At which rate; none where it was not written down yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_rate: Option<TaxRate>,
    /// What the line costs.
    pub total: Money,
    /// Units called off.
    #[serde(default)]
    pub canceled: u32,
    /// Units that went out.
    #[serde(default)]
    pub fulfilled: u32,
    /// Units that arrived.
    #[serde(default)]
    pub delivered: u32,
    /// Units that came back.
    #[serde(default)]
    pub returned: u32,
    /// What was given back for it.
    #[serde(default)]
    pub refunded: refund::OfLine,
    /// What of it was called off and is not given back: nobody had paid it yet, or it went back in
    /// another way before.
    #[serde(default)]
    pub waived: refund::OfLine,
    /// What is downloaded, for digital goods.
    #[serde(default)]
    pub download: Option<Download>,
    /// Whether each unit gets a key; those that have one are fulfilled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_keys: bool,
}

/// What leads to a hold; what the shop held by itself it may let go on by itself.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "HoldCause")]
pub enum Cause {
    /// Somebody of the staff.
    #[default]
    Staff,
    /// A dispute was opened.
    Dispute,
    /// The card's issuer warns of fraud.
    FraudWarning,
    /// The money was reserved only, and the reservation is gone.
    PaymentLapsed,
    /// It is being called off, and the money that was reserved for it is let go first.
    CallingOff,
}

/// A debit that failed after its buyer had left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedDebit {
    /// When we heard of it.
    pub at: Timestamp,
    /// Whether the buyer was written to.
    #[serde(default)]
    pub is_told: bool,
}

/// The card's issuer has warned of fraud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FraudWarning {
    /// The provider's id of the warning.
    pub provider_ref: String,
    /// When we heard of it.
    pub at: Timestamp,
}

/// Why an order is held, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What led to it.
    #[serde(default)]
    pub cause: Cause,
    /// Why, as whoever holds it said.
    pub reason: String,
    /// Who holds it.
    pub by: Actor,
    /// Since when.
    pub at: Timestamp,
    /// When it was let go on.
    pub released_at: Option<Timestamp>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// The cart it was made of.
    pub cart: CartId,
    /// The draft that it was agreed by, if staff put it together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<DraftId>,
    /// Who bought it, with an account.
    pub customer: Option<CustomerId>,
    /// Where the letters go.
    pub email: Email,
    /// What it is priced in.
    pub currency: Currency,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// Where the parcel goes.
    pub shipping_address: Option<Address>,
    /// Who pays, where that differs.
    pub billing_address: Option<Address>,
    /// How the parcel goes.
    pub shipping: Option<ShippingOption>,
    /// Whether prices contain their tax.
    pub price_mode: PriceMode,
    /// Why it is taxed as it is; an invoice has to say so.
    #[serde(default)]
    pub tax_reason: Reason,
    /// The buyer's VAT id, where they bought as a business.
    #[serde(default)]
    pub vat_id: Option<VatId>,
    /// What it costs.
    pub totals: Totals,
    /// At which rate its shipping is taxed; none where it was not written down yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_rate: Option<TaxRate>,
    /// The promotions that it got, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promotions: Vec<OrderPromotion>,
    /// By what its buyer's uses of promotions are counted: a hash of the customer or of the mail
    /// address.
    #[serde(default)]
    pub buyer: Option<String>,
    /// Whether it is counted among the uses of its promotions and the orders of its buyer.
    #[serde(default)]
    pub uses_counted: bool,
    /// Where it stands.
    pub status: Status,
    /// How far it is paid.
    pub payment_status: PaymentStatus,
    /// How far it is fulfilled.
    pub fulfillment_status: FulfillmentStatus,
    /// How far it came back.
    #[serde(default)]
    pub return_status: ReturnStatus,
    /// Where its stock stands.
    pub reservation: Reservation,
    /// Its payment, unless nothing was to pay.
    pub payment: Option<PaymentId>,
    /// What of it gift cards and credit pay.
    #[serde(default)]
    pub tendering: Tendering,
    /// Money taken.
    pub captured: Money,
    /// Money returned.
    pub refunded: Money,
    /// Money on its way back, lost or promised.
    #[serde(default)]
    pub refunds: refund::Counters,
    /// What is not due any more because units were called off.
    #[serde(default)]
    pub called_off: line_cancel::CalledOff,
    /// Which units were called off, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancellations: Vec<Cancellation>,
    /// Why it is held, or was last.
    #[serde(default)]
    pub hold: Option<Hold>,
    /// Where the gravest of its disputes stands; none where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute_status: Option<dispute::Status>,
    /// The last early warning of fraud that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraud_warning: Option<FraudWarning>,
    /// The first debit of it that failed after its buyer had left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_debit: Option<FailedDebit>,
    /// The trace of the request that placed it: whoever settles it later goes on in that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// The order that it belongs to, where it was not bought by itself: whose goods came back for
    /// these, or to which these were added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_of: Option<OrderId>,
    /// Events said so far about this order.
    pub events: u64,
    /// SHA-256 (hex) of the tokens that open it.
    #[serde(default)]
    pub access: Vec<String>,
    /// SHA-256 (hex) of its guest cart's token, which opens it while the payment is awaited.
    #[serde(default)]
    pub cart_access: Option<String>,
    /// Whether somebody was answered with a way to pay.
    #[serde(default)]
    pub is_answered: bool,
    /// Among whose unpaid orders it counts, while it is one: a hash of the customer or address.
    #[serde(default)]
    pub holder: Option<String>,
    /// Rises with every write.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was placed.
    pub placed_at: Option<Timestamp>,
    /// Since when all of it is out, or has arrived; none while something of it is to be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilled_at: Option<Timestamp>,
    /// When it was completed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// When it was opened again after that, by somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    /// When it was called off or expired.
    pub ended_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Why an order is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// Money moved already: call it off with a refund.
    AlreadyPaid,
    /// Nothing waits for a payment.
    NothingToPay,
    /// The download's link was used as often as it may be.
    DownloadsExhausted,
    /// Goods went out already: what is left is refunded, or comes back as a return.
    AlreadyFulfilled,
    /// A parcel of it is open or packed: that is called off first.
    HasParcels,
    /// Its money may be gone already: calling it off is asked for again, and comes to its end.
    BeingCalledOff,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::AlreadyPaid => "already_paid",
            Self::NothingToPay => "nothing_to_pay",
            Self::DownloadsExhausted => "downloads_exhausted",
            Self::AlreadyFulfilled => "already_fulfilled",
            Self::HasParcels => "has_parcels",
            Self::BeingCalledOff => "being_called_off",
        }
    }
}

/// What only the outside can give to a new order.
#[derive(Debug, Clone)]
pub struct Fresh {
    /// The order's id.
    pub order: OrderId,
    /// The payment's id.
    pub payment: PaymentId,
    /// The order's number.
    pub number: String,
    /// The time.
    pub now: Timestamp,
}

/// A new order with its payment and the units to hold.
#[derive(Debug, Clone)]
pub struct Placement {
    /// The order.
    pub order: Order,
    /// Its payment, unless nothing is to pay.
    pub payment: Option<Payment>,
    /// The cart, now completing (or completed, where nothing is to pay).
    pub cart: Cart,
    /// What was said: `order.placed`, where nothing is to pay.
    pub facts: Vec<Fact>,
}

/// What the provider's word makes of an order.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "made once for each event and taken apart at once, never kept"
)]
pub enum Settlement {
    /// We knew that.
    Known,
    /// Only the payment moved on.
    Moved(Payment),
    /// The order is placed; its held stock is committed.
    Placed(Box<Order>, Payment, Entry),
    /// The money came after the order's end. Hold the stock again and place — or, where it is
    /// gone, send the money back.
    Late {
        /// If the stock can be held again.
        placed: Box<Order>,
        /// Its payment then.
        payment: Payment,
        /// If not.
        refused: Box<Order>,
        /// Its payment then: the whole amount is to be returned.
        refunding: Payment,
        /// The return, to be asked for; none where nothing was taken.
        refund: Option<Box<Refund>>,
        /// The ledger's entry in both cases.
        entry: Entry,
    },
    /// Money that was reserved for it was let go: nothing of it is sent until somebody looked.
    Lapsed(Box<Order>, Payment),
    /// The money is not what we asked for.
    Quarantined(Payment, Entry, Mismatch),
}

impl Order {
    /// Makes an order of a cart: prices it, compares with what the shopper saw, takes the
    /// snapshot. Nothing is written; the stock is held by the write that follows.
    pub fn place(
        cart: Cart,
        priced: PricedCart,
        expected_total: Money,
        fresh: &Fresh,
    ) -> Result<Placement, cart::Refusal> {
        let cart = cart.orderable(fresh.now)?;
        if cart.lines.is_empty() {
            return Err(cart::Refusal::Empty);
        }
        let gone = cart.lines.iter().zip(&priced.offers).find(|(_, offer)| {
            !offer.as_ref().is_some_and(|o| o.is_active && o.prices.contains_key(&cart.currency))
        });
        if let Some((line, _)) = gone {
            return Err(cart::Refusal::VariantUnavailable { sku: line.sku.clone() });
        }
        let email = cart.email.clone().ok_or(cart::Refusal::EmailMissing)?;
        let is_physical = priced.offers.iter().flatten().any(|offer| offer.kind == Kind::Physical);
        if is_physical {
            if cart.destination().is_none() {
                return Err(cart::Refusal::AddressMissing);
            }
            if cart.shipping_option.is_none() {
                return Err(cart::Refusal::ShippingMissing);
            }
            if priced.shipping.is_none() {
                return Err(cart::Refusal::ShippingUnavailable);
            }
        }
        let totals = priced.priced.totals;
        let actual = totals.total;
        if actual != expected_total {
            return Err(cart::Refusal::TotalChanged { expected: expected_total, actual });
        }
        let paying = gift_card::plan(actual, &cart.wallets);
        let due = paying.due;
        // Amounts that the provider can not charge exactly, or at once, are refused, never rounded.
        if !cart.currency.is_chargeable(due.amount()) {
            return Err(cart::Refusal::Money(crate::money::Refusal::Overflow));
        }
        if let Some(minimum) = cart.currency.stripe_minimum()
            && due.is_positive()
            && due.amount() < minimum
        {
            let minimum = Money::new(minimum, cart.currency);
            return Err(cart::Refusal::BelowMinimum { minimum });
        }
        let lines = snapshot(&cart, &priced);
        let tendering = Tendering::of(paying.tenders);
        let is_free = due.is_zero();
        let status = if is_free { Status::Placed } else { Status::PendingPayment };
        let nothing = Money::zero(cart.currency);
        let is_counted = is_physical || lines.iter().any(|line| line.has_keys);
        let state = match (is_counted, is_free) {
            (false, _) => State::NotRequired,
            (true, true) => State::Committed,
            (true, false) => State::Held,
        };
        let expires_at = fresh.now.saturating_add(PAYMENT_WINDOW).unwrap_or(Timestamp::MAX);
        let tendered = tendering.paid();
        let amounts = Amounts { due: due.amount(), tendered, ..Amounts::default() };
        let customer = match cart.owner {
            cart::Owner::Customer(id) => Some(id),
            cart::Owner::Token(_) => None,
        };
        let mut order = Self {
            id: fresh.order,
            number: fresh.number.clone(),
            cart: cart.id,
            draft: cart.agreed.as_ref().map(|agreed| agreed.draft),
            customer,
            buyer: buyer(customer, Some(&email)),
            promotions: priced.promoted.applied,
            uses_counted: true,
            email,
            currency: cart.currency,
            fulfillment_status: fulfillment_status(&lines),
            return_status: ReturnStatus::None,
            lines,
            shipping_address: cart.shipping_address.clone(),
            billing_address: cart.billing_address.clone(),
            shipping: priced.shipping,
            price_mode: priced.priced.mode,
            tax_reason: priced.tax_reason,
            vat_id: cart.vat_id.clone(),
            totals,
            shipping_rate: is_physical.then_some(priced.priced.shipping.rate),
            status,
            payment_status: amounts.status(),
            reservation: Reservation { state, expires_at, allocations: Vec::new() },
            payment: (!is_free).then_some(fresh.payment),
            tendering,
            captured: nothing,
            refunded: nothing,
            refunds: refund::Counters::default(),
            called_off: line_cancel::CalledOff::default(),
            cancellations: Vec::new(),
            hold: None,
            dispute_status: None,
            fraud_warning: None,
            failed_debit: None,
            trace: None,
            exchange_of: None,
            events: 0,
            access: Vec::new(),
            cart_access: match &cart.owner {
                cart::Owner::Customer(_) => None,
                cart::Owner::Token(hash) => Some(hash.clone()),
            },
            is_answered: false,
            holder: None,
            version: 0,
            created_at: fresh.now,
            placed_at: is_free.then_some(fresh.now),
            fulfilled_at: None,
            completed_at: None,
            reopened_at: None,
            ended_at: None,
            updated_at: fresh.now,
        };
        let mut facts = Vec::new();
        let mut cart = cart;
        let order_id = order.id;
        if is_free {
            cart.status = cart::Status::Completed { order_id };
            facts.push(order.say_placed());
        } else {
            cart.status = cart::Status::Completing { order_id };
        }
        let payment = (!is_free).then(|| Payment::open(fresh.payment, order.id, due, fresh.now));
        Ok(Placement { order, payment, cart, facts })
    }

    /// The physical units of each SKU, equal SKUs summed, in a stable order: what is held.
    pub fn units(&self) -> Vec<(Sku, u32)> {
        let mut units = std::collections::BTreeMap::new();
        for line in self.lines.iter().filter(|line| line.kind == Kind::Physical) {
            *units.entry(line.sku.clone()).or_insert(0_u32) += line.quantity - line.canceled;
        }
        units.into_iter().filter(|(_, quantity)| *quantity > 0).collect()
    }

    /// The units of each SKU that there are only so many of: what is shipped, and what gets keys.
    pub fn counted_units(&self) -> Vec<(Sku, u32)> {
        let mut units = self.units();
        units.extend(self.key_units());
        units
    }

    /// The physical units of each SKU that have not left and were not called off.
    pub fn unshipped_units(&self) -> Vec<(Sku, u32)> {
        let mut units = std::collections::BTreeMap::new();
        for line in &self.lines {
            *units.entry(line.sku.clone()).or_insert(0_u32) += fulfillment::unshipped(line);
        }
        units.into_iter().filter(|(_, quantity)| *quantity > 0).collect()
    }

    /// Where its units are held, or were: what a hold and its release are made of. An order of the
    /// days of one location knows no places: its units lie at the first one. What has left is in no
    /// place any more.
    pub fn allocations(&self) -> Vec<Allocation> {
        if !self.reservation.allocations.is_empty() {
            return self.reservation.allocations.clone();
        }
        let at = |(sku, quantity)| {
            let place = Place::at(sku, FIRST_LOCATION);
            Allocation { place, quantity }
        };
        self.unshipped_units().into_iter().map(at).collect()
    }

    /// The order with its units at the locations of the shards that it had them from; none where it
    /// had none from a shard.
    pub fn without_shards(&self) -> Option<Self> {
        let mut units = std::collections::BTreeMap::new();
        for Allocation { place, quantity } in self.allocations() {
            *units.entry(Place { shard: None, ..place }).or_insert(0) += quantity;
        }
        let allocations: Vec<Allocation> =
            units.into_iter().map(|(place, quantity)| Allocation { place, quantity }).collect();
        let mut order = self.clone();
        order.reservation.allocations = allocations;
        let is_other = order.allocations() != self.allocations();
        is_other.then_some(order)
    }

    /// What the provider's word about the order's payment means for the order.
    pub fn settle(
        &self,
        payment: &Payment,
        intent: &Intent,
        is_live_shop: bool,
        now: Timestamp,
    ) -> Settlement {
        match payment.read(intent, is_live_shop, now) {
            Reading::Known => Settlement::Known,
            Reading::Moved(payment) => Settlement::Moved(payment),
            Reading::Lapsed(payment) => {
                let reason = "The reserved money was let go.".to_owned();
                let (cause, by) = (Cause::PaymentLapsed, Actor::System);
                let mut order = self.clone();
                if self.payable() > 0 {
                    let held = self.clone().hold_for(cause, reason, by, now);
                    order = held.unwrap_or(order);
                }
                order.follow_money(Some(&payment), now);
                Settlement::Lapsed(Box::new(order), payment)
            }
            Reading::Quarantined(payment, entry, mismatch) => {
                Settlement::Quarantined(payment, entry, mismatch)
            }
            Reading::Paid(payment, entry) => match self.status {
                Status::PendingPayment if !self.stock_was_given_back() => {
                    let order = self.paid(&payment, now);
                    Settlement::Placed(Box::new(order), payment, entry)
                }
                Status::PendingPayment | Status::Expired | Status::Canceled => {
                    let placed = Box::new(self.paid(&payment, now));
                    let mut refused = self.clone();
                    if self.status == Status::PendingPayment {
                        refused.status = Status::Expired;
                        refused.uses_counted = false;
                        refused.ended_at = Some(now);
                        refused.tendering = refused.tendering.give_back();
                    }
                    refused.captured = payment.captured;
                    let id = payment.late_refund();
                    let fresh = refund::Fresh { id, by: Actor::System, reason: None, now };
                    let back = refused.return_all(&payment, refund::Origin::LatePayment, fresh);
                    refused.follow_money(None, now);
                    let (refused, refunding, refund) = match back {
                        Some(back) => (back.order, back.payment, Some(Box::new(back.refund))),
                        None => (refused, None, None),
                    };
                    Settlement::Late {
                        placed,
                        refunding: refunding.unwrap_or_else(|| payment.clone()),
                        payment,
                        refused: Box::new(refused),
                        refund,
                        entry,
                    }
                }
                // An authorization of a placed order that was captured: the money axis moves.
                Status::Placed | Status::OnHold | Status::Completed => {
                    let mut order = self.clone();
                    order.captured = payment.captured;
                    order.payment_status = order.amounts_with(&payment).status();
                    order.updated_at = now;
                    Settlement::Placed(Box::new(order), payment, entry)
                }
            },
        }
    }

    /// Whether the units went to somebody else: the order ended, or its hold lapsed and the next
    /// buyer took it over.
    fn stock_was_given_back(&self) -> bool {
        matches!(self.reservation.state, State::Released | State::Expired)
    }

    /// The order, paid: placed, with its stock committed.
    fn paid(&self, payment: &Payment, now: Timestamp) -> Self {
        let mut order = self.clone();
        order.status = Status::Placed;
        order.tendering = order.tendering.take_again();
        order.uses_counted = true;
        order.captured = payment.captured;
        order.payment_status = order.amounts_with(payment).status();
        if order.reservation.state != State::NotRequired {
            order.reservation.state = State::Committed;
        }
        order.placed_at = Some(now);
        order.ended_at = None;
        order.updated_at = now;
        order
    }

    /// Ends an order that nobody paid: `to` is canceled or expired. The stock goes back.
    pub fn end(mut self, to: Status, now: Timestamp) -> Result<Self, Refusal> {
        if self.status != Status::PendingPayment {
            return Err(match self.status {
                Status::Placed | Status::OnHold | Status::Completed if to == Status::Canceled => {
                    Refusal::AlreadyPaid
                }
                from => Refusal::InvalidTransition { from, to },
            });
        }
        self.status = to;
        // Nobody pays it any more: what it used of its promotions is somebody else's.
        self.uses_counted = false;
        if self.reservation.state == State::Held {
            self.reservation.state =
                if to == Status::Expired { State::Expired } else { State::Released };
        }
        self.tendering = self.tendering.give_back();
        self.payment_status = self.amounts().status();
        self.ended_at = Some(now);
        self.updated_at = now;
        Ok(self)
    }

    /// A debit of it failed, days after its buyer had left: it waits for another payment, from now
    /// on, and its buyer is told. Once for an order, and only while it waits: who pays a second
    /// time knows that a debit may fail, and looks.
    pub fn debit_failed(&self, now: Timestamp) -> Option<Self> {
        if self.status != Status::PendingPayment || self.failed_debit.is_some() {
            return None;
        }
        let until = now.saturating_add(PAY_AGAIN_WINDOW).unwrap_or(Timestamp::MAX);
        let mut order = self.clone();
        order.reservation.expires_at = order.reservation.expires_at.max(until);
        order.failed_debit = Some(FailedDebit { at: now, is_told: false });
        order.updated_at = now;
        Some(order)
    }

    /// A debit of it is under way, which takes days: its goods wait as long, and its time is looked
    /// at again in an hour.
    #[must_use]
    pub fn wait_for_debit(&self, now: Timestamp) -> Self {
        let until = now.saturating_add(DEBIT_WINDOW).unwrap_or(Timestamp::MAX);
        let mut order = self.clone();
        order.reservation.expires_at = order.reservation.expires_at.max(until);
        order.updated_at = now;
        order
    }

    /// The next event about this order: a debit failed.
    pub fn say_payment_failed(&mut self) -> Fact {
        self.events += 1;
        Fact::PaymentFailed { order_id: self.id }
    }

    /// The letter to its buyer that a debit failed, with the way to pay again; none where they were
    /// written to, or where it does not wait for a payment any more. The holder of the token with
    /// this hash is let in.
    pub fn tell_of_failed_debit(&mut self, token: String, hash: String) -> Option<Letter> {
        let is_waiting = self.status == Status::PendingPayment;
        let failed = self.failed_debit.as_mut().filter(|debit| is_waiting && !debit.is_told)?;
        failed.is_told = true;
        self.admit(hash);
        self.events += 1;
        Some(Letter::PaymentFailed { order_id: self.id, token })
    }

    /// Holds a placed order: somebody looks at it, and nothing of it is sent meanwhile.
    pub fn hold(self, reason: String, by: Actor, now: Timestamp) -> Result<Self, Refusal> {
        self.hold_for(Cause::Staff, reason, by, now)
    }

    /// Holds a placed order for one of the causes.
    pub fn hold_for(
        mut self,
        cause: Cause,
        reason: String,
        by: Actor,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let (from, to) = (self.status, Status::OnHold);
        if !from.may_become(to) {
            return Err(Refusal::InvalidTransition { from, to });
        }
        self.status = to;
        self.hold = Some(Hold { cause, reason, by, at: now, released_at: None });
        self.updated_at = now;
        Ok(self)
    }

    /// Whether it is held, and for this.
    pub fn is_held_for(&self, cause: Cause) -> bool {
        self.status == Status::OnHold && self.hold.as_ref().is_some_and(|hold| hold.cause == cause)
    }

    /// Whether its buyer has what needs no parcel: downloads, and keys that were given. Not before
    /// it is placed, not after it was called off, and not while its money is let go or was.
    pub fn gives_access(&self) -> bool {
        let unpaid = [Cause::CallingOff, Cause::PaymentLapsed];
        matches!(self.status, Status::Placed | Status::OnHold | Status::Completed)
            && !unpaid.into_iter().any(|cause| self.is_held_for(cause))
    }

    /// Lets an order that was held go on. What is being called off is not held for its own sake:
    /// its money may be gone.
    pub fn release(mut self, now: Timestamp) -> Result<Self, Refusal> {
        let (from, to) = (self.status, Status::Placed);
        if from != Status::OnHold {
            return Err(Refusal::InvalidTransition { from, to });
        }
        if self.is_held_for(Cause::CallingOff) {
            return Err(Refusal::BeingCalledOff);
        }
        self.status = to;
        self.hold = self.hold.map(|hold| Hold { released_at: Some(now), ..hold });
        self.updated_at = now;
        Ok(self)
    }

    /// Looks at an early warning of fraud, as the shop is set to: the order held, and all of its
    /// money on its way back, or not. None where the warning was looked at, or is of no matter.
    pub fn hear_fraud_warning(
        &self,
        payment: &Payment,
        provider_ref: &str,
        policy: FraudPolicy,
        now: Timestamp,
    ) -> Option<(Self, Option<refund::Changed>)> {
        let is_known =
            self.fraud_warning.as_ref().is_some_and(|known| known.provider_ref == provider_ref);
        if is_known || policy == FraudPolicy::Ignore {
            return None;
        }
        let reason = "The card's issuer warns of fraud.".to_owned();
        let held = self.clone().hold_for(Cause::FraudWarning, reason.clone(), Actor::System, now);
        let mut order = held.unwrap_or_else(|_| self.clone());
        order.fraud_warning = Some(FraudWarning { provider_ref: provider_ref.to_owned(), at: now });
        order.updated_at = now;
        let id = RefundId::from_ulid(crate::id::derived("fraud", provider_ref));
        let fresh = refund::Fresh { id, by: Actor::System, reason: Some(reason), now };
        let back = match policy {
            FraudPolicy::Refund => order.return_all(payment, refund::Origin::FraudWarning, fresh),
            FraudPolicy::Hold | FraudPolicy::Ignore => None,
        };
        Some((order, back))
    }

    /// Holds an order that is to be called off while money is still reserved for it: once that is
    /// let go, nothing of it may be packed, sent or taken, whoever is at it and whatever becomes of
    /// the one who calls it off. None where it is held so, or was never placed.
    #[must_use]
    pub fn begin_call_off(&self, by: Actor, now: Timestamp) -> Option<Self> {
        let is_placed = matches!(self.status, Status::Placed | Status::OnHold);
        if !is_placed || self.is_held_for(Cause::CallingOff) {
            return None;
        }
        let known = self.hold.as_ref().filter(|_| self.status == Status::OnHold);
        let before = known.map(|hold| format!(" It was held before: {}", hold.reason));
        let reason = format!("It is being called off.{}", before.unwrap_or_default());
        let hold = Hold { cause: Cause::CallingOff, reason, by, at: now, released_at: None };
        Some(Self { status: Status::OnHold, hold: Some(hold), updated_at: now, ..self.clone() })
    }

    /// Calls off an order that was placed and of which nothing went out. Its stock, its uses of
    /// promotions and the money of its gift cards go back; the card's money is a refund.
    pub fn call_off(mut self, now: Timestamp) -> Result<Self, Refusal> {
        let (from, to) = (self.status, Status::Canceled);
        if !matches!(from, Status::Placed | Status::OnHold) {
            return Err(Refusal::InvalidTransition { from, to });
        }
        if self.lines.iter().any(|line| line.fulfilled > 0) {
            return Err(Refusal::AlreadyFulfilled);
        }
        self.status = to;
        self.uses_counted = false;
        if self.reservation.state.counts_as_reserved() {
            self.reservation.state = State::Released;
        }
        self.tendering = self.tendering.give_back();
        self.ended_at = Some(now);
        self.follow_money(None, now);
        Ok(self)
    }

    /// Marks the digital lines as delivered: their links work from now on. Lines whose units get
    /// keys are delivered key by key.
    #[must_use]
    pub fn deliver_digital(mut self, now: Timestamp) -> Self {
        let is_at_once = |line: &&mut OrderLine| line.kind == Kind::Digital && !line.has_keys;
        for line in self.lines.iter_mut().filter(is_at_once) {
            line.fulfilled = line.quantity - line.canceled;
            line.delivered = line.fulfilled;
        }
        self.follow_lines(now);
        self
    }

    /// Reads off its lines how far it is fulfilled.
    pub(crate) fn follow_lines(&mut self, now: Timestamp) {
        let was = self.fulfillment_status;
        self.fulfillment_status = fulfillment_status(&self.lines);
        self.follow_way(was, now);
        self.updated_at = now;
    }

    /// The next event about this order.
    pub fn say_placed(&mut self) -> Fact {
        self.events += 1;
        Fact::OrderPlaced { order_id: self.id }
    }

    /// The next event about this order: a letter to its buyer.
    pub fn say_keys_ready(&mut self) -> Letter {
        self.events += 1;
        Letter::KeysReady { order_id: self.id }
    }

    /// The next event about this order: money is to go back by the provider.
    pub fn say_refund_requested(&mut self, refund: &Refund) -> Fact {
        self.events += 1;
        Fact::RefundRequested { order_id: self.id, refund_id: refund.id }
    }

    /// The next event about this order: what became of a refund.
    pub fn say_refund_moved(&mut self, refund: &Refund, news: refund::News) -> Fact {
        self.events += 1;
        let is_again = news == refund::News::SucceededAgain;
        if refund.origin == refund::Origin::LatePayment
            && refund.status == refund::Status::Succeeded
            && !is_again
        {
            return Fact::OrderRefundedLate { order_id: self.id };
        }
        Fact::RefundMoved {
            order_id: self.id,
            refund_id: refund.id,
            amount: refund.amount(),
            status: refund.status,
            is_again,
        }
    }

    /// The next event about this order: units of it were called off, the last time.
    pub fn say_lines_canceled(&mut self) -> Fact {
        self.events += 1;
        // Far fewer than a number of this size: see `line_cancel::CANCELLATIONS_MAX`.
        let number = u32::try_from(self.cancellations.len()).unwrap_or(u32::MAX);
        Fact::OrderLinesCanceled { order_id: self.id, number }
    }

    /// The next event about this order: a dispute was opened, or stands elsewhere.
    pub fn say_dispute_moved(&mut self, dispute: &dispute::Dispute) -> Fact {
        self.events += 1;
        Fact::DisputeMoved {
            order_id: self.id,
            dispute_id: dispute.id,
            amount: dispute.amount,
            status: dispute.status,
        }
    }

    /// The next event about this order: the provider is to be told what the shop answers.
    pub fn say_dispute_answered(&mut self, dispute: &dispute::Dispute) -> Fact {
        self.events += 1;
        Fact::DisputeAnswered { order_id: self.id, dispute_id: dispute.id }
    }

    /// The next event about this order: it was completed, and is open again.
    pub fn say_reopened(&mut self) -> Fact {
        self.events += 1;
        Fact::OrderReopened { order_id: self.id }
    }

    /// The next event about this order: reserved money is to be taken. Where it is a part of it,
    /// the order is paid for as far as that from now on: nothing leaves for the rest.
    pub fn say_capture_requested(&mut self, asked: &Payment, now: Timestamp) -> Fact {
        self.follow_money(Some(asked), now);
        self.events += 1;
        Fact::CaptureRequested { order_id: self.id }
    }

    /// The next event about this order: it was called off, held, let go on, completed or not paid
    /// in time.
    pub fn say_moved(&mut self) -> Fact {
        self.events += 1;
        Fact::OrderMoved { order_id: self.id, status: self.status }
    }

    /// Lets the holder of the token with this hash in.
    pub fn admit(&mut self, token_hash: String) {
        self.access.push(token_hash);
        if self.access.len() > ACCESS_TOKENS_MAX {
            self.access.remove(0);
        }
    }

    /// What is due by card: what gift cards and credit do not pay, but for units that were called
    /// off. An order that ended wants nothing.
    pub fn due(&self) -> Money {
        match self.status {
            Status::Canceled | Status::Expired => Money::zero(self.currency),
            Status::PendingPayment | Status::Placed | Status::OnHold | Status::Completed => {
                let minor = self.totals.total.amount() - self.tendering.paid();
                Money::new((minor - self.called_off.sum()).max(0), self.currency)
            }
        }
    }

    /// What the card was to pay when the order was placed, whatever became of it since: what
    /// papers and letters about the purchase say.
    pub fn charged(&self) -> Money {
        let minor = self.totals.total.amount() - self.tendering.planned();
        Money::new(minor, self.currency)
    }

    /// What is due by card as far as the provider can move it, in minor units of the order's
    /// currency: with what was promised back and is too little to go, without what is less than a
    /// step of the provider's.
    pub fn payable(&self) -> i64 {
        let step = self.currency.stripe_step();
        (self.due().amount() + self.refunds.carried).div_euclid(step) * step
    }

    fn amounts(&self) -> Amounts {
        Amounts {
            due: self.payable(),
            tendered: self.tendering.paid(),
            tendered_back: self.tendering.refunded(),
            captured: self.captured.amount(),
            refunded: self.refunded.amount(),
            lost: self.refunds.lost,
            ..Amounts::default()
        }
    }

    /// Reads off its amounts how far it is paid.
    pub fn follow_money(&mut self, payment: Option<&Payment>, now: Timestamp) {
        self.payment_status = match payment {
            Some(payment) => self.amounts_with(payment).status(),
            None => self.amounts().status(),
        };
        self.updated_at = now;
    }

    /// Of what is reserved only that counts of which somebody has asked for a part: the rest is let
    /// go with it.
    fn amounts_with(&self, payment: &Payment) -> Amounts {
        let was_voided = payment.status == payment::Status::Expired;
        let asked = payment.pending_capture().map(|asked| asked.amount);
        let authorized = asked.unwrap_or(payment.authorized).amount();
        Amounts { authorized, was_voided, ..self.amounts() }
    }
}

fn snapshot(cart: &Cart, priced: &PricedCart) -> Vec<OrderLine> {
    cart.lines
        .iter()
        .zip(priced.offers.iter().flatten())
        .zip(priced.priced.lines.iter().enumerate())
        .map(|((line, offer), (at, sums))| OrderLine {
            id: OrderLineId::from_ulid(line.id.ulid()),
            variant: offer.variant,
            product: offer.product,
            sku: offer.sku.clone(),
            title: offer.product_title.clone(),
            variant_title: offer.variant_title.clone(),
            kind: offer.kind,
            quantity: line.quantity.get(),
            unit_price: sums.unit_price,
            discount: sums.discount,
            discounts: priced.promoted.of_line(at),
            tax: sums.tax,
            tax_rate: Some(sums.rate.clone()),
            total: sums.total,
            canceled: 0,
            fulfilled: 0,
            delivered: 0,
            returned: 0,
            refunded: refund::OfLine::default(),
            waived: refund::OfLine::default(),
            download: offer.download.clone(),
            has_keys: offer.has_keys,
        })
        .collect()
}

/// What the lines' counters mean together.
fn fulfillment_status(lines: &[OrderLine]) -> FulfillmentStatus {
    let (mut wanted, mut fulfilled, mut delivered) = (0_u64, 0_u64, 0_u64);
    for line in lines {
        wanted += u64::from(line.quantity - line.canceled);
        fulfilled += u64::from(line.fulfilled);
        delivered += u64::from(line.delivered);
    }
    if wanted == 0 {
        FulfillmentStatus::NotRequired
    } else if delivered >= wanted {
        FulfillmentStatus::Delivered
    } else if delivered > 0 {
        FulfillmentStatus::PartiallyDelivered
    } else if fulfilled >= wanted {
        FulfillmentStatus::Fulfilled
    } else if fulfilled > 0 {
        FulfillmentStatus::PartiallyFulfilled
    } else {
        FulfillmentStatus::Unfulfilled
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fmt::{Debug, Write};

    use expect_test::expect_file;
    use proptest::prelude::*;

    use super::*;

    /// A machine's whole matrix as text: one row per state, one mark per edge.
    pub(crate) fn matrix<S: Copy + Debug>(all: &[S], may_become: impl Fn(S, S) -> bool) -> String {
        let mut text = String::new();
        for from in all {
            write!(text, "{:<16}", format!("{from:?}")).unwrap();
            let targets: Vec<_> = all
                .iter()
                .filter(|to| may_become(*from, **to))
                .map(|to| format!("{to:?}"))
                .collect();
            writeln!(
                text,
                "-> {}",
                if targets.is_empty() { "-".into() } else { targets.join(" ") }
            )
            .unwrap();
        }
        text
    }

    #[test]
    fn the_transition_matrices() {
        expect_file!["order/matrix.txt"].assert_eq(&matrix(&Status::ALL, Status::may_become));
        expect_file!["payment/matrix.txt"]
            .assert_eq(&matrix(&payment::Status::ALL, payment::Status::may_become));
        expect_file!["reservation/matrix.txt"].assert_eq(&matrix(&State::ALL, State::may_become));
        expect_file!["cart/matrix.txt"]
            .assert_eq(&matrix(&cart::Phase::ALL, cart::Phase::may_become));
    }

    #[test]
    fn the_payment_status_is_read_off_the_amounts() {
        let table = [
            (Amounts::default(), PaymentStatus::NotRequired),
            (Amounts { due: 10, ..Amounts::default() }, PaymentStatus::Unpaid),
            (Amounts { due: 0, tendered: 10, ..Amounts::default() }, PaymentStatus::Paid),
            (
                Amounts { tendered: 10, tendered_back: 4, ..Amounts::default() },
                PaymentStatus::PartiallyRefunded,
            ),
            (
                Amounts { tendered: 10, tendered_back: 10, ..Amounts::default() },
                PaymentStatus::Refunded,
            ),
            (
                Amounts {
                    due: 6,
                    tendered: 4,
                    tendered_back: 4,
                    captured: 6,
                    ..Amounts::default()
                },
                PaymentStatus::PartiallyRefunded,
            ),
            (Amounts { due: 4, tendered: 6, ..Amounts::default() }, PaymentStatus::Unpaid),
            (Amounts { due: 10, was_voided: true, ..Amounts::default() }, PaymentStatus::Voided),
            (Amounts { tendered: 10, was_voided: true, ..Amounts::default() }, PaymentStatus::Paid),
            (
                Amounts { due: 10, authorized: 4, ..Amounts::default() },
                PaymentStatus::PartiallyAuthorized,
            ),
            (Amounts { due: 10, authorized: 10, ..Amounts::default() }, PaymentStatus::Authorized),
            (Amounts { due: 10, captured: 10, ..Amounts::default() }, PaymentStatus::Paid),
            (Amounts { due: 10, captured: 4, ..Amounts::default() }, PaymentStatus::PartiallyPaid),
            (
                Amounts { due: 10, captured: 4, refunded: 1, ..Amounts::default() },
                PaymentStatus::PartiallyPaid,
            ),
            (Amounts { due: 4, captured: 10, ..Amounts::default() }, PaymentStatus::Overpaid),
            (
                Amounts { due: 10, captured: 10, refunded: 3, ..Amounts::default() },
                PaymentStatus::PartiallyRefunded,
            ),
            (
                Amounts { due: 0, captured: 10, refunded: 10, ..Amounts::default() },
                PaymentStatus::Refunded,
            ),
            (
                Amounts { due: 10, captured: 10, lost: 10, ..Amounts::default() },
                PaymentStatus::PartiallyPaid,
            ),
        ];
        for (amounts, status) in table {
            assert_eq!(amounts.status(), status, "{amounts:?}");
        }
    }

    proptest! {
        #[test]
        fn every_combination_of_amounts_has_a_status(
            due in 0..100i64, authorized in 0..100i64, captured in 0..100i64, share in 0..=100i64
        ) {
            let refunded = captured * share / 100;
            let amounts = Amounts { due, authorized, captured, refunded, ..Amounts::default() };
            let status = amounts.status();
            let is_refunded = captured > 0 && refunded == captured;
            prop_assert_eq!(status == PaymentStatus::Refunded, is_refunded);
            prop_assert_eq!(
                status == PaymentStatus::NotRequired, due == 0 && captured == 0 && authorized == 0
            );
        }
    }
}
