//! Backups: making one, also of a running store, and making a data directory of one.
//!
//! A backup is one file, a data file like any other. What is made of it is another generation: a
//! reader that remembers a place of the lost one is told that it is unrecoverable, and sequences
//! go on far beyond any number that the lost one may have given out.

use std::fs;
use std::path::{Path, PathBuf};

use lampfield_core::{AccountId, Sequence};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::open_error::OpenError;
use super::place::{self, FILE, Place};
use super::verify::{VerifyReport, verify_file};
use super::{load, plan, schema};
use crate::memory::random_epoch;

/// How far every account's sequence jumps with a restore: more changes than were ever lost.
pub const SEQUENCE_JUMP: u64 = 1 << 20;

/// What was backed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The backup.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// Why there is no backup, or nothing made of one.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something already, and it is not overwritten.
    #[error("{0} exists already and is left as it is; choose a path that does not exist")]
    Exists(PathBuf),
    /// There is no data to be backed up, or no backup.
    #[error("there is no {0}")]
    Missing(PathBuf),
    /// The backup cannot be relied on.
    #[error("the backup {file} is damaged: {first} ({faults} faults in all); use another one")]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What was found first.
        first: String,
        /// How much was found.
        faults: u64,
    },
    /// A file could not be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Copies the data of `dir` to the new file `file`, as of one moment. The store may be running, in
/// this process or another. The backup is durable when this returns, or there is none.
///
/// # Errors
/// [`BackupError`].
pub fn backup(dir: &Path, file: &Path) -> Result<BackupReport, BackupError> {
    let source = dir.join(FILE);
    if !source.exists() {
        return Err(BackupError::Missing(source));
    }
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let mut creating = file.as_os_str().to_owned();
    creating.push(".creating");
    let creating = PathBuf::from(creating);
    place::remove_file_set(&creating)?;
    place::create_private(&creating)?;
    let copied = copy(&source, &creating);
    if copied.is_err() {
        // What was begun is in the way of the next attempt; the first error is the one to tell.
        let _ = place::remove_file_set(&creating);
    }
    copied?;
    place::finish(&creating, file)?;
    let bytes = fs::metadata(file).map_err(OpenError::io("look at", file))?.len();
    Ok(BackupReport { file: file.to_owned(), bytes })
}

/// Makes the data directory `dir`, which must not exist, of the backup `file`: with another epoch,
/// and with every account's sequence [`SEQUENCE_JUMP`] further. The backup is verified first.
///
/// # Errors
/// [`BackupError`]; there is no data directory then.
pub fn restore(file: &Path, dir: &Path) -> Result<VerifyReport, BackupError> {
    if dir.exists() {
        return Err(BackupError::Exists(dir.to_owned()));
    }
    if !file.exists() {
        return Err(BackupError::Missing(file.to_owned()));
    }
    let report = verify_file(file)?;
    if let Some(first) = report.first_faults.first() {
        let (file, first) = (file.to_owned(), first.clone());
        return Err(BackupError::Damaged { file, first, faults: report.faults });
    }
    Place::make(dir, |creating| begin_anew(file, creating))?;
    Ok(report)
}

fn copy(source: &Path, target: &Path) -> Result<(), OpenError> {
    let from = schema::open_reader(source).map_err(|error| OpenError::of(source, &error))?;
    schema::check_format(&from, source)?;
    let refused = |error: rusqlite::Error| OpenError::of(target, &error);
    let mut to = Connection::open(target).map_err(refused)?;
    to.pragma_update(None, "synchronous", "OFF").map_err(refused)?;
    // All pages in one step, so in one read transaction: a state that was there at one moment.
    let step = Backup::new(&from, &mut to).and_then(|backup| backup.step(-1)).map_err(refused)?;
    if step != StepResult::Done {
        let why = "the data file is locked by another program; try again".to_owned();
        return Err(OpenError::Unusable { path: source.to_owned(), why });
    }
    // A file for itself: no write-ahead log beside it.
    to.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0))
        .map_err(refused)?;
    to.close().map_err(|(_, error)| refused(error))
}

fn begin_anew(backup: &Path, target: &Path) -> Result<(), BackupError> {
    copy(backup, target)?;
    let refused = |error: rusqlite::Error| OpenError::of(target, &error);
    let mut connection = Connection::open(target).map_err(refused)?;
    let before = schema::epoch(&connection).map_err(refused)?;
    let loaded = load::newest(&connection, target)?;
    let transaction = connection.transaction().map_err(refused)?;
    let mut epoch = random_epoch();
    while Some(epoch) == before {
        epoch = random_epoch();
    }
    schema::set_epoch(&transaction, epoch).map_err(refused)?;
    for account in loaded.newest.accounts() {
        let head = loaded.newest.head(account);
        jump(&transaction, account, head.position.offset, head.sequence).map_err(refused)?;
    }
    transaction.commit().map_err(refused)?;
    connection.close().map_err(|(_, error)| refused(error))?;
    Ok(())
}

fn jump(
    connection: &Connection,
    account: AccountId,
    offset: u64,
    sequence: Sequence,
) -> rusqlite::Result<()> {
    let beyond = Sequence(sequence.0.saturating_add(SEQUENCE_JUMP));
    plan::write_floor(connection, account, offset, beyond)
}
