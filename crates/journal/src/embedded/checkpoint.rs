//! The write-ahead log: how large it is, and copying it into the data file.

use std::time::Duration;

use rusqlite::Connection;

use super::schema;

/// Size of the write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wal {
    page_bytes: u64,
    pages: u64,
    copied: u64,
}

impl Wal {
    /// Returns the bytes in it.
    pub(super) const fn bytes(self) -> u64 {
        self.pages * self.page_bytes
    }

    /// Returns the bytes that are not yet in the data file.
    pub(super) const fn backlog_bytes(self) -> u64 {
        self.pages.saturating_sub(self.copied) * self.page_bytes
    }
}

/// How to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// As much as readers allow.
    Passive,
    /// All of it, and begin it anew, if nobody reads from it.
    Truncate,
}

/// Asks how large it is.
pub(super) fn look(connection: &Connection) -> rusqlite::Result<Wal> {
    ask(connection, "PRAGMA wal_checkpoint(NOOP)")
}

/// Copies it; how much could be copied is in the answer.
pub(super) fn run(connection: &Connection, mode: Mode) -> rusqlite::Result<Wal> {
    match mode {
        Mode::Passive => ask(connection, "PRAGMA wal_checkpoint(PASSIVE)"),
        Mode::Truncate => {
            // Whoever still reads from it is not waited for: changes wait behind us.
            connection.busy_timeout(Duration::ZERO)?;
            let done = ask(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
            connection.busy_timeout(schema::BUSY)?;
            done
        }
    }
}

fn ask(connection: &Connection, pragma: &'static str) -> rusqlite::Result<Wal> {
    let page_bytes: i64 =
        connection.prepare_cached("PRAGMA page_size")?.query_row([], |row| row.get(0))?;
    let (pages, copied): (i64, i64) =
        connection.prepare_cached(pragma)?.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Wal { page_bytes: count(page_bytes), pages: count(pages), copied: count(copied) })
}
