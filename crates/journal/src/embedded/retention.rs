//! Retention: which old records go, and removing them a few at a time.
//!
//! A log is cut only at its beginning, so that what is kept has no gap. The newest records live in
//! a table of their own and are never touched.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use lampfield_core::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::EmbeddedConfig;
use super::figures::{Counters, add};
use crate::newest::Newest;
use crate::port::Record;

/// The oldest kept record of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tail {
    offset: u64,
    at: Timestamp,
}

/// What is to go from an account's log: records before `before`, and those not from `keep_from`
/// on; but none from `limit` on.
#[derive(Debug, Clone, Copy)]
struct Cut {
    account: AccountId,
    before: Timestamp,
    keep_from: u64,
    limit: u64,
}

/// One small piece of a cut, not yet durable.
#[derive(Debug)]
pub(super) struct Chunk {
    account: AccountId,
    removed: usize,
    /// Where the log begins then; none: nothing of it is left.
    tail: Option<Tail>,
    is_done: bool,
}

/// Where every log begins, and what is to be cut.
#[derive(Debug)]
pub(super) struct Tails {
    tails: BTreeMap<AccountId, Tail>,
    due: VecDeque<Cut>,
    /// The latest moment of any record, which is "now" where there is no clock.
    latest: Timestamp,
    looked: Option<Instant>,
}

impl Tails {
    /// Finds where every log begins. `latest` is the latest moment of any newest record.
    pub(super) fn load(connection: &Connection, latest: Timestamp) -> rusqlite::Result<Self> {
        let mut next = connection.prepare("SELECT min(account) FROM log WHERE account > ?1")?;
        let mut first = connection
            .prepare("SELECT offset, at FROM log WHERE account = ?1 ORDER BY offset LIMIT 1")?;
        let mut tails = BTreeMap::new();
        let mut account = 0_i64;
        while let Some(found) = next.query_row([account], |row| row.get::<_, Option<i64>>(0))? {
            account = found;
            let tail = first.query_row([account], |row| {
                let offset = row.get::<_, i64>(0)?.cast_unsigned();
                Ok(Tail { offset, at: Timestamp(row.get(1)?) })
            })?;
            if let Ok(id) = AccountId::new(account.cast_unsigned()) {
                tails.insert(id, tail);
            }
        }
        Ok(Self { tails, due: VecDeque::new(), latest, looked: None })
    }

    /// Takes note of new, durable records.
    pub(super) fn grow(&mut self, records: &[Arc<Record>], latest: Option<Timestamp>) {
        for record in records {
            let tail = Tail { offset: record.offset, at: record.event.at };
            self.tails.entry(record.event.key.account).or_insert(tail);
        }
        self.latest = self.latest.max(latest.unwrap_or(self.latest));
    }

    /// Tells whether there is something to cut.
    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Looks, once in a while, for what is to go by the rules.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        config: &EmbeddedConfig,
        newest: &Newest,
    ) -> rusqlite::Result<()> {
        let is_early = self.looked.is_some_and(|at| at.elapsed() < config.retention_every);
        if self.is_due() || is_early {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let rules = config.retention;
        let now = config.clock.as_ref().map_or(self.latest, |clock| clock.now());
        let before = rules.age_max.map_or(Timestamp(i64::MIN), |age| {
            let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
            Timestamp(now.0.saturating_sub(age))
        });
        self.demand(before, rules.records_max, newest);
        if let Some(bytes_max) = rules.bytes_max
            && used_bytes(connection)? > bytes_max
        {
            self.demand_oldest(config, newest);
        }
        Ok(())
    }

    /// Demands that records before `before` go, and all but the newest `keep_max` of each account.
    pub(super) fn demand(&mut self, before: Timestamp, keep_max: u64, newest: &Newest) {
        for (account, tail) in &self.tails {
            let limit = newest.head(*account).position.offset + 1;
            let keep_from = limit.saturating_sub(keep_max);
            if tail.at < before || tail.offset < keep_from {
                self.due.push_back(Cut { account: *account, before, keep_from, limit });
            }
        }
    }

    /// Demands that some records of the log that reaches back furthest go; looks again after that.
    fn demand_oldest(&mut self, config: &EmbeddedConfig, newest: &Newest) {
        let spared = config.retention.records_min;
        let candidates = self.tails.iter().filter_map(|(account, tail)| {
            let limit = (newest.head(*account).position.offset + 1).saturating_sub(spared);
            (tail.offset < limit).then_some((*account, *tail, limit))
        });
        let Some((account, tail, limit)) = candidates.min_by_key(|(_, tail, _)| tail.at) else {
            return;
        };
        let chunk = u64::try_from(config.trim_chunk).unwrap_or(u64::MAX);
        let keep_from = tail.offset.saturating_add(chunk).min(limit);
        self.due.push_back(Cut { account, before: Timestamp(i64::MIN), keep_from, limit });
        self.looked = None;
    }

    /// Removes at most `most` records in the open transaction, of several accounts if need be.
    /// Nothing is believed until [`Self::adopt`].
    pub(super) fn cut(&self, connection: &Connection, most: usize) -> rusqlite::Result<Vec<Chunk>> {
        let mut chunks = Vec::new();
        let mut left = most;
        for cut in &self.due {
            if left == 0 {
                break;
            }
            let chunk = match self.tails.get(&cut.account) {
                Some(tail) => cut_one(connection, cut, *tail, left)?,
                None => Chunk { account: cut.account, removed: 0, tail: None, is_done: true },
            };
            // An account where nothing goes costs a look.
            left = left.saturating_sub(chunk.removed.max(1));
            let is_done = chunk.is_done;
            chunks.push(chunk);
            if !is_done {
                break;
            }
        }
        Ok(chunks)
    }

    /// Believes chunks that are durable; returns how many records went.
    pub(super) fn adopt(&mut self, chunks: Vec<Chunk>, counters: &Counters) -> usize {
        let mut removed = 0;
        for chunk in chunks {
            match chunk.tail {
                Some(tail) => drop(self.tails.insert(chunk.account, tail)),
                None => drop(self.tails.remove(&chunk.account)),
            }
            if chunk.is_done {
                self.due.pop_front();
            }
            removed += chunk.removed;
        }
        add(&counters.trimmed, removed);
        removed
    }
}

/// Removes at most `most` records of one account.
fn cut_one(connection: &Connection, cut: &Cut, tail: Tail, most: usize) -> rusqlite::Result<Chunk> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let account = cut.account.get().cast_signed();
    let end = tail.offset.saturating_add(most).min(cut.limit);
    let first_kept = first_kept(connection, account, cut, end)?.unwrap_or(end);
    let removed = connection
        .prepare_cached("DELETE FROM log WHERE account = ?1 AND offset < ?2")?
        .execute(params![account, first_kept.cast_signed()])?;
    let tail = connection
        .prepare_cached("SELECT offset, at FROM log WHERE account = ?1 ORDER BY offset LIMIT 1")?
        .query_row([account], |row| {
            let offset = row.get::<_, i64>(0)?.cast_unsigned();
            Ok(Tail { offset, at: Timestamp(row.get(1)?) })
        })
        .optional()?;
    let is_done = first_kept < end || first_kept >= cut.limit || tail.is_none();
    Ok(Chunk { account: cut.account, removed, tail, is_done })
}

/// Returns the first record before `end` that the cut spares.
fn first_kept(
    connection: &Connection,
    account: i64,
    cut: &Cut,
    end: u64,
) -> rusqlite::Result<Option<u64>> {
    let mut find = connection.prepare_cached(
        "SELECT offset FROM log
         WHERE account = ?1 AND offset >= ?2 AND offset < ?3 AND at >= ?4
         ORDER BY offset LIMIT 1",
    )?;
    let keep_from = cut.keep_from.cast_signed();
    find.query_row(params![account, keep_from, end.cast_signed(), cut.before.0], |row| {
        row.get::<_, i64>(0)
    })
    .optional()
    .map(|found| found.map(i64::cast_unsigned))
}

/// Bytes of the data file that hold something.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok(u64::try_from(pages.saturating_mul(number("page_size")?)).unwrap_or(0))
}
