//! Saves the cursors of all webhooks together: a little late, in one write.
//!
//! What is lost with a crash is repeated with the same uuid, never missed.

use std::collections::BTreeMap;
use std::time::Duration;

use lampfield_core::{Position, SubscriptionId};
use lampfield_journal::{DirectoryChange, Registry};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::webhook::window::LOOKAHEAD_MAX;

/// A moved cursor is saved within this.
const SAVED_WITHIN: Duration = Duration::from_secs(1);
/// Cursors in one write.
const BATCH_MAX: usize = 512;

/// The cursors of all webhooks, and which of them are not saved.
#[derive(Debug, Default)]
pub(super) struct Cursors {
    marks: Mutex<BTreeMap<SubscriptionId, Mark>>,
    moved: Notify,
    urgent: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    position: Position,
    saved: Option<Position>,
}

impl Mark {
    fn is_saved(&self) -> bool {
        self.saved == Some(self.position)
    }

    /// So far on that a crash would repeat more than promised.
    fn is_urgent(&self) -> bool {
        self.saved.is_none_or(|saved| {
            saved.epoch != self.position.epoch
                || self.position.offset.saturating_sub(saved.offset) >= LOOKAHEAD_MAX as u64
        })
    }
}

impl Cursors {
    /// Returns where a subscription stands: as noted last, else as saved, else `from`.
    pub(super) fn take_up(
        &self,
        registry: &Registry,
        id: SubscriptionId,
        from: Position,
    ) -> Position {
        let saved = registry.cursor(id);
        let fresh = Mark { position: saved.unwrap_or(from), saved: Some(saved.unwrap_or(from)) };
        self.marks.lock().entry(id).or_insert(fresh).position
    }

    /// Takes note of where a subscription stands.
    pub(super) fn note(&self, id: SubscriptionId, position: Position) {
        let mut marks = self.marks.lock();
        let mark = marks.entry(id).or_insert(Mark { position, saved: None });
        mark.position = position;
        let (is_saved, is_urgent) = (mark.is_saved(), mark.is_urgent());
        drop(marks);
        if is_urgent {
            self.urgent.notify_one();
        }
        if !is_saved {
            self.moved.notify_one();
        }
    }

    /// Forgets a subscription that is gone.
    pub(super) fn forget(&self, id: SubscriptionId) {
        self.marks.lock().remove(&id);
    }

    /// Saves cursors after they moved, until `stop`. The last save is the caller's.
    pub(super) async fn keep(&self, registry: &Registry, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.moved.notified() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.urgent.notified() => {}
                () = tokio::time::sleep(SAVED_WITHIN) => {}
            }
            if !self.save(registry).await {
                tokio::time::sleep(SAVED_WITHIN).await;
                self.moved.notify_one();
            }
        }
    }

    /// Saves every cursor that moved; `false` when the store did not take one.
    pub(super) async fn save(&self, registry: &Registry) -> bool {
        loop {
            let batch = self.unsaved();
            if batch.is_empty() {
                return true;
            }
            // A subscription that was removed meanwhile must not get a cursor again.
            let changes = batch
                .iter()
                .filter(|(id, _)| registry.subscription(*id).is_some())
                .map(|(id, position)| DirectoryChange::PutCursor(*id, *position))
                .collect();
            if let Err(error) = registry.apply(changes).await {
                tracing::warn!(%error, "webhook cursors not saved; a crash now repeats deliveries");
                return false;
            }
            let mut marks = self.marks.lock();
            for (id, position) in batch {
                if let Some(mark) = marks.get_mut(&id) {
                    mark.saved = Some(position);
                }
            }
        }
    }

    fn unsaved(&self) -> Vec<(SubscriptionId, Position)> {
        let marks = self.marks.lock();
        let moved = marks.iter().filter(|(_, mark)| !mark.is_saved());
        moved.map(|(id, mark)| (*id, mark.position)).take(BATCH_MAX).collect()
    }
}
