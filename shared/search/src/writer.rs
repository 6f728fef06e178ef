//! The next generation of an index, while it is written.
//!
//! A draft that is dropped leaves nothing behind: what it was made of is untouched.

use std::collections::BTreeSet;
use std::path::PathBuf;

use domain::fault::Fault;
use domain::id::ProductId;
use jiff::Timestamp;
use tantivy::directory::MmapDirectory;
use tantivy::{Index, IndexWriter, TantivyDocument, Term};

use crate::analysis::{stems, words};
use crate::entry::sort_text;
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
        Ok(Self { folder, before: before.cloned(), fields, index, writer, room })
    }

    /// Indexes a product, in place of what was known of it.
    pub fn put(&self, entry: &Entry) -> Result<(), Fault> {
        self.remove(entry.id);
        let document = self.document(entry);
        let added = self.writer.add_document(document);
        added.map(drop).map_err(|error| fault("index a product", error))
    }

    /// Forgets a product.
    pub fn remove(&self, id: ProductId) {
        self.writer.delete_term(Term::from_field_text(self.fields.id, &id.to_string()));
    }

    /// Writes what was put and removed, and waits until the engine has put its segments in order.
    pub fn finish(self, lexicon: Lexicon, now: Timestamp) -> Result<Written, Fault> {
        let Self { folder, before, index, mut writer, room, .. } = self;
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
        let (rest, over) = manifest.due(now);
        manifest.retired = rest;
        let new = manifest.beyond(before.as_ref()).into_iter().cloned().collect();
        Ok(Written { manifest, new, over })
    }

    fn document(&self, entry: &Entry) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::new();
        document.add_text(fields.id, entry.id.to_string());
        document.add_bytes(fields.card, &entry.card);
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
        let created = u64::try_from(entry.created_at.as_millisecond()).unwrap_or(0);
        document.add_u64(fields.created, created);
        document.add_u64(fields.available, u64::from(entry.is_available));
        let [high, low] = crate::collect::halves(entry.id.ulid().0);
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
        let (rest, over) = self.manifest.due(now);
        self.manifest.retired = rest;
        self.over = over;
        self
    }
}
