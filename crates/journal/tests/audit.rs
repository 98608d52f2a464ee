//! The audit trail on disk: bounded, whole or not at all, and checked.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lampfield_core::AccountId;
use lampfield_journal::conformance::samples::{audit, extension, key, moment};
use lampfield_journal::embedded::{EmbeddedConfig, EmbeddedStore, Fault, verify};
use lampfield_journal::{AuditRetention, DirectoryChange, DirectoryStore};
use rusqlite::Connection;

async fn add(store: &EmbeddedStore, account: u64, number: u64) {
    let entry = DirectoryChange::Audit(Box::new(audit(account, number)));
    store.apply(vec![entry], Box::new(|| ())).await.unwrap();
}

async fn numbers(store: &EmbeddedStore, account: u64) -> (Vec<u64>, u64) {
    let page = store.audit(AccountId::new(account).ok(), 0, 1000).await.unwrap();
    (page.records.iter().map(|record| record.number).collect(), page.total)
}

fn open(dir: &Path, audit: AuditRetention) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(dir, EmbeddedConfig { audit, ..EmbeddedConfig::default() }).unwrap()
}

#[tokio::test]
async fn too_many_entries_push_the_oldest_out_of_their_own_account_only() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let store = open(&dir, AuditRetention { age_max: None, entries_max: 3 });
    add(&store, 2, 1).await;
    for number in 1..=5 {
        add(&store, 1, number).await;
    }

    assert_eq!(numbers(&store, 1).await, (vec![5, 4, 3], 3));
    assert_eq!(numbers(&store, 2).await, (vec![1], 1));
    drop(store);
    let fewer = open(&dir, AuditRetention { age_max: None, entries_max: 1 });
    add(&fewer, 1, 6).await;
    assert_eq!(numbers(&fewer, 1).await, (vec![6], 1), "numbers go on");
}

#[tokio::test]
async fn old_entries_go_and_the_newest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let age_max = Some(Duration::from_secs(10));
    let store = open(&dir, AuditRetention { age_max, entries_max: 1000 });
    for number in [1, 2, 3, 12, 13] {
        add(&store, 1, number).await;
    }
    let oldest = store.audit(AccountId::new(1).ok(), 0, 10).await.unwrap();
    let oldest = oldest.records.last().unwrap().entry.at;
    assert_eq!(oldest, moment(3), "each is a second after the one before");
    add(&store, 1, 1000).await;
    assert_eq!(numbers(&store, 1).await, (vec![6], 1));
}

#[tokio::test]
async fn a_change_that_is_not_durable_leaves_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let is_full = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_full);
    let config = EmbeddedConfig {
        faults: Some(Arc::new(move || seen.load(Ordering::Relaxed).then_some(Fault::Full))),
        ..EmbeddedConfig::default()
    };
    let store = EmbeddedStore::open(&dir, config).unwrap();
    let changes = || {
        vec![
            DirectoryChange::PutExtension(extension(key(1, 1))),
            DirectoryChange::Audit(Box::new(audit(1, 1))),
        ]
    };
    is_full.store(true, Ordering::Relaxed);
    store.apply(changes(), Box::new(|| ())).await.unwrap_err();
    assert_eq!(numbers(&store, 1).await, (vec![], 0));
    is_full.store(false, Ordering::Relaxed);
    store.apply(changes(), Box::new(|| ())).await.unwrap();
    assert_eq!(numbers(&store, 1).await, (vec![1], 1));
    assert_eq!(store.load().unwrap().extensions.len(), 1);
}

#[tokio::test]
async fn an_entry_that_was_changed_or_taken_away_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let store = open(&dir, AuditRetention::default());
    for number in 1..=3 {
        add(&store, 1, number).await;
    }
    let file = store.path().to_owned();
    drop(store);
    let sound = verify(&dir).unwrap();
    assert!(sound.is_sound() && sound.audited == 3, "{sound:?}");

    let tampered = Connection::open(&file).unwrap();
    let swap =
        "UPDATE audit SET bytes = (SELECT bytes FROM audit WHERE number = 1) WHERE number = 3";
    tampered.execute(swap, []).unwrap();
    tampered.execute("DELETE FROM audit WHERE number = 2", []).unwrap();
    tampered.close().unwrap();

    assert_eq!(verify(&dir).unwrap().faults, 2);
    let store = open(&dir, AuditRetention::default());
    let read = store.audit(AccountId::new(1).ok(), 0, 10).await;
    assert!(read.is_err(), "a damaged entry is never shown");
}
