//! What all webhooks share.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use foldhash::fast::RandomState;
use http::uri::Authority;
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::house::House;
use crate::webhook::client::Client;
use crate::webhook::cursors::Cursors;

/// What the workers of all subscriptions have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) house: Arc<House>,
    pub(super) client: Client,
    pub(super) cursors: Cursors,
    pub(super) hosts: Hosts,
    pub(super) stop: CancellationToken,
    pub(super) chance: SystemRandom,
}

impl Shared {
    /// Returns a number in -1.0 ..= 1.0.
    pub(super) fn jitter(&self) -> f64 {
        let mut bytes = [0; 2];
        // Without chance there is no jitter, which is no fault.
        let _ = self.chance.fill(&mut bytes);
        f64::from(i16::from_le_bytes(bytes)) / f64::from(i16::MAX).max(1.0)
    }
}

/// How many deliveries may be under way to each host.
#[derive(Debug)]
pub(super) struct Hosts {
    per_host_max: usize,
    permits: Mutex<HashMap<String, Weak<Semaphore>, RandomState>>,
}

impl Hosts {
    pub(super) fn new(per_host_max: usize) -> Self {
        Self { per_host_max: per_host_max.max(1), permits: Mutex::default() }
    }

    /// Returns the permits of a host; whoever serves it holds them, so that all share them.
    pub(super) fn permits_of(&self, host: Option<&Authority>) -> Arc<Semaphore> {
        let name = host.map(|host| host.host().to_ascii_lowercase()).unwrap_or_default();
        let mut permits = self.permits.lock();
        if let Some(found) = permits.get(&name).and_then(Weak::upgrade) {
            return found;
        }
        permits.retain(|_, permits| permits.strong_count() > 0);
        let made = Arc::new(Semaphore::new(self.per_host_max));
        permits.insert(name, Arc::downgrade(&made));
        made
    }
}
