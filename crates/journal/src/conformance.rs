//! The promises of [`Journal`] and [`DirectoryStore`] as a suite that every backend runs.
//!
//! [`run`] checks everything that one process can see; [`run_reopening`] checks what must outlive
//! it. Both panic at the first broken promise and say which. [`samples`] makes the values.

mod directory;
mod journal;
pub mod samples;

use std::fmt;
use std::sync::Arc;

use lampfield_core::Timestamp;

use crate::embedded::EmbeddedStore;
use crate::memory::MemoryJournal;
use crate::port::{BoxFuture, DirectoryStore, Journal, StoreError};

/// Removes old records: those before a moment, and all but so many of each account.
pub type Trim =
    Box<dyn Fn(Timestamp, u64) -> BoxFuture<'static, Result<u64, StoreError>> + Send + Sync>;

/// A backend to be checked.
pub struct Subject {
    /// Its journal.
    pub journal: Arc<dyn Journal>,
    /// Its directory, of the same store.
    pub directory: Arc<dyn DirectoryStore>,
    /// Its way to remove old records.
    pub trim: Trim,
}

/// Checks all promises, each on a fresh and empty backend from `make`.
///
/// # Panics
/// When a promise is broken.
pub async fn run(make: impl Fn() -> Subject) {
    journal::check(&make).await;
    directory::check(&make).await;
}

/// Checks that a backend goes on where it was. `open` opens the same one each time; the one before
/// has been dropped by then.
///
/// # Panics
/// When a promise is broken.
pub async fn run_reopening(open: impl Fn() -> Subject) {
    journal::check_reopening(&open).await;
    directory::check_reopening(&open).await;
}

impl From<Arc<MemoryJournal>> for Subject {
    fn from(store: Arc<MemoryJournal>) -> Self {
        let trimmed = Arc::clone(&store);
        let trim: Trim = Box::new(move |before, keep_max| {
            Box::pin(std::future::ready(Ok(trimmed.trim(before, keep_max))))
        });
        Self { journal: Arc::clone(&store) as Arc<dyn Journal>, directory: store, trim }
    }
}

impl From<Arc<EmbeddedStore>> for Subject {
    fn from(store: Arc<EmbeddedStore>) -> Self {
        let trimmed = Arc::clone(&store);
        let trim: Trim = Box::new(move |before, keep_max| trimmed.trim(before, keep_max));
        Self { journal: Arc::clone(&store) as Arc<dyn Journal>, directory: store, trim }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.journal).finish()
    }
}
