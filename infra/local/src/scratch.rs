//! What functions have as `/tmp`: a folder of the machine, gone with the shop. It is never needed
//! again: what lies in it can be fetched anew.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder of one shop.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// A folder that nobody else has. It is made when somebody puts something into it.
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("fluxion-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
