//! `GET /v1/admin/customers/{id}/store_credit`: what a customer has, and what happened to it,
//! newest first, by page. Somebody who never had any has nothing.

use api::cursor::{self, Page};
use api::form::CustomerPath;
use api::view::gift_card::{GiftEntryView, StoreCreditView, balances};
use api::{Path, Problem, Query, Reply, Staff};
use domain::gift_card::Account;
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Shows a customer's store credit.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::PromotionsRead>, (Path<CustomerPath>, Query<Page>)>,
) -> Reply<StoreCreditView> {
    let (Path(CustomerPath { id }), Query(page)) = &call.input;
    let scope = format!("store_credit:{id}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    app.store.account(*id).await?.ok_or_else(Problem::not_found)?;
    let balances = balances(app.store.store_credits(*id).await?);
    let account = Account::StoreCredit(*id);
    let found = app.store.gift_entries(account, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let data = found.entries.into_iter().map(GiftEntryView::from).collect();
    Ok(StoreCreditView { customer_id: *id, balances, data, next_cursor })
}
