//! The payment gateway: Stripe, through async-stripe.
//!
//! Every call that creates something carries an idempotency key made of our own immutable ids, so
//! that a call whose answer was lost can be made again. What Stripe answers is translated into the
//! domain's words here; nothing else of the shop knows a Stripe type.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::currency::Currency;
use domain::fault::{Fault, Retry};
use domain::id::{OrderId, PaymentId, RefundId};
use domain::money::Money;
use domain::payment::{Failure, Intent, IntentState, Payment};
use domain::refund::{Told, ToldState};
use jiff::{SignedDuration, Timestamp};
use stripe::{
    Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest as _,
};
use stripe_core::payment_intent::{
    CancelPaymentIntent, CapturePaymentIntent, CreatePaymentIntent,
    CreatePaymentIntentAutomaticPaymentMethods, ListPaymentIntent, RetrievePaymentIntent,
    SearchPaymentIntent,
};
use stripe_core::refund::{CreateRefund, ListRefund};
use stripe_shared::{PaymentIntent, PaymentIntentCaptureMethod, PaymentIntentStatus, Refund};
use stripe_types::{RangeBoundsTs, RangeQueryTs};

use crate::papers::Papers;

mod disputes;
mod papers;
mod sessions;
pub mod webhook;

pub use disputes::Answered;
pub use papers::{PAPER_BYTES_MAX, Uploaded};
pub use sessions::{Expired, OpenSession, Session, SessionState};

/// Stripe forgets idempotency keys after 24 hours; an hour is left for clocks that differ.
pub const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(23);

/// How long we wait for Stripe; the functions that call it live 20 seconds.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Objects of a page, as many as Stripe gives.
const PAGE: i64 = 100;
/// Pages of a hundred refunds of one PaymentIntent that are read: more than it can have.
const REFUND_PAGES_MAX: usize = 10;

/// The way to Stripe.
pub struct Gateway {
    client: Client,
    papers: Papers,
    is_live: bool,
    is_locked_out: AtomicBool,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway(…)")
    }
}

/// A PaymentIntent with what the browser needs to pay it.
#[derive(Clone)]
pub struct Payable {
    /// The intent.
    pub intent: Intent,
    /// For the provider's own form in the browser.
    pub client_secret: String,
}

impl fmt::Debug for Payable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payable({})", self.intent.id)
    }
}

/// What became of a cancellation.
#[derive(Debug)]
pub enum Canceled {
    /// It is canceled, now or before.
    Yes,
    /// It can not be: look what it is.
    Refused,
}

/// What became of taking reserved money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is taken, now or before.
    Yes,
    /// It is not, for this reason: look what became of it.
    Refused(String),
}

/// A refund that the provider is asked for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The idempotency key: of immutable ids.
    pub key: String,
    /// Our id of it.
    pub refund: RefundId,
    /// Which attempt this is.
    pub attempt: u32,
    /// The order it belongs to.
    pub order: OrderId,
    /// The PaymentIntent whose money goes back.
    pub intent: &'a str,
    /// How much.
    pub amount: Money,
}

/// What became of asking for a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The provider has it.
    Yes(Told),
    /// The provider will not do it, for this reason: asking the same again is of no use.
    Refused(String),
}

impl Gateway {
    /// A gateway with these keys. `base_url` replaces Stripe's own address in tests and in the
    /// local shop; it ends with a slash.
    pub fn new(secret_key: &str, base_url: Option<&str>) -> Result<Self, Fault> {
        let mut builder =
            ClientBuilder::new(secret_key).timeout(TIMEOUT).request_strategy(RequestStrategy::Once);
        if let Some(url) = base_url {
            builder = builder.url(url);
        }
        // The error could quote the key.
        let client = builder.build().map_err(|_| {
            Fault::noticed("build the Stripe client: its key or address is bad", Retry::Useless)
        })?;
        let is_live = secret_key.starts_with("sk_live_") || secret_key.starts_with("rk_live_");
        let papers = Papers::new(secret_key, base_url)?;
        Ok(Self { client, papers, is_live, is_locked_out: AtomicBool::new(false) })
    }

    /// Whether real money moves.
    pub fn is_live(&self) -> bool {
        self.is_live
    }

    /// Whether Stripe did not accept our key: it may have been replaced a moment ago.
    pub fn is_locked_out(&self) -> bool {
        self.is_locked_out.load(Ordering::Relaxed)
    }

    /// Stripe's errors in our words, and a note where our key was not accepted.
    fn fault(&self, tried: &str, error: &StripeError) -> Fault {
        if matches!(error, StripeError::Stripe(_, 401)) {
            self.lock_out();
        }
        fault(tried, error)
    }

    fn lock_out(&self) {
        self.is_locked_out.store(true, Ordering::Relaxed);
    }

    /// The PaymentIntent of a payment: created, or the one that this attempt created before.
    pub async fn intent(&self, payment: &Payment, cart: &str) -> Result<Payable, Fault> {
        let amount = stripe_amount(payment.amount)?;
        let currency = stripe_currency(payment.amount)?;
        let mut create = CreatePaymentIntent::new(amount, currency)
            .metadata(named(payment, cart))
            .automatic_payment_methods(CreatePaymentIntentAutomaticPaymentMethods::new(true));
        if payment.capture.reserves() {
            create = create.capture_method(PaymentIntentCaptureMethod::Manual);
        }
        let intent = create
            .customize()
            .request_strategy(idempotent(payment.intent_key())?)
            .send(&self.client)
            .await
            .map_err(|error| self.fault("create a PaymentIntent", &error))?;
        payable(intent)
    }

    /// The PaymentIntent that was made for a payment before and is not canceled, by what we named
    /// on it: for whoever comes when the key may be forgotten under which it was made. Stripe's
    /// index of names is minutes behind, at worst an hour; what is looked for here is a day old.
    pub async fn made_before(&self, payment: &Payment) -> Result<Option<Payable>, Fault> {
        let query = format!("metadata['payment_id']:'{}'", payment.id);
        let sent = SearchPaymentIntent::new(query).limit(PAGE).send(&self.client).await;
        let found = sent.map_err(|error| self.fault("search for a PaymentIntent", &error))?;
        for intent in found.data {
            // As it is now, not as the index has it.
            let payable = self.payable(intent.id.as_str()).await?;
            if payable.intent.state != IntentState::Canceled {
                return Ok(Some(payable));
            }
        }
        Ok(None)
    }

    /// A PaymentIntent as it stands, with its client secret.
    pub async fn payable(&self, id: &str) -> Result<Payable, Fault> {
        payable(self.retrieve_raw(id).await?)
    }

    /// A PaymentIntent as it stands.
    pub async fn retrieve(&self, id: &str) -> Result<Intent, Fault> {
        read(self.retrieve_raw(id).await?)
    }

    /// A PaymentIntent as it stands; none where Stripe has no such in this account.
    pub async fn find(&self, id: &str) -> Result<Option<Intent>, Fault> {
        match self.sent(id).await {
            Ok(intent) => read(intent).map(Some),
            Err(StripeError::Stripe(_, 404)) => Ok(None),
            Err(error) => Err(self.fault("look for a PaymentIntent", &error)),
        }
    }

    async fn retrieve_raw(&self, id: &str) -> Result<PaymentIntent, Fault> {
        let sent = self.sent(id).await;
        sent.map_err(|error| self.fault("retrieve a PaymentIntent", &error))
    }

    async fn sent(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        // The charge says until when reserved money can be taken.
        let charge = vec!["latest_charge".to_owned()];
        RetrievePaymentIntent::new(id).expand(charge).send(&self.client).await
    }

    /// Cancels a PaymentIntent. Without an idempotency key: canceling is idempotent by itself, and
    /// under a key Stripe would repeat an old refusal for a day.
    pub async fn cancel(&self, id: &str) -> Result<Canceled, Fault> {
        let canceled = CancelPaymentIntent::new(id).send(&self.client).await;
        match canceled {
            Ok(_) => Ok(Canceled::Yes),
            Err(StripeError::Stripe(error, 400))
                if error
                    .code
                    .as_ref()
                    .is_some_and(|code| code.as_str() == "payment_intent_unexpected_state") =>
            {
                Ok(Canceled::Refused)
            }
            Err(error) => Err(self.fault("cancel a PaymentIntent", &error)),
        }
    }

    /// Takes money that is reserved, under a key of immutable ids; what is not taken is let go.
    pub async fn capture(&self, id: &str, amount: Money, key: String) -> Result<Taken, Fault> {
        let taken = CapturePaymentIntent::new(id)
            .amount_to_capture(stripe_amount(amount)?)
            .customize()
            .request_strategy(idempotent(key)?)
            .send(&self.client)
            .await;
        match taken {
            Ok(_) => Ok(Taken::Yes),
            // 400 and 402 are about the money itself; all else is about the call.
            Err(StripeError::Stripe(error, 400 | 402)) => {
                let code = error.code.as_ref().map_or("refused", |code| code.as_str());
                Ok(Taken::Refused(code.to_owned()))
            }
            Err(error) => Err(self.fault("capture a PaymentIntent", &error)),
        }
    }

    /// Asks for money to go back. What a key was answered with is answered again for a day,
    /// refusals too: another attempt has another key.
    pub async fn refund(&self, ask: Ask<'_>) -> Result<Asked, Fault> {
        let metadata: HashMap<String, String> = [
            ("refund_id", ask.refund.to_string()),
            ("attempt", ask.attempt.to_string()),
            ("order_id", ask.order.to_string()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        let made = CreateRefund::new()
            .payment_intent(ask.intent)
            .amount(stripe_amount(ask.amount)?)
            .metadata(metadata)
            .customize()
            .request_strategy(idempotent(ask.key)?)
            .send(&self.client)
            .await;
        match made {
            Ok(made) => told(&made).map(Asked::Yes),
            // 400 and 402 are about the refund itself; all else is about the call.
            Err(StripeError::Stripe(error, 400 | 402)) => {
                let code = error.code.as_ref().map_or("refused", |code| code.as_str());
                Ok(Asked::Refused(code.to_owned()))
            }
            Err(error) => Err(self.fault("create a refund", &error)),
        }
    }

    /// All refunds of a PaymentIntent, newest first.
    pub async fn refunds(&self, intent: &str) -> Result<Vec<Told>, Fault> {
        let (mut all, mut after) = (Vec::new(), None::<String>);
        for _ in 0..REFUND_PAGES_MAX {
            let mut list = ListRefund::new().payment_intent(intent).limit(100);
            if let Some(after) = after.take() {
                list = list.starting_after(after);
            }
            let page = list
                .send(&self.client)
                .await
                .map_err(|error| self.fault("list refunds", &error))?;
            after = page.data.last().map(|refund| refund.id.to_string());
            let has_more = page.has_more;
            for refund in page.data {
                all.push(told(&refund)?);
            }
            if !has_more {
                return Ok(all);
            }
        }
        Err(Fault::noticed(format!("list all refunds of {intent}"), Retry::Useless))
    }
}

/// A page of PaymentIntents.
#[derive(Debug)]
pub struct Intents {
    /// The intents, newest first.
    pub intents: Vec<Intent>,
    /// Behind which the next page begins; none at the end.
    pub next: Option<String>,
}

impl Gateway {
    /// A page of the PaymentIntents that were made between two moments, newest first.
    pub async fn intents_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        after: Option<&str>,
    ) -> Result<Intents, Fault> {
        let mut list = ListPaymentIntent::new().created(between(from, until)).limit(PAGE);
        if let Some(after) = after {
            list = list.starting_after(after);
        }
        let sent = list.send(&self.client).await;
        let page = sent.map_err(|error| self.fault("list PaymentIntents", &error))?;
        let newest = page.data.last().map(|intent| intent.id.to_string());
        let next = newest.filter(|_| page.has_more);
        let intents = page.data.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Intents { intents, next })
    }

    /// The PaymentIntents whose money, or a part of it, went back between two moments.
    pub async fn refunded_between(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<BTreeSet<String>, Fault> {
        let (mut all, mut after) = (BTreeSet::new(), None::<String>);
        loop {
            let mut list = ListRefund::new().created(between(from, until)).limit(PAGE);
            if let Some(after) = after.take() {
                list = list.starting_after(after);
            }
            let sent = list.send(&self.client).await;
            let page = sent.map_err(|error| self.fault("list refunds", &error))?;
            after = page.data.last().map(|refund| refund.id.to_string());
            let intents = page.data.iter().filter_map(|refund| refund.payment_intent.as_ref());
            all.extend(intents.map(|intent| intent.id().to_string()));
            if !page.has_more {
                return Ok(all);
            }
        }
    }
}

/// What was made between two moments, in Stripe's seconds.
fn between(from: Timestamp, until: Timestamp) -> RangeQueryTs {
    RangeQueryTs::Bounds(RangeBoundsTs {
        gte: Some(from.as_second()),
        lte: Some(until.as_second()),
        ..RangeBoundsTs::default()
    })
}

/// Stripe's refund in our words.
fn told(refund: &Refund) -> Result<Told, Fault> {
    let code = refund.currency.to_string().to_uppercase();
    let currency = Currency::parse(&code)
        .ok_or_else(|| Fault::noticed(format!("read a refund in {code}"), Retry::Useless))?;
    let state = match refund.status.as_deref() {
        // Of some ways to pay Stripe gives no status until it knows one.
        Some("pending") | None => ToldState::Pending,
        Some("requires_action") => ToldState::RequiresAction,
        Some("succeeded") => ToldState::Succeeded,
        Some("failed") => ToldState::Failed,
        Some("canceled") => ToldState::Canceled,
        // A state that Stripe invents tomorrow is not guessed at.
        Some(_) => {
            return Err(Fault::noticed("read a refund in a new state", Retry::Useless));
        }
    };
    let named = |name: &str| refund.metadata.as_ref().and_then(|metadata| metadata.get(name));
    Ok(Told {
        state,
        amount: money(refund.amount, currency)?,
        refund: named("refund_id").and_then(|id| RefundId::parse(id).ok()),
        attempt: named("attempt").and_then(|attempt| attempt.parse().ok()),
        failure: refund.failure_reason.clone(),
        provider_ref: refund.id.to_string(),
    })
}

fn idempotent(key: String) -> Result<RequestStrategy, Fault> {
    IdempotencyKey::new(key)
        .map(RequestStrategy::Idempotent)
        .map_err(|error| Fault::new("make an idempotency key", error, Retry::Useless))
}

/// What we name on what is made for a payment.
fn named(payment: &Payment, cart: &str) -> HashMap<String, String> {
    [
        ("order_id", payment.order.to_string()),
        ("payment_id", payment.id.to_string()),
        ("cart_id", cart.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn stripe_currency(money: Money) -> Result<stripe_types::Currency, Fault> {
    let currency = money.currency().code().to_lowercase();
    currency
        .parse::<stripe_types::Currency>()
        .map_err(|_| Fault::noticed(format!("charge in {currency}"), Retry::Useless))
}

fn stripe_amount(money: Money) -> Result<i64, Fault> {
    money.currency().stripe_amount(money.amount()).map_err(|refusal| {
        Fault::noticed(format!("charge an amount: {}", refusal.code()), Retry::Useless)
    })
}

fn money(stripe: i64, currency: Currency) -> Result<Money, Fault> {
    currency.from_stripe_amount(stripe).map(|amount| Money::new(amount, currency)).map_err(
        |refusal| Fault::noticed(format!("read an amount: {}", refusal.code()), Retry::Useless),
    )
}

fn payable(intent: PaymentIntent) -> Result<Payable, Fault> {
    let secret = intent.client_secret.clone().ok_or_else(|| {
        Fault::noticed("read a PaymentIntent without its client secret", Retry::Useless)
    })?;
    Ok(Payable { client_secret: secret, intent: read(intent)? })
}

/// Stripe's PaymentIntent in our words.
fn read(intent: PaymentIntent) -> Result<Intent, Fault> {
    let code = intent.currency.to_string().to_uppercase();
    let currency = Currency::parse(&code)
        .ok_or_else(|| Fault::noticed(format!("read a PaymentIntent in {code}"), Retry::Useless))?;
    let state = match intent.status {
        PaymentIntentStatus::RequiresPaymentMethod => IntentState::RequiresPaymentMethod,
        PaymentIntentStatus::RequiresConfirmation => IntentState::RequiresConfirmation,
        PaymentIntentStatus::RequiresAction => IntentState::RequiresAction,
        PaymentIntentStatus::Processing => IntentState::Processing,
        PaymentIntentStatus::RequiresCapture => IntentState::RequiresCapture,
        PaymentIntentStatus::Succeeded => IntentState::Succeeded,
        PaymentIntentStatus::Canceled => IntentState::Canceled,
        // The library's enum is open: a state that Stripe invents tomorrow is not guessed at.
        other => {
            let tried = format!("read a PaymentIntent in state {}", other.as_str());
            return Err(Fault::noticed(tried, Retry::Useless));
        }
    };
    let capture_before = capture_before(&intent);
    let failure = intent.last_payment_error.map(|error| Failure {
        code: error.code.map_or_else(|| "unknown".to_owned(), |code| code.as_str().to_owned()),
        decline_code: error.decline_code,
    });
    Ok(Intent {
        id: intent.id.to_string(),
        state,
        amount: money(intent.amount, currency)?,
        received: money(intent.amount_received, currency)?,
        is_live: intent.livemode,
        order: intent.metadata.get("order_id").and_then(|id| OrderId::parse(id).ok()),
        payment: intent.metadata.get("payment_id").and_then(|id| PaymentId::parse(id).ok()),
        attempt: intent.metadata.get(sessions::ATTEMPT).and_then(|number| number.parse().ok()),
        failure,
        capture_before,
    })
}

/// Until when reserved money can be taken, where its charge came with the intent.
fn capture_before(intent: &PaymentIntent) -> Option<Timestamp> {
    let charge = intent.latest_charge.as_ref()?.as_object()?;
    let card = charge.payment_method_details.as_ref()?.card.as_ref()?;
    Timestamp::from_second(card.capture_before?).ok()
}

/// Whether the same may work in a moment. 401: the next call comes with the key of that moment.
const fn is_passing(status: u16) -> bool {
    matches!(status, 401 | 409 | 429 | 500..)
}

/// Stripe's errors in our words: codes only, because messages may quote what was sent.
fn fault(tried: &str, error: &StripeError) -> Fault {
    match error {
        StripeError::Stripe(error, status) => {
            let code = error.code.as_ref().map_or("none", |code| code.as_str());
            let kind = error.type_.as_str();
            let retry = if is_passing(*status) { Retry::Helps } else { Retry::Useless };
            Fault::noticed(format!("{tried}: Stripe says {status} {kind} {code}"), retry)
        }
        StripeError::JSONDeserialize(_) => {
            // An error page of a proxy, as likely as a change of Stripe's: try again.
            Fault::noticed(format!("{tried}: an answer we can not read"), Retry::Helps)
        }
        StripeError::ClientError(_) => {
            Fault::noticed(format!("{tried}: no connection"), Retry::Helps)
        }
        StripeError::ConfigError(_) => {
            Fault::noticed(format!("{tried}: bad configuration"), Retry::Useless)
        }
        StripeError::Timeout => Fault::noticed(format!("{tried}: no answer in time"), Retry::Helps),
    }
}
