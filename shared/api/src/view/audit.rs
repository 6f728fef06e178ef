//! The audit log as staff see it.

use domain::audit::{Entry, Link};
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// A link of the chain: with `previous` and the entry, the hash can be computed again.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditLink")]
pub struct LinkView {
    /// Its place; the first is 1.
    pub sequence: u64,
    /// Its hash, 64 hexadecimal digits.
    pub hash: String,
    /// The hash of the link before.
    pub previous: String,
    /// What was done.
    pub entry: Entry,
}

impl View for List<LinkView> {}

impl From<Link> for LinkView {
    fn from(link: Link) -> Self {
        let Link { sequence, previous, hash, entry } = link;
        Self { sequence, hash, previous, entry }
    }
}
