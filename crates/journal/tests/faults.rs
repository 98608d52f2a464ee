//! What the embedded store does when the disk, the data or the operator is at fault.
#![expect(clippy::unwrap_used, reason = "what a test needs is there or the test fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lampfield_journal::conformance::samples::{change, entries, key, record};
use lampfield_journal::embedded::{
    EmbeddedConfig, EmbeddedStore, Fault, FaultHook, OpenError, verify,
};
use lampfield_journal::{
    CommitError, DirectoryChange, DirectoryStore as _, Journal, ReadError, StoreError,
};
use parking_lot::Mutex;

fn open(dir: &Path) -> Arc<EmbeddedStore> {
    EmbeddedStore::open(dir, EmbeddedConfig::default()).unwrap()
}

/// Plays `fault` at every durable write while it is set.
#[derive(Clone, Default)]
struct Switch(Arc<Mutex<Option<Fault>>>);

impl Switch {
    fn set(&self, fault: Option<Fault>) {
        *self.0.lock() = fault;
    }

    fn hook(&self) -> FaultHook {
        let switch = self.clone();
        Arc::new(move || *switch.0.lock())
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_what_to_do() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let store = open(&dir);
    let error = EmbeddedStore::open(&dir, EmbeddedConfig::default()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("stop that one"), "{error}");
    assert!(!error.is_about_the_data());
    change(store.as_ref(), &[key(1, 1)]).await.unwrap();
    drop(store);
    assert_eq!(open(&dir).head(key(1, 1).account).position.offset, 1);
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_leaves_no_trace_until_there_is_room() {
    let house = tempfile::tempdir().unwrap();
    let switch = Switch::default();
    let config = EmbeddedConfig { faults: Some(switch.hook()), ..EmbeddedConfig::default() };
    let store = EmbeddedStore::open(&house.path().join("data"), config).unwrap();
    let kept = change(store.as_ref(), &[key(1, 1)]).await.unwrap();

    switch.set(Some(Fault::Full));
    let error = change(store.as_ref(), &[key(1, 1)]).await.unwrap_err();
    assert!(matches!(error, CommitError::Full(_)), "{error}");
    let put = vec![DirectoryChange::PutHouse("counter", vec![1])];
    let never = Box::new(|| panic!("nothing was stored"));
    let error = store.apply(put.clone(), never).await.unwrap_err();
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    assert_eq!(store.head(key(1, 1).account).position.offset, 1);
    assert_eq!(store.newest().get(key(1, 1)).as_ref(), kept.first(), "reads go on");
    assert!(store.load().unwrap().house.is_empty());
    assert_eq!(store.figures().refused, 2);

    switch.set(None);
    change(store.as_ref(), &[key(1, 1)]).await.expect("there is room again, without a restart");
    store.apply(put, Box::new(|| ())).await.unwrap();
}

#[tokio::test]
async fn a_data_file_at_its_limit_is_a_full_disk_and_trimming_makes_room() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let config = EmbeddedConfig { file_bytes_max: Some(400 << 10), ..EmbeddedConfig::default() };
    let store = EmbeddedStore::open(&dir, config).unwrap();
    let keys = [key(1, 1); 20];
    let mut stored = 0;
    let error = loop {
        match change(store.as_ref(), &keys).await {
            Ok(records) => stored += records.len() as u64,
            Err(error) => break error,
        }
        assert!(stored < 10_000, "400 KiB do not hold this much");
    };
    assert!(matches!(error, CommitError::Full(_)), "{error}");
    assert!(stored > 100, "{stored}");
    assert_eq!(store.head(keys[0].account).position.offset, stored, "all or nothing");
    change(store.as_ref(), &keys).await.expect_err("it stays full");

    store.trim(lampfield_core::Timestamp(i64::MIN), 50).await.expect("removing needs no room");
    for _ in 0..5 {
        change(store.as_ref(), &keys).await.expect("there is room again, without a restart");
    }
    drop(store);
    let report = verify(&dir).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(open(&dir).head(keys[0].account).position.offset, stored + 100);
}

#[tokio::test]
async fn a_disk_that_does_not_sync_stops_the_store_for_good() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let switch = Switch::default();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (to_tell, asked) = (Arc::clone(&told), Arc::new(AtomicU64::new(0)));
    let (hook, count) = (switch.hook(), Arc::clone(&asked));
    let config = EmbeddedConfig {
        faults: Some(Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            hook()
        })),
        on_fatal: Some(Arc::new(move |why| to_tell.lock().push(why.to_owned()))),
        ..EmbeddedConfig::default()
    };
    let store = EmbeddedStore::open(&dir, config).unwrap();
    change(store.as_ref(), &[key(1, 1)]).await.unwrap();

    switch.set(Some(Fault::Sync));
    let batches = (0..10).map(|n| store.commit(entries(&[record(key(1, 1), 2 + n, 2 + n)])));
    for batch in batches.collect::<Vec<_>>() {
        assert!(matches!(batch.await, Err(CommitError::Stopped(_))));
    }
    switch.set(None);
    let attempts = asked.load(Ordering::SeqCst);
    let error = change(store.as_ref(), &[key(1, 1)]).await.unwrap_err();
    assert!(matches!(error, CommitError::Stopped(_)), "{error}");
    let applied = store.apply(Vec::new(), Box::new(|| ())).await;
    assert!(matches!(applied, Err(StoreError::Unusable(_))));
    assert!(store.trim(lampfield_core::Timestamp(0), 0).await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst), attempts, "a failed sync is not tried again");
    assert_eq!(told.lock().len(), 1, "the house is told once: {:?}", told.lock());
    assert_eq!(
        store.head(key(1, 1).account).position.offset,
        1,
        "what is not durable is not shown"
    );
    drop(store);
    assert_eq!(open(&dir).head(key(1, 1).account).position.offset, 1);
}

#[tokio::test]
async fn a_writer_that_breaks_down_stops_the_store_and_answers_everybody() {
    let house = tempfile::tempdir().unwrap();
    let switch = Switch::default();
    let (fatal, told) = tokio::sync::oneshot::channel();
    let fatal = Mutex::new(Some(fatal));
    let config = EmbeddedConfig {
        faults: Some(switch.hook()),
        on_fatal: Some(Arc::new(move |why| {
            let _ = fatal.lock().take().expect("told once").send(why.to_owned());
        })),
        ..EmbeddedConfig::default()
    };
    let store = EmbeddedStore::open(&house.path().join("data"), config).unwrap();
    switch.set(Some(Fault::Panic));
    let error = change(store.as_ref(), &[key(1, 1)]).await.unwrap_err();
    assert!(matches!(error, CommitError::Stopped(_)), "{error}");
    assert!(told.await.unwrap().contains("broke down"));
    let error = change(store.as_ref(), &[key(1, 1)]).await.unwrap_err();
    assert!(error.to_string().contains("broke down"), "{error}");
}

#[tokio::test]
async fn a_slow_disk_fills_the_queue_and_then_changes_are_refused() {
    let house = tempfile::tempdir().unwrap();
    let switch = Switch::default();
    let config = EmbeddedConfig {
        queue_max: 4,
        group_max: 1,
        faults: Some(switch.hook()),
        ..EmbeddedConfig::default()
    };
    let store = EmbeddedStore::open(&house.path().join("data"), config).unwrap();
    switch.set(Some(Fault::Slow(Duration::from_millis(20))));
    let calls: Vec<_> =
        (1..=50).map(|n| store.commit(entries(&[record(key(n, 1), 1, 1)]))).collect();
    let mut stored = 0_u64;
    for call in calls {
        match call.await {
            Ok(()) => stored += 1,
            Err(CommitError::Full(why)) => assert!(why.contains("wait"), "{why}"),
            Err(other) => panic!("{other}"),
        }
    }
    assert!((4..50).contains(&stored), "{stored}");
    assert_eq!(store.figures().refused, 50 - stored);
    assert_eq!(store.newest().accounts().len() as u64, stored, "what was refused is not stored");
    assert_eq!(store.figures().waiting, 0);
}

#[tokio::test]
async fn a_closed_store_takes_nothing_more_but_finishes_what_it_has() {
    let house = tempfile::tempdir().unwrap();
    let store = open(&house.path().join("data"));
    let calls: Vec<_> =
        (1..=20).map(|n| store.commit(entries(&[record(key(1, n), n, n)]))).collect();
    store.close();
    for call in calls {
        call.await.expect("it was handed over before");
    }
    let error = change(store.as_ref(), &[key(1, 1)]).await.unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

/// Flips a bit in the bytes of one row of the data file, which must be closed.
fn flip(dir: &Path, table: &str, row: usize) {
    let connection = rusqlite::Connection::open(dir.join("lampfield.db")).unwrap();
    let id = match table {
        "log" => "account || ' ' || offset",
        "state" => "account || ' ' || extension",
        _ => "kind || ' ' || key",
    };
    let select = format!("SELECT {id}, bytes FROM {table} LIMIT 1 OFFSET {row}");
    let (id_of, mut bytes): (String, Vec<u8>) =
        connection.query_row(&select, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let middle = bytes.len() / 2 + row % 9;
    bytes[middle] ^= 1 << (row % 8);
    let update = format!("UPDATE {table} SET bytes = ?1 WHERE {id} = ?2");
    assert_eq!(connection.execute(&update, rusqlite::params![bytes, id_of]).unwrap(), 1);
}

#[tokio::test]
async fn a_flipped_bit_is_found_and_never_served() {
    let house = tempfile::tempdir().unwrap();
    let made = house.path().join("made");
    let store = open(&made);
    for n in 1..=10 {
        change(store.as_ref(), &[key(1, 1 + n % 2)]).await.unwrap();
    }
    let put = vec![DirectoryChange::PutHouse("h", b"a value".to_vec())];
    store.apply(put, Box::new(|| ())).await.unwrap();
    drop(store);
    assert!(verify(&made).unwrap().is_sound());
    let flipped = |table: &str, row: usize| {
        let dir = house.path().join(format!("{table}-{row}"));
        copy_dir(&made, &dir);
        flip(&dir, table, row);
        assert!(!verify(&dir).unwrap().is_sound(), "{table} {row} goes unnoticed");
        dir
    };

    for row in 0..10 {
        let store = open(&flipped("log", row));
        let head = store.head(key(1, 1).account).position;
        let start = lampfield_core::Position { offset: 0, ..head };
        let error = store.read(key(1, 1).account, start, 100).await.unwrap_err();
        let ReadError::Damaged { offset, .. } = error else { panic!("{error}") };
        assert_eq!(offset, row as u64 + 1);
        let good = store.read(key(1, 1).account, start, row).await;
        assert!(good.is_ok(), "what is before it is served");
    }
    for row in 0..2 {
        let dir = flipped("state", row);
        let error = EmbeddedStore::open(&dir, EmbeddedConfig::default()).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }) && error.is_about_the_data());
        assert!(error.to_string().contains("restore a backup"), "{error}");
    }
    let error = open(&flipped("directory", 0)).load().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn foreign_cut_off_and_newer_data_is_refused_with_a_reason() {
    let house = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { house.path().join(name) };
    let refused = |name: &str| {
        let error = EmbeddedStore::open(&path(name), EmbeddedConfig::default()).unwrap_err();
        assert!(error.is_about_the_data(), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error} does not say where");
        error
    };
    fs::create_dir(path("letters")).unwrap();
    fs::write(path("letters").join("letter.txt"), "Dear Ada").unwrap();
    assert!(matches!(refused("letters"), OpenError::Foreign { .. }));
    fs::write(path("file"), "not a directory").unwrap();
    assert!(matches!(refused("file"), OpenError::Foreign { .. }));
    for (name, content) in
        [("text", &b"not a database, but long enough to be one. "[..]), ("blank", b"")]
    {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("lampfield.db"), content.repeat(100)).unwrap();
        assert!(matches!(refused(name), OpenError::Foreign { .. }));
    }

    let store = open(&path("newer"));
    change(store.as_ref(), &[key(1, 1); 50]).await.unwrap();
    drop(store);
    copy_dir(&path("newer"), &path("cut"));
    let whole = fs::read(path("cut").join("lampfield.db")).unwrap();
    fs::write(path("cut").join("lampfield.db"), &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(refused("cut"), OpenError::Damaged { .. }));
    let connection = rusqlite::Connection::open(path("newer").join("lampfield.db")).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    drop(connection);
    assert!(matches!(refused("newer"), OpenError::Newer { found: 2, .. }));
}

#[tokio::test]
async fn an_empty_directory_is_filled_and_a_half_made_one_is_made_anew() {
    let house = tempfile::tempdir().unwrap();
    let mounted = house.path().join("mounted");
    fs::create_dir_all(mounted.join("lost+found")).unwrap();
    fs::write(mounted.join("lampfield.db.creating"), "half").unwrap();
    drop(open(&mounted));

    let begun = house.path().join("deep/er/data.creating");
    fs::create_dir_all(&begun).unwrap();
    fs::write(begun.join("lampfield.db.creating"), "half").unwrap();
    fs::write(begun.join("lampfield.db.creating-journal"), "half").unwrap();
    let dir = house.path().join("deep/er/data");
    let store = open(&dir);
    change(store.as_ref(), &[key(1, 1)]).await.unwrap();
    assert!(!begun.exists());
    drop(store);
    let epoch = open(&dir).epoch();
    assert_eq!(open(&dir).epoch(), epoch);
    assert_ne!(open(&mounted).epoch(), epoch, "every store is a generation of its own");
}

#[tokio::test]
async fn a_whole_record_in_another_ones_place_is_damage_too() {
    let house = tempfile::tempdir().unwrap();
    let made = house.path().join("made");
    let store = open(&made);
    for n in 1..=6 {
        change(store.as_ref(), &[key(1, 1 + n % 2)]).await.unwrap();
    }
    change(store.as_ref(), &[key(2, 2)]).await.unwrap();
    drop(store);
    let swapped = |name: &str, statement: &str| {
        let dir = house.path().join(name);
        copy_dir(&made, &dir);
        let connection = rusqlite::Connection::open(dir.join("lampfield.db")).unwrap();
        assert_eq!(connection.execute(statement, []).unwrap(), 1);
        dir
    };

    let other = "(SELECT bytes FROM log WHERE account = 1 AND offset = 4)";
    let dir = swapped("offset", &format!("UPDATE log SET bytes = {other} WHERE offset = 3"));
    let store = open(&dir);
    let head = store.head(key(1, 1).account).position;
    let start = lampfield_core::Position { offset: 0, ..head };
    let error = store.read(key(1, 1).account, start, 9).await.unwrap_err();
    assert!(error.to_string().contains("it is record 4 of account 1"), "{error}");
    let error = store.as_of(key(1, 2), lampfield_core::Sequence(3)).await.unwrap_err();
    assert!(matches!(error, ReadError::Damaged { offset: 3, .. }), "{error}");

    let statement = "UPDATE log SET extension = 2 WHERE account = 1 AND offset = 4";
    let store = open(&swapped("extension", statement));
    let error = store.as_of(key(1, 2), lampfield_core::Sequence(4)).await.unwrap_err();
    assert!(error.to_string().contains("of another extension"), "{error}");

    let statement = "UPDATE state SET bytes = (SELECT bytes FROM state WHERE account = 2)
                     WHERE account = 1 AND extension = 1";
    let error = EmbeddedStore::open(&swapped("state", statement), EmbeddedConfig::default());
    let error = error.unwrap_err();
    assert!(error.to_string().contains("of another extension"), "{error}");
}
