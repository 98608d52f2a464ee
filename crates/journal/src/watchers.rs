//! Who is told of committed batches.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::port::{CommitWatcher, Entry, Record};

/// The watchers of a journal, in the order in which they came.
#[derive(Default)]
pub(crate) struct Watchers(RwLock<Vec<Arc<dyn CommitWatcher>>>);

impl Watchers {
    /// Adds one; it is told of every later batch.
    pub(crate) fn add(&self, watcher: Arc<dyn CommitWatcher>) {
        self.0.write().push(watcher);
    }

    /// Tells all of a batch. One without a change is not told: renewals are nobody's business.
    pub(crate) fn tell(&self, batch: &[Entry]) {
        let records: Vec<Arc<Record>> = batch
            .iter()
            .filter_map(|entry| match entry {
                Entry::Change(record) => Some(Arc::clone(record)),
                Entry::Renewal { .. } => None,
            })
            .collect();
        if records.is_empty() {
            return;
        }
        // The list is copied so that a watcher may add another.
        let watchers = self.0.read().clone();
        for watcher in &watchers {
            watcher.committed(&records);
        }
    }
}

impl fmt::Debug for Watchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watchers").field(&self.0.read().len()).finish()
    }
}
