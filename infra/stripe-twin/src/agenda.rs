//! What is to happen when: ids in the order of their time, and of their entry within one
//! millisecond.

use std::collections::BTreeMap;

/// An ordered list of appointments.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    by_due: BTreeMap<(i64, u64), String>,
}

impl Agenda {
    /// Notes an appointment; `order` decides among those of the same millisecond.
    pub(crate) fn add(&mut self, due_ms: i64, order: u64, id: &str) {
        self.by_due.insert((due_ms, order), id.to_owned());
    }

    /// The time of the next appointment.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.by_due.keys().next().map(|(due_ms, _)| *due_ms)
    }

    /// Takes the next appointment off the list when its time has come.
    pub(crate) fn take_due(&mut self, now_ms: i64) -> Option<(i64, String)> {
        let entry = self.by_due.first_entry().filter(|entry| entry.key().0 <= now_ms)?;
        let ((due_ms, _), id) = entry.remove_entry();
        Some((due_ms, id))
    }
}
