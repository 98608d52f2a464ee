//! The engine's figures.

use std::time::Duration;

use lampfield_core::Timestamp;
use lampfield_core::claim::Kind;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::sources::PhaseCounts;
use crate::tracking::Totals;

type Label = [(&'static str, &'static str); 1];

const GROUP_SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
const SECONDS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Figures of the engine, for the metrics page. Cheap to clone and to read at any time.
#[derive(Debug, Clone)]
pub struct EngineMetrics {
    orders: Family<Label, Counter>,
    changes: Counter,
    renewals: Counter,
    group_size: Histogram,
    observed_to_committed: Histogram,
    intake_depth: Gauge,
    claims: Family<Label, Gauge>,
    claims_stale: Gauge,
    claim_age: Gauge,
    sources: Family<Label, Gauge>,
}

/// How an order ended, as the counter of orders tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Changed,
    Unchanged,
    Refused,
    UnknownExtension,
    Overloaded,
    Unavailable,
    Stopped,
}

impl Default for EngineMetrics {
    fn default() -> Self {
        Self {
            orders: Family::default(),
            changes: Counter::default(),
            renewals: Counter::default(),
            group_size: Histogram::new(GROUP_SIZES),
            observed_to_committed: Histogram::new(SECONDS),
            intake_depth: Gauge::default(),
            claims: Family::default(),
            claims_stale: Gauge::default(),
            claim_age: Gauge::default(),
            sources: Family::default(),
        }
    }
}

impl EngineMetrics {
    /// Registers every figure under `lampfield_engine_…`.
    pub fn register(&self, registry: &mut Registry) {
        let page = registry.sub_registry_with_prefix("lampfield_engine");
        page.register("orders", "Orders by how they ended", self.orders.clone());
        page.register("changes", "Changes committed", self.changes.clone());
        page.register("renewals", "Leases stored without a change", self.renewals.clone());
        page.register(
            "group_size",
            "Entries that shared one durable write",
            self.group_size.clone(),
        );
        page.register_with_unit(
            "observed_to_committed",
            "From the source's observation to the durable change",
            Unit::Seconds,
            self.observed_to_committed.clone(),
        );
        page.register("intake_depth", "Orders that wait", self.intake_depth.clone());
        page.register("claims", "Living claims by kind", self.claims.clone());
        page.register("claims_stale", "Claims of lost sources", self.claims_stale.clone());
        page.register_with_unit(
            "claim_age_oldest",
            "Age of the claim that was not confirmed for longest",
            Unit::Seconds,
            self.claim_age.clone(),
        );
        page.register("sources", "Sources by phase", self.sources.clone());
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.orders.get_or_create(&[("result", outcome.as_str())]).inc();
    }

    pub(crate) fn committed(&self, changes: usize, renewals: usize) {
        self.changes.inc_by(changes as u64);
        self.renewals.inc_by(renewals as u64);
        #[expect(clippy::cast_precision_loss, reason = "group sizes are small")]
        self.group_size.observe((changes + renewals) as f64);
    }

    pub(crate) fn took(&self, latency: Duration) {
        self.observed_to_committed.observe(latency.as_secs_f64());
    }

    pub(crate) fn waiting(&self, orders: usize) {
        self.intake_depth.set(as_gauge(orders));
    }

    pub(crate) fn claims(&self, totals: Totals, oldest: Option<Timestamp>, now: Timestamp) {
        for kind in Kind::ALL {
            let label = [("kind", kind.as_str())];
            self.claims.get_or_create(&label).set(as_gauge(totals.of(*kind)));
        }
        self.claims_stale.set(as_gauge(totals.stale));
        let age = oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
        self.claim_age.set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }

    pub(crate) fn sources(&self, counts: PhaseCounts) {
        let phases = [("live", counts.live), ("awaited", counts.awaited), ("lost", counts.lost)];
        for (phase, count) in phases {
            self.sources.get_or_create(&[("phase", phase)]).set(count);
        }
    }
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::UnknownExtension => "unknown-extension",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Stopped => "stopped",
        }
    }
}

fn as_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
