//! What every way of telling needs: the bounds, the journal, the directory, the feed, the time.

use std::sync::Arc;

use lampfield_core::{Clock, Timestamp};
use lampfield_journal::{Journal, Registry};

use crate::config::DeliveryConfig;
use crate::feed::Feed;
use crate::metrics::Metrics;

/// What webhooks and streams work with.
#[derive(Debug)]
pub struct House {
    /// The bounds.
    pub config: DeliveryConfig,
    /// Committed changes.
    pub journal: Arc<dyn Journal>,
    /// Extensions and subscriptions.
    pub registry: Arc<Registry>,
    /// Changes as they are committed.
    pub feed: Arc<Feed>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where deliveries are counted.
    pub(crate) metrics: Arc<Metrics>,
}

impl House {
    /// Returns the present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
