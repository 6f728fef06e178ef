//! `POST /v1/store/carts/{id}/complete`: order first, money second.
//!
//! 1. The cart is priced and compared with what the shopper saw.
//! 2. One transaction writes the order, holds the stock and closes the cart. From here on the order
//!    can be paid late, expire or be canceled, but it can not be lost.
//! 3. The PaymentIntent, or the Session of the provider's page, is created under a key made of the
//!    payment's id.
//! 4. One transaction links it and remembers the answer. The order is not written again: its token
//!    was admitted in the second step, and what ends an order writes its payment, too.
//!
//! Whoever dies between two steps leaves something that the next call, with the same or another
//! key, goes on with, under a token of its own. A completion that was answered once is answered
//! again to its key only.

use api::form::{CartPath, Nested};
use api::reply::{Answer, Created, Remembered};
use api::seal::token_hash;
use api::view::order::{CompletedView, OrderView, PayView};
use api::{Body, CartOwner, Fields, Form, KeyRequired, Metered, Path, Problem, Reply};
use domain::cart::{Cart, Refusal, Shortage, Status as CartStatus};
use domain::id::{OrderId, PaymentId, PromotionId};
use domain::limit::Limit;
use domain::money::Money;
use domain::order::{Fresh, Order, Status};
use domain::payment::Payment;
use domain::promotion::in_cart;
use http::StatusCode;
use jiff::Timestamp;
use runtime::Call;
use runtime::endpoint::stored;
use settlement::Search;
use store::order::{Allowance, Placed};
use store::promotion::Wanted;
use store::{Saved, Store};

use crate::{App, pay};

/// How often a lost race is run again before the caller is asked to.
const RACES_MAX: usize = 5;
/// Orders of one customer, or of one address, that may wait for their payment at a time.
const OPEN_MAX: u32 = 3;
/// How often units are looked for somewhere else after somebody was faster: each time one place
/// is known to have less.
const SEARCHES_MAX: usize = 64;
/// Lapsed holds that are looked at when stock is short.
const LAPSED_MAX: i32 = 25;

/// What the shopper saw.
#[derive(Debug)]
pub struct Complete {
    expected_total: Money,
}

impl Form for Complete {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let expected_total = fields.required("expected_total", Nested::form());
        Some(Self { expected_total: expected_total? })
    }
}

type Input = (Path<CartPath>, (KeyRequired, Body<Complete>));

/// Makes an order of a cart.
pub async fn handle(
    app: &App,
    call: Call<Metered<CartOwner>, Input>,
) -> Reply<Remembered<Created<CompletedView>>> {
    let (Path(CartPath { id }), (KeyRequired, Body(Complete { expected_total }))) = &call.input;
    for _ in 0..RACES_MAX {
        let cart = app.store.cart(*id).await?.filter(|cart| call.who.0.owns(cart));
        let cart = cart.ok_or_else(Problem::not_found)?;
        let begun = match cart.status {
            CartStatus::Completing { order_id } => resume(&app.store, order_id).await?,
            CartStatus::Completed { .. }
            | CartStatus::Active
            | CartStatus::Abandoned
            | CartStatus::Merged { .. }
            | CartStatus::Expired => {
                let placing = Box::pin(place(app, &call, cart, *expected_total));
                match placing.await? {
                    Some(placed) => placed,
                    None => continue,
                }
            }
        };
        if let Some(answer) = answer(app, &call, begun).await? {
            return Ok(answer);
        }
    }
    Err(Problem::unavailable())
}

/// A completion whose answer is still to be given.
struct Begun {
    order: Order,
    payment: Option<Payment>,
    /// The token that the order was placed with; none where whoever placed it took it to the grave.
    token: Option<String>,
}

/// An order whose completion was never answered; one that was is the other key's.
async fn resume(store: &Store, id: OrderId) -> Reply<Begun> {
    let file = store.order(id).await?.ok_or_else(Problem::internal)?;
    let payment = file.payment().cloned();
    let is_answered = file.order.is_answered || payment.as_ref().is_some_and(|p| p.is_answered);
    if is_answered || file.order.status != Status::PendingPayment {
        return Err(Refusal::Completed { order_id: id }.into());
    }
    Ok(Begun { order: file.order, payment, token: None })
}

/// Places the order; none where somebody was faster and all is to be looked at again.
async fn place(
    app: &App,
    call: &Call<Metered<CartOwner>, Input>,
    cart: Cart,
    expected_total: Money,
) -> Reply<Option<Begun>> {
    let (now, doors) = (call.now, app.doors.as_ref().ok_or_else(Problem::internal)?);
    let bucket = match &call.who.0.customer {
        Some(customer) => doors.bucket(Limit::Complete, &customer.id.to_string()),
        None => doors.address_bucket(Limit::Complete, &call.request),
    };
    let mut allowance = Allowance { bucket, open_max: OPEN_MAX };
    let variants: Vec<_> = cart.lines.iter().map(|line| line.variant).collect();
    let facts = app.store.cart_facts(&variants, &Wanted::by(&cart), now).await?;
    let mut search = Search::begin(&facts, &cart);
    let priced = facts.price(&cart)?;
    let ulid = app.ids.ulid(now);
    let number = app.ids.order_number(&facts.settings.shop.order_number);
    let order = OrderId::from_ulid(ulid);
    let fresh = Fresh { order, payment: PaymentId::from_ulid(ulid), number, now };
    // What gift cards pay is decided by what is on them now.
    let cart = app.store.look_again(cart, now).await?;
    let placement = Order::place(cart, priced, expected_total, &fresh)?;
    let (mut order, mut payment) = (placement.order, placement.payment);
    // What the merchant has decided by now holds for this payment for good.
    if let Some(payment) = &mut payment {
        payment.capture = facts.settings.shop.payments.capture;
        payment.redirect = facts.settings.shop.payments.redirect();
    }
    let token = app.ids.token();
    order.admit(token_hash(&token));
    let events: Vec<_> =
        placement.facts.into_iter().map(|fact| settlement::event(&order, fact, now)).collect();
    let (cart, allowance) = (&placement.cart, &mut allowance);
    let mut short = Vec::new();
    for _ in 0..SEARCHES_MAX {
        order.reservation.allocations = match search.choose(&app.store, &order, ulid).await? {
            Ok(allocations) => allocations,
            Err(shortages) => {
                short = shortages;
                break;
            }
        };
        match app.store.place(&mut order, payment.as_mut(), cart, &events, allowance, now).await? {
            Placed::Yes => {
                call.standing.note(allowance.bucket.standing(now));
                return Ok(Some(Begun { order, payment, token: Some(token) }));
            }
            Placed::TooOften(standing) => {
                return Err(api::headers::limited(Problem::too_many(&standing), &standing));
            }
            Placed::TooManyOpen => return Err(too_many_open()),
            Placed::UsedUp(promotion) => return Err(used_up(&order, promotion)),
            Placed::Raced | Placed::NumberTaken => return Ok(None),
            Placed::Short(lacks) => {
                short = lacks.iter().cloned().map(Shortage::from).collect();
                search.learn(lacks);
            }
        }
    }
    if take_over(&app.store, &short, now).await? {
        return Ok(None);
    }
    Err(Refusal::InsufficientStock(short).into())
}

fn too_many_open() -> Problem {
    let detail = format!("{OPEN_MAX} orders wait for their payment. Pay one or call one off.");
    Problem::conflict("too_many_open_orders", detail).member("open_max", OPEN_MAX)
}

/// Somebody else had the last use, or the last of the budget, between the pricing and the placing.
fn used_up(order: &Order, id: PromotionId) -> Problem {
    let used = order.promotions.iter().find(|used| used.promotion == id);
    let name = used.map(|used| used.name.clone()).unwrap_or_default();
    let code = used.and_then(|used| used.code.clone());
    Refusal::Promotion(in_cart::Refusal::UsedUp { promotion: id, name, code }).into()
}

/// Gives back lapsed holds of what is short; tells whether there were any.
async fn take_over(store: &Store, short: &[Shortage], now: Timestamp) -> Reply<bool> {
    let mut is_more_there = false;
    for order in store.overdue(now, LAPSED_MAX, None).await?.entries {
        let has_short =
            order.counted_units().iter().any(|(sku, _)| short.iter().any(|s| s.sku == *sku));
        if has_short && order.reservation.may_be_taken_over(now) {
            is_more_there |= store.take_over(&order).await? == Saved::Yes;
        }
    }
    Ok(is_more_there)
}

/// Opens the payment, links it and remembers the answer; none where somebody was faster.
async fn answer(
    app: &App,
    call: &Call<Metered<CartOwner>, Input>,
    Begun { mut order, mut payment, token }: Begun,
) -> Reply<Option<Remembered<Created<CompletedView>>>> {
    let pay: Option<PayView> = match payment.as_mut() {
        Some(payment) => {
            let opened = pay::open(app, &order, payment, call.now).await?;
            payment.is_answered = true;
            // Who has paid already was answered before.
            Some(opened.ok_or(Refusal::Completed { order_id: order.id })?)
        }
        None => None,
    };
    let is_admitted = token.is_some();
    let order_token = token.unwrap_or_else(|| {
        let token = app.ids.token();
        order.admit(token_hash(&token));
        token
    });
    // The view shows the versions that this write makes.
    let payments: Vec<Payment> = payment.iter().cloned().collect();
    let shown = Order { version: order.version + u64::from(!is_admitted), ..order.clone() };
    let view = OrderView::of(shown, &payments, Vec::new());
    let view = CompletedView { order: view, payment: pay, order_token };
    let answer = Answer::json(StatusCode::CREATED, &view);
    let remembered = stored(&answer);
    let claim = call.claim.as_ref().map(|claim| (claim, &remembered));
    let anew = (!is_admitted).then_some(&mut order);
    let saved = app.store.answer_completion(anew, payment.as_mut(), claim).await?;
    Ok((saved == Saved::Yes).then_some(Remembered(Created(view))))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_shopper_saw_is_money() {
        let body = json!({"expected_total": {"amount": 2990, "currency": "EUR"}});
        assert_eq!(flaws_of::<Complete>(&body), []);
        let body = json!({"expected_total": {"amount": "29", "currency": "euro"}, "price": 1});
        let wanted = [
            ("/expected_total/amount".to_owned(), "wrong_type"),
            ("/expected_total/currency".to_owned(), "malformed"),
            ("/price".to_owned(), "unknown_field"),
        ];
        assert_eq!(flaws_of::<Complete>(&body), wanted);
        let body = json!({"expected_total": {"amount": -1, "currency": "EUR"}});
        assert_eq!(flaws_of::<Complete>(&body).len(), 1);
    }
}
