//! Checkout Sessions: a page of Stripe's own on which a buyer pays one order.
//!
//! A Session asks for the payment's amount as one line, in the payment's currency: nothing is
//! added to it, taken off it or exchanged on the page. Its PaymentIntent is made when the buyer
//! confirms, and carries what we name here. All that a Session is asked for is fixed when its
//! payment is made, so that the same key always goes with the same words. A Session is open for a
//! day at most, which is as long as Stripe keeps its key: no second one is ever made beside it.

use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use domain::id::CartId;
use domain::money::Money;
use domain::payment::Payment;
use jiff::Timestamp;
use stripe::{StripeError, StripeRequest as _};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAdaptivePricing, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionPaymentIntentData,
    CreateCheckoutSessionPaymentIntentDataCaptureMethod, ExpireCheckoutSession, ProductData,
    RetrieveCheckoutSession,
};
use stripe_shared::{CheckoutSession, CheckoutSessionMode, CheckoutSessionStatus};

use crate::{Gateway, idempotent, money, named, stripe_amount, stripe_currency};

/// The name under which a PaymentIntent says which attempt's Session it belongs to.
pub(crate) const ATTEMPT: &str = "attempt";

/// A Session that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct OpenSession<'a> {
    /// The payment; it says where the buyer returns to.
    pub payment: &'a Payment,
    /// The cart that its order was made of.
    pub cart: CartId,
    /// What the order is called: the name of the only line.
    pub number: &'a str,
    /// When the page closes by itself: Stripe takes half an hour to a day from now, and a day where
    /// nothing is said.
    pub until: Option<Timestamp>,
}

/// A Session as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The provider's id.
    pub id: String,
    /// Where it stands.
    pub state: SessionState,
    /// Where the buyer pays, while it is open.
    pub url: Option<String>,
    /// What it asks for.
    pub amount: Option<Money>,
    /// The PaymentIntent that the buyer confirmed, or tried to.
    pub intent: Option<String>,
}

/// Whoever has its address can pay it.
impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({}, {:?})", self.id, self.state)
    }
}

/// Where a Session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Waits for the buyer.
    Open,
    /// The buyer has done what there is to do; the money may still be on its way.
    Complete,
    /// Over, and nothing can be paid in it.
    Expired,
}

/// What became of closing a Session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expired {
    /// It is closed.
    Yes,
    /// It can not be: look what it is.
    Refused,
}

impl Gateway {
    /// The Session of a payment: created, or the one that this attempt created before.
    pub async fn open_session(&self, asked: OpenSession<'_>) -> Result<Session, Fault> {
        let OpenSession { payment, cart, number, until } = asked;
        let redirect = payment.redirect.as_ref().ok_or_else(|| {
            let tried = format!("send the buyer of {} away: they pay in the shop", payment.order);
            Fault::noticed(tried, Retry::Useless)
        })?;
        let names = named(payment, &cart.to_string());
        let mut of_intent = names.clone();
        of_intent.insert(ATTEMPT.to_owned(), payment.attempt.to_string());
        let mut data = CreateCheckoutSessionPaymentIntentData::new();
        data.metadata = Some(of_intent);
        if payment.capture.reserves() {
            let manual = CreateCheckoutSessionPaymentIntentDataCaptureMethod::Manual;
            data.capture_method = Some(manual);
        }
        let mut price =
            CreateCheckoutSessionLineItemsPriceData::new(stripe_currency(payment.amount)?);
        price.unit_amount = Some(stripe_amount(payment.amount)?);
        price.product_data = Some(ProductData::new(number));
        let mut line = CreateCheckoutSessionLineItems::new();
        line.price_data = Some(price);
        line.quantity = Some(1);
        // What the buyer is asked for is what the order costs, in its own currency.
        let mut pricing = CreateCheckoutSessionAdaptivePricing::new();
        pricing.enabled = Some(false);
        let mut create = CreateCheckoutSession::new()
            .mode(CheckoutSessionMode::Payment)
            .client_reference_id(payment.order.to_string())
            .success_url(redirect.success_url.of_order(payment.order))
            .cancel_url(redirect.cancel_url.of_order(payment.order))
            .line_items(vec![line])
            .metadata(names)
            .payment_intent_data(data)
            .adaptive_pricing(pricing);
        if let Some(until) = until {
            create = create.expires_at(until.as_second());
        }
        let session = create
            .customize()
            .request_strategy(idempotent(payment.session_key())?)
            .send(&self.client)
            .await
            .map_err(|error| self.fault("create a Checkout Session", &error))?;
        read(session)
    }

    /// A Session as it stands.
    pub async fn session(&self, id: &str) -> Result<Session, Fault> {
        let sent = RetrieveCheckoutSession::new(id).send(&self.client).await;
        read(sent.map_err(|error| self.fault("retrieve a Checkout Session", &error))?)
    }

    /// Closes a Session, so that nobody can pay in it any more. Without an idempotency key, for the
    /// reason that a cancellation has none.
    pub async fn expire_session(&self, id: &str) -> Result<Expired, Fault> {
        match ExpireCheckoutSession::new(id).send(&self.client).await {
            Ok(_) => Ok(Expired::Yes),
            // Stripe has no code for “is not open any more”.
            Err(StripeError::Stripe(_, 400)) => Ok(Expired::Refused),
            Err(error) => Err(self.fault("expire a Checkout Session", &error)),
        }
    }
}

/// Stripe's Session in our words.
fn read(session: CheckoutSession) -> Result<Session, Fault> {
    let state = match session.status {
        Some(CheckoutSessionStatus::Open) => SessionState::Open,
        Some(CheckoutSessionStatus::Complete) => SessionState::Complete,
        Some(CheckoutSessionStatus::Expired) => SessionState::Expired,
        // A state that Stripe invents tomorrow is not guessed at.
        Some(_) | None => {
            return Err(Fault::noticed("read a Checkout Session in a new state", Retry::Useless));
        }
    };
    let currency = session.currency.and_then(|it| Currency::parse(&it.to_string().to_uppercase()));
    let amount = match (session.amount_total, currency) {
        (Some(amount), Some(currency)) => Some(money(amount, currency)?),
        (Some(_) | None, Some(_) | None) => None,
    };
    Ok(Session {
        id: session.id.to_string(),
        state,
        url: session.url,
        amount,
        intent: session.payment_intent.map(|intent| intent.id().to_string()),
    })
}
