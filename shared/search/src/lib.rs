//! Search: an embedded index of things (products, orders, customers), as immutable snapshots of
//! files.
//!
//! A [`Manifest`] names the files of one generation by their content. Whoever has it and the files
//! opens a [`Snapshot`] and asks it; whoever writes makes a [`Draft`] of the next generation out of
//! it. Nothing here knows where files are kept: a [`Folder`] holds them on this machine, and how
//! they come there is its owner's business.
//!
//! Invariants: a file never changes once it has its name; a snapshot is whole or it does not open;
//! relevance is a whole number made of the words of a question and of one thing, so that a place
//! in a list means the same in every generation.

mod analysis;
mod collect;
mod entry;
mod folder;
mod lexicon;
mod manifest;
mod question;
mod schema;
mod snapshot;
mod writer;

#[cfg(test)]
mod tests;

pub use analysis::Language;
pub use collect::{Facet, Facets, Place, PriceRange, Sort};
pub use entry::{Entry, Price, Tag, Texts};
pub use folder::Folder;
pub use lexicon::{Lexicon, Named};
pub use manifest::{FORMAT, File, Manifest, Retired};
pub use question::{Filter, Question};
pub use snapshot::{Found, Snapshot};
pub use writer::{Draft, Written};

use domain::fault::{Fault, Retry};

/// What the engine could not do. Trying again does not help: the files are as they are.
fn fault(tried: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::new(tried, error, Retry::Useless)
}

/// What the disk could not do.
fn disk(tried: &str, error: std::io::Error) -> Fault {
    Fault::new(tried, error, Retry::Helps)
}
