//! What an export does when nobody waits for it: read a page, write a part, put the parts together.
//!
//! A part holds rows as lines of JSON whatever the file will be: which columns a CSV has is known
//! only at the end, when all currencies of all prices were seen.

use std::collections::BTreeSet;

use domain::exchange::export::{Export, Filter, READ_AT_ONCE, State};
use domain::exchange::{Format, Kind, Shown, Work, customer, price, product, stock, write};
use domain::fault::{Fault, Retry};
use domain::id::ExportId;
use files::Bucket;
use jiff::Timestamp;
use queue::Name;
use serde::{Deserialize, Serialize};
use store::Saved;

use crate::App;
use crate::importing::{due, put};

/// Pages of one call; then the next message goes on.
const STEPS_MAX: usize = 40;

/// Where an export's file is kept.
pub(crate) fn file_key(export: &Export) -> String {
    format!("{}{}/{}", files::EXPORTS, export.id, file_name(export))
}

/// The name that the file is saved under.
pub(crate) fn file_name(export: &Export) -> String {
    let ending = match export.format {
        Format::Csv | Format::Shopify => "csv",
        Format::Ndjson => "ndjson",
    };
    let day = export.created_at.strftime("%Y-%m-%d");
    format!("{}-{day}.{ending}", export.kind.code())
}

fn part_key(id: ExportId, part: u32) -> String {
    format!("{}{id}/part-{part:06}.ndjson", files::EXPORTS)
}

/// Goes on with an export for some pages, and sees to it that somebody goes on afterwards.
pub(crate) async fn run(app: &App, id: ExportId, now: Timestamp) -> Result<(), Fault> {
    let Some(mut export) = app.store.export(id).await? else { return Ok(()) };
    let bucket = app.bucket()?;
    for _ in 0..STEPS_MAX {
        let after = match export.state {
            State::Done | State::TooLarge => return clear(bucket, &export).await,
            State::Running if export.is_read => {
                let bytes = assemble(bucket, &export).await?;
                export.finish(bytes, now)
            }
            State::Running => {
                let (rows, next) = page(app, &export, now).await?;
                let bytes = lines(&rows)?;
                put(bucket, &part_key(id, export.parts), bytes).await?;
                let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                export.wrote(count, next, now)
            }
        };
        match app.store.save_export(&export, &after).await? {
            Saved::Yes => {}
            // The answer of our own write may have been lost; anything else is somebody else's.
            Saved::Raced if app.store.export(id).await?.as_ref() == Some(&after) => {}
            Saved::Raced => return Ok(()),
        }
        export = after;
    }
    let event = due(app, Work::Export(id), now);
    let text = serde_json::to_string(&event)
        .map_err(|error| Fault::new("write an event", error, Retry::Useless))?;
    app.queues.send(Name::Exchange, &text).await
}

/// Forgets the parts; what is left where this fails is gone in a week.
async fn clear(bucket: &Bucket, export: &Export) -> Result<(), Fault> {
    for part in 0..export.parts {
        bucket.delete(&part_key(export.id, part)).await?;
    }
    Ok(())
}

fn lines(rows: &[Shown]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut out, row)
            .map_err(|error| Fault::new("write a row", error, Retry::Useless))?;
        out.push(b'\n');
    }
    Ok(out)
}

/// One page of rows, and where the next one begins.
async fn page(
    app: &App,
    export: &Export,
    now: Timestamp,
) -> Result<(Vec<Shown>, Option<String>), Fault> {
    let (Filter { status }, position) = (export.filter, export.position.as_deref());
    match export.kind {
        Kind::Products | Kind::Prices => {
            let page = app.store.every_product(status, READ_AT_ONCE, position).await?;
            let rows = page.entries.iter().flat_map(|one| match export.kind {
                Kind::Prices => {
                    one.variants.iter().flat_map(|variant| price::shown(variant, now)).collect()
                }
                Kind::Products | Kind::Stock | Kind::Customers => product::shown(one),
            });
            Ok((rows.collect(), page.next))
        }
        Kind::Stock => stock_page(app, position).await,
        Kind::Customers => {
            let page = app.store.accounts(READ_AT_ONCE, position).await?;
            Ok((page.entries.iter().map(customer::shown).collect(), page.next))
        }
    }
}

/// Where the next page of stock begins: at which location, and where there.
#[derive(Default, Serialize, Deserialize)]
struct Place {
    location: usize,
    position: Option<String>,
}

async fn stock_page(
    app: &App,
    position: Option<&str>,
) -> Result<(Vec<Shown>, Option<String>), Fault> {
    let broken = |error| Fault::new("read a place in an export", error, Retry::Useless);
    let place: Place = match position {
        Some(text) => serde_json::from_str(text).map_err(broken)?,
        None => Place::default(),
    };
    let locations = app.store.locations_now().await?;
    let Some(location) = locations.all.get(place.location) else { return Ok((Vec::new(), None)) };
    let at = place.position.as_deref();
    let page = app.store.levels_in(location.id, READ_AT_ONCE, at).await?;
    let rows = page.entries.iter().filter(|level| level.place.shard.is_none());
    let rows = rows
        .map(|level| stock::shown(&level.place.sku, location.id, level.units.on_hand))
        .collect();
    let next = match page.next {
        Some(position) => Some(Place { position: Some(position), ..place }),
        None if place.location + 1 < locations.all.len() => {
            Some(Place { location: place.location + 1, position: None })
        }
        None => None,
    };
    Ok((rows, next.map(|next| serde_json::to_string(&next)).transpose().map_err(broken)?))
}

/// Puts the parts together; answers the bytes of the file.
async fn assemble(bucket: &Bucket, export: &Export) -> Result<u64, Fault> {
    let mut rows: Vec<Shown> = Vec::new();
    for part in 0..export.parts {
        let found = bucket.get(&part_key(export.id, part)).await?;
        let found = found.ok_or_else(|| Fault::noticed("find a part again", Retry::Useless))?;
        for line in found.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let row = serde_json::from_slice(line)
                .map_err(|error| Fault::new("read a part again", error, Retry::Useless))?;
            rows.push(row);
        }
    }
    let bytes = file(export.kind, export.format, &rows);
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    put(bucket, &file_key(export), bytes).await?;
    Ok(length)
}

/// The rows as a file.
fn file(kind: Kind, format: Format, rows: &[Shown]) -> Vec<u8> {
    let own = |columns: &[&str]| columns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let columns = match kind {
        Kind::Products => product::columns(rows),
        Kind::Prices => own(&price::COLUMNS),
        Kind::Stock => own(&stock::COLUMNS),
        Kind::Customers => own(&customer::COLUMNS),
    };
    debug_assert_eq!(columns.iter().collect::<BTreeSet<_>>().len(), columns.len());
    let mut out = Vec::new();
    let cells = |row: &Shown| -> Vec<String> {
        columns.iter().map(|column| row.get(column).cloned().unwrap_or_default()).collect()
    };
    match format {
        Format::Csv | Format::Shopify => {
            out.extend_from_slice(write::BYTE_ORDER_MARK);
            write::csv_row(columns.iter().map(String::as_str), &mut out);
            for row in rows {
                write::csv_row(cells(row).iter().map(String::as_str), &mut out);
            }
        }
        Format::Ndjson => {
            for row in rows {
                let cells = cells(row);
                let names = columns.iter().map(String::as_str);
                write::json_row(names.zip(cells.iter().map(String::as_str)), &mut out);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_all_columns_of_all_rows_and_no_formula() {
        let row = |pairs: &[(&str, &str)]| -> Shown {
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let rows = [
            row(&[("handle", "mug"), ("title", "=1+1"), ("sku", "MUG-1"), ("price_EUR", "1.00")]),
            row(&[("handle", "cup"), ("title", "Cup"), ("sku", "CUP-1"), ("price_JPY", "100")]),
        ];
        let csv = String::from_utf8(file(Kind::Products, Format::Csv, &rows)).unwrap();
        let mut lines = csv.lines();
        let head = lines.next().unwrap();
        assert!(
            head.starts_with('\u{feff}')
                && head.ends_with("sku,price_EUR,price_JPY,weight_grams,quantity_max"),
            "{head}"
        );
        assert!(lines.next().unwrap().starts_with("mug,'=1+1,"));
        let json = String::from_utf8(file(Kind::Products, Format::Ndjson, &rows)).unwrap();
        assert!(json.starts_with('{') && json.contains(r#""title":"=1+1""#), "{json}");
        assert_eq!(json.lines().count(), 2);
    }
}
