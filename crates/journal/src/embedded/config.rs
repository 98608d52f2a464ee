//! What can be chosen of the embedded store, and its faults for tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::Clock;

use crate::port::AuditRetention;

/// Is called once, with the reason, when the store stops because it cannot trust the disk.
pub type OnFatal = Arc<dyn Fn(&str) + Send + Sync>;
/// Is asked before every durable write which fault to play; for tests of what then happens.
pub type FaultHook = Arc<dyn Fn() -> Option<Fault> + Send + Sync>;

/// A fault of the disk, played by the store itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full.
    Full,
    /// The disk does not say that the write is durable.
    Sync,
    /// The disk is slow.
    Slow(Duration),
    /// The writer's thread breaks down.
    Panic,
}

/// What is kept of the logs. Newest documents are kept whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Records older than this go; none: age does not matter.
    pub age_max: Option<Duration>,
    /// At most this many records of each account stay.
    pub records_max: u64,
    /// The oldest records of the house go while more than this many bytes of the data file are in
    /// use; none: size does not matter. The file itself does not shrink, its pages are used again.
    pub bytes_max: Option<u64>,
    /// This many records of each account stay, whatever their age and size.
    pub records_min: u64,
}

/// The choices of an [`EmbeddedStore`](super::EmbeddedStore). The default suits a house.
#[derive(Clone)]
pub struct EmbeddedConfig {
    /// Batches and directory changes that may wait for the writer; more are refused.
    pub queue_max: usize,
    /// Entries that share one durable write, at most (one batch may have more).
    pub group_max: usize,
    /// How long a group is gathered at most while more keeps coming. Nothing is waited for.
    pub group_time_max: Duration,
    /// Threads that read.
    pub readers: usize,
    /// Reads that are taken up at a time; more wait.
    pub reads_max: usize,
    /// Records in one page, at most.
    pub page_max: usize,
    /// Memory for the writer's pages, in bytes.
    pub cache_bytes: u64,
    /// Size of the write-ahead log, in bytes, at which it is copied into the data file even when
    /// the writer is not idle.
    pub checkpoint_bytes: u64,
    /// Without work for this long the writer does its housekeeping.
    pub idle_after: Duration,
    /// What is kept of the logs.
    pub retention: Retention,
    /// What is kept of the audit trail.
    pub audit: AuditRetention,
    /// How often the logs are looked at for what may go.
    pub retention_every: Duration,
    /// Records that are removed in one go, at most.
    pub trim_chunk: usize,
    /// Size of the data file, in bytes, beyond which changes are refused; none: the disk decides.
    pub file_bytes_max: Option<u64>,
    /// Tells what time it is, for [`Retention::age_max`]; without it the newest record does.
    pub clock: Option<Arc<dyn Clock>>,
    /// What to do when the store must stop; the program ends with code 74.
    pub on_fatal: Option<OnFatal>,
    /// Faults to play.
    pub faults: Option<FaultHook>,
}

impl Default for Retention {
    /// Seven days, at most a million records of each account.
    fn default() -> Self {
        Self {
            age_max: Some(Duration::from_secs(7 * 86_400)),
            records_max: 1_000_000,
            bytes_max: None,
            records_min: 1_000,
        }
    }
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            queue_max: 4_096,
            group_max: 512,
            group_time_max: Duration::from_millis(2),
            readers: 2,
            reads_max: 64,
            page_max: 4_096,
            cache_bytes: 64 << 20,
            checkpoint_bytes: 32 << 20,
            idle_after: Duration::from_millis(50),
            retention: Retention::default(),
            audit: AuditRetention::default(),
            retention_every: Duration::from_secs(10),
            trim_chunk: 512,
            file_bytes_max: None,
            clock: None,
            on_fatal: None,
            faults: None,
        }
    }
}

impl fmt::Debug for EmbeddedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedConfig")
            .field("queue_max", &self.queue_max)
            .field("group_max", &self.group_max)
            .field("readers", &self.readers)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}
