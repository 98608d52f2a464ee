//! The audit trail on disk: a table of its own, appended in the transaction of the changes of which
//! it tells, and cut at its old end a few entries at a time.
//!
//! Numbers of an account's entries have no gap, so that counting and paging need no scan. Account 0
//! stands for the whole house.

use lampfield_core::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::port::{AuditPage, AuditRecord, AuditRetention, StoreError};
use crate::stored::audit::{read_audit, seal_audit};
use crate::trail::oldest_kept;

/// Old entries that go with a new one, at most.
const CUT_WITH_NEW: i64 = 16;
/// Old entries that one look removes of an account, at most.
const CUT_AT_ONCE: i64 = 512;
/// Accounts that one look has a look at: nobody shall wait for it.
const ACCOUNTS_AT_ONCE: usize = 32;

/// Adds an entry in the open transaction, and takes some of the oldest away if there are too many.
pub(super) fn append(
    connection: &Connection,
    account: u64,
    at: Timestamp,
    body: &[u8],
    retention: AuditRetention,
) -> rusqlite::Result<()> {
    let of = account.cast_signed();
    let number = ends(connection, of)?.map_or(1, |(_, newest)| newest + 1);
    let bytes = seal_audit(body, account, number.cast_unsigned());
    connection
        .prepare_cached("INSERT INTO audit (account, number, at, bytes) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![of, number, at.0, bytes])?;
    cut(connection, of, retention, at, CUT_WITH_NEW).map(drop)
}

/// Takes old entries away of some accounts after `after`, a few at a time. Returns how many went, and
/// the account from which to go on; none: all have had their turn.
pub(super) fn sweep(
    connection: &Connection,
    retention: AuditRetention,
    now: Timestamp,
    after: Option<i64>,
) -> rusqlite::Result<(usize, Option<i64>)> {
    let mut next =
        connection.prepare_cached("SELECT min(account) FROM audit WHERE account > ?1")?;
    let (mut account, mut removed) = (after.unwrap_or(-1), 0);
    for _ in 0..ACCOUNTS_AT_ONCE {
        let found = next.query_row([account], |row| row.get::<_, Option<i64>>(0))?;
        let Some(found) = found else { return Ok((removed, None)) };
        account = found;
        removed += cut(connection, account, retention, now, CUT_AT_ONCE)?;
    }
    Ok((removed, Some(account)))
}

/// Reads some of a trail, newest first.
pub(super) fn page(
    connection: &Connection,
    account: Option<AccountId>,
    skip: u64,
    limit: usize,
) -> Result<AuditPage, StoreError> {
    let unusable = |error: rusqlite::Error| StoreError::Unusable(error.to_string());
    let account = account.map_or(0, AccountId::get);
    let of = account.cast_signed();
    // One transaction: what is counted is what is read.
    let transaction = connection.unchecked_transaction().map_err(unusable)?;
    let Some((oldest, newest)) = ends(&transaction, of).map_err(unusable)? else {
        return Ok(AuditPage::default());
    };
    let total = (newest - oldest + 1).cast_unsigned();
    let from = newest.saturating_sub(i64::try_from(skip).unwrap_or(i64::MAX));
    let mut select = transaction
        .prepare_cached(
            "SELECT number, bytes FROM audit WHERE account = ?1 AND number <= ?2
             ORDER BY number DESC LIMIT ?3",
        )
        .map_err(unusable)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![of, from, limit]).map_err(unusable)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(unusable)? {
        let number = row.get::<_, i64>(0).map_err(unusable)?.cast_unsigned();
        let bytes = row.get_ref(1).and_then(|value| Ok(value.as_blob()?)).map_err(unusable)?;
        records.push(AuditRecord { number, entry: read_audit(bytes, account, number)? });
    }
    Ok(AuditPage { records, total })
}

/// Removes at most `most` entries from the old end; the newest one stays.
fn cut(
    connection: &Connection,
    account: i64,
    retention: AuditRetention,
    now: Timestamp,
    most: i64,
) -> rusqlite::Result<usize> {
    let Some((oldest, newest)) = ends(connection, account)? else { return Ok(0) };
    let entries_max = i64::try_from(retention.entries_max).unwrap_or(i64::MAX);
    let spared = newest.saturating_sub(entries_max).saturating_add(1);
    let end = oldest.saturating_add(most).min(newest);
    let young: Option<i64> = connection
        .prepare_cached(
            "SELECT number FROM audit WHERE account = ?1 AND number < ?2 AND at >= ?3
             ORDER BY number LIMIT 1",
        )?
        .query_row(params![account, end, oldest_kept(retention, now).0], |row| row.get(0))
        .optional()?;
    let first_kept = young.unwrap_or(end).max(spared.min(end));
    if first_kept <= oldest {
        return Ok(0);
    }
    connection
        .prepare_cached("DELETE FROM audit WHERE account = ?1 AND number < ?2")?
        .execute(params![account, first_kept])
}

/// Returns the numbers of the oldest and the newest entry.
fn ends(connection: &Connection, account: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    // Two questions: a single one with min and max together would read the whole trail.
    let oldest: Option<i64> = connection
        .prepare_cached("SELECT min(number) FROM audit WHERE account = ?1")?
        .query_row([account], |row| row.get(0))?;
    let newest: Option<i64> = connection
        .prepare_cached("SELECT max(number) FROM audit WHERE account = ?1")?
        .query_row([account], |row| row.get(0))?;
    Ok(oldest.zip(newest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::conformance::samples::{audit, moment};
    use crate::stored::audit::audit_body;

    #[test]
    fn a_sweep_has_a_look_at_some_accounts_and_goes_on_behind_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("data");
        super::super::schema::make(&file, crate::memory::random_epoch()).expect("tables");
        let connection = Connection::open(&file).expect("a file");
        let unlimited = AuditRetention { age_max: None, entries_max: u64::MAX };
        for account in 0..40 {
            for number in 1..=3 {
                let body = audit_body(&audit(account, number)).expect("writable");
                append(&connection, account, moment(number), &body, unlimited).expect("added");
            }
        }
        let short = AuditRetention { age_max: Some(Duration::from_secs(1)), ..unlimited };

        let first = sweep(&connection, short, moment(100), None).expect("swept");
        assert_eq!(first, (64, Some(31)), "two of three each, the newest stays");
        let rest = sweep(&connection, short, moment(100), first.1).expect("swept");
        assert_eq!(rest, (16, None));
        assert_eq!(sweep(&connection, short, moment(100), None).expect("swept").0, 0);
        let kept = page(&connection, AccountId::new(7).ok(), 0, 9).expect("readable");
        assert_eq!(kept.records.first().map(|record| record.number), Some(3));
        assert_eq!(kept.total, 1);
    }
}
