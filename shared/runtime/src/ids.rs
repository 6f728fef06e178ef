//! Chance, as an input: ids, tokens, numbers.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::Ulid;
use domain::shop::{OrderNumberFormat, SYMBOLS_MAX};
use jiff::Timestamp;

/// Makes ids and tokens.
#[derive(Clone)]
pub struct Ids(Arc<Mutex<Source>>);

enum Source {
    System,
    // For replays: a counter run through SplitMix64 (Steele, Lea, Flood 2014).
    Seeded(u64),
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}

impl Ids {
    /// From the system's random numbers.
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(Source::System)))
    }

    /// The same sequence for the same seed. For tests only: its tokens can be guessed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Source::Seeded(seed))))
    }

    fn fill(&self, bytes: &mut [u8]) {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::System => {
                #[allow(clippy::disallowed_methods, reason = "the one place where chance comes in")]
                let filled = getrandom::fill(bytes);
                assert!(filled.is_ok(), "the system has no random numbers: nothing is safe here");
            }
            Source::Seeded(state) => {
                for chunk in bytes.chunks_mut(8) {
                    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                    let mut mixed = *state;
                    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                    mixed ^= mixed >> 31;
                    for (byte, random) in chunk.iter_mut().zip(mixed.to_le_bytes()) {
                        *byte = random;
                    }
                }
            }
        }
    }

    /// A ULID of this time.
    pub fn ulid(&self, now: Timestamp) -> Ulid {
        let mut random = [0_u8; 16];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Ulid::from_parts(millis, u128::from_le_bytes(random))
    }

    /// A secret of 256 random bits, as 64 hexadecimal digits.
    pub fn token(&self) -> String {
        self.seed().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// 256 random bits, to make a key of.
    pub fn seed(&self) -> [u8; 32] {
        let mut random = [0_u8; 32];
        self.fill(&mut random);
        random
    }

    /// Sixteen random bytes, to salt a hash with.
    pub fn salt(&self) -> [u8; 16] {
        let mut random = [0_u8; 16];
        self.fill(&mut random);
        random
    }

    /// An order's number of this format; uniqueness is the store's condition.
    pub fn order_number(&self, format: &OrderNumberFormat) -> String {
        let mut random = [0_u8; SYMBOLS_MAX as usize];
        self.fill(&mut random);
        format.number(&random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let (one, two) = (Ids::seeded(7), Ids::seeded(7));
        assert_eq!(one.ulid(now), two.ulid(now));
        assert_eq!(one.token(), two.token());
        assert_ne!(one.token(), one.token());
        assert_eq!(one.order_number(&OrderNumberFormat::default()).len(), 11);
    }
}
