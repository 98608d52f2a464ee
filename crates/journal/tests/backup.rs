//! Backups of running and stopped stores, and what is made of them.
#![expect(clippy::unwrap_used, reason = "what a test needs is there or the test fails")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lampfield_core::{ExtensionId, Position, Sequence, Timestamp};
use lampfield_journal::conformance::samples::{change, key, moment, one_of_each};
use lampfield_journal::embedded::{
    BackupError, EmbeddedConfig, EmbeddedStore, SEQUENCE_JUMP, backup, restore, verify, verify_file,
};
use lampfield_journal::{DirectoryStore as _, Journal, Page, Record};

fn open(dir: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(dir, EmbeddedConfig::default()).unwrap()
}

async fn read_all(store: &EmbeddedStore, account: u64, after: u64) -> Vec<Arc<Record>> {
    let account = key(account, 1).account;
    let after = Position { epoch: store.epoch(), offset: after };
    match store.read(account, after, 10_000).await.unwrap() {
        Page::Records(records) => records,
        Page::Unrecoverable { head } => panic!("unrecoverable, the log stands at {head}"),
    }
}

#[tokio::test]
async fn what_is_made_of_a_backup_is_a_new_generation_with_the_same_content() {
    let house = tempfile::tempdir().unwrap();
    let (dir, file, made) =
        (house.path().join("data"), house.path().join("backup"), house.path().join("made"));
    let store = open(&dir);
    store.apply(one_of_each(), Box::new(|| ())).await.unwrap();
    for n in 1..=9 {
        change(store.as_ref(), &[key(1, 1 + n % 2), key(1, 3)]).await.unwrap();
    }
    change(store.as_ref(), &[key(2, 1)]).await.unwrap();
    let report = store.backup_to(&file).await.unwrap();
    assert_eq!(report.bytes, fs::metadata(&file).unwrap().len());
    let lost = change(store.as_ref(), &[key(1, 1), key(1, 1)]).await.unwrap();
    let before = read_all(&store, 1, 0).await;
    let old_place = Position { epoch: store.epoch(), offset: 4 };

    let report = restore(&file, &made).unwrap();
    assert_eq!((report.records, report.newest, report.accounts), (19, 4, 2));
    assert!(report.is_sound() && report.items == 12, "{report:?}");
    let restored = open(&made);
    assert_ne!(restored.epoch(), store.epoch());
    assert_eq!(read_all(&restored, 1, 0).await, before[..18]);
    assert_eq!(
        format!("{:?}", restored.load().unwrap()),
        format!("{:?}", store.load().unwrap()),
        "the directory is the same"
    );
    let account = key(1, 1).account;
    let page = restored.read(account, old_place, 9).await.unwrap();
    assert!(matches!(page, Page::Unrecoverable { .. }), "places of the lost generation: {page:?}");

    let head = restored.head(account);
    assert_eq!(head.position.offset, 18, "offsets go on without a gap");
    assert_eq!(head.sequence, Sequence(18 + SEQUENCE_JUMP));
    let next = change(restored.as_ref(), &[key(1, 1)]).await.unwrap();
    let given_out = lost.iter().map(|record| record.event.sequence).max();
    assert!(Some(next[0].event.sequence) > given_out, "no sequence is given out twice");
    drop(restored);
    assert!(verify(&made).unwrap().is_sound());
    assert_eq!(open(&made).head(account).sequence, next[0].event.sequence);
}

#[tokio::test]
async fn two_restores_of_one_backup_are_two_generations() {
    let house = tempfile::tempdir().unwrap();
    let (dir, file) = (house.path().join("data"), house.path().join("backup"));
    change(open(&dir).as_ref(), &[key(1, 1)]).await.unwrap();
    backup(&dir, &file).unwrap();
    let mut epochs = Vec::new();
    for name in ["one", "two"] {
        restore(&file, &house.path().join(name)).unwrap();
        epochs.push(open(&house.path().join(name)).epoch());
    }
    assert_ne!(epochs[0], epochs[1]);
}

#[tokio::test]
async fn a_backup_under_load_is_of_one_moment_and_disturbs_nobody() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let store = open(&dir);
    for _ in 0..20 {
        change(store.as_ref(), &[key(1, 1); 100]).await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (busy, stopped) = (Arc::clone(&store), Arc::clone(&stop));
    let load = tokio::spawn(async move {
        let mut changes = 0;
        while !stopped.load(Ordering::Relaxed) {
            changes += change(busy.as_ref(), &[key(1, 2), key(2, 1 + changes % 9)][..1])
                .await
                .unwrap()
                .len() as u64;
            change(busy.as_ref(), &[key(2, 1 + changes % 9)]).await.unwrap();
        }
        changes
    });
    let mut sizes = Vec::new();
    for number in 0..5 {
        let file = house.path().join(format!("backup-{number}"));
        store.backup_to(&file).await.unwrap();
        let report = verify_file(&file).unwrap();
        assert!(report.is_sound(), "{report:?}");
        sizes.push(report.records);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(load.await.unwrap() > 0);
    assert!(sizes.is_sorted() && sizes[0] >= 2000, "{sizes:?}");
    assert!(verify(&dir).unwrap().is_sound(), "a running store can be verified too");
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_damaged_is_restored() {
    let house = tempfile::tempdir().unwrap();
    let path = |name: &str| house.path().join(name);
    let missing = backup(&path("data"), &path("backup"));
    assert!(matches!(missing, Err(BackupError::Missing(_))));
    let store = open(&path("data"));
    change(store.as_ref(), &[key(1, 1), key(1, 2)]).await.unwrap();
    store.backup_to(&path("backup")).await.unwrap();
    let again = store.backup_to(&path("backup")).await;
    assert!(matches!(again, Err(BackupError::Exists(_))), "{again:?}");
    let over = restore(&path("backup"), &path("data"));
    assert!(matches!(over, Err(BackupError::Exists(_))), "{over:?}");
    let none = restore(&path("no-backup"), &path("made"));
    assert!(matches!(none, Err(BackupError::Missing(_))), "{none:?}");

    let connection = rusqlite::Connection::open(path("backup")).unwrap();
    connection.execute("UPDATE log SET bytes = zeroblob(80) WHERE offset = 2", []).unwrap();
    drop(connection);
    let damaged = restore(&path("backup"), &path("made")).unwrap_err();
    assert!(matches!(damaged, BackupError::Damaged { faults: 1, .. }), "{damaged}");
    assert!(!path("made").exists() && !path("made.creating").exists());
    fs::write(path("letter"), "Dear Ada").unwrap();
    restore(&path("letter"), &path("made")).expect_err("that is no backup");
    assert!(!path("made").exists());
}

#[tokio::test]
async fn verify_finds_what_no_checksum_tells() {
    let house = tempfile::tempdir().unwrap();
    let made = house.path().join("made");
    let store = open(&made);
    for n in 1..=6 {
        change(store.as_ref(), &[key(1, 1 + n % 2)]).await.unwrap();
    }
    store.apply(one_of_each(), Box::new(|| ())).await.unwrap();
    drop(store);
    let tampered = [
        ("DELETE FROM log WHERE offset = 3", "record 4 follows record 2"),
        ("DELETE FROM log WHERE offset = 6", "the log ends at record 5"),
        ("UPDATE log SET sequence = 9 WHERE offset = 3", "sequence 4 follows 9"),
        ("UPDATE log SET at = 1 WHERE offset = 3", "stands in a place that is not its own"),
        (
            "UPDATE log SET bytes = (SELECT bytes FROM log WHERE offset = 2) WHERE offset = 4",
            "stands in a place that is not its own",
        ),
        ("UPDATE state SET extension = 7 WHERE extension = 1", "it is of another extension"),
        (
            "UPDATE state SET bytes = (SELECT bytes FROM log WHERE offset = 4) WHERE extension = 1",
            "is not record 6",
        ),
        ("UPDATE directory SET key = '38' WHERE kind = 'account'", "account 38"),
        ("DELETE FROM meta", "generation"),
    ];
    for (number, (statement, expected)) in tampered.iter().enumerate() {
        let dir = house.path().join(format!("tampered-{number}"));
        fs::create_dir(&dir).unwrap();
        fs::copy(made.join("lampfield.db"), dir.join("lampfield.db")).unwrap();
        let connection = rusqlite::Connection::open(dir.join("lampfield.db")).unwrap();
        assert!(connection.execute(statement, []).unwrap() > 0, "{statement}");
        drop(connection);
        let report = verify(&dir).unwrap();
        let found = report.first_faults.iter().any(|fault| fault.contains(expected));
        assert!(found, "{statement}: {report:?}");
    }
}

#[tokio::test]
async fn verify_takes_renewed_leases_trimmed_logs_and_removed_extensions_for_sound() {
    use lampfield_journal::conformance::samples::document;
    use lampfield_journal::{DirectoryChange, Entry};
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let store = open(&dir);
    change(store.as_ref(), &[key(1, 1), key(1, 2), key(1, 3), key(2, 1)][..3]).await.unwrap();
    change(store.as_ref(), &[key(2, 1)]).await.unwrap();
    let document = document(1, moment(1));
    let mut renewed = document.clone();
    renewed.claims[0].expires_at = moment(500);
    renewed.claims[0].observed_at = moment(400);
    store.commit(vec![Entry::Renewal { key: key(1, 1), document: renewed }]).await.unwrap();
    let remove = |n| DirectoryChange::RemoveExtension(key(n, if n == 1 { 3 } else { 1 }));
    store.apply(vec![remove(1), remove(2)], Box::new(|| ())).await.unwrap();
    assert!(verify(&dir).unwrap().is_sound(), "{:?}", verify(&dir));
    store.trim(Timestamp(i64::MIN), 1).await.unwrap();
    assert!(verify(&dir).unwrap().is_sound(), "{:?}", verify(&dir));
    store.trim(Timestamp(i64::MAX), 0).await.unwrap();
    let report = verify(&dir).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.records, report.newest, report.accounts), (0, 2, 2));
    assert_eq!(
        store.newest().get(key(1, 2)).map(|it| it.event.key.extension),
        ExtensionId::new(2).ok()
    );
}
