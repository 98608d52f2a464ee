//! Coming back: clients.md 7, 8, 9; contract 8.7.

use std::time::Duration;

use lampfield_core::SubscriptionId;
use lampfield_journal::memory::MemoryJournal;
use uuid::Uuid;

use crate::stage::{epoch, until};
use crate::websocket::tests::gateway::SUBSCRIPTION;
use crate::websocket::tests::rig::{Rig, number, sequence, session, token};
use crate::websocket::tests::wire::{Seen, Wire};
use crate::websocket::token::RecoveryToken;

#[tokio::test]
async fn need_7_a_client_that_comes_back_gets_what_it_missed_once_with_the_same_identity() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber().await;
    let (mut witness, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    // These two are written to a socket whose client never reads them.
    rig.stage.toggle(2).await;
    rig.stage.toggle(3).await;
    let unread = wire.notifications(2).await;
    drop(wire);
    rig.stage.toggle(2).await;

    let (mut wire, meta, details) = rig.come_back("a", &token(&processed)).await;

    assert_eq!(details["recoveryState"], "Successful");
    assert!(details.get("recoveryErrorCode").is_none());
    assert_eq!(token(&meta), token(&processed));
    let told = wire.notifications(3).await;
    assert_eq!(told[0].1, unread[0].1, "uuid, timestamp, sequence and body are repeated");
    assert_eq!(told[1].1, unread[1].1);
    assert_eq!(told[2].1["subscriptionId"], id);
    rig.stage.toggle(4).await;
    assert_eq!(sequence(&wire.frame().await.1), 5);
    assert_eq!(wire.everything().await, []);
    assert_eq!(witness.notifications(5).await.len(), 5);
}

#[tokio::test]
async fn need_7_a_client_that_was_never_told_anything_comes_back_with_the_answers_token() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    let (answer, _) = wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    drop(wire);
    rig.stage.toggle(2).await;

    let (mut wire, _, details) = rig.come_back("a", &token(&answer)).await;
    assert_eq!(details["recoveryState"], "Successful");
    assert_eq!(sequence(&wire.frame().await.1), 1);
}

#[tokio::test]
async fn need_7_a_long_absence_is_made_good_event_by_event() {
    let rig = Rig::with(crate::DeliveryConfig {
        ring_max: 16,
        coalesce_after: 8,
        ..crate::websocket::tests::rig::config()
    })
    .await;
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    drop(wire);
    for _ in 0..1000 {
        rig.stage.toggle(2).await;
    }

    let (mut wire, _, _) = rig.come_back("a", &token(&processed)).await;
    for expected in 2..=1001 {
        assert_eq!(sequence(&wire.frame().await.1), expected);
    }
    assert_eq!(wire.everything().await, []);
}

#[tokio::test]
async fn need_8_the_tokens_number_rises_over_sockets() {
    let rig = Rig::new().await;
    let mut last = 0;
    for _ in 0..3 {
        let (mut wire, meta, _) = rig.open("a").await;
        assert!(number(&meta) > last);
        last = number(&meta);
        let (answer, _) = wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
        assert!(number(&answer) > last);
        last = number(&answer);
        for _ in 0..5 {
            rig.stage.toggle(2).await;
            let (meta, _) = wire.frame_of("ServerNotification").await;
            assert!(number(&meta) > last);
            last = number(&meta);
        }
    }
    assert!(last < i32::MAX as u64);
}

#[tokio::test]
async fn need_8_the_tokens_number_rises_over_a_crash() {
    let rig = Rig::new().await;
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let last = number(&wire.frame().await.0);
    // Nothing is given back: the server just ends.
    let stage_again = rig.stage.again();
    let numbering =
        crate::websocket::numbering::Numbering::resume(&stage_again.registry, 1, stage_again.now());

    let base = numbering.base(&stage_again.registry, stage_again.now()).await.unwrap();

    assert!(u64::from(base) > last);
}

#[tokio::test]
async fn need_9_what_cannot_be_recovered_fails_and_is_no_error() {
    let rig = Rig::new().await;
    let (mut wire, details_token, _) = rig.open("a").await;
    wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    rig.stage.toggle(2).await;
    let (told, _) = wire.frame_of("ServerNotification").await;
    let good = RecoveryToken::parse(&token(&told)).unwrap();
    let other_journal = lampfield_core::Position { epoch: epoch(99), ..good.position };
    let from_the_future = lampfield_core::Position { offset: 500, ..good.position };
    let unknown = SubscriptionId(Uuid::from_u128(9));
    let cases = [
        ("another log-in", "b", good, "WSG-1003"),
        ("no subscription", "a", RecoveryToken { subscription: None, ..good }, "WSG-1005"),
        ("unknown", "a", RecoveryToken { subscription: Some(unknown), ..good }, "WSG-1005"),
        ("another journal", "a", RecoveryToken { position: other_journal, ..good }, "WSG-1005"),
        ("the future", "a", RecoveryToken { position: from_the_future, ..good }, "WSG-1005"),
        (
            "a stranger's subscription",
            "b",
            RecoveryToken { session: session("b").id, ..good },
            "WSG-1003",
        ),
    ];
    assert_eq!(RecoveryToken::parse(&token(&details_token)).unwrap().subscription, None);
    for (name, who, wsc, code) in cases {
        let (mut wire, meta, body) = rig.come_back(who, wsc.text().as_str()).await;
        assert_eq!(body["recoveryState"], "Failed", "{name}");
        assert_eq!(body["recoveryErrorCode"], code, "{name}");
        assert_ne!(token(&meta), wsc.text().as_str(), "{name}");
        let (answer, _) = wire.ask("POST", SUBSCRIPTION, "[3]").await;
        assert_eq!(answer["status"], 200, "{name}: the socket is good for a new subscription");
    }
    assert!(wire.everything().await.is_empty(), "nobody took the subscription away");
}

#[tokio::test]
async fn need_9_a_malformed_token_is_an_error_and_ends_the_socket() {
    let rig = Rig::new().await;
    let mut wire = Wire::open(rig.address, "access_token=a&wsc=nonsense").await;

    let (meta, body) = wire.frame().await;
    assert_eq!(meta["type"], "Error");
    assert_eq!(body["errorCode"], "WSG-400");
    assert_eq!(body["message"], "Malformed WebSocket session context token");
    let Seen::Close(1008, _) = wire.next().await else { panic!("not closed") };
}

#[tokio::test]
async fn need_9_what_was_trimmed_meanwhile_fails_instead_of_leaving_a_gap() {
    let rig = {
        let journal = MemoryJournal::with(epoch(1), 10);
        let config =
            crate::DeliveryConfig { ring_max: 4, ..crate::websocket::tests::rig::config() };
        Rig::on(crate::stage::Stage::with(config, journal).await).await
    };
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    drop(wire);
    for _ in 0..20 {
        rig.stage.toggle(2).await;
    }

    let (_, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryState"], "Failed");
}

#[tokio::test]
async fn two_sockets_with_one_token_the_later_one_has_the_session() {
    let rig = Rig::new().await;
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;

    let (mut first, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryState"], "Successful");
    assert_eq!(wire.next().await, Seen::Close(1000, "superseded".to_owned()));
    let (mut second, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryState"], "Successful");
    assert_eq!(first.next().await, Seen::Close(1000, "superseded".to_owned()));

    rig.stage.toggle(2).await;
    assert_eq!(sequence(&second.frame().await.1), 2);
}

#[tokio::test]
async fn the_window_is_over_after_its_time_and_the_subscription_is_removed() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber().await;
    let id: SubscriptionId = id.parse().unwrap();
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    drop(wire);
    until("the socket is gone", || rig.sockets.context.roster.holder(id).is_none()).await;
    rig.stage.clock.advance(Duration::from_secs(179));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(rig.stage.house.registry.subscription(id).is_some());

    rig.stage.clock.advance(Duration::from_secs(2));
    until("it is removed", || rig.stage.house.registry.subscription(id).is_none()).await;

    let (_, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryErrorCode"], "WSG-1005");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_comes_back_at_once_loses_nothing() {
    let websocket =
        crate::WebsocketConfig { sockets_per_session_max: 1000, shards: 2, ..Default::default() };
    let rig = Rig::with(crate::DeliveryConfig { websocket, ..Default::default() }).await;
    let mut tokens = Vec::new();
    for _ in 0..100 {
        let (mut wire, _, _) = rig.open("a").await;
        let (meta, _) = wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
        tokens.push(token(&meta));
    }
    for _ in 0..50 {
        rig.stage.toggle(2).await;
    }
    let rig = std::sync::Arc::new(rig);
    let mut crowd = tokio::task::JoinSet::new();
    for wsc in tokens {
        let rig = std::sync::Arc::clone(&rig);
        crowd.spawn(async move {
            let (mut wire, _, details) = rig.come_back("a", &wsc).await;
            assert_eq!(details["recoveryState"], "Successful");
            for expected in 1..=50 {
                assert_eq!(sequence(&wire.frame().await.1), expected);
            }
        });
    }
    while let Some(one) = crowd.join_next().await {
        one.unwrap();
    }
}
