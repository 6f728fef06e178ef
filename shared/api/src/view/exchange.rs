//! Imports and exports, as staff see them.

use std::collections::BTreeMap;

use domain::currency::Currency;
use domain::exchange::export::{Export, State as ExportState};
use domain::exchange::import::{Counts, Failure, Import, State as ImportState};
use domain::exchange::{Flaw, Format, Kind};
use domain::id::{ExportId, ImportId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// How a file is sent: a form post (multipart/form-data) with these fields first and the file in a
/// last field called `file`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportUpload")]
pub struct UploadView {
    /// Where to.
    pub url: String,
    /// The fields before the file, as they are.
    pub fields: BTreeMap<String, String>,
    /// Until when it is taken.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
}

/// It holds a signature.
impl std::fmt::Debug for UploadView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UploadView(until {})", self.expires_at)
    }
}

/// An import.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Import")]
pub struct ImportView {
    /// Its id.
    pub id: ImportId,
    /// What the rows are about.
    pub kind: Kind,
    /// How they are written.
    pub format: Format,
    /// The currency of prices that name none.
    pub currency: Currency,
    /// Whether it rests when all rows were checked.
    pub is_dry_run: bool,
    /// Where it stands.
    pub state: ImportState,
    /// How much of the present phase is done, in percent.
    pub progress_percent: u32,
    /// Bytes of the file.
    pub size: u64,
    /// Rows of the file, its header and blank rows not counted; null before it was read.
    pub rows: Option<u32>,
    /// What checking found that the rows would come to.
    pub checked: Counts,
    /// What the rows came to.
    pub applied: Counts,
    /// Rows with flaws.
    pub flawed_rows: u32,
    /// The first of their flaws; all of them have a list of their own.
    pub first_flaws: Vec<Flaw>,
    /// Columns of the file that are known and of no use here.
    pub ignored_columns: Vec<String>,
    /// Why it failed as a whole.
    pub failure: Option<Failure>,
    /// How the file is sent; only in the answer that made the import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadView>,
    /// Where a dry run's differences can be fetched for a minute: a line of JSON for each thing,
    /// `{"rows":[2,3],"outcome":"create"|"update"|"unchanged"|"refused","changes":[{"sku","field",
    /// "before","after"}],"flaws":[…]}`. Null while there are none.
    pub diff_url: Option<String>,
    /// When it was asked for.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
    /// When it last came further.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated_at: Timestamp,
    /// When it was over.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub ended_at: Option<Timestamp>,
}

impl View for ImportView {}
impl View for List<ImportView> {}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        Self {
            id: import.id,
            kind: import.kind,
            format: import.format,
            currency: import.currency,
            is_dry_run: import.is_dry_run,
            state: import.state,
            progress_percent: import.percent(),
            size: import.bytes,
            rows: import.rows,
            checked: import.checked,
            applied: import.applied,
            flawed_rows: import.flawed_rows,
            first_flaws: import.first_flaws,
            ignored_columns: import.ignored_columns,
            failure: import.failure,
            upload: None,
            diff_url: None,
            created_at: import.created_at,
            updated_at: import.updated_at,
            ended_at: import.ended_at,
        }
    }
}

/// A row with flaws.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImportFlawedRow")]
pub struct FlawedRowView {
    /// The row, as a spreadsheet counts: the header of a CSV is row 1.
    pub row: u32,
    /// All that is wrong with it.
    pub flaws: Vec<Flaw>,
}

impl View for FlawedRowView {}
impl View for List<FlawedRowView> {}

/// An export.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Export")]
pub struct ExportView {
    /// Its id.
    pub id: ExportId,
    /// What the rows are about.
    pub kind: Kind,
    /// How they are written.
    pub format: Format,
    /// Where it stands.
    pub state: ExportState,
    /// Rows written so far.
    pub rows: u32,
    /// Bytes of the file, once it is done.
    pub size: u64,
    /// Where the file can be fetched for a minute, once it is done; ask again for another minute.
    pub url: Option<String>,
    /// When it was asked for.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: Timestamp,
    /// When the file is forgotten.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub expires_at: Timestamp,
}

impl View for ExportView {}

impl From<Export> for ExportView {
    fn from(export: Export) -> Self {
        Self {
            id: export.id,
            kind: export.kind,
            format: export.format,
            state: export.state,
            rows: export.rows,
            size: export.bytes,
            url: None,
            created_at: export.created_at,
            expires_at: export.expires_at(),
        }
    }
}
