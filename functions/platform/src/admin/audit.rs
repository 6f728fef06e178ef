//! `GET /v1/admin/audit`: what was done, newest first.
//!
//! The log has one order and no index: a filter looks through it, a bounded number of links for
//! each request. A page may therefore be short, or empty, and still have a next one.

use api::cursor::{self, List, Page};
use api::form::{Parsed, Text, time};
use api::view::audit::LinkView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::audit::{Actor, Entry};
use domain::fault::{Fault, Retry};
use domain::permission::grant;
use jiff::{SignedDuration, Timestamp};
use runtime::Call;

use crate::App;

/// Links that one query reads.
const READ_AT_ONCE: i32 = 100;
/// Queries of one request: ten of 100 links stay within a second.
const QUERIES_MAX: usize = 10;
/// How much later than it happened an entry may stand in the log: twelve days in its queue,
/// fourteen among the dead letters.
const LATE_MAX: SignedDuration = SignedDuration::from_hours(26 * 24);

/// Which entries.
#[derive(Debug)]
pub struct Wanted {
    filter: Filter,
    page: Page,
}

#[derive(Debug)]
struct Filter {
    actor: Option<Actor>,
    action: Option<String>,
    object: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let actor = Parsed::by(Actor::parse, "an actor: nobody, system, or an id", 32)
            .pattern("^(nobody|system|(cus|stf|key)_[0-7][0-9A-HJKMNP-TV-Z]{25})$");
        let action = Parsed::by(action, "an action, or the beginning of some with a dot", 64)
            .pattern("^[a-z][a-z0-9_]*(\\.[a-z0-9_]+)*\\.?$");
        let actor = fields.optional("actor", actor);
        let action = fields.optional("action", action);
        let object = fields.optional("object", Text::between(1, 128));
        let from = fields.optional("from", time());
        let to = fields.optional("to", time());
        let page = Page::read(fields);
        let (actor, action, object) = (actor?, action?, object?);
        let filter = Filter { actor, action, object, from: from?, to: to? };
        Some(Self { filter, page: page? })
    }
}

/// `staff.suspend`, or `staff.` for all that is done to staff.
fn action(text: &str) -> Option<String> {
    let words = text.strip_suffix('.').unwrap_or(text);
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let is_good =
        text.starts_with(|c: char| c.is_ascii_lowercase()) && words.split('.').all(is_word);
    is_good.then(|| text.to_owned())
}

impl Filter {
    fn admits(&self, entry: &Entry) -> bool {
        let is_action = |wanted: &String| {
            let starts = wanted.ends_with('.') && entry.action.starts_with(wanted.as_str());
            starts || entry.action == *wanted
        };
        self.actor.is_none_or(|actor| entry.actor == actor)
            && self.action.as_ref().is_none_or(is_action)
            && self.object.as_ref().is_none_or(|object| entry.object.as_ref() == Some(object))
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }

    /// Whether nothing that is wanted can stand before this entry.
    fn ends_before(&self, entry: &Entry) -> bool {
        let too_early = |from: Timestamp| from.duration_since(entry.at) > LATE_MAX;
        self.from.is_some_and(too_early)
    }
}

/// Lists entries. `from` is included, `to` is not.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::AuditRead>, Query<Wanted>>,
) -> Reply<List<LinkView>> {
    let Query(Wanted { filter, page }) = call.input;
    // The cursor is good for this caller and this very filter.
    let scope = format!("audit:{:?}:{filter:?}", call.who.actor());
    let mut after =
        page.position(&call.guard.sealer, &scope)?.map(|text| place(&text)).transpose()?;
    let wanted = usize::try_from(page.limit).unwrap_or(1);
    let mut data: Vec<LinkView> = Vec::new();
    for _ in 0..QUERIES_MAX {
        let links = app.store.audit(true, READ_AT_ONCE, after).await?;
        let mut is_end = links.is_empty();
        for link in links {
            after = Some(link.sequence);
            is_end = link.sequence <= 1 || filter.ends_before(&link.entry);
            if filter.admits(&link.entry) {
                data.push(link.into());
            }
            if is_end || data.len() == wanted {
                break;
            }
        }
        if is_end {
            return Ok(List { data, next_cursor: None });
        }
        if data.len() == wanted {
            break;
        }
    }
    let position = after.map(|sequence| sequence.to_string());
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, position.as_deref());
    Ok(List { data, next_cursor })
}

/// The place that a cursor of ours holds.
fn place(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| Fault::noticed("read a place in the audit log", Retry::Useless))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(query: &Value) -> Result<Wanted, Vec<String>> {
        let mut flaws = Vec::new();
        let wanted = api::form::read_value(query, "/query", &mut flaws);
        wanted.ok_or_else(|| flaws.into_iter().map(|flaw| flaw.pointer).collect())
    }

    fn entry(actor: &str, action: &str, object: Option<&str>, at: &str) -> Entry {
        let mut entry = json!({"id": "aud_01ARZ3NDEKTSV4RRFFQ69G5FAV", "at": at,
            "actor": actor, "action": action});
        if let Some(object) = object {
            entry["object"] = json!(object);
        }
        serde_json::from_value(entry).unwrap()
    }

    const STAFF: &str = "stf_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    #[test]
    fn an_empty_query_wants_the_newest_twenty_of_all() {
        let wanted = read(&json!({})).unwrap();
        assert_eq!(wanted.page.limit, 20);
        assert!(wanted.filter.admits(&entry("nobody", "x", None, "1970-01-01T00:00:00Z")));
    }

    #[test]
    fn every_filter_leaves_out_what_it_does_not_name() {
        let noted = entry(STAFF, "staff.suspend", Some("stf_other"), "2026-11-21T09:00:00Z");
        let admits = |query: Value| read(&query).unwrap().filter.admits(&noted);
        for good in [
            json!({"actor": STAFF}),
            json!({"action": "staff."}),
            json!({"action": "staff.suspend"}),
            json!({"object": "stf_other"}),
            json!({"from": "2026-11-21T09:00:00Z", "to": "2026-11-21T09:00:00.001Z"}),
        ] {
            assert!(admits(good.clone()), "{good}");
        }
        for other in [
            json!({"actor": "system"}),
            json!({"action": "staff"}),
            json!({"action": "staff.s"}),
            json!({"action": "staff.suspend."}),
            json!({"object": "stf"}),
            json!({"from": "2026-11-21T09:00:00.000001Z"}),
            json!({"to": "2026-11-21T09:00:00Z"}),
        ] {
            assert!(!admits(other.clone()), "{other}");
        }
    }

    #[test]
    fn every_flaw_of_a_query_is_named() {
        let query = json!({"actor": "cus_1", "action": "Staff", "object": "", "from": "yesterday",
            "to": "2026-11-21T09:00:00+01:00", "limit": 101, "x": 1});
        let pointers = read(&query).unwrap_err();
        let names = ["actor", "action", "object", "from", "to", "limit", "x"];
        assert_eq!(pointers, names.map(|name| format!("/query/{name}")));
    }

    #[test]
    fn the_search_ends_where_nothing_late_can_stand() {
        let filter = read(&json!({"from": "2026-11-21T00:00:00Z"})).unwrap().filter;
        assert!(!filter.ends_before(&entry("system", "x", None, "2026-10-26T00:00:00Z")));
        assert!(filter.ends_before(&entry("system", "x", None, "2026-10-25T23:59:59Z")));
    }
}
