//! Committed events, fanned out to whoever watches their accounts.
//!
//! An account that nobody watches costs one look-up. A watched one has a [`Lane`]: its recent
//! events in a bounded ring. Readers have a cursor each and no queue; a reader that the ring has
//! left behind reads the journal ([`catch_up`]).

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use lampfield_core::{AccountId, Position};
use lampfield_journal::{CommitWatcher, Journal, Page, ReadError, Record};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::outgoing::Outgoing;

/// How long an event stays in a ring. Whoever is further behind reads the journal.
const RING_AGE: Duration = Duration::from_secs(10);
/// Watched accounts below which nobody looks for lanes that nobody uses any more.
const PRUNE_MIN: usize = 64;
/// How many readiness loops can be told apart.
pub const SHARDS_MAX: usize = 64;

/// Where committed events enter the delivering half.
pub struct Feed {
    journal: Arc<dyn Journal>,
    ring_max: usize,
    lanes: RwLock<Lanes>,
    shards: OnceLock<Box<[Arc<dyn LaneWatcher>]>>,
}

/// What the journal holds: it must not keep the feed alive, which keeps the journal.
struct Intake(Weak<Feed>);

#[derive(Default)]
struct Lanes {
    by_account: HashMap<AccountId, Weak<Lane>, RandomState>,
    prune_at: usize,
}

/// A readiness loop, told of lanes that moved.
pub trait LaneWatcher: Send + Sync {
    /// Takes note that these lanes have new events, and wakes up. Each lane is named once until it
    /// is [acknowledged](Lane::acknowledge).
    fn moved(&self, lanes: Vec<Arc<Lane>>);
}

/// Recent events of one watched account: a bounded ring after its floor.
pub struct Lane {
    account: AccountId,
    head: AtomicU64,
    ring: Mutex<Ring>,
    ring_max: usize,
    waiting: Notify,
    /// One bit a shard: it watches the account.
    watched_by: AtomicU64,
    /// One bit a shard: it was told and has not looked yet.
    told: AtomicU64,
}

struct Ring {
    /// Events up to here are not in the ring.
    floor: u64,
    events: VecDeque<Arc<Outgoing>>,
}

/// What a reader finds in a ring.
#[derive(Debug, Clone)]
pub enum Slice {
    /// The events after its cursor, in order; empty at the head.
    Events(Vec<Arc<Outgoing>>),
    /// The ring does not reach back so far.
    Behind,
}

impl Feed {
    /// Makes a feed that watches `journal`; each watched account keeps at most `ring_max` events.
    pub fn start(journal: Arc<dyn Journal>, ring_max: usize) -> Arc<Self> {
        let feed = Arc::new(Self {
            journal,
            ring_max: ring_max.max(1),
            lanes: RwLock::new(Lanes { by_account: HashMap::default(), prune_at: PRUNE_MIN }),
            shards: OnceLock::new(),
        });
        feed.journal.watch(Arc::new(Intake(Arc::downgrade(&feed))));
        feed
    }

    /// Names the readiness loops, at most [`SHARDS_MAX`]. Only the first call counts.
    pub fn set_shards(&self, shards: Vec<Arc<dyn LaneWatcher>>) {
        debug_assert!(shards.len() <= SHARDS_MAX, "one bit a shard");
        let _ = self.shards.set(shards.into_boxed_slice());
    }

    /// Returns the lane of an account, made if nobody watches it yet. It lives as long as anybody
    /// holds it. Nothing committed after this call is missing in it.
    pub fn lane(&self, account: AccountId) -> Arc<Lane> {
        if let Some(lane) = self.existing(account) {
            return lane;
        }
        let mut lanes = self.lanes.write();
        if let Some(lane) = lanes.by_account.get(&account).and_then(Weak::upgrade) {
            return lane;
        }
        lanes.prune();
        // The head is read while no commit can be handed over: what was committed before and is
        // handed over later is not after the floor, and everything else will be pushed.
        let floor = self.journal.head(account).position.offset;
        let lane = Arc::new(Lane::new(account, floor, self.ring_max));
        lanes.by_account.insert(account, Arc::downgrade(&lane));
        lane
    }

    /// Returns the head of an account's lane; none if nobody watches it.
    pub fn head(&self, account: AccountId) -> Option<u64> {
        self.existing(account).map(|lane| lane.head())
    }

    /// Drops events from rings that are older than a ring keeps them. To be called now and then.
    pub fn sweep(&self) {
        let lanes: Vec<_> =
            self.lanes.read().by_account.values().filter_map(Weak::upgrade).collect();
        let Some(oldest) = Instant::now().checked_sub(RING_AGE) else { return };
        for lane in lanes {
            lane.ring.lock().drop_before(oldest);
        }
    }

    fn existing(&self, account: AccountId) -> Option<Arc<Lane>> {
        self.lanes.read().by_account.get(&account).and_then(Weak::upgrade)
    }

    /// Tells each shard once of all lanes that moved and that it watches.
    fn tell_shards(&self, moved: &[Arc<Lane>]) {
        let Some(shards) = self.shards.get() else { return };
        for (index, shard) in shards.iter().enumerate() {
            let told: Vec<_> =
                moved.iter().filter(|lane| lane.is_news_for(index)).map(Arc::clone).collect();
            if !told.is_empty() {
                shard.moved(told);
            }
        }
    }
}

impl CommitWatcher for Intake {
    fn committed(&self, records: &[Arc<Record>]) {
        if let Some(feed) = self.0.upgrade() {
            feed.take(records);
        }
    }
}

impl Feed {
    fn take(&self, records: &[Arc<Record>]) {
        let mut moved: Vec<Arc<Lane>> = Vec::new();
        for run in records.chunk_by(|a, b| a.event.key.account == b.event.key.account) {
            let Some(first) = run.first() else { continue };
            let Some(lane) = self.existing(first.event.key.account) else { continue };
            lane.push(run);
            moved.push(lane);
        }
        if moved.is_empty() {
            return;
        }
        for lane in &moved {
            lane.waiting.notify_waiters();
        }
        self.tell_shards(&moved);
    }
}

impl Lanes {
    /// Forgets lanes that nobody holds, when there are twice as many entries as were alive last time.
    fn prune(&mut self) {
        if self.by_account.len() >= self.prune_at {
            self.by_account.retain(|_, lane| lane.strong_count() > 0);
            self.prune_at = PRUNE_MIN.max(self.by_account.len() * 2);
        }
    }
}

impl Lane {
    fn new(account: AccountId, floor: u64, ring_max: usize) -> Self {
        Self {
            account,
            head: AtomicU64::new(floor),
            ring: Mutex::new(Ring { floor, events: VecDeque::new() }),
            ring_max,
            waiting: Notify::new(),
            watched_by: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    /// Returns whose lane it is.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Returns the offset of the newest event.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::SeqCst)
    }

    /// Returns at most `limit` events after `offset`.
    #[must_use]
    pub fn after(&self, offset: u64, limit: usize) -> Slice {
        let ring = self.ring.lock();
        let Some(skip) = offset.checked_sub(ring.floor) else { return Slice::Behind };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(ring.events.len());
        Slice::Events(ring.events.range(skip..).take(limit).cloned().collect())
    }

    /// Waits until the head is after `past`. Dropping the future loses nothing.
    pub async fn moved(&self, past: u64) {
        loop {
            let mut waiting = pin!(self.waiting.notified());
            waiting.as_mut().enable();
            if self.head() > past {
                return;
            }
            waiting.await;
        }
    }

    /// Takes note that a shard watches the account from now on. To be called before it reads the head.
    pub(crate) fn watch(&self, shard: usize) {
        self.watched_by.fetch_or(1 << shard, Ordering::SeqCst);
        // It may have been told before and never have looked.
        self.acknowledge(shard);
    }

    /// Takes note that a shard does not watch the account any more.
    pub(crate) fn unwatch(&self, shard: usize) {
        self.watched_by.fetch_and(!(1 << shard), Ordering::SeqCst);
    }

    /// Takes note that a shard looks now. To be called before it reads the head, so that whatever
    /// comes later is told again.
    pub(crate) fn acknowledge(&self, shard: usize) {
        self.told.fetch_and(!(1 << shard), Ordering::SeqCst);
    }

    /// The head was stored before: a shard that begins to watch later finds it there itself.
    fn is_news_for(&self, shard: usize) -> bool {
        let bit = 1 << shard;
        self.watched_by.load(Ordering::SeqCst) & bit != 0
            && self.told.fetch_or(bit, Ordering::SeqCst) & bit == 0
    }

    fn push(&self, records: &[Arc<Record>]) {
        let mut ring = self.ring.lock();
        for record in records {
            ring.push(record, self.ring_max);
        }
        if let Some(newest) = ring.events.back() {
            let newest = newest.offset();
            if let Some(oldest) = Instant::now().checked_sub(RING_AGE) {
                ring.drop_before(oldest);
            }
            self.head.store(newest, Ordering::SeqCst);
        }
    }
}

impl Ring {
    fn push(&mut self, record: &Arc<Record>, ring_max: usize) {
        let head = self.floor + self.events.len() as u64;
        if record.offset <= head {
            return;
        }
        if record.offset > head + 1 {
            // A gap is a fault of the store. Whoever stands before it must read the journal.
            self.events.clear();
            self.floor = record.offset - 1;
        }
        if self.events.len() == ring_max {
            self.events.pop_front();
            self.floor += 1;
        }
        self.events.push_back(Arc::new(Outgoing::fresh(Arc::clone(record))));
    }

    fn drop_before(&mut self, oldest: Instant) {
        let is_old = |event: &Arc<Outgoing>| event.committed().is_none_or(|at| at < oldest);
        while self.events.front().is_some_and(is_old) {
            self.events.pop_front();
            self.floor += 1;
        }
        if self.events.is_empty() {
            self.events.shrink_to_fit();
        }
    }
}

/// What a reader has missed.
#[derive(Debug, Clone)]
pub enum Caught {
    /// Every event after its place, in order; empty at the head. There may be more behind them.
    Events(Vec<Arc<Outgoing>>),
    /// It is far behind: the newest event of each extension that changed, in order, however many
    /// there are. A reader that takes only some of them must begin again from its old place.
    Newest {
        /// The events, by offset.
        events: Vec<Arc<Outgoing>>,
        /// Where the reader stands after all of them.
        head: u64,
    },
    /// Its place was trimmed, is of another epoch, or never was: only a fresh picture helps.
    Unrecoverable,
}

/// Reads on from `after`: from the ring if it reaches back, else from the journal; at most `limit`
/// events. With `coalesce_after`, a reader that is more events behind gets the newest of each
/// extension instead, and then nothing is unrecoverable but another epoch.
///
/// # Errors
/// [`ReadError`] when the journal cannot be read.
pub async fn catch_up(
    journal: &dyn Journal,
    lane: &Lane,
    after: Position,
    limit: usize,
    coalesce_after: Option<usize>,
) -> Result<Caught, ReadError> {
    let head = journal.head(lane.account).position;
    if after.epoch != head.epoch || after.offset > head.offset {
        return Ok(Caught::Unrecoverable);
    }
    let behind = head.offset - after.offset;
    if coalesce_after.is_some_and(|most| behind > most as u64) {
        return Ok(newest(journal, lane.account, after.offset));
    }
    if let Slice::Events(events) = lane.after(after.offset, limit)
        && (!events.is_empty() || behind == 0)
    {
        return Ok(Caught::Events(events));
    }
    match journal.read(lane.account, after, limit).await? {
        Page::Records(records) => {
            let events = records.into_iter().map(|record| Arc::new(Outgoing::repeated(record)));
            Ok(Caught::Events(events.collect()))
        }
        Page::Unrecoverable { .. } if coalesce_after.is_some() => {
            Ok(newest(journal, lane.account, after.offset))
        }
        Page::Unrecoverable { .. } => Ok(Caught::Unrecoverable),
    }
}

fn newest(journal: &dyn Journal, account: AccountId, after: u64) -> Caught {
    let mut snapshot = journal.newest().snapshot(account, after);
    snapshot.records.sort_unstable_by_key(|record| record.offset);
    let events = snapshot.records.into_iter().map(|record| Arc::new(Outgoing::newest(record)));
    Caught::Newest { events: events.collect(), head: snapshot.head.position.offset }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("lanes", &self.lanes.read().by_account.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("account", &self.account)
            .field("head", &self.head())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
