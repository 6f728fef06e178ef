//! The opaque, authenticated place in a list: bound to route, filter and principal.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::form::{Fields, Form, Integer, Text};
use crate::problem::{Flaw, Problem};
use crate::seal::Sealer;

/// Entries of a page unless the caller says otherwise.
pub const LIMIT_DEFAULT: i64 = 20;
/// Entries of a page at most.
pub const LIMIT_MAX: i64 = 100;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// The two parameters of every list.
#[derive(Debug)]
pub struct Page {
    /// Entries wanted.
    pub limit: i32,
    /// Where to begin.
    pub cursor: Option<String>,
}

impl Form for Page {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let limit = fields.optional("limit", Integer::between(1, LIMIT_MAX));
        let cursor = fields.optional("cursor", Text::between(1, 2048));
        let limit = i32::try_from(limit?.unwrap_or(LIMIT_DEFAULT)).ok()?;
        Some(Self { limit, cursor: cursor? })
    }
}

impl Page {
    /// The store's position that the cursor stands for. `scope` names route, filter and principal.
    pub fn position(&self, sealer: &Sealer, scope: &str) -> Result<Option<String>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        sealer.unwrap(&purpose(scope), cursor).map(Some).ok_or_else(invalid)
    }
}

/// The cursor for a position of the store.
pub fn cursor(sealer: &Sealer, scope: &str, position: Option<&str>) -> Option<String> {
    position.map(|position| sealer.wrap(&purpose(scope), position))
}

fn purpose(scope: &str) -> String {
    format!("cursor:{scope}")
}

fn invalid() -> Problem {
    let detail = "The cursor is not one of this list. Begin again without it.";
    let flaw = Flaw::new("/query/cursor", "invalid_cursor", detail);
    let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail);
    Problem { errors: vec![flaw], ..problem }
}
