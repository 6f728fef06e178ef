//! Reserved money: when it is taken, by whose word, and what becomes of it before its time is over.
//!
//! A shop may have money reserved when an order is placed and take it later: when staff say so, or
//! when the first parcel leaves. A reservation ends by itself after some days; before that the shop
//! takes the money, lets it go, or at least tells its staff. Taking it is decided and written down
//! first, and asked for afterwards, as refunds are; it is done once, and what is not taken then is
//! let go.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::money::Money;
use crate::order::{Order, Status};
use crate::payment::{self, Payment};

/// Staff are told so long before a reservation ends.
pub const WARNED_BEFORE: SignedDuration = SignedDuration::from_hours(48);
/// Whoever was to take it has not been heard of for so long.
const SAID_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The shop acts by itself so long before a reservation ends.
pub const ACTS_BEFORE: SignedDuration = SignedDuration::from_hours(12);

/// When the money of an order is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CaptureMode")]
pub enum Mode {
    /// At once.
    #[default]
    Automatic,
    /// When staff say so; until then it is reserved.
    Manual,
    /// When the first parcel leaves, or when staff say so; until then it is reserved.
    OnShipment,
}

impl Mode {
    /// Every mode, by its name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("automatic", Self::Automatic),
        ("manual", Self::Manual),
        ("on_shipment", Self::OnShipment),
    ];

    /// Whether money is reserved first.
    pub const fn reserves(self) -> bool {
        matches!(self, Self::Manual | Self::OnShipment)
    }
}

/// What becomes of reserved money that nobody has taken when its time is nearly over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CaptureDeadline")]
pub enum Deadline {
    /// It is taken, unless the order is on hold.
    #[default]
    Capture,
    /// It is let go; the order is held, unpaid.
    Void,
    /// Staff are told, and nothing else.
    Warn,
}

impl Deadline {
    /// Every choice, by its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("capture", Self::Capture), ("void", Self::Void), ("warn", Self::Warn)];
}

/// Reserved money is to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// How much of it.
    pub amount: Money,
    /// Who decided it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Counts the times that it was asked for; in the key under which the provider is asked.
    pub attempt: u32,
    /// Why the provider did not do it, in its words.
    pub failure: Option<String>,
}

/// Why money is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// None is reserved.
    NothingReserved,
    /// Somebody looks at the order: nothing is taken meanwhile.
    OnHold,
    /// It is being taken.
    Asked,
    /// An amount is in another currency than the order.
    OtherCurrency,
    /// Less is reserved.
    ExceedsReserved {
        /// How much is.
        reserved: Money,
    },
    /// Less is due: what is more than that would have to go back at once.
    ExceedsDue {
        /// How much is.
        due: Money,
    },
    /// The provider can not move exactly so much.
    TooSmall {
        /// It moves multiples of this.
        step: Money,
    },
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingReserved => "nothing_to_capture",
            Self::OnHold => "order_on_hold",
            Self::Asked => "capture_underway",
            Self::OtherCurrency => "currency_mismatch",
            Self::ExceedsReserved { .. } => "exceeds_authorized",
            Self::ExceedsDue { .. } => "exceeds_due",
            Self::TooSmall { .. } => "capture_too_small",
        }
    }
}

impl Payment {
    /// Decides that reserved money is taken: all of it, or so much.
    pub fn ask_capture(
        &self,
        order: &Order,
        amount: Option<Money>,
        by: Actor,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        if self.status != payment::Status::Authorized {
            return Err(Refusal::NothingReserved);
        }
        match order.status {
            Status::OnHold => return Err(Refusal::OnHold),
            Status::Placed | Status::Completed => {}
            Status::PendingPayment | Status::Canceled | Status::Expired => {
                return Err(Refusal::NothingReserved);
            }
        }
        if self.pending_capture().is_some() {
            return Err(Refusal::Asked);
        }
        let reserved = self.authorized;
        let step = reserved.currency().stripe_step();
        // All of it, but no more than is due since.
        let due = order.due().amount().clamp(0, reserved.amount());
        let all = Money::new(due.div_euclid(step) * step, reserved.currency());
        let amount = amount.unwrap_or(all);
        if amount.currency() != reserved.currency() {
            return Err(Refusal::OtherCurrency);
        }
        if amount.amount() > reserved.amount() {
            return Err(Refusal::ExceedsReserved { reserved });
        }
        if amount.amount() > due {
            return Err(Refusal::ExceedsDue { due: order.due() });
        }
        if amount.amount() <= 0 || amount.amount().rem_euclid(step) != 0 {
            return Err(Refusal::TooSmall { step: Money::new(step, reserved.currency()) });
        }
        let attempt = self.capture_asked.as_ref().map_or(0, |asked| asked.attempt) + 1;
        let asked = Asked { amount, by, at: now, attempt, failure: None };
        Ok(Self { capture_asked: Some(asked), updated_at: now, ..self.clone() })
    }

    /// What is to be taken and was not yet.
    pub fn pending_capture(&self) -> Option<&Asked> {
        let asked = self.capture_asked.as_ref().filter(|asked| asked.failure.is_none());
        asked.filter(|_| self.status == payment::Status::Authorized)
    }

    /// The key under which the provider is asked: of immutable ids, one for each attempt.
    pub fn capture_key(&self, asked: &Asked) -> String {
        format!("{}:capture:{}", self.id, asked.attempt)
    }

    /// The provider did not do it: it may be asked for again.
    pub fn capture_refused(&self, why: String, now: Timestamp) -> Option<Self> {
        let asked = Asked { failure: Some(why), ..self.pending_capture()?.clone() };
        Some(Self { capture_asked: Some(asked), updated_at: now, ..self.clone() })
    }

    /// What is to be done about reserved money whose time is nearly over.
    pub fn at_deadline(&self, order: &Order, policy: Deadline, now: Timestamp) -> Due {
        let Some(until) = self.capture_before.filter(|_| self.authorized.is_positive()) else {
            return Due::Nothing;
        };
        if let Some(asked) = self.pending_capture() {
            let is_lost = now.duration_since(asked.at) >= SAID_AGAIN_AFTER;
            return if is_lost { Due::SayAgain } else { Due::Nothing };
        }
        let left = until.duration_since(now);
        if left <= ACTS_BEFORE {
            match policy {
                Deadline::Capture => {
                    if let Ok(asked) = self.ask_capture(order, None, Actor::System, now) {
                        return Due::Take(Box::new(asked));
                    }
                }
                Deadline::Void => return Due::LetGo,
                Deadline::Warn => {}
            }
        }
        if left <= WARNED_BEFORE && self.capture_warned_at.is_none() {
            let warned = Self { capture_warned_at: Some(now), updated_at: now, ..self.clone() };
            return Due::Warn(Box::new(warned), until);
        }
        Due::Nothing
    }
}

/// What is to be done about reserved money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// Nothing, or nothing yet.
    Nothing,
    /// Staff are told: the payment as it shall be, and when its time is over.
    Warn(Box<Payment>, Timestamp),
    /// It is taken: the payment as it shall be.
    Take(Box<Payment>),
    /// It is let go.
    LetGo,
    /// It was asked for, and nobody has heard of it: it is said once more.
    SayAgain,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;
    use crate::id::{PaymentId, Ulid};

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + hours * 3600).unwrap()
    }

    fn eur(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    /// An order whose money is reserved for a week, all of it and 1.00 that is not due any more.
    fn reserved() -> (Order, Payment) {
        let mut order = crate::invoice::tests::order(1, "EUR", "inclusive", &[190_000]);
        order.status = Status::Placed;
        let id = PaymentId::from_ulid(Ulid::from_parts(1, 2));
        let all = eur(order.due().amount() + 100);
        let mut payment = Payment::open(id, order.id, all, at(0));
        payment.status = payment::Status::Authorized;
        payment.authorized = all;
        payment.capture_before = Some(at(168));
        (order, payment)
    }

    #[test]
    fn reserved_money_is_asked_for_once_whole_or_in_part_and_never_more_than_is_due() {
        let (order, payment) = reserved();
        let ask = |amount| payment.ask_capture(&order, amount, Actor::System, at(1));
        let all = ask(None).unwrap();
        assert_eq!(all.pending_capture().unwrap().amount, order.due());
        let again = all.ask_capture(&order, None, Actor::System, at(2));
        assert_eq!(again, Err(Refusal::Asked));
        assert_eq!(ask(Some(eur(7))).unwrap().pending_capture().unwrap().amount, eur(7));
        let reserved = payment.authorized;
        let more = eur(reserved.amount() + 1);
        assert_eq!(ask(Some(more)), Err(Refusal::ExceedsReserved { reserved }));
        let more = eur(order.due().amount() + 1);
        assert_eq!(ask(Some(more)), Err(Refusal::ExceedsDue { due: order.due() }));
        let dollars = Money::new(1, Currency::USD);
        assert_eq!(ask(Some(dollars)), Err(Refusal::OtherCurrency));
        let refused = all.capture_refused("charge_expired_for_capture".into(), at(2)).unwrap();
        let third = refused.ask_capture(&order, None, Actor::System, at(3)).unwrap();
        let keys = [&all, &third].map(|one| one.capture_key(one.pending_capture().unwrap()));
        assert_ne!(keys[0], keys[1]);
        let held = Order { status: Status::OnHold, ..order.clone() };
        let asked = payment.ask_capture(&held, None, Actor::System, at(1));
        assert_eq!(asked, Err(Refusal::OnHold));
        let taken = Payment { status: payment::Status::Succeeded, ..payment.clone() };
        let asked = taken.ask_capture(&order, None, Actor::System, at(1));
        assert_eq!(asked.unwrap_err().code(), "nothing_to_capture");
    }

    #[test]
    fn of_what_is_reserved_only_that_counts_of_which_a_part_is_asked_for() {
        use crate::order::PaymentStatus::{Authorized, PartiallyAuthorized};
        let (mut order, payment) = reserved();
        order.captured = eur(0);
        let mut status = |payment: &Payment| {
            order.follow_money(Some(payment), at(1));
            order.payment_status
        };
        assert_eq!(status(&payment), Authorized);
        let ask = |amount| payment.ask_capture(&reserved().0, amount, Actor::System, at(1));
        assert_eq!(status(&ask(None).unwrap()), Authorized, "no more is due");
        let part = ask(Some(eur(7))).unwrap();
        assert_eq!(status(&part), PartiallyAuthorized, "nothing leaves for seven cents");
        let refused = part.capture_refused("declined".into(), at(2)).unwrap();
        assert_eq!(status(&refused), Authorized, "all of it is there again");
    }

    #[test]
    fn before_its_time_is_over_staff_are_told_once_and_the_shop_does_as_it_is_set_to() {
        let (order, payment) = reserved();
        let due = |payment: &Payment, policy, hours| payment.at_deadline(&order, policy, at(hours));
        assert_eq!(due(&payment, Deadline::Capture, 119), Due::Nothing);
        let Due::Warn(warned, until) = due(&payment, Deadline::Capture, 120) else {
            panic!("not told")
        };
        assert_eq!(until, at(168));
        assert_eq!(due(&warned, Deadline::Capture, 155), Due::Nothing);
        assert!(matches!(due(&warned, Deadline::Capture, 156), Due::Take(_)));
        assert_eq!(due(&warned, Deadline::Void, 156), Due::LetGo);
        assert_eq!(due(&warned, Deadline::Warn, 156), Due::Nothing);
        let held = Order { status: Status::OnHold, ..order.clone() };
        assert_eq!(warned.at_deadline(&held, Deadline::Capture, at(156)), Due::Nothing);
        let asked = payment.ask_capture(&order, None, Actor::System, at(156)).unwrap();
        assert_eq!(due(&asked, Deadline::Void, 156), Due::Nothing);
        assert_eq!(due(&asked, Deadline::Void, 157), Due::SayAgain);
    }
}
