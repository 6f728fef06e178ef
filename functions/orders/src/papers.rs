//! The files of invoices and credit notes: where they lie, and how they are lent.

use api::view::invoice::{InvoiceView, OrderInvoicesView};
use api::{Problem, Reply};
use domain::fault::{Fault, Retry};
use domain::id::OrderId;
use domain::invoice::{Invoice, Issued};
use domain::order::Order;
use files::{Files, paper_key};
use jiff::Timestamp;

use crate::App;

/// What an order has of invoices, with addresses that are good for a minute; 404 as long as its
/// invoice is not written.
pub(crate) async fn of_order(app: &App, id: OrderId, now: Timestamp) -> Reply<OrderInvoicesView> {
    let files = app.files.as_ref().ok_or_else(Problem::internal)?;
    let (mut invoice, mut credit_notes) = (None, Vec::new());
    for each in app.store.invoices_of(id).await? {
        let kind = each.kind;
        let view = lent(files, each, now).await?;
        match kind {
            Issued::Invoice => invoice = Some(view),
            Issued::CreditNote => credit_notes.push(view),
        }
    }
    credit_notes.sort_by_key(|note| note.issued_at);
    let invoice = invoice.filter(|invoice| invoice.url.is_some());
    let invoice = invoice.ok_or_else(Problem::invoice_not_ready)?;
    Ok(OrderInvoicesView { invoice, credit_notes })
}

async fn lent(files: &Files, invoice: Invoice, now: Timestamp) -> Result<InvoiceView, Fault> {
    let url = match invoice.stored_at {
        Some(_) => {
            let name = format!("{}.pdf", invoice.number);
            Some(files.address(&paper_key(&invoice), &name, now).await?)
        }
        None => None,
    };
    Ok(InvoiceView { url, ..InvoiceView::from(invoice) })
}

/// The orders with these ids, in their order; what is not there is refused as a whole.
pub(crate) async fn orders(app: &App, ids: &[OrderId]) -> Reply<Vec<Order>> {
    let mut orders = app.store.orders_by_id(ids).await?;
    orders.sort_by_key(|order| ids.iter().position(|id| *id == order.id));
    let is_complete = ids.iter().all(|id| orders.iter().any(|order| order.id == *id));
    if is_complete { Ok(orders) } else { Err(Problem::not_found()) }
}

/// What the job was not told of.
pub(crate) fn untold() -> Fault {
    Fault::noticed("write papers without knowing where", Retry::Useless)
}
