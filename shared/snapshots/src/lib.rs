//! The snapshots of a search index in the shop's bucket: found by readers, written by one writer.
//!
//! The engine (`search`) knows files on this machine, the bucket (`files`) knows objects, the queue
//! hands tasks to one writer at a time: here the three come together, once for all that the shop
//! searches. What an index is made of is its domain's business: a [`Source`] says it.
//!
//! Invariants: readers ask the bucket once in five seconds at most; a generation is whole or it is
//! not the newest; a task names what to look at, never what it is.

mod index;
mod task;
mod writer;

pub use index::{Changes, Index};
pub use task::Task;
pub use writer::{Portion, Source, Writer};
