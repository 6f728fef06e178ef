//! Files of snapshots on this machine: each once, under the hash of what it holds.
//!
//! A snapshot that is open, or a draft, is a folder of links to them: it may be thrown away at any
//! time without touching the others, and what is open stays readable when its files are swept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::fault::{Fault, Retry};
use sha2::{Digest, Sha256};

use crate::{Draft, File, Manifest, Snapshot, disk};

/// Where the files themselves are.
const FILES: &str = "files";

/// Numbers the folders of this process.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// A folder for the files of one index, of one function.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// A folder at this path, which no other process uses. What was open in a process that ended
    /// is cleared away; the files stay.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let own = format!("-{}-", std::process::id());
        for entry in fs::read_dir(&root).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name != FILES && !name.contains(&own) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
        Self { root }
    }

    /// The files that are not here yet.
    pub fn missing<'m>(&self, manifest: &'m Manifest) -> Vec<&'m File> {
        let is_missing = |file: &&File| !self.place(&file.hash).exists();
        manifest.beyond(None).into_iter().filter(is_missing).collect()
    }

    /// Keeps a file's bytes under their hash. Bytes that are not what the manifest said are
    /// refused.
    pub fn keep(&self, file: &File, bytes: &[u8]) -> Result<(), Fault> {
        if hash(bytes) != file.hash {
            let tried = format!("keep {}: its bytes are not what the manifest says", file.name);
            return Err(Fault::noticed(tried, Retry::Helps));
        }
        let kept = self.place(&file.hash);
        // Written aside and renamed: a process that is killed leaves no half of a file.
        let room = self.fresh("new")?;
        let draft = room.path().join("file");
        fs::write(&draft, bytes).map_err(|error| disk("write a file of an index", error))?;
        make(&self.root.join(FILES))?;
        fs::rename(&draft, kept).map_err(|error| disk("keep a file of an index", error))
    }

    /// A file's bytes.
    pub fn bytes(&self, hash: &str) -> Result<Vec<u8>, Fault> {
        fs::read(self.place(hash)).map_err(|error| disk("read a file of an index", error))
    }

    /// Opens a snapshot whose files are all here.
    pub fn open(&self, manifest: &Manifest) -> Result<Snapshot, Fault> {
        Snapshot::open(manifest, self.lay_out(manifest, "open")?)
    }

    /// Begins the generation after this one; its files must all be here. The first one begins
    /// with nothing.
    pub fn draft(&self, before: Option<&Manifest>, memory: usize) -> Result<Draft, Fault> {
        let place = match before {
            Some(manifest) => self.lay_out(manifest, "draft")?,
            None => self.fresh("draft")?,
        };
        Draft::begin(self.clone(), place, before, memory)
    }

    /// Forgets the files that no manifest of these names.
    pub fn sweep(&self, used: &[&Manifest]) -> Result<(), Fault> {
        let files = self.root.join(FILES);
        let Ok(listed) = fs::read_dir(files) else { return Ok(()) };
        for entry in listed.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if !used.iter().any(|manifest| manifest.hashes().contains(&*name)) {
                fs::remove_file(entry.path())
                    .map_err(|error| disk("sweep a file of an index", error))?;
            }
        }
        Ok(())
    }

    /// Takes a file that a draft has written under the hash of what it holds.
    pub(crate) fn take(&self, name: &str, path: &Path) -> Result<File, Fault> {
        let bytes = fs::read(path).map_err(|error| disk("read a new file of an index", error))?;
        let file = File { name: name.to_owned(), hash: hash(&bytes), bytes: bytes.len() as u64 };
        let kept = self.place(&file.hash);
        make(&self.root.join(FILES))?;
        match fs::hard_link(path, kept) {
            Ok(()) => Ok(file),
            // The same bytes were kept before.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(file),
            Err(error) => Err(disk("keep a file of an index", error)),
        }
    }

    fn place(&self, hash: &str) -> PathBuf {
        self.root.join(FILES).join(hash)
    }

    /// A folder with the files of a manifest under the names that the engine knows.
    fn lay_out(&self, manifest: &Manifest, purpose: &str) -> Result<Room, Fault> {
        let room = self.fresh(purpose)?;
        for file in &manifest.files {
            fs::hard_link(self.place(&file.hash), room.path().join(&file.name))
                .map_err(|error| disk("lay out a file of an index", error))?;
        }
        fs::write(room.path().join("meta.json"), &manifest.meta)
            .map_err(|error| disk("lay out an index", error))?;
        Ok(room)
    }

    /// A new, empty folder.
    fn fresh(&self, purpose: &str) -> Result<Room, Fault> {
        let number = OPENED.fetch_add(1, Ordering::SeqCst);
        let place = self.root.join(format!("{purpose}-{}-{number}", std::process::id()));
        if place.exists() {
            // The number of a process that ended was given again.
            fs::remove_dir_all(&place).map_err(|error| disk("clear an old folder", error))?;
        }
        make(&place)?;
        Ok(Room(place))
    }
}

/// A folder that is cleared away with whoever has it. What can not be cleared takes a little room
/// until the machine is gone.
#[derive(Debug)]
pub(crate) struct Room(PathBuf);

impl Room {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn make(place: &Path) -> Result<(), Fault> {
    fs::create_dir_all(place).map_err(|error| disk("make a folder for an index", error))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
