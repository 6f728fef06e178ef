//! `GET /v1/admin/invoices?month=2026-11`: what was issued in a month, in UTC, oldest first: what
//! the books are made of. One query.

use api::cursor::{self, List, Page};
use api::form::Parsed;
use api::view::invoice::InvoiceView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::permission::grant;
use runtime::Call;

use crate::App;

/// Which month.
#[derive(Debug)]
pub struct Wanted {
    month: String,
    page: Page,
}

/// A month like `2026-11`.
fn month(text: &str) -> Option<String> {
    let (year, month) = text.split_once('-')?;
    let is_number = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())
    };
    let is_month = is_number(year, 4)
        && is_number(month, 2)
        && month.parse().is_ok_and(|month: u8| (1..=12).contains(&month));
    is_month.then(|| text.to_owned())
}

impl Form for Wanted {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let rule = Parsed::by(month, "a month like 2026-11", 7);
        let month = fields.required("month", rule.pattern("^[0-9]{4}-(0[1-9]|1[0-2])$"));
        let page = Page::read(fields);
        Some(Self { month: month?, page: page? })
    }
}

/// Lists them.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::OrdersRead>, Query<Wanted>>,
) -> Reply<List<InvoiceView>> {
    let Query(Wanted { month, page }) = call.input;
    let scope = format!("invoices:{}:{month}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.invoices(&month, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    Ok(List { data: found.entries.into_iter().map(InvoiceView::from).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use api::form::flaws_of;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_month_has_a_year() {
        assert_eq!(flaws_of::<Wanted>(&json!({"month": "2026-01"})), []);
        assert_eq!(flaws_of::<Wanted>(&json!({})), [("/month".to_owned(), "required")]);
        for wrong in ["2026-13", "2026-00", "26-01", "2026-1", "+026-01", "2026-+1"] {
            let flaws = flaws_of::<Wanted>(&json!({"month": wrong}));
            assert_eq!(flaws.len(), 1, "{wrong}");
        }
    }
}
