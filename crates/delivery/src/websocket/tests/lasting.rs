//! How long sockets last: pings, silence, age, revocation, stops and restarts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lampfield_core::SubscriptionId;

use crate::config::WebsocketConfig;
use crate::stage::until;
use crate::websocket::tests::rig::{Rig, config, sequence, session, token};
use crate::websocket::tests::wire::{Seen, Wire};

/// Moves the clock on until something comes of it.
async fn after(rig: &Rig, wire: &mut Wire, step: Duration) -> Seen {
    loop {
        rig.stage.clock.advance(step);
        tokio::select! {
            seen = wire.next() => return seen,
            () = tokio::time::sleep(Duration::from_millis(600)) => {}
        }
    }
}

#[tokio::test]
async fn sockets_are_pinged_and_who_answers_stays() {
    let rig = Rig::new().await;
    let (mut wire, _) = rig.subscriber().await;
    for _ in 0..3 {
        rig.stage.clock.advance(Duration::from_secs(31));
        assert!(matches!(wire.see().await, Seen::Ping(_)));
        assert_eq!(wire.everything().await, []);
    }
    rig.stage.toggle(2).await;
    assert_eq!(sequence(&wire.frame().await.1), 1);
}

#[tokio::test]
async fn who_answers_no_ping_is_dropped_and_can_come_back() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber().await;
    let id: SubscriptionId = id.parse().unwrap();
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    wire.answers = false;
    rig.stage.clock.advance(Duration::from_secs(31));
    assert!(matches!(wire.see().await, Seen::Ping(_)));
    rig.stage.clock.advance(Duration::from_secs(11));
    assert_eq!(wire.next().await, Seen::End);
    until("the socket is gone", || rig.sockets.context.roster.holder(id).is_none()).await;

    let (_, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryState"], "Successful");
}

#[tokio::test]
async fn a_silent_socket_is_told_wsg_902_and_closed() {
    let websocket = WebsocketConfig {
        ping_every: Duration::from_secs(100_000),
        idle_timeout: Duration::from_secs(1800),
        ..config().websocket
    };
    let rig = Rig::with(crate::DeliveryConfig { websocket, ..config() }).await;
    let (mut wire, _, _) = rig.open("a").await;
    let Seen::Frame(meta, body) = after(&rig, &mut wire, Duration::from_secs(901)).await else {
        panic!("no frame")
    };

    assert_eq!(meta["type"], "Error");
    assert_eq!(
        (body["errorCode"].as_str(), body["message"].as_str()),
        (Some("WSG-902"), Some("Idle timeout expired"))
    );
    let Seen::Close(1000, _) = wire.next().await else { panic!("not closed") };
}

#[tokio::test]
async fn an_old_socket_is_told_wsg_903_and_closed_and_its_session_goes_on() {
    let websocket =
        WebsocketConfig { absolute_timeout: Duration::from_secs(60), ..config().websocket };
    let rig = Rig::with(crate::DeliveryConfig { websocket, ..config() }).await;
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    let Seen::Frame(_, body) = after(&rig, &mut wire, Duration::from_secs(25)).await else {
        panic!("no frame")
    };
    assert_eq!(body["errorCode"], "WSG-903");
    let Seen::Close(1000, _) = wire.next().await else { panic!("not closed") };
    rig.stage.toggle(2).await;

    let (mut wire, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryState"], "Successful");
    assert_eq!(sequence(&wire.frame().await.1), 2);
}

#[tokio::test]
async fn sockets_of_a_revoked_log_in_are_closed_with_1008_and_others_stay() {
    let rig = Rig::new().await;
    let (mut theirs, _) = rig.subscriber().await;
    let (mut other, _, _) = rig.open("b").await;
    rig.sockets.session_revoked(session("a").id);

    let Seen::Close(1008, _) = theirs.next().await else { panic!("not closed") };
    assert_eq!(other.everything().await, []);
}

#[tokio::test]
async fn a_log_in_that_ended_otherwise_is_noticed_when_the_socket_is_pinged() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    rig.desk.is_alive.store(false, Ordering::SeqCst);
    rig.stage.clock.advance(Duration::from_secs(31));

    let Seen::Close(1008, _) = wire.next().await else { panic!("not closed") };
}

#[tokio::test]
async fn a_stop_closes_with_1001_and_after_a_restart_clients_come_back() {
    let rig = Rig::new().await;
    let (mut wire, id) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    let reading = tokio::spawn(async move { wire.next().await });
    let rig = rig.restart().await;
    assert_eq!(reading.await.unwrap(), Seen::Close(1001, "server stops".to_owned()));
    rig.stage.toggle(2).await;

    let (mut wire, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryState"], "Successful");
    let (_, body) = wire.frame().await;
    assert_eq!((sequence(&body), body["subscriptionId"].as_str()), (2, Some(id.as_str())));
    assert_eq!(wire.everything().await, []);
}

#[tokio::test]
async fn after_a_restart_the_window_is_counted_from_the_start() {
    let rig = Rig::new().await;
    let (wire, id) = rig.subscriber().await;
    let id: SubscriptionId = id.parse().unwrap();
    drop(wire);
    rig.stage.clock.advance(Duration::from_secs(10_000));
    let registry = std::sync::Arc::clone(&rig.stage.house.registry);
    assert!(registry.subscription(id).is_some());
    let rig = rig.restart().await;
    until("known again", || rig.sockets.context.roster.knows(id)).await;
    rig.stage.clock.advance(Duration::from_secs(181));

    until("it is removed", || rig.stage.house.registry.subscription(id).is_none()).await;
}

#[tokio::test]
async fn a_fault_in_a_loop_costs_its_sockets_a_reconnection_and_nothing_else() {
    let rig = Rig::new().await;
    let (mut wire, _) = rig.subscriber().await;
    rig.stage.toggle(2).await;
    let (processed, _) = wire.frame().await;
    for shard in rig.sockets.context.shards() {
        shard.send(crate::websocket::shard::Command::Fail);
    }
    assert_eq!(wire.next().await, Seen::End);
    rig.stage.toggle(2).await;

    let (mut wire, _, details) = rig.come_back("a", &token(&processed)).await;
    assert_eq!(details["recoveryState"], "Successful");
    assert_eq!(sequence(&wire.frame().await.1), 2);
    assert_eq!(rig.sockets.context.roster.sockets(), 1);
}

#[tokio::test]
async fn lag_is_shown_of_sockets_that_are_behind() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.answers = false;
    let path = crate::websocket::tests::gateway::SUBSCRIPTION;
    let (_, body) = wire.ask("POST", path, r#"["account"]"#).await;
    let id: SubscriptionId = body["id"].as_str().unwrap().parse().unwrap();
    rig.stage.toggle(2).await;
    rig.stage.toggle(2).await;
    rig.stage.clock.advance(Duration::from_millis(1001));

    until("the lag is shown", || rig.sockets.lags() == [(id, 2)]).await;
}

#[test]
fn an_idle_subscriber_costs_little() {
    let socket = size_of::<crate::websocket::socket::Socket>();
    let subscriber = size_of::<crate::websocket::subscriber::Subscriber>();

    assert!(socket <= 176, "{socket}");
    assert!(subscriber <= 96, "{subscriber}");
}

#[tokio::test]
async fn a_log_in_that_ended_while_its_socket_was_opened_is_refused() {
    let rig = Rig::new().await;
    rig.desk.is_alive.store(false, Ordering::SeqCst);
    let mut wire = Wire::open(rig.address, "access_token=a").await;

    let (meta, body) = wire.frame().await;
    assert_eq!(
        (meta["type"].as_str(), body["errorCode"].as_str()),
        (Some("Error"), Some("WSG-401"))
    );
    let Seen::Close(1008, _) = wire.next().await else { panic!("not closed") };
}
