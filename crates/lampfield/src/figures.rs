//! Figures for the metrics page that are read when it is asked for: the embedded store's, and how far
//! each subscription is behind.

use std::fmt;
use std::sync::Arc;

use lampfield_delivery::Delivery;
use lampfield_journal::embedded::EmbeddedStore;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Reads the store's counters whenever the page is asked for.
#[derive(Debug)]
pub(crate) struct StoreFigures(pub(crate) Arc<EmbeddedStore>);

impl Collector for StoreFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let figures = self.0.figures();
        let counters = [
            ("writes", "Durable writes", figures.groups),
            ("batches", "Batches and directory changes in durable writes", figures.batches),
            ("records", "Changes in durable writes", figures.records),
            ("conflicts", "Batches refused because somebody else wrote first", figures.conflicts),
            ("refused", "Writes refused for want of room", figures.refused),
            ("checkpoints", "Times the write-ahead log was copied back", figures.checkpoints),
            ("trimmed", "Changes removed by retention", figures.trimmed),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            let name = format!("lampfield_store_{name}");
            counter.encode(encoder.encode_descriptor(
                &name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        let write_time = ConstCounter::new(figures.write_time.as_secs_f64());
        let (name, help) = ("lampfield_store_write", "Time spent in durable writes");
        let kind = write_time.metric_type();
        write_time.encode(encoder.encode_descriptor(name, help, Some(&Unit::Seconds), kind)?)?;
        let gauges = [
            ("log_bytes", "Size of the write-ahead log", figures.wal_bytes),
            ("waiting", "Writes that wait now", figures.waiting),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            let name = format!("lampfield_store_{name}");
            gauge.encode(encoder.encode_descriptor(&name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// Subscriptions that the page names at most, furthest behind first.
const LAGS_MAX: usize = 1000;

/// How many events of its account each subscription has not been told yet.
#[derive(Debug)]
pub(crate) struct LagFigures(pub(crate) Delivery);

impl Collector for LagFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut lags = self.0.lags();
        lags.sort_by_key(|(id, lag)| (std::cmp::Reverse(*lag), *id));
        lags.truncate(LAGS_MAX);
        let mut family = encoder.encode_descriptor(
            "lampfield_subscription_lag_events",
            "Events of its account that a subscription has not been told yet, the furthest behind first",
            None,
            MetricType::Gauge,
        )?;
        for (id, lag) in lags {
            let gauge = ConstGauge::new(i64::try_from(lag).unwrap_or(i64::MAX));
            let labels = [("subscription", id.to_string())];
            gauge.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
