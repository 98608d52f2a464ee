//! Crashes: what was answered is there, and what is there is a whole.
#![expect(clippy::unwrap_used, reason = "what a test needs is there or the test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use lampfield_core::{Document, ExtensionKey, Position, Sequence};
use lampfield_journal::conformance::samples::{change, document, key, moment, one_of_each};
use lampfield_journal::embedded::{EmbeddedConfig, EmbeddedStore, verify};
use lampfield_journal::{DirectoryChange, DirectoryStore as _, Entry, Journal, Page, Record};
use proptest::prelude::*;

/// A store that leaves everything in the write-ahead log, where a crash finds it.
fn open(dir: &Path) -> Arc<EmbeddedStore> {
    let config = EmbeddedConfig {
        checkpoint_bytes: u64::MAX / 4,
        idle_after: Duration::from_secs(60),
        ..EmbeddedConfig::default()
    };
    EmbeddedStore::open(dir, config).unwrap()
}

/// Copies what a killed process would have left behind.
fn crash(dir: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for name in ["lampfield.db", "lampfield.db-wal"] {
        fs::copy(dir.join(name), to.join(name)).unwrap();
    }
}

async fn read_all(store: &EmbeddedStore, account: u64) -> Vec<Arc<Record>> {
    let start = Position { epoch: store.epoch(), offset: 0 };
    match store.read(key(account, 1).account, start, 4_000).await.unwrap() {
        Page::Records(records) => records,
        Page::Unrecoverable { head } => panic!("unrecoverable, the log stands at {head}"),
    }
}

#[tokio::test]
async fn a_crash_at_any_moment_keeps_everything_that_was_answered() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let store = open(&dir);
    store.apply(one_of_each(), Box::new(|| ())).await.unwrap();
    let mut answered = Vec::new();
    for n in 0..15 {
        answered.extend(change(store.as_ref(), &[key(1, 1 + n % 4), key(1, 9)]).await.unwrap());
        let left = house.path().join(format!("crash-{n}"));
        crash(&dir, &left);
        assert!(verify(&left).unwrap().is_sound());
        let found = open(&left);
        assert_eq!(found.epoch(), store.epoch());
        assert_eq!(read_all(&found, 1).await, answered);
        assert_eq!(format!("{:?}", found.load().unwrap()), format!("{:?}", store.load().unwrap()));
    }
}

#[tokio::test]
async fn a_torn_or_scribbled_write_ahead_log_is_read_up_to_the_last_whole_commit() {
    let house = tempfile::tempdir().unwrap();
    let dir = house.path().join("data");
    let store = open(&dir);
    let mut answered = Vec::new();
    for n in 0..12 {
        answered.extend(change(store.as_ref(), &[key(1, 1 + n % 5); 3]).await.unwrap());
    }
    let mut lengths = BTreeMap::new();
    for round in 0..60_u64 {
        let left = house.path().join(format!("torn-{round}"));
        crash(&dir, &left);
        let wal = left.join("lampfield.db-wal");
        let mut bytes = fs::read(&wal).unwrap();
        let place = usize::try_from(round * 7919 * 131).unwrap() % bytes.len();
        if round % 3 == 0 {
            bytes[place] ^= 0x40;
        } else {
            bytes.truncate(place);
        }
        fs::write(&wal, bytes).unwrap();
        let found = open(&left);
        let records = read_all(&found, 1).await;
        assert_eq!(records, answered[..records.len()], "a prefix of what was committed");
        assert_eq!(records.len() % 3, 0, "of whole batches");
        *lengths.entry(records.len()).or_insert(0) += 1;
        let next = change(found.as_ref(), &[key(1, 1)]).await.unwrap();
        assert_eq!(next[0].event.sequence, Sequence(records.len() as u64 + 1));
        drop(found);
        assert!(verify(&left).unwrap().is_sound());
    }
    assert!(lengths.len() > 5, "the test tears at different places: {lengths:?}");
}

/// A process that finds this file where it runs is the child of a kill test.
const CHILD: &str = "be-the-child";

/// Runs this very test program as another process that writes until it is killed.
fn start_child(house: &Path) -> Child {
    fs::write(house.join(CHILD), "").unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_writer_of_the_kill_tests_answers_what_it_stored", "--nocapture"])
        .current_dir(house)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The child of the kill tests, when this runs in their process; else a look at what it does.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "the parent reads what was answered")]
async fn the_writer_of_the_kill_tests_answers_what_it_stored() {
    let house = tempfile::tempdir().unwrap();
    let is_child = Path::new(CHILD).exists();
    let dir = if is_child { Path::new("data").to_owned() } else { house.path().join("data") };
    let config = EmbeddedConfig { checkpoint_bytes: 64 << 10, ..EmbeddedConfig::default() };
    let store = EmbeddedStore::open(&dir, config).unwrap();
    let mut answered = Vec::new();
    while is_child || answered.len() < 20 {
        let records = change(store.as_ref(), &[key(1, 1), key(1, 2)]).await.unwrap();
        println!("\nanswered {}", records[1].offset);
        if !is_child {
            answered.extend(records);
        }
    }
    assert_eq!(read_all(&store, 1).await, answered);
}

fn answered(line: &str) -> Option<u64> {
    line.strip_prefix("answered ")?.parse().ok()
}

#[tokio::test]
async fn a_killed_process_leaves_everything_that_it_answered() {
    let house = tempfile::tempdir().unwrap();
    let mut epoch = None;
    let mut before = 0;
    for round in 1..=6_u64 {
        let mut child = start_child(house.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let enough = before + round * 37;
        let reached = lines.by_ref().find_map(|line| answered(&line).filter(|at| *at >= enough));
        child.kill().unwrap();
        let last = lines.filter_map(|line| answered(&line)).last().or(reached).unwrap();
        child.wait().unwrap();
        let dir = house.path().join("data");
        let store = open(&dir);
        let head = store.head(key(1, 1).account);
        assert!((last..=last + 2).contains(&head.position.offset), "{last} answered, {head:?}");
        assert_eq!(head.sequence.0, head.position.offset);
        assert_eq!(*epoch.get_or_insert(store.epoch()), store.epoch());
        before = head.position.offset;
        drop(store);
        let report = verify(&dir).unwrap();
        assert!(report.is_sound() && report.records == before, "{report:?}");
    }
}

#[tokio::test]
async fn a_process_killed_while_it_makes_its_directory_leaves_nothing_in_the_way() {
    for delay in 0..12 {
        let house = tempfile::tempdir().unwrap();
        let mut child = start_child(house.path());
        // Not luck: wherever in its first steps the kill strikes, the next start must do.
        std::thread::sleep(Duration::from_millis(2 * delay));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(&house.path().join("data"));
        change(store.as_ref(), &[key(1, 1)]).await.unwrap();
    }
}

/// Something that happens to a store.
#[derive(Debug, Clone)]
enum Step {
    Change(Vec<u64>),
    Renew(u64, u64),
    Remove(u64),
    Trim(u64),
    Reopen,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(1..6_u64, 1..5).prop_map(Step::Change),
        3 => (1..6_u64, 0..100_u64).prop_map(|(extension, at)| Step::Renew(extension, at)),
        1 => (1..6_u64).prop_map(Step::Remove),
        1 => (5..20_u64).prop_map(Step::Trim),
        1 => Just(Step::Reopen),
    ]
}

/// What the newest documents must be: the fold over everything that happened.
#[derive(Debug, Default)]
struct Model {
    log: Vec<Arc<Record>>,
    newest: BTreeMap<ExtensionKey, (u64, Document)>,
    trimmed: usize,
}

impl Model {
    async fn take(&mut self, step: Step, store: &mut Option<Arc<EmbeddedStore>>, dir: &Path) {
        let present = store.as_ref().unwrap();
        match step {
            Step::Change(extensions) => {
                let keys: Vec<_> = extensions.into_iter().map(|one| key(1, one)).collect();
                for record in change(present.as_ref(), &keys).await.unwrap() {
                    let newest = (record.offset, record.event.document.clone());
                    self.newest.insert(record.event.key, newest);
                    self.log.push(record);
                }
            }
            Step::Renew(extension, at) => {
                let key = key(1, extension);
                let newest = self.newest.get(&key).map(|newest| newest.1.clone());
                let mut document = newest.unwrap_or_else(|| document(1, moment(at)));
                document.claims[0].observed_at = moment(at);
                document.claims[0].expires_at = moment(at + 90);
                let renewal = Entry::Renewal { key, document: document.clone() };
                present.commit(vec![renewal]).await.unwrap();
                self.newest.entry(key).and_modify(|newest| newest.1 = document);
            }
            Step::Remove(extension) => {
                let remove = vec![DirectoryChange::RemoveExtension(key(1, extension))];
                present.apply(remove, Box::new(|| ())).await.unwrap();
                self.newest.remove(&key(1, extension));
            }
            Step::Trim(keep) => {
                present.trim(lampfield_core::Timestamp(i64::MIN), keep).await.unwrap();
                let beyond = self.log.len().saturating_sub(usize::try_from(keep).unwrap());
                self.trimmed = self.trimmed.max(beyond);
            }
            Step::Reopen => {
                *store = None;
                *store = Some(open(dir));
            }
        }
    }

    async fn check(&self, store: &EmbeddedStore) {
        let account = key(1, 1).account;
        let end = self.log.len() as u64;
        assert_eq!(store.head(account).position.offset, end);
        assert_eq!(store.head(account).sequence, Sequence(end));
        let newest: BTreeMap<_, _> = store
            .newest()
            .snapshot(account, 0)
            .records
            .iter()
            .map(|it| (it.event.key, (it.offset, it.event.document.clone())))
            .collect();
        assert_eq!(newest, self.newest, "the newest documents are the fold of the log");
        let after = Position { epoch: store.epoch(), offset: self.trimmed as u64 };
        let page = store.read(account, after, 1_000).await.unwrap();
        let Page::Records(records) = page else { panic!("{page:?}") };
        assert_eq!(records, self.log[self.trimmed..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fold_of_the_log_is_the_state(steps in proptest::collection::vec(any_step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let house = tempfile::tempdir().unwrap();
            let dir = house.path().join("data");
            let mut store = Some(open(&dir));
            let mut model = Model::default();
            for step in steps {
                model.take(step, &mut store, &dir).await;
                model.check(store.as_ref().unwrap()).await;
            }
            let left = house.path().join("crash");
            crash(&dir, &left);
            model.check(&open(&left)).await;
            let report = verify(&left).unwrap();
            assert!(report.is_sound(), "{report:?}");
        });
    }
}
