//! `exchange` queue: an import or an export has something to do. One message is some steps; whoever
//! did them sends the next one.

use domain::event::{Event, Fact};
use domain::exchange::Work;
use domain::fault::{Fault, Retry};
use jiff::Timestamp;
use queue::Message;

use crate::{App, exporting, importing};

/// Goes on with it.
pub async fn handle(app: &App, message: Message, now: Timestamp) -> Result<(), Fault> {
    match work(&message.body)? {
        Work::Import(id) => importing::run(app, id, now).await,
        Work::Export(id) => exporting::run(app, id, now).await,
    }
}

/// What a message is about.
fn work(body: &str) -> Result<Work, Fault> {
    let event: Event = serde_json::from_str(body)
        .map_err(|error| Fault::new("read which file is due", error, Retry::Useless))?;
    if let Fact::ExchangeDue { work } = event.fact {
        return Ok(work);
    }
    let tried = format!("read which file is due: it is {}", event.fact.name());
    Err(Fault::noticed(tried, Retry::Useless))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(fact: &str) -> String {
        format!(
            r#"{{"id":"evt_01ARZ3NDEKTSV4RRFFQ69G5FAV","at":"2026-11-02T09:00:00Z","sequence":1,
            {fact}}}"#
        )
    }

    #[test]
    fn only_a_file_that_is_due_is_gone_on_with() {
        let id = "imp_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let due = event(&format!(r#""type":"exchange.due","work":{{"import":"{id}"}}"#));
        assert!(matches!(work(&due), Ok(Work::Import(found)) if found.to_string() == id));
        let placed = r#""type":"order.placed","order_id":"ord_01ARZ3NDEKTSV4RRFFQ69G5FAV""#;
        for body in [event(placed), "{}".to_owned(), String::new()] {
            // What is none now is none the next time.
            assert_eq!(work(&body).unwrap_err().retry(), Retry::Useless);
        }
    }
}
