//! Outgoing webhooks: which systems of the merchant are told of what, and what becomes of it.
//!
//! An endpoint names an address and the events that it wants. Each event that it wants is one
//! delivery to it, whatever happens in between: the same event, the same id, the same bytes,
//! however often they are sent. An endpoint that has not taken anything for days is switched off.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{EventId, WebhookId};

pub mod delivery;
pub mod signature;
pub mod target;

pub use delivery::{Announcement, Attempt, Delivery, Outcome, State};
pub use signature::{Secret, Secrets};
pub use target::{Target, is_public};

/// Endpoints of one shop: each costs a delivery for every event.
pub const ENDPOINTS_MAX: u32 = 20;
/// Characters of what an endpoint is called.
pub const DESCRIPTION_CHARS_MAX: usize = 200;
/// An endpoint is switched off when it has failed for this long without taking anything.
pub const FAILING_MAX: SignedDuration = SignedDuration::from_hours(5 * 24);
/// … and at least so often: a shop with one event a week is given more than one chance.
pub const FAILURES_MIN: u64 = 10;

macro_rules! topics {
    ($($variant:ident = $name:literal, $description:literal;)*) => {
        /// A kind of event that a merchant's system may be told of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Topic {
            $(#[doc = $description] $variant,)*
        }

        impl Topic {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name: `order.placed`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it tells.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }
        }
    };
}

topics! {
    OrderPlaced = "order.placed",
        "The order is paid, or needs no payment, and its stock is committed.";
    OrderRefundedLate = "order.refunded_late",
        "A payment came after the order's end, the goods were gone, and it was sent back.";
    OrderHeld = "order.held",
        "The order was put on hold: it is neither packed nor captured until it is let go on.";
    OrderReleased = "order.released",
        "The order was let go on.";
    OrderReopened = "order.reopened",
        "The order was completed, and is open again.";
    OrderLinesCanceled = "order.lines_canceled",
        "Units of the order were called off before they left; the rest of it goes on.";
    OrderCompleted = "order.completed",
        "All of the order went out, nothing is owed, and the time for returns is over.";
    OrderCanceled = "order.canceled",
        "The order was called off.";
    OrderExpired = "order.expired",
        "The order was not paid in time.";
    FulfillmentCreated = "fulfillment.created",
        "A parcel of the order was opened.";
    FulfillmentPacked = "fulfillment.packed",
        "A parcel of the order is packed.";
    FulfillmentShipped = "fulfillment.shipped",
        "A parcel of the order left.";
    FulfillmentDelivered = "fulfillment.delivered",
        "A parcel of the order arrived.";
    FulfillmentCanceled = "fulfillment.canceled",
        "A parcel of the order was called off before it left.";
    FulfillmentLost = "fulfillment.lost",
        "A parcel of the order left and arrived nowhere.";
    FulfillmentReturned = "fulfillment.returned_to_sender",
        "A parcel of the order left and came back.";
    RefundUpdated = "refund.updated",
        "A refund of the order is on its way, or waits for something.";
    RefundSucceeded = "refund.succeeded",
        "A refund of the order came about.";
    RefundFailed = "refund.failed",
        "A refund of the order did not come about, or came back.";
    RefundCanceled = "refund.canceled",
        "A refund of the order was called off.";
    ReturnRequested = "return.requested",
        "A buyer asks whether goods of the order may come back.";
    ReturnApproved = "return.approved",
        "Goods of the order may come back.";
    ReturnInTransit = "return.in_transit",
        "Goods of the order are on their way back, as the buyer says.";
    ReturnPartiallyReceived = "return.partially_received",
        "A part of what was to come back came.";
    ReturnReceived = "return.received",
        "What was to come back came, or is known not to come.";
    ReturnResolved = "return.resolved",
        "The buyer got what they get for what came back.";
    ReturnRejected = "return.rejected",
        "Goods of the order may not come back.";
    ReturnCanceled = "return.canceled",
        "A return of the order was called off.";
    ReturnExpired = "return.expired",
        "What was to come back was not sent in time.";
    DisputeOpened = "dispute.opened",
        "The buyer asks their bank for the money back, and the shop may answer.";
    DisputeUnderReview = "dispute.under_review",
        "A dispute of the order was answered; the bank decides.";
    DisputeWon = "dispute.won",
        "A dispute of the order was decided for the shop, or an inquiry came to nothing.";
    DisputeLost = "dispute.lost",
        "A dispute of the order was decided for the buyer: the money is gone.";
    Test = "webhook.test",
        "Somebody asked for a test; sent to the one endpoint that was asked about.";
}

impl Topic {
    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|topic| topic.name() == name)
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| de::Error::custom("is not the name of an event"))
    }
}

impl JsonSchema for Topic {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WebhookTopic".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Self::ALL.iter().map(|topic| topic.name()).collect();
        schemars::json_schema!({
            "type": "string",
            "enum": names,
            "description": "A kind of event that is told to merchants' systems.",
        })
    }
}

/// Which events an endpoint wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of them, those of later releases included.
    Everything,
    /// These.
    These(BTreeSet<Topic>),
}

/// What stands for all events.
pub const EVERYTHING: &str = "*";

impl Wanted {
    /// Whether it is told of this.
    pub fn includes(&self, topic: Topic) -> bool {
        match self {
            Self::Everything => true,
            // A test is always wanted: somebody asked for it.
            Self::These(topics) => topic == Topic::Test || topics.contains(&topic),
        }
    }

    /// The names, as they are written.
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Self::Everything => vec![EVERYTHING],
            Self::These(topics) => topics.iter().map(|topic| topic.name()).collect(),
        }
    }

    /// From names; none where there is none of them or one of them is unknown.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let (mut everything, mut topics) = (false, BTreeSet::new());
        for name in names {
            if name == EVERYTHING {
                everything = true;
            } else {
                topics.insert(Topic::parse(name)?);
            }
        }
        match (everything, topics.is_empty()) {
            (true, _) => Some(Self::Everything),
            (false, false) => Some(Self::These(topics)),
            (false, true) => None,
        }
    }
}

impl Serialize for Wanted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for Wanted {
    /// A name that this release does not know is dropped: an older release reads what a newer one
    /// wrote, and is told of nothing that it can not say.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = <Vec<String>>::deserialize(deserializer)?;
        if names.iter().any(|name| name == EVERYTHING) {
            return Ok(Self::Everything);
        }
        Ok(Self::These(names.iter().filter_map(|name| Topic::parse(name)).collect()))
    }
}

/// Why an endpoint was switched off by the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It has taken nothing for days.
    Failing,
    /// It said that it is gone (410).
    Gone,
}

/// Where an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Status {
    /// It is told of what it wants.
    Active,
    /// Somebody has switched it off for a while.
    Paused,
    /// The shop has switched it off.
    Disabled {
        /// Why.
        why: Why,
        /// When.
        at: Timestamp,
    },
}

/// A system of the merchant that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// Where it is.
    pub url: Target,
    /// What people call it.
    pub description: String,
    /// What it wants to know.
    pub events: Wanted,
    /// Where it stands.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Of this document.
    #[serde(default)]
    pub version: u64,
}

/// What of an endpoint is changed; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointChange {
    /// Another address.
    pub url: Option<Target>,
    /// Another name.
    pub description: Option<String>,
    /// Other events.
    pub events: Option<Wanted>,
    /// On or off.
    pub is_active: Option<bool>,
}

impl Endpoint {
    /// Whether it is told of this kind of event. A test reaches one that is switched off, too:
    /// that is how somebody finds out whether it works again.
    pub fn takes(&self, topic: Topic) -> bool {
        match self.status {
            Status::Active => self.events.includes(topic),
            Status::Paused | Status::Disabled { .. } => topic == Topic::Test,
        }
    }

    /// As it is with these changes.
    #[must_use]
    pub fn change(&self, change: EndpointChange, now: Timestamp) -> Self {
        let EndpointChange { url, description, events, is_active } = change;
        let status = match is_active {
            Some(true) => Status::Active,
            Some(false) => match self.status {
                Status::Active | Status::Paused => Status::Paused,
                // Why it is off is worth knowing.
                off @ Status::Disabled { .. } => off,
            },
            None => self.status,
        };
        Self {
            url: url.unwrap_or_else(|| self.url.clone()),
            description: description.unwrap_or_else(|| self.description.clone()),
            events: events.unwrap_or_else(|| self.events.clone()),
            status,
            updated_at: now,
            ..self.clone()
        }
    }

    /// As it is once the shop has given it up; none where it is off already.
    pub fn give_up(&self, why: Why, now: Timestamp) -> Option<Self> {
        match self.status {
            Status::Active => {
                let status = Status::Disabled { why, at: now };
                Some(Self { status, updated_at: now, ..self.clone() })
            }
            Status::Paused | Status::Disabled { .. } => None,
        }
    }
}

/// How an endpoint has fared since it last took something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// When it first failed since.
    pub failing_since: Timestamp,
    /// How often since.
    pub failures: u64,
}

impl Health {
    /// Whether it is time to switch the endpoint off.
    pub fn is_hopeless(&self, now: Timestamp) -> bool {
        self.failures >= FAILURES_MIN && now.duration_since(self.failing_since) >= FAILING_MAX
    }
}

/// What an endpoint is to be told of again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Which endpoint.
    pub endpoint: WebhookId,
    /// Of what happened from here …
    pub from: Timestamp,
    /// … to here, this moment included.
    pub until: Timestamp,
    /// The last event of the day of `from` that was looked at already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<EventId>,
}

/// Why something can not be done with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There are as many as there may be.
    TooMany,
    /// Its address leads to this machine or into a private network.
    NotPublic,
    /// The event is not kept any more.
    TooOld,
}

impl Refusal {
    /// The code in answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooMany => "too_many_webhook_endpoints",
            Self::NotPublic => "not_public",
            Self::TooOld => "event_not_kept",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Ulid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn endpoint(events: Wanted) -> Endpoint {
        Endpoint {
            id: WebhookId::from_ulid(Ulid::from_parts(1, 2)),
            url: Target::parse("https://erp.example/hooks").unwrap(),
            description: "ERP".into(),
            events,
            status: Status::Active,
            created_at: at(0),
            updated_at: at(0),
            version: 1,
        }
    }

    #[test]
    fn an_endpoint_is_told_of_what_it_wants_and_of_tests() {
        let only = endpoint(Wanted::of_names(["order.placed"]).unwrap());
        assert!(only.takes(Topic::OrderPlaced) && only.takes(Topic::Test));
        assert!(!only.takes(Topic::OrderRefundedLate));
        let all = endpoint(Wanted::Everything);
        assert!(Topic::ALL.iter().all(|topic| all.takes(*topic)));
        let change = EndpointChange { is_active: Some(false), ..EndpointChange::default() };
        let paused = all.change(change, at(1));
        assert_eq!(paused.status, Status::Paused);
        assert!(!paused.takes(Topic::OrderPlaced) && paused.takes(Topic::Test));
    }

    #[test]
    fn names_of_events_are_read_all_or_not_at_all_from_people_and_leniently_from_the_table() {
        assert_eq!(Wanted::of_names([]), None);
        assert_eq!(Wanted::of_names(["order.placed", "order.eaten"]), None);
        assert_eq!(Wanted::of_names(["order.placed", "*"]), Some(Wanted::Everything));
        let read: Wanted = serde_json::from_str(r#"["order.placed","order.eaten"]"#).unwrap();
        assert_eq!(read.names(), ["order.placed"]);
        for topic in Topic::ALL {
            assert_eq!(Topic::parse(topic.name()), Some(*topic));
            assert!(topic.description().ends_with('.'));
        }
    }

    #[test]
    fn an_endpoint_is_given_up_after_days_and_several_tries_and_switched_on_by_hand() {
        let healthy = Health { failing_since: at(0), failures: FAILURES_MIN };
        let days = FAILING_MAX.as_secs();
        assert!(!healthy.is_hopeless(at(days - 1)));
        assert!(healthy.is_hopeless(at(days)));
        let rare = Health { failures: FAILURES_MIN - 1, ..healthy };
        assert!(!rare.is_hopeless(at(days)));

        let off = endpoint(Wanted::Everything).give_up(Why::Failing, at(days)).unwrap();
        assert!(off.give_up(Why::Gone, at(days)).is_none(), "once");
        let pause = EndpointChange { is_active: Some(false), ..EndpointChange::default() };
        assert_eq!(off.change(pause, at(days)).status, off.status, "why it is off is kept");
        let on = EndpointChange { is_active: Some(true), ..EndpointChange::default() };
        assert_eq!(off.change(on, at(days)).status, Status::Active);
    }
}
