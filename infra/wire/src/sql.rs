//! One SQLite connection per emulated service: a file when the world has a folder, memory when not.
//!
//! Invariants: every change is one immediate transaction that is committed before the reply is
//! sent, in a write-ahead log, so an acknowledged call survives `kill -9`; files are readable by
//! their owner only, because mails and secrets lie in them.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::Error;

pub(crate) struct Sql {
    connection: Mutex<Connection>,
}

impl Sql {
    pub(crate) fn open(path: Option<&Path>, schema: &str) -> Result<Self, Error> {
        let connection = match path {
            None => Connection::open_in_memory()?,
            Some(path) => {
                claim(path)?;
                let connection = Connection::open(path)?;
                connection.pragma_update(None, "journal_mode", "WAL")?;
                // Safe against the death of the process; only a power cut could lose the tail.
                connection.pragma_update(None, "synchronous", "NORMAL")?;
                connection
            }
        };
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(schema)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, undone otherwise.
    pub(crate) fn change<T, E: From<rusqlite::Error>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Runs `work` on the connection without a transaction, for reading.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        work(&self.lock())
    }

    /// Copies everything into the file at `path`, which must not exist.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Error> {
        let text = path.to_string_lossy();
        self.lock().execute("VACUUM INTO ?1", [text.as_ref()])?;
        Ok(())
    }

    /// Replaces everything by what the file at `path` holds.
    pub(crate) fn load(&self, path: &Path) -> Result<(), Error> {
        const ALL_PAGES_AT_ONCE: i32 = -1;
        let source = Connection::open(path)?;
        let mut connection = self.lock();
        let backup = rusqlite::backup::Backup::new(&source, &mut connection)?;
        backup.step(ALL_PAGES_AT_ONCE)?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic inside `change` dropped its transaction, which rolled back: the data is sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the file with an owner-only mode before SQLite does; its journals inherit the mode.
fn claim(path: &Path) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Io(format!("cannot open {}", path.display()), error)),
    }
}
