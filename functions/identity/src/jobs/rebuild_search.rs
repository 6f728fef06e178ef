//! Invoked by hand: has the staff's index of customers built anew, by its one writer and after what
//! was to be done before. For what a dead letter has missed.

use domain::fault::Fault;
use domain::id::CustomerId;
use queue::Name;
use runtime::Errand;
use serde::Deserialize;
use snapshots::Task;

use crate::App;

/// Nothing is handed over.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// Asks for it.
pub async fn handle(app: &App, errand: Errand<Nothing>) -> Result<(), Fault> {
    let task = Task::<CustomerId>::everything(errand.now.to_string());
    task.tell(app.queues()?, Name::SearchCustomers).await
}
