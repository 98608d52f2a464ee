//! Tables, pragmas, and making a new data file.
//!
//! The layout is described in [`crate::record`]. `at` stands beside the bytes so that retention
//! need not decode; `extension` and `sequence` so that "as of" is one step in `log_by_extension`.

use std::num::NonZeroU64;
use std::path::Path;

use lampfield_core::Epoch;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::EmbeddedConfig;
use super::open_error::OpenError;

/// The format that is written.
pub(super) const FORMAT: i64 = 1;
/// "Lamp": tells our files from other people's.
const APPLICATION_ID: i64 = 0x4c61_6d70;
/// Versions before have the WAL-reset fault.
const SQLITE_MIN: i32 = 3_053_000;
/// How long to wait for a lock that another program holds.
pub(super) const BUSY: std::time::Duration = std::time::Duration::from_secs(1);

const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE log (
        account INTEGER NOT NULL,
        offset INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        extension INTEGER NOT NULL,
        at INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (account, offset)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX log_by_extension ON log (account, extension, sequence);
    CREATE TABLE state (
        account INTEGER NOT NULL,
        extension INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (account, extension)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE heads (
        account INTEGER PRIMARY KEY,
        offset INTEGER NOT NULL,
        sequence INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE directory (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        owner TEXT,
        bytes BLOB NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID, STRICT;
    CREATE TABLE audit (
        account INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (account, number)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX directory_by_owner ON directory (owner) WHERE owner IS NOT NULL;
";

/// Refuses a library with a known fault.
pub(super) fn check_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(OpenError::OldSqlite(rusqlite::version()));
    }
    Ok(())
}

/// Makes the tables in an empty data file. It is durable when this returns.
pub(super) fn make(path: &Path, epoch: Epoch) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    set_epoch(&transaction, epoch)?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

/// Opens the one connection that writes.
pub(super) fn open_writer(path: &Path, config: &EmbeddedConfig) -> Result<Connection, OpenError> {
    let refused = |error: rusqlite::Error| OpenError::of(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(refused)?;
    check_format(&connection, path)?;
    prepare_writer(&connection, config).map_err(refused)?;
    Ok(connection)
}

fn prepare_writer(connection: &Connection, config: &EmbeddedConfig) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    debug_assert_eq!(mode, "wal");
    // FULL: the log is synced with every commit. NORMAL would not survive a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let cache_kib = i64::try_from(config.cache_bytes / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    let wal_max = i64::try_from(config.checkpoint_bytes.saturating_mul(2)).unwrap_or(i64::MAX);
    connection.pragma_update(None, "journal_size_limit", wal_max)?;
    if let Some(bytes) = config.file_bytes_max {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
        connection.pragma_update(None, "max_page_count", pages.max(1))?;
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Opens a connection that cannot write.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// Refuses files of other programs and of newer versions.
pub(super) fn check_format(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let refused = |error: rusqlite::Error| OpenError::of(path, &error);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if number("application_id").map_err(refused)? != APPLICATION_ID {
        let why = "is not a data file of Lampfield, or was cut off".to_owned();
        return Err(OpenError::Foreign { path: path.to_owned(), why });
    }
    let found = number("user_version").map_err(refused)?;
    if found > FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found });
    }
    if found < FORMAT {
        let what = format!("it has format {found}, which no version has written");
        return Err(OpenError::Damaged { path: path.to_owned(), what });
    }
    Ok(())
}

/// Returns the generation, if there is a valid one.
pub(super) fn epoch(connection: &Connection) -> rusqlite::Result<Option<Epoch>> {
    let query = "SELECT value FROM meta WHERE name = 'epoch'";
    let value: Option<i64> = connection.query_row(query, [], |row| row.get(0)).optional()?;
    Ok(value.and_then(|value| NonZeroU64::new(value.cast_unsigned())).map(Epoch))
}

/// Sets the generation.
pub(super) fn set_epoch(connection: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    let put = "INSERT OR REPLACE INTO meta (name, value) VALUES ('epoch', ?1)";
    connection.execute(put, params![epoch.0.get().cast_signed()]).map(drop)
}
