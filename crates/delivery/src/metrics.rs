//! Figures of the delivering half. Counters carry reasons: how told, why not told, how caught up.

use std::fmt::{self, Write};
use std::time::{Duration, Instant};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::alerts::AlertState;

macro_rules! label {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum $name { $($(#[$vmeta])* $variant),+ }

        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                encoder.write_str(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

label! {
    /// How notifications travel.
    Transport {
        /// Over a socket.
        Websocket = "websocket",
        /// By HTTP request.
        Webhook = "webhook",
        /// On a stream of server-sent events.
        Stream = "stream",
    }
}

label! {
    /// What became of a delivery.
    Outcome {
        /// Handed over.
        Delivered = "delivered",
        /// Not; it may be tried again.
        Failed = "failed",
    }
}

label! {
    /// Why an event that a filter matched was not told.
    Reason {
        /// Nothing in it that this receiver may see has changed.
        NothingToSee = "nothing_to_see",
    }
}

label! {
    /// From where a reader caught up.
    Source {
        /// Every event, from the journal.
        Journal = "journal",
        /// The newest event of each extension.
        Newest = "newest",
        /// It could not.
        Failed = "failed",
    }
}

label! {
    /// How a socket was greeted.
    Greeted {
        /// A new session.
        Fresh = "fresh",
        /// A recovered one.
        Recovered = "recovered",
        /// A new one, since recovery failed.
        RecoveryFailed = "recovery_failed",
        /// Refused.
        Refused = "refused",
    }
}

label! {
    /// How a webhook is doing.
    Standing {
        /// Nothing worth a warning.
        Well = "well",
        /// Its receiver has failed for minutes.
        Failing = "failing",
        /// Its receiver is given up.
        Suspended = "suspended",
    }
}

impl EncodeLabelValue for AlertState {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByAlert {
    state: AlertState,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByStanding {
    state: Standing,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByTransport {
    transport: Transport,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    transport: Transport,
    result: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    transport: Transport,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySource {
    transport: Transport,
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByGreeting {
    greeting: Greeted,
}

/// Upper bounds of the latency histograms, in seconds.
const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 60.0];

/// The figures.
#[derive(Debug)]
pub(crate) struct Metrics {
    deliveries: Family<ByOutcome, Counter>,
    suppressed: Family<ByReason, Counter>,
    caught_up: Family<BySource, Counter>,
    latency: Family<ByTransport, Histogram, fn() -> Histogram>,
    lag: Family<ByTransport, Gauge>,
    sockets: Gauge,
    streams: Gauge,
    greeted: Family<ByGreeting, Counter>,
    alerts: Family<ByAlert, Counter>,
    webhooks: Family<ByStanding, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            deliveries: Family::default(),
            suppressed: Family::default(),
            caught_up: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            lag: Family::default(),
            sockets: Gauge::default(),
            streams: Gauge::default(),
            greeted: Family::default(),
            alerts: Family::default(),
            webhooks: Family::default(),
        }
    }
}

impl Metrics {
    /// Names the figures in a registry.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("lampfield_delivery");
        registry.register("notifications", "Notifications by result", self.deliveries.clone());
        registry.register(
            "suppressed",
            "Events that a filter matched and that were not told, by reason",
            self.suppressed.clone(),
        );
        registry.register(
            "catch_ups",
            "Pages read for receivers that were behind, by source",
            self.caught_up.clone(),
        );
        registry.register_with_unit(
            "latency",
            "From the durable commit of an event until its last receiver of a loop had it written",
            Unit::Seconds,
            self.latency.clone(),
        );
        registry.register(
            "lag",
            "Events by which the slowest receiver is behind",
            self.lag.clone(),
        );
        registry.register("sockets", "Open WebSockets", self.sockets.clone());
        registry.register("streams", "Open streams", self.streams.clone());
        registry.register("greetings", "New WebSockets by greeting", self.greeted.clone());
        registry.register(
            "alerts",
            "States of webhooks that operators were told of",
            self.alerts.clone(),
        );
        registry.register(
            "webhooks",
            "Webhook subscriptions by how their receivers are doing",
            self.webhooks.clone(),
        );
    }

    /// Counts deliveries.
    pub(crate) fn delivered(&self, transport: Transport, result: Outcome, count: u64) {
        if count > 0 {
            self.deliveries.get_or_create(&ByOutcome { transport, result }).inc_by(count);
        }
    }

    /// Counts events that were not told.
    pub(crate) fn suppressed(&self, transport: Transport, reason: Reason, count: u64) {
        if count > 0 {
            self.suppressed.get_or_create(&ByReason { transport, reason }).inc_by(count);
        }
    }

    /// Counts a page that was read for a receiver that was behind.
    pub(crate) fn caught_up(&self, transport: Transport, source: Source) {
        self.caught_up.get_or_create(&BySource { transport, source }).inc();
    }

    /// Takes note of how long ago something was committed that is handed over now.
    pub(crate) fn took(&self, transport: Transport, committed: Instant) {
        self.observe(transport, committed.elapsed());
    }

    fn observe(&self, transport: Transport, latency: Duration) {
        self.latency.get_or_create(&ByTransport { transport }).observe(latency.as_secs_f64());
    }

    /// Sets by how many events the slowest receiver is behind.
    pub(crate) fn set_lag(&self, transport: Transport, events: u64) {
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        self.lag.get_or_create(&ByTransport { transport }).set(events);
    }

    /// Counts a state that operators were told of.
    pub(crate) fn alerted(&self, state: AlertState) {
        self.alerts.get_or_create(&ByAlert { state }).inc();
    }

    /// Sets how many webhooks there are, how many of them fail and how many are suspended.
    pub(crate) fn set_webhooks(&self, all: usize, failing: usize, suspended: usize) {
        let well = all.saturating_sub(failing + suspended);
        for (state, count) in
            [(Standing::Well, well), (Standing::Failing, failing), (Standing::Suspended, suspended)]
        {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.webhooks.get_or_create(&ByStanding { state }).set(count);
        }
    }

    /// Sets how many sockets are open.
    pub(crate) fn set_sockets(&self, count: usize) {
        self.sockets.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets how many streams are open.
    pub(crate) fn set_streams(&self, count: usize) {
        self.streams.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts a greeting.
    pub(crate) fn greeted(&self, greeting: Greeted) {
        self.greeted.get_or_create(&ByGreeting { greeting }).inc();
    }
}
