//! The queue of invoices: one after the other, each with the next number of its series.
//!
//! The number, the invoice and what stands on it are written in one transaction; its file follows
//! and is made of what was written, so that whoever comes later makes the same bytes. A message
//! that comes again finds what is there and does what is missing. An order that was never placed
//! gets none, and neither does one of a shop that has not said who it is before the law.

use domain::fault::{Fault, Retry};
use domain::invoice::{self, Due, Invoice, Issue, Issued, LegalEntity, locale_of};
use domain::money;
use domain::paper::Paper;
use domain::refund;
use domain::shop::Shop;
use files::{Condition, NewObject};
use jiff::Timestamp;
use store::Saved;
use store::order::OrderFile;

use crate::{App, papers};

/// How often a lost race is run again before the message comes back by itself.
const RACES_MAX: usize = 5;

/// Issues what a message asks for.
pub async fn handle(app: &App, message: queue::Message, now: Timestamp) -> Result<(), Fault> {
    let due: Due = serde_json::from_str(&message.body)
        .map_err(|error| Fault::new("read what is to be issued", error, Retry::Useless))?;
    // A credit note is of an invoice: where that is not there yet, it comes first.
    let first = Due::invoice(due.order_id);
    let Some(of) = issued(app, first, None, now).await? else { return Ok(()) };
    write_file(app, first, &of, now).await?;
    if due != first
        && let Some(note) = issued(app, due, Some(&of), now).await?
    {
        write_file(app, due, &note, now).await?;
    }
    Ok(())
}

/// What is due, issued now if it was not; none where nothing is to be issued.
async fn issued(
    app: &App,
    due: Due,
    of: Option<&Invoice>,
    now: Timestamp,
) -> Result<Option<Invoice>, Fault> {
    let mut refused = None;
    for _ in 0..RACES_MAX {
        if let Some(known) = app.store.invoice(due).await? {
            return Ok(Some(known));
        }
        let shop = app.store.shop().await?.value;
        let Some(entity) = &shop.legal_entity else {
            tracing::info!(order = %due.order_id, "no invoice: the shop has no legal entity");
            return Ok(None);
        };
        let file = app.store.order(due.order_id).await?;
        let tried = || Fault::noticed(format!("find {}", due.order_id), Retry::Useless);
        let file = file.ok_or_else(tried)?;
        if file.order.placed_at.is_none() {
            return Ok(None);
        }
        let kind = if of.is_some() { Issued::CreditNote } else { Issued::Invoice };
        let last = app.store.last_number(&entity.code, kind).await?;
        // The series stands where it stood: nobody was faster, the number is another series'.
        let sequence = if refused == Some(last) {
            first_free(app, entity, kind, last).await?
        } else {
            last + 1
        };
        let Some((invoice, paper)) = written(&file, &shop, due, of, sequence, now)? else {
            return Ok(None);
        };
        if app.store.issue(&invoice, &paper, last).await? == Saved::Yes {
            return Ok(Some(invoice));
        }
        refused = Some(last);
    }
    let tried = format!("issue an invoice of {}: others were faster every time", due.order_id);
    Err(Fault::noticed(tried, Retry::Helps))
}

/// The next number that no series has: one of another code had the prefix before, or the two
/// prefixes of this one were changed for each other. The numbers of a series stand close together,
/// so their end is found by ever longer steps, and then by halves.
async fn first_free(
    app: &App,
    entity: &LegalEntity,
    kind: Issued,
    last: u64,
) -> Result<u64, Fault> {
    let is_taken = async |sequence| app.store.has_number(&entity.number(kind, sequence)).await;
    // Everything up to here is taken or was given out by this series.
    let mut taken = last;
    let mut step = 1;
    while is_taken(taken + step).await? {
        taken += step;
        step *= 2;
    }
    let mut free = taken + step;
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if is_taken(middle).await? {
            taken = middle;
        } else {
            free = middle;
        }
    }
    Ok(free)
}

/// The invoice or the credit note with this number; none for a refund that did not come about, or
/// whose goods have one, and for an order that was called off of which refunds give back all.
fn written(
    file: &OrderFile,
    shop: &Shop,
    due: Due,
    of: Option<&Invoice>,
    sequence: u64,
    now: Timestamp,
) -> Result<Option<(Invoice, Paper)>, Fault> {
    let Some(entity) = &shop.legal_entity else { return Ok(None) };
    let locale = locale_of(&file.order, shop);
    let issue = Issue { entity, locale: &locale, sequence, now };
    let broken = |refusal: money::Refusal| {
        let tried = format!("add up {}", file.order.id);
        Fault::new(tried, refusal, Retry::Useless)
    };
    let Some(of) = of else {
        return invoice::invoice(&file.order, issue).map(Some).map_err(broken);
    };
    if due.is_called_off {
        let note = invoice::called_off(&file.order, &file.refunds, &of.number, issue);
        return note.map_err(broken);
    }
    let refund = file.refunds.iter().find(|refund| Some(refund.id) == due.refund_id);
    // What had paid for a replacement was credited when the goods came back.
    let is_credited = |refund: &&refund::Refund| {
        refund.status == refund::Status::Succeeded && refund.origin != refund::Origin::Exchange
    };
    let Some(refund) = refund.filter(is_credited) else { return Ok(None) };
    invoice::credit_note(&file.order, refund, &of.number, issue).map(Some).map_err(broken)
}

/// Writes the file of what was issued, where it is not there yet.
async fn write_file(app: &App, due: Due, invoice: &Invoice, now: Timestamp) -> Result<(), Fault> {
    if invoice.stored_at.is_some() {
        return Ok(());
    }
    let tried = || Fault::noticed(format!("find the paper of {}", invoice.number), Retry::Useless);
    let paper = app.store.paper(due).await?.ok_or_else(tried)?;
    let object = NewObject {
        bytes: documents::pdf(&[paper])?.into(),
        content_type: documents::MEDIA_TYPE,
        cache_control: None,
    };
    let bucket = app.bucket.as_ref().ok_or_else(papers::untold)?;
    // What lies there already was made of the same paper: it is the same.
    bucket.put_if(&files::paper_key(invoice), object, Condition::Absent).await?;
    app.store.note_stored(invoice, now).await
}
