//! `GET /v1/admin/media`: the uploads, newest first, by page; one query.

use api::cursor::{self, List, Page};
use api::view::media::MediaView;
use api::{Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Lists the uploads.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::ProductsRead>, Query<Page>>,
) -> Reply<List<MediaView>> {
    let Query(page) = call.input;
    let scope = format!("media:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.media_list(page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(MediaView::from).collect(), next_cursor })
}
