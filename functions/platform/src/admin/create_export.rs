//! `POST /v1/admin/exports`: rows are to be written to a file. Who asks must have proven who they
//! are a moment ago, and be allowed to read what the rows hold.

use api::form::OneOf;
use api::reply::Accepted;
use api::view::exchange::ExportView;
use api::{Body, Fields, Form, Problem, Reply, Staff};
use domain::audit::changes;
use domain::catalog::Status;
use domain::exchange::export::{Export, Filter};
use domain::exchange::{Format, Kind, Work};
use domain::id::ExportId;
use domain::permission::grant;
use runtime::Call;
use serde_json::{Value, json};
use store::Saved;

use crate::admin::{KINDS, note};
use crate::{App, importing};

const FORMATS: &[(&str, Format)] = &[("csv", Format::Csv), ("ndjson", Format::Ndjson)];
const STATUSES: &[(&str, Status)] =
    &[("draft", Status::Draft), ("active", Status::Active), ("archived", Status::Archived)];

/// What is wanted.
#[derive(Debug)]
pub struct Wanted {
    kind: Kind,
    format: Format,
    filter: Filter,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kind = fields.required("kind", OneOf(KINDS));
        let format = fields.required("format", OneOf(FORMATS));
        let status = fields.optional("status", OneOf(STATUSES));
        let is_of_goods = matches!(kind, Some(Kind::Products | Kind::Prices) | None);
        if !is_of_goods && matches!(status, Some(Some(_))) {
            fields.flaw("status", "not_allowed", "Only products have a status.");
        }
        Some(Self { kind: kind?, format: format?, filter: Filter { status: status? } })
    }
}

/// Asks for an export.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ExportsCreate>, Body<Wanted>>,
) -> Reply<Accepted<ExportView>> {
    let Body(Wanted { kind, format, filter }) = &call.input;
    call.who.must_hold(kind.permission_to_export())?;
    let id = ExportId::from_ulid(app.ids.ulid(call.now));
    let who = (call.who.actor(), call.who.responsible());
    let export = Export::new((id, *kind, *format, *filter), who, call.now);
    let changed = changes(&Value::Null, &json!({"kind": kind.code()}));
    let events = [
        note(app, &call, "export.create", id, changed)?,
        importing::due(app, Work::Export(id), call.now),
    ];
    match app.store.create_export(&export, &events).await? {
        Saved::Yes => Ok(Accepted(export.into())),
        Saved::Raced => Err(Problem::unavailable()),
    }
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;

    use super::*;

    #[test]
    fn only_products_have_a_status() {
        let body = json!({"kind": "stock", "format": "shopify", "status": "draft"});
        assert_eq!(
            flaws_of::<Wanted>(&body),
            [("/format".to_owned(), "not_allowed"), ("/status".to_owned(), "not_allowed")]
        );
        let good = json!({"kind": "prices", "format": "csv", "status": "active"});
        assert_eq!(flaws_of::<Wanted>(&good), []);
    }
}
