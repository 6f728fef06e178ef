//! Invoices and credit notes, and the series that their numbers come from.
//!
//! | item | table | key |
//! |---|---|---|
//! | what a series has given out | orders | `SERIES#entity#kind` / META |
//! | invoice of an order | orders | `INV#order` / INVOICE · `by_status`: `INV#yyyymm` |
//! | credit note of a refund | orders | `INV#order` / CREDIT#refund · as above |
//! | credit note of an order that was called off | orders | `INV#order` / CREDIT#order · as above |
//! | what stands on it | orders | `PAPER#order` / as above |
//! | number, taken | orders | `INVNO#number` / META |
//!
//! All of it is written in one transaction, under the condition that the series stands where it was
//! read and that the order has none yet: a number that is taken has its invoice, and no order has
//! two. Nothing of it is ever changed or deleted; that a file was written is noted beside it.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::fault::Fault;
use domain::id::OrderId;
use domain::invoice::{Due, Invoice, Issued};
use domain::paper::Paper;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::item::{Key, Page, Range, Saved, count, document, item, moment, text};
use crate::order::Numbered;
use crate::transaction::{Committed, Expression, Transaction};
use crate::{Store, Table};

/// Papers of one order: an invoice, and a credit note for each of its refunds and for its end.
const PAPERS_MAX: i32 = 250;

#[derive(Serialize, Deserialize)]
struct Series {
    /// The last number that was given out.
    issued: u64,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    paper: Paper,
}

fn series_key(entity: &str, kind: Issued) -> Key {
    Key::meta(format!("SERIES#{entity}#{}", kind.code()))
}

fn sort_key(due: Due) -> String {
    match due.refund_id {
        Some(refund) => format!("CREDIT#{refund}"),
        None if due.is_called_off => "CREDIT#order".to_owned(),
        None => "INVOICE".to_owned(),
    }
}

fn row_key(due: Due) -> Key {
    Key::new(format!("INV#{}", due.order_id), sort_key(due))
}

fn paper_key(due: Due) -> Key {
    Key::new(format!("PAPER#{}", due.order_id), sort_key(due))
}

fn number_key(number: &str) -> Key {
    Key::meta(format!("INVNO#{number}"))
}

/// The list that an invoice stands in: those of its month, in UTC, like `INV#202611`.
fn month_list(month: &str) -> String {
    format!("INV#{}", month.replace('-', ""))
}

impl Store {
    /// The last number that a series has given out; 0 before the first.
    pub async fn last_number(&self, entity: &str, kind: Issued) -> Result<u64, Fault> {
        let series: Option<Series> =
            self.get(Table::Orders, &series_key(entity, kind), true).await?;
        Ok(series.map_or(0, |series| series.issued))
    }

    /// Whether a number was given out, by whichever series.
    pub async fn has_number(&self, number: &str) -> Result<bool, Fault> {
        let taken: Option<Numbered> = self.get(Table::Orders, &number_key(number), true).await?;
        Ok(taken.is_some())
    }

    /// Writes an invoice or a credit note, with what stands on it, and takes its number, in a
    /// series that stood at `before`. Raced is that the number is gone or that there is one
    /// already.
    pub async fn issue(
        &self,
        invoice: &Invoice,
        paper: &Paper,
        before: u64,
    ) -> Result<Saved, Fault> {
        let mut transaction = Transaction::default();
        let series = series_key(&invoice.entity, invoice.kind);
        let condition = if before == 0 {
            Expression::absent()
        } else {
            Expression::new("issued = :before").value(":before", count(before))
        };
        let row = item(&series, &Series { issued: invoice.sequence })?;
        transaction.put(self, Table::Orders, row, condition)?;
        let mut row = item(&row_key(Due::of(invoice)), invoice)?;
        let month: String = invoice.issued_at.to_string().chars().take(7).collect();
        row.insert("gsi2pk".into(), text(month_list(&month)));
        let place = format!("{}#{}", moment(invoice.issued_at), invoice.number);
        row.insert("gsi2sk".into(), text(place));
        transaction.put(self, Table::Orders, row, Expression::absent())?;
        let kept = Kept { paper: paper.clone() };
        let row = item(&paper_key(Due::of(invoice)), &kept)?;
        transaction.put(self, Table::Orders, row, Expression::absent())?;
        let numbered = Numbered { order_id: invoice.order_id };
        let row = item(&number_key(&invoice.number), &numbered)?;
        transaction.put(self, Table::Orders, row, Expression::absent())?;
        match transaction.commit(self, "issue an invoice").await? {
            Committed::Yes => Ok(Saved::Yes),
            Committed::Refused(_) => Ok(Saved::Raced),
        }
    }

    /// An invoice or a credit note, as it was issued.
    pub async fn invoice(&self, due: Due) -> Result<Option<Invoice>, Fault> {
        self.get(Table::Orders, &row_key(due), true).await
    }

    /// What stands on it.
    pub async fn paper(&self, due: Due) -> Result<Option<Paper>, Fault> {
        let kept: Option<Kept> = self.get(Table::Orders, &paper_key(due), true).await?;
        Ok(kept.map(|kept| kept.paper))
    }

    /// Notes that the file of an invoice was written; a second note changes nothing.
    pub async fn note_stored(&self, invoice: &Invoice, now: Timestamp) -> Result<(), Fault> {
        let condition = Expression::new("attribute_exists(pk) AND attribute_not_exists(stored_at)")
            .value(":now", AttributeValue::S(now.to_string()));
        let mut transaction = Transaction::default();
        let key = row_key(Due::of(invoice));
        transaction.update(self, Table::Orders, &key, "SET stored_at = :now", condition)?;
        transaction.commit(self, "note an invoice's file").await.map(drop)
    }

    /// The invoice of an order and its credit notes, in this order; one query.
    pub async fn invoices_of(&self, order: OrderId) -> Result<Vec<Invoice>, Fault> {
        let range = Range { limit: Some(PAPERS_MAX), is_descending: true, ..Range::default() };
        let page = self.query(Table::Orders, None, &format!("INV#{order}"), range).await?;
        page.entries.into_iter().map(document).collect()
    }

    /// A page of what was issued in a month (`2026-11`, in UTC), oldest first.
    pub async fn invoices(
        &self,
        month: &str,
        limit: i32,
        position: Option<&str>,
    ) -> Result<Page<Invoice>, Fault> {
        let index = Some(("by_status", "gsi2pk", Some("gsi2sk")));
        let range = Range { limit: Some(limit), position, ..Range::default() };
        let page = self.query(Table::Orders, index, &month_list(month), range).await?;
        let entries = page.entries.into_iter().map(document).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: page.next })
    }
}
