//! From an order that waits to what the browser needs to pay it.

use api::view::order::{ElementView, PayView, RedirectView};
use api::{Problem, Reply};
use domain::fault::{Fault, Retry};
use domain::order::Order;
use domain::payment::{IntentState, Payment};
use gateway::{Gateway, KEYS_KEPT, OpenSession, Payable, Session, SessionState};
use jiff::{SignedDuration, Timestamp};

use crate::App;

/// How long the provider's page stays open after the order's time is over. The order's end closes
/// it; this is for who asks for it in the last minute, as Stripe opens no page for less than half
/// an hour.
const PAGE_STAYS: SignedDuration = SignedDuration::from_mins(60);
/// The least time for which Stripe opens a page, and a minute for its clock.
const PAGE_MIN: SignedDuration = SignedDuration::from_mins(31);
/// Orders that wait longer than this have a page for a day at a time, which is Stripe's longest and
/// what it does where nothing is said.
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(22);

/// How to pay: as it was said before where that still holds, or anew where it is over. None where
/// the buyer has done what there is to do, and the money is on its way.
pub(crate) async fn open(
    app: &App,
    order: &Order,
    payment: &mut Payment,
    now: Timestamp,
) -> Result<Option<PayView>, Fault> {
    if payment.redirect.is_some() {
        return redirect(app, order, payment, now).await;
    }
    let keys = app.till.keys(now).await?;
    let gateway = app.till.gateway(now).await?;
    let mut payable = match &payment.intent {
        Some(intent) => gateway.payable(intent).await?,
        None => intent(&gateway, order, payment, now).await?,
    };
    if payable.intent.state == IntentState::Canceled {
        payment.begin_anew(now);
        payable = intent(&gateway, order, payment, now).await?;
    }
    if payable.intent.amount != payment.amount {
        let tried = format!("open {}: its PaymentIntent is for another amount", payment.id);
        return Err(Fault::noticed(tried, Retry::Useless));
    }
    payment.intent = Some(payable.intent.id.clone());
    payment.updated_at = now;
    Ok(Some(PayView::Element(ElementView {
        id: payment.id,
        payment_intent_id: payable.intent.id,
        client_secret: payable.client_secret,
        publishable_key: keys.publishable_key,
    })))
}

/// The PaymentIntent of a payment: a new one, or that of an earlier call whose answer was lost.
/// Stripe knows it by its key, and where that may be forgotten it is looked for by its names.
async fn intent(
    gateway: &Gateway,
    order: &Order,
    payment: &Payment,
    now: Timestamp,
) -> Result<Payable, Fault> {
    if now.duration_since(order.created_at) >= KEYS_KEPT
        && let Some(made) = Box::pin(gateway.made_before(payment)).await?
    {
        return Ok(made);
    }
    gateway.intent(payment, &order.cart.to_string()).await
}

/// The payment's page: the one it has, or a new one; one that is over is replaced by the next
/// attempt's.
async fn redirect(
    app: &App,
    order: &Order,
    payment: &mut Payment,
    now: Timestamp,
) -> Result<Option<PayView>, Fault> {
    let gateway = app.till.gateway(now).await?;
    let until = page_ends(order, now)?;
    let mut session = match payment.session() {
        Some(session) => gateway.session(session).await?,
        None => page(&gateway, order, payment, until).await?,
    };
    let is_over = match session.state {
        SessionState::Open => false,
        SessionState::Expired => true,
        SessionState::Complete => {
            if !has_failed(&gateway, &session).await? {
                return Ok(None);
            }
            true
        }
    };
    if is_over {
        payment.begin_anew(now);
        session = page(&gateway, order, payment, until).await?;
    }
    if session.amount != Some(payment.amount) {
        let tried = format!("open {}: its page asks for another amount", payment.id);
        return Err(Fault::noticed(tried, Retry::Useless));
    }
    let url = session.url.ok_or_else(|| {
        let tried = format!("open {}: its page has no address", payment.id);
        Fault::noticed(tried, Retry::Helps)
    })?;
    if let Some(redirect) = &mut payment.redirect {
        redirect.session = Some(session.id.clone());
    }
    payment.updated_at = now;
    Ok(Some(PayView::Redirect(RedirectView {
        id: payment.id,
        checkout_session_id: session.id,
        redirect_url: url,
    })))
}

async fn page(
    gateway: &Gateway,
    order: &Order,
    payment: &Payment,
    until: Option<Timestamp>,
) -> Result<Session, Fault> {
    let (cart, number) = (order.cart, order.number.as_str());
    gateway.open_session(OpenSession { payment, cart, number, until }).await
}

/// Whether what the buyer did on a page came to nothing after all, as a debit may days later. What
/// is left of it is canceled, so that there is one way to pay and not two.
async fn has_failed(gateway: &Gateway, session: &Session) -> Result<bool, Fault> {
    let Some(intent) = &session.intent else { return Ok(false) };
    match gateway.retrieve(intent).await?.state {
        IntentState::Canceled => Ok(true),
        IntentState::RequiresPaymentMethod => {
            gateway.cancel(intent).await?;
            Ok(true)
        }
        IntentState::RequiresConfirmation
        | IntentState::RequiresAction
        | IntentState::Processing
        | IntentState::RequiresCapture
        | IntentState::Succeeded => Ok(false),
    }
}

/// When the page of an order closes by itself. It follows from the order alone, because the same
/// key has to go with the same words; none where Stripe's own day is right.
fn page_ends(order: &Order, now: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let deadline = order.reservation.expires_at;
    if deadline.duration_since(order.created_at) > WINDOW_MAX {
        return Ok(None);
    }
    let ends = deadline.saturating_add(PAGE_STAYS).unwrap_or(Timestamp::MAX);
    if ends.duration_since(now) < PAGE_MIN {
        let tried = format!("open a page for {}: its time is over", order.id);
        return Err(Fault::noticed(tried, Retry::Helps));
    }
    Ok(Some(ends))
}

/// The payment that an order waits for.
pub(crate) fn awaited(file: &store::order::OrderFile) -> Reply<Payment> {
    file.payment().cloned().ok_or_else(Problem::internal)
}
