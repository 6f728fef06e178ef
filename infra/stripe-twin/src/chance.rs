//! All chance of the twin: splitmix64 over the seed and counters, so that the same seed and the
//! same requests give the same ids, delays and faults.
//!
//! Three separate streams keep the object ids independent of how many requests were only reads
//! and of which faults are set. The counter of the objects is persisted: an id never comes twice.

use serde_json::{Value, json};

const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The three streams.
#[derive(Clone, Debug)]
pub(crate) struct Chance {
    seed: u64,
    objects: u64,
    requests: u64,
    faults: u64,
}

impl Chance {
    /// Continues where a store left off.
    pub(crate) fn resume(seed: u64, saved: Option<&Value>) -> Self {
        let counter = |name: &str| saved.and_then(|saved| saved[name].as_u64()).unwrap_or(0);
        Self {
            seed,
            objects: counter("objects"),
            requests: counter("requests"),
            faults: counter("faults"),
        }
    }

    /// What it began with.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The counters, to be stored.
    pub(crate) fn saved(&self) -> Value {
        json!({ "objects": self.objects, "requests": self.requests, "faults": self.faults })
    }

    /// An id of an object, a client secret, a signing secret: the prefix and 24 characters.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        self.letters(prefix, 24)
    }

    /// The prefix and so many random letters and digits.
    pub(crate) fn letters(&mut self, prefix: &str, length: usize) -> String {
        self.objects += 1;
        letters(prefix, length, self.seed, self.objects)
    }

    /// The id of a request.
    pub(crate) fn request_id(&mut self) -> String {
        self.requests += 1;
        letters("req_", 14, self.seed ^ 0x5265_7175_6573_7421, self.requests)
    }

    /// A number below `bound` for the faults; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.faults += 1;
        let number = mix(self.seed ^ 0x4661_756c_7473_2121, self.faults);
        number.checked_rem(bound).unwrap_or(0)
    }
}

fn letters(prefix: &str, length: usize, seed: u64, counter: u64) -> String {
    let mut text = prefix.to_owned();
    let mut state = mix(seed, counter);
    for step in 0..length {
        // Ten letters use up most of 64 bits; then the number is mixed anew.
        if step % 10 == 9 {
            state = mix(state, counter.rotate_left(32));
        }
        let letter = usize::try_from(state % 62).ok().and_then(|index| ALPHABET.get(index));
        text.push(char::from(letter.copied().unwrap_or(b'0')));
        state /= 62;
        if state == 0 {
            state = mix(seed, counter ^ 0xffff);
        }
    }
    text
}

/// The n-th number of splitmix64 with this seed.
fn mix(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let ids = |seed| {
            let mut chance = Chance::resume(seed, None);
            (0..50).map(|_| chance.id("pi_")).collect::<Vec<_>>()
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }

    #[test]
    fn ids_never_repeat_and_look_like_stripes() {
        let mut chance = Chance::resume(1, None);
        let ids: HashSet<String> = (0..20_000).map(|_| chance.id("pi_")).collect();
        assert_eq!(ids.len(), 20_000);
        assert!(ids.iter().all(|id| id.len() == 27 && id.starts_with("pi_")));
    }

    #[test]
    fn a_resumed_stream_goes_on() {
        let mut first = Chance::resume(3, None);
        let one = first.id("ch_");
        let mut second = Chance::resume(3, Some(&first.saved()));
        assert_ne!(second.id("ch_"), one);
    }

    #[test]
    fn nothing_is_below_nothing() {
        assert_eq!(Chance::resume(1, None).below(0), 0);
    }
}
