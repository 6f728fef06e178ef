//! What an import does when nobody waits for it: read, compare, write, step by step.
//!
//! Each step writes down how far it came under the record's version. Of two jobs with one message
//! the slower one notices and stops; one that was killed is followed by another, which reads the
//! record and goes on. Nothing is written to the shop before the record says what it will come to.

use domain::audit::{Actor, Change, Entry as AuditEntry, changes};
use domain::event::{Event, Fact};
use domain::exchange::import::{CHECKED_AT_ONCE, Failure, Import, Outcome, State, WRITTEN_AT_ONCE};
use domain::exchange::{self, Difference, Entry, Flaw, Kind, Reading, Sheet, Work};
use domain::fault::{Fault, Retry};
use domain::id::{AuditId, EventId, ImportId};
use files::{Bucket, NewObject};
use futures_util::future::join_all;
use jiff::Timestamp;
use queue::Name;
use serde_json::{Value, json};
use store::Saved;

use crate::App;

mod customers;
mod goods;
mod stock;

/// Steps of one call: then the next message goes on. With the largest step they are done long
/// before the function's time is up.
const STEPS_MAX: usize = 20;
/// Changes that are on their way at one time.
const WRITES_AT_ONCE: usize = 8;
/// How often something that changed meanwhile is looked at again.
const RACES_MAX: usize = 5;

/// Where an import's file is sent to.
pub(crate) fn file_key(id: ImportId) -> String {
    format!("{}{id}", files::IMPORTS)
}

/// Where the differences that a dry run found are kept.
pub(crate) fn diff_key(id: ImportId) -> String {
    format!("{}{id}/diff.ndjson", files::EXPORTS)
}

fn diff_part_key(id: ImportId, from: u32) -> String {
    format!("{}{id}/from-{from:010}.ndjson", files::EXPORTS)
}

/// What an entry comes to, and why.
#[derive(Debug)]
pub(crate) struct Planned {
    outcome: Outcome,
    changes: Vec<Difference>,
    flaws: Vec<Flaw>,
}

impl Planned {
    fn of<T>(plan: &exchange::Plan<T>) -> Self {
        let outcome = plan.outcome();
        match plan {
            exchange::Plan::Create(_) | exchange::Plan::Unchanged => {
                Self { outcome, changes: Vec::new(), flaws: Vec::new() }
            }
            exchange::Plan::Update(_, changes) => {
                Self { outcome, changes: changes.clone(), flaws: Vec::new() }
            }
            exchange::Plan::Refused(flaws) => {
                Self { outcome, changes: Vec::new(), flaws: flaws.clone() }
            }
        }
    }
}

/// A change of the shop that some of the entries want.
#[derive(Debug)]
pub(crate) struct Write {
    /// The places of the entries.
    entries: Vec<usize>,
    /// The change.
    what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Product(goods::Write),
    Levels(Vec<store::movement::Change>),
    Account(Box<customers::Write>),
}

/// What became of a change.
#[derive(Debug)]
enum Done {
    Yes,
    /// Something is different from what was seen: look again.
    Raced,
    /// It can not be, for a reason that only showed now.
    Refused(&'static str, &'static str),
}

/// What entries come to, and the changes that they want.
pub(crate) type Plans = (Vec<Planned>, Vec<Write>);

/// What the rows of a kind refer to.
enum Facts {
    Goods(Box<goods::Facts>),
    Stock(Box<stock::Facts>),
    Customers,
}

impl Facts {
    async fn load(app: &App, kind: Kind) -> Result<Self, Fault> {
        Ok(match kind {
            Kind::Products | Kind::Prices => Self::Goods(Box::new(goods::Facts::load(app).await?)),
            Kind::Stock => Self::Stock(Box::new(stock::Facts::load(app).await?)),
            Kind::Customers => Self::Customers,
        })
    }

    async fn plan(
        &self,
        app: &App,
        import: &Import,
        entries: &[Entry],
        now: Timestamp,
    ) -> Result<Plans, Fault> {
        match self {
            Self::Goods(facts) => goods::plan(app, facts, entries, now).await,
            Self::Stock(facts) => stock::plan(app, facts, import, entries, now).await,
            Self::Customers => customers::plan(app, entries, now).await,
        }
    }

    async fn write(&self, app: &App, what: &What, now: Timestamp) -> Result<Done, Fault> {
        match (self, what) {
            (Self::Goods(facts), What::Product(write)) => goods::save(app, facts, write, now).await,
            (_, What::Levels(changes)) => stock::save(app, changes).await,
            (_, What::Account(write)) => customers::save(app, write).await,
            (Self::Stock(_) | Self::Customers, What::Product(_)) => {
                Err(Fault::noticed("write a product without its shelves", Retry::Useless))
            }
        }
    }
}

/// Goes on with an import for some steps, and sees to it that somebody goes on afterwards.
pub(crate) async fn run(app: &App, id: ImportId, now: Timestamp) -> Result<(), Fault> {
    let Some(import) = app.store.import(id).await? else { return Ok(()) };
    let bucket = app.bucket()?;
    if import.state.is_over() {
        return bucket.delete(&file_key(id)).await;
    }
    if !matches!(import.state, State::Checking | State::Running) {
        return Ok(());
    }
    let sheet = match load(bucket, &import).await? {
        Ok(sheet) => sheet,
        Err((failure, flaws)) => return give_up(app, &import, failure, &flaws, now).await,
    };
    let Some(mut import) = first_look(app, import, &sheet, now).await? else { return Ok(()) };
    let facts = Facts::load(app, import.kind).await?;
    for _ in 0..STEPS_MAX {
        let next = match import.state {
            State::Checking => check(app, bucket, &facts, &import, &sheet, now).await?,
            State::Running => apply(app, &facts, &import, &sheet, now).await?,
            State::Created | State::Checked | State::Done | State::Failed | State::Canceled => {
                Some(import.clone())
            }
        };
        let Some(next) = next else { return Ok(()) };
        import = next;
        if import.state.is_over() {
            // What was sent may be somebody's data: it is not kept a moment longer.
            return bucket.delete(&file_key(id)).await;
        }
        if import.state == State::Checked {
            return Ok(());
        }
    }
    let event = due(app, Work::Import(id), now);
    let text = serde_json::to_string(&event)
        .map_err(|error| Fault::new("write an event", error, Retry::Useless))?;
    app.queues.send(Name::Exchange, &text).await
}

/// The event that somebody has something to do.
pub(crate) fn due(app: &App, work: Work, now: Timestamp) -> Event {
    let id = EventId::from_ulid(app.ids.ulid(now));
    Event { id, at: now, sequence: 1, fact: Fact::ExchangeDue { work } }
}

type Read = Result<Sheet, (Failure, Vec<Flaw>)>;

/// The file, if it is still the one that was announced.
async fn load(bucket: &Bucket, import: &Import) -> Result<Read, Fault> {
    let found = bucket.get(&file_key(import.id)).await?;
    let Some(found) = found.filter(|found| Some(&found.etag) == import.etag.as_ref()) else {
        return Ok(Err((Failure::FileChanged, Vec::new())));
    };
    let Import { kind, format, currency, .. } = *import;
    let read = exchange::read(&found.bytes, Reading { kind, format, currency });
    Ok(read.map_err(|flaws| (Failure::Unreadable, flaws)))
}

async fn give_up(
    app: &App,
    import: &Import,
    failure: Failure,
    flaws: &[Flaw],
    now: Timestamp,
) -> Result<(), Fault> {
    app.store.put_flaws(import, flaws).await?;
    let Ok(failed) = import.fail(failure, flaws, now) else { return Ok(()) };
    let events = [ended(app, &failed, now)];
    if save(app, import, failed, &events).await?.is_none() {
        return Ok(());
    }
    app.bucket()?.delete(&file_key(import.id)).await
}

/// Writes down what the file itself says, once.
async fn first_look(
    app: &App,
    import: Import,
    sheet: &Sheet,
    now: Timestamp,
) -> Result<Option<Import>, Fault> {
    if import.rows.is_some() {
        return Ok(Some(import));
    }
    app.store.put_flaws(&import, &sheet.flaws).await?;
    let read = import.read(sheet, now);
    save(app, &import, read, &[]).await
}

/// Saves a record. None where somebody else came further, or stopped it.
async fn save(
    app: &App,
    before: &Import,
    after: Import,
    events: &[Event],
) -> Result<Option<Import>, Fault> {
    match app.store.save_import(before, &after, events).await? {
        Saved::Yes => Ok(Some(after)),
        // The answer of our own write may have been lost.
        Saved::Raced => Ok(app.store.import(after.id).await?.filter(|found| *found == after)),
    }
}

/// The entries of the next step.
fn next_entries<'a>(import: &Import, sheet: &'a Sheet, at_most: u32) -> &'a [Entry] {
    let start = usize::try_from(import.cursor).unwrap_or(usize::MAX).min(sheet.entries.len());
    let rest = sheet.entries.get(start..).unwrap_or_default();
    let length = usize::try_from(at_most).unwrap_or(usize::MAX).min(rest.len());
    rest.get(..length).unwrap_or_default()
}

fn outcomes(entries: &[Entry], planned: &[Planned]) -> Vec<(Outcome, u32)> {
    let rows = |entry: &Entry| u32::try_from(entry.rows.len()).unwrap_or(u32::MAX);
    entries.iter().zip(planned).map(|(entry, plan)| (plan.outcome, rows(entry))).collect()
}

/// Compares the next entries with what is there.
async fn check(
    app: &App,
    bucket: &Bucket,
    facts: &Facts,
    import: &Import,
    sheet: &Sheet,
    now: Timestamp,
) -> Result<Option<Import>, Fault> {
    let entries = next_entries(import, sheet, CHECKED_AT_ONCE);
    if entries.is_empty() {
        if import.is_dry_run {
            assemble_diff(bucket, import).await?;
        }
        let Ok(after) = import.finish_checking(now) else { return Ok(None) };
        return save(app, import, after, &[]).await;
    }
    let (planned, _) = facts.plan(app, import, entries, now).await?;
    let flaws = all_flaws(entries, &planned);
    app.store.put_flaws(import, &flaws).await?;
    if import.is_dry_run {
        let bytes = diff(entries, &planned, import.kind.is_personal());
        put(bucket, &diff_part_key(import.id, import.cursor), bytes).await?;
    }
    let after = import.compared(&outcomes(entries, &planned), &flaws, now);
    save(app, import, after, &[]).await
}

/// Every flaw, and for the rows beside a flawed one that they go with it.
fn all_flaws(entries: &[Entry], planned: &[Planned]) -> Vec<Flaw> {
    let mut all = Vec::new();
    for (entry, plan) in entries.iter().zip(planned) {
        let Some(first) = plan.flaws.first() else { continue };
        let named = |row: &&u32| plan.flaws.iter().all(|flaw| flaw.row != **row);
        all.extend(plan.flaws.iter().cloned());
        all.extend(entry.rows.iter().filter(named).map(|row| {
            let detail = format!("Row {}, which belongs to it, has a flaw.", first.row);
            Flaw::of_row(*row, "sibling_flawed", detail)
        }));
    }
    all
}

/// Lines of JSON that say what each entry would come to.
fn diff(entries: &[Entry], planned: &[Planned], is_personal: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for (entry, plan) in entries.iter().zip(planned) {
        let outcome = match plan.outcome {
            Outcome::Created => "create",
            Outcome::Updated => "update",
            Outcome::Unchanged => "unchanged",
            Outcome::Refused => "refused",
        };
        let mut line = json!({"rows": entry.rows, "outcome": outcome});
        if let Value::Object(members) = &mut line {
            if !plan.changes.is_empty() {
                let shown = |change: &Difference| {
                    if is_personal { json!({"field": change.field}) } else { json!(change) }
                };
                let changes: Vec<Value> = plan.changes.iter().map(shown).collect();
                members.insert("changes".into(), json!(changes));
            }
            if !plan.flaws.is_empty() {
                members.insert("flaws".into(), json!(plan.flaws));
            }
        }
        out.extend(line.to_string().bytes());
        out.push(b'\n');
    }
    out
}

pub(crate) async fn put(bucket: &Bucket, key: &str, bytes: Vec<u8>) -> Result<(), Fault> {
    let object = NewObject {
        bytes: bytes.into(),
        content_type: "application/octet-stream",
        cache_control: None,
    };
    bucket.put(key, object).await.map(drop)
}

/// Puts the parts of a dry run's differences together.
async fn assemble_diff(bucket: &Bucket, import: &Import) -> Result<(), Fault> {
    let step = usize::try_from(CHECKED_AT_ONCE).unwrap_or(1);
    let keys: Vec<String> =
        (0..import.entries).step_by(step).map(|from| diff_part_key(import.id, from)).collect();
    let mut all = Vec::new();
    for key in &keys {
        // Parts that are gone were put together by a predecessor, who was killed afterwards.
        let Some(part) = bucket.get(key).await? else { return Ok(()) };
        all.extend_from_slice(&part.bytes);
    }
    put(bucket, &diff_key(import.id), all).await?;
    for key in keys.iter().rev() {
        bucket.delete(key).await?;
    }
    Ok(())
}

/// Writes the next entries.
async fn apply(
    app: &App,
    facts: &Facts,
    import: &Import,
    sheet: &Sheet,
    now: Timestamp,
) -> Result<Option<Import>, Fault> {
    let entries = next_entries(import, sheet, WRITTEN_AT_ONCE);
    if entries.is_empty() {
        let Ok(after) = import.finish(now) else { return Ok(None) };
        let events = [ended(app, &after, now)];
        return save(app, import, after, &events).await;
    }
    let (planned, writes) = facts.plan(app, import, entries, now).await?;
    let noted = if import.stretch.is_some() {
        import.clone()
    } else {
        app.store.put_flaws(import, &all_flaws(entries, &planned)).await?;
        let noted = import.begin(outcomes(entries, &planned), now);
        let Some(noted) = save(app, import, noted, &[]).await? else { return Ok(None) };
        noted
    };
    let mut late_at: Vec<usize> = Vec::new();
    // Noted as good by a predecessor who was killed, and not good any more.
    let expected = noted.stretch.as_ref().map(|s| s.outcomes.as_slice()).unwrap_or_default();
    for (at, (plan, (outcome, _))) in planned.iter().zip(expected).enumerate() {
        if plan.outcome == Outcome::Refused && *outcome != Outcome::Refused {
            late_at.push(at);
        }
    }
    let lost = all_flaws(entries, &planned);
    let is_late = |flaw: &&Flaw| {
        late_at.iter().filter_map(|at| entries.get(*at)).any(|entry| entry.rows.contains(&flaw.row))
    };
    let late = lost.iter().filter(is_late).cloned().collect();
    let mut late = Late { flaws: late, places: late_at };
    let mut waiting = Vec::new();
    for some in writes.chunks(WRITES_AT_ONCE) {
        let done = join_all(some.iter().map(|write| facts.write(app, &write.what, now))).await;
        for (write, done) in some.iter().zip(done) {
            match done? {
                Done::Yes => {}
                Done::Raced => waiting.extend(&write.entries),
                Done::Refused(code, detail) => late.refuse(entries, &write.entries, code, detail),
            }
        }
    }
    settle(app, facts, &noted, entries, waiting, now, &mut late).await?;
    app.store.put_flaws(import, &late.flaws).await?;
    let after = noted.advance(&late.places, now);
    save(app, &noted, after, &[]).await
}

/// Entries that were noted as good and could not be written after all.
struct Late {
    flaws: Vec<Flaw>,
    places: Vec<usize>,
}

impl Late {
    fn refuse(
        &mut self,
        entries: &[Entry],
        places: &[usize],
        code: &'static str,
        detail: &'static str,
    ) {
        for (place, entry) in places.iter().filter_map(|at| Some((at, entries.get(*at)?))) {
            self.places.push(*place);
            self.flaws.extend(entry.rows.iter().map(|row| Flaw::of_row(*row, code, detail)));
        }
    }
}

/// Looks again at entries that something was in the way of, one by one: a batch that failed does
/// not tell which of its lines it was.
async fn settle(
    app: &App,
    facts: &Facts,
    import: &Import,
    entries: &[Entry],
    mut waiting: Vec<usize>,
    now: Timestamp,
    late: &mut Late,
) -> Result<(), Fault> {
    for _ in 0..RACES_MAX {
        let mut again = Vec::new();
        for place in std::mem::take(&mut waiting) {
            let Some(entry) = entries.get(place) else { continue };
            let one = std::slice::from_ref(entry);
            let (planned, writes) = facts.plan(app, import, one, now).await?;
            if planned.iter().any(|plan| plan.outcome == Outcome::Refused) {
                late.flaws.extend(all_flaws(one, &planned));
                late.places.push(place);
            }
            for write in writes {
                match facts.write(app, &write.what, now).await? {
                    Done::Yes => {}
                    Done::Raced => again.push(place),
                    Done::Refused(code, detail) => late.refuse(entries, &[place], code, detail),
                }
            }
        }
        if again.is_empty() {
            return Ok(());
        }
        waiting = again;
    }
    let detail = "It changed again and again. Import it once more.";
    late.refuse(entries, &waiting, "changed_meanwhile", detail);
    Ok(())
}

/// The entry of the audit log about an import's end.
fn ended(app: &App, import: &Import, now: Timestamp) -> Event {
    let counted = |import: &Import| {
        json!({
            "kind": import.kind.code(),
            "status": import.state.code(),
            "created_quantity": import.applied.created,
            "updated_quantity": import.applied.updated,
            "unchanged_quantity": import.applied.unchanged,
            "refused_quantity": import.applied.refused,
        })
    };
    let changed = changes(&Value::Null, &counted(import));
    noted(app, import.actor, "import.end", import.id.to_string(), changed, now)
}

/// An entry of the audit log that no request stands behind.
fn noted(
    app: &App,
    actor: Actor,
    action: &str,
    object: String,
    changes: Vec<Change>,
    now: Timestamp,
) -> Event {
    let ulid = app.ids.ulid(now);
    let entry = AuditEntry {
        id: AuditId::from_ulid(ulid),
        at: now,
        actor,
        action: action.to_owned(),
        object: Some(object),
        network: None,
        request_id: None,
        changes,
    };
    Event { id: EventId::from_ulid(ulid), at: now, sequence: 1, fact: Fact::AuditNoted { entry } }
}

#[cfg(test)]
mod tests {
    use domain::catalog::Sku;
    use domain::exchange::Unit;

    use super::*;

    fn entry(rows: &[u32]) -> Entry {
        let sku = Sku::parse("MUG-1").unwrap();
        let wanted = exchange::stock::Wanted { sku, location: None, on_hand: 1 };
        Entry { rows: rows.to_vec(), unit: Unit::Stock(wanted) }
    }

    fn planned(outcome: Outcome, flaws: Vec<Flaw>) -> Planned {
        let field = "title".to_owned();
        let changes = vec![Difference { sku: None, field, before: None, after: Some("x".into()) }];
        let changes = if outcome == Outcome::Updated { changes } else { vec![] };
        Planned { outcome, changes, flaws }
    }

    #[test]
    fn the_rows_beside_a_flawed_one_are_named_with_it() {
        let entries = [entry(&[2, 3]), entry(&[4])];
        let flaw = Flaw::of_cell(3, "sku", "sku_taken", "Taken.");
        let plans = [planned(Outcome::Refused, vec![flaw]), planned(Outcome::Created, vec![])];
        let codes: Vec<_> =
            all_flaws(&entries, &plans).into_iter().map(|flaw| (flaw.row, flaw.code)).collect();
        assert_eq!(codes, [(3, "sku_taken".into()), (2, "sibling_flawed".into())]);
    }

    #[test]
    fn a_persons_fields_are_named_and_not_shown() {
        let (entries, plans) = ([entry(&[2])], [planned(Outcome::Updated, vec![])]);
        let shown = |is_personal| String::from_utf8(diff(&entries, &plans, is_personal)).unwrap();
        assert!(shown(false).contains(r#""after":"x""#));
        assert!(shown(true).contains("title") && !shown(true).contains("after"));
    }
}
