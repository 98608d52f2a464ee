//! Checking everything that a data file holds, also of a running store.

use std::collections::BTreeMap;
use std::path::Path;

use lampfield_core::{AccountId, Sequence};
use rusqlite::Connection;

use super::open_error::OpenError;
use super::place::FILE;
use super::{load, schema};
use crate::port::{Contents, Record};
use crate::record::decode;
use crate::stored::audit::read_audit;
use crate::stored::take_row;

/// So many faults are described, the others are counted.
const DESCRIBED_MAX: usize = 100;

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Accounts with a log.
    pub accounts: u64,
    /// Records that are kept.
    pub records: u64,
    /// Newest records.
    pub newest: u64,
    /// Items of the directory.
    pub items: u64,
    /// Entries of the audit trail.
    pub audited: u64,
    /// What is wrong, counted.
    pub faults: u64,
    /// The first faults, for people.
    pub first_faults: Vec<String>,
}

impl VerifyReport {
    /// Tells whether nothing is wrong.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.faults == 0
    }

    fn note(&mut self, fault: String) {
        self.faults += 1;
        if self.first_faults.len() < DESCRIBED_MAX {
            self.first_faults.push(fault);
        }
    }
}

/// Checks the data of a directory: the file's own structure, every checksum, that each log has no
/// gap and its sequences grow, and that the newest records are those of the logs.
///
/// # Errors
/// [`OpenError`] when it cannot be read at all. What is wrong with it is in the report.
pub fn verify(dir: &Path) -> Result<VerifyReport, OpenError> {
    verify_file(&dir.join(FILE))
}

/// Checks a data file, such as a backup; see [`verify`].
///
/// # Errors
/// [`OpenError`] when it cannot be read at all.
pub fn verify_file(file: &Path) -> Result<VerifyReport, OpenError> {
    let refused = |error: rusqlite::Error| OpenError::of(file, &error);
    let connection = schema::open_reader(file).map_err(refused)?;
    schema::check_format(&connection, file)?;
    let mut report = VerifyReport::default();
    match check(&connection, &mut report) {
        Ok(()) => {}
        // The check of the structure has found it already, and more of it.
        Err(error) if is_damage(&error) => report.note(error.to_string()),
        Err(error) => return Err(refused(error)),
    }
    Ok(report)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(error.sqlite_error_code(), Some(Code::DatabaseCorrupt | Code::NotADatabase))
        || matches!(error, rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::Utf8Error(..))
}

fn check(connection: &Connection, report: &mut VerifyReport) -> rusqlite::Result<()> {
    // One transaction: a running store may go on meanwhile.
    let transaction = connection.unchecked_transaction()?;
    check_structure(&transaction, report)?;
    if schema::epoch(&transaction)?.is_none() {
        report.note("the file does not say its generation".to_owned());
    }
    let ends = check_log(&transaction, report)?;
    let heads = check_state(&transaction, report)?;
    check_heads(&transaction, &ends, heads, report)?;
    check_directory(&transaction, report)?;
    check_trails(&transaction, report)
}

fn check_structure(connection: &Connection, report: &mut VerifyReport) -> rusqlite::Result<()> {
    let mut pragma = connection.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = pragma.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            report.note(line);
        }
    }
    Ok(())
}

/// The end of an account's log as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct End {
    offset: u64,
    sequence: u64,
}

fn check_log(
    connection: &Connection,
    report: &mut VerifyReport,
) -> rusqlite::Result<BTreeMap<u64, End>> {
    let mut ends: BTreeMap<u64, End> = BTreeMap::new();
    let mut select = connection.prepare(
        "SELECT account, offset, sequence, extension, at, bytes FROM log ORDER BY account, offset",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let (account, end) = (number(0)?, End { offset: number(1)?, sequence: number(2)? });
        let columns = (account, end.offset, end.sequence, number(3)?, row.get::<_, i64>(4)?);
        report.records += 1;
        match decode(row.get_ref(5)?.as_blob()?) {
            Ok(record) if columns_of(&record) != columns => report.note(format!(
                "record {} of account {account} stands in a place that is not its own",
                end.offset
            )),
            Ok(_) => {}
            Err(error) => {
                report.note(format!("record {} of account {account}: {error}", end.offset));
            }
        }
        if let Some(before) = ends.insert(account, end) {
            check_step(account, before, end, report);
        }
    }
    Ok(ends)
}

fn check_step(account: u64, before: End, end: End, report: &mut VerifyReport) {
    if end.offset != before.offset + 1 {
        report.note(format!(
            "account {account}: record {} follows record {}",
            end.offset, before.offset
        ));
    }
    if end.sequence <= before.sequence {
        report.note(format!(
            "account {account}: sequence {} follows {} at record {}",
            end.sequence, before.sequence, end.offset
        ));
    }
}

fn columns_of(record: &Record) -> (u64, u64, u64, u64, i64) {
    let event = &record.event;
    let key = event.key;
    (key.account.get(), record.offset, event.sequence.0, key.extension.get(), event.at.0)
}

fn check_state(
    connection: &Connection,
    report: &mut VerifyReport,
) -> rusqlite::Result<BTreeMap<u64, End>> {
    let mut heads: BTreeMap<u64, End> = BTreeMap::new();
    let mut last = connection.prepare(
        "SELECT offset, bytes FROM log INDEXED BY log_by_extension
         WHERE account = ?1 AND extension = ?2 ORDER BY sequence DESC LIMIT 1",
    )?;
    let mut select = connection.prepare("SELECT account, extension, bytes FROM state")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let key: (i64, i64) = (row.get(0)?, row.get(1)?);
        report.newest += 1;
        let newest = match load::state_record(key, row.get_ref(2)?.as_blob()?) {
            Ok(newest) => newest,
            Err(error) => {
                report.note(format!("the newest record of {}/{}: {error}", key.0, key.1));
                continue;
            }
        };
        let head = heads.entry(newest.event.key.account.get()).or_default();
        head.offset = head.offset.max(newest.offset);
        head.sequence = head.sequence.max(newest.event.sequence.0);
        let mut found = last.query(key)?;
        let Some(row) = found.next()? else { continue };
        if let Ok(logged) = decode(row.get_ref(1)?.as_blob()?)
            && !is_newest_of(&newest, &logged)
        {
            report.note(format!(
                "the newest record of {}/{} is not record {} of the log",
                key.0, key.1, logged.offset
            ));
        }
    }
    Ok(heads)
}

/// The newest record is the last one of the log, but for leases that were renewed since.
fn is_newest_of(newest: &Record, logged: &Record) -> bool {
    let mut expected = logged.clone();
    expected.event.document = newest.event.document.clone();
    *newest == expected
        && newest.event.document.changes_since(&logged.event.document).is_empty()
        && newest.event.document.settings == logged.event.document.settings
}

fn check_heads(
    connection: &Connection,
    ends: &BTreeMap<u64, End>,
    mut heads: BTreeMap<u64, End>,
    report: &mut VerifyReport,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT account, offset, sequence FROM heads")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let head = heads.entry(number(0)?).or_default();
        head.offset = head.offset.max(number(1)?);
        head.sequence = head.sequence.max(number(2)?);
    }
    for (account, head) in &heads {
        if AccountId::new(*account).is_err() {
            report.note(format!("{account} is no account"));
        }
        let Some(end) = ends.get(account) else { continue };
        let is_short = Sequence(end.sequence) > Sequence(head.sequence);
        if end.offset != head.offset || is_short {
            report.note(format!(
                "account {account}: the log ends at record {}, newest records at {}",
                end.offset, head.offset
            ));
        }
    }
    for account in ends.keys().filter(|account| !heads.contains_key(account)) {
        report.note(format!("account {account} has a log, but no newest record"));
    }
    report.accounts = u64::try_from(heads.len()).unwrap_or(u64::MAX);
    Ok(())
}

fn check_directory(connection: &Connection, report: &mut VerifyReport) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT kind, key, bytes FROM directory")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        report.items += 1;
        let (kind, key) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let bytes = row.get_ref(2)?.as_blob()?;
        if let Err(error) = take_row(&mut Contents::default(), kind, key, bytes) {
            report.note(error.to_string());
        }
    }
    Ok(())
}

/// Every entry is whole and in its place, and numbers have no gap.
fn check_trails(connection: &Connection, report: &mut VerifyReport) -> rusqlite::Result<()> {
    let query = "SELECT account, number, bytes FROM audit ORDER BY account, number";
    let mut select = connection.prepare(query)?;
    let mut rows = select.query([])?;
    let mut before: Option<(u64, u64)> = None;
    while let Some(row) = rows.next()? {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let (account, number) = (number(0)?, number(1)?);
        report.audited += 1;
        if let Err(error) = read_audit(row.get_ref(2)?.as_blob()?, account, number) {
            report.note(error.to_string());
        }
        if let Some((_, last)) =
            before.filter(|(same, last)| *same == account && *last + 1 != number)
        {
            report.note(format!(
                "the audit trail of account {account}: entry {number} follows entry {last}"
            ));
        }
        before = Some((account, number));
    }
    Ok(())
}
