//! Fulfillment: what leaves in one parcel, from one location, and where it is.
//!
//! A parcel binds units of an order's lines as soon as it is opened, so that nobody packs them
//! twice; it takes them from the stock when it leaves. Until then they stay reserved, and a parcel
//! that is called off gives nothing back, because it took nothing.
//!
//! Every step is a function from the order and the parcel to both as they shall be. They are
//! written together, under the order's version: two people who ship the same units at once are one
//! who does and one who is told. What is on hold, unpaid or called off does not leave.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::allocation::Allocation;
use crate::carrier::{Label, Tracking};
use crate::catalog::{Kind, Sku};
use crate::event::Fact;
use crate::id::{FulfillmentId, LocationId, OrderId, OrderLineId};
use crate::order::{self, Order, OrderLine, PaymentStatus};
use crate::reservation::State;
use crate::stock::KEY_POOL;

/// Lines of one parcel.
pub const LINES_MAX: usize = 40;
/// Parcels of one order, called-off ones included: they are read with it.
pub const PARCELS_MAX: usize = 100;
/// Places and SKUs of one parcel together: each is a write of the hundred of a transaction.
const WRITES_MAX: usize = 90;
/// Characters of a carrier's name.
pub const CARRIER_CHARS_MAX: usize = 80;
/// Characters of a tracking number.
pub const TRACKING_CHARS_MAX: usize = 100;
/// Characters of an address where a parcel is followed.
pub const URL_CHARS_MAX: usize = 500;

/// Where a parcel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ParcelStatus")]
pub enum Status {
    /// To be packed.
    Open,
    /// Packed, waiting for the carrier.
    Packed,
    /// It left.
    Shipped,
    /// It arrived.
    Delivered,
    /// Called off before it left.
    Canceled,
    /// It left and arrived nowhere.
    Lost,
    /// It left and came back.
    ReturnedToSender,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Packed,
        Self::Shipped,
        Self::Delivered,
        Self::Canceled,
        Self::Lost,
        Self::ReturnedToSender,
    ];

    /// Whether the machine has the edge `self → to`. Who has no time to pack first ships at once.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Open => matches!(to, Self::Packed | Self::Shipped | Self::Canceled),
            Self::Packed => matches!(to, Self::Shipped | Self::Canceled),
            Self::Shipped => matches!(to, Self::Delivered | Self::Lost | Self::ReturnedToSender),
            Self::Delivered | Self::Canceled | Self::Lost | Self::ReturnedToSender => false,
        }
    }

    /// The name in items, queries and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Canceled => "canceled",
            Self::Lost => "lost",
            Self::ReturnedToSender => "returned_to_sender",
        }
    }

    /// Whether its units are bound and have not left.
    pub const fn is_here(self) -> bool {
        matches!(self, Self::Open | Self::Packed)
    }

    /// Whether it left, whatever became of it.
    pub const fn has_left(self) -> bool {
        matches!(self, Self::Shipped | Self::Delivered | Self::Lost | Self::ReturnedToSender)
    }
}

/// Units of one line of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The order's line.
    pub line: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units in the parcel.
    pub quantity: u32,
}

/// Who carries a parcel, and how it is followed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Carriage {
    /// The carrier's name, as the buyer knows it.
    #[serde(default)]
    pub carrier: Option<String>,
    /// What the carrier calls the parcel.
    #[serde(default)]
    pub tracking_number: Option<String>,
    /// Where the buyer can follow it.
    #[serde(default)]
    pub tracking_url: Option<String>,
}

/// What is bought, or was, to stick on a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postage {
    /// The carriers' name of the parcel: written down before the label is bought, so that whoever
    /// asks again buys the same one.
    pub parcel: String,
    /// Their name of what is bought for it.
    pub rate: String,
    /// The version of the parcel that this was chosen for. Whoever has seen that one has seen all
    /// but the choice.
    #[serde(default)]
    pub chosen_over: u64,
    /// The label, once it is bought.
    #[serde(default)]
    pub label: Option<Label>,
}

/// What a carrier said last of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// Where it is.
    pub status: Tracking,
    /// When the carrier saw it there; when the parcel was opened, where no scan says.
    pub at: Timestamp,
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfillment {
    /// Its id.
    pub id: FulfillmentId,
    /// Whose it is.
    pub order: OrderId,
    /// What people call that order.
    pub order_number: String,
    /// Where it leaves from.
    pub location: LocationId,
    /// Where it stands.
    pub status: Status,
    /// What is in it, each line once.
    pub lines: Vec<Line>,
    /// Who carries it; known when it leaves, or with its label.
    #[serde(default)]
    pub carriage: Carriage,
    /// Its label.
    #[serde(default)]
    pub postage: Option<Postage>,
    /// What the carrier said last.
    #[serde(default)]
    pub tracked: Option<Tracked>,
    /// Where its units lay; known once it has left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Allocation>,
    /// Rises with every write.
    pub version: u64,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was packed.
    pub packed_at: Option<Timestamp>,
    /// When it left.
    pub shipped_at: Option<Timestamp>,
    /// When it arrived.
    pub delivered_at: Option<Timestamp>,
    /// When it was called off, lost, or came back.
    pub ended_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Why a parcel stays as it is, or is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// The order is not placed, or somebody looks at it.
    OrderNotPlaced {
        /// Where it stands.
        status: order::Status,
    },
    /// The order's money is not there, or went back.
    NotPaid {
        /// How far it is paid.
        status: PaymentStatus,
    },
    /// There is nothing in it.
    Empty,
    /// One line stands in it twice: the position.
    Twice(usize),
    /// The order has no such line: the position.
    UnknownLine(usize),
    /// What is downloaded is in no parcel: the position.
    Digital(usize),
    /// More than is left of a line.
    TooMany {
        /// The order's line.
        line: OrderLineId,
        /// Units that are in no parcel and were not called off.
        left: u32,
    },
    /// Its units lie at several locations, or none was named that has them.
    ChooseLocation {
        /// Locations that hold units of the order.
        locations: Vec<LocationId>,
    },
    /// The order holds fewer units at that location.
    NotHere {
        /// Of what.
        sku: Sku,
        /// Units that it holds there and that are in no other parcel.
        held: u32,
    },
    /// Too many places for one parcel.
    TooScattered,
    /// The order has too many parcels.
    TooManyParcels,
    /// It has a label, or one is being bought for it: that is given back first.
    HasLabel,
    /// It has no label.
    NoLabel,
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::OrderNotPlaced { .. } => "order_not_placed",
            Self::NotPaid { .. } => "order_not_paid",
            Self::Empty => "fulfillment_empty",
            Self::Twice(_) => "duplicate_line",
            Self::UnknownLine(_) => "unknown_line",
            Self::Digital(_) => "line_is_digital",
            Self::TooMany { .. } => "too_many_units",
            Self::ChooseLocation { .. } => "location_required",
            Self::NotHere { .. } => "not_at_location",
            Self::TooScattered => "parcel_too_scattered",
            Self::TooManyParcels => "too_many_parcels",
            Self::HasLabel => "label_exists",
            Self::NoLabel => "no_label",
        }
    }
}

/// An order and one of its parcels, as they shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The order.
    pub order: Order,
    /// The parcel.
    pub parcel: Fulfillment,
    /// What leaves the stock with this step, and where from.
    pub leaving: Vec<Allocation>,
}

impl Step {
    /// The next event about the order: where its parcel stands now.
    pub fn say(&mut self) -> Fact {
        self.order.events += 1;
        let (order_id, fulfillment_id) = (self.order.id, self.parcel.id);
        Fact::FulfillmentMoved { order_id, fulfillment_id, status: self.parcel.status }
    }
}

/// Units of a line that are bought, not called off, and have not left.
pub const fn unshipped(line: &OrderLine) -> u32 {
    match line.kind {
        Kind::Physical => {
            line.quantity.saturating_sub(line.canceled).saturating_sub(line.fulfilled)
        }
        Kind::Digital => 0,
    }
}

/// Units of a line that are in parcels which have not left.
pub fn bound(line: OrderLineId, parcels: &[Fulfillment]) -> u32 {
    let here = parcels.iter().filter(|parcel| parcel.status.is_here());
    let lines = here.flat_map(|parcel| &parcel.lines).filter(|one| one.line == line);
    lines.fold(0, |sum, one| sum.saturating_add(one.quantity))
}

/// Whether an order has units that have not left and may leave.
pub fn is_due(order: &Order) -> bool {
    may_leave(order).is_ok() && order.lines.iter().any(|line| unshipped(line) > 0)
}

/// Nothing unpaid, on hold or called off leaves. Reserved money is enough: who reserves takes it
/// when the goods leave, and what lapses holds the order.
fn may_leave(order: &Order) -> Result<(), Refusal> {
    if order.status != order::Status::Placed {
        return Err(Refusal::OrderNotPlaced { status: order.status });
    }
    match order.payment_status {
        PaymentStatus::NotRequired
        | PaymentStatus::Paid
        | PaymentStatus::Overpaid
        // Reserved money is there: it is taken when the parcel has left, or by its deadline.
        | PaymentStatus::Authorized
        | PaymentStatus::PartiallyRefunded => Ok(()),
        PaymentStatus::Unpaid
        | PaymentStatus::Voided
        | PaymentStatus::PartiallyAuthorized
        | PaymentStatus::Refunded
        | PaymentStatus::PartiallyPaid => Err(Refusal::NotPaid { status: order.payment_status }),
    }
}

/// Units of each SKU, equal ones summed.
fn units(lines: &[Line]) -> BTreeMap<&Sku, u32> {
    let mut units: BTreeMap<&Sku, u32> = BTreeMap::new();
    for Line { sku, quantity, .. } in lines {
        let sum = units.entry(sku).or_default();
        *sum = sum.saturating_add(*quantity);
    }
    units
}

/// Opens a parcel with units of an order that are in none of its `others`. Without a location it
/// leaves from the one that holds all of it, if only one does.
pub fn open(
    order: &Order,
    others: &[Fulfillment],
    id: FulfillmentId,
    location: Option<LocationId>,
    wanted: &[(OrderLineId, u32)],
    now: Timestamp,
) -> Result<Step, Refusal> {
    may_leave(order)?;
    if others.len() >= PARCELS_MAX {
        return Err(Refusal::TooManyParcels);
    }
    let lines = chosen(order, others, wanted)?;
    let location = leaves_from(order, others, location, &lines)?;
    let places = order.allocations().iter().filter(|one| one.place.location == location).count();
    if places + lines.len() > WRITES_MAX {
        return Err(Refusal::TooScattered);
    }
    let parcel = Fulfillment {
        id,
        order: order.id,
        order_number: order.number.clone(),
        location,
        status: Status::Open,
        lines,
        carriage: Carriage::default(),
        postage: None,
        tracked: None,
        taken: Vec::new(),
        version: 0,
        created_at: now,
        packed_at: None,
        shipped_at: None,
        delivered_at: None,
        ended_at: None,
        updated_at: now,
    };
    let mut order = order.clone();
    order.updated_at = now;
    Ok(Step { order, parcel, leaving: Vec::new() })
}

fn chosen(
    order: &Order,
    others: &[Fulfillment],
    wanted: &[(OrderLineId, u32)],
) -> Result<Vec<Line>, Refusal> {
    if wanted.is_empty() {
        return Err(Refusal::Empty);
    }
    let mut seen = BTreeSet::new();
    let mut lines = Vec::with_capacity(wanted.len());
    for (at, (id, quantity)) in wanted.iter().enumerate() {
        if !seen.insert(*id) {
            return Err(Refusal::Twice(at));
        }
        let line = order.lines.iter().find(|line| line.id == *id);
        let line = line.ok_or(Refusal::UnknownLine(at))?;
        if line.kind != Kind::Physical {
            return Err(Refusal::Digital(at));
        }
        let left = unshipped(line).saturating_sub(bound(*id, others));
        if *quantity > left {
            return Err(Refusal::TooMany { line: *id, left });
        }
        if *quantity > 0 {
            lines.push(Line { line: *id, sku: line.sku.clone(), quantity: *quantity });
        }
    }
    if lines.is_empty() { Err(Refusal::Empty) } else { Ok(lines) }
}

/// The location that a parcel leaves from: the one that was named, or the only one that can.
fn leaves_from(
    order: &Order,
    others: &[Fulfillment],
    named: Option<LocationId>,
    lines: &[Line],
) -> Result<LocationId, Refusal> {
    let held: Vec<Allocation> = order
        .allocations()
        .into_iter()
        .filter(|one| one.place.location != KEY_POOL && one.quantity > 0)
        .collect();
    let free = |location: LocationId, sku: &Sku| -> u32 {
        let stock = held.iter().filter(|o| o.place.location == location && o.place.sku == *sku);
        let stock = stock.fold(0_u32, |sum, one| sum.saturating_add(one.quantity));
        let here = others.iter().filter(|o| o.status.is_here() && o.location == location);
        let lines = here.flat_map(|other| &other.lines).filter(|line| line.sku == *sku);
        stock.saturating_sub(lines.fold(0_u32, |sum, line| sum.saturating_add(line.quantity)))
    };
    let wanted = units(lines);
    let lacks = |location: LocationId| {
        let short = |(sku, units): (&&Sku, &u32)| {
            let held = free(location, sku);
            (held < *units).then(|| Refusal::NotHere { sku: (*sku).clone(), held })
        };
        wanted.iter().find_map(short)
    };
    if let Some(location) = named {
        return lacks(location).map_or(Ok(location), Err);
    }
    let all: BTreeSet<LocationId> = held.iter().map(|one| one.place.location).collect();
    let mut able = all.iter().filter(|location| lacks(**location).is_none());
    match (able.next(), able.next()) {
        (Some(only), None) => Ok(*only),
        _ => Err(Refusal::ChooseLocation { locations: all.into_iter().collect() }),
    }
}

impl Fulfillment {
    fn become_(mut self, to: Status, now: Timestamp) -> Result<Self, Refusal> {
        if !self.status.may_become(to) {
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        self.status = to;
        self.updated_at = now;
        Ok(self)
    }

    fn step(self, order: &Order, now: Timestamp) -> Step {
        let mut order = order.clone();
        order.updated_at = now;
        Step { order, parcel: self, leaving: Vec::new() }
    }

    /// It is packed.
    pub fn pack(self, order: &Order, now: Timestamp) -> Result<Step, Refusal> {
        let mut parcel = self.become_(Status::Packed, now)?;
        may_leave(order)?;
        parcel.packed_at = Some(now);
        Ok(parcel.step(order, now))
    }

    /// It leaves: its units leave the stock, and the order's reservation. What is not said of its
    /// carriage is what its label says. Where the carrier has told already that it arrived, it has.
    pub fn ship(self, order: &Order, carriage: Carriage, now: Timestamp) -> Result<Step, Refusal> {
        let mut parcel = self.become_(Status::Shipped, now)?;
        may_leave(order)?;
        let mut order = order.clone();
        for one in &parcel.lines {
            let line = order.lines.iter().find(|line| line.id == one.line);
            let left = line.map_or(0, unshipped);
            if one.quantity > left {
                // Called off since it was packed.
                return Err(Refusal::TooMany { line: one.line, left });
            }
        }
        // Before the lines count what left: the places of old orders follow from their lines.
        let leaving = take(&mut order, &parcel)?;
        for one in &parcel.lines {
            for line in order.lines.iter_mut().filter(|line| line.id == one.line) {
                line.fulfilled = line.fulfilled.saturating_add(one.quantity);
            }
        }
        parcel.carriage = Carriage {
            carrier: carriage.carrier.or(parcel.carriage.carrier),
            tracking_number: carriage.tracking_number.or(parcel.carriage.tracking_number),
            tracking_url: carriage.tracking_url.or(parcel.carriage.tracking_url),
        };
        parcel.taken.clone_from(&leaving);
        parcel.shipped_at = Some(now);
        order.follow_lines(now);
        let step = Step { order, parcel, leaving };
        let told = step.parcel.tracked.as_ref().map(|tracked| tracked.status);
        match told.and_then(end_of) {
            Some(end) => step.end(end, now),
            None => Ok(step),
        }
    }

    /// It arrived.
    pub fn deliver(self, order: &Order, now: Timestamp) -> Result<Step, Refusal> {
        self.step(order, now).end(Status::Delivered, now)
    }

    /// It is called off before it left. Its units stay reserved and can be packed again.
    pub fn cancel(self, order: &Order, now: Timestamp) -> Result<Step, Refusal> {
        // A label whose purchase nobody heard the end of may be there, too.
        if self.postage.is_some() && self.status.is_here() {
            return Err(Refusal::HasLabel);
        }
        let mut parcel = self.become_(Status::Canceled, now)?;
        parcel.ended_at = Some(now);
        Ok(parcel.step(order, now))
    }

    /// It left and arrived nowhere, or came back: `to` says which. Its units went out all the same;
    /// what the buyer gets instead is another decision.
    pub fn fail(self, order: &Order, to: Status, now: Timestamp) -> Result<Step, Refusal> {
        self.step(order, now).end(to, now)
    }

    /// A label is bought for it: that says who carries it, unless somebody says otherwise.
    pub fn buy(mut self, order: &Order, label: Label, now: Timestamp) -> Result<Step, Refusal> {
        self.may_be_labelled()?;
        self.carriage.carrier = Some(label.service.carrier.clone());
        self.carriage.tracking_number = Some(label.tracking_code.clone());
        let parcel = label.parcel.clone();
        let chosen = self.postage.take();
        let chosen_over = chosen.as_ref().map_or(self.version, |postage| postage.chosen_over);
        let rate = chosen.map(|postage| postage.rate).unwrap_or_default();
        self.postage = Some(Postage { parcel, rate, chosen_over, label: Some(label) });
        self.updated_at = now;
        Ok(self.step(order, now))
    }

    /// Whether a label may be bought for it: it has none and has not left.
    pub fn may_be_labelled(&self) -> Result<(), Refusal> {
        if !self.status.is_here() {
            return Err(Refusal::InvalidTransition { from: self.status, to: self.status });
        }
        if self.label().is_some() { Err(Refusal::HasLabel) } else { Ok(()) }
    }

    /// It is written down what will be bought for it.
    pub fn choose(
        mut self,
        order: &Order,
        (parcel, rate): (String, String),
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        self.may_be_labelled()?;
        may_leave(order)?;
        self.postage = Some(Postage { parcel, rate, chosen_over: self.version, label: None });
        self.updated_at = now;
        Ok(self.step(order, now))
    }

    /// What was chosen for it and is not bought yet, as far as anybody knows.
    pub fn choice(&self) -> Option<&Postage> {
        self.postage.as_ref().filter(|postage| postage.label.is_none())
    }

    /// The version that nothing but such a choice has followed; its own where there is none. Who
    /// asks again for the label that they never heard of asks with that one.
    pub fn version_before_choice(&self) -> u64 {
        let chosen_over = self.choice().map(|postage| postage.chosen_over);
        chosen_over.filter(|over| over + 1 == self.version).unwrap_or(self.version)
    }

    /// What was chosen for it is not sold: nothing is chosen any more.
    #[must_use]
    pub fn forget_choice(mut self, order: &Order, now: Timestamp) -> Step {
        if self.label().is_none() {
            self.postage = None;
        }
        self.updated_at = now;
        self.step(order, now)
    }

    /// Its label is given back, or what was chosen and never bought; what it said of the carriage
    /// is forgotten.
    pub fn give_label_back(mut self, order: &Order, now: Timestamp) -> Result<Step, Refusal> {
        if self.postage.is_none() {
            return Err(Refusal::NoLabel);
        }
        if !self.status.is_here() {
            return Err(Refusal::InvalidTransition { from: self.status, to: self.status });
        }
        self.postage = None;
        self.carriage = Carriage::default();
        self.tracked = None;
        self.updated_at = now;
        Ok(self.step(order, now))
    }

    /// Its label.
    pub fn label(&self) -> Option<&Label> {
        self.postage.as_ref()?.label.as_ref()
    }

    /// What a carrier reports of it: a report that is older than what is known says nothing. None
    /// where nothing changes.
    pub fn hear(mut self, order: &Order, heard: Tracked, now: Timestamp) -> Option<Step> {
        let is_news = self.tracked.as_ref().is_none_or(|known| {
            known.at < heard.at || (known.at == heard.at && known.status != heard.status)
        });
        // What is over stays over: a scan that comes late does not put it on its way again.
        let is_over = self.tracked.as_ref().is_some_and(|known| end_of(known.status).is_some());
        if !is_news || (is_over && end_of(heard.status).is_none()) {
            return None;
        }
        let end = end_of(heard.status).filter(|end| self.status.may_become(*end));
        self.tracked = Some(heard);
        self.updated_at = now;
        let step = self.step(order, now);
        match end {
            Some(end) => step.end(end, now).ok(),
            None => Some(step),
        }
    }
}

impl Step {
    fn end(self, to: Status, now: Timestamp) -> Result<Self, Refusal> {
        let Self { mut order, parcel, leaving } = self;
        let mut parcel = parcel.become_(to, now)?;
        if to == Status::Delivered {
            parcel.delivered_at = Some(now);
            for one in &parcel.lines {
                for line in order.lines.iter_mut().filter(|line| line.id == one.line) {
                    let delivered = line.delivered.saturating_add(one.quantity);
                    line.delivered = delivered.min(line.fulfilled);
                }
            }
            order.follow_lines(now);
        } else {
            parcel.ended_at = Some(now);
        }
        Ok(Self { order, parcel, leaving })
    }
}

/// The end that a carrier's word means; what failed is left to a person.
const fn end_of(status: Tracking) -> Option<Status> {
    match status {
        Tracking::Delivered => Some(Status::Delivered),
        Tracking::ReturnToSender => Some(Status::ReturnedToSender),
        Tracking::PreTransit
        | Tracking::InTransit
        | Tracking::OutForDelivery
        | Tracking::AvailableForPickup
        | Tracking::Failed
        | Tracking::Canceled
        | Tracking::Unknown => None,
    }
}

/// Takes a parcel's units out of the order's reservation: of its location, from the places as they
/// stand there.
fn take(order: &mut Order, parcel: &Fulfillment) -> Result<Vec<Allocation>, Refusal> {
    let mut held = order.allocations();
    let mut leaving = Vec::new();
    for (sku, wanted) in units(&parcel.lines) {
        let mut left = wanted;
        for one in &mut held {
            if one.place.location != parcel.location || one.place.sku != *sku || left == 0 {
                continue;
            }
            let quantity = one.quantity.min(left);
            one.quantity -= quantity;
            left -= quantity;
            leaving.push(Allocation { place: one.place.clone(), quantity });
        }
        if left > 0 {
            return Err(Refusal::NotHere { sku: sku.clone(), held: wanted - left });
        }
    }
    leaving.retain(|one| one.quantity > 0);
    held.retain(|one| one.quantity > 0);
    if held.is_empty() && order.reservation.state == State::Committed {
        order.reservation.state = State::Consumed;
    }
    order.reservation.allocations = held;
    Ok(leaving)
}

#[cfg(test)]
mod tests;
