//! What happened to an order, in order: read off its facts, so that it can not say anything else
//! than they do.

use jiff::Timestamp;

use crate::audit::Actor;
use crate::dispute::{AnswerKind, Dispute, Status as DisputeStatus};
use crate::fulfillment::Fulfillment;
use crate::id::{NoteId, OrderId};
use crate::money::Money;
use crate::order::{Order, Status};
use crate::order_edit::{Edit, Status as EditStatus};
use crate::payment::Payment;
use crate::refund::Refund;
use crate::returns::{Resolution, Return, Status as Stage};

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
    returns: &[Return],
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
    moments.extend(returns.iter().flat_map(of_return));
    for note in notes {
        let (by, text) = (Some(note.by), Some(note.text.clone()));
        moments.push(Moment { by, text, ..Moment::of(note.at, "note.added", &note.id) });
    }
    // A stable sort: what happened at the same moment stays in the order of the list above.
    moments.sort_by_key(|moment| moment.at);
    moments
}

/// What happened to a return; what was said of it is shown where it is looked at.
fn of_return(one: &Return) -> Vec<Moment> {
    let asked = Moment::of(one.created_at, "return.requested", &one.id);
    let mut moments = vec![Moment { by: Some(one.by), ..asked }];
    if let Some(approval) = &one.approval {
        let approved = Moment::of(approval.at, "return.approved", &one.id);
        moments.push(Moment { by: Some(approval.by), ..approved });
    }
    moments.extend(one.sent_at.map(|at| Moment::of(at, "return.in_transit", &one.id)));
    moments.extend(one.received_at.map(|at| Moment::of(at, "return.received", &one.id)));
    if let Some(at) = one.resolved_at {
        let (amount, text) = match &one.resolution {
            Some(Resolution::Refund { amount, .. } | Resolution::StoreCredit { amount, .. }) => {
                (Some(*amount), None)
            }
            Some(Resolution::Exchange { number, credit, .. }) => {
                (Some(*credit), Some(number.clone()))
            }
            Some(Resolution::None { reason }) => (None, Some(reason.clone())),
            None => (None, None),
        };
        let resolved = Moment::of(at, "return.resolved", &one.id);
        moments.push(Moment { amount, text, ..resolved });
    }
    if let Some(at) = one.ended_at {
        let what = match one.status {
            Stage::Rejected => "return.rejected",
            Stage::Expired => "return.expired",
            Stage::Requested
            | Stage::Approved
            | Stage::InTransit
            | Stage::PartiallyReceived
            | Stage::Received
            | Stage::Resolved
            | Stage::Canceled => "return.canceled",
        };
        moments.push(Moment { text: one.rejection.clone(), ..Moment::of(at, what, &one.id) });
    }
    moments
}

/// What happened with the disputes of an order, for whoever puts it among the rest.
pub fn of_disputes(disputes: &[Dispute]) -> Vec<Moment> {
    let mut moments = Vec::new();
    for dispute in disputes {
        let amount = Some(dispute.amount);
        let of = |at, what| Moment { amount, ..Moment::of(at, what, &dispute.id) };
        let opened = of(dispute.opened_at, "dispute.opened");
        moments.push(Moment { text: Some(dispute.reason.clone()), ..opened });
        if let Some(answer) = &dispute.answer {
            let what = match answer.kind {
                AnswerKind::Evidence => "dispute.submitted",
                AnswerKind::Acceptance => "dispute.accepted",
            };
            moments.push(Moment { by: Some(answer.by), ..of(answer.at, what) });
        }
        let what = match dispute.status {
            DisputeStatus::NeedsResponse | DisputeStatus::UnderReview => continue,
            DisputeStatus::Won => "dispute.won",
            DisputeStatus::Lost => "dispute.lost",
        };
        moments.extend(dispute.closed_at.map(|at| of(at, what)));
    }
    moments
}

/// What happened with the edits of an order, for whoever puts it among the rest. The subject is the
/// order of what was added, once there is one.
pub fn of_edits(edits: &[Edit]) -> Vec<Moment> {
    let mut moments = Vec::new();
    for edit in edits {
        let amount = Some(edit.sums.due);
        let of = |at, what| Moment { amount, ..Moment::of(at, what, &edit.order) };
        let proposed = of(edit.created_at, "edit.proposed");
        moments.push(Moment { by: Some(edit.by), text: Some(edit.reason.clone()), ..proposed });
        let what = match edit.status {
            EditStatus::Open => continue,
            EditStatus::Applied => "edit.applied",
            EditStatus::Declined => "edit.declined",
            EditStatus::Withdrawn => "edit.withdrawn",
            EditStatus::Expired => "edit.expired",
            EditStatus::Superseded => "edit.superseded",
        };
        let added = edit.made.as_ref().and_then(|made| made.order).unwrap_or(edit.order);
        moments.extend(edit.closed_at.map(|at| Moment {
            by: edit.closed_by,
            subject: added.to_string(),
            text: edit.answer.clone(),
            ..of(at, what)
        }));
    }
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
    moments.extend(order.completed_at.map(|at| Moment::of(at, "order.completed", &order.id)));
    moments.extend(order.reopened_at.map(|at| Moment::of(at, "order.reopened", &order.id)));
    for one in &order.cancellations {
        let (by, text) = (Some(one.by), one.reason.clone());
        let moment = Moment::of(one.at, "order.lines_canceled", &order.id);
        moments.push(Moment { amount: Some(one.amount), by, text, ..moment });
    }
    if let Some(at) = order.ended_at {
        let what = if order.status == Status::Expired { "order.expired" } else { "order.canceled" };
        moments.push(Moment::of(at, what, &order.id));
    }
    moments
}
