//! `GET /v1/admin/inventory/events?day=`: what ran low, ran out and came back; one query.

use api::cursor::{self, List, Page};
use api::form::Parsed;
use api::view::inventory::NoticedView;
use api::{Fields, Form, Query, Reply, Staff};
use domain::permission::grant;
use jiff::civil::Date;
use runtime::Call;
use store::sales::{Noticed, day_of};

use crate::App;

/// On which day (today, unless said otherwise), which page.
#[derive(Debug)]
pub struct OnDay {
    day: Option<Date>,
    page: Page,
}

const DAY: &str = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

fn day(text: &str) -> Option<Date> {
    let shape = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let date: Date = if shape { text.parse().ok()? } else { return None };
    (date.to_string() == text).then_some(date)
}

impl Form for OnDay {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let rule = Parsed::by(day, "a day like 2026-11-21", 10).pattern(DAY);
        let day = fields.optional("day", rule);
        let page = Page::read(fields);
        Some(Self { day: day?, page: page? })
    }
}

/// Lists what was noticed, newest first.
pub async fn handle(
    app: &App,
    call: Call<Staff<grant::InventoryRead>, Query<OnDay>>,
) -> Reply<List<NoticedView>> {
    let Query(OnDay { day, page }) = call.input;
    let day = day.map_or_else(|| day_of(call.now), |day| day.to_string());
    let scope = format!("events:{day}:{}", call.who.actor());
    let position = page.position(&call.guard.sealer, &scope)?;
    let found = app.store.noticed(&day, page.limit, position.as_deref()).await?;
    let next_cursor = cursor::cursor(&call.guard.sealer, &scope, found.next.as_deref());
    let view = |Noticed { sku, location, crossing, available, at }| NoticedView {
        sku,
        location_id: location,
        crossing,
        available,
        at,
    };
    Ok(List { data: found.entries.into_iter().map(view).collect(), next_cursor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_one_way() {
        assert!(day("2026-11-21").is_some());
        for wrong in ["", "2026-02-30", "21.11.2026", "2026-11-21T00:00:00Z", "-002026-11"] {
            assert_eq!(day(wrong), None, "{wrong}");
        }
    }
}
