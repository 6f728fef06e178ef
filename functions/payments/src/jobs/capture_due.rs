//! Every hour: money that is reserved and will be let go soon. Two days before, staff are told
//! once; half a day before, it is taken or let go, as the shop is set to. What became of it is
//! heard as everything else that the provider says.

use domain::capture::{Due, WARNED_BEFORE};
use domain::event::{Event, Fact, Letter, Message};
use domain::fault::{Fault, Retry};
use domain::id::{EventId, MessageId, Ulid};
use domain::payment::Payment;
use domain::permission::Permission;
use domain::staff::{Member, who_may};
use gateway::Gateway;
use jiff::Timestamp;
use queue::Name;
use runtime::Tick;
use store::Saved;
use store::order::OrderFile;
use store::refund::Move;

use crate::App;
use crate::notice::Notice;

/// Payments of a page.
const PAGE: i32 = 50;
/// Members and roles that are read: each kind lies in one partition, and is few.
const STAFF_MAX: i32 = 1000;
/// How often a lost race is run again before the next hour does.
const RACES_MAX: usize = 3;

/// Looks at all of it.
pub async fn handle(app: &App, tick: Tick) -> Result<(), Fault> {
    let until = tick.now.checked_add(WARNED_BEFORE).unwrap_or(tick.now);
    let (mut position, mut done) = (None::<String>, 0_usize);
    loop {
        let page = app.store.captures_due(until, PAGE, position.as_deref()).await?;
        for payment in &page.entries {
            done += usize::from(look(app, payment, tick.now).await?);
        }
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    tracing::info!(op = "payments.jobs.capture_due", done, "looked at reserved money");
    Ok(())
}

/// Looks at one payment; whether there was something to do.
async fn look(app: &App, found: &Payment, now: Timestamp) -> Result<bool, Fault> {
    for _ in 0..RACES_MAX {
        let Some(file) = app.store.order(found.order).await? else { return Ok(false) };
        let Some(payment) = file.payments.iter().find(|one| one.id == found.id) else {
            return Ok(false);
        };
        let policy = app.store.shop().await?.value.payments.capture_deadline;
        let saved = match payment.at_deadline(&file.order, policy, now) {
            // Its time is over and nobody has said so.
            Due::Nothing if payment.capture_before.is_some_and(|until| until <= now) => {
                ask_again(app, payment).await?;
                return Ok(true);
            }
            Due::Nothing => return Ok(false),
            Due::LetGo => {
                let gateway = app.till()?.gateway(now).await?;
                let_go(app, &gateway, payment).await?;
                return Ok(true);
            }
            Due::Warn(warned, until) => warn(app, &file, &warned, (until, now)).await?,
            Due::Take(asked) => say_asked(app, &file, &asked, now).await?,
            Due::SayAgain => say_asked(app, &file, payment, now).await?,
        };
        if saved == Saved::Yes {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Says that reserved money is to be taken.
async fn say_asked(
    app: &App,
    file: &OrderFile,
    asked: &Payment,
    now: Timestamp,
) -> Result<Saved, Fault> {
    let mut order = file.order.clone();
    let fact = order.say_capture_requested(asked, now);
    let events = [settlement::event(&order, fact, now)];
    save(app, file, &order, (asked, &events)).await
}

async fn save(
    app: &App,
    file: &OrderFile,
    order: &domain::order::Order,
    (payment, events): (&Payment, &[Event]),
) -> Result<Saved, Fault> {
    let step = Move {
        before: &file.order,
        order,
        payment: Some(payment),
        refund: None,
        entry: None,
        events,
        remembered: None,
    };
    app.store.move_money(&step).await
}

/// Tells those of the staff who may take it.
async fn warn(
    app: &App,
    file: &OrderFile,
    payment: &Payment,
    (until, now): (Timestamp, Timestamp),
) -> Result<Saved, Fault> {
    let members = app.store.members(STAFF_MAX, None).await?.entries;
    let roles = app.store.roles(STAFF_MAX, None).await?.entries;
    let readers = who_may(members, &roles, Permission::OrdersCapture);
    let letter = Letter::CaptureDue {
        order_number: file.order.number.clone(),
        amount: payment.authorized,
        capture_before: until,
    };
    let events: Vec<Event> =
        readers.iter().map(|member| request(payment, member, &letter, now)).collect();
    save(app, file, &file.order, (payment, &events)).await
}

/// The letter about this payment to this member: one, however often it is asked for.
fn request(payment: &Payment, member: &Member, letter: &Letter, now: Timestamp) -> Event {
    let (about, reader) = (payment.id.ulid(), member.id.ulid());
    let ulid = Ulid::from_parts(about.timestamp_ms(), about.random() ^ reader.random());
    let (id, to) = (MessageId::from_ulid(ulid), member.email.clone());
    let fact = Fact::MessageRequested { message: Message { id, to, letter: letter.clone() } };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact }
}

async fn let_go(app: &App, gateway: &Gateway, payment: &Payment) -> Result<(), Fault> {
    if let Some(intent) = &payment.intent {
        gateway.cancel(intent).await?;
    }
    ask_again(app, payment).await
}

/// Has the provider asked what became of it, as its webhook would.
async fn ask_again(app: &App, payment: &Payment) -> Result<(), Fault> {
    let Some(intent) = payment.intent.clone() else { return Ok(()) };
    let notice = Notice {
        event_id: "capture_due".to_owned(),
        kind: "payment_intent.canceled".to_owned(),
        intent: Some(intent),
        order: Some(payment.order),
        object: None,
    };
    let body = serde_json::to_string(&notice)
        .map_err(|error| Fault::new("write a notice", error, Retry::Useless))?;
    let queues = app.queues.as_ref();
    let queues =
        queues.ok_or_else(|| Fault::noticed("queue a notice without a queue", Retry::Useless))?;
    queues.send(Name::StripeEvents, &body).await
}
