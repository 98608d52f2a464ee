//! What notifications say.

use serde_json::{Value, json};

use crate::house::{ANNA, BEN, text};
use crate::server::{SUBSCRIPTION, Server, over_socket};
use crate::{ACCOUNT, ONESELF_SIP, say};

const CALLER: &str = "+12025550199";

#[tokio::test]
async fn checklist_10_notifications_name_the_subscription_over_changes_and_recovery() {
    let server = Server::new().await;
    let login = server.house.log_in(ANNA).await;
    let token = text(&server.wstoken(&login).await, "ws_access_token");
    let query = format!("?access_token={token}");
    let (mut client, _) = server.open_greeted(&query).await;
    let made = client.subscribe(&[ACCOUNT]).await;
    let id = made[1]["id"].clone();
    say(&server, &login, ANNA, "Busy").await;
    assert_eq!(client.told().await[1]["subscriptionId"], id);

    let one = format!("{SUBSCRIPTION}{}", text(&made[1], "id"));
    let changed = client.call("PUT", &one, Value::Null, over_socket(&[ACCOUNT, ONESELF_SIP])).await;
    assert_eq!(changed[1]["id"], id);
    say(&server, &login, ANNA, "Available").await;
    let told = client.told().await;
    assert_eq!(told[1]["subscriptionId"], id);

    drop(client);
    say(&server, &login, ANNA, "Busy").await;
    let wsc = text(&told[0]["wsc"], "token");
    let (mut client, hello) = server.open_greeted(&format!("{query}&wsc={wsc}")).await;
    assert_eq!(hello[1]["recoveryState"], "Successful");
    let missed = client.told().await;
    assert_eq!(missed[1]["subscriptionId"], id);
    assert_eq!(missed[1]["body"]["sequence"], 3);
}

#[tokio::test]
async fn checklist_13_the_event_names_its_flags_in_the_order_that_clients_match() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    let person = format!("/restapi/v1.0/account/~/extension/{ANNA}/presence");
    for (filter, flags) in [
        (ONESELF_SIP, "?detailedTelephonyState=true&sipData=true"),
        (
            "/account/~/extension/~/presence?sipData=true",
            "?detailedTelephonyState=true&sipData=true",
        ),
        (
            "/restapi/v1.0/account/~/extension/~/presence?totalActiveCalls&sipData=true&detailedTelephonyState=true",
            "?detailedTelephonyState=true&sipData=true",
        ),
        (
            "/restapi/v1.0/account/~/extension/~/presence?detailedTelephonyState=true",
            "?detailedTelephonyState=true",
        ),
        ("/restapi/v1.0/account/~/extension/~/presence", ""),
        (ACCOUNT, ""),
    ] {
        let made = client.subscribe(&[filter]).await;
        assert_eq!(made[0]["status"], 200, "{made}");
        server.house.toggle(ANNA).await;
        let told = client.told().await;
        assert_eq!(told[1]["event"], format!("{person}{flags}"), "{filter}");
    }
}

/// The ten fields of the founding document.
const FIELDS: [&str; 10] = [
    "extensionId",
    "telephonyStatus",
    "sequence",
    "presenceStatus",
    "userStatus",
    "meetingStatus",
    "dndStatus",
    "allowSeeMyPresence",
    "ringOnMonitoredCall",
    "pickUpCallsOnHold",
];

#[tokio::test]
async fn checklist_14_bodies_are_whole_and_detailed_ones_always_have_their_calls() {
    let server = Server::new().await;
    let token = server.house.log_in(BEN).await;
    for (filter, has_calls) in
        [(ACCOUNT.to_owned(), false), (format!("{ACCOUNT}?detailedTelephonyState=true"), true)]
    {
        let mut client = server.open_as(ANNA).await;
        client.subscribe(&[&filter]).await;
        // A change of what a person says: nothing of the phone, and still everything is told.
        for status in ["Busy", "Available"] {
            say(&server, &token, BEN, status).await;
            let body = client.told().await[1]["body"].clone();
            for field in FIELDS {
                assert!(body.get(field).is_some(), "{field} in {body}");
            }
            let calls = has_calls.then(|| (json!([]), json!(0)));
            let (listed, total) = calls.unzip();
            assert_eq!(body.get("activeCalls"), listed.as_ref());
            assert_eq!(body.get("totalActiveCalls"), total.as_ref());
            let count = FIELDS.len() + if has_calls { 2 } else { 0 };
            assert_eq!(body.as_object().unwrap().len(), count, "and nothing else: {body}");
        }
    }
}

#[tokio::test]
async fn checklist_14_a_call_that_ends_is_listed_once_more_as_ended() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    client.subscribe(&[&format!("{ACCOUNT}?detailedTelephonyState=true")]).await;
    server.house.call_comes_in(BEN, CALLER).await;
    let rings = client.told().await[1]["body"].clone();
    assert_eq!(
        (&rings["telephonyStatus"], &rings["totalActiveCalls"]),
        (&json!("Ringing"), &json!(1))
    );
    assert_eq!(rings["activeCalls"][0]["from"], CALLER);
    server.house.call_ends(BEN).await;

    let ends = client.told().await[1]["body"].clone();
    assert_eq!(
        (&ends["telephonyStatus"], &ends["totalActiveCalls"]),
        (&json!("NoCall"), &json!(1))
    );
    let call = &ends["activeCalls"][0];
    assert_eq!(
        (&call["telephonyStatus"], &call["terminationType"]),
        (&json!("NoCall"), &json!("final"))
    );
    let token = server.house.log_in(BEN).await;
    say(&server, &token, BEN, "Busy").await;
    assert_eq!(client.told().await[1]["body"]["activeCalls"], json!([]));
}

#[tokio::test]
async fn need_7_every_notification_bears_a_token_that_rises() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let mut client = server.open_as(ANNA).await;
    client.subscribe(&[ACCOUNT]).await;
    let mut last = 0;
    for status in ["Busy", "Available", "Busy"] {
        say(&server, &token, ANNA, status).await;
        let wsc = client.told().await[0]["wsc"].clone();
        assert!(wsc["sequence"].as_u64().unwrap() > last, "{wsc}");
        last = wsc["sequence"].as_u64().unwrap();
        assert!(i32::try_from(last).is_ok(), "one client reads it as int32");
    }
}
