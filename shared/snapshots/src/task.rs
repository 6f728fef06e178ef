//! What the one writer of an index is told, through its FIFO queue.
//!
//! A task names what to look at, never what it is: the writer reads that itself, so that tasks may
//! come late, twice or all at once, and a queue holds nothing personal.

use domain::fault::{Fault, Retry};
use queue::{Name, Queues};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// All tasks of a queue are in one group: nothing overtakes, and one writer works at a time.
const GROUP: &str = "index";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task<Id> {
    /// What to look at again.
    pub ids: Vec<Id>,
    /// Whether what is known beside it (synonyms, categories) is to be read again.
    pub lexicon: bool,
    /// Whether everything is.
    pub everything: bool,
    /// The last change that led to it. It makes two tasks about the same thing two messages, and
    /// the same task said twice one.
    pub change: String,
}

impl<Id: Ord + Serialize + DeserializeOwned> Task<Id> {
    /// To look at these again.
    pub fn of(ids: Vec<Id>, change: String) -> Self {
        Self { ids, lexicon: false, everything: false, change }
    }

    /// To index everything anew.
    pub fn everything(change: String) -> Self {
        Self { everything: true, ..Self::of(Vec::new(), change) }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && !self.lexicon && !self.everything
    }

    /// Tells the index's writer, unless there is nothing to do.
    pub async fn tell(&self, queues: &Queues, queue: Name) -> Result<(), Fault> {
        if self.is_empty() {
            return Ok(());
        }
        queues.send_in_group(queue, GROUP, &self.text()?).await
    }

    fn text(&self) -> Result<String, Fault> {
        serde_json::to_string(self)
            .map_err(|error| Fault::new("write a task of a search index", error, Retry::Useless))
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map_err(|error| Fault::new("read a task of a search index", error, Retry::Useless))
    }

    /// Several tasks as one.
    pub(crate) fn together(tasks: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::of(Vec::new(), String::new());
        for task in tasks {
            all.ids.extend(task.ids);
            all.lexicon |= task.lexicon;
            all.everything |= task.everything;
            all.change = task.change;
        }
        all.ids.sort_unstable();
        all.ids.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{OrderId, Ulid};

    use super::*;

    #[test]
    fn tasks_survive_their_text_and_come_together() {
        let id = |number| OrderId::from_ulid(Ulid(number));
        let one = Task::of(vec![id(2), id(1)], "7".into());
        let other = Task { lexicon: true, ..Task::of(vec![id(2)], "9".into()) };
        let both = [one, other].map(|task| Task::read(&task.text().unwrap()).unwrap());
        let all = Task::together(both);
        assert_eq!((all.ids, all.lexicon, all.everything), (vec![id(1), id(2)], true, false));
        assert!(Task::<OrderId>::together([]).is_empty());
        assert!(!Task::<OrderId>::everything("9".into()).is_empty());
    }
}
