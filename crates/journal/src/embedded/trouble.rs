//! What an error of the database means for those who wait, and for the house.

use rusqlite::{Error, ErrorCode, ffi};

use crate::port::{CommitError, StoreError};

/// What an error means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing was stored; it may go better later.
    NoRoom(String),
    /// It is not known what is durable: the store must stop.
    Fatal(String),
}

impl Trouble {
    /// Judges an error of a write.
    pub(super) fn of(error: &Error) -> Self {
        let extended = match error {
            Error::SqliteFailure(failure, _) => failure.extended_code,
            _ => 0,
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                Self::NoRoom("the disk, or the data file's own limit, is full".to_owned())
            }
            // The index of the write-ahead log cannot grow: says the full disk in its own way.
            Some(_) if extended == ffi::SQLITE_IOERR_SHMSIZE => {
                Self::NoRoom("the disk is full".to_owned())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::NoRoom("the data file is locked by another program".to_owned())
            }
            _ => Self::Fatal(error.to_string()),
        }
    }
}

impl From<Trouble> for CommitError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoRoom(why) => Self::Full(why),
            Trouble::Fatal(why) => Self::Stopped(why),
        }
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NoRoom(why) => Self::Full(why),
            Trouble::Fatal(why) => Self::Unusable(why),
        }
    }
}
