//! An order as its buyer sees it.

use domain::address::{Address, AddressForm};
use domain::catalog::{Kind, Sku};
use domain::currency::Currency;
use domain::fulfillment::Fulfillment;
use domain::gift_card::{Source, Tender};
use domain::id::{
    CartId, GiftCardId, OrderId, OrderLineId, PaymentId, ProductId, PromotionId, VariantId,
};
use domain::money::Money;
use domain::order::{FulfillmentStatus, Order, OrderLine, PaymentStatus, Status};
use domain::payment::{self, Failure, Payment};
use domain::pricing::Totals;
use domain::promotion::Code;
use domain::promotion::used::{LineDiscount, OrderPromotion};
use domain::refund::Refund;
use domain::returns::ReturnStatus;
use domain::tax::Reason;
use domain::vat_id::VatId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::cart::OptionView;
use super::fulfillment::{ParcelView, parcels_of};
use super::key_pool::OrderKeysView;
use super::refund::OrderRefundView;
use crate::cursor::List;
use crate::reply::View;

/// What is answered to everybody who looks an order up.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrderLookUp")]
pub struct LookedUpView {
    /// Always `check_your_email`.
    pub status: &'static str,
}

impl View for LookedUpView {}

/// A line of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderLineView {
    /// Its id.
    pub id: OrderLineId,
    /// What was bought.
    pub variant_id: VariantId,
    /// The product it belongs to.
    pub product_id: ProductId,
    /// Its SKU.
    pub sku: Sku,
    /// The product's name.
    pub title: String,
    /// What told the variant from its siblings.
    pub variant_title: String,
    /// Physical or digital.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Units bought.
    pub quantity: u32,
    /// What one cost.
    pub unit_price: Money,
    /// What was taken off.
    pub discount: Money,
    /// By which promotions.
    pub discounts: Vec<LineDiscount>,
    /// The tax on the line.
    pub tax: Money,
    /// What the line costs.
    pub total: Money,
    /// Units that were called off before they left.
    pub canceled_quantity: u32,
    /// Units whose money went back, or is on its way.
    pub refunded_quantity: u32,
    /// Units that went out.
    pub fulfilled_quantity: u32,
    /// Units that arrived.
    pub delivered_quantity: u32,
    /// Units that came back.
    pub returned_quantity: u32,
}

/// A part of an order's total that is paid with a gift card or with store credit.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TenderView {
    /// Which of them.
    #[serde(rename = "type")]
    pub kind: TenderKind,
    /// The gift card's id, or that of the credit of an exchange; null for store credit.
    pub gift_card_id: Option<GiftCardId>,
    /// The last four characters of the gift card's code; null for store credit.
    pub last4: Option<String>,
    /// How much.
    pub amount: Money,
}

/// What a tender is.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TenderKind {
    /// A gift card.
    GiftCard,
    /// Store credit.
    StoreCredit,
    /// What goods were worth that came back for these.
    Exchange,
}

impl From<Tender> for TenderView {
    fn from(tender: Tender) -> Self {
        let amount = tender.amount;
        match tender.source {
            Source::GiftCard { id, is_exchange: true, .. } => {
                let (kind, gift_card_id) = (TenderKind::Exchange, Some(id));
                Self { kind, gift_card_id, last4: None, amount }
            }
            Source::GiftCard { id, last4, .. } => {
                let (gift_card_id, last4) = (Some(id), Some(last4));
                Self { kind: TenderKind::GiftCard, gift_card_id, last4, amount }
            }
            Source::StoreCredit { .. } => {
                Self { kind: TenderKind::StoreCredit, gift_card_id: None, last4: None, amount }
            }
        }
    }
}

/// A link to a digital line's file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DownloadView {
    /// The order's line.
    pub line_id: OrderLineId,
    /// The file's name.
    pub file_name: String,
    /// Where it is; signed.
    pub url: String,
    /// When the link ends; ask for the order again to get a new one.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// How often it may still be used.
    pub remaining: u32,
}

/// The payment of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentView {
    /// Its id.
    pub id: PaymentId,
    /// Where it stands.
    pub status: payment::Status,
    /// What is paid.
    pub amount: Money,
    /// The provider's id.
    pub payment_intent_id: Option<String>,
    /// Why the last try failed.
    pub failure: Option<Failure>,
}

impl From<&Payment> for PaymentView {
    fn from(payment: &Payment) -> Self {
        Self {
            id: payment.id,
            status: payment.status,
            amount: payment.amount,
            payment_intent_id: payment.intent.clone(),
            failure: payment.failure.clone(),
        }
    }
}

/// A promotion that an order got.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderPromotionView {
    /// The promotion.
    pub promotion_id: PromotionId,
    /// What it was called.
    pub name: String,
    /// The code that opened it.
    pub code: Option<Code>,
    /// All that it took off.
    pub amount: Money,
    /// What of it was taken off the shipping.
    pub shipping_amount: Money,
}

impl From<OrderPromotion> for OrderPromotionView {
    fn from(used: OrderPromotion) -> Self {
        let OrderPromotion { promotion, name, code, amount, shipping, counted: _ } = used;
        Self { promotion_id: promotion, name, code, amount, shipping_amount: shipping }
    }
}

/// An order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderView {
    /// Its id.
    pub id: OrderId,
    /// What people call it.
    pub number: String,
    /// The cart it was made of.
    pub cart_id: CartId,
    /// Where it stands.
    pub status: Status,
    /// How far it is paid.
    pub payment_status: PaymentStatus,
    /// How far it is fulfilled.
    pub fulfillment_status: FulfillmentStatus,
    /// How far it came back.
    pub return_status: ReturnStatus,
    /// The order that it belongs to, where it was not bought by itself: whose goods came back for
    /// these, or to which these were added by an edit; null otherwise.
    pub exchange_of: Option<OrderId>,
    /// What it is priced in.
    pub currency: Currency,
    /// Where the letters go.
    #[schemars(with = "String")]
    pub email: domain::address::Email,
    /// What was bought.
    pub lines: Vec<OrderLineView>,
    /// Where the parcel goes.
    #[schemars(with = "Option<AddressForm>")]
    pub shipping_address: Option<Address>,
    /// Who pays, where that differs.
    #[schemars(with = "Option<AddressForm>")]
    pub billing_address: Option<Address>,
    /// How the parcel goes.
    pub shipping_option: Option<OptionView>,
    /// Why it is taxed as it is.
    pub tax_reason: Reason,
    /// The buyer's VAT id, where a business bought.
    pub vat_id: Option<VatId>,
    /// The promotions that it got.
    pub promotions: Vec<OrderPromotionView>,
    /// The sums. Gift cards and store credit do not lower them: they are a way of paying.
    pub totals: Totals,
    /// What of it gift cards and store credit pay. Of an order that came to nothing it went back.
    pub tenders: Vec<TenderView>,
    /// What is left to be paid by card; nothing, where the order came to nothing.
    pub due: Money,
    /// Money taken.
    pub captured: Money,
    /// Money returned.
    pub refunded: Money,
    /// What went back, or is on its way; shown where one order is looked at, not in lists.
    pub refunds: Vec<OrderRefundView>,
    /// Its payments.
    pub payments: Vec<PaymentView>,
    /// Links to its digital goods, once it is placed.
    pub downloads: Vec<DownloadView>,
    /// The keys of its lines, once it is placed; shown where one order is looked at by its buyer,
    /// nowhere else.
    pub keys: Vec<OrderKeysView>,
    /// The parcels that have left; shown where one order is looked at, not in lists.
    pub parcels: Vec<ParcelView>,
    /// Until when it can be paid.
    #[schemars(with = "Option<String>")]
    pub payable_until: Option<Timestamp>,
    /// Rises with every change.
    pub version: u64,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was placed.
    #[schemars(with = "Option<String>")]
    pub placed_at: Option<Timestamp>,
    /// When it was called off or expired.
    #[schemars(with = "Option<String>")]
    pub canceled_at: Option<Timestamp>,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for OrderView {}
impl View for List<OrderView> {}

impl OrderView {
    /// The view of an order with its payments and download links.
    pub fn of(order: Order, payments: &[Payment], downloads: Vec<DownloadView>) -> Self {
        let due = order.due();
        Self {
            id: order.id,
            number: order.number,
            cart_id: order.cart,
            status: order.status,
            payment_status: order.payment_status,
            fulfillment_status: order.fulfillment_status,
            return_status: order.return_status,
            exchange_of: order.exchange_of,
            currency: order.currency,
            email: order.email,
            lines: order.lines.into_iter().map(OrderLineView::from).collect(),
            shipping_address: order.shipping_address,
            billing_address: order.billing_address,
            shipping_option: order.shipping.map(OptionView::from),
            tax_reason: order.tax_reason,
            vat_id: order.vat_id,
            promotions: order.promotions.into_iter().map(OrderPromotionView::from).collect(),
            totals: order.totals,
            tenders: order.tendering.tenders.into_iter().map(TenderView::from).collect(),
            due,
            captured: order.captured,
            refunded: order.refunded,
            refunds: Vec::new(),
            payments: payments.iter().map(PaymentView::from).collect(),
            downloads,
            keys: Vec::new(),
            parcels: Vec::new(),
            payable_until: (order.status == Status::PendingPayment)
                .then_some(order.reservation.expires_at),
            version: order.version,
            created_at: order.created_at,
            placed_at: order.placed_at,
            canceled_at: order.ended_at,
            updated_at: order.updated_at,
        }
    }
}

impl OrderView {
    /// With the parcels that have left.
    #[must_use]
    pub fn with_parcels(self, parcels: &[Fulfillment]) -> Self {
        Self { parcels: parcels_of(parcels), ..self }
    }

    /// With what went back.
    #[must_use]
    pub fn with_refunds(self, refunds: &[Refund]) -> Self {
        Self { refunds: refunds.iter().map(OrderRefundView::from).collect(), ..self }
    }

    /// With the keys of its lines.
    #[must_use]
    pub fn with_keys(self, keys: Vec<OrderKeysView>) -> Self {
        Self { keys, ..self }
    }
}

impl From<OrderLine> for OrderLineView {
    fn from(line: OrderLine) -> Self {
        Self {
            id: line.id,
            variant_id: line.variant,
            product_id: line.product,
            sku: line.sku,
            title: line.title,
            variant_title: line.variant_title,
            kind: line.kind,
            quantity: line.quantity,
            unit_price: line.unit_price,
            discount: line.discount,
            discounts: line.discounts,
            tax: line.tax,
            total: line.total,
            canceled_quantity: line.canceled,
            refunded_quantity: line.refunded.units,
            fulfilled_quantity: line.fulfilled,
            returned_quantity: line.returned,
            delivered_quantity: line.delivered,
        }
    }
}

/// What a client needs to pay: which of the two it is, the shop's setting `payments.mode` decided
/// when the order was made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PayView {
    /// The provider's own form inside the shop's page: `element`.
    Element(ElementView),
    /// A page of the provider's own: `checkout`.
    Redirect(RedirectView),
}

/// How to pay on the provider's page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RedirectView {
    /// The payment's id.
    pub id: PaymentId,
    /// The provider's id of the page.
    pub checkout_session_id: String,
    /// Send the browser there. It comes back to the address that the shop's settings name, with the
    /// order's id as `order_id`; whether it has paid, the order says.
    pub redirect_url: String,
}

/// How to pay in the provider's form.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ElementView {
    /// The payment's id.
    pub id: PaymentId,
    /// The provider's id.
    pub payment_intent_id: String,
    /// For the provider's own form in the browser.
    pub client_secret: String,
    /// The provider's public key of this shop.
    pub publishable_key: String,
}

/// The answer of a completed cart.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CompletedView {
    /// The order.
    pub order: OrderView,
    /// How to pay it; null where nothing is to pay.
    pub payment: Option<PayView>,
    /// Opens the order for a guest: send it as `X-Order-Token`.
    pub order_token: String,
}

impl View for CompletedView {}

/// The answer of another try to pay.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RetriedView {
    /// The order.
    pub order: OrderView,
    /// How to pay it.
    pub payment: PayView,
}

impl View for RetriedView {}
