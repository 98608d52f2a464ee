//! Snapshots, streams and the health of receivers.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::json;

use crate::house::{ANNA, BEN};
use crate::listener::Stream;
use crate::{ADMIN, BOUND, READ, open, path, ring};

#[tokio::test]
async fn a_snapshot_is_stamped_and_need_not_be_read_twice() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "1", "CallConnected").await;
    let first = house.get(READ, &path("/snapshot?detail=detailed")).await.expect(200);
    let body = first.json();
    let tag = first.headers["etag"].to_str().unwrap().to_owned();

    assert_eq!(tag, format!("\"{}\"", body["position"].as_str().unwrap()));
    assert_eq!((&body["sequence"], &body["account"]), (&json!(1), &json!("1000")));
    assert_eq!(body["records"].as_array().map(Vec::len), Some(5));
    let anna = &body["records"][0];
    assert_eq!(anna["extension"]["number"], "101");
    assert_eq!(anna["presence"]["activeCalls"][0]["from"], "+16505550199");
    assert_eq!(anna["rule"], "on-call");
    assert_eq!(body["records"][1]["presence"].get("sequence"), None, "it never changed");

    let again = async |tag: &str| {
        let request = Request::builder()
            .uri(path("/snapshot"))
            .header("authorization", format!("Bearer {READ}"))
            .header("if-none-match", tag.to_owned());
        house.send(request.body(Body::empty()).unwrap()).await
    };
    let unchanged = again(&tag).await.expect(304);
    assert!(unchanged.bytes.is_empty());
    ring(&house, "pbx", ANNA, "1", "OnHold").await;
    again(&tag).await.expect(200);
    let wrong = house.get(READ, &path("/snapshot?detail=full")).await;
    assert_eq!(wrong.verdict(), (400, "CMN-101".to_owned()));
}

#[tokio::test]
async fn a_stream_begins_with_a_picture_and_goes_on_exactly_after_it() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "1", "Ringing").await;
    let mut stream = Stream::open(&house, READ, "", None).await;
    let (id, picture) = stream.next("snapshot").await;
    assert_eq!(id.as_deref(), picture["position"].as_str());
    assert_eq!(picture["records"].as_array().map(Vec::len), Some(5));

    ring(&house, "pbx", ANNA, "1", "CallConnected").await;
    let (second, event) = stream.next("presence").await;
    assert_eq!(event["body"]["sequence"], 2);
    assert_eq!(event["lampfield"]["number"], "101");
    drop(stream);
    ring(&house, "pbx", ANNA, "1", "OnHold").await;
    ring(&house, "pbx", BEN, "1", "Ringing").await;

    // Whoever comes back reads on, whatever the query of the first request said.
    let mut resumed = Stream::open(&house, READ, "?after=1-0", second.as_deref()).await;
    let sequences = [resumed.next("presence").await, resumed.next("presence").await]
        .map(|(_, event)| event["body"]["sequence"].as_u64().unwrap());
    assert_eq!(sequences, [3, 4]);
}

#[tokio::test]
async fn a_place_of_another_log_is_answered_with_a_reset_and_a_picture() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "1", "Ringing").await;
    let mut stream = Stream::open(&house, READ, "?after=1-1", None).await;

    stream.next("reset").await;
    let (_, picture) = stream.next("snapshot").await;
    assert_eq!(picture["sequence"], 1);
    let wrong = house.get(READ, &path("/stream?after=x")).await;
    assert_eq!(wrong.verdict(), (400, "CMN-101".to_owned()));
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_removed() {
    let house = open().await;
    let made = r#"{"name":"Board","role":"read"}"#;
    let made = house.call(ADMIN, "POST", "/lampfield/v1/keys", made).await.expect(201).json();
    let mut stream = Stream::open(&house, made["key"].as_str().unwrap(), "", None).await;
    stream.next("snapshot").await;
    let one = format!("/lampfield/v1/keys/{}", made["id"].as_str().unwrap());
    house.call(ADMIN, "DELETE", &one, "").await.expect(204);

    ring(&house, "pbx", ANNA, "1", "Ringing").await;

    let end = tokio::time::timeout(Duration::from_secs(10), stream.body.frame()).await;
    assert!(end.expect("it ends").is_none(), "nothing is told any more");
}

#[tokio::test]
async fn people_stream_what_they_may_see() {
    let house = open().await;
    let hide = r#"{"allowSeeMyPresence":false}"#;
    house.call(ADMIN, "PUT", &path("/extensions/1002/presence"), hide).await.expect(200);
    let anna = house.log_in(ANNA).await;
    let mut stream = Stream::open(&house, &anna, "?snapshot=false", None).await;
    // The preamble is there: changes are told from here on.
    stream.body.frame().await.unwrap().unwrap();

    ring(&house, "pbx", BEN, "1", "CallConnected").await;
    ring(&house, "pbx", ANNA, "1", "Ringing").await;

    let (_, event) = stream.next("presence").await;
    assert_eq!(event["body"]["extensionId"], "1001", "the hidden one is not told of");
    assert_eq!(event["ownerId"], "1001");
}

#[tokio::test]
async fn the_health_of_a_receiver_is_for_its_maker_and_for_administrators() {
    let house = open().await;
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let echo = axum::Router::new().fallback(async |request: Request<Body>| {
            let mut headers = http::HeaderMap::new();
            if let Some(token) = request.headers().get("validation-token") {
                headers.insert("validation-token", token.clone());
            }
            (headers, "")
        });
        axum::serve(listener, echo).await.unwrap();
    });
    let body = json!({
        "eventFilters": ["/restapi/v1.0/account/~/presence"],
        "deliveryMode": { "transportType": "WebHook", "address": address },
    });
    let made = house.call(&anna, "POST", "/restapi/v1.0/subscription", &body.to_string()).await;
    let id = made.expect(200).json()["id"].as_str().unwrap().to_owned();
    ring(&house, "pbx", ANNA, "1", "Ringing").await;
    let health = format!("/lampfield/v1/subscriptions/{id}/health");

    for _ in 0..200 {
        let shown = house.get(&anna, &health).await.expect(200).json();
        if shown["delivered"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown = house.get(&anna, &health).await.expect(200).json();
    assert_eq!((&shown["delivered"], &shown["status"]), (&json!(1), &json!("Active")));
    assert_eq!(shown["recent"][0]["status"], 200);
    for token in [ADMIN, BOUND] {
        house.get(token, &health).await.expect(200);
    }
    assert_eq!(house.get(READ, &health).await.status, 403);
    assert_eq!(house.get(&ben, &health).await.status, 404);
    let unknown = "/lampfield/v1/subscriptions/nonsense/health";
    assert_eq!(house.get(ADMIN, unknown).await.status, 404);
}
