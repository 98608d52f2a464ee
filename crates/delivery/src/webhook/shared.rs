//! What all webhooks share.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use foldhash::fast::RandomState;
use http::uri::Authority;
use lampfield_core::subscription::Health;
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Semaphore, SemaphorePermit};
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

/// How many deliveries may be under way to each host and port.
#[derive(Debug)]
pub(super) struct Hosts {
    per_host_max: usize,
    doors: Mutex<HashMap<String, Weak<Door>, RandomState>>,
}

/// The way to one host and port. Receivers that fail share half of it, so that those that are well
/// behind the same address still get through.
#[derive(Debug)]
pub(super) struct Door {
    all: Semaphore,
    failing: Semaphore,
}

/// The right to one delivery; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    _all: Option<SemaphorePermit<'a>>,
    _failing: Option<SemaphorePermit<'a>>,
}

impl Hosts {
    pub(super) fn new(per_host_max: usize) -> Self {
        Self { per_host_max: per_host_max.max(1), doors: Mutex::default() }
    }

    /// Returns the way to a host; whoever serves it holds it, so that all share it.
    pub(super) fn door(&self, host: Option<&Authority>) -> Arc<Door> {
        let name = host.map(|host| host.as_str().to_ascii_lowercase()).unwrap_or_default();
        let mut doors = self.doors.lock();
        if let Some(found) = doors.get(&name).and_then(Weak::upgrade) {
            return found;
        }
        // Now and then; each time would be quadratic in the number of hosts.
        if doors.len().is_power_of_two() {
            doors.retain(|_, door| door.strong_count() > 0);
        }
        let made = Arc::new(Door {
            all: Semaphore::new(self.per_host_max),
            failing: Semaphore::new(self.per_host_max.div_ceil(2)),
        });
        doors.insert(name, Arc::downgrade(&made));
        made
    }
}

impl Door {
    /// Waits for the right to one delivery to a receiver that has been doing so.
    pub(super) async fn pass(&self, health: Health) -> Pass<'_> {
        // Neither is ever closed: there is always a permit in the end.
        let failing = match health {
            Health::Good => None,
            Health::Failing { .. } => self.failing.acquire().await.ok(),
        };
        Pass { _all: self.all.acquire().await.ok(), _failing: failing }
    }
}
