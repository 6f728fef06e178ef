//! `GET /v1/store/me/store_credit`: what the signed-in customer has, and what happened to it,
//! newest first, by page.

use api::cursor::{self, Page};
use api::view::gift_card::{OwnEntryView, OwnStoreCreditView, balances};
use api::{Customer, Query, Reply};
use domain::gift_card::Account;
use runtime::Call;

use crate::App;

/// Shows the customer's store credit.
pub async fn handle(app: &App, call: Call<Customer, Query<Page>>) -> Reply<OwnStoreCreditView> {
    let Query(page) = &call.input;
    let id = call.who.id;
    let scope = format!("own_store_credit:{id}");
    let position = page.position(&call.guard.sealer, &scope)?;
    let balances = balances(app.store.store_credits(id).await?);
    let account = Account::StoreCredit(id);
    let (limit, position) = (page.limit, position.as_deref());
    let found = app.store.gift_entries_without_reasons(account, limit, position).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let data = found.entries.into_iter().map(OwnEntryView::from).collect();
    Ok(OwnStoreCreditView { balances, data, next_cursor })
}
