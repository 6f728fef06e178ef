//! `POST /v1/admin/orders/{id}/returns/{return_id}/exchange`: the buyer gets other goods for what
//! came back, in an order of their own. What they cost less goes back; what they cost more the
//! buyer pays by a link that is mailed, and the goods are kept for them meanwhile.
//!
//! One transaction takes the units of the first order, settles the return, places the second order
//! and holds its stock: of two who settle the same return one does.

use api::form::{ListOf, Nested, Text};
use api::input::version_tag;
use api::reply::{Answer, Remembered};
use api::seal::token_hash;
use api::view::returns::ReturnView;
use api::{Body, Fields, Form, IfMatch, KeyRequired, Path, Problem, Reply, Staff, Versioned};
use domain::cart::{Refusal as OrderRefusal, Shortage};
use domain::event::{Event, Fact, Letter, Message};
use domain::gift_card::{self, CODE_BYTES, Code};
use domain::id::{
    EventId, GiftCardId, GiftEntryId, MessageId, OrderId, OrderLineId, PaymentId, RefundId,
};
use domain::money::Money;
use domain::order::{self, Order};
use domain::permission::grant;
use domain::refund::{self, REASON_CHARS_MAX};
use domain::returns::exchange::{Fresh, Replacement, exchange};
use domain::returns::{LINES_MAX, Return};
use http::StatusCode;
use runtime::Call;
use runtime::endpoint::stored;
use settlement::{Search, event, say_changed};
use store::order::OrderFile;
use store::refund::Move;
use store::returns::{Exchange, Exchanged};

use crate::App;
use crate::desk::{ATTEMPTS_MAX, WhichReturn, find, load, note, said, shown_as_written};
use crate::exchanging::{Draft, draft, replacements};
use crate::settling::Line;

/// How often units are looked for somewhere else after somebody was faster.
const SEARCHES_MAX: usize = 16;

/// What is given for which units, and what staff saw that it costs.
#[derive(Debug)]
pub struct Given {
    lines: Option<Vec<(OrderLineId, u32)>>,
    replacements: Option<Vec<Replacement>>,
    expected_total: Money,
    reason: Option<String>,
}

impl Form for Given {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let items = ListOf::some_up_to(LINES_MAX, Nested::<Line>::form(), "No line is named.");
        let items = fields.optional("items", items);
        let replacements = replacements(fields, "replacements");
        let expected_total = fields.required("expected_total", Nested::form());
        let reason = fields.optional("reason", Text::between(1, REASON_CHARS_MAX));
        let lines = items?.map(|items| items.into_iter().map(Line::units).collect());
        Some(Self {
            lines,
            replacements: replacements?,
            expected_total: expected_total?,
            reason: reason?,
        })
    }
}

type Who = Staff<grant::OrdersRefund>;
type Input = (Path<WhichReturn>, (IfMatch, (KeyRequired, Body<Given>)));
type Done = Remembered<Versioned<ReturnView>>;

/// Gives other goods for what came back.
pub async fn handle(app: &App, call: Call<Who, Input>) -> Reply<Done> {
    let (Path(which), (seen, (KeyRequired, Body(given)))) = &call.input;
    for _ in 0..ATTEMPTS_MAX {
        let file = load(app, which.order).await?;
        let before = find(&file, which.returned)?;
        seen.check(before.version)?;
        let wanted = before.refund(given.lines.as_deref(), None)?;
        let named = given.replacements.as_deref();
        let draft = draft(app, (&file, &before), wanted, named, call.now).await?;
        let giving = Box::pin(give(app, &call, (&file, &before), draft));
        if let Some(done) = giving.await? {
            return Ok(done);
        }
    }
    Err(Problem::unavailable())
}

/// Decides and writes it; none where somebody else was faster.
async fn give(
    app: &App,
    call: &Call<Who, Input>,
    (file, before): (&OrderFile, &Return),
    draft: Draft,
) -> Reply<Option<Done>> {
    let (_, (_, (_, Body(given)))) = &call.input;
    let Draft { wanted, facts, cart, priced } = draft;
    let mut search = Search::begin(&facts, &cart);
    let shop = &facts.settings.shop;
    let fresh = fresh(app, call, app.ids.order_number(&shop.order_number));
    let chance = fresh.order.order.ulid();
    let of = (&file.order, file.payment(), file.refunds.len());
    let made = exchange(of, &wanted, (cart, priced), given.expected_total, fresh)?;
    let (mut changed, placement) = (made.changed, made.placement);
    let (mut order, mut payment) = (placement.order, placement.payment);
    let of_refund = say_changed(&mut changed, call.now);
    let step = before.clone().resolve(&changed.order, &file.returns, made.resolution, call.now);
    let mut step = step.map_err(Problem::from)?;
    let mut events = vec![note(app, call, "return.exchange", Some(before), &step.returned)?];
    events.extend(of_refund);
    events.extend(said(&mut step, call.now));
    events.extend(placement.facts.into_iter().map(|fact| event(&order, fact, call.now)));
    if let Some(payment) = &mut payment {
        // What the merchant has decided by now holds for this payment for good.
        payment.capture = shop.payments.capture;
        payment.redirect = shop.payments.redirect();
        events.push(way_to_pay(app, call, &mut order));
    }
    let view = shown_as_written(&step.returned);
    let version = view.version;
    let answer = Answer::json(StatusCode::OK, &view).header("etag", &version_tag(version));
    let answer = stored(&answer);
    for _ in 0..SEARCHES_MAX {
        let places = search.choose(&app.store, &order, chance).await?;
        order.reservation.allocations = places.map_err(short)?;
        let writing = Exchange {
            step: Move {
                before: &file.order,
                order: &step.order,
                payment: changed.payment.as_ref(),
                refund: Some(&changed.refund),
                entry: changed.entry.as_ref(),
                events: &events,
                remembered: call.claim.as_ref().map(|claim| (claim, &answer)),
            },
            returned: &step.returned,
            order: &order,
            payment: payment.as_ref(),
            card: &made.card,
            entries: &made.entries,
        };
        match app.store.exchange_return(&writing).await? {
            Exchanged::Yes => return Ok(Some(Remembered(Versioned(view, version)))),
            Exchanged::Raced => return Ok(None),
            Exchanged::Short(lacks) => search.learn(lacks),
        }
    }
    Err(Problem::unavailable())
}

fn short(shortages: Vec<Shortage>) -> Problem {
    OrderRefusal::InsufficientStock(shortages).into()
}

/// What only the outside gives to an exchange.
fn fresh(app: &App, call: &Call<Who, Input>, number: String) -> Fresh {
    let (_, (_, (_, Body(given)))) = &call.input;
    let now = call.now;
    let ulid = app.ids.ulid(now);
    let mut random = [0; CODE_BYTES];
    for (slot, byte) in random.iter_mut().zip(app.ids.salt()) {
        *slot = byte;
    }
    let (order, payment) = (OrderId::from_ulid(ulid), PaymentId::from_ulid(ulid));
    let id = RefundId::from_ulid(app.ids.ulid(now));
    let entry = GiftEntryId::from_ulid(app.ids.ulid(now));
    Fresh {
        order: order::Fresh { order, payment, number, now },
        refund: refund::Fresh { id, by: call.who.actor(), reason: given.reason.clone(), now },
        card: GiftCardId::from_ulid(ulid),
        code: Code::issue(random),
        entry: gift_card::Fresh { entry, by: Some(call.who.responsible()), now },
    }
}

/// The letter with the link by which the buyer pays what is due.
fn way_to_pay(app: &App, call: &Call<Who, Input>, order: &mut Order) -> Event {
    let token = app.ids.token();
    order.admit(token_hash(&token));
    let ulid = app.ids.ulid(call.now);
    let letter = Letter::ExchangeToPay { order_id: order.id, token };
    let message = Message { id: MessageId::from_ulid(ulid), to: order.email.clone(), letter };
    let fact = Fact::MessageRequested { message };
    Event { id: EventId::from_ulid(ulid), at: call.now, sequence: 1, fact }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_exchanges_without_having_seen_the_price() {
        let goods = json!({"sku": "MUG-BLUE", "quantity": 1});
        let total = json!({"amount": 1290, "currency": "EUR"});
        let line = json!({"order_line_id": "oli_01ARZ3NDEKTSV4RRFFQ69G5FAV", "quantity": 1});
        let given = json!({"items": [line], "replacements": [goods], "expected_total": total,
            "reason": "Too small"});
        assert_eq!(flaws_of::<Given>(&given), []);
        assert_eq!(flaws_of::<Given>(&json!({"expected_total": total})), []);
        let blind = flaws_of::<Given>(&json!({"replacements": [goods]}));
        assert_eq!(blind, [("/expected_total".to_owned(), "required")]);
    }
}
