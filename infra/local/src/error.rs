//! Why the shop does not open.

use std::fmt;

/// Why the shop does not open.
#[derive(Debug)]
pub enum Error {
    /// The templates are wrong, or say something that is not understood here.
    Templates(templates::Faults),
    /// The emulated AWS refused.
    Wire(wire::Error),
    /// The Stripe twin refused.
    Twin(stripe_twin::Error),
    /// The system refused a file or a port; the text says which.
    Io(String, std::io::Error),
    /// A function does not start, or the demo data can not be written.
    Fault(domain::fault::Fault),
    /// Anything else, in words.
    Setup(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Templates(faults) => write!(f, "the templates: {faults}"),
            Self::Wire(error) => error.fmt(f),
            Self::Twin(error) => error.fmt(f),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::Fault(fault) => fault.fmt(f),
            Self::Setup(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl From<templates::Faults> for Error {
    fn from(faults: templates::Faults) -> Self {
        Self::Templates(faults)
    }
}

impl From<wire::Error> for Error {
    fn from(error: wire::Error) -> Self {
        Self::Wire(error)
    }
}

impl From<stripe_twin::Error> for Error {
    fn from(error: stripe_twin::Error) -> Self {
        Self::Twin(error)
    }
}

impl From<domain::fault::Fault> for Error {
    fn from(fault: domain::fault::Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Error {
    pub(crate) fn setup(what: &str, error: impl fmt::Display) -> Self {
        Self::Setup(format!("{what}: {error}"))
    }
}
