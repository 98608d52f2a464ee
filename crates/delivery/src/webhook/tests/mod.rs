//! Webhooks against real receivers on loopback; time by hand.

mod alerting;
mod delivery;
mod failing;
mod filters;
mod handshake;
mod receiver;
mod seeing;
mod signing;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::SubscriptionId;
use lampfield_core::subscription::SubscriptionStatus;

use crate::config::{DeliveryConfig, WebhookConfig};
use crate::house::House;
use crate::stage::{Stage, until};
use crate::webhook::Webhooks;
use crate::webhook::client::{Client, public_trust};
use crate::webhook::connector::SystemResolver;
use crate::webhook::tests::receiver::Got;

/// A configuration that dials loopback, with a short patience for slow answers.
fn loopback() -> DeliveryConfig {
    DeliveryConfig { webhook: lax(), ..DeliveryConfig::default() }
}

fn lax() -> WebhookConfig {
    WebhookConfig {
        allow_private: vec![(IpAddr::V4(Ipv4Addr::LOCALHOST), 32)],
        timeout: Duration::from_secs(2),
        ..WebhookConfig::default()
    }
}

fn client(config: &WebhookConfig) -> Client {
    Client::with(config, Arc::new(SystemResolver::new(4)), public_trust().unwrap()).unwrap()
}

fn start(house: &Arc<House>) -> Webhooks {
    Webhooks::start_with(Arc::clone(house), client(&house.config.webhook))
}

/// Moves the clock on and lets the worker look at it.
fn pass(stage: &Stage, webhooks: &Webhooks, id: SubscriptionId, time: Duration) {
    stage.clock.advance(time);
    webhooks.subscription_changed(id);
}

fn status(stage: &Stage, id: SubscriptionId) -> SubscriptionStatus {
    stage.house.registry.subscription(id).unwrap().status.clone()
}

/// Waits until everything committed so far is settled.
async fn settled(stage: &Stage, webhooks: &Webhooks, id: SubscriptionId) {
    let head = stage.house.journal.head(crate::stage::account()).position;
    until("everything is settled", || {
        webhooks.health(id).is_some_and(|health| health.cursor == head)
    })
    .await;
}

/// Fails when a uuid came with two contents, or an extension's first deliveries are out of order.
fn assert_sound(notifications: &[Got]) {
    let mut contents: HashMap<String, String> = HashMap::new();
    let mut newest: HashMap<String, u64> = HashMap::new();
    for got in notifications {
        let before = contents.insert(got.uuid(), got.body.clone());
        if let Some(before) = before {
            assert_eq!(before, got.body, "one uuid with two contents");
        } else {
            let last = newest.insert(got.extension(), got.sequence());
            assert!(last < Some(got.sequence()), "{} is out of order", got.body);
        }
    }
}
