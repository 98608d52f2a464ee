//! Requests, answers, refusals: clients.md 3, 12, 14, 23.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::config::WebsocketConfig;
use crate::websocket::tests::gateway::SUBSCRIPTION;
use crate::websocket::tests::rig::{Rig, config, number};
use crate::websocket::tests::wire::{Seen, Wire, masked};

#[tokio::test]
async fn need_3_a_bad_token_is_refused_inside_the_socket() {
    let rig = Rig::new().await;
    let mut wire = Wire::open(rig.address, "access_token=bad").await;

    let (meta, body) = wire.frame().await;
    assert_eq!((meta["type"].as_str(), meta["status"].as_u64()), (Some("Error"), Some(401)));
    assert!(meta["messageId"].is_string() && meta["headers"].is_object());
    assert_eq!(body, json!({"errorCode": "WSG-401", "message": "Token is not valid"}));
    assert_eq!(wire.next().await, Seen::Close(1008, "Token is not valid".to_owned()));
    assert_eq!(wire.next().await, Seen::End);
}

#[tokio::test]
async fn the_first_frame_tells_the_limits() {
    let rig = Rig::new().await;
    let (_, meta, body) = rig.open("a").await;

    assert_eq!(meta["status"], 200);
    assert_eq!(meta["messageId"], meta["headers"]["RCRequestId"]);
    assert!(number(&meta) > 60_000_000);
    assert_eq!(
        body,
        json!({
            "creationTime": "2026-01-01T00:00:00.000+0000",
            "maxConnectionsPerSession": 50, "recoveryBufferSize": 100, "recoveryTimeout": 180,
            "idleTimeout": 1800, "absoluteTimeout": 86400, "maxActiveRequests": 10,
        })
    );
}

#[tokio::test]
async fn need_12_answers_have_type_id_status_and_headers_always() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;

    let (meta, body) = wire.ask("GET", "/nowhere", "").await;
    assert_eq!(meta["type"], "ClientRequest");
    assert_eq!(meta["status"], 404);
    assert_eq!(meta["headers"], json!({"Content-Type": "application/json"}));
    assert_eq!(body["errorCode"], "CMN-120");

    let (meta, body) = wire.ask("POST", SUBSCRIPTION, r#"["account"]"#).await;
    assert_eq!(meta["headers"]["WSG-SubscriptionId"], body["id"]);
    let path = format!("{SUBSCRIPTION}/{}", body["id"].as_str().unwrap());
    let (meta, body) = wire.ask("DELETE", &path, "").await;
    assert!(meta["headers"].is_object() && body.is_null());
}

#[tokio::test]
async fn need_14_a_message_id_is_any_string() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    for id in ["7e/swlW3RZ+crA4BD4lDCA/0", "\u{1f4a1} \"quoted\\\"", " "] {
        let frame = json!([{"type": "Heartbeat", "messageId": id}]);
        wire.text(&frame.to_string()).await;

        assert_eq!(wire.frame().await.0, json!({"type": "Heartbeat", "messageId": id}));
    }
}

#[tokio::test]
async fn requests_before_connection_details_are_answered_after_it() {
    let rig = Rig::new().await;
    let mut early = masked(0x81, br#"[{"type":"Heartbeat","messageId":"1"}]"#);
    early.extend(masked(0x81, br#"[{"type":"Heartbeat","messageId":"2"}]"#));
    let mut wire = Wire::open_with(rig.address, "access_token=a", &early).await;

    assert_eq!(wire.frame().await.0["type"], "ConnectionDetails");
    assert_eq!(wire.frame().await.0["messageId"], "1");
    assert_eq!(wire.frame().await.0["messageId"], "2");
}

#[tokio::test]
async fn more_requests_at_once_than_allowed_are_answered_429() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    for id in 0..11 {
        let request = json!([{"type": "ClientRequest", "messageId": format!("r{id}"),
            "method": "GET", "path": "/wait", "query": {"a": true, "b": 1}}]);
        wire.text(&request.to_string()).await;
    }

    let (meta, body) = wire.frame().await;
    assert_eq!((meta["messageId"].as_str(), meta["status"].as_u64()), (Some("r10"), Some(429)));
    assert_eq!(body["errorCode"], "CMN-304");
    rig.desk.wait.add_permits(10);
    for _ in 0..10 {
        assert_eq!(wire.frame().await.0["status"], 200);
    }
    assert_eq!(wire.ask("GET", "/nowhere", "").await.0["status"], 404);
    let seen = rig.desk.seen.lock();
    assert_eq!(seen[0].query, [("a".to_owned(), "true".to_owned()), ("b".into(), "1".into())]);
    assert!(seen[0].request_id.ends_with("-1"), "{}", seen[0].request_id);
}

#[tokio::test]
async fn a_request_that_makes_the_other_half_fail_is_answered_500() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;

    let (meta, body) = wire.ask("GET", "/panic", "").await;
    assert_eq!((meta["status"].as_u64(), body["errorCode"].as_str()), (Some(500), Some("CMN-203")));
}

#[tokio::test]
async fn what_is_no_frame_is_answered_with_an_error_and_too_much_of_it_ends_the_socket() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    for bad in ["nonsense", "{}", r#"[{"type":"Shout","messageId":"x"}]"#] {
        wire.text(bad).await;
        let (meta, body) = wire.frame().await;
        assert_eq!((meta["type"].as_str(), meta["status"].as_u64()), (Some("Error"), Some(400)));
        assert_eq!(body["errorCode"], "WSG-400");
    }
    assert_eq!(wire.everything().await, [], "it stays open");

    for _ in 0..13 {
        wire.text("nonsense").await;
    }
    while let Seen::Frame(..) = wire.see().await {}
    assert_eq!(rig.desk.seen.lock().len(), 0);
}

#[tokio::test]
async fn need_23_binary_messages_end_the_socket_with_1003() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.send(0x82, b"[]").await;

    let Seen::Close(1003, _) = wire.next().await else { panic!("not closed") };
}

#[tokio::test]
async fn a_message_beyond_the_limit_ends_the_socket_with_1009() {
    let websocket = WebsocketConfig { message_max: 1000, ..config().websocket };
    let rig = Rig::with(crate::DeliveryConfig { websocket, ..config() }).await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.send(0x81, &[b' '; 1001]).await;

    let Seen::Close(1009, _) = wire.next().await else { panic!("not closed") };
}

#[tokio::test]
async fn a_client_that_closes_gets_its_code_back_and_its_pings_are_answered() {
    let rig = Rig::new().await;
    let (mut wire, _, _) = rig.open("a").await;
    wire.send(0x89, b"hello?").await;
    assert_eq!(wire.see().await, Seen::Pong(b"hello?".to_vec()));
    wire.send(0x88, &4000u16.to_be_bytes()).await;

    assert_eq!(wire.next().await, Seen::Close(4000, String::new()));
    assert_eq!(wire.next().await, Seen::End);
}

#[tokio::test]
async fn a_log_in_has_as_many_sockets_as_it_may_have() {
    let websocket = WebsocketConfig { sockets_per_session_max: 2, ..config().websocket };
    let rig = Rig::with(crate::DeliveryConfig { websocket, ..config() }).await;
    let (first, _, _) = rig.open("a").await;
    let (_second, _, _) = rig.open("a").await;

    let mut third = Wire::open(rig.address, "access_token=a").await;
    assert_eq!(third.frame().await.1["errorCode"], "WSG-429");
    let Seen::Close(1008, _) = third.next().await else { panic!("not closed") };
    let (_other, _, _) = rig.open("b").await;

    drop((first, third));
    crate::stage::until("a socket is counted out", || rig.sockets.context.roster.sockets() <= 2)
        .await;
    let (_again, _, _) = rig.open("a").await;
}

#[tokio::test]
async fn a_full_server_says_so_and_closes_with_1013() {
    let websocket = WebsocketConfig { sockets_max: 1, ..config().websocket };
    let rig = Rig::with(crate::DeliveryConfig { websocket, ..config() }).await;
    let (_first, _, _) = rig.open("a").await;

    let mut second = Wire::open(rig.address, "access_token=b").await;
    assert_eq!(second.frame().await.0["status"], 503);
    let Seen::Close(1013, _) = second.next().await else { panic!("not closed") };
    assert!(rig.desk.is_alive.load(Ordering::SeqCst));
}
