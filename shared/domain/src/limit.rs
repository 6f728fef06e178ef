//! How often somebody may do something: token buckets, told by one number each.
//!
//! A bucket of `capacity` tokens refills evenly over `period`. Its whole state is the moment at
//! which it will be full again (the theoretical arrival time of the generic cell rate algorithm,
//! ITU-T I.371): taking a token moves that moment by `period / capacity` into the future, and a
//! token is there while the moment is less than `period` away. Times are milliseconds since 1970.

use std::collections::BTreeMap;
use std::fmt;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Failed sign-ins with one account from one address.
    SignIn,
    /// Failed sign-ins and mailed tokens from one address.
    SignInAddress,
    /// Accounts opened from one address.
    Register,
    /// Mails asked for (reset, resend) from one address, or to one account.
    Mails,
    /// Codes for telephone numbers asked for from one address, by one customer, or to one number.
    Texts,
    /// Orders made of carts, by customer or address.
    Complete,
    /// Codes of gift cards tried on one cart.
    GiftCard,
    /// Codes of gift cards tried from one address.
    GiftCardAddress,
    /// Discount codes that were tried in vain, from one address.
    Code,
    /// Writes by nobody in particular, from one address.
    Write,
    /// Requests of one customer, member of the staff or API key.
    Caller,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 11] = [
        Self::SignIn,
        Self::SignInAddress,
        Self::Register,
        Self::Mails,
        Self::Texts,
        Self::Complete,
        Self::GiftCard,
        Self::GiftCardAddress,
        Self::Code,
        Self::Write,
        Self::Caller,
    ];

    /// Its name in configuration, keys and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignInAddress => "sign_in_address",
            Self::Register => "register",
            Self::Mails => "mails",
            Self::Texts => "texts",
            Self::Complete => "complete",
            Self::GiftCard => "gift_card",
            Self::GiftCardAddress => "gift_card_address",
            Self::Code => "code",
            Self::Write => "write",
            Self::Caller => "caller",
        }
    }

    const fn built_in(self) -> Quota {
        match self {
            Self::SignIn => Quota::new(5, 15 * 60),
            Self::SignInAddress | Self::Write => Quota::new(50, 15 * 60),
            Self::Register | Self::Mails => Quota::new(5, 60 * 60),
            // Each costs money, and lands in a pocket.
            Self::Texts => Quota::new(5, 24 * 60 * 60),
            Self::Complete | Self::GiftCard => Quota::new(10, 60 * 60),
            Self::Code | Self::GiftCardAddress => Quota::new(20, 15 * 60),
            Self::Caller => Quota::new(300, 60),
        }
    }
}

/// A bucket's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    capacity: u32,
    /// Until one token is there again.
    interval_ms: i64,
}

/// How a bucket stands, as callers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Tokens of a full bucket.
    pub limit: u32,
    /// Tokens that are there.
    pub remaining: u32,
    /// Seconds until it is full.
    pub reset_seconds: i64,
    /// Seconds until there are enough for what was refused; none where nothing was.
    pub retry_after: Option<i64>,
}

impl Quota {
    /// A bucket of so many tokens that fills in so many seconds.
    pub const fn new(capacity: u32, period_seconds: i64) -> Self {
        // Rounded up: a bucket never gives more than its capacity in its period. No `max` and
        // `from` in constants.
        let tokens = if capacity == 0 { 1 } else { capacity as i64 };
        Self { capacity, interval_ms: (period_seconds * 1000 + tokens - 1) / tokens }
    }

    /// Tokens of a full bucket.
    pub const fn capacity(self) -> u32 {
        self.capacity
    }

    /// What taking so many tokens moves the moment by.
    pub fn cost_ms(self, tokens: u32) -> i64 {
        self.interval_ms * i64::from(tokens)
    }

    /// The latest moment that a bucket may be full again after a token was taken now.
    pub fn latest_ms(self, now_ms: i64) -> i64 {
        now_ms + self.cost_ms(self.capacity)
    }

    /// The moment after so many tokens were taken, or how the bucket stands where they are not
    /// there.
    pub fn take(self, full_at_ms: Option<i64>, tokens: u32, now_ms: i64) -> Result<i64, Standing> {
        let from = full_at_ms.unwrap_or(now_ms).max(now_ms);
        let after = from + self.cost_ms(tokens);
        if after <= self.latest_ms(now_ms) {
            return Ok(after);
        }
        let wait_ms = after - self.latest_ms(now_ms);
        let retry_after = Some(seconds(wait_ms).max(1));
        Err(Standing { retry_after, ..self.standing(from, now_ms) })
    }

    /// How a bucket stands that will be full then.
    pub fn standing(self, full_at_ms: i64, now_ms: i64) -> Standing {
        let missing_ms = (full_at_ms - now_ms).max(0);
        let there_ms = (self.latest_ms(now_ms) - now_ms - missing_ms).max(0);
        let remaining = there_ms / self.interval_ms.max(1);
        Standing {
            limit: self.capacity,
            remaining: u32::try_from(remaining).unwrap_or(0).min(self.capacity),
            reset_seconds: seconds(missing_ms),
            retry_after: None,
        }
    }
}

/// Milliseconds as seconds, rounded up.
const fn seconds(ms: i64) -> i64 {
    (ms + 999).div_euclid(1000)
}

/// All limits, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits(BTreeMap<Limit, Quota>);

impl Default for Limits {
    fn default() -> Self {
        Self(Limit::ALL.iter().map(|limit| (*limit, limit.built_in())).collect())
    }
}

/// A limit's text that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        let names = names.join(", ");
        write!(f, "{} is not like sign_in=5/900 (tokens/seconds) with one of {names}", self.0)
    }
}

impl Limits {
    /// The built-in limits, but for those in a text like `sign_in=5/900,write=50/900`: so many
    /// tokens in so many seconds. Every malformed part is named.
    pub fn parse(text: &str) -> Result<Self, Vec<Malformed>> {
        let mut limits = Self::default();
        let mut malformed = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match parse(part) {
                Some((limit, quota)) => {
                    limits.0.insert(limit, quota);
                }
                None => malformed.push(Malformed(part.to_owned())),
            }
        }
        if malformed.is_empty() { Ok(limits) } else { Err(malformed) }
    }

    /// A limit's bucket.
    pub fn quota(&self, limit: Limit) -> Quota {
        self.0.get(&limit).copied().unwrap_or_else(|| limit.built_in())
    }
}

fn parse(part: &str) -> Option<(Limit, Quota)> {
    let (name, quota) = part.split_once('=')?;
    let limit = Limit::ALL.into_iter().find(|limit| limit.name() == name.trim())?;
    let (capacity, seconds) = quota.split_once('/')?;
    let capacity: u32 = capacity.trim().parse().ok()?;
    let seconds: i64 = seconds.trim().parse().ok()?;
    let is_sensible = (1..=1_000_000).contains(&capacity) && (1..=86_400).contains(&seconds);
    is_sensible.then(|| (limit, Quota::new(capacity, seconds)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    #[test]
    fn five_in_a_quarter_of_an_hour_and_the_sixth_waits_for_one_token() {
        let quota = Limit::SignIn.built_in();
        let mut full_at = None;
        for _ in 0..5 {
            full_at = Some(quota.take(full_at, 1, NOW).unwrap());
        }
        let refused = quota.take(full_at, 1, NOW).unwrap_err();
        assert_eq!((refused.limit, refused.remaining), (5, 0));
        assert_eq!((refused.retry_after, refused.reset_seconds), (Some(180), 900));
        assert!(quota.take(full_at, 1, NOW + 180_000).is_ok());
        assert!(quota.take(full_at, 2, NOW + 180_000).is_err());
    }

    #[test]
    fn a_rested_bucket_is_full_and_no_fuller() {
        let quota = Quota::new(3, 30);
        let long_ago = Some(NOW - 1_000_000);
        assert_eq!(quota.take(long_ago, 3, NOW), Ok(NOW + 30_000));
        assert!(quota.take(long_ago, 4, NOW).is_err());
        assert_eq!(quota.standing(NOW - 5, NOW).remaining, 3);
    }

    #[test]
    fn every_malformed_limit_is_named() {
        let limits = Limits::parse(" sign_in = 7/60 ,write=1/1").unwrap();
        assert_eq!(limits.quota(Limit::SignIn), Quota::new(7, 60));
        assert_eq!(limits.quota(Limit::Caller), Quota::new(300, 60));
        let flaws = Limits::parse("sign_in=0/60,nonsense=1/1,write=1,complete=9/900").unwrap_err();
        let parts: Vec<_> = flaws.into_iter().map(|flaw| flaw.0).collect();
        assert_eq!(parts, ["sign_in=0/60", "nonsense=1/1", "write=1"]);
    }

    proptest! {
        #[test]
        fn no_window_of_a_period_gives_more_than_two_buckets_and_no_rest_gives_more_than_one(
            capacity in 1_u32..50,
            seconds in 1_i64..2_000,
            steps in prop::collection::vec(0_i64..5_000, 1..200),
        ) {
            let quota = Quota::new(capacity, seconds);
            let (mut full_at, mut now, mut taken) = (None, NOW, Vec::new());
            for step in steps {
                now += step;
                if let Ok(after) = quota.take(full_at, 1, now) {
                    full_at = Some(after);
                    taken.push(now);
                }
            }
            for (index, start) in taken.iter().enumerate() {
                let end = start + seconds * 1000;
                let within = taken[index..].iter().filter(|at| **at < end).count();
                prop_assert!(within <= 2 * capacity as usize);
                let at_once = taken[index..].iter().filter(|at| **at == *start).count();
                prop_assert!(at_once <= capacity as usize);
            }
        }

        #[test]
        fn what_is_said_to_remain_can_be_taken(
            capacity in 1_u32..500, seconds in 1_i64..5_000, used in 0_u32..500,
        ) {
            let quota = Quota::new(capacity, seconds);
            let used = used.min(capacity);
            let full_at = quota.take(None, used, NOW).unwrap_or(NOW);
            let remaining = quota.standing(full_at, NOW).remaining;
            prop_assert!(remaining == 0 || quota.take(Some(full_at), remaining, NOW).is_ok());
            prop_assert!(quota.take(Some(full_at), remaining + 1, NOW).is_err());
        }
    }
}
