//! How a command ends: its exit code, and what is said where it could not be done.

use std::io;
use std::path::Path;

use twofa::{Error, KeyringError};
use twofa_sqlx::Error as StoreError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or accepted.
    Done = 0,
    /// Refused or rejected, with a reason on standard output.
    Refused = 1,
    /// Wrong usage, or input that cannot be taken.
    Usage = 2,
    /// Trouble with the store or the keys.
    Store = 3,
}

/// Why a command could not be done. The message names the input and the way out, and holds no secret.
#[derive(Debug)]
pub(crate) enum Failure {
    /// For standard error, as text or as JSON.
    Told {
        exit: Exit,
        code: &'static str,
        message: String,
    },
    /// Whoever read the output has gone away.
    PipeClosed,
}

pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    /// Input that cannot be taken.
    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::Told {
            exit: Exit::Usage,
            code,
            message: message.into(),
        }
    }

    /// Trouble with the store or the keys.
    pub(crate) fn store(code: &'static str, message: impl Into<String>) -> Self {
        Self::Told {
            exit: Exit::Store,
            code,
            message: message.into(),
        }
    }

    /// A file that was named cannot be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::usage("file", format!("{}: {error}", path.display()))
    }

    /// Standard output does not take what is written.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::store(
                "output",
                format!("standard output cannot be written: {error}"),
            ),
        }
    }

    /// The same, with a sentence more.
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        if let Self::Told { message, .. } = &mut self {
            message.push_str(hint);
        }
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Told { code, .. } => code,
            Self::PipeClosed => "output",
        }
    }

    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Told { message, .. } => message,
            Self::PipeClosed => "",
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error {
            // The store's own words, and its own code.
            Error::Store(cause) | Error::Directory(cause) => {
                return match cause.downcast::<StoreError>() {
                    Ok(store) => (*store).into(),
                    Err(other) => Self::store("store-unreachable", other.to_string()),
                };
            }
            Error::UnknownProject(_)
            | Error::UnknownMember(_)
            | Error::DuplicateProject(_)
            | Error::DuplicateMember(_)
            | Error::KeyUri(_)
            | Error::AlreadySetUp { .. }
            | Error::AlreadyReset { .. }
            | Error::CannotImport
            | Error::Archive(_)
            | Error::ArchiveNeeded(_) => Exit::Usage,
            Error::ProofInvalid => Exit::Refused,
            _ => Exit::Store,
        };
        Self::Told {
            exit,
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl From<KeyringError> for Failure {
    fn from(error: KeyringError) -> Self {
        Self::store(error.code(), error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        match code {
            "store-name" => Self::usage(code, message),
            _ => Self::store(code, message),
        }
    }
}
