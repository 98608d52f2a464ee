//! The delivering half of the house, assembled.

use std::net::TcpStream;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use lampfield_core::{Clock, SessionId, SubscriptionId};
use lampfield_journal::{Journal, Registry};

use crate::alerts::Alerts;
use crate::config::DeliveryConfig;
use crate::feed::Feed;
use crate::gateway::{Gateway, Hello};
use crate::house::House;
use crate::metrics::{Metrics, Transport};
use crate::sse::Streams;
use crate::webhook::Webhooks;
use crate::websocket::Sockets;

/// Between two looks at figures that are kept elsewhere.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// The delivering half. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Delivery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    house: Arc<House>,
    metrics: Arc<Metrics>,
    sockets: Sockets,
    webhooks: Webhooks,
    streams: Streams,
}

impl Delivery {
    /// Starts it on the present tokio runtime: watches the journal, takes up the webhook
    /// subscriptions where their cursors stand, opens the recovery window of sockets' subscriptions.
    ///
    /// # Errors
    /// When the readiness loops cannot be made, or the configuration makes no webhook client.
    pub fn start(
        config: DeliveryConfig,
        journal: Arc<dyn Journal>,
        registry: Arc<Registry>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let feed = Feed::start(Arc::clone(&journal), config.ring_max);
        let metrics = Arc::new(Metrics::default());
        let house = Arc::new(House {
            config,
            journal,
            registry,
            feed,
            clock,
            metrics: Arc::clone(&metrics),
            alerts: Alerts::default(),
        });
        let sockets = Sockets::start(Arc::clone(&house), Arc::clone(&metrics))?;
        let webhooks = Webhooks::start(Arc::clone(&house))?;
        let streams = Streams::new(Arc::clone(&house));
        let inner = Arc::new(Inner { house, metrics, sockets, webhooks, streams });
        tokio::spawn(count(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// Names who answers requests over sockets. Called once, before the first socket.
    pub fn set_gateway(&self, gateway: Arc<dyn Gateway>) {
        self.0.sockets.set_gateway(gateway);
    }

    /// Takes over an upgraded socket. `read_ahead` is what the client sent right behind its handshake.
    pub fn open_socket(&self, stream: TcpStream, read_ahead: Bytes, hello: Hello) {
        self.0.sockets.open(stream, read_ahead, hello);
    }

    /// Takes note that a subscription was made, changed, renewed or removed in the registry. For
    /// subscriptions of sockets only needed when it was not done over the socket itself.
    pub fn subscription_changed(&self, id: SubscriptionId) {
        self.0.webhooks.subscription_changed(id);
        self.0.sockets.subscription_changed(id);
    }

    /// Closes the sockets of a revoked session. Webhooks belong to a user and an application and
    /// outlive the log-in; streams ask for themselves whether they may go on.
    pub fn session_revoked(&self, id: SessionId) {
        self.0.sockets.session_revoked(id);
    }

    /// Returns the webhooks.
    #[must_use]
    pub fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    /// Returns the streams of server-sent events.
    #[must_use]
    pub fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// Returns by how many events of its account each subscription is behind, by id. Subscriptions
    /// on sockets that are not behind are left out; a socket's figure is at most a second old.
    #[must_use]
    pub fn lags(&self) -> Vec<(SubscriptionId, u64)> {
        let mut lags = self.0.webhooks.lags();
        lags.extend(self.0.sockets.lags());
        lags.sort_unstable();
        lags
    }

    /// Names the figures of the delivering half in a registry of metrics.
    pub fn register(&self, registry: &mut prometheus_client::registry::Registry) {
        self.0.metrics.register(registry);
    }

    /// Returns what deliveries work with.
    #[must_use]
    pub fn house(&self) -> &Arc<House> {
        &self.0.house
    }

    /// Stops: no new work, cursors saved, sockets closed with 1001 and their subscriptions kept for recovery.
    pub async fn stop(&self) {
        self.0.streams.stop();
        tokio::join!(self.0.sockets.stop(), self.0.webhooks.stop());
    }
}

/// Takes over figures that webhooks and streams keep themselves, as long as the house stands.
async fn count(inner: Weak<Inner>) {
    let mut every = tokio::time::interval(COUNT_EVERY);
    loop {
        every.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        let lag = inner.webhooks.lags().into_iter().map(|(_, lag)| lag).max();
        inner.metrics.set_lag(Transport::Webhook, lag.unwrap_or(0));
        let (failing, suspended) = inner.house.alerts.troubled();
        inner.metrics.set_webhooks(inner.webhooks.count(), failing, suspended);
        inner.metrics.set_streams(inner.streams.open_count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{Stage, until};

    fn start(stage: &Stage) -> Delivery {
        let registry = Arc::clone(&stage.house.registry);
        let (journal, clock) = (Arc::clone(&stage.journal), Arc::clone(&stage.clock));
        Delivery::start(DeliveryConfig::default(), journal, registry, clock).expect("it starts")
    }

    #[tokio::test]
    async fn figures_have_names_units_and_labels() {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let delivery = start(&stage);
        let mut registry = prometheus_client::registry::Registry::default();
        delivery.register(&mut registry);
        let text = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).expect("encodes");
            text
        };

        let lag = "lampfield_delivery_lag{transport=\"webhook\"} 0";
        until("webhooks are counted", || text().contains(lag)).await;
        assert!(text().contains("lampfield_delivery_sockets 0"), "{}", text());
        delivery.0.metrics.took(Transport::Websocket, std::time::Instant::now());
        assert!(text().contains("# UNIT lampfield_delivery_latency_seconds seconds"), "{}", text());
        delivery.stop().await;
    }

    #[tokio::test]
    async fn a_house_that_is_stopped_and_dropped_leaves_nothing_behind() {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let delivery = start(&stage);
        let house = Arc::downgrade(delivery.house());
        delivery.stop().await;
        drop(delivery);

        until("nobody holds the house", || house.strong_count() == 0).await;
    }

    #[tokio::test]
    async fn a_house_that_is_only_dropped_leaves_nothing_behind_either() {
        let stage = Stage::new(DeliveryConfig::default()).await;
        let delivery = start(&stage);
        let sockets = Arc::downgrade(&delivery.0);
        drop(delivery);

        until("nobody holds it", || sockets.strong_count() == 0).await;
    }
}
