//! Both backends keep the promises.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::Epoch;
use lampfield_journal::MemoryJournal;
use lampfield_journal::conformance::{Subject, run, run_reopening};
use lampfield_journal::embedded::{EmbeddedConfig, EmbeddedStore};

#[tokio::test]
async fn the_memory_backend_keeps_every_promise() {
    let epoch = Epoch(NonZeroU64::MIN);
    run(|| Subject::from(Arc::new(MemoryJournal::with(epoch, 100_000)))).await;
}

#[tokio::test]
async fn the_embedded_backend_keeps_every_promise() {
    let house = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    run(|| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = house.path().join(format!("store-{number}"));
        Subject::from(EmbeddedStore::open(&dir, EmbeddedConfig::default()).unwrap())
    })
    .await;
}

#[tokio::test]
async fn the_embedded_backend_keeps_them_when_every_group_is_one_batch() {
    let house = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    let config = EmbeddedConfig {
        group_max: 1,
        group_time_max: Duration::ZERO,
        readers: 1,
        reads_max: 1,
        checkpoint_bytes: 4096,
        trim_chunk: 1,
        ..EmbeddedConfig::default()
    };
    run(|| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = house.path().join(format!("store-{number}"));
        Subject::from(EmbeddedStore::open(&dir, config.clone()).unwrap())
    })
    .await;
}

#[tokio::test]
async fn the_embedded_backend_goes_on_where_it_was() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    run_reopening(|| Subject::from(EmbeddedStore::open(&dir, EmbeddedConfig::default()).unwrap()))
        .await;
}
