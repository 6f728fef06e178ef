//! The one writer of an index: a batch of tasks becomes one generation. What is indexed is read
//! again here, as it is now.
//!
//! A shop that has no index yet, or one of an older format or language, gets a whole one.

use std::sync::Arc;

use domain::fault::Fault;
use domain::id::Ulid;
use jiff::Timestamp;
use queue::{Message, Name, Queues};
use search::{Draft, Entry, Language, Lexicon};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::index::blocking;
use crate::{Changes, Index, Task};

/// Seconds after which a batch that failed comes again.
const AGAIN_SECONDS: i32 = 5;

/// What an index is made of.
pub trait Source: Sync {
    /// What tasks name things by.
    type Id: Copy + Ord + Serialize + DeserializeOwned + Send + Sync;

    /// Whether things are people's: what is gone leaves no word in any file.
    const IS_PERSONAL: bool;

    /// Whether a thing is still to be found, but not by what was known of it: somebody was
    /// forgotten, and no file may hold a word of them.
    fn is_forgotten(_: &Entry) -> bool {
        false
    }

    /// What the index names a thing by.
    fn ulid(id: Self::Id) -> Ulid;

    /// Those of these that are to be found, as they are now.
    fn entries(&self, ids: &[Self::Id]) -> impl Future<Output = Result<Vec<Entry>, Fault>> + Send;

    /// A part of all that is to be found.
    fn portion(
        &self,
        position: Option<&str>,
    ) -> impl Future<Output = Result<Portion, Fault>> + Send;

    /// The language of the texts that no translation is for. Where it is another one than before,
    /// everything is indexed anew.
    fn language(&self) -> impl Future<Output = Result<Language, Fault>> + Send {
        async { Ok(Lexicon::default().language()) }
    }

    /// What is known beside it; nothing, for most.
    fn lexicon(&self) -> impl Future<Output = Result<Lexicon, Fault>> + Send {
        async { Ok(Lexicon::default()) }
    }
}

/// A part of all that is to be found, and where the next one begins.
#[derive(Debug)]
pub struct Portion {
    /// What is in it.
    pub entries: Vec<Entry>,
    /// The position of the next one; none at the end.
    pub next: Option<String>,
}

/// The writer of an index.
#[derive(Debug)]
pub struct Writer<'a> {
    /// The index.
    pub index: &'a Arc<Index>,
    /// The way into the queue.
    pub queues: &'a Queues,
    /// The queue that its tasks come from.
    pub queue: Name,
}

impl Writer<'_> {
    /// Does what a batch says. What fails is given back: as long as it waits, so does all that was
    /// sent after it.
    pub async fn write<S: Source>(
        &self,
        source: &S,
        messages: &[Message],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let done = self.work(source, messages, now).await;
        if done.is_err() {
            let given = self.queues.give_back(self.queue, messages, AGAIN_SECONDS).await;
            if let Err(fault) = given {
                tracing::error!(%fault, "a batch that failed waits as long as its queue says");
            }
        }
        done
    }

    async fn work<S: Source>(
        &self,
        source: &S,
        messages: &[Message],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let tasks = messages.iter().map(|message| Task::read(&message.body));
        let task = Task::together(tasks.collect::<Result<Vec<Task<S::Id>>, _>>()?);
        if task.everything {
            self.rebuild(source, now).await?;
            if task.forgotten.is_empty() {
                return Ok(());
            }
        }
        let changes = changes(source, &task).await?;
        let is_purged = changes.is_purged;
        if !self.index.change(changes.clone(), now).await? {
            self.rebuild(source, now).await?;
            if task.forgotten.is_empty() {
                return Ok(());
            }
            self.index.change(changes, now).await?;
        }
        if is_purged && let Some(manifest) = self.index.manifest().await? {
            // A writer that died may have left files that say it, too.
            self.index.sweep(&manifest).await?;
        }
        Ok(())
    }

    /// Indexes everything, part by part.
    async fn rebuild<S: Source>(&self, source: &S, now: Timestamp) -> Result<(), Fault> {
        let mut draft = self.index.begin().await?;
        let mut position: Option<String> = None;
        loop {
            let portion = source.portion(position.as_deref()).await?;
            draft = put(draft, portion.entries).await?;
            position = portion.next;
            if position.is_none() {
                break;
            }
        }
        let manifest = self.index.replace(draft, source.lexicon().await?, now).await?;
        self.index.sweep(&manifest).await?;
        tracing::info!(
            index = self.index.name(),
            generation = manifest.generation,
            documents = manifest.documents,
            "a search index was built anew"
        );
        Ok(())
    }
}

async fn changes<S: Source>(source: &S, task: &Task<S::Id>) -> Result<Changes, Fault> {
    let put = source.entries(&task.ids).await?;
    let named = task.ids.iter().map(|id| S::ulid(*id));
    let mut gone: Vec<Ulid> = named.filter(|id| !put.iter().any(|entry| entry.id == *id)).collect();
    gone.extend(task.forgotten.iter().map(|id| S::ulid(*id)));
    let lexicon = if task.lexicon { Some(source.lexicon().await?) } else { None };
    let is_forgotten = !gone.is_empty() || put.iter().any(S::is_forgotten);
    let is_purged = S::IS_PERSONAL && is_forgotten || !task.forgotten.is_empty();
    let own = source.language().await?;
    Ok(Changes { own, put, gone, is_purged, lexicon })
}

async fn put(draft: Draft, entries: Vec<Entry>) -> Result<Draft, Fault> {
    blocking(move || {
        for entry in &entries {
            draft.put(entry)?;
        }
        Ok(draft)
    })
    .await
}
