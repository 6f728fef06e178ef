//! A cart as its owner sees it.

use domain::address::{Address, AddressForm};
use domain::cart::{Cart, Phase, PricedCart, Trimmed};
use domain::catalog::{Kind, Sku};
use domain::currency::Currency;
use domain::gift_card::{self, Plan, Source};
use domain::id::{CartId, GiftCardId, LineId, OrderId, PromotionId, VariantId};
use domain::money::Money;
use domain::pricing::Totals;
use domain::promotion::Code;
use domain::promotion::engine::{Explanation, Why};
use domain::promotion::in_cart::Promoted;
use domain::promotion::used::LineDiscount;
use domain::shipping::{OptionKind, PickupPoint, ShippingOption, ShippingOptionId, Window};
use domain::tax::Reason;
use domain::vat_id::VatId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::form::{Fields, Form, Text};
use crate::reply::View;

/// A line of a cart.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LineView {
    /// The line's id.
    pub id: LineId,
    /// What is in it.
    pub variant_id: VariantId,
    /// Its SKU.
    pub sku: Sku,
    /// The product's name.
    pub title: String,
    /// What tells the variant from its siblings.
    pub variant_title: Option<String>,
    /// Physical or digital.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// How many.
    pub quantity: u32,
    /// What one costs now; null where it is not for sale any more.
    pub unit_price: Option<Money>,
    /// What promotions take off the whole line.
    pub discounts: Vec<LineDiscount>,
    /// What the line costs now.
    pub total: Option<Money>,
    /// Whether it can be bought.
    pub is_for_sale: bool,
}

/// A cart.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CartView {
    /// Its id.
    pub id: CartId,
    /// Where it stands.
    pub status: Phase,
    /// The order that was made of it.
    pub order_id: Option<OrderId>,
    /// What it is priced in.
    pub currency: Currency,
    /// What is in it.
    pub lines: Vec<LineView>,
    /// Where the confirmation goes.
    #[schemars(with = "Option<String>")]
    pub email: Option<domain::address::Email>,
    /// Where the parcel goes.
    #[schemars(with = "Option<AddressForm>")]
    pub shipping_address: Option<Address>,
    /// Who pays, where that differs.
    #[schemars(with = "Option<AddressForm>")]
    pub billing_address: Option<Address>,
    /// The buyer's VAT id, where a business buys.
    pub vat_id: Option<VatId>,
    /// Why it is taxed as it is.
    pub tax_reason: Reason,
    /// The chosen way of sending, where it still serves.
    pub shipping_option: Option<OptionView>,
    /// Whether anything in it is shipped.
    pub requires_shipping: bool,
    /// The codes that were put in.
    pub codes: Vec<Code>,
    /// What promotions do to the cart: those that apply, in their order, then those of codes that
    /// do not, with the reason.
    pub promotions: Vec<CartPromotionView>,
    /// The sums. Gift cards and store credit do not lower them: they are a way of paying.
    pub totals: Totals,
    /// The gift cards that it is to be paid with.
    pub gift_cards: Vec<AppliedGiftCardView>,
    /// What of it store credit pays; null where it is not to be used.
    pub store_credit: Option<Money>,
    /// What is left to be paid by card.
    pub due: Money,
    /// What gift cards could have paid and is left to be paid by card, because a card payment has
    /// a minimum; usually nothing.
    pub withheld: Money,
    /// Rises with every change.
    pub version: u64,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for CartView {}

impl CartView {
    /// The view of a priced cart.
    pub fn of(cart: &Cart, priced: PricedCart) -> Self {
        let mut sums = priced.priced.lines.iter().enumerate();
        let lines = cart
            .lines
            .iter()
            .zip(&priced.offers)
            .map(|(line, offer)| {
                let offer = offer.as_ref();
                let is_for_sale =
                    offer.is_some_and(|o| o.is_active && o.prices.contains_key(&cart.currency));
                let sum = if is_for_sale { sums.next() } else { None };
                LineView {
                    id: line.id,
                    variant_id: line.variant,
                    sku: line.sku.clone(),
                    title: offer.map_or_else(|| line.title.clone(), |o| o.product_title.clone()),
                    variant_title: offer.map(|o| o.variant_title.clone()),
                    kind: offer.map(|o| o.kind),
                    quantity: line.quantity.get(),
                    unit_price: sum.map(|(_, sum)| sum.unit_price),
                    discounts: sum.map(|(at, _)| priced.promoted.of_line(at)).unwrap_or_default(),
                    total: sum.map(|(_, sum)| sum.total),
                    is_for_sale,
                }
            })
            .collect();
        let requires_shipping =
            priced.offers.iter().flatten().any(|offer| offer.kind == Kind::Physical);
        let plan = gift_card::plan(priced.priced.totals.total, &cart.wallets);
        let (gift_cards, store_credit) = applied(cart, &plan);
        Self {
            id: cart.id,
            status: cart.status.phase(),
            order_id: match cart.status {
                domain::cart::Status::Completing { order_id }
                | domain::cart::Status::Completed { order_id } => Some(order_id),
                domain::cart::Status::Active
                | domain::cart::Status::Abandoned
                | domain::cart::Status::Merged { .. }
                | domain::cart::Status::Expired => None,
            },
            currency: cart.currency,
            lines,
            email: cart.email.clone(),
            shipping_address: cart.shipping_address.clone(),
            billing_address: cart.billing_address.clone(),
            vat_id: cart.vat_id.clone(),
            tax_reason: priced.tax_reason,
            shipping_option: priced.shipping.map(OptionView::from),
            requires_shipping,
            codes: cart.codes.iter().map(|applied| applied.code.clone()).collect(),
            promotions: CartPromotionView::all(&priced.promoted),
            totals: priced.priced.totals,
            gift_cards,
            store_credit,
            due: plan.due,
            withheld: plan.withheld,
            version: cart.version,
            created_at: cart.created_at,
            updated_at: cart.updated_at,
        }
    }
}

/// A gift card that a cart is to be paid with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppliedGiftCardView {
    /// Its id.
    pub id: GiftCardId,
    /// The last four characters of its code.
    pub last4: String,
    /// What of the total it pays.
    pub applied: Money,
    /// When its time is over.
    #[schemars(with = "Option<String>")]
    pub expires_at: Option<Timestamp>,
}

/// What each wallet of a cart pays. The cart itself knows a wallet's worth as it was seen last.
fn applied(cart: &Cart, plan: &Plan) -> (Vec<AppliedGiftCardView>, Option<Money>) {
    let (mut cards, mut credit) = (Vec::new(), None);
    for wallet in &cart.wallets {
        let account = wallet.source.account();
        let tender = plan.tenders.iter().find(|tender| tender.source.account() == account);
        let applied = tender.map_or(Money::zero(cart.currency), |tender| tender.amount);
        match &wallet.source {
            Source::GiftCard { id, last4, expires_at, .. } => {
                let (id, last4, expires_at) = (*id, last4.clone(), *expires_at);
                cards.push(AppliedGiftCardView { id, last4, applied, expires_at });
            }
            Source::StoreCredit { .. } => credit = Some(applied),
        }
    }
    (cards, credit)
}

/// What a promotion does to a cart.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CartPromotionView {
    /// The promotion.
    pub promotion_id: PromotionId,
    /// What it is called.
    pub name: String,
    /// The code that opened it.
    pub code: Option<Code>,
    /// Whether it applies.
    pub is_applied: bool,
    /// All that it takes off.
    pub amount: Money,
    /// What of it is taken off the shipping.
    pub shipping_amount: Money,
    /// Why it does not apply.
    pub reason: Option<Why>,
}

impl CartPromotionView {
    fn all(promoted: &Promoted) -> Vec<Self> {
        let is_shown = |one: &&Explanation| one.is_applied() || one.code.is_some();
        let shown = promoted.outcome.explanations.iter().filter(is_shown);
        shown
            .map(|one| Self {
                promotion_id: one.promotion,
                name: one.name.clone(),
                code: one.code.clone(),
                is_applied: one.is_applied(),
                amount: one.amount,
                shipping_amount: one.shipping,
                reason: one.why,
            })
            .collect()
    }
}

/// A new cart, with the token that opens it for a guest.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewCartView {
    /// The cart.
    pub cart: CartView,
    /// Send it as `X-Cart-Token` from now on; absent for a signed-in customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cart_token: Option<String>,
}

impl View for NewCartView {}

/// Two carts that became one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MergedCartView {
    /// The customer's cart.
    #[serde(flatten)]
    pub cart: CartView,
    /// What did not fit.
    pub trimmed: Vec<Trimmed>,
}

impl View for MergedCartView {}

/// A way of sending.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OptionView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: ShippingOptionId,
    /// Its name.
    pub name: String,
    /// What it costs for this cart.
    pub price: Money,
    /// Working days until it arrives: from, to.
    pub lead_days: (u8, u8),
    /// How the goods get there; `pickup` wants a pickup point to be chosen with it.
    pub kind: OptionKind,
    /// The days between which it arrives, if it is ordered now; null where the shop does not tell.
    pub window: Option<Window>,
    /// Where the buyer fetches it.
    pub pickup_point: Option<PickupPoint>,
}

impl From<ShippingOption> for OptionView {
    fn from(option: ShippingOption) -> Self {
        let ShippingOption { id, name, price, lead_days, kind, window, pickup_point } = option;
        Self { id, name, price, lead_days, kind, window, pickup_point }
    }
}

/// The ways of sending a cart.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OptionsView {
    /// Cheapest first.
    pub data: Vec<OptionView>,
}

impl View for OptionsView {}

/// An address in a body: every flaw named, by the domain's own rules.
impl Form for Address {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // Longer than any limit of an address: the domain names the exact ones.
        let text = || Text::between(0, 1000);
        let name = fields.required("name", text());
        let line1 = fields.required("line1", text());
        let line2 = fields.optional("line2", text());
        let city = fields.required("city", text());
        let region = fields.optional("region", text());
        let postal_code = fields.required("postal_code", text());
        let country = fields.required("country", text());
        let missing = [
            ("name", name.is_none()),
            ("line1", line1.is_none()),
            ("line2", line2.is_none()),
            ("city", city.is_none()),
            ("region", region.is_none()),
            ("postal_code", postal_code.is_none()),
            ("country", country.is_none()),
        ];
        let form = AddressForm {
            name: name.unwrap_or_default(),
            line1: line1.unwrap_or_default(),
            line2: line2.flatten(),
            city: city.unwrap_or_default(),
            region: region.flatten(),
            postal_code: postal_code.unwrap_or_default(),
            country: country.unwrap_or_default(),
        };
        match Self::parse(&form) {
            Ok(address) => missing.iter().all(|(_, is)| !is).then_some(address),
            Err(flaws) => {
                for flaw in flaws {
                    // What is missing was named already.
                    if !missing.contains(&(flaw.field, true)) {
                        fields.flaw(flaw.field, flaw.code, flaw.detail);
                    }
                }
                None
            }
        }
    }
}
