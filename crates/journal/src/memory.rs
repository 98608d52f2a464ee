//! The journal and the directory in memory: the same promises, except that nothing outlives the
//! process.
//!
//! For tests, and for trying Lampfield out without a data directory.

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::num::NonZeroU64;
use std::sync::Arc;

use foldhash::fast::RandomState;
use lampfield_core::{AccountId, Epoch, ExtensionKey, Position, Sequence, Timestamp};
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::catalogue::Catalogue;
use crate::fence::Fence;
use crate::newest::Newest;
use crate::port::{
    AuditPage, BoxFuture, CommitError, CommitWatcher, Contents, DirectoryChange, DirectoryStore,
    Entry, Head, Journal, OnCommit, Page, ReadError, Record, StoreError,
};
use crate::trail::Trails;
use crate::watchers::Watchers;

/// How many records of an account are kept unless another number is given.
pub const RECORDS_MAX: usize = 100_000;

/// A journal and a directory in memory.
///
/// [`Journal::commit`] and [`DirectoryStore::apply`] do their work in the call, on the caller's
/// thread, and return a future that is ready: the order of the calls is the order of the commits.
/// Watchers and `on_commit` run inside the call and must not write to the journal themselves.
#[derive(Debug)]
pub struct MemoryJournal {
    newest: Newest,
    logs: RwLock<HashMap<AccountId, Log, RandomState>>,
    records_max: usize,
    /// Held while something is committed and told, so that all see one order.
    writing: Mutex<Writing>,
    watchers: Watchers,
}

#[derive(Debug, Default)]
struct Writing {
    catalogue: Catalogue,
    trails: Trails,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
enum Trouble {
    Full,
    Stopped(String),
}

/// The kept end of one account's log.
#[derive(Debug, Default)]
struct Log {
    records: VecDeque<Arc<Record>>,
}

impl MemoryJournal {
    /// Makes an empty one that keeps [`RECORDS_MAX`] records of an account, of a random epoch.
    #[must_use]
    pub fn new() -> Self {
        Self::with(random_epoch(), RECORDS_MAX)
    }

    /// Makes an empty one of a given epoch that keeps `records_max` records of an account.
    #[must_use]
    pub fn with(epoch: Epoch, records_max: usize) -> Self {
        Self {
            newest: Newest::new(epoch),
            logs: RwLock::default(),
            records_max,
            writing: Mutex::default(),
            watchers: Watchers::default(),
        }
    }

    /// Behaves like a store whose disk is full, or no longer: to see how others take it.
    pub fn set_full(&self, is_full: bool) {
        self.writing.lock().trouble = is_full.then_some(Trouble::Full);
    }

    /// Behaves from now on like a store whose disk failed.
    pub fn stop(&self, why: &str) {
        self.writing.lock().trouble = Some(Trouble::Stopped(why.to_owned()));
    }

    /// Drops records that were decided before `before`, and of every account all but the newest
    /// `keep_max`; returns how many. Newest documents stay.
    pub fn trim(&self, before: Timestamp, keep_max: u64) -> u64 {
        let keep_max = usize::try_from(keep_max).unwrap_or(usize::MAX);
        let mut logs = self.logs.write();
        logs.values_mut().map(|log| log.trim(before, keep_max)).sum()
    }

    fn commit_now(&self, batch: &[Entry]) -> Result<(), CommitError> {
        let writing = self.writing.lock();
        match &writing.trouble {
            Some(Trouble::Full) => return Err(CommitError::Full("as told by a test".to_owned())),
            Some(Trouble::Stopped(why)) => return Err(CommitError::Stopped(why.clone())),
            None => {}
        }
        Fence::new(&self.newest).admit(batch)?;
        let mut logs = self.logs.write();
        for entry in batch {
            let Entry::Change(record) = entry else { continue };
            let log = logs.entry(record.event.key.account).or_default();
            log.records.push_back(Arc::clone(record));
            log.trim(Timestamp(i64::MIN), self.records_max);
        }
        drop(logs);
        self.newest.adopt(batch);
        self.watchers.tell(batch);
        drop(writing);
        Ok(())
    }

    fn apply_now(
        &self,
        changes: Vec<DirectoryChange>,
        on_commit: OnCommit,
    ) -> Result<(), StoreError> {
        let mut writing = self.writing.lock();
        match &writing.trouble {
            Some(Trouble::Full) => return Err(StoreError::Full("as told by a test".to_owned())),
            Some(Trouble::Stopped(why)) => return Err(StoreError::Unusable(why.clone())),
            None => {}
        }
        for change in changes {
            if let DirectoryChange::RemoveExtension(key) = &change {
                self.newest.forget(*key);
            }
            match change {
                DirectoryChange::Audit(entry) => writing.trails.add(*entry),
                change => writing.catalogue.take(change),
            }
        }
        on_commit();
        drop(writing);
        Ok(())
    }

    fn read_now(&self, account: AccountId, after: Position, limit: usize) -> Page {
        let logs = self.logs.read();
        let head = self.newest.head(account).position;
        let kept = logs.get(&account);
        // A log that runs ahead of its head is one that is being adopted at this moment.
        let first = kept.and_then(|log| log.records.front()).map_or(head.offset + 1, |r| r.offset);
        if after.epoch != head.epoch || after.offset > head.offset || after.offset + 1 < first {
            return Page::Unrecoverable { head };
        }
        let skip = usize::try_from(after.offset + 1 - first).unwrap_or(usize::MAX);
        let left = usize::try_from(head.offset - after.offset).unwrap_or(usize::MAX);
        let records = kept.map_or_else(Vec::new, |log| {
            log.records.iter().skip(skip).take(limit.min(left)).cloned().collect()
        });
        Page::Records(records)
    }

    fn find(&self, key: ExtensionKey, sequence: Sequence) -> Option<Arc<Record>> {
        let newest = self.newest.get(key);
        if let Some(newest) = newest.filter(|newest| newest.event.sequence <= sequence) {
            return Some(newest);
        }
        let logs = self.logs.read();
        let older = logs.get(&key.account)?.records.iter().rev();
        older
            .skip_while(|record| record.event.sequence > sequence)
            .find(|record| record.event.key == key)
            .cloned()
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    fn trim(&mut self, before: Timestamp, keep_max: usize) -> u64 {
        let mut trimmed = 0;
        while let Some(first) = self.records.front()
            && (self.records.len() > keep_max || first.event.at < before)
        {
            self.records.pop_front();
            trimmed += 1;
        }
        trimmed
    }
}

impl Journal for MemoryJournal {
    fn epoch(&self) -> Epoch {
        self.newest.epoch()
    }

    fn head(&self, account: AccountId) -> Head {
        self.newest.head(account)
    }

    fn commit(&self, batch: Vec<Entry>) -> BoxFuture<'static, Result<(), CommitError>> {
        Box::pin(ready(self.commit_now(&batch)))
    }

    fn read(
        &self,
        account: AccountId,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'static, Result<Page, ReadError>> {
        Box::pin(ready(Ok(self.read_now(account, after, limit))))
    }

    fn as_of(
        &self,
        key: ExtensionKey,
        sequence: Sequence,
    ) -> BoxFuture<'static, Result<Option<Arc<Record>>, ReadError>> {
        Box::pin(ready(Ok(self.find(key, sequence))))
    }

    fn newest(&self) -> &Newest {
        &self.newest
    }

    fn watch(&self, watcher: Arc<dyn CommitWatcher>) {
        self.watchers.add(watcher);
    }
}

impl DirectoryStore for MemoryJournal {
    fn load(&self) -> Result<Contents, StoreError> {
        Ok(self.writing.lock().catalogue.contents())
    }

    fn apply(
        &self,
        changes: Vec<DirectoryChange>,
        on_commit: OnCommit,
    ) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(ready(self.apply_now(changes, on_commit)))
    }

    fn audit(
        &self,
        account: Option<AccountId>,
        skip: u64,
        limit: usize,
    ) -> BoxFuture<'static, Result<AuditPage, StoreError>> {
        Box::pin(ready(Ok(self.writing.lock().trails.page(account, skip, limit))))
    }
}

/// Returns an epoch that no other generation has, as far as chance goes: 48 random bits, so that
/// it can be written as a JSON number.
pub(crate) fn random_epoch() -> Epoch {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    let bits = (high ^ (low << 2)) >> 16;
    Epoch(NonZeroU64::new(bits).unwrap_or(NonZeroU64::MIN))
}
