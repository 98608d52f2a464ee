//! What the store counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// What the store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Durable writes.
    pub groups: u64,
    /// Batches and directory changes in them.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Batches refused because somebody else wrote first.
    pub conflicts: u64,
    /// Batches and directory changes refused for want of room.
    pub refused: u64,
    /// Time spent in durable writes, together.
    pub write_time: Duration,
    /// The longest durable write.
    pub write_time_max: Duration,
    /// Times the write-ahead log was copied into the data file.
    pub checkpoints: u64,
    /// Size of the write-ahead log, in bytes, when last looked at.
    pub wal_bytes: u64,
    /// Records removed by retention.
    pub trimmed: u64,
    /// Batches and directory changes that wait now.
    pub waiting: u64,
}

/// The counters behind [`Figures`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) groups: AtomicU64,
    pub(super) batches: AtomicU64,
    pub(super) records: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) write_micros: AtomicU64,
    pub(super) write_micros_max: AtomicU64,
    pub(super) checkpoints: AtomicU64,
    pub(super) wal_bytes: AtomicU64,
    pub(super) trimmed: AtomicU64,
    pub(super) waiting: AtomicU64,
}

impl Counters {
    /// Counts a durable write.
    pub(super) fn wrote(&self, batches: usize, records: usize, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&self.groups, 1);
        add(&self.batches, batches);
        add(&self.records, records);
        self.write_micros.fetch_add(micros, Relaxed);
        self.write_micros_max.fetch_max(micros, Relaxed);
    }

    /// Reads all of them.
    pub(super) fn read(&self) -> Figures {
        Figures {
            groups: self.groups.load(Relaxed),
            batches: self.batches.load(Relaxed),
            records: self.records.load(Relaxed),
            conflicts: self.conflicts.load(Relaxed),
            refused: self.refused.load(Relaxed),
            write_time: Duration::from_micros(self.write_micros.load(Relaxed)),
            write_time_max: Duration::from_micros(self.write_micros_max.load(Relaxed)),
            checkpoints: self.checkpoints.load(Relaxed),
            wal_bytes: self.wal_bytes.load(Relaxed),
            trimmed: self.trimmed.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
        }
    }
}

/// Counts `more`.
pub(super) fn add(counter: &AtomicU64, more: usize) {
    counter.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Relaxed);
}
