//! Every claim ends, and none before its acknowledged end.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod house;

use std::time::Duration;

use house::{House, START, busy_until, key, source};
use lampfield_core::{
    Act, ClaimId, Command, Kind, PresenceStatus, Sequence, TelephonyStatus, Timestamp, UserStatus,
};
use lampfield_engine::SourcePhase;
use lampfield_journal::{DirectoryChange, Journal};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_is_an_ordinary_change() {
    let house = House::open().await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE)).await;

    house.clock.advance(MINUTE);
    house.until("the meeting is over", |house| house.sequence(1) == 2).await;

    let last = house.witness.records().pop().expect("two changes");
    assert_eq!((last.event.sequence, last.event.cause.act), (Sequence(2), Act::Expired));
    assert_eq!(last.event.observed_at, START.after(MINUTE));
    assert_eq!(last.event.document.presence, PresenceStatus::Available);
    assert!(last.event.document.claims.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_renewed_lease_lives_on_without_a_write() {
    let house = House::open().await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE)).await;
    let stored = house.document(key(1));

    house.clock.advance(MINUTE / 2);
    house.publish(key(1), house.meeting("meet", "m", MINUTE)).await;
    assert_eq!(house.document(key(1)), stored, "half a minute is not worth a write");
    house.clock.advance(MINUTE * 3 / 4);
    house.a_while().await;
    assert_eq!(house.sequence(1), 1, "the renewed lease counts");

    house.clock.advance(MINUTE / 4);
    house.until("the meeting is over", |house| house.sequence(1) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_renewal_is_stored_and_tells_nobody() {
    let house = House::open().await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE)).await;

    house.publish(key(1), house.meeting("meet", "m", MINUTE * 10)).await;

    let stored = house.document(key(1)).expect("it changed once");
    assert_eq!(stored.next_deadline(), Some(START.after(MINUTE * 10)));
    assert_eq!(house.witness.records().len(), 1);
    assert_eq!(
        house.intake.true_leases(key(1), house.journal.newest().get(key(1)).as_deref()),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_lease_survives_a_crash_right_after_its_renewal() {
    let house = House::open().await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE * 2)).await;
    house.clock.advance(MINUTE);
    house.publish(key(1), house.meeting("meet", "m", MINUTE * 2)).await;
    let acknowledged = house.now().after(MINUTE * 2);
    let stored = house.document(key(1)).unwrap().next_deadline().unwrap();
    assert!(stored < acknowledged, "the renewal is in memory only");

    let house = house.reopen(Duration::ZERO).await;

    house.clock.set(Timestamp(acknowledged.0 - 1));
    house.a_while().await;
    assert_eq!(house.sequence(1), 1, "it lives until its acknowledged end");
    house.clock.advance(MINUTE);
    house.until("the meeting is over", |house| house.sequence(1) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_ended_while_the_house_was_down_waits_for_its_source() {
    let house = House::open().await;
    house.publish(key(1), house.call("pbx", "1", TelephonyStatus::CallConnected)).await;

    let house = house.reopen(Duration::from_secs(86_400)).await;

    house.a_while().await;
    assert_eq!(house.sequence(1), 1, "the last state holds");
    let report = &house.intake.sources(key(1).account)[0];
    assert_eq!(report.phase, SourcePhase::Awaited(house.now().after(MINUTE)));
    house.clock.advance(MINUTE);
    house.until("the call is over", |house| house.sequence(1) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_timed_choice_ends_when_it_was_to_end() {
    let house = House::open().await;
    let until = START.after(MINUTE);
    house.order(key(1), busy_until(Some(until))).await.unwrap();
    assert_eq!(house.document(key(1)).unwrap().user, UserStatus::Busy);

    let house = house.reopen(MINUTE).await;

    house.until("the choice is over", |house| house.sequence(1) == 2).await;
    assert_eq!(house.document(key(1)).unwrap().user, UserStatus::Available);
    assert!(house.intake.sources(key(1).account).is_empty(), "a person is no source to await");
}

#[tokio::test(start_paused = true)]
async fn many_leases_that_end_at_once_end_in_bounded_groups() {
    let config = lampfield_engine::EngineConfig { group_max: 2, ..Default::default() };
    let house = House::open_with(config).await;
    for extension in 1..=5 {
        house.publish(key(extension), house.meeting("meet", "m", MINUTE)).await;
    }

    house.clock.advance(Duration::from_secs(86_400));
    house.until("all are over", |house| house.sequence(1) == 10).await;

    assert_eq!(house.witness.batches()[5..], [2, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_shortened_lease_ends_early() {
    let house = House::open().await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE * 60)).await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE)).await;

    house.clock.advance(MINUTE);
    house.until("the meeting is over", |house| house.sequence(1) == 2).await;
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_was_removed_is_not_expired() {
    let house = House::open().await;
    house.publish(key(1), house.meeting("meet", "m", MINUTE)).await;
    house.registry.apply(vec![DirectoryChange::RemoveExtension(key(1))]).await.unwrap();

    house.clock.advance(MINUTE);
    house
        .until("it is forgotten", |house| house.intake.sources(key(1).account)[0].claims == 0)
        .await;

    assert_eq!(house.sequence(1), 1);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_claim_is_gone_and_withdrawing_again_changes_nothing() {
    let house = House::open().await;
    house.publish(key(1), house.call("pbx", "1", TelephonyStatus::Ringing)).await;
    let withdraw = Command::Withdraw {
        source: source("pbx"),
        kind: Kind::Call,
        claim: ClaimId::new("1").unwrap(),
    };

    let first = house.order(key(1), withdraw.clone()).await.unwrap();
    let again = house.order(key(1), withdraw).await.unwrap();

    assert_eq!((first.changed, again.changed), (true, false));
    assert_eq!(first.record.expect("it changed").event.ended.len(), 1);
}
