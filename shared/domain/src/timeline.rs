//! What happened to an order, in order: read off its facts, so that it can not say anything else
//! than they do.

use jiff::Timestamp;

use crate::audit::Actor;
use crate::fulfillment::Fulfillment;
use crate::id::{NoteId, OrderId};
use crate::money::Money;
use crate::order::{Order, Status};
use crate::payment::Payment;
use crate::refund::Refund;

/// Characters of a note.
pub const NOTE_CHARS_MAX: usize = 4_000;

/// What somebody of the staff wrote about an order. It is never changed.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Note {
    /// Its id.
    pub id: NoteId,
    /// About which order.
    pub order: OrderId,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// People write of people.
impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Note({})", self.id)
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What, as events are named: `order.placed`, `refund.requested`.
    pub what: &'static str,
    /// To which thing: an id.
    pub subject: String,
    /// How much money it was about.
    pub amount: Option<Money>,
    /// Who did it, where that is known.
    pub by: Option<Actor>,
    /// What was said of it, where somebody did.
    pub text: Option<String>,
}

impl Moment {
    fn of(at: Timestamp, what: &'static str, subject: &impl ToString) -> Self {
        Self { at, what, subject: subject.to_string(), amount: None, by: None, text: None }
    }
}

/// What happened to an order, oldest first.
pub fn timeline(
    order: &Order,
    payments: &[Payment],
    parcels: &[Fulfillment],
    refunds: &[Refund],
    notes: &[Note],
) -> Vec<Moment> {
    let mut moments = of_order(order);
    for payment in payments {
        let amount = Some(payment.amount);
        let began = Moment::of(payment.created_at, "payment.created", &payment.id);
        moments.push(Moment { amount, ..began });
    }
    for parcel in parcels {
        let steps = [
            (Some(parcel.created_at), "fulfillment.created"),
            (parcel.packed_at, "fulfillment.packed"),
            (parcel.shipped_at, "fulfillment.shipped"),
            (parcel.delivered_at, "fulfillment.delivered"),
            (parcel.ended_at.filter(|_| parcel.delivered_at.is_none()), "fulfillment.ended"),
        ];
        let step = |(at, what): (Option<Timestamp>, _)| Some(Moment::of(at?, what, &parcel.id));
        moments.extend(steps.into_iter().filter_map(step));
    }
    for refund in refunds {
        let amount = Some(refund.amount());
        let asked = Moment::of(refund.created_at, "refund.requested", &refund.id);
        let (by, text) = (Some(refund.by), refund.reason.clone());
        moments.push(Moment { amount, by, text, ..asked });
        if let Some(at) = refund.succeeded_at {
            let done = Moment::of(at, "refund.succeeded", &refund.id);
            moments.push(Moment { amount, ..done });
        }
        if let Some(why) = &refund.failure {
            let failed = Moment::of(refund.updated_at, "refund.failed", &refund.id);
            moments.push(Moment { amount, text: Some(why.clone()), ..failed });
        }
    }
    for note in notes {
        let (by, text) = (Some(note.by), Some(note.text.clone()));
        moments.push(Moment { by, text, ..Moment::of(note.at, "note.added", &note.id) });
    }
    // A stable sort: what happened at the same moment stays in the order of the list above.
    moments.sort_by_key(|moment| moment.at);
    moments
}

fn of_order(order: &Order) -> Vec<Moment> {
    let total = Some(order.totals.total);
    let made = Moment::of(order.created_at, "order.created", &order.id);
    let mut moments = vec![Moment { amount: total, ..made }];
    moments.extend(order.placed_at.map(|at| Moment::of(at, "order.placed", &order.id)));
    if let Some(hold) = &order.hold {
        let (by, text) = (Some(hold.by), Some(hold.reason.clone()));
        moments.push(Moment { by, text, ..Moment::of(hold.at, "order.held", &order.id) });
        moments.extend(hold.released_at.map(|at| Moment::of(at, "order.released", &order.id)));
    }
    if let Some(at) = order.ended_at {
        let what = if order.status == Status::Expired { "order.expired" } else { "order.canceled" };
        moments.push(Moment::of(at, what, &order.id));
    }
    moments
}
