//! Disputes: a card holder asks their bank for the money back, and the shop may answer.
//!
//! The provider's word is the truth about a dispute: whatever event tells of it, the dispute is
//! fetched and taken over as it stands there, so events that come twice, late or out of order
//! change nothing. The first word of one holds the order; a dispute that was won lets it go on,
//! unless somebody of the staff held it.
//!
//! The money of an open dispute is with the bank: it can neither be refunded nor is it lost yet.
//! Of a lost one it is gone, and counts against what was taken. An inquiry takes no money.
//!
//! What the shop answers is decided and written down first, and sent to the provider afterwards,
//! as refunds are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::id::{DisputeId, OrderId, PaymentId};
use crate::money::Money;
use crate::order::{self, Cause, Order};
use crate::payment::{Entry, EntryKind, Payment};

pub mod evidence;

pub use evidence::Evidence;

/// Where a dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DisputeStatus")]
pub enum Status {
    /// The shop may send evidence, or give in.
    NeedsResponse,
    /// The bank decides.
    UnderReview,
    /// The money stays with the shop, or came back to it.
    Won,
    /// The money is gone.
    Lost,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 4] = [Self::NeedsResponse, Self::UnderReview, Self::Won, Self::Lost];

    /// Whether the machine has the edge `self → to`. Silence loses a dispute, an inquiry that was
    /// answered or over becomes a dispute, and banks change their minds.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::NeedsResponse => matches!(to, Self::UnderReview | Self::Won | Self::Lost),
            Self::UnderReview => matches!(to, Self::NeedsResponse | Self::Won | Self::Lost),
            Self::Won => matches!(to, Self::NeedsResponse | Self::Lost),
            Self::Lost => matches!(to, Self::Won),
        }
    }

    /// Whether it is not decided.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::NeedsResponse | Self::UnderReview)
    }

    /// The name in documents and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NeedsResponse => "needs_response",
            Self::UnderReview => "under_review",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// Of several disputes the gravest one says where their order stands.
    const fn gravity(self) -> u8 {
        match self {
            Self::Won => 0,
            Self::Lost => 1,
            Self::UnderReview => 2,
            Self::NeedsResponse => 3,
        }
    }
}

/// What the shop answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DisputeAnswerType")]
pub enum AnswerKind {
    /// Evidence that the payment was right.
    Evidence,
    /// That it gives in.
    Acceptance,
}

/// What the shop answers, from the decision until the provider has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Which.
    pub kind: AnswerKind,
    /// What staff wrote in place of what the order says.
    #[serde(default)]
    pub own: Evidence,
    /// Who decided it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Counts the answers of the dispute; in the key under which the provider is told.
    pub attempt: u32,
    /// When the provider took it.
    pub sent_at: Option<Timestamp>,
    /// Why the provider did not take it, in its words.
    pub failure: Option<String>,
}

impl Answer {
    /// Whether it is on its way.
    pub const fn is_pending(&self) -> bool {
        self.sent_at.is_none() && self.failure.is_none()
    }
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Our id of it; it follows from the provider's.
    pub id: DisputeId,
    /// Of which order.
    pub order: OrderId,
    /// What people call that.
    pub order_number: String,
    /// Of which payment.
    pub payment: PaymentId,
    /// The provider's id.
    pub provider_ref: String,
    /// Where it stands.
    pub status: Status,
    /// Whether it is a question only: no money was taken.
    pub is_inquiry: bool,
    /// Why, in the provider's words: `fraudulent`, `product_not_received` …
    pub reason: String,
    /// How much it is about.
    pub amount: Money,
    /// Until when the shop may answer; none where it may not.
    pub due_by: Option<Timestamp>,
    /// What the shop answers, or answered last.
    pub answer: Option<Answer>,
    /// Answers so far.
    pub answers: u32,
    /// When it was opened, as the provider says.
    pub opened_at: Timestamp,
    /// When we heard that it was decided.
    pub closed_at: Option<Timestamp>,
    /// When we heard that it was lost, the first time.
    pub lost_at: Option<Timestamp>,
    /// Rises with every write.
    pub version: u64,
    /// When we heard of it.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What the provider says of a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The provider's id.
    pub provider_ref: String,
    /// The PaymentIntent whose money it is about; none where it belongs to none.
    pub intent: Option<String>,
    /// Where it stands there.
    pub status: Status,
    /// Whether it is a question only.
    pub is_inquiry: bool,
    /// Why.
    pub reason: String,
    /// How much.
    pub amount: Money,
    /// Until when the shop may answer.
    pub due_by: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// Why a dispute is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// An answer is on its way, or the provider has one.
    Answered,
    /// The time for it is over.
    TooLate {
        /// When it was.
        due_by: Timestamp,
    },
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::Answered => "dispute_answered",
            Self::TooLate { .. } => "dispute_overdue",
        }
    }
}

/// An order and a dispute as they shall be, together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The order.
    pub order: Order,
    /// The dispute.
    pub dispute: Dispute,
    /// The fact for the ledger, where money was lost or came back.
    pub entry: Option<Entry>,
    /// Whether it stands elsewhere than before, or is new: worth telling somebody.
    pub has_moved: bool,
}

impl Dispute {
    fn new(order: &Order, payment: &Payment, told: &Told, now: Timestamp) -> Self {
        Self {
            id: DisputeId::from_ulid(crate::id::derived("dispute", &told.provider_ref)),
            order: order.id,
            order_number: order.number.clone(),
            payment: payment.id,
            provider_ref: told.provider_ref.clone(),
            status: told.status,
            is_inquiry: told.is_inquiry,
            reason: told.reason.clone(),
            amount: told.amount,
            due_by: told.due_by,
            answer: None,
            answers: 0,
            opened_at: told.opened_at,
            closed_at: None,
            lost_at: None,
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// Money that is with the bank while it is not decided, in minor units.
    fn held(&self) -> i64 {
        if self.status.is_open() && !self.is_inquiry { self.amount.amount() } else { 0 }
    }

    /// Money that is gone, in minor units.
    fn lost(&self) -> i64 {
        if self.status == Status::Lost { self.amount.amount() } else { 0 }
    }

    /// Whether somebody has to do something about it.
    pub fn waits(&self) -> bool {
        self.status == Status::NeedsResponse
            && self.answer.as_ref().is_none_or(|answer| answer.failure.is_some())
    }

    /// The answer that the provider does not have yet.
    pub fn pending(&self) -> Option<&Answer> {
        let answer = self.answer.as_ref().filter(|answer| answer.is_pending());
        answer.filter(|_| self.status == Status::NeedsResponse)
    }

    /// The key under which the provider is told of an answer: of immutable ids.
    pub fn key(&self, answer: &Answer) -> String {
        format!("{}:answer:{}", self.id, answer.attempt)
    }

    /// Decides what is answered.
    pub fn answer(
        &self,
        kind: AnswerKind,
        own: Evidence,
        by: Actor,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if self.status != Status::NeedsResponse {
            let to = match kind {
                AnswerKind::Evidence => Status::UnderReview,
                AnswerKind::Acceptance => Status::Lost,
            };
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        if !self.waits() {
            return Err(Refusal::Answered);
        }
        if let Some(due_by) = self.due_by.filter(|due_by| *due_by <= now) {
            return Err(Refusal::TooLate { due_by });
        }
        let attempt = self.answers + 1;
        let answer = Answer { kind, own, by, at: now, attempt, sent_at: None, failure: None };
        Ok(Self { answer: Some(answer), answers: attempt, updated_at: now, ..self.clone() })
    }

    /// The provider took the answer; none where it is known.
    pub fn taken(&self, now: Timestamp) -> Option<Self> {
        let answer = self.answer.as_ref().filter(|answer| answer.is_pending())?;
        let answer = Answer { sent_at: Some(now), ..answer.clone() };
        Some(Self { answer: Some(answer), updated_at: now, ..self.clone() })
    }

    /// The provider did not take the answer: another one may be decided.
    pub fn refused(&self, why: String, now: Timestamp) -> Option<Self> {
        let answer = self.answer.as_ref().filter(|answer| answer.is_pending())?;
        let answer = Answer { failure: Some(why), ..answer.clone() };
        Some(Self { answer: Some(answer), updated_at: now, ..self.clone() })
    }

    /// The dispute as the provider tells of it; none where we knew that, or where it can not be.
    fn heard(&self, told: &Told, now: Timestamp) -> Option<Self> {
        let is_known = self.status == told.status
            && self.is_inquiry == told.is_inquiry
            && self.due_by == told.due_by;
        if is_known || (self.status != told.status && !self.status.may_become(told.status)) {
            return None;
        }
        // The ledger knows one loss of a dispute and one return of it: the third change of mind is
        // for a person.
        if told.status == Status::Lost && self.status != Status::Lost && self.lost_at.is_some() {
            return None;
        }
        let mut dispute = Self {
            status: told.status,
            is_inquiry: told.is_inquiry,
            due_by: told.due_by,
            updated_at: now,
            ..self.clone()
        };
        // What is gone stays as large as it was when it went.
        if self.status != Status::Lost {
            dispute.amount = told.amount;
        }
        // Asked anew: what was answered before was another question.
        if told.status == Status::NeedsResponse && self.status != Status::NeedsResponse {
            dispute.answer = None;
        }
        Some(dispute)
    }

    fn entry(&self, kind: EntryKind, at: Timestamp) -> Entry {
        Entry {
            payment: self.payment,
            order: self.order,
            provider_ref: self.provider_ref.clone(),
            kind,
            amount: self.amount,
            at,
        }
    }
}

impl Order {
    /// Takes over what the provider says of a dispute of this order. `disputes` are all that we
    /// know of; none where it tells nothing new.
    pub fn hear_dispute(
        &self,
        payment: &Payment,
        disputes: &[Dispute],
        told: &Told,
        now: Timestamp,
    ) -> Option<Changed> {
        let known = disputes.iter().find(|known| known.provider_ref == told.provider_ref);
        let mut dispute = match known {
            Some(known) => known.heard(told, now)?,
            None => Dispute::new(self, payment, told, now),
        };
        let has_moved = known.is_none_or(|known| known.status != dispute.status);
        dispute.closed_at = match (dispute.status.is_open(), dispute.closed_at) {
            (true, _) => None,
            (false, Some(at)) if !has_moved => Some(at),
            (false, _) => Some(now),
        };
        let (was_held, was_lost) = known.map_or((0, 0), |known| (known.held(), known.lost()));
        let mut order = self.clone();
        order.refunds.disputed += dispute.held() - was_held;
        let lost = dispute.lost() - was_lost;
        order.refunds.lost += lost;
        let entry = match lost {
            1.. => {
                dispute.lost_at = dispute.lost_at.or(Some(now));
                Some(dispute.entry(EntryKind::Lost, now))
            }
            0 => None,
            _ => Some(dispute.entry(EntryKind::LossReturned, now)),
        };
        let is_other = |one: &&Dispute| one.provider_ref != told.provider_ref;
        let others: Vec<Status> =
            disputes.iter().filter(is_other).map(|other| other.status).collect();
        let all = others.iter().copied().chain([dispute.status]);
        order.dispute_status = all.max_by_key(|status| status.gravity());
        order.follow_money(Some(payment), now);
        let (reason, by) = (format!("Dispute: {}", dispute.reason), Actor::System);
        let has_begun = known.is_none_or(|known| !known.status.is_open());
        if has_begun && dispute.status.is_open() && order.status == order::Status::Placed {
            let held = order.clone().hold_for(Cause::Dispute, reason, by, now);
            order = held.unwrap_or(order);
        }
        let all_won = dispute.status == Status::Won && others.iter().all(|one| *one == Status::Won);
        if all_won && order.is_held_for(Cause::Dispute) {
            let released = order.clone().release(now);
            order = released.unwrap_or(order);
        }
        Some(Changed { order, dispute, entry, has_moved })
    }
}

#[cfg(test)]
mod tests;
