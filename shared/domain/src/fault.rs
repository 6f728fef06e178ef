//! A fault: we could not do what was asked, and it is not the caller's doing.
//!
//! It carries what was tried, the chain of causes and whether trying again helps. Only its
//! [`Retry`] ever reaches a caller; the rest is logged once, at the edge.

use std::error::Error;
use std::fmt;

/// Whether the same call may work later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// A passing condition: throttling, a time-out, a lost connection.
    Helps,
    /// The same call fails the same way: a missing grant, unreadable data, wrong configuration.
    Useless,
}

/// What failed, and why, for the people who run the shop.
#[derive(Debug)]
pub struct Fault {
    tried: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    retry: Retry,
}

impl Fault {
    /// A fault with the error that caused it.
    pub fn new(
        tried: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
        retry: Retry,
    ) -> Self {
        Self { tried: tried.into(), source: Some(source.into()), retry }
    }

    /// A fault we noticed ourselves: stored data or an answer that can not be.
    pub fn noticed(tried: impl Into<String>, retry: Retry) -> Self {
        Self { tried: tried.into(), source: None, retry }
    }

    /// Whether trying again helps.
    pub fn retry(&self) -> Retry {
        self.retry
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tried)?;
        let mut cause = self.source.as_deref().map(|e| e as &dyn Error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn Error + 'static))
    }
}
