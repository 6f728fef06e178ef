//! The snapshots of an index: fetched and open to readers, and written by the one writer.
//!
//! | object | what |
//! |---|---|
//! | `search/<name>/manifest.json` | which files the newest generation is made of |
//! | `search/<name>/files/…` | the files, each under the hash of what it holds |
//!
//! Readers ask for the manifest every five seconds at most, by its tag, and fetch only the files
//! that they have not. A generation is written files first, manifest last and only if the manifest
//! is still the one that it was made of: a writer that dies leaves the old generation whole, and
//! of two writers one begins again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::fault::{Fault, Retry};
use domain::id::Ulid;
use files::{Bucket, Condition, NewObject, Written};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use search::{Draft, Entry, FORMAT, File, Folder, Language, Lexicon, Manifest, Snapshot};

/// How long a snapshot is believed to be the newest.
const FRESH: SignedDuration = SignedDuration::from_secs(5);
/// Files that are fetched or sent at the same time.
const AT_ONCE: usize = 8;
/// Bytes of memory to write a few products, the least that the engine takes, and to write all.
const MEMORY_FEW: usize = 16_000_000;
const MEMORY_ALL: usize = 128_000_000;
/// Times that a change is made again where another writer was faster.
const ATTEMPTS_MAX: usize = 5;

/// A search index.
#[derive(Debug)]
pub struct Index {
    /// What it is an index of.
    name: &'static str,
    bucket: Bucket,
    folder: Folder,
    /// What is answered from.
    open: Mutex<Option<Arc<Snapshot>>>,
    /// The tag of its manifest and when it was looked at last: one looks, others do not wait.
    looked: tokio::sync::Mutex<Looked>,
    /// Shared by whoever needs files that no open snapshot holds yet; had alone to sweep.
    using: tokio::sync::RwLock<()>,
}

#[derive(Debug, Default)]
struct Looked {
    etag: Option<String>,
    at: Option<Timestamp>,
}

/// A manifest as it was read, for the writer.
struct Read {
    manifest: Manifest,
    etag: String,
}

/// What is to be different in the next generation.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The language of the texts that no translation is for.
    pub own: Language,
    /// What is put in the place of what was known.
    pub put: Vec<Entry>,
    /// What is not found any more.
    pub gone: Vec<Ulid>,
    /// Whether no file may hold a word of what is gone, or of what was known before: it is
    /// personal. The files that did are deleted at once; readers that were on their way to them
    /// find the next generation, and the bucket's own old versions go after a day.
    pub is_purged: bool,
    /// What is known beside the things themselves, if that is new, too.
    pub lexicon: Option<Lexicon>,
}

impl Index {
    /// The index of this name in this bucket; its files are kept in a folder of this function's
    /// own.
    pub fn new(name: &'static str, bucket: Bucket, folder: PathBuf) -> Self {
        Self {
            name,
            bucket,
            folder: Folder::new(folder),
            open: Mutex::default(),
            looked: tokio::sync::Mutex::default(),
            using: tokio::sync::RwLock::default(),
        }
    }

    /// What it is an index of.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    fn manifest_key(&self) -> String {
        format!("search/{}/manifest.json", self.name)
    }

    fn place(&self, hash: &str) -> String {
        format!("search/{}/files/{hash}", self.name)
    }

    /// The newest snapshot, at most five seconds old; none before the index was built for the
    /// first time. While somebody looks for a newer one, others are answered from the one there
    /// is; and so are all, when it can not be fetched.
    pub async fn newest(&self, now: Timestamp) -> Result<Option<Arc<Snapshot>>, Fault> {
        let known = self.known();
        let mut looked = if known.is_some() {
            let Ok(looked) = self.looked.try_lock() else { return Ok(known) };
            looked
        } else {
            self.looked.lock().await
        };
        let known = self.known();
        let age = looked.at.map(|at| now.duration_since(at));
        if age.is_some_and(|age| (SignedDuration::ZERO..FRESH).contains(&age)) {
            return Ok(known);
        }
        match self.look(&mut looked, now).await {
            Ok(()) => Ok(self.known()),
            Err(fault) if known.is_some() => {
                tracing::error!(%fault, "a newer index can not be read; the old one goes on");
                looked.at = Some(now);
                Ok(known)
            }
            Err(fault) => Err(fault),
        }
    }

    fn known(&self) -> Option<Arc<Snapshot>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self, looked: &mut Looked, now: Timestamp) -> Result<(), Fault> {
        let key = self.manifest_key();
        let found = match &looked.etag {
            Some(etag) => self.bucket.get_if_none_match(&key, etag).await?,
            None => self.bucket.get(&key).await?,
        };
        if let Some(found) = found {
            let manifest = read(&found.bytes)?;
            if manifest.format != FORMAT && self.known().is_some() {
                // It was written by a newer release: this one goes on with what it can read.
                looked.at = Some(now);
                return Ok(());
            }
            let using = self.using.read().await;
            self.fetch(&manifest).await?;
            let snapshot = Arc::new(self.folder.open(&manifest)?);
            drop(using);
            // The one before may still be asked; its open files stay readable.
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
            looked.etag = Some(found.etag);
            self.sweep_folder(&manifest)?;
        }
        looked.at = Some(now);
        Ok(())
    }

    /// Forgets the files here that this generation does not use, unless somebody is at work.
    fn sweep_folder(&self, manifest: &Manifest) -> Result<(), Fault> {
        match self.using.try_write() {
            Ok(_alone) => self.folder.sweep(&[manifest]),
            Err(_) => Ok(()),
        }
    }

    /// Brings the files here that are not.
    async fn fetch(&self, manifest: &Manifest) -> Result<(), Fault> {
        let missing = self.folder.missing(manifest).into_iter().cloned();
        stream::iter(missing.map(|file| self.fetch_one(file)))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn fetch_one(&self, file: File) -> Result<(), Fault> {
        let found = self.bucket.get(&self.place(&file.hash)).await?;
        // A generation that was retired while we were on our way: the next look finds a newer one.
        let gone = || Fault::noticed("fetch a file of a search index: it is gone", Retry::Helps);
        self.folder.keep(&file, &found.ok_or_else(gone)?.bytes)
    }

    /// The newest manifest, if the index was ever built in this format.
    pub async fn manifest(&self) -> Result<Option<Manifest>, Fault> {
        Ok(self.read().await?.map(|read| read.manifest))
    }

    async fn read(&self) -> Result<Option<Read>, Fault> {
        let Some(found) = self.bucket.get(&self.manifest_key()).await? else { return Ok(None) };
        Ok(Some(Read { manifest: read(&found.bytes)?, etag: found.etag }))
    }

    /// Writes the next generation with these changes. False where there is none to change, or
    /// where it is of another language than the shop has now: the index is to be built first.
    pub async fn change(self: &Arc<Self>, changes: Changes, now: Timestamp) -> Result<bool, Fault> {
        let changes = Arc::new(changes);
        let using = self.using.read().await;
        for _ in 0..ATTEMPTS_MAX {
            let Some(before) = self.read().await? else { return Ok(false) };
            let manifest = &before.manifest;
            if manifest.format != FORMAT || manifest.lexicon.language() != changes.own {
                return Ok(false);
            }
            self.fetch(&before.manifest).await?;
            let (index, changes) = (Arc::clone(self), Arc::clone(&changes));
            let manifest = before.manifest.clone();
            let written = blocking(move || {
                let mut draft = index.folder.draft(Some(&manifest), MEMORY_FEW)?;
                for entry in &changes.put {
                    draft.put(entry)?;
                }
                for id in &changes.gone {
                    draft.remove(*id);
                }
                if changes.is_purged {
                    draft = draft.purge()?;
                }
                let lexicon = changes.lexicon.clone().unwrap_or(manifest.lexicon);
                draft.finish(lexicon, now)
            })
            .await?;
            let manifest = written.manifest.clone();
            if self.publish(written, Condition::Match(&before.etag)).await? {
                drop(using);
                self.sweep_folder(&manifest)?;
                return Ok(true);
            }
        }
        Err(Fault::noticed("write a search index: others are always faster", Retry::Helps))
    }

    /// Begins an index of nothing, to be filled and given to [`Self::replace`].
    pub(crate) async fn begin(self: &Arc<Self>) -> Result<Draft, Fault> {
        let index = Arc::clone(self);
        blocking(move || index.folder.draft(None, MEMORY_ALL)).await
    }

    /// Writes an index that was begun anew in the place of the one there is. What was written
    /// meanwhile is lost, so nothing else may write: both come one after the other from one queue.
    pub(crate) async fn replace(
        &self,
        draft: Draft,
        lexicon: Lexicon,
        now: Timestamp,
    ) -> Result<Manifest, Fault> {
        let _using = self.using.read().await;
        let written = blocking(move || draft.finish(lexicon, now)).await?;
        let before = self.read().await?;
        let (written, etag) = match before {
            Some(before) => (written.in_place_of(&before.manifest, now), Some(before.etag)),
            None => (written, None),
        };
        let manifest = written.manifest.clone();
        let condition = etag.as_deref().map_or(Condition::Absent, Condition::Match);
        if self.publish(written, condition).await? {
            return Ok(manifest);
        }
        Err(Fault::noticed("build a search index: another writer was faster", Retry::Helps))
    }

    /// Files first, the manifest last, then away with what nobody needs any more. False where the
    /// manifest is not the one any more that this generation was made of.
    async fn publish(
        &self,
        written: search::Written,
        condition: Condition<'_>,
    ) -> Result<bool, Fault> {
        let search::Written { manifest, new, over } = written;
        stream::iter(new.into_iter().map(|file| self.send(file)))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let text = serde_json::to_vec(&manifest)
            .map_err(|error| Fault::new("write a manifest", error, Retry::Useless))?;
        let object =
            NewObject { bytes: text.into(), content_type: "application/json", cache_control: None };
        match self.bucket.put_if(&self.manifest_key(), object, condition).await? {
            Written::Raced => return Ok(false),
            Written::Yes(_) => {}
        }
        for hash in over {
            self.bucket.delete(&self.place(&hash)).await?;
        }
        Ok(true)
    }

    async fn send(&self, file: File) -> Result<(), Fault> {
        let bytes = Bytes::from(self.folder.bytes(&file.hash)?);
        let object =
            NewObject { bytes, content_type: "application/octet-stream", cache_control: None };
        self.bucket.put(&self.place(&file.hash), object).await.map(drop)
    }

    /// Deletes the files that the newest generation does not know, not even as retired: a writer
    /// that died has left them. Only for the writer itself, between two generations.
    pub(crate) async fn sweep(&self, manifest: &Manifest) -> Result<(), Fault> {
        let mut known = manifest.hashes();
        known.extend(manifest.retired.iter().map(|retired| retired.hash.as_str()));
        let prefix = self.place("");
        let mut position: Option<String> = None;
        loop {
            let listed = self.bucket.list(&prefix, position.as_deref()).await?;
            for entry in listed.entries {
                let hash = entry.key.strip_prefix(&prefix).unwrap_or_default();
                if !known.contains(hash) {
                    self.bucket.delete(&entry.key).await?;
                }
            }
            position = listed.next;
            if position.is_none() {
                return Ok(());
            }
        }
    }
}

fn read(bytes: &[u8]) -> Result<Manifest, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|error| Fault::new("read the manifest of a search index", error, Retry::Useless))
}

/// Work that is only the machine's: it does not hold up what waits for answers.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::new("work on a search index", error, Retry::Helps))?
}
