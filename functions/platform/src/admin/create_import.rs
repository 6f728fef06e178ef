//! `POST /v1/admin/imports`: a file is announced, and the answer says how to send it.
//!
//! The file goes straight to the store of files: no byte of it passes through here. Nothing is
//! read before `start`.

use api::form::{Integer, OneOf, YesOrNo, currency};
use api::input::KeyRequired;
use api::reply::Created;
use api::view::exchange::{ImportView, UploadView};
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::audit::changes;
use domain::currency::Currency;
use domain::exchange::import::{Import, New, UPLOAD_LIFETIME};
use domain::exchange::{FILE_BYTES_MAX, Format, Kind};
use domain::id::ImportId;
use domain::permission::grant;
use files::Upload;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;

use crate::admin::{KINDS, note};
use crate::{App, importing};

/// The media type that the file is sent as, whatever is in it: it is looked at here, by nobody
/// else.
const MEDIA_TYPE: &str = "application/octet-stream";

const FORMATS: &[(&str, Format)] =
    &[("csv", Format::Csv), ("ndjson", Format::Ndjson), ("shopify", Format::Shopify)];

/// What is announced.
#[derive(Debug)]
pub struct Announced {
    kind: Kind,
    format: Format,
    is_dry_run: bool,
    size: u64,
    currency: Option<Currency>,
}

impl Form for Announced {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kind = fields.required("kind", OneOf(KINDS));
        let format = fields.required("format", OneOf(FORMATS));
        let is_dry_run = fields.required("dry_run", YesOrNo);
        let most = i64::try_from(FILE_BYTES_MAX).unwrap_or(i64::MAX);
        let size = fields.required("size", Integer::between(1, most));
        let currency = fields.optional("currency", currency());
        let size = u64::try_from(size?).ok()?;
        let (kind, format, is_dry_run) = (kind?, format?, is_dry_run?);
        Some(Self { kind, format, is_dry_run, size, currency: currency? })
    }
}

/// Makes an import.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ImportsCreate>, (KeyRequired, Body<Announced>)>,
) -> Reply<Created<ImportView>> {
    let (_, Body(announced)) = &call.input;
    call.who.must_hold(announced.kind.permission_to_import())?;
    let import = Import::new(New {
        id: ImportId::from_ulid(app.ids.ulid(call.now)),
        kind: announced.kind,
        format: announced.format,
        currency: announced.currency.unwrap_or_else(|| app.currency()),
        is_dry_run: announced.is_dry_run,
        actor: call.who.actor(),
        by: call.who.responsible(),
        bytes: announced.size,
        now: call.now,
    });
    let key = importing::file_key(import.id);
    let upload = Upload {
        key: &key,
        content_type: MEDIA_TYPE,
        bytes_min: import.bytes,
        bytes_max: import.bytes,
        lifetime: UPLOAD_LIFETIME,
    };
    let form = app.files()?.presigned_post(&upload, call.now).await?;
    let changed = changes(&Value::Null, &shown(&import));
    let events = [note(app, &call, "import.create", import.id, changed)?];
    match app.store.create_import(&import, &events).await? {
        Saved::Yes => {}
        Saved::Raced => return Err(Problem::unavailable()),
    }
    let upload = UploadView { url: form.url, fields: form.fields, expires_at: form.expires_at };
    Ok(Created(ImportView { upload: Some(upload), ..import.into() }))
}

/// What the audit log is told of an import.
pub(crate) fn shown(import: &Import) -> Value {
    json!({
        "kind": import.kind.code(),
        "status": import.state.code(),
        "is_dry_run": import.is_dry_run,
    })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn every_wrong_field_is_named() {
        let body = json!({"kind": "orders", "format": "xlsx", "size": 60_000_000, "dry_run": 1});
        assert_eq!(
            flaws_of::<Announced>(&body),
            [
                ("/kind".to_owned(), "not_allowed"),
                ("/format".to_owned(), "not_allowed"),
                ("/dry_run".to_owned(), "wrong_type"),
                ("/size".to_owned(), "out_of_range"),
            ]
        );
        let good = json!({"kind": "stock", "format": "csv", "size": 9, "dry_run": false});
        assert_eq!(flaws_of::<Announced>(&good), []);
    }
}
