//! Chance for what the host itself makes: keys and the seeds of its parts.

use sha2::{Digest, Sha256};

/// Where the host's chance comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    seed: Option<u64>,
}

impl Chance {
    pub(crate) const fn new(seed: Option<u64>) -> Self {
        Self { seed }
    }

    /// 32 bytes for one purpose: of the seed, or of the system.
    pub(crate) fn bytes(self, purpose: &str) -> [u8; 32] {
        if let Some(seed) = self.seed {
            return Sha256::digest(format!("{seed}/{purpose}")).into();
        }
        Sha256::digest(runtime::Ids::system().token()).into()
    }

    /// The same as hexadecimal digits.
    pub(crate) fn hex(self, purpose: &str) -> String {
        hex(&self.bytes(purpose))
    }

    /// The ids that functions make in a copy of the shop: others than in the shop itself.
    pub(crate) fn other_ids(self) -> runtime::Ids {
        let seed = self.seed.map(|_| self.seed("a copy"));
        seed.map_or_else(runtime::Ids::system, runtime::Ids::seeded)
    }

    /// A seed for one part of the shop.
    pub(crate) fn seed(self, purpose: &str) -> u64 {
        self.bytes(purpose).iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
    }

    /// The ids that functions make.
    pub(crate) fn ids(self) -> runtime::Ids {
        self.seed.map_or_else(runtime::Ids::system, runtime::Ids::seeded)
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
