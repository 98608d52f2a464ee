//! Why a data directory could not be opened.

use std::io;
use std::path::{Path, PathBuf};

use super::schema::FORMAT;

/// Why a data directory could not be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error(
        "{dir} is in use by another Lampfield process; stop that one, or choose another data \
         directory"
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// It holds something else.
    #[error("{path} {why}; choose an empty or a new data directory, or restore a backup into one")]
    Foreign {
        /// What is foreign.
        path: PathBuf,
        /// In which way.
        why: String,
    },
    /// A newer version of Lampfield wrote it.
    #[error(
        "{path} has format {found}, this version knows formats up to {FORMAT}; use the version \
         that wrote it, or a newer one"
    )]
    Newer {
        /// The data file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// Something in it changed since it was written.
    #[error(
        "{path} is damaged: {what}; run `lampfield verify` to see how much, and restore a backup \
         into a new data directory"
    )]
    Damaged {
        /// The data file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The file system refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database library refused.
    #[error("cannot use {path}: {why}")]
    Unusable {
        /// The data file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The database library has a known fault.
    #[error(
        "this program was built with SQLite {0}, whose write-ahead log can lose data; build it \
         with 3.53 or newer"
    )]
    OldSqlite(&'static str),
}

impl OpenError {
    /// Tells whether the data itself is the reason, so that starting again does not help.
    #[must_use]
    pub const fn is_about_the_data(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Newer { .. } | Self::Damaged { .. })
    }

    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// Says what an error of the library means for the file.
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(Code::NotADatabase) => {
                Self::Foreign { path, why: "is not a data file of Lampfield".to_owned() }
            }
            Some(Code::DatabaseCorrupt) => Self::Damaged { path, what: why },
            _ => Self::Unusable { path, why },
        }
    }
}
