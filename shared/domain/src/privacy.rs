//! What a customer may ask of the shop about themselves: all that it knows of them, and that it
//! forgets them.
//!
//! A request is written down and worked on afterwards, by whoever comes next: whatever happens
//! meanwhile, it is gone on with until it is done. One customer has one open request of a kind;
//! asking again finds it.
//!
//! Forgetting takes the identity at once: account, address book, sessions. Orders stay, because the
//! law wants books kept, but without whoever bought: under a pseudonym that leads to nobody. An
//! order that is still under way needs its address; what is forgotten waits for its end.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::address::{Address, Email, PersonName};
use crate::audit::Actor;
use crate::dispute;
use crate::gift_card::StoreCredit;
use crate::id::{CustomerId, OrderId, PrivacyRequestId};
use crate::order::{Order, OrderLine, Status};

/// How long a customer waits before they are sent all that is known of them once more.
pub const EXPORT_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// How long the link to an export is good.
pub const EXPORT_LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(72);
/// How long an erasure waits before it looks again whether an order has ended.
pub const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// How long after the closing of an account it goes on: longer than a session that was ended is
/// believed anywhere, and longer than an index is behind.
pub const SETTLES: SignedDuration = SignedDuration::from_mins(2);
/// The longest wait after a try that failed.
const WAIT_MAX_MINUTES: i64 = 60;
/// Orders that are named as being in the way.
pub const NAMED_MAX: usize = 10;
/// Characters that a trace has at least: shorter ones stand in words that are not theirs.
const TRACE_CHARS_MIN: usize = 5;
/// What stands where something personal stood.
pub const ERASED: &str = "erased";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PrivacyRequestKind")]
pub enum Kind {
    /// All that is known.
    Export,
    /// To be forgotten.
    Erasure,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Export, Self::Erasure];

    /// The name in keys.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Erasure => "erasure",
        }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PrivacyRequestState")]
pub enum State {
    /// Somebody is at it, or will be.
    Open,
    /// It is done.
    Done,
}

/// A request of a customer, or of the staff for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: PrivacyRequestId,
    /// What is asked for.
    pub kind: Kind,
    /// About whom.
    pub customer: CustomerId,
    /// Who asked.
    pub asked_by: Actor,
    /// Where it stands.
    pub state: State,
    /// Whether the account is closed: nothing new comes to what is to be forgotten.
    #[serde(default)]
    pub is_closed: bool,
    /// Where the last letter goes. It is known from the moment that the account is closed until
    /// the request is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// What its holder was called, just as long: found beside an order, it is blotted out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// Orders that it waits for, the newest first; some of them where there are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<OrderId>,
    /// Tries in a row that failed.
    #[serde(default)]
    pub tries: u32,
    /// When it is looked at next.
    pub due_at: Timestamp,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<Timestamp>,
    /// Rises with every write.
    pub version: u64,
}

/// Why nothing is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Orders are under way: they need their address.
    OrdersUnderWay(Vec<OrderId>),
    /// There is store credit, which nobody could spend any more.
    CreditLeft,
    /// An export was made a moment ago.
    ExportedAlready,
}

impl Refusal {
    /// The stable code of this refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OrdersUnderWay(_) => "orders_under_way",
            Self::CreditLeft => "store_credit_left",
            Self::ExportedAlready => "exported_already",
        }
    }
}

impl Request {
    /// A new one.
    pub fn new(
        (id, kind): (PrivacyRequestId, Kind),
        customer: CustomerId,
        asked_by: Actor,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            kind,
            customer,
            asked_by,
            state: State::Open,
            is_closed: false,
            email: None,
            name: None,
            waits_for: Vec::new(),
            tries: 0,
            due_at: now,
            created_at: now,
            done_at: None,
            version: 1,
        }
    }

    fn step(&self) -> Self {
        Self { version: self.version.saturating_add(1), tries: 0, ..self.clone() }
    }

    /// The account is closed, if there was one; the rest follows once nobody who was believed to
    /// be signed in can order any more.
    #[must_use]
    pub fn closed(&self, account: Option<&Account>, now: Timestamp) -> Self {
        let (email, name) =
            account.map(|account| (account.email.clone(), account.name.clone())).unzip();
        let due_at = match account {
            Some(_) => now.saturating_add(SETTLES).unwrap_or(now),
            None => now,
        };
        Self { is_closed: true, email, name, due_at, ..self.step() }
    }

    /// It waits for the end of these orders.
    #[must_use]
    pub fn wait(&self, mut orders: Vec<OrderId>, now: Timestamp) -> Self {
        orders.truncate(NAMED_MAX);
        let due_at = now.saturating_add(LOOK_AGAIN).unwrap_or(now);
        Self { waits_for: orders, due_at, ..self.step() }
    }

    /// A try failed: the next one is a little later each time.
    #[must_use]
    pub fn failed(&self, now: Timestamp) -> Self {
        let tries = self.tries.saturating_add(1);
        let minutes =
            1_i64.checked_shl(tries.min(6)).unwrap_or(WAIT_MAX_MINUTES).min(WAIT_MAX_MINUTES);
        let due_at = now.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(now);
        Self { tries, due_at, ..self.step() }.with_tries(tries)
    }

    fn with_tries(self, tries: u32) -> Self {
        Self { tries, ..self }
    }

    /// It is done: nothing of the customer is left in it.
    #[must_use]
    pub fn done(&self, now: Timestamp) -> Self {
        let (email, name, waits_for) = (None, None, Vec::new());
        Self { state: State::Done, email, name, waits_for, done_at: Some(now), ..self.step() }
    }

    /// Whether another one of its kind may follow it; none where it is still worked on.
    ///
    /// # Errors
    ///
    /// Refused where an export was made a moment ago.
    pub fn may_be_followed(&self, now: Timestamp) -> Result<bool, Refusal> {
        match (self.state, self.kind) {
            (State::Open, _) => Ok(false),
            (State::Done, Kind::Export) if now.duration_since(self.created_at) < EXPORT_EVERY => {
                Err(Refusal::ExportedAlready)
            }
            (State::Done, Kind::Erasure | Kind::Export) => Ok(true),
        }
    }
}

/// Whether an order still needs its buyer: something of it is to be sent or paid, or money is on
/// its way back.
pub fn is_under_way(order: &Order) -> bool {
    let is_sent = |line: &OrderLine| line.fulfilled >= line.quantity.saturating_sub(line.canceled);
    let is_going_on = match order.status {
        Status::PendingPayment | Status::OnHold => true,
        Status::Placed => !order.lines.iter().all(is_sent),
        Status::Completed | Status::Canceled | Status::Expired => false,
    };
    let is_disputed = order.dispute_status.is_some_and(dispute::Status::is_open);
    is_going_on || is_disputed || order.refunds.pending > 0 || order.return_status.is_open()
}

/// Whether a customer may be forgotten now.
///
/// # Errors
///
/// Refused while orders are under way, and where store credit would be lost that nobody has given
/// up.
pub fn may_be_forgotten(
    orders: &[Order],
    credits: &[StoreCredit],
    gives_up_credit: bool,
) -> Result<(), Refusal> {
    let under_way = orders.iter().filter(|order| is_under_way(order)).map(|order| order.id);
    let under_way: Vec<OrderId> = under_way.take(NAMED_MAX).collect();
    if !under_way.is_empty() {
        return Err(Refusal::OrdersUnderWay(under_way));
    }
    if !gives_up_credit && credits.iter().any(|credit| credit.balance.amount() > 0) {
        return Err(Refusal::CreditLeft);
    }
    Ok(())
}

/// The order without whoever bought: who, where, and what opens it. What was bought, for how much
/// and in which country it was taxed stays.
#[must_use]
pub fn forget(order: &Order, now: Timestamp) -> Order {
    let mut order = order.clone();
    order.email = Email::erased(order.id.ulid());
    order.shipping_address = order.shipping_address.as_ref().map(Address::erased);
    order.billing_address = order.billing_address.as_ref().map(Address::erased);
    order.vat_id = None;
    order.access.clear();
    order.cart_access = None;
    order.buyer = None;
    if let Some(hold) = &mut order.hold {
        ERASED.clone_into(&mut hold.reason);
    }
    for reason in order.cancellations.iter_mut().filter_map(|one| one.reason.as_mut()) {
        ERASED.clone_into(reason);
    }
    order.updated_at = now;
    order
}

/// Whether that was done.
pub fn is_forgotten(order: &Order) -> bool {
    order.email.is_erased()
}

/// What somebody is recognised by: mail addresses, names, streets. Found in documents that are
/// kept, they are blotted out.
#[derive(Clone, Default)]
pub struct Traces(Vec<String>);

/// They are personal.
impl std::fmt::Debug for Traces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Traces({})", self.0.len())
    }
}

impl Traces {
    /// Those of an order.
    pub fn of_order(order: &Order) -> Self {
        let mut traces = Self::default();
        traces.email(&order.email);
        let addresses = order.shipping_address.iter().chain(&order.billing_address);
        addresses.for_each(|address| traces.address(address));
        traces
    }

    /// Adds a name.
    pub fn name(&mut self, name: &PersonName) {
        self.add(name.as_str());
    }

    /// Adds those of an address.
    pub fn address(&mut self, address: &Address) {
        self.add(address.name.as_str());
        self.add(&address.line1);
        address.line2.iter().for_each(|line| self.add(line));
    }

    /// Adds a mail address.
    pub fn email(&mut self, email: &Email) {
        if !email.is_erased() {
            self.add(&email.key());
        }
    }

    /// Adds a text, if it can not be a word of ours: words of ours have neither spaces nor an @.
    fn add(&mut self, text: &str) {
        let text = text.to_lowercase();
        let is_theirs = text.contains(char::is_whitespace) || text.contains('@');
        if is_theirs && text.chars().count() >= TRACE_CHARS_MIN && !self.0.contains(&text) {
            self.0.push(text);
        }
    }

    /// What is left of a text; none where there is no trace in it. A text with a trace goes as a
    /// whole: what stands beside a name is about the same person.
    pub fn blotted(&self, text: &str, of: OrderId) -> Option<String> {
        let lower = text.to_lowercase();
        if !self.0.iter().any(|trace| lower.contains(trace.as_str())) {
            return None;
        }
        // A mail address has to stay one, for whoever reads the document.
        let is_address = Email::parse(text).is_ok();
        let pseudonym = || Email::erased(of.ulid()).as_str().to_owned();
        Some(if is_address { pseudonym() } else { ERASED.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::AddressForm;
    use crate::currency::Currency;
    use crate::id::Ulid;
    use crate::money::Money;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn order_id() -> OrderId {
        OrderId::from_ulid(Ulid::from_parts(1, 7))
    }

    fn request(kind: Kind) -> Request {
        let id = PrivacyRequestId::from_ulid(Ulid::from_parts(1, 1));
        let customer = CustomerId::from_ulid(Ulid::from_parts(1, 2));
        Request::new((id, kind), customer, Actor::Customer(customer), at(0))
    }

    fn order() -> Order {
        let address = AddressForm {
            name: "Jane Roe".into(),
            line1: "1 Long Street".into(),
            line2: Some("c/o Joe".into()),
            city: "Berlin".into(),
            region: None,
            postal_code: "10115".into(),
            country: "DE".into(),
        };
        let address = Address::parse(&address).unwrap();
        let mut order = crate::invoice::tests::order(2, "EUR", "inclusive", &[190_000]);
        order.shipping_address = Some(address.clone());
        order.billing_address = Some(address);
        order.email = Email::parse("Jane@example.org").unwrap();
        order.access = vec!["hash".into()];
        order
    }

    #[test]
    fn what_is_forgotten_of_an_order_is_who_and_not_what() {
        let before = order();
        let after = forget(&before, at(9));
        assert!(is_forgotten(&after) && !is_forgotten(&before));
        let told = serde_json::to_string(&after).unwrap().to_lowercase();
        for personal in ["jane", "roe", "street", "10115", "berlin", "c/o", "hash"] {
            assert!(!told.contains(personal), "{personal}: {told}");
        }
        assert_eq!((after.lines, after.totals), (before.lines, before.totals));
        assert_eq!(after.shipping_address.unwrap().country.code(), "DE");
    }

    #[test]
    fn a_forgotten_order_is_still_an_order() {
        let twice = forget(&forget(&order(), at(9)), at(9));
        let text = serde_json::to_string(&twice).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), twice);
    }

    #[test]
    fn an_order_is_under_way_until_all_is_sent_and_all_money_is_back() {
        let mut order = order();
        order.status = Status::Placed;
        order.lines.iter_mut().for_each(|line| line.fulfilled = 0);
        assert!(is_under_way(&order));
        order.lines.iter_mut().for_each(|line| line.fulfilled = line.quantity - line.canceled);
        assert!(!is_under_way(&order));
        order.refunds.pending = 1;
        assert!(is_under_way(&order));
        order.refunds.pending = 0;
        order.dispute_status = Some(dispute::Status::UnderReview);
        assert!(is_under_way(&order));
        order.dispute_status = Some(dispute::Status::Won);
        for (status, goes_on) in [
            (Status::PendingPayment, true),
            (Status::OnHold, true),
            (Status::Completed, false),
            (Status::Canceled, false),
            (Status::Expired, false),
        ] {
            order.status = status;
            assert_eq!(is_under_way(&order), goes_on, "{status:?}");
        }
    }

    #[test]
    fn nobody_is_forgotten_with_orders_under_way_or_with_credit_that_is_not_given_up() {
        let mut order = order();
        order.status = Status::OnHold;
        let named = Refusal::OrdersUnderWay(vec![order.id]);
        assert_eq!(may_be_forgotten(&[order.clone()], &[], true), Err(named));
        order.status = Status::Completed;
        let customer = CustomerId::from_ulid(Ulid::from_parts(1, 2));
        let credit = StoreCredit {
            balance: Money::new(1, Currency::EUR),
            ..StoreCredit::empty(customer, Currency::EUR)
        };
        let orders = [order];
        assert_eq!(
            may_be_forgotten(&orders, std::slice::from_ref(&credit), false),
            Err(Refusal::CreditLeft)
        );
        assert_eq!(may_be_forgotten(&orders, &[credit], true), Ok(()));
    }

    #[test]
    fn a_request_is_open_until_it_is_done_and_keeps_no_address_then() {
        let asked = request(Kind::Erasure);
        assert_eq!(asked.may_be_followed(at(1)), Ok(false));
        let account = Account {
            id: asked.customer,
            email: Email::parse("jane@example.org").unwrap(),
            name: PersonName::parse("Jane Roe").unwrap(),
            password: "$argon2id$".into(),
            is_verified: true,
            created_at: at(0),
            version: 1,
        };
        let closed = asked.closed(Some(&account), at(0));
        assert_eq!((closed.due_at, closed.email.is_some()), (at(120), true));
        assert_eq!(asked.closed(None, at(0)).due_at, at(0));
        let waits = closed.wait(vec![order_id(); 20], at(1));
        assert_eq!((waits.waits_for.len(), waits.due_at), (NAMED_MAX, at(3601)));
        let done = waits.done(at(9));
        assert_eq!((&done.email, &done.name, done.version), (&None, &None, 4));
        assert_eq!(done.done_at, Some(at(9)));
        assert!(done.waits_for.is_empty());
        assert_eq!(done.may_be_followed(at(9)), Ok(true));
    }

    #[test]
    fn all_that_is_known_is_told_once_a_day() {
        let done = request(Kind::Export).done(at(60));
        assert_eq!(done.may_be_followed(at(86_399)), Err(Refusal::ExportedAlready));
        assert_eq!(done.may_be_followed(at(86_400)), Ok(true));
    }

    #[test]
    fn who_fails_waits_longer_each_time_and_an_hour_at_most() {
        let mut request = request(Kind::Export);
        let mut waits = Vec::new();
        for _ in 0..70 {
            request = request.failed(at(0));
            waits.push(request.due_at.duration_since(at(0)).as_mins());
        }
        assert_eq!(waits[..6], [2, 4, 8, 16, 32, 60]);
        assert!(waits[6..].iter().all(|minutes| *minutes == 60), "{waits:?}");
        assert_eq!(request.done(at(0)).tries, 0);
    }

    #[test]
    fn a_text_with_a_trace_goes_as_a_whole_and_words_of_ours_stay() {
        let traces = Traces::of_order(&order());
        let blotted = |text: &str| traces.blotted(text, order_id());
        assert_eq!(blotted("Please ring at JANE ROE twice").as_deref(), Some(ERASED));
        assert_eq!(blotted("left at 1 long street").as_deref(), Some(ERASED));
        let address = blotted("jane@example.org").unwrap();
        assert!(Email::parse(&address).unwrap().is_erased());
        for ours in ["shipped", "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "Berlin", "a mug", "erased"] {
            assert_eq!(blotted(ours), None, "{ours}");
        }
    }
}
