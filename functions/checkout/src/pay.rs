//! From an order that waits to what the browser needs to pay it.

use api::view::order::PayView;
use api::{Problem, Reply};
use domain::fault::{Fault, Retry};
use domain::order::Order;
use domain::payment::{IntentState, Payment};
use jiff::Timestamp;

use crate::App;

/// The payment's PaymentIntent: the one it has, or a new one; a canceled one is replaced by the
/// next attempt's.
pub(crate) async fn open(
    app: &App,
    order: &Order,
    payment: &mut Payment,
    now: Timestamp,
) -> Result<PayView, Fault> {
    let keys = app.till.keys(now).await?;
    let gateway = app.till.gateway(now).await?;
    let cart = order.cart.to_string();
    let mut payable = match &payment.intent {
        Some(intent) => gateway.payable(intent).await?,
        None => gateway.intent(payment, &cart).await?,
    };
    if payable.intent.state == IntentState::Canceled {
        payment.begin_again();
        payable = gateway.intent(payment, &cart).await?;
    }
    if payable.intent.amount != payment.amount {
        let tried = format!("open {}: its PaymentIntent is for another amount", payment.id);
        return Err(Fault::noticed(tried, Retry::Useless));
    }
    payment.intent = Some(payable.intent.id.clone());
    payment.updated_at = now;
    Ok(PayView {
        id: payment.id,
        payment_intent_id: payable.intent.id,
        client_secret: payable.client_secret,
        publishable_key: keys.publishable_key,
    })
}

/// The payment that an order waits for.
pub(crate) fn awaited(file: &store::order::OrderFile) -> Reply<Payment> {
    file.payment().cloned().ok_or_else(Problem::internal)
}
