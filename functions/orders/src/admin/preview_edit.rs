//! `POST /v1/admin/orders/{id}/edits/preview`: what an edit of an order would come to today:
//! prices, taxes, what goes back, what is left to be paid, what is not there. Nothing is written or
//! held.

use api::form::OrderPath;
use api::view::order_edit::EditPreviewView;
use api::{Body, Path, Reply, Staff};
use domain::order_edit::decide;
use domain::permission::grant;
use runtime::Call;

use crate::App;
use crate::desk::load;
use crate::edits::{Wanted, basket, fresh, of, shortages};

/// Shows what an edit would come to.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, (Path<OrderPath>, Body<Wanted>)>,
) -> Reply<EditPreviewView> {
    let (Path(OrderPath { id }), Body(Wanted { removals, additions })) = &call.input;
    let file = load(app, *id).await?;
    let basket = basket(app, &file, (additions.as_slice(), ""), call.now).await?;
    let who = (call.who.actor(), Some(call.who.responsible()));
    let fresh = fresh(app, &basket.facts.settings.shop, who, "", call.now);
    // Which number it would get is of no matter to what it costs.
    let decided = decide(of(&file), removals, basket.goods.clone(), 1, fresh)?;
    let short = shortages(app, &basket, &decided).await?;
    let goods = basket.goods.as_ref();
    let goods = goods.map(|goods| (goods.cart.lines.as_slice(), &goods.priced.priced));
    Ok(EditPreviewView::of(&file.order, &decided, goods, short))
}
