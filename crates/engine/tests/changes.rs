//! Orders become changes: numbered, grouped, without repeats.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod house;

use std::time::Duration;

use house::{House, START, USER, busy_until, extension, key};
use lampfield_core::{
    Changes, Command, ExtensionStatus, ExtensionType, Fact, MeetingStatus, PresenceStatus,
    Sequence, Standing, TelephonyStatus,
};
use lampfield_engine::{Order, StandingChange, SubmitError};
use lampfield_journal::{DirectoryChange, Journal};

#[tokio::test(start_paused = true)]
async fn a_call_becomes_a_numbered_change() {
    let house = House::open().await;

    let receipt =
        house.publish(key(1), house.call("pbx", "1", TelephonyStatus::CallConnected)).await;

    assert!(receipt.changed);
    let record = receipt.record.expect("it changed");
    assert_eq!((record.offset, record.event.sequence), (1, Sequence(1)));
    assert_eq!(record.event.document.presence, PresenceStatus::Busy);
    assert_eq!(receipt.head.sequence, Sequence(1));
    assert_eq!(house.journal.newest().get(key(1)), Some(record));
}

#[tokio::test(start_paused = true)]
async fn saying_the_same_again_tells_nobody() {
    let house = House::open().await;
    let claim = house.call("pbx", "1", TelephonyStatus::Ringing);
    let first = house.publish(key(1), claim.clone()).await;

    let again = house.publish(key(1), claim).await;

    assert!(!again.changed);
    assert_eq!(again.record, first.record);
    assert_eq!(again.head, first.head);
    assert_eq!(house.witness.records().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_orders_on_one_extension_in_one_group_are_two_records() {
    let house = House::open().await;
    let states = [TelephonyStatus::Ringing, TelephonyStatus::CallConnected];
    let orders = states.map(|status| Order {
        key: key(1),
        command: Command::Publish(house.call("pbx", "1", status)),
        observed_at: START,
    });

    let receipts = house.intake.submit_all(orders.to_vec()).await;

    let offsets: Vec<_> = receipts
        .into_iter()
        .map(|receipt| receipt.unwrap().record.map(|record| record.offset))
        .collect();
    assert_eq!(offsets, [Some(1), Some(2)]);
    assert_eq!(house.witness.batches(), [2], "one durable write");
    let told: Vec<_> =
        house.witness.records().iter().map(|record| record.event.document.telephony).collect();
    assert_eq!(told, states);
}

#[tokio::test(start_paused = true)]
async fn orders_of_two_accounts_are_numbered_apart() {
    let house = House::open().await;
    let orders = [key(1), key(101), key(2), key(102), key(103)].map(|key| Order {
        key,
        command: busy_until(None),
        observed_at: START,
    });

    let receipts = house.intake.submit_all(orders.to_vec()).await;

    let sequences: Vec<_> =
        receipts.into_iter().map(|receipt| receipt.unwrap().head.sequence.0).collect();
    assert_eq!(sequences, [1, 1, 2, 2, 3]);
    assert_eq!(house.witness.batches(), [5]);
}

#[tokio::test(start_paused = true)]
async fn a_letter_larger_than_a_group_is_carried_out_in_order() {
    let config =
        lampfield_engine::EngineConfig { group_max: 3, intake_max: 4, ..Default::default() };
    let house = House::open_with(config).await;
    let states = [TelephonyStatus::Ringing, TelephonyStatus::CallConnected];
    let orders: Vec<_> = (0..10)
        .map(|number| Order {
            key: key(1),
            command: Command::Publish(house.call("pbx", "1", states[number % 2])),
            observed_at: START,
        })
        .collect();

    let receipts = house.intake.submit_all(orders).await;

    let sequences: Vec<_> =
        receipts.into_iter().map(|receipt| receipt.unwrap().head.sequence.0).collect();
    assert_eq!(sequences, (1..=10).collect::<Vec<_>>());
    assert_eq!(house.witness.batches(), [3, 3, 3, 1]);
}

#[tokio::test(start_paused = true)]
async fn refusals_harm_no_other_order() {
    let house = House::open().await;
    let slot = Standing { kind: ExtensionType::ParkLocation, status: ExtensionStatus::Enabled };
    let change = DirectoryChange::PutExtension(extension(key(5), slot));
    house.registry.apply(vec![change]).await.unwrap();
    let meeting = house.meeting("meet", "m", Duration::from_secs(60));
    let orders = [key(1), key(5), key(99), key(2)].map(|key| Order {
        key,
        command: Command::Publish(meeting.clone()),
        observed_at: START,
    });

    let results = house.intake.submit_all(orders.to_vec()).await;

    assert!(results[0].as_ref().is_ok_and(|receipt| receipt.changed));
    assert!(matches!(results[1], Err(SubmitError::Refused(_))));
    assert_eq!(results[2].as_ref().unwrap_err(), &SubmitError::UnknownExtension(key(99)));
    assert!(results[3].as_ref().is_ok_and(|receipt| receipt.changed));
    assert_eq!(house.sequence(1), 2);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_see_is_not_stored_for_one_that_never_changed() {
    let house = House::open().await;
    let fact = Fact::Meeting(MeetingStatus::Disconnected);
    let claim = house.claim("meet", "m", fact, Duration::from_secs(60));

    let receipt = house.publish(key(1), claim.clone()).await;

    assert!(!receipt.changed);
    assert_eq!(receipt.record, None);
    assert_eq!(house.sequence(1), 0);
    let kept = house.intake.true_leases(key(1), None).expect("it is kept");
    assert_eq!(kept.claims, [claim]);

    // The next visible change stores it too.
    let receipt = house.order(key(1), busy_until(None)).await.unwrap();
    assert_eq!(receipt.record.expect("it changed").event.document.claims.len(), 1);
    assert_eq!(
        house.intake.true_leases(key(1), house.journal.newest().get(key(1)).as_deref()),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_is_never_dated_before_the_one_before() {
    let house = House::open().await;
    house.clock.advance(Duration::from_secs(3600));
    house.order(key(1), busy_until(None)).await.unwrap();
    let ahead = house.now();
    house.clock.set(START);

    house.publish(key(1), house.call("pbx", "1", TelephonyStatus::Ringing)).await;

    let records = house.witness.records();
    assert_eq!(records.iter().map(|it| it.event.at).collect::<Vec<_>>(), [ahead, ahead]);
}

#[tokio::test(start_paused = true)]
async fn the_directory_may_have_the_new_standing_already() {
    let house = House::open().await;
    let disabled = Standing { status: ExtensionStatus::Disabled, ..USER };
    let change = DirectoryChange::PutExtension(extension(key(1), disabled));
    house.registry.apply(vec![change]).await.unwrap();

    let change = StandingChange { key: key(1), before: USER, after: disabled };
    let receipt = house.intake.stand(change).await.unwrap();

    assert!(receipt.changed, "an extension that never changed goes offline, too");
    let event = &receipt.record.expect("it changed").event;
    assert!(event.changes.touches(Changes::STANDING));
    assert!(event.changes.touches(Changes::PRESENCE));
    assert_eq!(event.document.presence, PresenceStatus::Offline);
    assert!(!house.intake.stand(change).await.unwrap().changed);
}

#[tokio::test(start_paused = true)]
async fn a_restart_takes_up_what_the_directory_decided_meanwhile() {
    let house = House::open().await;
    house.order(key(1), busy_until(None)).await.unwrap();
    let disabled = Standing { status: ExtensionStatus::Disabled, ..USER };
    let change = DirectoryChange::PutExtension(extension(key(1), disabled));
    house.registry.apply(vec![change]).await.unwrap();

    let house = house.reopen(Duration::ZERO).await;

    house
        .until("the extension is offline", |house| {
            house.document(key(1)).is_some_and(|it| it.presence == PresenceStatus::Offline)
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn sequences_go_on_after_a_restart() {
    let house = House::open().await;
    house.publish(key(1), house.call("pbx", "1", TelephonyStatus::Ringing)).await;

    let house = house.reopen(Duration::from_secs(5)).await;
    let receipt = house.publish(key(2), house.call("pbx", "2", TelephonyStatus::Ringing)).await;

    assert_eq!(receipt.head.sequence, Sequence(2));
}

#[tokio::test(start_paused = true)]
async fn the_metrics_page_tells_what_happened() {
    let house = House::open().await;
    let mut registry = prometheus_client::registry::Registry::default();
    house.engine.metrics().register(&mut registry);
    house.publish(key(1), house.call("pbx", "1", TelephonyStatus::Ringing)).await;
    house.publish(key(1), house.call("pbx", "1", TelephonyStatus::Ringing)).await;
    house.order(key(99), busy_until(None)).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(2)).await;

    let mut page = String::new();
    prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();

    for line in [
        "lampfield_engine_orders_total{result=\"changed\"} 1",
        "lampfield_engine_orders_total{result=\"unchanged\"} 1",
        "lampfield_engine_orders_total{result=\"unknown-extension\"} 1",
        "lampfield_engine_changes_total 1",
        "lampfield_engine_claims{kind=\"call\"} 1",
        "lampfield_engine_sources{phase=\"live\"} 1",
        "lampfield_engine_observed_to_committed_seconds_count 1",
        "lampfield_engine_intake_depth 0",
    ] {
        assert!(page.lines().any(|it| it == line), "{line} is not in\n{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_at_once_are_numbered_without_a_gap() {
    let config = lampfield_engine::EngineConfig { group_max: 7, ..Default::default() };
    let house = House::open_with(config).await;
    let states = [TelephonyStatus::Ringing, TelephonyStatus::CallConnected];
    let mut callers = tokio::task::JoinSet::new();
    for who in [1, 2, 3, 101, 102] {
        let claims = states.map(|status| house.call("pbx", "1", status));
        let intake = house.intake.clone();
        callers.spawn(async move {
            for turn in 0..100 {
                let command = Command::Publish(claims[turn % 2].clone());
                let order = Order { key: key(who), command, observed_at: START };
                assert!(intake.submit(order).await.unwrap().changed);
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }

    for (account, count) in [(1, 300), (2, 200)] {
        let own = house.witness.records();
        let own: Vec<_> = own
            .iter()
            .filter(|it| it.event.key.account.get() == account)
            .map(|it| it.offset)
            .collect();
        assert_eq!(own, (1..=count).collect::<Vec<_>>());
    }
}
