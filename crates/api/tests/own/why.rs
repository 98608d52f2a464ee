//! Why a presence is what it is, now and then.

use serde_json::{Value, json};

use crate::house::{ANNA, BEN};
use crate::{ADMIN, INGEST, READ, open, path, ring};

const WHY: &str = "/extensions/1001/why";

#[tokio::test]
async fn an_extension_that_never_changed_has_nothing_to_explain() {
    let house = open().await;
    let why = house.get(READ, &path(WHY)).await.expect(200).json();

    assert_eq!(why["extension"], json!({ "id": "1001", "number": "101", "name": "Person 1001" }));
    assert_eq!(why["rule"]["name"], "otherwise");
    assert_eq!(
        (&why["sequence"], &why["at"], &why["cause"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(why["presence"]["presenceStatus"], "Available");
    assert_eq!(why["presence"].get("sequence"), None);
    assert_eq!(why["claims"], json!([]));
}

#[tokio::test]
async fn the_rule_the_claims_and_the_cause_are_told() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "c1", "CallConnected").await;
    house.wait(10);
    let meeting = path("/sources/meet/extensions/1001/meetings/m");
    house.call(INGEST, "PUT", &meeting, r#"{"meetingStatus":"Connected"}"#).await.expect(200);
    let why = house.get(READ, &path(WHY)).await.expect(200).json();

    assert_eq!(why["rule"]["name"], "on-call");
    assert_eq!(why["since"]["presence"], "2027-01-15T08:00:00.000Z");
    assert_eq!(why["at"], "2027-01-15T08:00:10.000Z");
    assert_eq!(why["until"], "2027-01-15T12:00:00.000Z");
    assert_eq!(why["cause"], json!({ "act": "published", "source": "meet", "claim": "m" }));
    assert_eq!(why["presence"]["sequence"], 2);
    assert_eq!(
        why["visibleTo"],
        json!({ "everybody": true, "callers": "everybody", "permitted": [] })
    );
    let claims: Vec<_> = why["claims"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (it["kind"].as_str().unwrap(), it["value"].as_str().unwrap(), it["decides"] == true)
        })
        .collect();
    assert_eq!(claims, [("meeting", "Connected", false), ("call", "CallConnected", true)]);
}

#[tokio::test]
async fn a_past_sequence_is_explained_as_it_was() {
    let house = open().await;
    ring(&house, "pbx", BEN, "b", "Ringing").await;
    ring(&house, "pbx", ANNA, "a", "CallConnected").await;
    house
        .call(ADMIN, "PUT", &path("/extensions/1001/presence"), r#"{"userStatus":"Offline"}"#)
        .await
        .expect(200);
    let at = async |sequence: u64| {
        house.get(READ, &path(&format!("{WHY}?sequence={sequence}"))).await.expect(200).json()
    };

    assert_eq!(at(3).await["rule"]["name"], "user-offline");
    let second = at(2).await;
    assert_eq!((&second["rule"]["name"], &second["sequence"]), (&json!("on-call"), &json!(2)));
    assert_eq!(second["position"], format!("{}-2", house.state.journal.epoch().0));
    let first = at(1).await;
    assert_eq!((&first["rule"]["name"], &first["sequence"]), (&json!("otherwise"), &Value::Null));

    let ahead = house.get(READ, &path(&format!("{WHY}?sequence=4"))).await;
    assert_eq!(ahead.verdict(), (400, "CMN-101".to_owned()));
    let word = house.get(READ, &path(&format!("{WHY}?sequence=x"))).await;
    assert_eq!(word.verdict(), (400, "CMN-101".to_owned()));
}

#[tokio::test]
async fn what_is_trimmed_is_told_with_the_oldest_that_is_kept() {
    let house = open().await;
    for status in ["Ringing", "CallConnected", "OnHold", "CallConnected", "OnHold"] {
        ring(&house, "pbx", ANNA, "a", status).await;
    }
    house.journal.trim(lampfield_core::Timestamp(0), 2);
    let at =
        async |sequence: u64| house.get(READ, &path(&format!("{WHY}?sequence={sequence}"))).await;

    assert_eq!(at(5).await.expect(200).json()["presence"]["telephonyStatus"], "OnHold");
    assert_eq!(at(4).await.expect(200).json()["presence"]["telephonyStatus"], "CallConnected");
    let gone = at(3).await;
    assert_eq!(gone.verdict(), (404, "CMN-102".to_owned()));
    assert!(
        gone.json()["message"].as_str().unwrap().contains("the oldest that is kept is 4 of 2027")
    );
}

#[tokio::test]
async fn callers_are_shown_to_those_who_may_see_them() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "c1", "CallConnected").await;
    let nobody = r#"{"callerIdVisibility":"None"}"#;
    house.call(ADMIN, "PUT", &path("/extensions/1001/presence"), nobody).await.expect(200);
    let (ben, anna) = (house.log_in(BEN).await, house.log_in(ANNA).await);
    let claim = async |token: &str| {
        house.get(token, &path(WHY)).await.expect(200).json()["claims"][0].clone()
    };

    assert_eq!(claim(&anna).await["from"], "+16505550199");
    assert_eq!(claim(READ).await["fromName"], "Grace");
    let masked = claim(&ben).await;
    assert_eq!((masked.get("from"), masked.get("fromName")), (None, None));
    assert_eq!(masked["value"], "CallConnected");
}

#[tokio::test]
async fn a_renewed_lease_shows_its_true_end() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "c1", "CallConnected").await;
    house.wait(30);
    ring(&house, "pbx", ANNA, "c1", "CallConnected").await;

    let why = house.get(READ, &path(WHY)).await.expect(200).json();

    assert_eq!(why["claims"][0]["expiresAt"], "2027-01-15T12:00:30.000Z");
    assert_eq!(why["claims"][0]["observedAt"], "2027-01-15T08:00:30.000Z");
    assert_eq!(why["claims"][0]["since"], "2027-01-15T08:00:00.000Z");
}

#[tokio::test]
async fn the_past_is_closed_to_whomever_the_present_is() {
    let house = open().await;
    ring(&house, "pbx", ANNA, "c1", "CallConnected").await;
    let (ben, anna) = (house.log_in(BEN).await, house.log_in(ANNA).await);
    let set = async |body: &str| {
        house.call(ADMIN, "PUT", &path("/extensions/1001/presence"), body).await.expect(200);
    };
    let at = async |token: &str, sequence: u64| {
        house.get(token, &path(&format!("{WHY}?sequence={sequence}"))).await
    };
    let hidden = (403, "CMN-408".to_owned());

    set(r#"{"callerIdVisibility":"None"}"#).await;
    let masked = at(&ben, 1).await.expect(200).json()["claims"][0].clone();
    assert_eq!((masked.get("from"), masked.get("fromName")), (None, None));
    assert_eq!(at(&anna, 1).await.expect(200).json()["claims"][0]["from"], "+16505550199");

    set(r#"{"allowSeeMyPresence":false}"#).await;
    assert_eq!(at(&ben, 1).await.verdict(), hidden);
    assert_eq!(at(READ, 1).await.expect(200).json()["rule"]["name"], "on-call");

    set(r#"{"allowSeeMyPresence":true}"#).await;
    assert_eq!(at(&ben, 1).await.expect(200).json()["rule"]["name"], "on-call");
    assert_eq!(at(&ben, 3).await.verdict(), hidden, "what was hidden then stays hidden");
}
