//! What the endpoints of this domain share: which thing is meant, what the audit log is told, what
//! is said of a level.

use api::form::{Fields, Form, location_id, sku, transfer_id};
use api::view::inventory::{LevelFacts, LevelView};
use api::{Problem, Reply, Staff};
use domain::audit::changes;
use domain::catalog::Sku;
use domain::event::Event;
use domain::id::{LocationId, TransferId, VariantId};
use domain::permission::Grant;
use runtime::Call;
use serde_json::Value;
use store::stock::Level;

use crate::App;

/// Two who change the same thing at once: the second decides again, so often at most.
pub(crate) const ATTEMPTS_MAX: usize = 3;

/// Which location: `{id}` in a path.
#[derive(Debug, Clone, Copy)]
pub struct WhichLocation {
    pub(crate) id: LocationId,
}

impl Form for WhichLocation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", location_id());
        Some(Self { id: id? })
    }
}

/// Which transfer: `{id}` in a path.
#[derive(Debug, Clone, Copy)]
pub struct WhichTransfer {
    pub(crate) id: TransferId,
}

impl Form for WhichTransfer {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let id = fields.required("id", transfer_id());
        Some(Self { id: id? })
    }
}

/// Which SKU: `{sku}` in a path.
#[derive(Debug, Clone)]
pub struct WhichSku {
    pub(crate) sku: Sku,
}

impl Form for WhichSku {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        Some(Self { sku: sku? })
    }
}

/// Which level: `{sku}/{location_id}` in a path.
#[derive(Debug, Clone)]
pub struct WhichLevel {
    pub(crate) sku: Sku,
    pub(crate) location: LocationId,
}

impl Form for WhichLevel {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let sku = fields.required("sku", sku());
        let location = fields.required("location_id", location_id());
        Some(Self { sku: sku?, location: location? })
    }
}

/// An entry of the audit log about something of this domain.
pub(crate) fn note<P: Grant, I>(
    app: &App,
    call: &Call<Staff<P>, I>,
    action: &str,
    object: impl std::fmt::Display,
    (before, after): (&Value, &Value),
) -> Reply<Event> {
    let doors = app.doors.as_ref().ok_or_else(Problem::internal)?;
    let (actor, object) = (call.who.actor(), Some(object.to_string()));
    Ok(doors.audit(&call.request, actor, action, object, changes(before, after)))
}

/// A level as staff sees it.
pub(crate) fn shown(level: Level) -> LevelView {
    let Level { place, units, available, threshold, signal, is_armed, .. } = level;
    LevelFacts { place, units, available, threshold, signal, is_armed }.into()
}

/// The variant that a SKU stands for; what has none is no SKU of the shop.
pub(crate) async fn variant_of(app: &App, sku: &Sku) -> Reply<VariantId> {
    app.store.variant_of(sku).await?.ok_or_else(Problem::not_found)
}

/// Something else changed at the same time, again and again.
pub(crate) fn raced() -> Problem {
    Problem::unavailable()
}
