//! What goes with an order beside its goods and its money: how it was edited, what was issued for
//! it, and which letters were written about it. A letter is named, never its reader.

use jiff::{SignedDuration, Timestamp};

use crate::invoice::{Invoice, Issued};
use crate::message::{self, Channel, Delivery};
use crate::order_edit::{self, Edit};

/// A letter that nobody has sent after so long is stuck: its queue has tried all of its times.
const SENT_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// A paper has its file a moment after its number.
const STORED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn edited(edit: &Edit, now: Timestamp) -> String {
    let units: u32 = edit.removed.iter().map(|one| one.quantity).sum();
    let added = edit.added.as_ref().map_or(0, |added| added.lines.len());
    let made = edit.made.as_ref().and_then(|made| made.number.as_deref());
    let what = match edit.standing(now) {
        order_edit::Status::Open => format!("waits for a yes until {}", edit.until),
        order_edit::Status::Applied => match made {
            Some(number) => format!("was applied; what it adds is order {number}"),
            None => "was applied".to_owned(),
        },
        order_edit::Status::Declined => "was declined by the buyer".to_owned(),
        order_edit::Status::Withdrawn => "was taken back".to_owned(),
        order_edit::Status::Expired => "came to nothing: nobody agreed in time".to_owned(),
        order_edit::Status::Superseded => {
            "came to nothing: the order has become another one meanwhile".to_owned()
        }
    };
    format!(
        "Edit {} by {} takes off {units} units, adds {added} lines, with {} to be paid; it {what}.",
        edit.number, edit.by, edit.sums.due
    )
}

pub(super) fn issued(paper: &Invoice) -> String {
    let kind = match paper.kind {
        Issued::Invoice => "Invoice",
        Issued::CreditNote => "Credit note",
    };
    let file = if paper.stored_at.is_some() { "" } else { ", and has no file yet" };
    format!("{kind} {} of {} was issued at {}{file}.", paper.number, paper.total, paper.issued_at)
}

pub(super) fn written(letter: &Delivery) -> String {
    let by = match letter.channel {
        Channel::Mail => "Letter",
        Channel::Sms => "Text",
    };
    let what = match letter.status {
        message::Status::Queued => "waits to be sent",
        message::Status::Sending => "is being sent, or is tried again",
        message::Status::Sent => "was sent",
        message::Status::Delivered => "arrived",
        message::Status::Bounced => "came back",
        message::Status::Complained => "was called spam",
        message::Status::Suppressed => "was not sent: its address is not written to",
        message::Status::Failed => "can not be sent",
    };
    format!("{by} {} ({}) of {} {what}.", letter.letter, letter.id, letter.queued_at)
}

/// What does not fit together, each with what to do.
pub(super) fn odd(invoices: &[Invoice], letters: &[Delivery], now: Timestamp) -> Vec<String> {
    let is_old = |at: Timestamp, within| now.duration_since(at) > within;
    let mut odd = Vec::new();
    for paper in invoices {
        if paper.stored_at.is_none() && is_old(paper.issued_at, STORED_WITHIN) {
            odd.push(format!("{} has no file; ask for it once more.", paper.number));
        }
    }
    for letter in letters {
        let is_waiting =
            matches!(letter.status, message::Status::Queued | message::Status::Sending);
        if is_waiting && is_old(letter.queued_at, SENT_WITHIN) {
            odd.push(format!("letter {} is not sent; look into its queue.", letter.id));
        }
        if matches!(letter.status, message::Status::Bounced | message::Status::Failed) {
            odd.push(format!("letter {} did not arrive; ask for the address.", letter.id));
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + hours * 3_600).unwrap()
    }

    fn letter(status: message::Status) -> Delivery {
        serde_json::from_value(json!({
            "id": "msg_01ARZ3NDEKTSV4RRFFQ69G5FAV", "letter": "order_confirmation",
            "to": "j***@example.org", "address": "5f", "status": status, "queued_at": at(0),
        }))
        .unwrap()
    }

    fn paper(stored_at: Option<Timestamp>) -> Invoice {
        serde_json::from_value(json!({
            "number": "RE-000007", "kind": "invoice", "entity": "main", "sequence": 7,
            "order_id": "ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "order_number": "56G-ZSP-RTD",
            "total": {"amount": 1_190, "currency": "EUR"}, "issued_at": at(0),
            "stored_at": stored_at,
        }))
        .unwrap()
    }

    #[test]
    fn every_letter_has_its_sentence_and_none_names_its_reader() {
        for status in message::Status::ALL {
            let said = written(&letter(status));
            assert!(said.starts_with("Letter order_confirmation (msg_"), "{said}");
            assert!(said.ends_with('.') && !said.contains('@'), "{said}");
        }
    }

    #[test]
    fn a_letter_that_hangs_or_came_back_is_odd() {
        let odd_after = |status, hours| odd(&[], &[letter(status)], at(hours)).len();
        assert_eq!(odd_after(message::Status::Queued, 1), 0, "it may still be on its way");
        assert_eq!(odd_after(message::Status::Sending, 2), 1);
        assert_eq!(odd_after(message::Status::Bounced, 0), 1);
        assert_eq!(odd_after(message::Status::Delivered, 900), 0);
    }

    #[test]
    fn a_paper_is_named_and_is_odd_without_its_file() {
        let said = issued(&paper(None));
        assert!(said.starts_with("Invoice RE-000007 of ") && said.contains("no file"), "{said}");
        assert_eq!(odd(&[paper(None)], &[], at(1)), Vec::<String>::new());
        assert_eq!(odd(&[paper(None)], &[], at(2)).len(), 1);
        assert!(odd(&[paper(Some(at(0)))], &[], at(2)).is_empty());
    }
}
