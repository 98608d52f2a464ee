//! Claims one by one and by the batch; choices of people.

use lampfield_core::{MeetingStatus, PresenceStatus, TelephonyStatus, UserStatus};
use serde_json::{Value, json};

use crate::house::{ANNA, BEN, QUEUE, SLOT, document, key};
use crate::{ADMIN, INGEST, READ, open, path, ring, send};

fn call_path(extension: &str, id: &str) -> String {
    path(&format!("/sources/pbx/extensions/{extension}/calls/{id}"))
}

#[tokio::test]
async fn a_call_is_reported_repeated_and_ended() {
    let house = open().await;
    let first = ring(&house, "pbx", ANNA, "c1", "CallConnected").await;

    assert_eq!((&first["changed"], &first["sequence"]), (&json!(true), &json!(1)));
    let epoch = house.state.journal.epoch().0;
    assert_eq!(first["position"], format!("{epoch}-1"));
    assert_eq!(first["presence"]["presenceStatus"], "Busy");
    assert_eq!(first["presence"]["activeCalls"][0]["from"], "+16505550199");
    let again = ring(&house, "pbx", ANNA, "c1", "CallConnected").await;
    assert_eq!((&again["changed"], &again["sequence"]), (&json!(false), &json!(1)));

    let over = r#"{"telephonyStatus":"NoCall"}"#;
    let over = house.call(INGEST, "PUT", &call_path("n:101", "c1"), over).await.expect(200).json();
    assert_eq!((&over["changed"], &over["sequence"]), (&json!(true), &json!(2)));
    assert_eq!(over["presence"]["telephonyStatus"], "NoCall");
    assert_eq!(over["presence"]["totalActiveCalls"], 0);
    let gone = house.call(INGEST, "DELETE", &call_path("1001", "c1"), "").await.expect(200).json();
    assert_eq!(gone["changed"], false, "taking back twice is not wrong");
}

#[tokio::test]
async fn meetings_registrations_and_dnd_have_their_own_lists() {
    let house = open().await;
    let put = async |list: &str, body: &str| {
        let path = path(&format!("/sources/meet/extensions/1001/{list}/1"));
        house.call(INGEST, "PUT", &path, body).await.expect(200).json()
    };
    let meeting = put("meetings", r#"{"meetingStatus":"Connected"}"#).await;
    assert_eq!(meeting["presence"]["meetingStatus"], "Connected");
    assert_eq!(put("registrations", r#"{"registered":true}"#).await["changed"], true);
    let dnd = put("dnd", r#"{"dndStatus":"DoNotAcceptAnyCalls"}"#).await;
    assert_eq!(dnd["presence"]["dndStatus"], "DoNotAcceptAnyCalls");
    assert_eq!(document(&house, ANNA).claims.len(), 3, "the same id in each list is three things");

    let path = path("/sources/meet/extensions/1001/meetings/1");
    house.call(INGEST, "DELETE", &path, "").await.expect(200);
    let left = document(&house, ANNA);
    assert_eq!((left.claims.len(), left.meeting), (2, MeetingStatus::Disconnected));
}

#[tokio::test]
async fn ids_with_odd_characters_are_taken_from_the_path() {
    let house = open().await;
    let path = call_path("1001", "a%2Fb%3Ac%40d");
    let body = r#"{"telephonyStatus":"Ringing","direction":"Inbound"}"#;
    house.call(INGEST, "PUT", &path, body).await.expect(200);

    assert_eq!(document(&house, ANNA).claims[0].id.as_str(), "a/b:c@d");
}

#[tokio::test]
async fn bad_reports_are_refused_and_nothing_is_lost() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "c1", "CallConnected").await;
    let good = r#"{"telephonyStatus":"Ringing","direction":"Inbound"}"#;
    let long = "x".repeat(70_000);
    for (path, body, status, code) in [
        (call_path("1001", "c1"), "{", 400, "CMN-103"),
        (call_path("1001", "c1"), r#"{"telephonyStatus":"Talking"}"#, 400, "CMN-101"),
        (call_path("1001", "c1"), &long, 413, "CMN-104"),
        (call_path("9999", "c1"), good, 404, "CMN-102"),
        (call_path("2001", "c1"), good, 404, "CMN-102"),
        (call_path("1600", "c1"), good, 403, "CMN-403"),
        (call_path("1001", "a%20b"), good, 400, "CMN-101"),
        (path("/sources/manual/extensions/1001/calls/1"), good, 400, "CMN-101"),
        (path("/sources/pbx/extensions/1001/faxes/1"), good, 404, "CMN-120"),
    ] {
        let reply = house.call(INGEST, "PUT", &path, body).await;
        assert_eq!(
            reply.verdict(),
            (status, code.to_owned()),
            "{path} {}",
            &body[..20.min(body.len())]
        );
    }
    assert_eq!(house.call(INGEST, "POST", &call_path("1001", "c1"), good).await.status, 405);
    assert_eq!(document(&house, ANNA).telephony, TelephonyStatus::CallConnected);
    assert_eq!(house.state.journal.head(key(ANNA).account).sequence.0, 1);
}

#[tokio::test]
async fn a_park_slot_shows_calls_and_nothing_else() {
    let house = open().await;
    let parked = ring(&house, "pbx", SLOT, "p", "ParkedCall").await;
    assert_eq!(parked["presence"]["presenceStatus"], "Offline");
    assert_eq!(document(&house, SLOT).telephony, TelephonyStatus::ParkedCall);

    let path = path(&format!("/sources/meet/extensions/{SLOT}/meetings/1"));
    let reply = house.call(INGEST, "PUT", &path, r#"{"meetingStatus":"Connected"}"#).await;
    assert_eq!(reply.verdict(), (403, "CMN-403".to_owned()));
}

#[tokio::test]
async fn a_bad_line_of_a_batch_harms_no_other() {
    let house = open().await;
    let body = concat!(
        r#"{"extension":"1001","call":{"id":"1","telephonyStatus":"Ringing","direction":"Inbound"}}"#,
        "\n",
        "not json\r\n",
        "\n",
        r#"{"extension":"n:102","meeting":{"id":"m","meetingStatus":"Connected"}}"#,
        "\r\n",
        r#"{"extension":"4711","dnd":{"id":"d","dndStatus":"TakeAllCalls"}}"#,
        "\n",
        r#"{"extension":"1001","call":{"id":"2"}}"#,
        "\n",
        r#"{"extension":"1600","registration":{"id":"r","registered":true}}"#,
        "\n",
        r#"{"extension":"1001","call":{"id":"1"},"dnd":{"id":"1"}}"#,
        "\n",
        r#"{"extension":"1001","call":{"id":"1"},"withdraw":true}"#,
    );
    let reply =
        send(&house, INGEST, "POST", &path("/sources/pbx/batch"), "application/x-ndjson", body)
            .await
            .expect(200);

    assert_eq!(reply.headers["content-type"], "application/x-ndjson");
    let lines: Vec<Value> = String::from_utf8(reply.bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = lines
        .iter()
        .map(|it| (it["line"].as_u64().unwrap(), it["errorCode"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        told,
        [
            (1, ""),
            (2, "CMN-103"),
            (4, ""),
            (5, "CMN-102"),
            (6, "CMN-101"),
            (7, "CMN-403"),
            (8, "CMN-101"),
            (9, ""),
        ]
    );
    let sequences: Vec<_> = lines.iter().filter_map(|it| it["sequence"].as_u64()).collect();
    assert_eq!(sequences, [1, 2, 3]);
    assert_eq!(document(&house, BEN).presence, PresenceStatus::Busy);
    assert_eq!(document(&house, ANNA).telephony, TelephonyStatus::NoCall);
}

#[tokio::test]
async fn a_batch_is_bounded_in_bytes_and_lines() {
    let house = open().await;
    let post = async |body: &str| {
        let path = path("/sources/pbx/batch");
        send(&house, INGEST, "POST", &path, "application/x-ndjson", body).await
    };

    assert_eq!(post(&"x\n".repeat(10_001)).await.status, 413);
    assert_eq!(post(&"x".repeat((1 << 20) + 1)).await.status, 413);
    assert_eq!(
        post(&"x\n".repeat(10_000)).await.expect(200).bytes.split(|b| *b == b'\n').count(),
        10_001
    );
    assert!(post("").await.expect(200).bytes.is_empty());
}

#[tokio::test]
async fn a_batch_that_the_store_cannot_take_is_to_be_sent_again() {
    let house = open().await;
    house.full(true);
    let line = r#"{"extension":"1001","call":{"id":"1","telephonyStatus":"Ringing","direction":"Inbound"}}"#;
    let reply = send(&house, INGEST, "POST", &path("/sources/pbx/batch"), "text/plain", line).await;

    assert_eq!(reply.verdict(), (503, "CMN-201".to_owned()));
    assert!(reply.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn choices_may_have_an_end() {
    let house = open().await;
    let put =
        async |body: &str| house.call(ADMIN, "PUT", &path("/extensions/1001/presence"), body).await;
    let timed =
        put(r#"{"userStatus":"Busy","message":"lunch","forSeconds":60}"#).await.expect(200).json();
    assert_eq!(timed["presence"]["userStatus"], "Busy");
    let why = house.get(READ, &path("/extensions/1001/why")).await.expect(200).json();
    assert_eq!(why["rule"]["name"], "user-busy");
    assert_eq!(why["until"], "2027-01-15T08:01:00.000Z");

    house.wait(60);
    for _ in 0..200 {
        if document(&house, ANNA).user == UserStatus::Available {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let after = document(&house, ANNA);
    assert_eq!(
        (after.user, after.settings.message.as_deref()),
        (UserStatus::Available, Some("lunch"))
    );

    for (body, parameter) in [
        (r#"{"userStatus":"Busy","forSeconds":0}"#, "forSeconds"),
        (r#"{"userStatus":"Busy","until":"2020-01-01"}"#, "until"),
        (r#"{"userStatus":"Busy","until":"2127-01-01T00:00:00Z"}"#, "until"),
        (r#"{"userStatus":"Busy","until":"2027-01-16T00:00:00Z","forSeconds":9}"#, "until"),
        (r#"{"message":"x","forSeconds":9}"#, "forSeconds"),
        (r#"{"userStatus":"Away"}"#, "userStatus"),
        (r#"{"permitted":["4711"]}"#, "permitted"),
    ] {
        let reply = put(body).await.expect(400);
        assert_eq!(reply.json()["parameterName"], parameter, "{body}");
    }
}

#[tokio::test]
async fn only_people_have_choices_and_only_members_refuse_queues() {
    let house = open().await;
    let of = |user: u64| path(&format!("/extensions/{user}/presence"));
    let refuse = r#"{"dndStatus":"DoNotAcceptDepartmentCalls"}"#;

    house.call(ADMIN, "PUT", &of(ANNA), refuse).await.expect(200);
    let other = house.call(ADMIN, "PUT", &of(BEN), refuse).await.expect(400);
    assert_eq!(other.json()["parameterName"], "dndStatus");
    let queue = house.call(ADMIN, "PUT", &of(QUEUE), r#"{"userStatus":"Busy"}"#).await;
    assert_eq!(queue.verdict(), (403, "CMN-403".to_owned()));
    let list = r#"{"callerIdVisibility":"PermittedUsers","permitted":["n:102"]}"#;
    house.call(ADMIN, "PUT", &of(ANNA), list).await.expect(200);
    assert_eq!(&*document(&house, ANNA).settings.permitted, [key(BEN).extension]);
}
