//! What every way of telling needs: the bounds, the journal, the directory, the feed, the time.

use std::sync::Arc;

use lampfield_contract::format_timestamp;
use lampfield_core::{Clock, Timestamp};
use lampfield_journal::{Journal, Registry};

use crate::alerts::{Alert, AlertState, Alerts};
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
    /// Which receivers are in trouble.
    pub(crate) alerts: Alerts,
}

impl House {
    /// Returns the present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells operators of a state of a subscription, on every way there is: log, metrics, streams.
    /// Does nothing when it is no news.
    pub(crate) fn alert(&self, alert: Alert) {
        let Alert { subscription, account, state, .. } = alert;
        let (reason, suspended_at) =
            (alert.reason.clone(), alert.suspended_at.map(format_timestamp));
        let (reason, suspended_at) = (reason.as_deref(), suspended_at.as_deref());
        if !self.alerts.tell(alert) {
            return;
        }
        self.metrics.alerted(state);
        let word = state.as_str();
        if matches!(state, AlertState::Recovered | AlertState::Reactivated) {
            tracing::info!(subscription.id = %subscription, account.id = %account, state = word, "webhook receiver is well again");
        } else {
            tracing::warn!(subscription.id = %subscription, account.id = %account, state = word, reason, suspended_at, "webhook receiver is in trouble");
        }
    }
}
