//! What every journal promises.

use std::sync::Arc;

use lampfield_core::{Epoch, ExtensionKey, Position, Sequence, Timestamp};
use parking_lot::Mutex;

use super::Subject;
use super::samples::{self, change, document, entries, following, key, moment, record};
use crate::port::{CommitError, CommitWatcher, DirectoryChange, Entry, Journal, Page, Record};
use crate::record::encode;

const STORED: &str = "this batch follows the head and is stored";

pub(super) async fn check(make: &impl Fn() -> Subject) {
    nothing_has_happened_at_first(make()).await;
    records_are_read_in_order_as_they_were_written(make()).await;
    a_batch_is_stored_whole_or_not_at_all(make()).await;
    a_batch_that_does_not_follow_meets_a_conflict(make()).await;
    batches_are_stored_in_the_order_of_the_calls(make()).await;
    a_conflict_does_not_harm_its_neighbours(make()).await;
    a_place_of_another_log_is_unrecoverable(make()).await;
    a_renewal_replaces_the_document_and_tells_nobody(make()).await;
    watchers_are_told_in_order_and_never_too_early(make()).await;
    as_of_finds_what_held_then(make()).await;
    a_snapshot_holds_what_is_newest(make()).await;
    a_trimmed_place_is_unrecoverable(make()).await;
    a_trimmed_log_goes_on(make()).await;
    a_removed_extension_is_forgotten_but_the_log_goes_on(make()).await;
}

async fn nothing_has_happened_at_first(subject: Subject) {
    let journal = subject.journal.as_ref();
    let head = journal.head(key(1, 1).account);
    assert_eq!(head.position, Position { epoch: journal.epoch(), offset: 0 });
    assert_eq!(head.sequence, Sequence(0));
    assert_eq!(journal.newest().epoch(), journal.epoch());
    assert_eq!(journal.newest().get(key(1, 1)), None);
    assert!(journal.newest().accounts().is_empty());
    assert_eq!(read(journal, key(1, 1), 0, 10).await, Some(Vec::new()));
    assert_eq!(as_of(journal, key(1, 1), 9).await, None);
    journal.commit(Vec::new()).await.expect("a batch of nothing is nothing");
}

async fn records_are_read_in_order_as_they_were_written(subject: Subject) {
    let journal = subject.journal.as_ref();
    let mut written = Vec::new();
    for round in 0..5 {
        let keys: Vec<_> = (0..=round).map(|n| key(1, 1 + n % 3)).collect();
        written.extend(change(journal, &keys).await.expect(STORED));
        change(journal, &[key(2, 1)]).await.expect(STORED);
    }
    assert_eq!(read(journal, key(1, 1), 0, 1000).await, Some(written.clone()));
    let mut pages = Vec::new();
    while let Some(page) = read(journal, key(1, 1), offset_of(&pages), 4).await
        && !page.is_empty()
    {
        assert!(page.len() <= 4, "a page holds no more than was asked for");
        pages.extend(page);
    }
    assert_eq!(pages, written, "pages follow each other without gap or repeat");
    assert_eq!(read(journal, key(1, 1), 3, 0).await, Some(Vec::new()));
    assert_eq!(read(journal, key(2, 1), 0, 9).await.map(|records| records.len()), Some(5));
}

async fn a_batch_is_stored_whole_or_not_at_all(subject: Subject) {
    let journal = subject.journal.as_ref();
    let witness = Witness::of(journal);
    let gap = entries(&[record(key(1, 1), 1, 1), record(key(1, 2), 3, 3)]);
    journal.commit(gap).await.expect_err("the second record leaves a gap");
    let two = entries(&[record(key(1, 1), 1, 1), record(key(2, 1), 2, 1)]);
    journal.commit(two).await.expect_err("the record of the second account leaves a gap");

    for account in [1, 2] {
        assert_eq!(journal.head(key(account, 1).account).position.offset, 0);
        assert_eq!(journal.newest().get(key(account, 1)), None);
        assert_eq!(read(journal, key(account, 1), 0, 9).await, Some(Vec::new()));
    }
    assert!(witness.seen().is_empty(), "nobody is told of what is not stored");
    let two = entries(&[record(key(1, 1), 1, 1), record(key(2, 1), 1, 1), record(key(1, 1), 2, 2)]);
    journal.commit(two).await.expect(STORED);
    assert_eq!(journal.head(key(1, 1).account).position.offset, 2);
}

async fn a_batch_that_does_not_follow_meets_a_conflict(subject: Subject) {
    let journal = subject.journal.as_ref();
    let head = Position { epoch: journal.epoch(), offset: 2 };
    change(journal, &[key(1, 1), key(1, 2)]).await.expect(STORED);

    let repeated = record(key(1, 1), 2, 3);
    let ahead = record(key(1, 1), 4, 3);
    let backwards = record(key(1, 1), 3, 2);
    for wrong in [repeated, ahead, backwards] {
        let error = journal.commit(entries(&[wrong])).await.expect_err("it does not follow");
        let CommitError::Conflict { account, head: at } = error else { panic!("{error}") };
        assert_eq!((account, at), (key(1, 1).account, head));
    }
    let jumped = entries(&[record(key(1, 1), 3, 1_000_000)]);
    journal.commit(jumped).await.expect("a sequence may jump forwards");
    assert_eq!(journal.head(key(1, 1).account).sequence, Sequence(1_000_000));
}

async fn batches_are_stored_in_the_order_of_the_calls(subject: Subject) {
    let journal = subject.journal.as_ref();
    let calls: Vec<_> =
        (1..=20).map(|n| journal.commit(entries(&[record(key(1, 1 + n % 4), n, n)]))).collect();
    for call in calls.into_iter().rev() {
        call.await.expect("each batch follows the one that was handed over before it");
    }
    let offsets = read(journal, key(1, 1), 0, 100).await.expect("kept");
    assert_eq!(offsets.len(), 20);
}

async fn a_conflict_does_not_harm_its_neighbours(subject: Subject) {
    let journal = subject.journal.as_ref();
    let first = journal.commit(entries(&[record(key(1, 1), 1, 1)]));
    let wrong = journal.commit(entries(&[record(key(1, 1), 1, 1)]));
    let other = journal.commit(entries(&[record(key(2, 1), 1, 1)]));
    let second = journal.commit(entries(&[record(key(1, 1), 2, 2)]));
    first.await.expect(STORED);
    assert!(matches!(wrong.await, Err(CommitError::Conflict { .. })));
    other.await.expect(STORED);
    second.await.expect(STORED);
}

async fn a_place_of_another_log_is_unrecoverable(subject: Subject) {
    let journal = subject.journal.as_ref();
    change(journal, &[key(1, 1), key(1, 1)]).await.expect(STORED);
    let head = Position { epoch: journal.epoch(), offset: 2 };
    let other = Epoch(journal.epoch().0.checked_add(1).expect("epochs are small"));
    let foreign = [Position { epoch: other, offset: 1 }, Position { offset: 3, ..head }];
    for place in foreign {
        let page = journal.read(key(1, 1).account, place, 9).await.expect("readable");
        let Page::Unrecoverable { head: told } = page else { panic!("{place}: {page:?}") };
        assert_eq!(told, head);
    }
    assert_eq!(read(journal, key(1, 1), 2, 9).await, Some(Vec::new()), "the end is a place");
}

async fn a_renewal_replaces_the_document_and_tells_nobody(subject: Subject) {
    let journal = subject.journal.as_ref();
    let written = change(journal, &[key(1, 1)]).await.expect(STORED);
    let witness = Witness::of(journal);
    let renewed = document(1, moment(50));
    journal.commit(vec![renewal(key(1, 1), 50), renewal(key(1, 9), 50)]).await.expect(STORED);

    let newest = journal.newest().get(key(1, 1)).expect("it changed once");
    assert_eq!(newest.event.document, renewed);
    assert_eq!((newest.offset, newest.event.sequence), (1, Sequence(1)));
    assert_eq!(journal.head(key(1, 1).account).sequence, Sequence(1));
    assert_eq!(journal.newest().get(key(1, 9)), None, "what never changed has no leases");
    assert_eq!(read(journal, key(1, 1), 0, 9).await, Some(written), "the log stays as it was");
    assert!(witness.seen().is_empty());

    let mut both = entries(&following(journal, &[key(1, 1)]));
    both.push(renewal(key(1, 1), 60));
    journal.commit(both).await.expect(STORED);
    let newest = journal.newest().get(key(1, 1)).expect("it changed");
    assert_eq!((newest.offset, &newest.event.document), (2, &document(1, moment(60))));
}

async fn watchers_are_told_in_order_and_never_too_early(subject: Subject) {
    let journal = &subject.journal;
    change(journal.as_ref(), &[key(1, 1)]).await.expect(STORED);
    let witness = Witness::of(journal.as_ref());
    let late = Arc::new(Late { journal: Arc::downgrade(journal), early: Mutex::default() });
    journal.watch(Arc::clone(&late) as Arc<dyn CommitWatcher>);
    let mut written = Vec::new();
    for n in 0..10 {
        let batch = change(journal.as_ref(), &[key(1, 1 + n), key(1, 50)]).await.expect(STORED);
        written.push(batch);
        assert_eq!(witness.seen(), written, "told before the author is answered, each batch once");
    }
    assert!(late.early.lock().is_empty(), "told before it was adopted: {:?}", late.early.lock());
}

async fn as_of_finds_what_held_then(subject: Subject) {
    let journal = subject.journal.as_ref();
    let mut written = Vec::new();
    for n in 0..12 {
        written.extend(change(journal, &[key(1, 1 + n % 3)]).await.expect(STORED));
    }
    let mut jump = record(key(1, 1), 13, 500);
    Arc::make_mut(&mut jump).event.document = document(7, moment(13));
    journal.commit(entries(&[Arc::clone(&jump)])).await.expect(STORED);
    written.push(jump);
    for sequence in (0..=14).chain([499, 500, 501, u64::MAX]) {
        for extension in 1..=4 {
            let held = written.iter().rev().find(|record| {
                record.event.key == key(1, extension) && record.event.sequence.0 <= sequence
            });
            let found = as_of(journal, key(1, extension), sequence).await;
            assert_eq!(found.as_ref(), held, "extension {extension} as of {sequence}");
        }
    }
    assert_eq!(as_of(journal, key(2, 1), 9).await, None, "of another account");
}

async fn a_snapshot_holds_what_is_newest(subject: Subject) {
    let journal = subject.journal.as_ref();
    change(journal, &[key(1, 3), key(1, 1), key(1, 3)]).await.expect(STORED);
    change(journal, &[key(1, 2), key(2, 1)][..1]).await.expect(STORED);
    change(journal, &[key(2, 1)]).await.expect(STORED);
    let account = key(1, 1).account;
    let all = journal.newest().snapshot(account, 0);
    let places = |records: &[Arc<Record>]| {
        records.iter().map(|it| (it.event.key.extension.get(), it.offset)).collect::<Vec<_>>()
    };
    assert_eq!(all.head, journal.head(account));
    assert_eq!(places(&all.records), [(1, 2), (2, 4), (3, 3)]);
    assert_eq!(places(&journal.newest().snapshot(account, 2).records), [(2, 4), (3, 3)]);
    assert_eq!(journal.newest().accounts(), [account, key(2, 1).account]);
}

async fn a_trimmed_place_is_unrecoverable(subject: Subject) {
    let journal = subject.journal.as_ref();
    let keys: Vec<_> = (1..=10).map(|n| key(1, n)).collect();
    let written = change(journal, &keys).await.expect(STORED);
    change(journal, &[key(2, 1), key(2, 1)]).await.expect(STORED);
    assert_eq!((subject.trim)(Timestamp(i64::MIN), 4).await.expect("trimmed"), 6);

    for after in 0..6 {
        assert_eq!(read(journal, key(1, 1), after, 9).await, None, "after {after}");
    }
    assert_eq!(read(journal, key(1, 1), 6, 9).await, Some(written[6..].to_vec()));
    assert_eq!(read(journal, key(2, 1), 0, 9).await.map(|records| records.len()), Some(2));
    assert_eq!(as_of(journal, key(1, 1), 9).await, Some(Arc::clone(&written[0])), "newest stays");
    assert_eq!((subject.trim)(moment(9), 1000).await.expect("trimmed"), 4, "by age, both accounts");
    assert_eq!(read(journal, key(1, 1), 7, 9).await, None);
    assert_eq!(read(journal, key(1, 1), 8, 9).await, Some(written[8..].to_vec()));
}

async fn a_trimmed_log_goes_on(subject: Subject) {
    let journal = subject.journal.as_ref();
    change(journal, &[key(1, 1), key(1, 1), key(1, 2)]).await.expect(STORED);
    assert_eq!((subject.trim)(Timestamp(i64::MAX), 0).await.expect("trimmed"), 3);
    assert_eq!((subject.trim)(Timestamp(i64::MAX), 0).await.expect("trimmed"), 0);
    assert_eq!(read(journal, key(1, 1), 2, 9).await, None, "nothing is kept");
    assert_eq!(read(journal, key(1, 1), 3, 9).await, Some(Vec::new()), "the end is a place");
    assert_eq!(as_of(journal, key(1, 1), 1).await, None, "an old record is gone");
    let written = change(journal, &[key(1, 2)]).await.expect(STORED);
    assert_eq!((written[0].offset, written[0].event.sequence), (4, Sequence(4)));
    assert_eq!(read(journal, key(1, 1), 3, 9).await, Some(written));
}

async fn a_removed_extension_is_forgotten_but_the_log_goes_on(subject: Subject) {
    let journal = subject.journal.as_ref();
    let written = change(journal, &[key(1, 1), key(1, 2)]).await.expect(STORED);
    let remove = vec![DirectoryChange::RemoveExtension(key(1, 2))];
    let forgotten = subject.directory.apply(remove, Box::new(|| ()));
    let renewed = journal.commit(vec![renewal(key(1, 2), 9)]);
    forgotten.await.expect("stored");
    renewed.await.expect(STORED);

    assert_eq!(journal.newest().get(key(1, 2)), None);
    assert_eq!(journal.head(key(1, 1).account).sequence, Sequence(2));
    assert_eq!(read(journal, key(1, 1), 0, 9).await, Some(written));
    let again = change(journal, &[key(1, 2)]).await.expect(STORED);
    assert_eq!(journal.newest().get(key(1, 2)), Some(Arc::clone(&again[0])));
    assert_eq!(again[0].event.sequence, Sequence(3));
}

pub(super) async fn check_reopening(open: &impl Fn() -> Subject) {
    let subject = open();
    let journal = subject.journal.as_ref();
    let mut written = Vec::new();
    for n in 0..8 {
        written.extend(change(journal, &[key(1, 1 + n % 3), key(1, 7)]).await.expect(STORED));
    }
    change(journal, &[key(2, 1)]).await.expect(STORED);
    change(journal, &[key(3, 1), key(3, 2)]).await.expect(STORED);
    journal.commit(vec![renewal(key(1, 1), 70)]).await.expect(STORED);
    // The account whose last record goes altogether must not begin anew.
    let remove = vec![DirectoryChange::RemoveExtension(key(2, 1))];
    subject.directory.apply(remove, Box::new(|| ())).await.expect("stored");
    (subject.trim)(Timestamp(i64::MIN), 5).await.expect("trimmed");
    (subject.trim)(moment(2), 5).await.expect("trimmed");
    let before = picture(journal);
    drop(subject);

    let subject = open();
    let journal = subject.journal.as_ref();
    assert_eq!(picture(journal), before, "the same, byte for byte");
    assert_eq!(read(journal, key(1, 1), 11, 9).await, Some(written[11..].to_vec()));
    assert_eq!(read(journal, key(1, 1), 10, 9).await, None);
    let stale = journal.commit(entries(&[record(key(2, 1), 1, 1)])).await;
    assert!(matches!(stale, Err(CommitError::Conflict { .. })), "{stale:?}");
    let next = change(journal, &[key(2, 1)]).await.expect(STORED);
    assert_eq!((next[0].offset, next[0].event.sequence), (2, Sequence(2)));
    let after = picture(journal);
    drop(subject);
    assert_eq!(picture(open().journal.as_ref()), after);
}

/// Everything newest, as bytes.
fn picture(journal: &dyn Journal) -> Vec<(String, Vec<u8>)> {
    let mut picture = vec![(format!("{}", journal.epoch().0), Vec::new())];
    for account in [1, 2, 3].map(|account| key(account, 1).account) {
        let head = journal.head(account);
        picture.push((format!("{account}: {} {}", head.position, head.sequence), Vec::new()));
        for record in journal.newest().snapshot(account, 0).records {
            let mut bytes = Vec::new();
            encode(&record, &mut bytes);
            picture.push((record.event.key.to_string(), bytes));
        }
    }
    picture
}

fn renewal(key: ExtensionKey, moment: u64) -> Entry {
    Entry::Renewal { key, document: document(1, samples::moment(moment)) }
}

fn offset_of(records: &[Arc<Record>]) -> u64 {
    records.last().map_or(0, |record| record.offset)
}

/// Reads; none for what is unrecoverable.
async fn read(
    journal: &dyn Journal,
    key: ExtensionKey,
    after: u64,
    limit: usize,
) -> Option<Vec<Arc<Record>>> {
    let after = Position { epoch: journal.epoch(), offset: after };
    match journal.read(key.account, after, limit).await.expect("readable") {
        Page::Records(records) => Some(records),
        Page::Unrecoverable { head } => {
            assert_eq!(head, journal.head(key.account).position);
            None
        }
    }
}

async fn as_of(journal: &dyn Journal, key: ExtensionKey, sequence: u64) -> Option<Arc<Record>> {
    journal.as_of(key, Sequence(sequence)).await.expect("readable")
}

/// Remembers what it is told.
#[derive(Debug, Default)]
struct Witness(Mutex<Vec<Vec<Arc<Record>>>>);

impl Witness {
    fn of(journal: &dyn Journal) -> Arc<Self> {
        let witness = Arc::new(Self::default());
        journal.watch(Arc::clone(&witness) as Arc<dyn CommitWatcher>);
        witness
    }

    fn seen(&self) -> Vec<Vec<Arc<Record>>> {
        self.0.lock().clone()
    }
}

impl CommitWatcher for Witness {
    fn committed(&self, records: &[Arc<Record>]) {
        self.0.lock().push(records.to_vec());
    }
}

/// Remembers records that it was told of before the journal showed them.
struct Late {
    journal: std::sync::Weak<dyn Journal>,
    early: Mutex<Vec<u64>>,
}

impl CommitWatcher for Late {
    fn committed(&self, records: &[Arc<Record>]) {
        let Some(journal) = self.journal.upgrade() else { return };
        let is_early = |record: &&Arc<Record>| {
            journal.head(record.event.key.account).position.offset < record.offset
                || journal.newest().get(record.event.key).is_none()
        };
        self.early.lock().extend(records.iter().filter(is_early).map(|record| record.offset));
    }
}
