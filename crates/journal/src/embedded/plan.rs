//! What one durable write is to hold: the admitted batches and directory changes of a group.

use std::collections::BTreeMap;
use std::sync::Arc;

use lampfield_core::{AccountId, Document, ExtensionKey, Sequence, Timestamp};
use rusqlite::{Connection, params};

use crate::fence::Fence;
use crate::newest::Newest;
use crate::port::{AuditRetention, CommitError, Entry, Record};
use crate::record::encode;
use crate::stored::{Effect, Kind, Row};

/// A group, folded: of several newest documents of one extension only the last is written.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    newest: &'a Newest,
    fence: Fence<'a>,
    log: Vec<Arc<Record>>,
    /// What becomes of the newest records; none: it is removed.
    state: BTreeMap<ExtensionKey, Option<Arc<Record>>>,
    /// Heads that newest records would no longer tell.
    floors: BTreeMap<AccountId, (u64, Sequence)>,
    effects: Vec<Effect>,
}

impl<'a> Plan<'a> {
    /// Makes an empty plan on top of what is committed.
    pub(super) const fn new(newest: &'a Newest) -> Self {
        Self {
            newest,
            fence: Fence::new(newest),
            log: Vec::new(),
            state: BTreeMap::new(),
            floors: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    /// Adds a batch whole or not at all.
    pub(super) fn add_batch(&mut self, batch: &[Entry]) -> Result<(), CommitError> {
        self.fence.admit(batch)?;
        for entry in batch {
            match entry {
                Entry::Change(record) => {
                    self.log.push(Arc::clone(record));
                    self.state.insert(record.event.key, Some(Arc::clone(record)));
                }
                Entry::Renewal { key, document } => self.renew(*key, document),
            }
        }
        Ok(())
    }

    /// Adds changes of the directory.
    pub(super) fn add_effects(&mut self, effects: Vec<Effect>) {
        for effect in &effects {
            let Effect::RemoveExtension(key) = effect else { continue };
            self.state.insert(*key, None);
            let head = self.fence.head(key.account);
            if head.0 > 0 {
                self.floors.insert(key.account, head);
            }
        }
        self.effects.extend(effects);
    }

    /// Tells whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.log.is_empty() && self.state.is_empty() && self.effects.is_empty()
    }

    /// Returns the new records, in order.
    pub(super) fn records(&self) -> &[Arc<Record>] {
        &self.log
    }

    /// Returns the latest moment of the new records.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.log.iter().map(|record| record.event.at).max()
    }

    /// Writes everything into the open transaction. `buffer` is scratch.
    pub(super) fn write(
        &self,
        connection: &Connection,
        buffer: &mut Vec<u8>,
        audit: AuditRetention,
    ) -> rusqlite::Result<()> {
        self.write_log(connection, buffer)?;
        self.write_state(connection, buffer)?;
        for effect in &self.effects {
            write_effect(connection, effect, audit)?;
        }
        Ok(())
    }

    /// A presentity that never changed, or was removed, has no document whose leases could be
    /// renewed.
    fn renew(&mut self, key: ExtensionKey, document: &Document) {
        let present = match self.state.get(&key) {
            Some(staged) => staged.clone(),
            None => self.newest.get(key),
        };
        if let Some(mut record) = present {
            Arc::make_mut(&mut record).event.document = document.clone();
            self.state.insert(key, Some(record));
        }
    }

    fn write_log(&self, connection: &Connection, buffer: &mut Vec<u8>) -> rusqlite::Result<()> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO log (account, offset, sequence, extension, at, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for record in &self.log {
            let event = &record.event;
            buffer.clear();
            encode(record, buffer);
            insert.execute(params![
                event.key.account.get().cast_signed(),
                record.offset.cast_signed(),
                event.sequence.0.cast_signed(),
                event.key.extension.get().cast_signed(),
                event.at.0,
                &*buffer,
            ])?;
        }
        Ok(())
    }

    fn write_state(&self, connection: &Connection, buffer: &mut Vec<u8>) -> rusqlite::Result<()> {
        let mut put = connection.prepare_cached(
            "INSERT INTO state (account, extension, bytes) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
        )?;
        let mut remove =
            connection.prepare_cached("DELETE FROM state WHERE account = ?1 AND extension = ?2")?;
        for (key, record) in &self.state {
            let (account, extension) =
                (key.account.get().cast_signed(), key.extension.get().cast_signed());
            if let Some(record) = record {
                buffer.clear();
                encode(record, buffer);
                put.execute(params![account, extension, &*buffer])?;
            } else {
                remove.execute(params![account, extension])?;
            }
        }
        for (account, (offset, sequence)) in &self.floors {
            write_floor(connection, *account, *offset, *sequence)?;
        }
        Ok(())
    }
}

/// Keeps a head that newest records do not tell.
pub(super) fn write_floor(
    connection: &Connection,
    account: AccountId,
    offset: u64,
    sequence: Sequence,
) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO heads (account, offset, sequence) VALUES (?1, ?2, ?3)",
    )?;
    put.execute(params![
        account.get().cast_signed(),
        offset.cast_signed(),
        sequence.0.cast_signed()
    ])
    .map(drop)
}

fn write_effect(
    connection: &Connection,
    effect: &Effect,
    audit: AuditRetention,
) -> rusqlite::Result<()> {
    match effect {
        Effect::Put(row) => put(connection, row),
        Effect::Remove(kind, key) => remove(connection, *kind, key),
        Effect::RemoveExtension(key) => {
            let key = key.to_string();
            remove(connection, Kind::Extension, &key)?;
            let mut owned = connection.prepare_cached("DELETE FROM directory WHERE owner = ?1")?;
            owned.execute([key]).map(drop)
        }
        Effect::MoveCursor(row) => move_cursor(connection, row),
        Effect::Audit { account, at, body } => {
            super::audit::append(connection, *account, *at, body, audit)
        }
        Effect::RemoveSubscription(key) => {
            remove(connection, Kind::Cursor, key)?;
            remove(connection, Kind::Subscription, key)
        }
    }
}

fn put(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO directory (kind, key, owner, bytes) VALUES (?1, ?2, ?3, ?4)",
    )?;
    put.execute(params![row.kind.as_str(), row.key, row.owner, row.bytes]).map(drop)
}

fn move_cursor(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO directory (kind, key, owner, bytes)
         SELECT ?1, ?2, NULL, ?3
         WHERE EXISTS (SELECT 1 FROM directory WHERE kind = 'subscription' AND key = ?2)",
    )?;
    put.execute(params![row.kind.as_str(), row.key, row.bytes]).map(drop)
}

fn remove(connection: &Connection, kind: Kind, key: &str) -> rusqlite::Result<()> {
    let mut remove =
        connection.prepare_cached("DELETE FROM directory WHERE kind = ?1 AND key = ?2")?;
    remove.execute(params![kind.as_str(), key]).map(drop)
}
