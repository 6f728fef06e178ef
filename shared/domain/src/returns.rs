//! Returns: what a buyer wants to send back, whether they may, what came, and what becomes of it.
//!
//! A return binds units of an order's lines from the day on which it is asked for, so that nobody
//! asks for them twice; it lets them go when it comes to nothing, or when they did not come. A unit
//! comes back once: whatever was asked for, approved and received in whatever order, no line has
//! more units back than went out.
//!
//! Every step is a function from the order and its returns to both as they shall be. They are
//! written together, under the order's version: two who ask for the last unit at once are one who
//! does and one who is told. What the buyer gets for it is a refund like any other, behind the same
//! condition.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::audit::Actor;
use crate::catalog::{Kind, Sku};
use crate::event::Fact;
use crate::fulfillment::{self, Carriage, Fulfillment};
use crate::id::{LocationId, OrderId, OrderLineId, RefundId, ReturnId};
use crate::money::Money;
use crate::order::{self, Order, OrderLine};
use crate::refund;
use crate::reservation::State;

pub mod exchange;

pub use exchange::Replacement;

/// Lines of one return.
pub const LINES_MAX: usize = 40;
/// Returns of one order, those that came to nothing included: they are read with it.
pub const RETURNS_MAX: usize = 50;
/// Units of one line, at most.
pub const UNITS_MAX: u32 = 100_000;
/// Results of one look at what came: each writes two rows at most, of the hundred of a transaction.
pub const RESULTS_MAX: usize = 40;
/// Characters of what a buyer says about a line, and of a reason.
pub const NOTE_CHARS_MAX: usize = 500;
/// Characters of what a buyer is told to do.
pub const INSTRUCTIONS_CHARS_MAX: usize = 1_000;
/// Characters of an address where a label is.
pub const URL_CHARS_MAX: usize = 500;
/// How long goods may be on their way whose return was approved. Who sends nothing until then has
/// kept them, and the order can come to its end.
pub const SENT_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Where a return stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReturnStage")]
pub enum Status {
    /// Somebody asks whether they may.
    Requested,
    /// They may.
    Approved,
    /// It is on its way, as the buyer says.
    InTransit,
    /// A part of it came and was looked at.
    PartiallyReceived,
    /// All of it was looked at, or is known not to come.
    Received,
    /// The buyer got what they get for it.
    Resolved,
    /// They may not.
    Rejected,
    /// Called off before anything came.
    Canceled,
    /// Nothing was sent in time.
    Expired,
}

impl Status {
    /// Every status, for the printed matrix.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::Approved,
        Self::InTransit,
        Self::PartiallyReceived,
        Self::Received,
        Self::Resolved,
        Self::Rejected,
        Self::Canceled,
        Self::Expired,
    ];

    /// Whether the machine has the edge `self → to`. Not every buyer says that they have sent it:
    /// what was approved may simply come.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Requested => {
                matches!(to, Self::Approved | Self::Rejected | Self::Canceled | Self::Expired)
            }
            Self::Approved => matches!(
                to,
                Self::InTransit
                    | Self::PartiallyReceived
                    | Self::Received
                    | Self::Canceled
                    | Self::Expired
            ),
            Self::InTransit => matches!(to, Self::PartiallyReceived | Self::Received),
            Self::PartiallyReceived => matches!(to, Self::Received),
            Self::Received => matches!(to, Self::Resolved),
            Self::Resolved | Self::Rejected | Self::Canceled | Self::Expired => false,
        }
    }

    /// The name in items, queries and answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::InTransit => "in_transit",
            Self::PartiallyReceived => "partially_received",
            Self::Received => "received",
            Self::Resolved => "resolved",
            Self::Rejected => "rejected",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// Whether somebody has something to do about it.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Requested
            | Self::Approved
            | Self::InTransit
            | Self::PartiallyReceived
            | Self::Received => true,
            Self::Resolved | Self::Rejected | Self::Canceled | Self::Expired => false,
        }
    }

    /// Whether it came to nothing: its units are free to be asked for again.
    const fn is_void(self) -> bool {
        match self {
            Self::Rejected | Self::Canceled | Self::Expired => true,
            Self::Requested
            | Self::Approved
            | Self::InTransit
            | Self::PartiallyReceived
            | Self::Received
            | Self::Resolved => false,
        }
    }
}

/// How far the goods of an order came back: a function of its returns and its lines' counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnStatus {
    /// Nothing came back, and nobody asks.
    #[default]
    None,
    /// Somebody asks whether they may, and waits for an answer.
    Requested,
    /// Something may come, is on its way, or has come and is not settled.
    InProgress,
    /// A part of what went out came back.
    PartiallyReturned,
    /// All that went out came back.
    Returned,
}

impl ReturnStatus {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Requested, Self::InProgress, Self::PartiallyReturned, Self::Returned];

    /// The name in documents and queries.
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requested => "requested",
            Self::InProgress => "in_progress",
            Self::PartiallyReturned => "partially_returned",
            Self::Returned => "returned",
        }
    }

    /// Whether somebody has something to do about a return.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Requested | Self::InProgress => true,
            Self::None | Self::PartiallyReturned | Self::Returned => false,
        }
    }

    /// What an order's returns mean, together with what its lines say of them.
    pub fn of(lines: &[OrderLine], returns: &[Return]) -> Self {
        if returns.iter().any(|one| one.status == Status::Requested) {
            return Self::Requested;
        }
        if returns.iter().any(|one| one.status.is_open()) {
            return Self::InProgress;
        }
        let physical = || lines.iter().filter(|line| line.kind == Kind::Physical);
        let back: u64 = physical().map(|line| u64::from(line.returned)).sum();
        let out: u64 = physical().map(|line| u64::from(line.fulfilled)).sum();
        match back {
            0 => Self::None,
            back if back >= out => Self::Returned,
            _ => Self::PartiallyReturned,
        }
    }
}

/// Why somebody sends a line back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReturnReason")]
pub enum Reason {
    /// It is too small, too large, or does not suit.
    DoesNotFit,
    /// It is not what the shop said of it.
    NotAsDescribed,
    /// It came damaged.
    Damaged,
    /// It does not work.
    Defective,
    /// Something else came.
    WrongItem,
    /// It came too late.
    ArrivedLate,
    /// It is not wanted any more.
    ChangedMind,
    /// None of these; the note says more.
    Other,
}

impl Reason {
    /// Every reason, by its name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("does_not_fit", Self::DoesNotFit),
        ("not_as_described", Self::NotAsDescribed),
        ("damaged", Self::Damaged),
        ("defective", Self::Defective),
        ("wrong_item", Self::WrongItem),
        ("arrived_late", Self::ArrivedLate),
        ("changed_mind", Self::ChangedMind),
        ("other", Self::Other),
    ];
}

/// What was found when units were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReturnReception")]
pub enum Reception {
    /// They came as they went.
    Received,
    /// They came, and not as they went.
    Damaged,
    /// Something else came: these units are still out.
    WrongItem,
    /// They did not come.
    Short,
}

impl Reception {
    /// Every one, by its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("received", Self::Received),
        ("damaged", Self::Damaged),
        ("wrong_item", Self::WrongItem),
        ("short", Self::Short),
    ];

    /// Whether the units are here.
    pub const fn came(self) -> bool {
        match self {
            Self::Received | Self::Damaged => true,
            Self::WrongItem | Self::Short => false,
        }
    }
}

/// What becomes of units that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ReturnDisposition")]
pub enum Disposition {
    /// They are for sale again, where they came to.
    Restock,
    /// They are thrown away.
    WriteOff,
}

impl Disposition {
    /// Every one, by its name.
    pub const ALL: [(&'static str, Self); 2] =
        [("restock", Self::Restock), ("write_off", Self::WriteOff)];
}

/// A look at units of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// What was found.
    pub reception: Reception,
    /// What becomes of them, where they came.
    pub disposition: Option<Disposition>,
    /// How many.
    pub quantity: u32,
    /// Where they came to, or were awaited.
    pub location: LocationId,
    /// Who looked.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Units of one line that come back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The order's line.
    pub line: OrderLineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units that were asked for.
    pub quantity: u32,
    /// Why.
    pub reason: Reason,
    /// What was said about it.
    #[serde(default)]
    pub note: Option<String>,
    /// What was found, look by look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inspected: Vec<Inspection>,
}

/// People write of themselves.
impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Item({} × {}, {:?})", self.quantity, self.line, self.inspected)
    }
}

impl Item {
    fn sum(&self, which: impl Fn(&Inspection) -> bool) -> u32 {
        let found = self.inspected.iter().filter(|one| which(one));
        found.fold(0, |sum, one| sum.saturating_add(one.quantity))
    }

    /// Units that nobody has looked at yet.
    pub fn awaiting(&self) -> u32 {
        self.quantity.saturating_sub(self.sum(|_| true))
    }

    /// Units that are here, damaged ones too.
    pub fn came_back(&self) -> u32 {
        self.sum(|one| one.reception.came())
    }

    /// Units found so.
    pub fn found(&self, reception: Reception) -> u32 {
        self.sum(|one| one.reception == reception)
    }
}

/// What a buyer is told when they may send it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What to do.
    pub instructions: Option<String>,
    /// Where the label is to be had.
    pub label_url: Option<String>,
    /// Where it goes to.
    pub address: Option<Address>,
    /// Who approved it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Somebody's words, and perhaps somebody's address.
impl std::fmt::Debug for Approval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Approval({:?}, {})", self.by, self.at)
    }
}

/// What the buyer got for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Resolution {
    /// Their money, the way it came.
    Refund {
        /// Which refund.
        refund: RefundId,
        /// How much.
        amount: Money,
    },
    /// Store credit instead of money.
    StoreCredit {
        /// The refund that says so.
        refund: RefundId,
        /// How much.
        amount: Money,
    },
    /// Other goods instead, in an order of their own.
    Exchange {
        /// The refund of what came back: its rest goes back.
        refund: RefundId,
        /// What goes back, because the replacement costs less.
        amount: Money,
        /// The order of the replacement.
        order: OrderId,
        /// What people call it.
        number: String,
        /// What of the worth of what came back pays for it.
        credit: Money,
        /// What is left to be paid.
        due: Money,
    },
    /// Nothing.
    None {
        /// Why.
        reason: String,
    },
}

/// A return.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// Its id.
    pub id: ReturnId,
    /// Of which order.
    pub order: OrderId,
    /// What people call that order.
    pub order_number: String,
    /// Where it stands.
    pub status: Status,
    /// What comes back, each line once.
    pub items: Vec<Item>,
    /// Who asked for it.
    pub by: Actor,
    /// What the buyer would like instead; nothing where they would like their money.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wish: Vec<Replacement>,
    /// What the buyer was told.
    #[serde(default)]
    pub approval: Option<Approval>,
    /// Why it was rejected.
    #[serde(default)]
    pub rejection: Option<String>,
    /// Who carries it, as the buyer says.
    #[serde(default)]
    pub carriage: Carriage,
    /// What the buyer got.
    #[serde(default)]
    pub resolution: Option<Resolution>,
    /// Rises with every write.
    pub version: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Until when it is awaited, once it was approved.
    pub expires_at: Option<Timestamp>,
    /// When the buyer sent it.
    pub sent_at: Option<Timestamp>,
    /// When the last of it was looked at.
    pub received_at: Option<Timestamp>,
    /// When the buyer got what they got.
    pub resolved_at: Option<Timestamp>,
    /// When it came to nothing.
    pub ended_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// People write of themselves.
impl std::fmt::Debug for Return {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Return({}, {:?}, {:?})", self.id, self.status, self.items)
    }
}

/// Units of a line that somebody wants to send back.
#[derive(Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which.
    pub line: OrderLineId,
    /// How many.
    pub quantity: u32,
    /// Why.
    pub reason: Reason,
    /// What they say about it.
    pub note: Option<String>,
}

/// People write of themselves.
impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wanted({} × {})", self.quantity, self.line)
    }
}

/// Who asks, and what holds for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The buyer, within so many days.
    Buyer {
        /// Days after the delivery.
        days: u16,
    },
    /// Staff, who know better.
    Staff,
}

/// What only the outside can give to a new return.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// Its id.
    pub id: ReturnId,
    /// Who asks for it.
    pub by: Actor,
    /// When.
    pub now: Timestamp,
}

/// What was found of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The order's line.
    pub line: OrderLineId,
    /// Units.
    pub quantity: u32,
    /// What was found.
    pub reception: Reception,
    /// What becomes of them.
    pub disposition: Option<Disposition>,
}

/// Units that came to a location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// How many.
    pub quantity: u32,
    /// What becomes of them.
    pub disposition: Disposition,
}

/// Why a return stays as it is, or is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The machine has no such edge.
    InvalidTransition {
        /// Where it stands.
        from: Status,
        /// Where it was to go.
        to: Status,
    },
    /// The order was not placed, or came to nothing.
    OrderNotPlaced {
        /// Where it stands.
        status: order::Status,
    },
    /// Nothing is named.
    Empty,
    /// One line is named twice: the position.
    Twice(usize),
    /// The order, or the return, has no such line: the position.
    UnknownLine(usize),
    /// What is downloaded does not come back: the position.
    Digital(usize),
    /// Fewer units of a line went out and were not asked for yet.
    TooManyUnits {
        /// Which.
        line: OrderLineId,
        /// How many are left.
        left: u32,
    },
    /// The time in which a line may come back is over.
    WindowOver {
        /// Which.
        line: OrderLineId,
        /// When it was over.
        until: Timestamp,
    },
    /// The order has too many returns.
    TooMany,
    /// Fewer units of a line are awaited.
    NotAwaited {
        /// Which.
        line: OrderLineId,
        /// How many are.
        awaiting: u32,
    },
    /// What becomes of units that came has to be said: the position.
    DispositionMissing(usize),
    /// Nothing becomes of units that did not come: the position.
    NothingCame(usize),
    /// Fewer units of a line came back.
    NotBack {
        /// Which.
        line: OrderLineId,
        /// How many did.
        came_back: u32,
    },
    /// It is still awaited.
    NotOver {
        /// Until when.
        until: Timestamp,
    },
}

impl Refusal {
    /// The name clients match on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidTransition { .. } => "invalid_transition",
            Self::OrderNotPlaced { .. } => "order_not_placed",
            Self::Empty => "return_empty",
            Self::Twice(_) => "duplicate_line",
            Self::UnknownLine(_) => "unknown_line",
            Self::Digital(_) => "line_is_digital",
            Self::TooManyUnits { .. } => "quantity_not_returnable",
            Self::WindowOver { .. } => "return_window_over",
            Self::TooMany => "too_many_returns",
            Self::NotAwaited { .. } => "quantity_not_awaited",
            Self::DispositionMissing(_) => "disposition_required",
            Self::NothingCame(_) => "disposition_not_allowed",
            Self::NotBack { .. } => "quantity_not_returned",
            Self::NotOver { .. } => "return_still_awaited",
        }
    }
}

/// An order and one of its returns, as they shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The order.
    pub order: Order,
    /// The return.
    pub returned: Return,
    /// What came with this step, and where to.
    pub arrivals: Vec<Arrival>,
    /// Whether the order was completed, and is open again.
    pub reopens: bool,
}

impl Step {
    /// It, with what the buyer would like instead of what comes back.
    #[must_use]
    pub fn wishing(mut self, wish: Vec<Replacement>) -> Self {
        self.returned.wish = wish;
        self
    }

    /// The next event about the order: where its return stands now.
    pub fn say(&mut self) -> Fact {
        self.order.events += 1;
        let (order_id, return_id) = (self.order.id, self.returned.id);
        Fact::ReturnMoved { order_id, return_id, status: self.returned.status }
    }
}

/// Units of a line that are bound: asked for and not looked at, or here.
fn claimed(line: OrderLineId, returns: &[Return]) -> u32 {
    let alive = returns.iter().filter(|one| !one.status.is_void());
    let items = alive.flat_map(|one| &one.items).filter(|item| item.line == line);
    items.fold(0, |sum, item| sum.saturating_add(item.awaiting()).saturating_add(item.came_back()))
}

/// Units of a line that went out and did not arrive: lost, or with the shop again.
fn astray(line: OrderLineId, parcels: &[Fulfillment]) -> u32 {
    let is_astray = |parcel: &&Fulfillment| match parcel.status {
        fulfillment::Status::Lost | fulfillment::Status::ReturnedToSender => true,
        fulfillment::Status::Open
        | fulfillment::Status::Packed
        | fulfillment::Status::Shipped
        | fulfillment::Status::Delivered
        | fulfillment::Status::Canceled => false,
    };
    let lines = parcels.iter().filter(is_astray).flat_map(|parcel| &parcel.lines);
    let lines = lines.filter(|one| one.line == line);
    lines.fold(0, |sum, one| sum.saturating_add(one.quantity))
}

/// Units of a line that may still be asked for: by the buyer those that they have, by staff all
/// that went out.
pub fn returnable(
    line: &OrderLine,
    parcels: &[Fulfillment],
    returns: &[Return],
    asker: Asker,
) -> u32 {
    let out = match (line.kind, asker) {
        (Kind::Digital, _) => 0,
        (Kind::Physical, Asker::Buyer { .. }) => {
            line.fulfilled.saturating_sub(astray(line.id, parcels))
        }
        (Kind::Physical, Asker::Staff) => line.fulfilled,
    };
    out.saturating_sub(claimed(line.id, returns))
}

/// Until when a line may come back: so many days after the last parcel with it arrived, or left
/// where nobody heard that it arrived.
pub fn window_end(
    order: &Order,
    line: OrderLineId,
    parcels: &[Fulfillment],
    days: u16,
) -> Timestamp {
    let with_it = parcels.iter().filter(|one| one.lines.iter().any(|of| of.line == line));
    let came = with_it.filter_map(|parcel| parcel.delivered_at.or(parcel.shipped_at)).max();
    let from = came.or(order.placed_at).unwrap_or(order.created_at);
    let span = SignedDuration::from_hours(24 * i64::from(days));
    from.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// Asks whether units may come back.
pub fn request(
    order: &Order,
    parcels: &[Fulfillment],
    returns: &[Return],
    wanted: &[Wanted],
    asker: Asker,
    fresh: Fresh,
) -> Result<Step, Refusal> {
    match order.status {
        order::Status::Placed | order::Status::OnHold | order::Status::Completed => {}
        status @ (order::Status::PendingPayment
        | order::Status::Canceled
        | order::Status::Expired) => return Err(Refusal::OrderNotPlaced { status }),
    }
    if returns.len() >= RETURNS_MAX {
        return Err(Refusal::TooMany);
    }
    let Fresh { id, by, now } = fresh;
    let items = chosen(order, (parcels, returns), wanted, asker, now)?;
    let returned = Return {
        id,
        order: order.id,
        order_number: order.number.clone(),
        status: Status::Requested,
        items,
        by,
        wish: Vec::new(),
        approval: None,
        rejection: None,
        carriage: Carriage::default(),
        resolution: None,
        version: 0,
        created_at: now,
        expires_at: None,
        sent_at: None,
        received_at: None,
        resolved_at: None,
        ended_at: None,
        updated_at: now,
    };
    Ok(returned.step(order, returns, now))
}

fn chosen(
    order: &Order,
    (parcels, returns): (&[Fulfillment], &[Return]),
    wanted: &[Wanted],
    asker: Asker,
    now: Timestamp,
) -> Result<Vec<Item>, Refusal> {
    if wanted.is_empty() {
        return Err(Refusal::Empty);
    }
    let mut seen = BTreeSet::new();
    let mut items = Vec::with_capacity(wanted.len());
    for (at, Wanted { line: id, quantity, reason, note }) in wanted.iter().enumerate() {
        if !seen.insert(*id) {
            return Err(Refusal::Twice(at));
        }
        let line = order.lines.iter().find(|line| line.id == *id);
        let line = line.ok_or(Refusal::UnknownLine(at))?;
        if line.kind == Kind::Digital {
            return Err(Refusal::Digital(at));
        }
        let left = returnable(line, parcels, returns, asker);
        if *quantity > left || *quantity == 0 {
            return Err(Refusal::TooManyUnits { line: *id, left });
        }
        if let Asker::Buyer { days } = asker {
            let until = window_end(order, *id, parcels, days);
            if now > until {
                return Err(Refusal::WindowOver { line: *id, until });
            }
        }
        items.push(Item {
            line: *id,
            sku: line.sku.clone(),
            quantity: *quantity,
            reason: *reason,
            note: note.clone(),
            inspected: Vec::new(),
        });
    }
    Ok(items)
}

impl Return {
    fn become_(mut self, to: Status, now: Timestamp) -> Result<Self, Refusal> {
        if !self.status.may_become(to) {
            return Err(Refusal::InvalidTransition { from: self.status, to });
        }
        self.status = to;
        self.updated_at = now;
        Ok(self)
    }

    /// It, with the order that follows from all returns as they shall be.
    fn step(self, order: &Order, returns: &[Self], now: Timestamp) -> Step {
        let mut order = order.clone();
        let others = returns.iter().filter(|one| one.id != self.id);
        let all: Vec<Self> = others.chain([&self]).cloned().collect();
        let was = order.status;
        order.follow_returns(&all, now);
        let reopens = was != order.status;
        Step { order, returned: self, arrivals: Vec::new(), reopens }
    }

    /// The buyer may send it, until [`SENT_WITHIN`] is over.
    pub fn approve(
        self,
        order: &Order,
        returns: &[Self],
        approval: Approval,
    ) -> Result<Step, Refusal> {
        let now = approval.at;
        let mut returned = self.become_(Status::Approved, now)?;
        returned.expires_at = now.checked_add(SENT_WITHIN).ok();
        returned.approval = Some(approval);
        Ok(returned.step(order, returns, now))
    }

    /// The buyer may not send it.
    pub fn reject(
        self,
        order: &Order,
        returns: &[Self],
        reason: String,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        let mut returned = self.become_(Status::Rejected, now)?;
        returned.rejection = Some(reason);
        returned.ended_at = Some(now);
        Ok(returned.step(order, returns, now))
    }

    /// It is called off before anything is on its way.
    pub fn cancel(self, order: &Order, returns: &[Self], now: Timestamp) -> Result<Step, Refusal> {
        let mut returned = self.become_(Status::Canceled, now)?;
        returned.ended_at = Some(now);
        Ok(returned.step(order, returns, now))
    }

    /// Nothing was sent in time.
    pub fn expire(self, order: &Order, returns: &[Self], now: Timestamp) -> Result<Step, Refusal> {
        let (from, to) = (self.status, Status::Expired);
        // What nobody has looked at does not end by itself: it is the shop that is late.
        let until = self.expires_at.ok_or(Refusal::InvalidTransition { from, to })?;
        if until > now {
            return Err(Refusal::NotOver { until });
        }
        let mut returned = self.become_(to, now)?;
        returned.ended_at = Some(now);
        Ok(returned.step(order, returns, now))
    }

    /// The buyer has sent it.
    pub fn send(
        self,
        order: &Order,
        returns: &[Self],
        carriage: Carriage,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        let mut returned = self.become_(Status::InTransit, now)?;
        returned.carriage = carriage;
        returned.sent_at = Some(now);
        Ok(returned.step(order, returns, now))
    }

    /// Somebody looked at what came, or knows that it does not come.
    pub fn receive(
        mut self,
        order: &Order,
        returns: &[Self],
        (location, found): (LocationId, &[Found]),
        by: Actor,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        // What may not be received is refused for that, not for its lines.
        self.may_be_received()?;
        if found.is_empty() {
            return Err(Refusal::Empty);
        }
        let mut arrivals = Vec::new();
        for (at, Found { line, quantity, reception, disposition }) in found.iter().enumerate() {
            let item = self.items.iter_mut().find(|item| item.line == *line);
            let item = item.ok_or(Refusal::UnknownLine(at))?;
            let awaiting = item.awaiting();
            if *quantity > awaiting || *quantity == 0 {
                return Err(Refusal::NotAwaited { line: *line, awaiting });
            }
            match (reception.came(), disposition) {
                (true, Some(disposition)) => arrivals.push(Arrival {
                    sku: item.sku.clone(),
                    location,
                    quantity: *quantity,
                    disposition: *disposition,
                }),
                (true, None) => return Err(Refusal::DispositionMissing(at)),
                (false, Some(_)) => return Err(Refusal::NothingCame(at)),
                (false, None) => {}
            }
            item.inspected.push(Inspection {
                reception: *reception,
                disposition: *disposition,
                quantity: *quantity,
                location,
                by,
                at: now,
            });
        }
        let is_all = self.items.iter().all(|item| item.awaiting() == 0);
        let to = if is_all { Status::Received } else { Status::PartiallyReceived };
        let mut returned = if self.status == to { self } else { self.become_(to, now)? };
        returned.updated_at = now;
        returned.received_at = is_all.then_some(now);
        Ok(Step { arrivals, ..returned.step(order, returns, now) })
    }

    fn may_be_received(&self) -> Result<(), Refusal> {
        let (from, to) = (self.status, Status::Received);
        if from.may_become(to) { Ok(()) } else { Err(Refusal::InvalidTransition { from, to }) }
    }

    /// What is to be refunded for it: units of the lines that are named, or all that came back;
    /// and of the shipping as much as is said.
    pub fn refund(
        &self,
        named: Option<&[(OrderLineId, u32)]>,
        shipping: Option<Money>,
    ) -> Result<refund::Wanted, Refusal> {
        let (from, to) = (self.status, Status::Resolved);
        if !from.may_become(to) {
            return Err(Refusal::InvalidTransition { from, to });
        }
        let lines = match named {
            None => {
                let back = self.items.iter().map(|item| (item.line, item.came_back()));
                back.filter(|(_, units)| *units > 0).collect()
            }
            Some(named) => {
                for (at, (line, quantity)) in named.iter().enumerate() {
                    let item = self.items.iter().find(|item| item.line == *line);
                    let came_back = item.ok_or(Refusal::UnknownLine(at))?.came_back();
                    if *quantity > came_back {
                        return Err(Refusal::NotBack { line: *line, came_back });
                    }
                }
                named.to_vec()
            }
        };
        Ok(refund::Wanted { lines, shipping, amount: None, goodwill: None })
    }

    /// The buyer has got what they get for it. The order is as the refund has left it.
    pub fn resolve(
        self,
        order: &Order,
        returns: &[Self],
        resolution: Resolution,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        let mut returned = self.become_(Status::Resolved, now)?;
        returned.resolution = Some(resolution);
        returned.resolved_at = Some(now);
        Ok(returned.step(order, returns, now))
    }
}

impl Order {
    /// Reads off all its returns what came back of each line, and how far it came back as a whole.
    /// An order that was completed is open again while somebody wants to return something.
    fn follow_returns(&mut self, returns: &[Return], now: Timestamp) {
        for line in &mut self.lines {
            let items = returns.iter().flat_map(|one| &one.items);
            let items = items.filter(|item| item.line == line.id);
            line.returned = items.fold(0, |sum, item| sum.saturating_add(item.came_back()));
        }
        self.return_status = ReturnStatus::of(&self.lines, returns);
        if self.status == order::Status::Completed && returns.iter().any(|one| one.status.is_open())
        {
            self.status = order::Status::Placed;
            self.reopened_at = Some(now);
        }
        let is_all_back = self.return_status == ReturnStatus::Returned;
        if is_all_back && self.reservation.state == State::Consumed {
            let looks = returns.iter().flat_map(|one| &one.items).flat_map(|item| &item.inspected);
            let is_sold_again =
                looks.into_iter().any(|look| look.disposition == Some(Disposition::Restock));
            self.reservation.state =
                if is_sold_again { State::Restocked } else { State::WrittenOff };
        }
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests;
