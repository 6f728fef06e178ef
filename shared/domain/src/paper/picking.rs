//! Papers for the hands: what is in a parcel, and what is fetched from the shelves for many
//! parcels at once. No price stands on either: a parcel may be a present.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::catalog::{Kind as Goods, Locale, Sku};
use crate::fulfillment::Fulfillment;
use crate::id::LocationId;
use crate::invoice::about;
use crate::location::Location;
use crate::order::{Order, OrderLine};
use crate::paper::words::{Language, Words};
use crate::paper::{Align, Column, Fact, Kind, Paper, Row, Sheet, Table, envelope, figures};
use crate::shop::Shop;

/// Orders of one pick list: what one person fetches in one round.
pub const ORDERS_MAX: usize = 50;

/// Units of a line that wait to be sent.
const fn open(line: &OrderLine) -> u32 {
    match line.kind {
        Goods::Physical => {
            line.quantity.saturating_sub(line.canceled).saturating_sub(line.fulfilled)
        }
        Goods::Digital => 0,
    }
}

fn sender(shop: &Shop) -> Vec<String> {
    match &shop.legal_entity {
        Some(entity) => {
            let mut lines = vec![shop.name.clone()];
            lines.extend(entity.address.iter().cloned());
            lines.push(entity.country.code().to_owned());
            lines
        }
        None => vec![shop.name.clone()],
    }
}

fn sheet(shop: &Shop) -> Sheet {
    Sheet::of(shop.legal_entity.as_ref().map(|entity| entity.country).or(shop.country))
}

fn fact(label: &str, value: String) -> Fact {
    Fact { label: label.to_owned(), value }
}

/// The slip of an order that goes in one parcel: what of it is still to be sent or, where all of it
/// has left, all that was sent.
pub fn packing_slip(order: &Order, shop: &Shop, locale: &Locale, now: Timestamp) -> Paper {
    let is_done = order.lines.iter().all(|line| open(line) == 0);
    let enclosed = |line: &OrderLine| if is_done { line.fulfilled } else { open(line) };
    slip(order, enclosed, shop, locale, now)
}

/// The slip that lies in one parcel of an order: what is in this one.
pub fn parcel_slip(
    order: &Order,
    parcel: &Fulfillment,
    shop: &Shop,
    locale: &Locale,
    now: Timestamp,
) -> Paper {
    let enclosed = |line: &OrderLine| {
        let found = parcel.lines.iter().find(|one| one.line == line.id);
        found.map_or(0, |one| one.quantity)
    };
    slip(order, enclosed, shop, locale, now)
}

/// A slip that says of each line how many were ordered and how many lie in the parcel.
fn slip(
    order: &Order,
    enclosed: impl Fn(&OrderLine) -> u32,
    shop: &Shop,
    locale: &Locale,
    now: Timestamp,
) -> Paper {
    let words = Language::of(locale).words();
    let lines = order.lines.iter().filter(|line| line.kind == Goods::Physical);
    let rows = lines.filter(|line| enclosed(line) > 0).map(|line| Row {
        details: about(line),
        ..Row::of(vec![
            String::new(),
            line.title.clone(),
            line.quantity.saturating_sub(line.canceled).to_string(),
            enclosed(line).to_string(),
        ])
    });
    let columns = vec![
        Column::new("", 60, Align::Box),
        Column::new(words.item, 620, Align::Left),
        Column::new(words.ordered, 160, Align::Right),
        Column::new(words.enclosed, 160, Align::Right),
    ];
    let placed = order.placed_at.unwrap_or(order.created_at);
    let mut facts = vec![
        fact(words.order, order.number.clone()),
        fact(words.order_date, figures::day(placed, locale)),
    ];
    facts.extend(order.shipping.as_ref().map(|option| fact(words.shipping, option.name.clone())));
    let to = order.shipping_address.as_ref();
    Paper {
        kind: Kind::PackingSlip,
        language: Language::of(locale).code().to_owned(),
        sheet: sheet(shop),
        dated: now,
        sender: sender(shop),
        recipient: to.map(|to| envelope(to, shop.country)).unwrap_or_default(),
        title: words.packing_slip.to_owned(),
        name: order.number.clone(),
        barcode: Some(order.number.clone()),
        facts,
        table: Table { columns, rows: rows.collect() },
        sums: Vec::new(),
        taxes: None,
        notes: Vec::new(),
        footer: vec![shop.name.clone()],
        page: words.page.to_owned(),
    }
}

/// What is fetched from where, and for whom.
#[derive(Default)]
struct Pick {
    title: String,
    details: Vec<String>,
    units: u32,
    /// By order, in the order of their numbers.
    orders: BTreeMap<String, u32>,
}

/// The list of what is fetched for orders, location by location, SKU by SKU: each shelf is visited
/// once.
pub fn pick_list(
    orders: &[Order],
    locations: &[Location],
    shop: &Shop,
    locale: &Locale,
    now: Timestamp,
) -> Paper {
    let words = Language::of(locale).words();
    let mut picks: BTreeMap<LocationId, BTreeMap<Sku, Pick>> = BTreeMap::new();
    let physical: Vec<_> = orders.iter().map(|order| (order, waiting(order))).collect();
    for (order, waiting) in &physical {
        for allocation in order.allocations() {
            let place = allocation.place;
            let Some(line) = waiting.get(&place.sku).filter(|_| allocation.quantity > 0) else {
                continue;
            };
            let picks = picks.entry(place.location).or_default();
            let pick = picks.entry(place.sku).or_default();
            pick.title.clone_from(&line.title);
            let variant = Some(&line.variant_title).filter(|title| !title.is_empty());
            pick.details = variant.cloned().into_iter().collect();
            pick.units += allocation.quantity;
            *pick.orders.entry(order.number.clone()).or_default() += allocation.quantity;
        }
    }
    let units: u32 = picks.values().flat_map(BTreeMap::values).map(|pick| pick.units).sum();
    let count = physical.iter().filter(|(_, waiting)| !waiting.is_empty()).count();
    let rows = picks.into_iter().flat_map(|(id, picks)| {
        let found = locations.iter().find(|location| location.id == id);
        let name = found.map_or_else(|| id.to_string(), |location| location.name.clone());
        let heading = Row::heading(format!("{}: {name}", words.location));
        std::iter::once(heading).chain(picks.into_iter().map(|(sku, pick)| row(&sku, pick)))
    });
    Paper {
        kind: Kind::PickList,
        language: Language::of(locale).code().to_owned(),
        sheet: sheet(shop),
        dated: now,
        sender: vec![shop.name.clone()],
        recipient: Vec::new(),
        title: words.pick_list.to_owned(),
        name: figures::day(now, locale),
        barcode: None,
        facts: vec![
            fact(words.date, figures::day(now, locale)),
            fact(words.orders, count.to_string()),
            fact(words.quantity, format!("{units} {}", words.units)),
        ],
        table: Table { columns: pick_columns(words), rows: rows.collect() },
        sums: Vec::new(),
        taxes: None,
        notes: Vec::new(),
        footer: vec![shop.name.clone()],
        page: words.page.to_owned(),
    }
}

fn pick_columns(words: &Words) -> Vec<Column> {
    vec![
        Column::new("", 60, Align::Box),
        Column::new(words.item, 360, Align::Left),
        Column::new("SKU", 200, Align::Left),
        Column::new(words.quantity, 100, Align::Right),
        Column::new(words.orders, 280, Align::Left),
    ]
}

fn row(sku: &Sku, pick: Pick) -> Row {
    let whose = pick.orders.into_iter().map(|(number, units)| {
        // Never torn apart.
        format!("{units}\u{a0}×\u{a0}{number}")
    });
    let whose: Vec<String> = whose.collect();
    let cells =
        vec![String::new(), pick.title, sku.to_string(), pick.units.to_string(), whose.join(", ")];
    Row { details: pick.details, ..Row::of(cells) }
}

/// The lines of an order of which units wait to be sent, by their SKU.
fn waiting(order: &Order) -> BTreeMap<Sku, &OrderLine> {
    let lines = order.lines.iter().filter(|line| open(line) > 0);
    lines.map(|line| (line.sku.clone(), line)).collect()
}

/// Orders that a pick list was asked for and that nothing is to be fetched for: unpaid, called off,
/// held, or sent.
pub fn idle(orders: &[Order]) -> BTreeSet<String> {
    use crate::order::Status;
    let is_idle = |order: &&Order| {
        !matches!(order.status, Status::Placed | Status::Completed) || waiting(order).is_empty()
    };
    orders.iter().filter(is_idle).map(|order| order.number.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoice::tests::{german, order};
    use crate::order::Status;

    fn now() -> Timestamp {
        Timestamp::from_second(1_794_000_000).unwrap()
    }

    #[test]
    fn a_slip_says_what_is_still_to_be_sent_and_no_price() {
        let shop = german();
        let mut order = order(3, "EUR", "inclusive", &[190_000]);
        order.lines[0].quantity = 5;
        order.lines[0].canceled = 1;
        order.lines[0].fulfilled = 1;
        order.lines[1].fulfilled = order.lines[1].quantity;
        order.lines[2].kind = Goods::Digital;
        let slip = packing_slip(&order, &shop, &shop.default_locale, now());
        let cells: Vec<_> = slip.table.rows.iter().map(|row| row.cells.clone()).collect();
        assert_eq!(cells, [["", "Becher 0", "4", "3"]]);
        assert!(!format!("{slip:?}").contains("EUR"));
        order.lines[0].fulfilled = 4;
        let slip = packing_slip(&order, &shop, &shop.default_locale, now());
        assert_eq!(slip.table.rows.len(), 2, "all that was sent");
    }

    #[test]
    fn the_slip_of_a_parcel_says_what_is_in_this_one() {
        let shop = german();
        let mut order = order(3, "EUR", "inclusive", &[190_000]);
        for line in &mut order.lines {
            line.quantity = 5;
        }
        order.lines[1].fulfilled = 2;
        let parcel = |at: usize, quantity: u32| -> Fulfillment {
            serde_json::from_value(serde_json::json!({
                "id": "ful_01ARZ3NDEKTSV4RRFFQ69G5FAV", "order": order.id,
                "order_number": order.number, "location": "loc_01ARZ3NDEKTSV4RRFFQ69G5FAV",
                "status": "open", "version": 1, "created_at": now(), "updated_at": now(),
                "lines": [{
                    "line": order.lines[at].id, "sku": order.lines[at].sku, "quantity": quantity,
                }],
            }))
            .unwrap()
        };
        let enclosed = |parcel: &Fulfillment| -> Vec<Vec<String>> {
            let slip = parcel_slip(&order, parcel, &shop, &shop.default_locale, now());
            slip.table.rows.into_iter().map(|row| row.cells).collect()
        };
        assert_eq!(enclosed(&parcel(0, 3)), [["", "Becher 0", "5", "3"]]);
        assert_eq!(enclosed(&parcel(1, 2)), [["", "Becher 1", "5", "2"]]);
    }

    #[test]
    fn a_list_visits_each_shelf_once() {
        let shop = german();
        let orders: Vec<Order> = (0..3)
            .map(|at| {
                let mut order = order(2, "EUR", "inclusive", &[190_000]);
                order.number = format!("N-{at}");
                order
            })
            .collect();
        let list = pick_list(&orders, &[Location::first()], &shop, &shop.default_locale, now());
        let rows: Vec<_> = list
            .table
            .rows
            .iter()
            .map(|row| row.cells.join("|"))
            .map(|row| row.replace('\u{a0}', " "))
            .collect();
        assert_eq!(
            rows,
            [
                "Lager: Main location",
                "|Becher 0|SKU-0|3|1 × N-0, 1 × N-1, 1 × N-2",
                "|Becher 1|SKU-1|6|2 × N-0, 2 × N-1, 2 × N-2",
            ]
        );
    }

    #[test]
    fn nothing_is_fetched_for_what_is_unpaid_held_or_gone() {
        let mut orders = vec![order(1, "EUR", "inclusive", &[0]); 4];
        for (at, order) in orders.iter_mut().enumerate() {
            order.number = format!("N-{at}");
        }
        orders[1].status = Status::OnHold;
        orders[2].status = Status::PendingPayment;
        orders[3].lines[0].fulfilled = 1;
        let idle: Vec<_> = idle(&orders).into_iter().collect();
        assert_eq!(idle, ["N-1", "N-2", "N-3"]);
    }
}
