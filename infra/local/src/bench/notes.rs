//! What shoppers have seen: how long each answer took, in which second it came, what was refused,
//! and what did not go as it must.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

/// The kinds of requests, in the order of a purchase.
pub(super) const KINDS: [&str; 13] = [
    LIST, SEARCH, VIEW, CART, LINE, LOOK_INTO, ADDRESS, OPTIONS, SHIPPING, ORDER, PAY, LOOK_AT,
    PLACED,
];
pub(super) const LIST: &str = "list products";
pub(super) const SEARCH: &str = "search";
pub(super) const VIEW: &str = "view a product";
pub(super) const CART: &str = "open a cart";
pub(super) const LINE: &str = "add a line";
pub(super) const LOOK_INTO: &str = "view the cart";
pub(super) const ADDRESS: &str = "set the addresses";
pub(super) const OPTIONS: &str = "list shipping options";
pub(super) const SHIPPING: &str = "choose shipping";
pub(super) const ORDER: &str = "complete";
/// The provider's work, not the shop's.
pub(super) const PAY: &str = "pay (at the twin)";
pub(super) const LOOK_AT: &str = "view the order";
/// Not a request: the time from the payment to the placed order.
pub(super) const PLACED: &str = "paid until placed";

/// Whether it is a request to the shop itself.
pub(super) fn is_ours(kind: &str) -> bool {
    kind != PAY && kind != PLACED
}

/// What happened in one second of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Answers of the shop's own endpoints.
    pub requests: u32,
    /// Those of them that were a no.
    pub refusals: u32,
    /// Orders that were seen placed.
    pub orders: u32,
}

/// What a shopper has seen.
#[derive(Debug)]
pub(super) struct Notes {
    /// When the run began.
    pub(super) began: Instant,
    /// Microseconds by kind.
    pub(super) samples: BTreeMap<&'static str, Vec<u32>>,
    /// By second of the run.
    pub(super) seconds: Vec<Second>,
    /// How many sessions set out to do what.
    pub(super) sessions: BTreeMap<&'static str, usize>,
    /// Every other no, by kind, status and code.
    pub(super) refusals: BTreeMap<String, usize>,
    /// What did not go as it must.
    pub(super) deviations: BTreeMap<String, usize>,
}

impl Notes {
    pub(super) fn new(began: Instant) -> Self {
        Self {
            began,
            samples: BTreeMap::new(),
            seconds: Vec::new(),
            sessions: BTreeMap::new(),
            refusals: BTreeMap::new(),
            deviations: BTreeMap::new(),
        }
    }

    /// Adds what somebody else has seen of the same run.
    pub(super) fn add(&mut self, other: Self) {
        for (kind, micros) in other.samples {
            self.samples.entry(kind).or_default().extend(micros);
        }
        for (at, second) in other.seconds.into_iter().enumerate() {
            if let Some(sum) = self.second(at) {
                sum.requests += second.requests;
                sum.refusals += second.refusals;
                sum.orders += second.orders;
            }
        }
        for (end, count) in other.sessions {
            *self.sessions.entry(end).or_default() += count;
        }
        for (what, count) in other.refusals {
            *self.refusals.entry(what).or_default() += count;
        }
        for (what, count) in other.deviations {
            *self.deviations.entry(what).or_default() += count;
        }
    }

    /// An answer came, or an order was placed.
    pub(super) fn took(&mut self, kind: &'static str, began: Instant) {
        let took = began.elapsed();
        let at = began.saturating_duration_since(self.began) + took;
        self.took_until(kind, took, at);
    }

    fn took_until(&mut self, kind: &'static str, took: Duration, at: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.samples.entry(kind).or_default().push(micros);
        if let Some(second) = self.second_of(at) {
            second.requests += u32::from(is_ours(kind));
            second.orders += u32::from(kind == PLACED);
        }
    }

    /// A no that is an answer like another.
    pub(super) fn refusal(&mut self, kind: &str, what: String) {
        let at = self.began.elapsed();
        if let Some(second) = self.second_of(at).filter(|_| is_ours(kind)) {
            second.refusals += 1;
        }
        *self.refusals.entry(what).or_default() += 1;
    }

    pub(super) fn deviation(&mut self, what: String) {
        *self.deviations.entry(what).or_default() += 1;
    }

    fn second_of(&mut self, at: Duration) -> Option<&mut Second> {
        self.second(usize::try_from(at.as_secs()).ok()?)
    }

    fn second(&mut self, at: usize) -> Option<&mut Second> {
        if self.seconds.len() <= at {
            self.seconds.resize(at + 1, Second::default());
        }
        self.seconds.get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_counts_in_the_second_in_which_it_came() {
        let mut notes = Notes::new(Instant::now());
        let ms = Duration::from_millis;
        notes.took_until(LIST, ms(10), ms(999));
        notes.took_until(LIST, ms(10), ms(2_000));
        notes.took_until(PAY, ms(10), ms(2_000));
        notes.took_until(PLACED, ms(10), ms(2_500));
        let at = |requests, orders| Second { requests, refusals: 0, orders };
        assert_eq!(notes.seconds, [at(1, 0), at(0, 0), at(1, 1)]);
        assert_eq!(notes.samples[LIST], [10_000, 10_000]);
    }

    #[test]
    fn what_two_have_seen_is_added_up() {
        let began = Instant::now();
        let seen = |seconds: u64| {
            let mut notes = Notes::new(began);
            notes.took_until(LIST, Duration::ZERO, Duration::from_secs(seconds));
            notes.refusal(PAY, "pay: 402".to_owned());
            notes.deviation("odd".to_owned());
            notes.sessions.insert("pay", 2);
            notes
        };
        let mut all = seen(0);
        all.add(seen(2));
        assert_eq!(all.seconds.iter().map(|second| second.requests).sum::<u32>(), 2);
        assert_eq!(all.seconds.len(), 3);
        assert_eq!(
            (all.refusals["pay: 402"], all.deviations["odd"], all.sessions["pay"]),
            (2, 2, 4)
        );
        assert!(all.seconds.iter().all(|second| second.refusals == 0));
    }
}
