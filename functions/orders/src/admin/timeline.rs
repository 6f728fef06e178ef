//! `GET /v1/admin/orders/{id}/timeline`: what happened to an order, read off its facts; two
//! queries.

use api::form::OrderPath;
use api::view::timeline::{MomentView, TimelineView};
use api::{Path, Reply, Staff};
use domain::permission::grant;
use domain::timeline::{of_disputes, of_edits, timeline};
use runtime::Call;

use crate::App;
use crate::desk::load;

/// Notes that are among it: the newest ones.
const NOTES_MAX: i32 = 100;

/// Shows what happened.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Path<OrderPath>>,
) -> Reply<TimelineView> {
    let id = call.input.0.id;
    let file = load(app, id).await?;
    let notes = app.store.notes(id, NOTES_MAX, None).await?.entries;
    let store::order::OrderFile { order, payments, parcels, refunds, returns, .. } = &file;
    let mut moments = timeline(order, payments, parcels, refunds, returns, &notes);
    moments.extend(of_disputes(&file.disputes));
    moments.extend(of_edits(&file.edits));
    moments.sort_by_key(|moment| moment.at);
    Ok(TimelineView { data: moments.into_iter().map(MomentView::from).collect() })
}
