//! What the templates say, read once in the life of a process, however many shops it opens.
//!
//! Invariant: shops of one folder and the same parameters are built from the same reading; nobody
//! changes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use templates::Stack;
use wire::Iam;

use crate::error::Error;
use crate::gateway::Router;
use crate::world;

/// Templates as read, and what follows from them alone.
#[derive(Clone)]
pub(crate) struct Blueprint {
    pub(crate) stack: Arc<Stack>,
    pub(crate) router: Arc<Router>,
    /// The policies of all functions, for worlds that check them.
    pub(crate) policies: Iam,
}

/// What a reading depends on.
type Key = (PathBuf, BTreeMap<String, String>);

static READ: Mutex<BTreeMap<Key, Blueprint>> = Mutex::new(BTreeMap::new());

impl Blueprint {
    /// What the templates of this folder say with these parameters.
    pub(crate) fn read(root: &Path, parameters: BTreeMap<String, String>) -> Result<Self, Error> {
        // Held while they are read: who comes second waits for the first, and reads nothing.
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (root.to_owned(), parameters);
        if let Some(known) = read.get(&key) {
            return Ok(known.clone());
        }
        let stack = Stack::load(root, key.1.clone())?;
        let router = Arc::new(Router::new(&stack)?);
        let policies = world::policies(&stack)?;
        let blueprint = Self { stack: Arc::new(stack), router, policies };
        read.insert(key, blueprint.clone());
        Ok(blueprint)
    }
}
