//! Reconciliation: the ledger of one payment, and what was found to differ.
//!
//! | item | table | key |
//! |---|---|---|
//! | finding | ephemeral | `REC#all` / intent#cause |
//!
//! A difference is one item, however often it is seen; it goes a month after it was seen last.

use domain::fault::{Fault, Retry};
use domain::id::PaymentId;
use domain::payment::Entry;
use domain::reconciliation::{Finding, Noted};
use jiff::{SignedDuration, Timestamp};

use crate::item::{Item, Key, Page, Range, document, item, number, text};
use crate::transaction::{Expression, Updated};
use crate::{Store, Table};

const FINDINGS: &str = "REC#all";
/// How long a finding is kept after it was seen last.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Entries of one payment that are read: a payment has a handful.
const ENTRIES_MAX: i32 = 500;

fn key(finding: &Finding) -> Key {
    Key::new(FINDINGS, format!("{}#{}", finding.intent, finding.cause.code()))
}

impl Store {
    /// The entries of a payment in the ledger.
    pub async fn payment_entries(&self, payment: PaymentId) -> Result<Vec<Entry>, Fault> {
        let range = Range { limit: Some(ENTRIES_MAX), ..Range::default() };
        let page = self.query(Table::Ledger, None, &format!("PAY#{payment}"), range).await?;
        if page.next.is_some() {
            let tried = format!("read all entries of {payment}: there are too many");
            return Err(Fault::noticed(tried, Retry::Useless));
        }
        page.entries.into_iter().map(document).collect()
    }

    /// Writes down that something differs, or that it was mended; when it was seen first stays.
    pub async fn note_mismatch(
        &self,
        finding: &Finding,
        is_healed: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let shown =
            Noted { finding: finding.clone(), first_seen_at: now, last_seen_at: now, is_healed };
        let key = key(finding);
        let expires = now.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let mut row: Item = item(&key, &shown)?;
        row.insert("expires".into(), number(expires.as_second()));
        row.retain(|name, _| !matches!(name.as_str(), "pk" | "sk" | "first_seen_at"));
        let mut condition = Expression::new("attribute_exists(pk) OR attribute_not_exists(pk)")
            .value(":first", text(now.to_string()));
        let mut update = "SET first_seen_at = if_not_exists(first_seen_at, :first)".to_owned();
        for (index, (name, value)) in row.into_iter().enumerate() {
            let (name_at, value_at) = (format!("#n{index}"), format!(":v{index}"));
            for part in [", ", &name_at, " = ", &value_at] {
                update.push_str(part);
            }
            condition = condition.name(&name_at, &name).value(&value_at, value);
        }
        match self.update_if(Table::Ephemeral, &key, &update, condition).await? {
            Updated::Yes(_) => Ok(()),
            Updated::Refused(_) => {
                Err(Fault::noticed("note a mismatch under no condition", Retry::Helps))
            }
        }
    }

    /// A page of what was found to differ.
    pub async fn mismatches(
        &self,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Noted>, Fault> {
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Ephemeral, None, FINDINGS, range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}
