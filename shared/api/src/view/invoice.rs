//! Invoices and credit notes, as their buyers and the staff see them.

use domain::id::{OrderId, RefundId};
use domain::invoice::{Invoice, Issued};
use domain::money::Money;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::List;
use crate::reply::View;

/// An invoice or a credit note.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceView {
    /// Its number: those of a series have no gaps.
    pub number: String,
    /// What it is.
    pub kind: Issued,
    /// Of which order.
    pub order_id: OrderId,
    /// What people call the order.
    pub order_number: String,
    /// The refund that a credit note is of; null for an invoice, and where an order was called off.
    pub refund_id: Option<RefundId>,
    /// What it comes to; what a credit note gives back.
    pub total: Money,
    /// When it was issued.
    #[schemars(with = "String")]
    pub issued_at: Timestamp,
    /// Where its PDF can be fetched, for a minute; null in lists, and while it is being written.
    pub url: Option<String>,
}

impl View for List<InvoiceView> {}

impl From<Invoice> for InvoiceView {
    fn from(invoice: Invoice) -> Self {
        Self {
            number: invoice.number,
            kind: invoice.kind,
            order_id: invoice.order_id,
            order_number: invoice.order_number,
            refund_id: invoice.refund_id,
            total: invoice.total,
            issued_at: invoice.issued_at,
            url: None,
        }
    }
}

/// The invoice of an order, and what was given back of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderInvoicesView {
    /// The invoice.
    pub invoice: InvoiceView,
    /// A credit note for each refund that came about.
    pub credit_notes: Vec<InvoiceView>,
}

impl View for OrderInvoicesView {}
