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
    /// What to forget, whatever there is of it: no file holds a word of it any more.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub forgotten: Vec<Id>,
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
        Self { ids, forgotten: Vec::new(), lexicon: false, everything: false, change }
    }

    /// To forget these: somebody has the right to it. What is changed of them afterwards is indexed
    /// again, so they are forgotten in their table first.
    pub fn forget(ids: Vec<Id>, change: String) -> Self {
        Self { forgotten: ids, ..Self::of(Vec::new(), change) }
    }

    /// To index everything anew.
    pub fn everything(change: String) -> Self {
        Self { everything: true, ..Self::of(Vec::new(), change) }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.forgotten.is_empty() && !self.lexicon && !self.everything
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
            all.forgotten.extend(task.forgotten);
            all.lexicon |= task.lexicon;
            all.everything |= task.everything;
            all.change = task.change;
        }
        all.ids.sort_unstable();
        all.ids.dedup();
        all.ids.retain(|id| !all.forgotten.contains(id));
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
        // What is to be forgotten is not looked at.
        let tasks =
            [Task::of(vec![id(1), id(2)], "1".into()), Task::forget(vec![id(2)], "2".into())];
        let all = Task::together(tasks);
        assert_eq!((all.ids.as_slice(), all.forgotten.as_slice()), (&[id(1)][..], &[id(2)][..]));
        assert!(!all.text().unwrap().contains("null"));
        assert!(!Task::<OrderId>::everything("9".into()).is_empty());
    }
}
