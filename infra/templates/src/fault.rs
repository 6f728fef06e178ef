//! What is wrong with a template, said so that it can be found and mended.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The template, relative to the root.
    pub file: String,
    /// The resource, or the section where it is none.
    pub logical_id: String,
    /// What is wrong, as a sentence without its full stop.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.logical_id, self.what)
    }
}

/// Everything that is wrong, at least one thing, each said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn new(all: Vec<Fault>) -> Self {
        let mut once: Vec<Fault> = Vec::with_capacity(all.len());
        for fault in all {
            if !once.contains(&fault) {
                once.push(fault);
            }
        }
        Faults(once)
    }

    /// In the order they were met.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            let newline = if number == 0 { "" } else { "\n" };
            write!(f, "{newline}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
