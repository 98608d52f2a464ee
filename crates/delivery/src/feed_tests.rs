//! Lanes lose nothing, keep little, and say so when a reader must go elsewhere.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use lampfield_journal::memory::MemoryJournal;

use super::*;
use crate::config::DeliveryConfig;
use crate::stage::{Stage, account, epoch};

const NOTHING: [u64; 0] = [];

async fn stage(ring_max: usize) -> Stage {
    Stage::new(DeliveryConfig { ring_max, ..DeliveryConfig::default() }).await
}

fn offsets(events: &[Arc<Outgoing>]) -> Vec<u64> {
    events.iter().map(|event| event.offset()).collect()
}

fn found(slice: &Slice) -> Vec<u64> {
    match slice {
        Slice::Events(events) => offsets(events),
        Slice::Behind => panic!("behind"),
    }
}

fn at(offset: u64) -> Position {
    Position { epoch: epoch(1), offset }
}

/// Polls a future once.
fn poll(future: &mut Pin<Box<impl Future<Output = ()>>>) -> Poll<()> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Catches up over a stage's journal.
async fn catch(stage: &Stage, after: Position, limit: usize, coalesce: Option<usize>) -> Caught {
    let lane = stage.house.feed.lane(account());
    catch_up(stage.house.journal.as_ref(), &lane, after, limit, coalesce).await.unwrap()
}

fn caught(caught: Caught) -> Vec<u64> {
    match caught {
        Caught::Events(events) => offsets(&events),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lane_begins_at_the_head_and_has_everything_after_it() {
    let stage = stage(10).await;
    stage.toggle(2).await;
    let lane = stage.house.feed.lane(account());
    assert_eq!(lane.head(), 1);
    assert_eq!(found(&lane.after(1, 9)), NOTHING);
    assert!(matches!(lane.after(0, 9), Slice::Behind));

    stage.toggle(2).await;
    stage.toggle(3).await;

    assert_eq!(lane.head(), 3);
    assert_eq!(found(&lane.after(1, 9)), [2, 3]);
    assert_eq!(found(&lane.after(1, 1)), [2]);
    assert_eq!(found(&lane.after(3, 9)), NOTHING);
    assert_eq!(found(&lane.after(99, 9)), NOTHING, "a reader may be ahead of the ring");
}

#[tokio::test]
async fn a_ring_keeps_so_many_events_and_says_who_is_behind() {
    let stage = stage(3).await;
    let lane = stage.house.feed.lane(account());
    for _ in 0..5 {
        stage.toggle(2).await;
    }

    assert!(matches!(lane.after(1, 9), Slice::Behind));
    assert_eq!(found(&lane.after(2, 9)), [3, 4, 5]);
}

#[tokio::test]
async fn what_is_handed_over_twice_or_too_late_is_told_once() {
    let stage = stage(10).await;
    let record = stage.toggle(2).await;
    let lane = stage.house.feed.lane(account());
    // Committed before the lane was made, handed over after.
    stage.house.feed.take(&[Arc::clone(&record)]);
    assert_eq!(found(&lane.after(1, 9)), NOTHING);

    let next = stage.toggle(2).await;
    stage.house.feed.take(&[next]);
    assert_eq!(found(&lane.after(1, 9)), [2]);
}

#[tokio::test]
async fn a_lane_lives_as_long_as_somebody_holds_it() {
    let stage = stage(10).await;
    let feed = &stage.house.feed;
    let lane = feed.lane(account());
    assert!(Arc::ptr_eq(&lane, &feed.lane(account())));
    drop(lane);

    assert_eq!(feed.head(account()), None);
    assert_eq!(feed.lane(account()).head(), 0);
}

#[tokio::test]
async fn who_waits_is_woken_by_what_comes_and_not_before() {
    let stage = stage(10).await;
    let lane = stage.house.feed.lane(account());
    let mut waiting = Box::pin(lane.moved(0));
    assert!(poll(&mut waiting).is_pending());
    let mut patient = Box::pin(lane.moved(1));
    assert!(poll(&mut patient).is_pending());

    stage.toggle(2).await;

    assert!(poll(&mut waiting).is_ready());
    assert!(poll(&mut patient).is_pending());
}

#[test]
fn nothing_is_lost_when_lanes_are_made_while_others_commit() {
    let stage = tokio::runtime::Runtime::new().unwrap().block_on(stage(100_000));
    let record = |offset| {
        let event = lampfield_core::PresenceEvent {
            sequence: lampfield_core::Sequence(offset),
            ..first_event(&stage)
        };
        Arc::new(Record { offset, event })
    };
    let records: Vec<_> = (2..=3000).map(record).collect();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for record in &records {
                let entry = lampfield_journal::Entry::Change(Arc::clone(record));
                let commit = stage.journal.commit(vec![entry]);
                futures_util::FutureExt::now_or_never(commit).unwrap().unwrap();
            }
        });
        while !writer.is_finished() {
            let from = stage.journal.head(account()).position.offset;
            let lane = stage.house.feed.lane(account());
            // What was committed before may still be on its way to a lane that was there already.
            while lane.head() < from + 3 && !writer.is_finished() {
                std::thread::yield_now();
            }
            if let Slice::Events(events) = lane.after(from, usize::MAX) {
                let told = offsets(&events);
                assert!(told.iter().copied().eq((from + 1..).take(told.len())), "{from}: {told:?}");
            }
        }
    });
}

/// Commits a first change and returns its event.
fn first_event(stage: &Stage) -> lampfield_core::PresenceEvent {
    let newest = stage.journal.newest().get(crate::stage::key(2));
    let record =
        newest.unwrap_or_else(|| tokio::runtime::Runtime::new().unwrap().block_on(stage.toggle(2)));
    record.event.clone()
}

#[tokio::test]
async fn catching_up_reads_the_ring_or_the_journal_without_a_seam() {
    let stage = stage(3).await;
    let _lane = stage.house.feed.lane(account());
    for _ in 0..10 {
        stage.toggle(2).await;
    }

    assert_eq!(caught(catch(&stage, at(0), 4, None).await), [1, 2, 3, 4]);
    assert_eq!(caught(catch(&stage, at(8), 4, None).await), [9, 10]);
    assert_eq!(caught(catch(&stage, at(10), 4, None).await), NOTHING);
}

#[tokio::test]
async fn who_is_far_behind_gets_the_newest_of_each_extension_when_asked_for() {
    let stage = stage(3).await;
    for _ in 0..4 {
        stage.toggle(2).await;
        stage.toggle(3).await;
    }
    stage.toggle(4).await;

    let Caught::Newest { events, head } = catch(&stage, at(1), 1, Some(5)).await else {
        panic!("not coalesced")
    };
    assert_eq!((offsets(&events), head), (vec![7, 8, 9], 9));
    assert_eq!(caught(catch(&stage, at(4), 9, Some(5)).await), [5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn what_is_gone_is_said_to_be_gone() {
    let journal = MemoryJournal::with(epoch(1), 3);
    let stage = Stage::with(DeliveryConfig::default(), journal).await;
    for _ in 0..10 {
        stage.toggle(2).await;
    }
    let other_epoch = Position { epoch: epoch(2), offset: 9 };

    for (place, coalesce) in [(at(1), None), (at(11), Some(5)), (other_epoch, Some(5))] {
        let caught = catch(&stage, place, 9, coalesce).await;
        assert!(matches!(caught, Caught::Unrecoverable), "{place}");
    }
    let trimmed = catch(&stage, at(6), 9, Some(5)).await;
    assert!(matches!(trimmed, Caught::Newest { head: 10, .. }), "{trimmed:?}");
}

#[tokio::test]
async fn an_event_is_encoded_once_for_each_detail_and_view() {
    use lampfield_core::View;
    use lampfield_core::visibility::Detail;
    let stage = stage(3).await;
    let event = Outgoing::repeated(stage.toggle(2).await);
    let options = lampfield_contract::WireOptions::default();
    let bytes = |detail, view| event.envelope(detail, view, options).tail().as_ptr();

    assert_eq!(bytes(Detail::Plain, View::Full), bytes(Detail::Plain, View::Full));
    assert_ne!(bytes(Detail::Plain, View::Full), bytes(Detail::Sip, View::Full));
    assert_ne!(bytes(Detail::Plain, View::Full), bytes(Detail::Plain, View::Hidden));
}
