//! `GET /v1/store/orders/{id}`: one query.

use api::form::OrderPath;
use api::reply::Cache;
use api::view::key_pool::keys_of;
use api::view::order::OrderView;
use api::{Cached, OrderReader, Path, Problem, Reply, download};
use domain::id::OrderLineId;
use runtime::Call;
use store::order::Downloads;

use crate::{App, which};

/// Shows an order to its buyer.
pub async fn handle(
    app: &App,
    call: Call<OrderReader, Path<OrderPath>>,
) -> Reply<Cached<OrderView>> {
    let file = which::load_to_show(app, call.input.0.id, &call.who, call.now).await?;
    let shop_url = app.shop_url.as_deref().ok_or_else(Problem::internal)?;
    let used = |line| uses(&file.downloads, line);
    let links = download::links(&file.order, &call.guard.sealer, shop_url, call.now, used);
    let keys = keys_of(&file.order, &file.keys);
    let view = OrderView::of(file.order, &file.payments, links).with_keys(keys);
    let view = view.with_parcels(&file.parcels).with_refunds(&file.refunds);
    Ok(Cached(view, Cache::Private))
}

/// How often the link of a line was used.
fn uses(downloads: &[Downloads], line: OrderLineId) -> u32 {
    downloads.iter().find(|counted| counted.line == line).map_or(0, |counted| counted.used)
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn a_line_whose_link_was_never_used_has_no_count() {
        let line = |number| OrderLineId::from_ulid(Ulid(number));
        let downloads = [Downloads { line: line(1), used: 3 }];
        assert_eq!((uses(&downloads, line(1)), uses(&downloads, line(2))), (3, 0));
    }
}
