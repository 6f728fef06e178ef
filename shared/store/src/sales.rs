//! What was sold on which day, for the forecast, and what was noticed of stock.
//!
//! | item | table | key |
//! |---|---|---|
//! | units of a SKU sold on a day | inventory | `SALES#code` / date |
//! | an order that was counted | ephemeral | `SOLD#order` / META |
//! | what was noticed | inventory | `SIGNALS#date` / time#sku#location |
//! | a level that its movements do not explain | inventory | `FINDINGS` / time#sku#location |

use domain::catalog::Sku;
use domain::fault::Fault;
use domain::id::{LocationId, OrderId};
use domain::movement::Finding;
use domain::stock::Crossing;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::item::{Key, Page, Range, document, item, moment, number};
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table};

/// How long it is remembered that an order was counted: longer than any queue keeps a message.
const SEEN: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long days are kept that a forecast may look at.
const KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);

#[derive(Serialize, Deserialize)]
struct Day {
    day: String,
    units: u32,
}

#[derive(Serialize)]
struct Seen {
    expires: i64,
}

/// The day of a moment, in UTC: 2026-11-21.
pub fn day_of(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

fn at_key(partition: String, at: Timestamp, sku: &Sku, location: LocationId) -> Key {
    Key::new(partition, format!("{}#{sku}#{location}", moment(at)))
}

/// Something that was noticed of a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    /// Of what.
    pub sku: Sku,
    /// Where.
    pub location: LocationId,
    /// What.
    pub crossing: Crossing,
    /// Units for sale then.
    pub available: i64,
    /// When.
    pub at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Found {
    #[serde(flatten)]
    finding: Finding,
    at: Timestamp,
}

/// Writes down what was noticed, in the transaction that remembers it.
pub(crate) fn notice(
    store: &Store,
    transaction: &mut Transaction,
    noticed: &Noticed,
) -> Result<(), Fault> {
    let partition = format!("SIGNALS#{}", day_of(noticed.at));
    let mut key = at_key(partition, noticed.at, &noticed.sku, noticed.location);
    key.sk = format!("{}#{:?}", key.sk, noticed.crossing);
    let mut row = item(&key, noticed)?;
    let expires = noticed.at.as_second().saturating_add(KEPT.as_secs());
    row.insert("expires".into(), number(expires));
    // No condition that could fail: the same thing twice in one moment is one entry.
    let any = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)");
    transaction.put(store, Table::Inventory, row, any)
}

impl Store {
    /// Counts what an order sold, once.
    pub async fn count_sales(
        &self,
        order: OrderId,
        units: &[(Sku, u32)],
        placed_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if units.is_empty() {
            return Ok(());
        }
        let mut transaction = Transaction::default();
        let seen = Seen { expires: now.as_second().saturating_add(SEEN.as_secs()) };
        let seen = item(&Key::meta(format!("SOLD#{order}")), &seen)?;
        transaction.put(self, Table::Ephemeral, seen, Expression::absent())?;
        let day = day_of(placed_at);
        let expires = placed_at.as_second().saturating_add(KEPT.as_secs());
        for (sku, quantity) in units {
            let condition = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)")
                .name("#day", "day")
                .name("#units", "units")
                .value(":day", crate::item::text(&day))
                .value(":none", number(0_i64))
                .value(":units", number(i64::from(*quantity)))
                .value(":expires", number(expires));
            let update = "SET #day = :day, expires = :expires, \
                          #units = if_not_exists(#units, :none) + :units";
            let key = Key::new(format!("SALES#{sku}"), &day);
            transaction.update(self, Table::Inventory, &key, update, condition)?;
        }
        match transaction.commit(self, "count what was sold").await? {
            // Refused: it was counted when its event came before.
            Committed::Yes | Committed::Refused(_) => Ok(()),
        }
    }

    /// The units of a SKU sold on each of the last `days` days, the oldest first, today last.
    pub async fn sales(&self, sku: &Sku, days: usize, now: Timestamp) -> Result<Vec<u32>, Fault> {
        let limit = i32::try_from(days).unwrap_or(i32::MAX);
        let range = Range { is_descending: true, limit: Some(limit), ..Range::default() };
        let page = self.query(Table::Inventory, None, &format!("SALES#{sku}"), range).await?;
        let mut sold = std::collections::BTreeMap::new();
        for row in page.entries {
            let day: Day = document(row)?;
            sold.insert(day.day, day.units);
        }
        let ages = (0..days).rev();
        let units = ages.map(|age| {
            let hours = i64::try_from(age).unwrap_or(0).saturating_mul(24);
            let at = now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(now);
            sold.get(&day_of(at)).copied().unwrap_or(0)
        });
        Ok(units.collect())
    }

    /// What was noticed on a day, newest first.
    pub async fn noticed(
        &self,
        day: &str,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Noticed>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let partition = format!("SIGNALS#{day}");
        let page = self.query(Table::Inventory, None, &partition, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }

    /// Writes down a level that its movements do not explain.
    pub async fn note_finding(&self, finding: &Finding, now: Timestamp) -> Result<(), Fault> {
        let key = at_key("FINDINGS".to_owned(), now, &finding.sku, finding.location);
        let row = item(&key, &Found { finding: finding.clone(), at: now })?;
        self.put_if(Table::Inventory, row, Expression::absent()).await.map(drop)
    }

    /// What the nightly proof found, newest first.
    pub async fn findings(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<(Finding, Timestamp)>, Fault> {
        let range = Range { is_descending: true, limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Inventory, None, "FINDINGS", range).await?;
        let entries = page
            .entries
            .into_iter()
            .map(|row| document(row).map(|found: Found| (found.finding, found.at)))
            .collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}
