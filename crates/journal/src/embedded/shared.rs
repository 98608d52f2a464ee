//! What the writer, the readers and the store's handle share.

use std::fmt;
use std::sync::OnceLock;

use parking_lot::RwLock;

use super::OnFatal;
use super::figures::Counters;
use crate::newest::Newest;
use crate::watchers::Watchers;

/// What the writer, the readers and the store's handle share.
pub(super) struct Shared {
    pub(super) newest: Newest,
    pub(super) watchers: Watchers,
    pub(super) counters: Counters,
    /// Held shared by a reader in a transaction, alone by a checkpoint that none may disturb.
    pub(super) gate: RwLock<()>,
    stopped: OnceLock<String>,
    on_fatal: Option<OnFatal>,
}

impl Shared {
    /// Makes it around what was loaded.
    pub(super) fn new(newest: Newest, on_fatal: Option<OnFatal>) -> Self {
        Self {
            newest,
            watchers: Watchers::default(),
            counters: Counters::default(),
            gate: RwLock::new(()),
            stopped: OnceLock::new(),
            on_fatal,
        }
    }

    /// Returns why nothing is written any more, once that is so.
    pub(super) fn stopped(&self) -> Option<&str> {
        self.stopped.get().map(String::as_str)
    }

    /// Returns why nothing is written any more, for an answer.
    pub(super) fn why_stopped(&self) -> String {
        self.stopped().unwrap_or("it was closed").to_owned()
    }

    /// Stops for good: from now on nothing is written, and the house is told once.
    pub(super) fn stop(&self, why: &str) {
        if self.stopped.set(why.to_owned()).is_err() {
            return;
        }
        tracing::error!(
            reason = why,
            "the store stops, what it wrote last may not be durable: {why}"
        );
        if let Some(on_fatal) = &self.on_fatal {
            on_fatal(why);
        }
    }

    /// Stops the store if the thread that holds this breaks down.
    pub(super) const fn deathwatch(&self) -> Deathwatch<'_> {
        Deathwatch(self)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("epoch", &self.newest.epoch())
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

/// See [`Shared::deathwatch`].
pub(super) struct Deathwatch<'a>(&'a Shared);

impl Drop for Deathwatch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop("its writer broke down, which is a fault of the program");
        }
    }
}
