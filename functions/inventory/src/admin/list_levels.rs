//! `GET /v1/admin/inventory/levels`: a location's stock, by page; a query and a batch.

use api::cursor::{self, List, Page};
use api::form::location_id;
use api::view::inventory::LevelView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::id::LocationId;
use domain::permission::grant;
use domain::stock::FIRST_LOCATION;
use runtime::Call;

use crate::App;
use crate::which::shown;

/// Which location (the first one unless said otherwise), which page.
#[derive(Debug)]
pub struct AtLocation {
    pub(crate) location: LocationId,
    pub(crate) page: Page,
}

impl Form for AtLocation {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let location = fields.optional("location_id", location_id());
        let page = Page::read(fields);
        Some(Self { location: location?.unwrap_or(FIRST_LOCATION), page: page? })
    }
}

/// Lists the levels.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Query<AtLocation>>,
) -> Reply<List<LevelView>> {
    let Query(AtLocation { location, page }) = call.input;
    let scope = format!("levels:{location}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.levels_in(location, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(shown).collect(), next_cursor })
}
