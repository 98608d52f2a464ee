//! A store that is full, slow, contested or broken.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod house;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use house::{House, START, busy_until, key};
use lampfield_core::{
    AccountId, Claim, Epoch, ExtensionKey, Position, Sequence, SourceId, TelephonyStatus,
};
use lampfield_engine::{EngineConfig, Order, SubmitError};
use lampfield_journal::{
    BoxFuture, CommitError, CommitWatcher, Entry, Head, Journal, MemoryJournal, Newest, Page,
    ReadError, Record,
};
use tokio::sync::Semaphore;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_full_disk_leaves_nothing_and_the_house_recovers_by_itself() {
    let house = House::open().await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE)).await;
    house.journal.set_full(true);

    let refused = house.order(key(2), busy_until(None)).await.unwrap_err();

    assert!(matches!(refused, SubmitError::Unavailable { .. }), "{refused}");
    assert_eq!(house.document(key(2)), None);
    house.clock.advance(MINUTE * 2);
    house.a_while().await;
    assert_eq!(house.sequence(1), 1, "the expiry waits, too");

    house.journal.set_full(false);
    house.until("the expiry is stored", |house| house.sequence(1) == 2).await;
    assert!(house.order(key(2), busy_until(None)).await.unwrap().changed);
    assert_eq!(house.sequence(1), 3);
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_finds_the_disk_full_can_be_shown_again() {
    let house = House::open().await;
    house.publish(key(1), house.call("pbx", "1", TelephonyStatus::Ringing)).await;
    house.journal.set_full(true);
    let show = async || {
        let pbx = SourceId::new("pbx").unwrap();
        house.intake.picture(key(1).account, pbx, Vec::new(), START).await
    };

    assert!(matches!(show().await, Err(SubmitError::Unavailable { .. })));
    house.journal.set_full(false);
    assert_eq!(show().await.unwrap().withdrawn, 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stopped_stops_the_engine() {
    let house = House::open().await;
    house.journal.stop("the disk failed");

    let first = house.order(key(1), busy_until(None)).await.unwrap_err();
    house.until("the intake is closed", |house| !house.intake.is_open()).await;
    let second = house.order(key(1), busy_until(None)).await.unwrap_err();

    assert_eq!((first, second), (SubmitError::Stopped, SubmitError::Stopped));
}

#[tokio::test(start_paused = true)]
async fn stopping_finishes_what_was_accepted() {
    let house = House::open().await;
    let orders: Vec<_> = (1..=5)
        .map(|number| Order { key: key(number), command: busy_until(None), observed_at: START })
        .collect();
    let intake = house.intake.clone();
    let waiting = tokio::spawn(async move { intake.submit_all(orders).await });
    tokio::task::yield_now().await;

    house.engine.stop().await;

    let receipts = waiting.await.unwrap();
    assert!(receipts.iter().all(Result::is_ok), "{receipts:?}");
    let late =
        house.intake.submit(Order { key: key(1), command: busy_until(None), observed_at: START });
    assert_eq!(late.await.unwrap_err(), SubmitError::Stopped);
}

#[tokio::test(start_paused = true)]
async fn whoever_finds_no_room_is_told_to_come_back() {
    let inner = Arc::new(MemoryJournal::new());
    let contested = Arc::new(Contested::new(Arc::clone(&inner)));
    let config = EngineConfig { intake_max: 2, ..EngineConfig::default() };
    let house = House::open_on(config, inner, contested.clone()).await;
    contested.gate.forget_permits(Semaphore::MAX_PERMITS);
    let orders: Vec<_> = (1..=2)
        .map(|number| Order { key: key(number), command: busy_until(None), observed_at: START })
        .collect();
    let intake = house.intake.clone();
    let waiting = tokio::spawn(async move { intake.submit_all(orders).await });
    tokio::task::yield_now().await;

    let refused = house.order(key(3), busy_until(None)).await.unwrap_err();

    assert_eq!(refused, SubmitError::Overloaded(Duration::from_secs(5)));
    contested.gate.add_permits(1000);
    assert!(waiting.await.unwrap().iter().all(Result::is_ok));
    assert!(house.order(key(3), busy_until(None)).await.unwrap().changed);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_meets_another_writer_is_decided_again() {
    let inner = Arc::new(MemoryJournal::new());
    let contested = Arc::new(Contested::new(Arc::clone(&inner)));
    let house = House::open_on(EngineConfig::default(), inner, contested.clone()).await;
    house.order(key(1), busy_until(None)).await.unwrap();
    contested.meddle.store(true, Ordering::SeqCst);

    let receipt = house.order(key(2), busy_until(None)).await.unwrap();

    assert_eq!(receipt.head.sequence, Sequence(3), "after the other writer's");
    let offsets: Vec<_> = house.witness.records().iter().map(|it| it.offset).collect();
    assert_eq!(offsets, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn claims_beyond_the_bound_are_refused_and_nothing_is_lost() {
    let house = House::open().await;
    let meeting = |number: usize| -> Claim { house.meeting("meet", &number.to_string(), MINUTE) };
    for number in 0..lampfield_core::presentity::CLAIMS_MAX {
        house.publish(key(1), meeting(number)).await;
    }

    let order = lampfield_core::Command::Publish(meeting(999));
    let refused = house.order(key(1), order).await.unwrap_err();

    assert!(matches!(refused, SubmitError::Refused(_)), "{refused}");
    let newest = house.journal.newest().get(key(1));
    let true_leases = house.intake.true_leases(key(1), newest.as_deref());
    let claims = true_leases
        .map_or_else(|| house.document(key(1)).unwrap().claims.len(), |it| it.claims.len());
    assert_eq!(claims, lampfield_core::presentity::CLAIMS_MAX);
}

/// A journal that can be held shut, and to which somebody else can write first.
#[derive(Debug)]
struct Contested {
    inner: Arc<MemoryJournal>,
    gate: Arc<Semaphore>,
    meddle: AtomicBool,
}

impl Contested {
    fn new(inner: Arc<MemoryJournal>) -> Self {
        let gate = Arc::new(Semaphore::new(1_000_000));
        Self { inner, gate, meddle: AtomicBool::new(false) }
    }

    /// Repeats the newest record of the first extension as another writer's.
    fn write_first(&self) {
        let newest = self.inner.newest().get(key(1)).expect("it changed before");
        let head = self.inner.head(key(1).account);
        let mut record = (*newest).clone();
        record.offset = head.position.offset + 1;
        record.event.sequence = head.sequence.next();
        let committed = self.inner.commit(vec![Entry::Change(Arc::new(record))]);
        drop(committed);
    }
}

impl Journal for Contested {
    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    fn head(&self, account: AccountId) -> Head {
        self.inner.head(account)
    }

    fn commit(&self, batch: Vec<Entry>) -> BoxFuture<'static, Result<(), CommitError>> {
        if self.meddle.swap(false, Ordering::SeqCst) {
            self.write_first();
        }
        let (inner, gate) = (Arc::clone(&self.inner), Arc::clone(&self.gate));
        Box::pin(async move {
            gate.acquire().await.expect("the gate is never closed").forget();
            inner.commit(batch).await
        })
    }

    fn read(
        &self,
        account: AccountId,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'static, Result<Page, ReadError>> {
        self.inner.read(account, after, limit)
    }

    fn as_of(
        &self,
        key: ExtensionKey,
        sequence: Sequence,
    ) -> BoxFuture<'static, Result<Option<Arc<Record>>, ReadError>> {
        self.inner.as_of(key, sequence)
    }

    fn newest(&self) -> &Newest {
        self.inner.newest()
    }

    fn watch(&self, watcher: Arc<dyn CommitWatcher>) {
        self.inner.watch(watcher);
    }
}
