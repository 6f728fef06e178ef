//! The next generation of an index, while it is written.
//!
//! A draft that is dropped leaves nothing behind: what it was made of is untouched.

use std::collections::BTreeSet;
use std::path::PathBuf;

use domain::fault::Fault;
use domain::id::Ulid;
use jiff::Timestamp;
use tantivy::directory::MmapDirectory;
use tantivy::merge_policy::NoMergePolicy;
use tantivy::{Index, IndexWriter, TantivyDocument, Term};

use crate::analysis::{stems, words};
use crate::entry::{key_text, milliseconds, sort_text};
use crate::folder::Room;
use crate::manifest::retire;
use crate::schema::Fields;
use crate::{Entry, FORMAT, File, Folder, Lexicon, Manifest, disk, fault};

/// The next generation, not yet written.
pub struct Draft {
    folder: Folder,
    before: Option<Manifest>,
    fields: Fields,
    index: Index,
    writer: IndexWriter<TantivyDocument>,
    /// Whether old files go with the generation before, whoever may be on their way to them.
    is_purged: bool,
    // The last to go: what is written in it closes first.
    room: Room,
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft").field("room", &self.room).finish_non_exhaustive()
    }
}

/// A generation that is written on this machine.
#[derive(Debug)]
pub struct Written {
    /// What it is made of.
    pub manifest: Manifest,
    /// The files that the generation before has not: they must be where readers fetch them
    /// before the manifest is.
    pub new: Vec<File>,
    /// Files that no reader needs any more once the manifest is written.
    pub over: Vec<String>,
}

impl Draft {
    pub(crate) fn begin(
        folder: Folder,
        room: Room,
        before: Option<&Manifest>,
        memory: usize,
    ) -> Result<Self, Fault> {
        let fields = Fields::new();
        let opened = MmapDirectory::open(room.path()).map_err(tantivy::TantivyError::from);
        let index = opened.and_then(|directory| match before {
            Some(_) => Index::open(directory),
            None => {
                Index::create(directory, fields.schema.clone(), tantivy::IndexSettings::default())
            }
        });
        let index = index.map_err(|error| fault("open an index to write", error))?;
        // One thread: a function has one core, and what it writes follows from what it was given.
        let writer = index
            .writer_with_num_threads(1, memory)
            .map_err(|error| fault("begin to write an index", error))?;
        Ok(Self { folder, before: before.cloned(), fields, index, writer, is_purged: false, room })
    }

    /// Indexes a thing, in place of what was known of it.
    pub fn put(&self, entry: &Entry) -> Result<(), Fault> {
        self.remove(entry.id);
        let document = self.document(entry);
        let added = self.writer.add_document(document);
        added.map(drop).map_err(|error| fault("index a thing", error))
    }

    /// Takes a thing out: it is not found any more. Its words stay in files that readers have,
    /// until the engine merges them; [`Self::purge`] does not wait for that.
    pub fn remove(&self, id: Ulid) {
        self.writer.delete_term(Term::from_field_text(self.fields.id, &id.to_string()));
    }

    /// Leaves nothing of what was removed or replaced, now or before: files that hold words of it
    /// are written anew without them. For what must not only be hidden.
    pub fn purge(mut self) -> Result<Self, Fault> {
        let tried = "purge an index";
        // Nothing else is merged meanwhile.
        self.writer.set_merge_policy(Box::new(NoMergePolicy));
        self.writer.commit().map_err(|error| fault(tried, error))?;
        let segments =
            self.index.searchable_segment_metas().map_err(|error| fault(tried, error))?;
        let marked = segments.iter().filter(|segment| segment.has_deletes());
        let marked: Vec<_> = marked.map(tantivy::index::SegmentMeta::id).collect();
        if !marked.is_empty() {
            self.writer.merge(&marked).wait().map_err(|error| fault(tried, error))?;
        }
        Ok(Self { is_purged: true, ..self })
    }

    /// Writes what was put and removed, and waits until the engine has put its segments in order.
    pub fn finish(self, lexicon: Lexicon, now: Timestamp) -> Result<Written, Fault> {
        let Self { folder, before, index, mut writer, is_purged, room, .. } = self;
        writer.commit().map_err(|error| fault("write an index", error))?;
        writer.wait_merging_threads().map_err(|error| fault("merge an index", error))?;
        let described = index.load_metas();
        let described = described.map_err(|error| fault("read an index's segments", error))?;
        let segments = described.segments.iter();
        let documents = segments.map(|segment| u64::from(segment.num_docs())).sum();
        let names: BTreeSet<PathBuf> = described.list_segment_files().into_iter().collect();
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let path = room.path().join(&name);
            // The engine names files that a segment may have.
            if path.exists() {
                files.push(folder.take(&name.to_string_lossy(), &path)?);
            }
        }
        let meta = std::fs::read_to_string(room.path().join("meta.json"))
            .map_err(|error| disk("read an index's description", error))?;
        let retired = before.as_ref().map(|before| retire(before, &files, now));
        let mut manifest = Manifest {
            format: FORMAT,
            generation: before.as_ref().map_or(1, |before| before.generation + 1),
            written_at: now,
            rebuilt_at: before.as_ref().map_or(now, |before| before.rebuilt_at),
            documents,
            meta,
            files,
            retired: retired.unwrap_or_default(),
            lexicon,
        };
        let over = manifest.retire_over(now, is_purged);
        let new = manifest.beyond(before.as_ref()).into_iter().cloned().collect();
        Ok(Written { manifest, new, over })
    }

    fn document(&self, entry: &Entry) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::new();
        document.add_text(fields.id, entry.id.to_string());
        document.add_bytes(fields.card, &entry.card);
        for key in &entry.keys {
            document.add_text(fields.key, key_text(key));
        }
        for sku in &entry.skus {
            document.add_text(fields.sku, sku.as_str());
        }
        let tags: BTreeSet<String> = entry.tags.iter().map(crate::Tag::text).collect();
        for tag in tags {
            document.add_text(fields.tag, tag);
        }
        for price in &entry.prices {
            let (price, span) = price.packed();
            document.add_u64(fields.price, price);
            document.add_u64(fields.span, span);
        }
        document.add_u64(fields.created, milliseconds(entry.created_at));
        document.add_u64(fields.available, u64::from(entry.is_available));
        let [high, low] = crate::collect::halves(entry.id.0);
        document.add_u64(fields.id_high, high);
        document.add_u64(fields.id_low, low);
        for texts in &entry.texts {
            let Some(spoken) = fields.of(texts.language) else { continue };
            let stems = |text: &str| stems(texts.language, text).join(" ");
            document.add_text(spoken.whole, sort_text(&texts.title));
            document.add_text(spoken.words, words(&texts.title).join(" "));
            document.add_text(spoken.title, stems(&texts.title));
            document.add_text(spoken.names, stems(&texts.names));
            document.add_text(spoken.text, stems(&texts.text));
        }
        document
    }
}

impl Written {
    /// The same, as a generation that was made of nothing and takes this one's place.
    #[must_use]
    pub fn in_place_of(mut self, before: &Manifest, now: Timestamp) -> Self {
        let retired = retire(before, &self.manifest.files, now);
        self.manifest.generation = before.generation + 1;
        self.manifest.retired = retired;
        self.over = self.manifest.retire_over(now, false);
        self
    }
}
