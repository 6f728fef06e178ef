//! Units of a line that are called off before they leave, while the rest of the order goes on.
//!
//! What a parcel holds is not called off: the parcel is, first. What the units cost is what their
//! line says that they cost, with the promotions and the tax of the day on which they were bought:
//! their share of it, by largest remainder. What of that was paid goes back by a refund like any
//! other; what was not paid yet is not due any more. The units go back to where they were held,
//! from the places that hold the fewest first, so that perhaps one parcel less is needed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::allocation::Allocation;
use crate::audit::Actor;
use crate::catalog::{Kind, Sku};
use crate::fulfillment::{Fulfillment, bound};
use crate::id::{LocationId, OrderLineId, RefundId};
use crate::money::Money;
use crate::order::{Order, OrderLine, Status};
use crate::payment::Payment;
use crate::refund::{self, Changed, Exchanged, Fresh, Origin, Part, REFUNDS_MAX, share};
use crate::reservation::State;

/// How often units of one order may be called off: the order tells of each time.
pub const CANCELLATIONS_MAX: usize = 100;

/// What is not due any more because units were called off, in minor units of the order's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledOff {
    /// What nobody had paid yet.
    pub unpaid: i64,
    /// What had been taken from the card, and is to go back to it.
    pub taken: i64,
}

impl CalledOff {
    /// Both.
    pub const fn sum(self) -> i64 {
        self.unpaid + self.taken
    }
}

/// Units of a line that were called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// The order's line.
    pub line: OrderLineId,
    /// How many.
    pub quantity: u32,
    /// What they cost.
    pub amount: Money,
}

/// Units that were called off together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// Which.
    pub units: Vec<Units>,
    /// What they cost.
    pub amount: Money,
    /// The refund of what of it had been paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    /// Why, as staff said it.
    pub reason: Option<String>,
    /// Who called them off.
    pub by: Actor,
    /// By which edit of the order, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<u32>,
    /// When.
    pub at: Timestamp,
}

/// What units are called off for that an edit of the order takes off.
#[derive(Debug, Clone)]
pub(crate) struct Editing {
    /// Which edit.
    pub(crate) number: u32,
    /// Whether other goods are added: then nothing of the order has to be left.
    pub(crate) adds: bool,
    /// What of their worth pays for those.
    pub(crate) credit: Option<Exchanged>,
}

/// What units are worth that an edit would take off, in minor units of the order's currency.
#[derive(Debug, Clone, Default)]
pub(crate) struct Worth {
    /// Which units, with what they cost.
    pub(crate) units: Vec<Units>,
    /// What goes back for them: to gift cards and by the provider.
    pub(crate) back: i64,
    /// What of that may pay for other goods instead.
    pub(crate) exchangeable: i64,
}

impl Worth {
    /// What they cost.
    pub(crate) fn cost(&self) -> i64 {
        self.units.iter().map(|one| one.amount.amount()).sum()
    }
}

/// Why units are not called off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The order is not placed, or it is over.
    NotPlaced {
        /// Where it stands.
        status: Status,
    },
    /// The order has no such line: the position.
    UnknownLine(usize),
    /// A line stands there twice: the position.
    LineTwice(usize),
    /// Fewer units of a line have neither left nor been called off.
    TooMany {
        /// The order's line.
        line: OrderLineId,
        /// How many.
        left: u32,
    },
    /// They are in a parcel: that is called off first.
    InParcel {
        /// The order's line.
        line: OrderLineId,
        /// Units of it that are in no parcel.
        free: u32,
    },
    /// Nothing of the order would be left: call the order off.
    EntireOrder,
    /// Its money is being taken: then it goes back.
    CaptureUnderway,
    /// Money of it is with a bank or on its way back, and without that too little is left for the
    /// units: what becomes of it is waited for.
    MoneyUndecided,
    /// Units of it were called off as often as may be.
    TooOften,
    /// Its money can not go back.
    Refund(refund::Refusal),
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPlaced { .. } => "order_not_placed",
            Self::UnknownLine(_) => "line_not_found",
            Self::LineTwice(_) => "duplicate_line",
            Self::TooMany { .. } => "quantity_not_cancelable",
            Self::InParcel { .. } => "units_in_parcel",
            Self::EntireOrder => "entire_order",
            Self::CaptureUnderway => "capture_underway",
            Self::MoneyUndecided => "money_undecided",
            Self::TooOften => "too_many_cancellations",
            Self::Refund(refusal) => refusal.code(),
        }
    }
}

/// An order after units were called off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Off {
    /// No money goes back.
    WithoutMoney(Box<Order>),
    /// Money goes back.
    WithMoney(Box<Changed>),
}

impl Off {
    /// The order as it shall be.
    pub const fn order(&self) -> &Order {
        match self {
            Self::WithoutMoney(order) => order,
            Self::WithMoney(changed) => &changed.order,
        }
    }

    /// The order as it shall be, for what is said of it.
    pub const fn order_mut(&mut self) -> &mut Order {
        match self {
            Self::WithoutMoney(order) => order,
            Self::WithMoney(changed) => &mut changed.order,
        }
    }
}

/// Units of a line that have neither left nor been called off.
const fn left(line: &OrderLine) -> u32 {
    line.quantity.saturating_sub(line.canceled).saturating_sub(line.fulfilled)
}

impl Order {
    /// Calls units off that are in no parcel: the order with its counters moved and fewer units
    /// held, and the refund of what of them had been paid. `refunds` is how many it has.
    pub fn cancel_units(
        &self,
        parcels: &[Fulfillment],
        (payment, refunds): (Option<&Payment>, usize),
        wanted: &[(OrderLineId, u32)],
        fresh: Fresh,
    ) -> Result<Off, Refusal> {
        let (order, parts) = self.without(parcels, payment, wanted, (None, &fresh))?;
        order.back((payment, refunds), &parts, None, fresh)
    }

    /// Calls units off that an edit takes off; what of their worth pays for other goods stays.
    pub(crate) fn cancel_units_for(
        &self,
        parcels: &[Fulfillment],
        (payment, refunds): (Option<&Payment>, usize),
        wanted: &[(OrderLineId, u32)],
        editing: Editing,
        fresh: Fresh,
    ) -> Result<Off, Refusal> {
        let (order, parts) = self.without(parcels, payment, wanted, (Some(&editing), &fresh))?;
        order.back((payment, refunds), &parts, editing.credit, fresh)
    }

    /// What units are worth that an edit would take off.
    pub(crate) fn worth_of_units(
        &self,
        parcels: &[Fulfillment],
        payment: Option<&Payment>,
        wanted: &[(OrderLineId, u32)],
        (editing, fresh): (&Editing, &Fresh),
    ) -> Result<Worth, Refusal> {
        let (order, parts) = self.without(parcels, payment, wanted, (Some(editing), fresh))?;
        let back: i64 = parts.iter().map(|part| part.amount().amount()).sum();
        // What is too little for the provider to move is promised, and pays for nothing.
        let exchangeable = match order.plan_parts(parts) {
            Ok(plan) => back - plan.tenders.iter().map(|one| one.amount.amount()).sum::<i64>(),
            Err(_) => 0,
        };
        let units = order.cancellations.into_iter().next_back().map(|one| one.units);
        Ok(Worth { units: units.unwrap_or_default(), back, exchangeable })
    }

    /// The order without these units, and for which parts of it something goes back.
    fn without(
        &self,
        parcels: &[Fulfillment],
        payment: Option<&Payment>,
        wanted: &[(OrderLineId, u32)],
        (editing, fresh): (Option<&Editing>, &Fresh),
    ) -> Result<(Self, Vec<Part>), Refusal> {
        match self.status {
            Status::Placed | Status::OnHold => {}
            status @ (Status::PendingPayment
            | Status::Completed
            | Status::Canceled
            | Status::Expired) => return Err(Refusal::NotPlaced { status }),
        }
        if self.cancellations.len() >= CANCELLATIONS_MAX {
            return Err(Refusal::TooOften);
        }
        if payment.is_some_and(|payment| payment.pending_capture().is_some()) {
            return Err(Refusal::CaptureUnderway);
        }
        self.may_go(parcels, wanted)?;
        let mut order = self.clone();
        let (units, parts) = order.take_off(wanted)?;
        let is_all = |line: &OrderLine| line.canceled >= line.quantity;
        let may_be_empty = editing.is_some_and(|editing| editing.adds);
        if !may_be_empty && order.lines.iter().all(is_all) {
            return Err(Refusal::EntireOrder);
        }
        order.let_go(parcels, &units);
        order.follow_lines(fresh.now);
        let amount = units.iter().map(|one| one.amount.amount()).sum();
        order.cancellations.push(Cancellation {
            units,
            amount: Money::new(amount, order.currency),
            refund: None,
            reason: fresh.reason.clone(),
            by: fresh.by,
            edit: editing.map(|editing| editing.number),
            at: fresh.now,
        });
        Ok((order, parts))
    }

    /// Whether so many units of these lines are here and in no parcel.
    fn may_go(
        &self,
        parcels: &[Fulfillment],
        wanted: &[(OrderLineId, u32)],
    ) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        for (at, (id, quantity)) in wanted.iter().enumerate() {
            let line = self.lines.iter().find(|line| line.id == *id);
            let line = line.ok_or(Refusal::UnknownLine(at))?;
            if !seen.insert(*id) {
                return Err(Refusal::LineTwice(at));
            }
            let left = left(line);
            if *quantity > left {
                return Err(Refusal::TooMany { line: *id, left });
            }
            let free = left.saturating_sub(bound(*id, parcels));
            if *quantity > free {
                return Err(Refusal::InParcel { line: *id, free });
            }
        }
        Ok(())
    }

    /// Takes units off their lines: what they cost, and what of it goes back. Of money that was not
    /// taken yet nothing goes back, and no more than is left of what was. What a bank may still
    /// send back is not given up for it.
    fn take_off(
        &mut self,
        wanted: &[(OrderLineId, u32)],
    ) -> Result<(Vec<Units>, Vec<Part>), Refusal> {
        let is_undecided = self.refunds.disputed + self.refunds.pending > 0;
        let mut unpaid = (self.due().amount() - self.captured.amount()).max(0);
        let mut there = self.refundable().max(0) + self.tender_refundable();
        let (mut units, mut parts) = (Vec::new(), Vec::new());
        for (id, quantity) in wanted {
            let Some(line) = self.lines.iter_mut().find(|line| line.id == *id) else { continue };
            // The money of some of them may have gone back before.
            let open = (*quantity).min(line.refundable_units());
            let cost = share(line.refundable_amount(), line.refundable_units(), open);
            let not_due = cost.min(unpaid).max(0);
            let back = (cost - not_due).min(there).max(0);
            if is_undecided && back < cost - not_due {
                return Err(Refusal::MoneyUndecided);
            }
            unpaid -= not_due;
            there -= back;
            line.canceled += *quantity;
            line.waived.amount += cost - back;
            if back > 0 {
                let amount = Money::new(back, self.currency);
                parts.push(Part::Line { line: *id, quantity: open, amount });
            } else {
                line.waived.units += open;
            }
            self.called_off.unpaid += not_due;
            let amount = Money::new(cost, self.currency);
            units.push(Units { line: *id, quantity: *quantity, amount });
        }
        Ok((units, parts))
    }

    /// Asks for what goes back, if anything does. What pays for other goods stays, and is due for
    /// this order as it was.
    fn back(
        mut self,
        (payment, refunds): (Option<&Payment>, usize),
        parts: &[Part],
        credit: Option<Exchanged>,
        fresh: Fresh,
    ) -> Result<Off, Refusal> {
        let sum: i64 = parts.iter().map(|part| part.amount().amount()).sum();
        if sum == 0 {
            self.follow_money(payment, fresh.now);
            return Ok(Off::WithoutMoney(Box::new(self)));
        }
        let stays = credit.as_ref().map_or(0, |credit| credit.amount.amount());
        self.called_off.taken += sum - sum.min(self.tender_refundable()) - stays;
        if refunds >= REFUNDS_MAX {
            return Err(Refusal::Refund(refund::Refusal::TooMany));
        }
        let plan = match self.plan_parts(parts.to_vec()) {
            Ok(plan) => plan,
            // Less than the provider can move: the next refund gives it.
            Err(refund::Refusal::TooSmall { .. }) if credit.is_none() => {
                self.promise(parts, sum);
                self.follow_money(payment, fresh.now);
                return Ok(Off::WithoutMoney(Box::new(self)));
            }
            Err(refusal) => return Err(Refusal::Refund(refusal)),
        };
        if let Some(last) = self.cancellations.last_mut() {
            last.refund = Some(fresh.id);
        }
        let changed = match credit {
            Some(credit) => {
                self.give_exchanged(payment, plan, (Origin::Cancellation, credit), fresh)
            }
            None => self.give_planned(payment, plan, Origin::Cancellation, fresh),
        };
        Ok(Off::WithMoney(Box::new(changed)))
    }

    /// Lets units go that are not needed any more, from places whose units are in no parcel: from
    /// those with the fewest first.
    fn let_go(&mut self, parcels: &[Fulfillment], units: &[Units]) {
        // Of an order of the days of one location, what is held follows from its lines.
        if !self.reservation.allocations.is_empty() {
            let named = |one: &Units| self.lines.iter().find(|line| line.id == one.line);
            let skus: BTreeSet<Sku> =
                units.iter().filter_map(named).map(|line| line.sku.clone()).collect();
            for sku in &skus {
                self.let_go_of(sku, parcels);
            }
        }
        let is_shipped = |line: &OrderLine| line.kind == Kind::Physical && line.fulfilled > 0;
        if self.reservation.state == State::Committed && self.allocations().is_empty() {
            let has_left = self.lines.iter().any(is_shipped);
            self.reservation.state = if has_left { State::Consumed } else { State::Released };
        }
    }

    fn let_go_of(&mut self, sku: &Sku, parcels: &[Fulfillment]) {
        let of = |line: &&OrderLine| line.sku == *sku;
        let needed: u32 = self.lines.iter().filter(of).map(left).sum();
        let mut held: Vec<Allocation> = std::mem::take(&mut self.reservation.allocations);
        let here = |one: &&Allocation| one.place.sku == *sku;
        let all: u32 = held.iter().filter(here).map(|one| one.quantity).sum();
        // Keys that are owed are held nowhere: then fewer go back, or none.
        let mut excess = all.saturating_sub(needed);
        let mut free: BTreeMap<LocationId, u32> = BTreeMap::new();
        for one in held.iter().filter(here) {
            *free.entry(one.place.location).or_default() += one.quantity;
        }
        for (location, units) in &mut free {
            let parcels = parcels
                .iter()
                .filter(|parcel| parcel.status.is_here() && parcel.location == *location);
            let lines = parcels.flat_map(|parcel| &parcel.lines).filter(|line| line.sku == *sku);
            *units = units.saturating_sub(lines.map(|line| line.quantity).sum());
        }
        let mut order: Vec<usize> = (0..held.len()).collect();
        order.sort_by_key(|at| held.get(*at).map(|one| (one.quantity, one.place.clone())));
        for at in order {
            let Some(one) = held.get_mut(at).filter(|one| one.place.sku == *sku) else { continue };
            let Some(free) = free.get_mut(&one.place.location) else { continue };
            let less = one.quantity.min(excess).min(*free);
            one.quantity -= less;
            excess -= less;
            *free -= less;
        }
        held.retain(|one| one.quantity > 0);
        self.reservation.allocations = held;
    }
}

#[cfg(test)]
pub(crate) mod tests;
