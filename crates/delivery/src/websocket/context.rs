//! What all shards and the tasks around them share.

use std::sync::{Arc, OnceLock};

use lampfield_contract::ConnectionLimits;
use lampfield_core::{Epoch, SubscriptionId, Timestamp};
use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::config::WebsocketConfig;
use crate::gateway::Gateway;
use crate::house::House;
use crate::metrics::{Metrics, Transport};
use crate::websocket::numbering::Numbering;
use crate::websocket::roster::{Roster, SocketKey};
use crate::websocket::shard::{Command, Laggard, ShardHandle};

/// Journal pages read at a time for sockets that are behind.
const READS_MAX: usize = 32;

/// What all shards share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) house: Arc<House>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) roster: Roster,
    pub(crate) numbering: Numbering,
    pub(crate) runtime: Handle,
    /// Bounds how many pages for sockets that are behind are in memory at a time.
    pub(crate) reads: Semaphore,
    /// Taken out when the house stops: it knows those who know the sockets.
    pub(crate) gateway: RwLock<Option<Arc<dyn Gateway>>>,
    pub(crate) shards: OnceLock<Box<[Arc<ShardHandle>]>>,
}

impl Context {
    /// Makes it for a number of shards, which are named later.
    pub(crate) fn new(
        house: Arc<House>,
        metrics: Arc<Metrics>,
        runtime: Handle,
        shards: usize,
    ) -> Self {
        let numbering = Numbering::resume(&house.registry, shards, house.now());
        Self {
            house,
            metrics,
            roster: Roster::default(),
            numbering,
            runtime,
            reads: Semaphore::new(READS_MAX),
            gateway: RwLock::new(None),
            shards: OnceLock::new(),
        }
    }

    /// Returns the bounds of sockets.
    pub(crate) fn config(&self) -> &WebsocketConfig {
        &self.house.config.websocket
    }

    /// Returns the present moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.house.now()
    }

    /// Returns the journal's generation.
    pub(crate) fn epoch(&self) -> Epoch {
        self.house.journal.epoch()
    }

    /// Returns who answers requests; nobody before the house is complete and after it stopped.
    pub(crate) fn gateway(&self) -> Option<Arc<dyn Gateway>> {
        self.gateway.read().clone()
    }

    /// Returns the shards.
    pub(crate) fn shards(&self) -> &[Arc<ShardHandle>] {
        self.shards.get().map_or(&[], |shards| shards)
    }

    /// Sends a command to the shard of a socket.
    pub(crate) fn command(&self, socket: SocketKey, command: Command) {
        if let Some(shard) = self.shards().get(usize::from(socket.shard)) {
            shard.send(command);
        }
    }

    /// Returns what `ConnectionDetails` announces.
    pub(crate) fn limits(&self) -> ConnectionLimits {
        let config = self.config();
        ConnectionLimits {
            max_connections_per_session: config.sockets_per_session_max as u64,
            recovery_buffer_size: u64::from(config.recovery_buffer),
            recovery_timeout: config.recovery_timeout.as_secs(),
            idle_timeout: config.idle_timeout.as_secs(),
            absolute_timeout: config.absolute_timeout.as_secs(),
            max_active_requests: config.requests_max as u64,
        }
    }

    /// Returns by how many events subscriptions are behind; who is not behind is not there.
    pub(crate) fn lags(&self) -> Vec<(SubscriptionId, u64)> {
        let mut lags: Vec<_> = self
            .shards()
            .iter()
            .flat_map(|shard| {
                let laggards = shard.laggards.lock();
                laggards.iter().map(Laggard::lag).collect::<Vec<_>>()
            })
            .collect();
        lags.sort_unstable();
        lags
    }

    /// Shows by how many events the slowest socket is behind.
    pub(crate) fn publish_lag(&self) {
        let most = self.lags().into_iter().map(|(_, lag)| lag).max();
        self.metrics.set_lag(Transport::Websocket, most.unwrap_or(0));
    }
}
