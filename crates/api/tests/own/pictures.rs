//! Full pictures, and sources that are lost.

use lampfield_core::TelephonyStatus;
use serde_json::{Value, json};

use crate::house::{ANNA, BEN, CLEO, House, document};
use crate::{INGEST, READ, open, path, ring};

async fn show(house: &House, body: &Value) -> Value {
    let path = path("/sources/pbx/picture");
    house.call(INGEST, "PUT", &path, &body.to_string()).await.expect(200).json()
}

#[tokio::test]
async fn a_picture_withdraws_what_it_does_not_repeat() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "1", "CallConnected").await;
    ring(&house, "pbx", BEN, "2", "CallConnected").await;
    ring(&house, "other", BEN, "2", "OnHold").await;
    let call = json!({ "id": "3", "telephonyStatus": "Ringing", "direction": "Outbound" });
    let body = json!({ "extensions": [
        { "extension": "n:103", "calls": [call], "registrations": [{ "id": "d", "registered": true }] },
        { "extension": 1001, "calls": [{ "id": "1", "telephonyStatus": "CallConnected", "direction": "Inbound",
            "from": "+16505550199", "fromName": "Grace" }] },
        { "extension": "4711", "calls": [] },
    ]});

    let told = show(&house, &body).await;

    assert_eq!((&told["changed"], &told["withdrawn"]), (&json!(2), &json!(1)));
    assert_eq!(told["refused"][0]["extension"], "4711");
    assert_eq!(told["sequence"], 5);
    assert_eq!(document(&house, BEN).telephony, TelephonyStatus::OnHold);
    assert_eq!(document(&house, CLEO).telephony, TelephonyStatus::Ringing);
    let again = show(&house, &body).await;
    assert_eq!((&again["changed"], &again["withdrawn"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_picture_that_cannot_be_read_withdraws_nothing() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "1", "CallConnected").await;
    let bad = |part: Value| json!({ "extensions": [part] }).to_string();
    for (body, parameter) in [
        ("{}".to_owned(), "extensions"),
        (r#"{"extensions":{}}"#.to_owned(), "extensions"),
        (bad(json!([])), "extensions[0]"),
        (bad(json!({ "calls": [] })), "extensions[0].extension"),
        (
            bad(
                json!({ "extension": "1002", "calls": [{ "id": "1", "telephonyStatus": "Talking" }] }),
            ),
            "extensions[0].calls[0].telephonyStatus",
        ),
        (
            bad(json!({ "extension": "1002", "dnd": [{ "dndStatus": "TakeAllCalls" }] })),
            "extensions[0].dnd[0].id",
        ),
        (
            bad(json!({ "extension": "1002", "meetings": [
                { "id": "m", "meetingStatus": "Connected" }, { "id": "m", "meetingStatus": "Connected" },
            ]})),
            "extensions[0].meetings[1].id",
        ),
        (r#"{"extensions":[],"leaseSeconds":0}"#.to_owned(), "leaseSeconds"),
    ] {
        let reply =
            house.call(INGEST, "PUT", &path("/sources/pbx/picture"), &body).await.expect(400);
        assert_eq!(reply.json()["parameterName"], parameter, "{body}");
    }
    assert_eq!(document(&house, ANNA).telephony, TelephonyStatus::CallConnected);

    let nothing = show(&house, &json!({ "extensions": [] })).await;
    assert_eq!(nothing["withdrawn"], 1, "an empty list means that nothing is left");
}

#[tokio::test]
async fn a_lost_source_is_seen_as_lost_until_it_comes_back() {
    let house = open().await;
    let lost = path("/sources/pbx/lost");
    assert_eq!(house.call(INGEST, "POST", &lost, "").await.status, 404, "nobody knows it");
    ring(&house, "pbx", ANNA, "1", "CallConnected").await;
    let phase = async || {
        let sources = house.get(READ, &path("/sources")).await.expect(200).json();
        let one = sources["records"][0].clone();
        assert_eq!((&one["source"], &one["claims"]), (&json!("pbx"), &json!(1)));
        one["phase"].as_str().unwrap().to_owned()
    };
    assert_eq!(phase().await, "live");

    let report = house.call(INGEST, "POST", &lost, "").await.expect(200).json();

    assert_eq!(report["phase"], "lost");
    assert_eq!(phase().await, "lost");
    let why = house.get(READ, &path("/extensions/1001/why")).await.expect(200).json();
    assert_eq!(why["claims"][0]["stale"], true);
    ring(&house, "pbx", ANNA, "1", "CallConnected").await;
    assert_eq!(phase().await, "live");
}
