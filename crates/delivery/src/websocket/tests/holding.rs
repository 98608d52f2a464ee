//! clients.md 1 and 2: nothing in the same read as what the client must digest first.

use std::time::Duration;

use crate::websocket::tests::gateway::SUBSCRIPTION;
use crate::websocket::tests::rig::{Rig, sequence, token};
use crate::websocket::tests::wire::Seen;

fn is_ping(seen: &Seen) -> bool {
    matches!(seen, Seen::Ping(_))
}

#[tokio::test]
async fn need_1_nothing_follows_the_answer_to_a_new_subscription_before_the_pong() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.answers = false;
    wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    let Seen::Ping(ping) = wire.see().await else { panic!("no ping") };
    for _ in 0..3 {
        rig.stage.toggle(2).await;
    }
    assert_eq!(wire.everything().await, []);

    wire.send(0x8a, &ping).await;

    let told = wire.notifications(3).await;
    assert_eq!(told.iter().map(|(_, body)| sequence(body)).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn need_1_nothing_follows_connection_details_of_a_recovery_before_the_pong() {
    let rig = Rig::new().await;
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (meta, _) = wire.frame().await;
    drop(wire);
    rig.stage.toggle(2).await;

    let query = format!("access_token=a&wsc={}", token(&meta));
    let mut wire = crate::websocket::tests::wire::Wire::open(rig.address, &query).await;
    wire.answers = false;
    let (_, details) = wire.frame().await;
    assert_eq!(details["recoveryState"], "Successful");
    let Seen::Ping(ping) = wire.see().await else { panic!("no ping") };
    assert_eq!(wire.everything().await, []);
    wire.send(0x8a, &ping).await;

    let (_, body) = wire.frame().await;
    assert_eq!(sequence(&body), 2);
    assert!(wire.everything().await.iter().all(is_ping));
}

#[tokio::test]
async fn need_1_a_client_that_answers_no_ping_is_told_after_a_while() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.answers = false;
    wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    rig.stage.toggle(2).await;
    assert!(wire.everything().await.iter().all(is_ping));

    rig.stage.clock.advance(Duration::from_millis(1500));

    let (_, body) = wire.frame().await;
    assert_eq!(sequence(&body), 1);
}

#[tokio::test]
async fn need_1_held_notifications_of_a_socket_that_dies_are_recovered_once() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.answers = false;
    let (meta, _) = wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    rig.stage.toggle(2).await;
    drop(wire);

    let (mut wire, _, details) = rig.come_back("a", &token(&meta)).await;
    assert_eq!(details["recoveryState"], "Successful");
    let (_, body) = wire.frame().await;
    assert_eq!(sequence(&body), 1);
    rig.stage.clock.advance(Duration::from_secs(2));

    assert!(wire.everything().await.iter().all(is_ping), "nothing comes twice");
}

#[tokio::test]
async fn need_2_nothing_of_a_subscription_follows_the_answer_to_its_deletion() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.answers = false;
    let (_, body) = wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    let Seen::Ping(ping) = wire.see().await else { panic!("no ping") };
    rig.stage.toggle(2).await;

    let path = format!("{SUBSCRIPTION}/{}", body["id"].as_str().unwrap());
    let (meta, body) = wire.ask("DELETE", &path, "").await;
    assert_eq!((meta["status"].as_u64(), body.is_null()), (Some(204), true));
    wire.send(0x8a, &ping).await;
    rig.stage.toggle(2).await;
    rig.stage.clock.advance(Duration::from_millis(1500));

    assert_eq!(wire.everything().await, []);
}

#[tokio::test]
async fn need_2_the_answer_to_a_deletion_is_the_last_of_it_while_presence_changes() {
    let rig = Rig::new().await;
    for _ in 0..20 {
        let (mut wire, id) = rig.subscriber().await;
        let path = format!("{SUBSCRIPTION}/{id}");
        let changes = async {
            for _ in 0..20 {
                rig.stage.toggle(2).await;
                tokio::task::yield_now().await;
            }
        };
        let ((meta, _), ()) = tokio::join!(wire.ask("DELETE", &path, ""), changes);
        assert_eq!(meta["status"], 204);
        assert!(wire.everything().await.iter().all(is_ping));
    }
}
