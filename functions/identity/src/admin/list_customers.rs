//! `GET /v1/admin/customers`: all customers, newest first: one query of their keys and one batch.
//! Or those that somebody looks for: the snapshot of the staff's index in this function's own
//! storage says which, one batch what they are now. A change is found a few seconds later.

use api::cursor::{self, Page};
use api::form::words;
use api::view::customer::{CustomerView, CustomersView};
use api::{Fields, Form, Guard, Problem, Query, Reply, Staff};
use domain::fault::{Fault, Retry};
use domain::id::CustomerId;
use domain::permission::grant;
use jiff::Timestamp;
use queue::Name;
use runtime::Call;
use search::{Found, Place, Question};
use snapshots::Task;

use crate::App;
use crate::indexed::PLAIN;

/// Which ones.
#[derive(Debug)]
pub struct Wanted {
    q: Option<String>,
    page: Page,
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let q = fields.optional("q", words());
        let page = Page::read(fields);
        Some(Self { q: q?, page: page? })
    }
}

/// Lists customers.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::CustomersRead>, Query<Wanted>>,
) -> Reply<CustomersView> {
    let Query(Wanted { q, page }) = call.input;
    let scope = format!("every customer:{}:{q:?}", call.who.actor());
    match q {
        Some(q) => search(app, &call.guard, &scope, q, &page, call.now).await,
        None => list(app, &call.guard, &scope, &page).await,
    }
}

async fn list(app: &App, guard: &Guard, scope: &str, page: &Page) -> Reply<CustomersView> {
    let position = page.position(&guard.sealer, scope)?;
    let found = app.store.accounts(page.limit, position.as_deref()).await?;
    Ok(CustomersView {
        data: found.entries.into_iter().map(CustomerView::from).collect(),
        next_cursor: cursor::cursor(&guard.sealer, scope, found.next.as_deref()),
        total: None,
    })
}

async fn search(
    app: &App,
    guard: &Guard,
    scope: &str,
    q: String,
    page: &Page,
    now: Timestamp,
) -> Reply<CustomersView> {
    let position = page.position(&guard.sealer, scope)?;
    let after = position.as_deref().map(Place::read).transpose()?;
    let Some(snapshot) = app.index()?.newest(now).await? else {
        // Whoever looks first has it built.
        let task = Task::<CustomerId>::everything(String::new());
        task.tell(app.queues()?, Name::SearchCustomers).await?;
        return Err(Problem::search_not_ready());
    };
    let limit = usize::try_from(page.limit).unwrap_or(1);
    let question = Question { after, ..Question::words(q, vec![PLAIN], limit, now) };
    let Found { cards, total, facets: _, next } = snapshot.ask(&question)?;
    let ids = cards.iter().map(|card| id(card)).collect::<Result<Vec<_>, _>>()?;
    let mut accounts = app.store.accounts_by_id(&ids).await?;
    accounts.sort_by_key(|account| ids.iter().position(|id| *id == account.id));
    let next = next.as_ref().map(Place::text).transpose()?;
    Ok(CustomersView {
        data: accounts.into_iter().map(CustomerView::from).collect(),
        next_cursor: cursor::cursor(&guard.sealer, scope, next.as_deref()),
        total: Some(total),
    })
}

fn id(card: &[u8]) -> Result<CustomerId, Fault> {
    let id = std::str::from_utf8(card).ok().and_then(|text| CustomerId::parse(text).ok());
    id.ok_or_else(|| Fault::noticed("read a customer of the staff's index", Retry::Useless))
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_looked_for_has_a_length() {
        assert_eq!(flaws_of::<Wanted>(&json!({"q": "roe", "limit": 5})), []);
        let flaws = flaws_of::<Wanted>(&json!({"q": "", "name": "roe"}));
        let wanted = [("/q".to_owned(), "too_short"), ("/name".to_owned(), "unknown_field")];
        assert_eq!(flaws, wanted);
    }

    #[test]
    fn a_card_that_is_no_customer_is_our_fault() {
        assert!(id(b"cus_01ARZ3NDEKTSV4RRFFQ69G5FAV").is_ok());
        assert!(id(b"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV").is_err());
    }
}
