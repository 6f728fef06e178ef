//! Endpoints for staff: the audit log, settings, imports and exports, queues.

use api::form::{Fields, Form, export_id, import_id};
use api::{Problem, Reply, Staff};
use domain::audit::Change;
use domain::event::Event;
use domain::exchange::Kind;
use domain::id::{ExportId, ImportId};
use runtime::Call;

use crate::App;

pub mod audit;
pub mod cancel_import;
pub mod change_settings;
pub mod create_export;
pub mod create_import;
pub mod list_dead;
pub mod list_import_flaws;
pub mod list_imports;
pub mod list_mismatches;
pub mod list_queues;
pub mod redrive;
pub mod start_import;
pub mod view_export;
pub mod view_import;
pub mod view_settings;

/// How often a lost race is run again before the caller is asked to.
pub(crate) const ATTEMPTS_MAX: usize = 3;

/// The kinds of files by their names.
pub(crate) const KINDS: &[(&str, Kind)] = &[
    ("products", Kind::Products),
    ("prices", Kind::Prices),
    ("stock", Kind::Stock),
    ("customers", Kind::Customers),
];

/// Which import.
#[derive(Debug, Clone, Copy)]
pub struct WhichImport {
    pub(crate) id: ImportId,
}

impl Form for WhichImport {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", import_id());
        Some(Self { id: id? })
    }
}

/// Which export.
#[derive(Debug, Clone, Copy)]
pub struct WhichExport {
    pub(crate) id: ExportId,
}

impl Form for WhichExport {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", export_id());
        Some(Self { id: id? })
    }
}

/// An entry of the audit log about a file or a queue.
pub(crate) fn note<P, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: impl std::fmt::Display,
    changed: Vec<Change>,
) -> Reply<Event> {
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let object = Some(object.to_string());
    Ok(doors.audit(&call.request, call.who.actor(), action, object, changed))
}
