//! Draft orders as staff see them, and what a pay link shows its buyer.

use domain::address::{Address, AddressForm, Email};
use domain::cart::{self, Cart, PricedCart};
use domain::catalog::Sku;
use domain::currency::Currency;
use domain::draft::{Draft, Status};
use domain::id::{CartId, DraftId, LineId, OrderId, VariantId};
use domain::money::Money;
use domain::pricing::Totals;
use domain::shipping::ShippingOption;
use domain::tax::Reason;
use domain::vat_id::VatId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::cart::OptionView;
use crate::cursor::List;
use crate::reply::View;

/// A line of a draft order.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DraftLine")]
pub struct DraftLineView {
    /// The line's id; a new one with each change.
    pub id: LineId,
    /// What is in it.
    pub variant_id: VariantId,
    /// Its SKU.
    pub sku: Sku,
    /// The product's name.
    pub title: String,
    /// What tells the variant from its siblings; null where it is gone.
    pub variant_title: Option<String>,
    /// How many.
    pub quantity: u32,
    /// What one costs in the catalogue now; null where it is not for sale any more.
    pub catalog_price: Option<Money>,
    /// What one costs this buyer; null where it is not for sale any more.
    pub unit_price: Option<Money>,
    /// What is taken off the whole line.
    pub discount: Option<Money>,
    /// Why it costs something else than in the catalogue.
    pub reason: Option<String>,
    /// What the line costs.
    pub total: Option<Money>,
    /// Whether it can be bought.
    pub is_for_sale: bool,
}

/// A draft order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DraftOrder")]
pub struct DraftView {
    /// Its id.
    pub id: DraftId,
    /// Where it stands.
    pub status: Status,
    /// What it is priced in.
    pub currency: Currency,
    /// What is in it.
    pub lines: Vec<DraftLineView>,
    /// Where the link and the letters go.
    #[schemars(with = "Option<String>")]
    pub email: Option<Email>,
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
    /// How the parcel goes; null where nothing was chosen, or the choice does not serve any more.
    pub shipping_option: Option<OptionView>,
    /// The ways of sending that serve it now, cheapest first; carriers at the shop's own prices.
    pub shipping_options: Vec<OptionView>,
    /// What staff noted, for each other.
    pub note: Option<String>,
    /// The sums: as agreed while a link is out, else as they would be now.
    pub totals: Totals,
    /// Whether the prices stand still because a link was sent.
    pub is_agreed: bool,
    /// Until when the link is good; null where none is out.
    #[schemars(with = "Option<String>")]
    pub link_expires_at: Option<Timestamp>,
    /// The cart that the last link opens.
    pub cart_id: Option<CartId>,
    /// The last order that was made of it.
    pub order_id: Option<OrderId>,
    /// Who began it: the id of a member of the staff or of an API key.
    pub created_by: String,
    /// Rises with every change.
    pub version: u64,
    /// When it was begun.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for DraftView {}

/// It says who wants what.
impl std::fmt::Debug for DraftView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DraftView({})", self.id)
    }
}

impl DraftView {
    /// The view of a draft as it stands, priced, with the ways of sending that serve it at `now`.
    pub fn of(
        draft: &Draft,
        priced: PricedCart,
        options: Vec<ShippingOption>,
        now: Timestamp,
    ) -> Self {
        let content = &draft.content;
        let mut sums = priced.priced.lines.iter();
        let line = |(line, offer): (&cart::Line, &Option<domain::catalog::Offer>)| {
            let offer = offer.as_ref();
            let is_for_sale = content.is_for_sale(offer);
            let sum = if is_for_sale { sums.next() } else { None };
            let deal = draft.deals.iter().find(|deal| deal.line == line.id);
            DraftLineView {
                id: line.id,
                variant_id: line.variant,
                sku: line.sku.clone(),
                title: line.title.clone(),
                variant_title: offer.map(|offer| offer.variant_title.clone()),
                quantity: line.quantity.get(),
                catalog_price: offer
                    .filter(|_| is_for_sale)
                    .and_then(|offer| offer.price(content.currency, now)),
                unit_price: sum.map(|sum| sum.unit_price),
                discount: sum.map(|sum| sum.discount),
                reason: deal.map(|deal| deal.reason.clone()),
                total: sum.map(|sum| sum.total),
                is_for_sale,
            }
        };
        let lines = content.lines.iter().zip(&priced.offers).map(line).collect();
        Self {
            id: draft.id,
            status: draft.status,
            currency: content.currency,
            lines,
            email: content.email.clone(),
            shipping_address: content.shipping_address.clone(),
            billing_address: content.billing_address.clone(),
            vat_id: content.vat_id.clone(),
            tax_reason: priced.tax_reason,
            shipping_option: priced.shipping.map(OptionView::from),
            shipping_options: options.into_iter().map(OptionView::from).collect(),
            note: draft.note.clone(),
            totals: priced.priced.totals,
            is_agreed: content.agreed.is_some(),
            link_expires_at: content.agreed.as_ref().map(|agreed| agreed.until),
            cart_id: draft.cart_id,
            order_id: draft.order_id,
            created_by: draft.by.to_string(),
            version: draft.version,
            created_at: draft.created_at,
            updated_at: draft.updated_at,
        }
    }
}

/// A draft order in a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DraftOrderEntry")]
pub struct DraftEntryView {
    /// Its id.
    pub id: DraftId,
    /// Where it stands.
    pub status: Status,
    /// Where the link goes.
    #[schemars(with = "Option<String>")]
    pub email: Option<Email>,
    /// What it is priced in.
    pub currency: Currency,
    /// Units in it.
    pub quantity: u64,
    /// What was agreed on; null while it is priced anew with each look.
    pub total: Option<Money>,
    /// Until when its link is good; null where none is out.
    #[schemars(with = "Option<String>")]
    pub link_expires_at: Option<Timestamp>,
    /// The last order that was made of it.
    pub order_id: Option<OrderId>,
    /// When it was begun.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
}

impl View for List<DraftEntryView> {}

/// It says who wants what.
impl std::fmt::Debug for DraftEntryView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DraftEntryView({})", self.id)
    }
}

impl From<Draft> for DraftEntryView {
    fn from(draft: Draft) -> Self {
        let Draft { id, status, content, order_id, created_at, updated_at, .. } = draft;
        let agreed = content.agreed.as_ref();
        Self {
            id,
            status,
            currency: content.currency,
            quantity: content.lines.iter().map(|line| u64::from(line.quantity.get())).sum(),
            total: agreed.map(|agreed| agreed.priced.totals.total),
            link_expires_at: agreed.map(|agreed| agreed.until),
            email: content.email,
            order_id,
            created_at,
            updated_at,
        }
    }
}

/// Whether a pay link can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayLinkStatus {
    /// Complete its cart, and pay.
    Payable,
    /// An order was made of it: its payment may still be awaited.
    Ordered,
    /// Its time is over.
    Expired,
    /// The shop has changed what it is about, or called it off.
    Withdrawn,
}

impl PayLinkStatus {
    /// What is left of the link of a cart.
    fn of(cart: &Cart, until: Timestamp, now: Timestamp) -> Self {
        match cart.status {
            cart::Status::Completing { .. } | cart::Status::Completed { .. } => Self::Ordered,
            cart::Status::Merged { .. } | cart::Status::Expired => Self::Withdrawn,
            cart::Status::Active | cart::Status::Abandoned if until <= now => Self::Expired,
            cart::Status::Active | cart::Status::Abandoned => Self::Payable,
        }
    }
}

/// A line that a pay link shows.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PayLinkLine")]
pub struct PayLinkLineView {
    /// The product's name.
    pub title: String,
    /// Its SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit_price: Money,
    /// What is taken off the whole line.
    pub discount: Money,
    /// What the line costs.
    pub total: Money,
}

/// What a pay link is about.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PayLink")]
pub struct PayLinkView {
    /// The cart to complete: `POST /v1/store/carts/{cart_id}/complete` with the link's token as
    /// `X-Cart-Token`, and `totals.total` as what is expected.
    pub cart_id: CartId,
    /// Whether it can be used.
    pub status: PayLinkStatus,
    /// The order that was made of it.
    pub order_id: Option<OrderId>,
    /// What it is priced in.
    pub currency: Currency,
    /// What is in it.
    pub lines: Vec<PayLinkLineView>,
    /// Where the letters go.
    #[schemars(with = "Option<String>")]
    pub email: Option<Email>,
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
    /// What it costs.
    pub totals: Totals,
    /// Until when it can be used.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

impl View for PayLinkView {}

/// It says who wants what.
impl std::fmt::Debug for PayLinkView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PayLinkView({}, {:?})", self.cart_id, self.status)
    }
}

impl PayLinkView {
    /// What the link of a cart shows; none where nothing was agreed about the cart.
    pub fn of(cart: Cart, now: Timestamp) -> Option<Self> {
        let agreed = cart.agreed.as_deref()?;
        let line = |(line, sum): (&cart::Line, &domain::pricing::PricedLine)| PayLinkLineView {
            title: line.title.clone(),
            sku: line.sku.clone(),
            quantity: sum.quantity,
            unit_price: sum.unit_price,
            discount: sum.discount,
            total: sum.total,
        };
        Some(Self {
            cart_id: cart.id,
            status: PayLinkStatus::of(&cart, agreed.until, now),
            order_id: match cart.status {
                cart::Status::Completing { order_id } | cart::Status::Completed { order_id } => {
                    Some(order_id)
                }
                cart::Status::Active
                | cart::Status::Abandoned
                | cart::Status::Merged { .. }
                | cart::Status::Expired => None,
            },
            currency: cart.currency,
            lines: cart.lines.iter().zip(&agreed.priced.lines).map(line).collect(),
            shipping_option: agreed.shipping.clone().map(OptionView::from),
            tax_reason: agreed.tax_reason,
            totals: agreed.priced.totals,
            expires_at: agreed.until,
            email: cart.email,
            shipping_address: cart.shipping_address,
            billing_address: cart.billing_address,
        })
    }
}
