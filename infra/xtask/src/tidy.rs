//! The rules of the house that no compiler knows.
//!
//! Each rule is a plain function from the tree to what breaks it. A rule that needs an exception
//! gets it here, in its own file and with a reason; there is no comment that switches one off.

mod arrows;
mod decisions;
mod environment;
mod evidence;
mod handlers;
mod links;
mod names;
mod permissions;
mod runbooks;
mod rust;
mod words;

use std::fmt;

use crate::repository::{Package, Repository};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    says: String,
}

impl Violation {
    fn new(path: &str, line: usize, says: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, says: says.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.says)
    }
}

/// Everything that breaks a rule, by file and line.
pub(crate) fn check(repository: &Repository, packages: &[Package]) -> Vec<Violation> {
    let mut violations = [
        arrows::check(repository, packages),
        decisions::check(repository),
        environment::check(repository),
        evidence::check(repository),
        handlers::check(repository),
        links::check(repository),
        names::check(repository),
        permissions::check(repository),
        runbooks::check(repository),
        rust::check(repository),
        words::check(repository),
    ]
    .concat();
    violations.sort();
    violations
}

/// What violations say, for tests.
#[cfg(test)]
fn said(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(ToString::to_string).collect()
}
