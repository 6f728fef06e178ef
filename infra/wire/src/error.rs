//! What can go wrong with the emulators themselves. What AWS would refuse is no such error: that
//! is a reply on the wire.

use std::fmt;

/// The emulated AWS could not start, store or read.
#[derive(Debug)]
pub enum Error {
    /// A file or the loopback port was refused by the system; the text says which.
    Io(String, std::io::Error),
    /// SQLite refused; a damaged or locked file in the data folder.
    Sql(rusqlite::Error),
    /// The DynamoDB engine refused; its own words.
    Dynamo(String),
    /// Configuration that cannot be honoured: an unknown queue, an unsupported IAM condition.
    Invalid(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Sql(error) => write!(f, "SQLite: {error}"),
            Self::Dynamo(text) => write!(f, "DynamoDB engine: {text}"),
            Self::Invalid(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Sql(error) => Some(error),
            Self::Dynamo(_) | Self::Invalid(_) => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<dynoxide::DynoxideError> for Error {
    fn from(error: dynoxide::DynoxideError) -> Self {
        Self::Dynamo(error.to_string())
    }
}
