//! The newest committed record of every presentity, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use lampfield_core::{AccountId, Document, Epoch, ExtensionId, ExtensionKey, Position, Sequence};
use parking_lot::RwLock;

use crate::port::{Entry, Head, Record};

/// The newest committed record of every presentity that ever changed.
///
/// This is the adopted state: a backend moves it on after a batch is durable and before anybody is
/// told. Reads never see what a crash could undo.
#[derive(Debug)]
pub struct Newest {
    epoch: Epoch,
    accounts: RwLock<HashMap<AccountId, Arc<RwLock<Shelf>>, RandomState>>,
}

#[derive(Debug, Default)]
struct Shelf {
    offset: u64,
    sequence: Sequence,
    records: HashMap<ExtensionId, Arc<Record>, RandomState>,
}

/// The newest records of an account at one place of its log.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The place and sequence at which all of them hold.
    pub head: Head,
    /// The records, by extension id. Extensions that never changed have none.
    pub records: Vec<Arc<Record>>,
}

impl Newest {
    /// Makes an empty view of a generation.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self { epoch, accounts: RwLock::default() }
    }

    /// Returns the generation.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns the newest record of a presentity; none if it never changed.
    #[must_use]
    pub fn get(&self, key: ExtensionKey) -> Option<Arc<Record>> {
        self.shelf(key.account)?.read().records.get(&key.extension).cloned()
    }

    /// Returns the end of an account's log.
    #[must_use]
    pub fn head(&self, account: AccountId) -> Head {
        self.shelf(account).map_or_else(
            || self.head_at(0, Sequence::default()),
            |held| {
                let held = held.read();
                self.head_at(held.offset, held.sequence)
            },
        )
    }

    /// Returns the newest records of an account after `offset`, with the place at which they hold.
    #[must_use]
    pub fn snapshot(&self, account: AccountId, after: u64) -> Snapshot {
        let Some(held) = self.shelf(account) else {
            return Snapshot { head: self.head_at(0, Sequence::default()), records: Vec::new() };
        };
        let held = held.read();
        let mut records: Vec<_> =
            held.records.values().filter(|record| record.offset > after).cloned().collect();
        let at = self.head_at(held.offset, held.sequence);
        drop(held);
        records.sort_unstable_by_key(|record| record.event.key.extension);
        Snapshot { head: at, records }
    }

    /// Returns every account that has a log.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        let mut accounts: Vec<_> = self.accounts.read().keys().copied().collect();
        accounts.sort_unstable();
        accounts
    }

    /// Adopts a durable batch. For backends only.
    pub fn adopt(&self, batch: &[Entry]) {
        for entry in batch {
            match entry {
                Entry::Change(record) => self.put(Arc::clone(record)),
                Entry::Renewal { key, document } => self.renew(*key, document),
            }
        }
    }

    /// Sets the end of an account's log without a record. For backends, while loading.
    pub fn set_head(&self, account: AccountId, offset: u64, sequence: Sequence) {
        let held = self.shelf_or_new(account);
        let mut held = held.write();
        held.offset = held.offset.max(offset);
        held.sequence = held.sequence.max(sequence);
    }

    /// Forgets a presentity that was removed from the directory.
    pub fn forget(&self, key: ExtensionKey) {
        if let Some(held) = self.shelf(key.account) {
            held.write().records.remove(&key.extension);
        }
    }

    /// Takes up the newest records of one account. For backends, while loading.
    pub(crate) fn load(&self, records: Vec<Arc<Record>>) {
        let Some(first) = records.first() else { return };
        let held = self.shelf_or_new(first.event.key.account);
        let mut held = held.write();
        held.records.reserve(records.len());
        for record in records {
            held.offset = held.offset.max(record.offset);
            held.sequence = held.sequence.max(record.event.sequence);
            held.records.insert(record.event.key.extension, record);
        }
    }

    /// Puts one record in its place. For backends only.
    pub fn put(&self, record: Arc<Record>) {
        let held = self.shelf_or_new(record.event.key.account);
        let mut held = held.write();
        held.offset = held.offset.max(record.offset);
        held.sequence = held.sequence.max(record.event.sequence);
        held.records.insert(record.event.key.extension, record);
    }

    fn renew(&self, key: ExtensionKey, document: &Document) {
        let Some(held) = self.shelf(key.account) else { return };
        let mut held = held.write();
        if let Some(slot) = held.records.get_mut(&key.extension) {
            Arc::make_mut(slot).event.document = document.clone();
        }
    }

    fn shelf(&self, account: AccountId) -> Option<Arc<RwLock<Shelf>>> {
        self.accounts.read().get(&account).cloned()
    }

    fn shelf_or_new(&self, account: AccountId) -> Arc<RwLock<Shelf>> {
        if let Some(held) = self.shelf(account) {
            return held;
        }
        Arc::clone(self.accounts.write().entry(account).or_default())
    }

    fn head_at(&self, offset: u64, sequence: Sequence) -> Head {
        Head { position: Position { epoch: self.epoch, offset }, sequence }
    }
}
