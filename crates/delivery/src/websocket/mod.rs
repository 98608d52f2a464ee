//! WebSockets: sharded readiness loops that write shared bytes straight to the sockets
//! (contract section 8).
//!
//! A socket is a record in the slab of one shard: no task, no channel and, while idle, no buffer.
//! `codec` knows frames, `socket` one stream, `shard` the loop; `opening` greets and recovers,
//! `requests` hears, `attach` puts subscriptions on sockets, `pump` tells them, through the one
//! `press` of the shard; `reading` brings what the ring has left behind; `liveness` does what time
//! demands. `roster` and `numbering` are what shards share: who holds what, and the numbers of
//! recovery tokens.

mod attach;
mod codec;
mod context;
mod liveness;
mod numbering;
mod opening;
mod press;
mod pump;
mod reading;
mod requests;
mod roster;
mod shard;
mod socket;
mod subscriber;
#[cfg(test)]
mod tests;
mod token;

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use lampfield_core::{SessionId, SubscriptionId};
use lampfield_journal::DirectoryChange;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::feed::{LaneWatcher, SHARDS_MAX};
use crate::gateway::{Gateway, Hello};
use crate::house::House;
use crate::metrics::Metrics;
use crate::websocket::context::Context;
use crate::websocket::shard::{Command, STOP_WITHIN, Shard};

/// How often the roster is looked through.
const KEEP_EVERY: Duration = Duration::from_millis(500);
/// Subscriptions removed at a time.
const REMOVE_MAX: usize = 1000;

/// The sockets of the house.
#[derive(Debug)]
pub(crate) struct Sockets {
    context: Arc<Context>,
    /// Counts sockets, to give each to the next shard.
    opened: AtomicUsize,
    keeper: JoinHandle<()>,
}

impl Sockets {
    /// Starts the readiness loops, and the recovery window of all subscriptions that were on
    /// sockets when the server stopped.
    ///
    /// # Errors
    /// When a loop cannot be made.
    pub(crate) fn start(house: Arc<House>, metrics: Arc<Metrics>) -> io::Result<Self> {
        let count = shards(house.config.websocket.shards);
        let runtime = tokio::runtime::Handle::current();
        let context = Arc::new(Context::new(house, metrics, runtime, count));
        let mut handles = Vec::new();
        let mut polls = Vec::new();
        for index in (0u16..).take(count) {
            let (handle, poll) = shard::make(index)?;
            handles.push(handle);
            polls.push(poll);
        }
        let _ = context.shards.set(handles.clone().into_boxed_slice());
        let watchers = handles.iter().map(|handle| Arc::clone(handle) as Arc<dyn LaneWatcher>);
        context.house.feed.set_shards(watchers.collect());
        let now = context.now();
        let known = context.house.registry.subscriptions();
        for subscription in known.iter().filter(|subscription| subscription.is_socket()) {
            context.roster.adopt(subscription.id, now);
        }
        for (handle, poll) in handles.into_iter().zip(polls) {
            let name = format!("sockets-{}", handle.index);
            let shard = Shard::new(Arc::clone(&context), handle, poll);
            thread::Builder::new().name(name).spawn(move || shard.run())?;
        }
        let keeper = tokio::spawn(keep(Arc::clone(&context)));
        Ok(Self { context, opened: AtomicUsize::new(0), keeper })
    }

    /// Names who answers requests.
    pub(crate) fn set_gateway(&self, gateway: Arc<dyn Gateway>) {
        *self.context.gateway.write() = Some(gateway);
    }

    /// Takes over an upgraded socket.
    pub(crate) fn open(&self, stream: TcpStream, read_ahead: Bytes, hello: Hello) {
        let count = self.context.shards().len().max(1);
        let shard = self.opened.fetch_add(1, Ordering::Relaxed) % count;
        let context = Arc::clone(&self.context);
        let runtime = context.runtime.clone();
        runtime.spawn(Box::pin(opening::open(context, stream, read_ahead, hello, shard)));
    }

    /// Takes note that somebody changed or removed a subscription.
    pub(crate) fn subscription_changed(&self, id: SubscriptionId) {
        if let Some(socket) = self.context.roster.holder(id) {
            self.context.command(socket, Command::Refresh { socket, subscription: id });
        } else if self.context.house.registry.subscription(id).is_none() {
            self.context.roster.forget(id);
        }
    }

    /// Closes the sockets of a log-in.
    pub(crate) fn session_revoked(&self, id: SessionId) {
        for shard in self.context.shards() {
            shard.send(Command::Revoke(id));
        }
    }

    /// Returns by how many events subscriptions are behind; who is not behind is not there.
    pub(crate) fn lags(&self) -> Vec<(SubscriptionId, u64)> {
        self.context.lags()
    }

    /// Closes all sockets with 1001; their subscriptions are kept for recovery.
    pub(crate) async fn stop(&self) {
        let mut ends = Vec::new();
        for shard in self.context.shards() {
            let (done, end) = oneshot::channel();
            shard.send(Command::Stop(done));
            ends.push(end);
        }
        for end in ends {
            // A loop that has ended already has dropped its end.
            let _ = tokio::time::timeout(STOP_WITHIN * 2, end).await;
        }
        self.keeper.abort();
        self.context.gateway.write().take();
        if let Err(error) = self.context.numbering.give_back(&self.context.house.registry).await {
            tracing::warn!(%error, "unused numbers of recovery tokens cannot be given back");
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.keeper.abort();
        for shard in self.context.shards() {
            shard.send(Command::Stop(oneshot::channel().0));
        }
    }
}

fn shards(wanted: usize) -> usize {
    let cores = || thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    if wanted == 0 { cores() } else { wanted }.clamp(1, SHARDS_MAX)
}

/// Looks now and then for subscriptions whose clients did not come back, for rings to be emptied,
/// and for numbers to be reserved.
async fn keep(context: Arc<Context>) {
    let mut every = tokio::time::interval(KEEP_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        context.house.feed.sweep();
        context.metrics.set_sockets(context.roster.sockets());
        remove_over(&context).await;
        if context.roster.sockets() > 0
            && let Err(error) = context.numbering.reserve(&context.house.registry).await
        {
            tracing::error!(%error, "numbers of recovery tokens cannot be reserved");
        }
    }
}

/// Removes the subscriptions whose recovery window is over.
async fn remove_over(context: &Context) {
    let (now, window) = (context.now(), context.config().recovery_timeout);
    let over = context.roster.take_over(now, window, REMOVE_MAX);
    if over.is_empty() {
        return;
    }
    let changes = over.iter().map(|id| DirectoryChange::RemoveSubscription(*id)).collect();
    if let Err(error) = context.house.registry.apply(changes).await {
        tracing::error!(%error, count = over.len(), "ended subscriptions cannot be removed yet");
        for id in over {
            context.roster.adopt(id, now);
        }
    }
}
