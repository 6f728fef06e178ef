//! What the one writer of the search index is told, through its FIFO queue.
//!
//! A task names what to look at, never what it is: the writer reads that itself, so that tasks may
//! come late, twice or all at once.

use domain::fault::{Fault, Retry};
use domain::id::ProductId;
use serde::{Deserialize, Serialize};

/// Everything in one group: nothing overtakes, and one writer works at a time.
pub(crate) const GROUP: &str = "products";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    /// The products to look at again.
    pub(crate) products: Vec<ProductId>,
    /// Whether synonyms and categories are to be read again.
    pub(crate) lexicon: bool,
    /// Whether everything is.
    pub(crate) everything: bool,
    /// The last change in the catalog that led to it. It makes two tasks about the same product
    /// two messages, and the same task said twice one.
    pub(crate) change: String,
}

impl Task {
    pub(crate) fn is_empty(&self) -> bool {
        self.products.is_empty() && !self.lexicon && !self.everything
    }

    pub(crate) fn text(&self) -> Result<String, Fault> {
        serde_json::to_string(self)
            .map_err(|error| Fault::new("write a task of the search index", error, Retry::Useless))
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        serde_json::from_str(text)
            .map_err(|error| Fault::new("read a task of the search index", error, Retry::Useless))
    }

    /// Several tasks as one.
    pub(crate) fn together(tasks: impl IntoIterator<Item = Self>) -> Self {
        let mut all =
            Self { products: Vec::new(), lexicon: false, everything: false, change: String::new() };
        for task in tasks {
            all.products.extend(task.products);
            all.lexicon |= task.lexicon;
            all.everything |= task.everything;
            all.change = task.change;
        }
        all.products.sort_unstable();
        all.products.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use domain::id::Ulid;

    use super::*;

    #[test]
    fn tasks_survive_their_text_and_come_together() {
        let id = |number| ProductId::from_ulid(Ulid(number));
        let one = Task {
            products: vec![id(2), id(1)],
            lexicon: false,
            everything: false,
            change: "7".into(),
        };
        let other =
            Task { products: vec![id(2)], lexicon: true, change: "9".into(), ..one.clone() };
        let both = [one, other].map(|task| Task::read(&task.text().unwrap()).unwrap());
        let all = Task::together(both);
        assert_eq!((all.products, all.lexicon, all.everything), (vec![id(1), id(2)], true, false));
        assert!(Task::together([]).is_empty());
    }
}
