//! Old records go, newest ones never do, and the write-ahead log stays small.
#![expect(clippy::unwrap_used, reason = "what a test needs is there or the test fails")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lampfield_core::{ManualClock, Position};
use lampfield_journal::conformance::samples::{change, key, moment};
use lampfield_journal::embedded::{EmbeddedConfig, EmbeddedStore, Retention, verify};
use lampfield_journal::{Journal, Page};

/// Keeps everything, looks often.
fn config() -> EmbeddedConfig {
    EmbeddedConfig {
        idle_after: Duration::from_millis(1),
        retention_every: Duration::from_millis(1),
        retention: Retention {
            age_max: None,
            records_max: u64::MAX,
            bytes_max: None,
            records_min: 10,
        },
        trim_chunk: 7,
        ..EmbeddedConfig::default()
    }
}

fn open(dir: &Path, config: EmbeddedConfig) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(dir, config).unwrap()
}

/// Returns from which offset on the log of an account is kept.
async fn first_kept(store: &EmbeddedStore, account: u64) -> u64 {
    let account = key(account, 1).account;
    let head = store.head(account).position;
    for offset in 0..=head.offset {
        let after = Position { offset, ..head };
        match store.read(account, after, 1).await.unwrap() {
            Page::Records(_) => return offset + 1,
            Page::Unrecoverable { .. } => {}
        }
    }
    panic!("the end of a log is always a place");
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn records_go_by_age_when_the_clock_says_so() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let clock = Arc::new(ManualClock::at(moment(50)));
    let mut config = EmbeddedConfig { clock: Some(Arc::clone(&clock) as _), ..config() };
    config.retention.age_max = Some(Duration::from_secs(100));
    let store = open(&dir, config.clone());
    change(store.as_ref(), &[key(1, 1); 50]).await.unwrap();
    change(store.as_ref(), &[key(2, 1); 20]).await.unwrap();

    clock.advance(Duration::from_secs(70));
    until("records 1 to 19 are older than 100 s", async || first_kept(&store, 1).await == 20).await;
    until("of each account", async || first_kept(&store, 2).await == 20).await;
    clock.advance(Duration::from_secs(1_000_000));
    until("all are older", async || first_kept(&store, 1).await == 51).await;
    assert_eq!(store.newest().get(key(1, 1)).unwrap().offset, 50, "the newest stays");
    until("they are counted", async || store.figures().trimmed == 70).await;
    drop(store);
    assert!(verify(&dir).unwrap().is_sound());
    let store = open(&dir, config);
    let next = change(store.as_ref(), &[key(1, 1)]).await.unwrap();
    assert_eq!(next[0].event.sequence.0, 51);
}

#[tokio::test]
async fn without_a_clock_the_newest_record_tells_the_age() {
    let house = tempfile::tempdir().unwrap();
    let mut config = config();
    config.retention.age_max = Some(Duration::from_secs(10));
    let store = open(&house.path().join("data"), config);
    change(store.as_ref(), &[key(1, 1); 50]).await.unwrap();
    until("ten seconds are ten records", async || first_kept(&store, 1).await == 40).await;
}

#[tokio::test]
async fn what_comes_in_pays_for_what_must_go_when_there_is_no_idle_moment() {
    let house = tempfile::tempdir().unwrap();
    let mut config = EmbeddedConfig { idle_after: Duration::from_secs(60), ..config() };
    config.retention.records_max = 100;
    let store = open(&house.path().join("data"), config);
    for _ in 0..200 {
        change(store.as_ref(), &[key(1, 1), key(1, 2), key(1, 3)]).await.unwrap();
    }
    let kept = 601 - first_kept(&store, 1).await;
    assert!((100..130).contains(&kept), "{kept}");
}

#[tokio::test]
async fn the_data_file_stops_growing_at_its_limit() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let mut config = config();
    config.retention.bytes_max = Some(300 << 10);
    let store = open(&dir, config);
    for account in 1..=3 {
        change(store.as_ref(), &[key(account, 1); 30]).await.unwrap();
    }
    for _ in 0..150 {
        change(store.as_ref(), &[key(3, 1); 20]).await.unwrap();
    }
    until("the oldest records went", async || first_kept(&store, 3).await > 1_500).await;
    let spared = [first_kept(&store, 1).await, first_kept(&store, 2).await];
    assert!(spared.iter().all(|first| *first <= 21), "ten of each account stay: {spared:?}");
    store.close();
    let bytes = std::fs::metadata(dir.join("lampfield.db")).unwrap().len();
    assert!(bytes < 900 << 10, "{bytes} bytes");
    drop(store);
    assert!(verify(&dir).unwrap().is_sound());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_small_even_when_readers_never_pause() {
    let house = tempfile::tempdir().unwrap();
    let limit = 256 << 10;
    let config =
        EmbeddedConfig { checkpoint_bytes: limit, idle_after: Duration::from_secs(60), ..config() };
    let store = open(&house.path().join("data"), config);
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut pages = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let start = Position { epoch: store.epoch(), offset: 0 };
                    let page = store.read(key(1, 1).account, start, 500).await.unwrap();
                    assert!(matches!(page, Page::Records(_)), "{page:?}");
                    pages += 1;
                }
                pages
            })
        })
        .collect();
    let mut largest = 0;
    for _ in 0..400 {
        change(store.as_ref(), &[key(1, 1), key(1, 2), key(1, 3), key(1, 4)]).await.unwrap();
        largest = largest.max(store.figures().wal_bytes);
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    let figures = store.figures();
    assert!(largest <= 3 * limit, "{largest} bytes, {figures:?}");
    assert!(figures.checkpoints > 0, "{figures:?}");
}

#[tokio::test]
async fn many_small_accounts_are_cut_in_few_writes() {
    let house = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(moment(0)));
    let mut config =
        EmbeddedConfig { clock: Some(Arc::clone(&clock) as _), trim_chunk: 1_000, ..config() };
    config.retention.age_max = Some(Duration::from_secs(100));
    let store = open(&house.path().join("data"), config);
    for account in 1..=200 {
        change(store.as_ref(), &[key(account, 1), key(account, 2)]).await.unwrap();
    }
    clock.advance(Duration::from_secs(1_000));
    until("every account is cut", async || store.figures().trimmed == 400).await;
    for account in [1, 100, 200] {
        assert_eq!(first_kept(&store, account).await, 3);
        assert!(store.newest().get(key(account, 1)).is_some(), "the newest stays");
    }
}
