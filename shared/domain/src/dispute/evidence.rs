//! What the shop tells a bank about a disputed payment: everything that its order says for itself,
//! in the fields that banks read. Staff may write any of them in their own words.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::fulfillment::{Fulfillment, Status as Parcel};
use crate::message::{self, Delivery};
use crate::order::{Order, OrderLine};
use crate::refund::{self, Refund};

/// Characters of a field of ours. Stripe's manual has 20,000 of one and 150,000 of all together.
pub const FIELD_CHARS_MAX: usize = 12_000;
/// Characters that staff may write into one field: with ours, all are less than all may be.
pub const OWN_CHARS_MAX: usize = 8_000;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        /// Texts for the bank; what is left out is not said.
        #[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        #[schemars(rename = "DisputeEvidence")]
        pub struct Evidence {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<String>,
            )*
        }

        impl Evidence {
            /// The names of the fields, in the provider's words.
            pub const FIELDS: &'static [&'static str] = &[$(stringify!($name)),*];

            /// These texts, and of the others those that are missing here.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* }
            }

            /// The field of this name.
            pub fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }

            /// Each field that says something: its name and its text.
            pub fn said(&self) -> Vec<(&'static str, &str)> {
                let all = [$((stringify!($name), self.$name.as_deref())),*];
                all.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
            }
        }
    };
}

fields! {
    /// What shows that digital goods were downloaded or used.
    access_activity_log;
    /// The address of the buyer.
    billing_address;
    /// How the buyer was told of the policy on calling off.
    cancellation_policy_disclosure;
    /// Why the buyer's wish to call off was not followed.
    cancellation_rebuttal;
    /// Where the letters went.
    customer_email_address;
    /// What the buyer is called.
    customer_name;
    /// The network address that it was bought from.
    customer_purchase_ip;
    /// Why this payment and another one are two different ones.
    duplicate_charge_explanation;
    /// What was sold.
    product_description;
    /// What the shop promises about returns, as the buyer could read it.
    refund_policy_disclosure;
    /// Why the buyer gets no money back.
    refund_refusal_explanation;
    /// When a service, or digital goods, were delivered.
    service_date;
    /// Where the parcel went.
    shipping_address;
    /// Who carried it; several with commas between them.
    shipping_carrier;
    /// When it left.
    shipping_date;
    /// Under which number; several with commas between them.
    shipping_tracking_number;
    /// All else: the receipt, what happened when, which letters were sent.
    uncategorized_text;
}

/// It says who bought what.
impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.said().into_iter().map(|(name, _)| name).collect();
        write!(f, "Evidence({})", names.join(", "))
    }
}

/// What is known of an order that was paid and is disputed.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its parcels, oldest first.
    pub parcels: &'a [Fulfillment],
    /// Its refunds, oldest first.
    pub refunds: &'a [Refund],
    /// How often each of its downloads was used: the line's title and the number.
    pub downloads: &'a [(&'a OrderLine, u32)],
    /// The letters about it, oldest first.
    pub letters: &'a [Delivery],
    /// What the shop promises about returns; empty where it says nothing.
    pub return_policy: &'a str,
}

impl Evidence {
    /// What an order says for itself.
    pub fn of(known: Known<'_>) -> Self {
        let Known { order, parcels, return_policy, .. } = known;
        let buyer = order.billing_address.as_ref().or(order.shipping_address.as_ref());
        let left: Vec<&Fulfillment> =
            parcels.iter().filter(|parcel| parcel.shipped_at.is_some()).collect();
        let joined = |texts: Vec<String>| {
            let texts: std::collections::BTreeSet<String> = texts.into_iter().collect();
            let all: Vec<String> = texts.into_iter().collect();
            (!all.is_empty()).then(|| all.join(", "))
        };
        let carriers = left.iter().filter_map(|parcel| parcel.carriage.carrier.clone());
        let numbers = left.iter().filter_map(|parcel| parcel.carriage.tracking_number.clone());
        let days = left.iter().filter_map(|parcel| parcel.shipped_at).map(day);
        let sold: Vec<String> = order.lines.iter().map(sold).collect();
        Self {
            access_activity_log: used(known),
            billing_address: buyer.map(written),
            customer_email_address: Some(order.email.as_str().to_owned()),
            customer_name: buyer.map(|address| address.name.as_str().to_owned()),
            product_description: Some(cut(sold.join("\n"))),
            refund_policy_disclosure: (!return_policy.is_empty())
                .then(|| cut(format!("On the shop's pages: {return_policy}"))),
            service_date: order
                .lines
                .iter()
                .any(|line| line.kind == crate::catalog::Kind::Digital && line.fulfilled > 0)
                .then(|| day(order.placed_at.unwrap_or(order.created_at))),
            shipping_address: order.shipping_address.as_ref().map(written),
            shipping_carrier: joined(carriers.collect()),
            shipping_date: joined(days.collect()),
            shipping_tracking_number: joined(numbers.collect()),
            uncategorized_text: Some(cut(story(known))),
            ..Self::default()
        }
    }
}

/// A text that is not longer than the provider takes.
fn cut(text: String) -> String {
    if text.chars().count() <= FIELD_CHARS_MAX {
        return text;
    }
    text.chars().take(FIELD_CHARS_MAX).collect()
}

/// The day that UTC has then, with its month in letters.
fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}

fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string()
}

fn written(address: &Address) -> String {
    let mut lines = vec![address.name.as_str().to_owned(), address.line1.clone()];
    lines.extend(address.line2.clone());
    lines.push(format!("{} {}", address.postal_code, address.city).trim().to_owned());
    lines.extend(address.region.clone());
    lines.push(address.country.code().to_owned());
    lines.join("\n")
}

fn sold(line: &OrderLine) -> String {
    let variant = if line.variant_title.is_empty() {
        String::new()
    } else {
        format!(" ({})", line.variant_title)
    };
    format!("{} × {}{variant}, {}", line.quantity, line.title, line.total)
}

/// What was done with digital goods.
fn used(known: Known<'_>) -> Option<String> {
    let used = known.downloads.iter().filter(|(_, uses)| *uses > 0);
    let lines: Vec<String> =
        used.map(|(line, uses)| format!("{} was downloaded {uses} times.", line.title)).collect();
    (!lines.is_empty()).then(|| cut(lines.join("\n")))
}

/// The receipt, what happened, and which letters were sent.
fn story(known: Known<'_>) -> String {
    let Known { order, parcels, refunds, letters, .. } = known;
    let mut text = format!("Order {}, made on {}.\n", order.number, moment(order.created_at));
    for line in &order.lines {
        let _ = writeln!(text, "{}", sold(line));
    }
    let _ = writeln!(text, "Shipping {}", order.totals.shipping);
    let _ = writeln!(text, "Tax {}", order.totals.tax);
    let _ = writeln!(text, "Total {}; paid by card {}.", order.totals.total, order.captured);
    if let Some(at) = order.placed_at {
        let _ = writeln!(text, "The payment was made and the order placed on {}.", moment(at));
    }
    for parcel in parcels.iter().filter(|parcel| parcel.status != Parcel::Canceled) {
        if let Some(at) = parcel.shipped_at {
            let _ = writeln!(text, "A parcel left on {}.", moment(at));
        }
        if let Some(at) = parcel.delivered_at {
            let _ = writeln!(text, "It was delivered on {}.", moment(at));
        }
    }
    for refund in refunds.iter().filter(|refund| refund.status == refund::Status::Succeeded) {
        let at = refund.succeeded_at.unwrap_or(refund.updated_at);
        let _ = writeln!(text, "{} were refunded on {}.", refund.amount(), moment(at));
    }
    for letter in letters.iter().filter(|letter| letter.status.has_left()) {
        let _ = writeln!(text, "{}", sent(letter));
    }
    text
}

fn sent(letter: &Delivery) -> String {
    let became = match letter.status {
        message::Status::Delivered | message::Status::Complained => "was delivered to",
        message::Status::Queued
        | message::Status::Sending
        | message::Status::Sent
        | message::Status::Bounced
        | message::Status::Suppressed
        | message::Status::Failed => "was sent to",
    };
    let name = letter.letter.replace('_', " ");
    let at = moment(letter.sent_at.unwrap_or(letter.queued_at));
    format!("The letter “{name}” {became} the buyer on {at}.")
}
