//! Making, replacing, showing and ending subscriptions; what receivers of webhooks get.

use std::collections::BTreeSet;

use lampfield_contract::parse_timestamp;
use serde_json::{Value, json};

use crate::house::{ANNA, BEN, text};
use crate::receiver::Receiver;
use crate::server::{SUBSCRIPTION, Server, over_socket};
use crate::{ACCOUNT, say};

const PATH: &str = "/restapi/v1.0/subscription";

#[tokio::test]
async fn checklist_11_a_second_subscription_replaces_the_first_and_what_is_gone_is_404() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let mut client = server.open_as(ANNA).await;
    let first = text(&client.subscribe(&[ACCOUNT]).await[1], "id");
    let second = text(&client.subscribe(&[ACCOUNT]).await[1], "id");
    assert_ne!(first, second);
    say(&server, &token, ANNA, "Busy").await;
    assert_eq!(client.told().await[1]["subscriptionId"], second);

    let put = over_socket(&[ACCOUNT]);
    let gone =
        client.call("PUT", &format!("{SUBSCRIPTION}{first}"), Value::Null, put.clone()).await;
    assert_eq!((&gone[0]["status"], &gone[1]["errorCode"]), (&json!(404), &json!("CMN-102")));
    let one = format!("{SUBSCRIPTION}{second}");
    let ended = client.call("DELETE", &one, Value::Null, Value::Null).await;
    assert_eq!((&ended[0]["status"], ended.get(1)), (&json!(204), None));
    say(&server, &token, ANNA, "Available").await;
    for method in ["PUT", "GET", "DELETE"] {
        // Whatever was told of the change would stand before this answer.
        let gone = client.call(method, &one, Value::Null, put.clone()).await;
        assert_eq!(gone[0]["status"], 404, "{method}");
        assert!(gone[1]["message"].is_string(), "{method}");
    }
    let unknown = format!("{PATH}/00000000-0000-4000-8000-000000000000");
    server.get(&token, &unknown).await.expect(404);
    let notified = client.heard.iter().filter(|it| it.contains("ServerNotification")).count();
    assert_eq!(notified, 1, "need 2: nothing after the 204");
}

/// What one client does with a list of filters before it compares it with its own.
fn normalised(filters: &Value) -> BTreeSet<String> {
    let ids = |filter: &str| {
        let mut parts: Vec<&str> = filter.split('/').collect();
        for at in 1..parts.len() {
            let is_id = parts[at].bytes().all(|it| it.is_ascii_digit()) && !parts[at].is_empty();
            if is_id && ["account", "extension"].contains(&parts[at - 1]) {
                parts[at] = "~";
            }
        }
        parts.join("/").replace("&totalActiveCalls", "")
    };
    filters.as_array().unwrap().iter().map(|it| ids(it.as_str().unwrap())).collect()
}

#[tokio::test]
async fn checklist_20_the_filters_that_are_returned_are_those_that_were_asked_for() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let asked = [
        "/restapi/v1.0/account/~/presence",
        "/restapi/v1.0/account/~/presence?detailedTelephonyState=true",
        "/restapi/v1.0/account/~/extension/~/presence",
        "/restapi/v1.0/account/~/extension/~/presence?detailedTelephonyState=true&sipData=true&totalActiveCalls",
        "/restapi/v1.0/account/~/extension/~/message-store",
        "/restapi/v1.0/account/~/extension/~/message-store/instant?type=SMS",
        "/restapi/v1.0/account/~/extension/~/telephony/sessions",
        "/restapi/v1.0/account/~/extension/~/missed-calls",
        "/restapi/v1.0/account/~/directory/contacts",
        "/restapi/v1.0/glip/posts",
        "/team-messaging/v1/posts",
    ];
    let made = server.call(&token, "POST", PATH, &receiver.body(&asked)).await.expect(200).json();
    assert!(made.get("disabledFilters").is_none(), "{made}");
    assert_eq!(normalised(&made["eventFilters"]), normalised(&json!(asked)));

    let mut client = server.open_as(ANNA).await;
    let over = client.subscribe(&asked).await;
    assert_eq!(normalised(&over[1]["eventFilters"]), normalised(&json!(asked)));
    let one = format!("{SUBSCRIPTION}{}", text(&over[1], "id"));
    let put = client.call("PUT", &one, Value::Null, over_socket(&asked)).await;
    assert_eq!(put[1]["eventFilters"], over[1]["eventFilters"], "asked again, answered the same");
}

#[tokio::test]
async fn checklist_23_creation_answers_200_with_a_life_in_whole_seconds_and_a_date() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let made = server.call(&token, "POST", PATH, &receiver.body(&[ACCOUNT])).await;
    let made = made.expect(200).json();
    check_life(&made, &server, 3599);
    let one = format!("{PATH}/{}", text(&made, "id"));
    server.house.wait(1000);
    let shown = server.get(&token, &one).await.expect(200).json();
    assert_eq!(shown["expiresIn"], 2599);
    assert_eq!(shown["expirationTime"], made["expirationTime"]);
    // A renewal grants the life that was chosen, an empty PUT the usual one.
    for (method, path, life) in [("POST", format!("{one}/renew"), 3599), ("PUT", one, 604_799)] {
        server.house.wait(10);
        let renewed = server.call(&token, method, &path, "").await.expect(200).json();
        check_life(&renewed, &server, life);
        assert_ne!(renewed["expirationTime"], made["expirationTime"], "{method} {path}");
    }
}

fn check_life(shown: &Value, server: &Server, expires_in: i64) {
    assert_eq!(shown["expiresIn"].as_i64(), Some(expires_in), "{shown}");
    let moment = |name: &str| parse_timestamp(&text(shown, name)).unwrap();
    let left = moment("expirationTime").0 - server.house.state.now().0;
    assert_eq!(left.div_euclid(1000), expires_in + 1, "{shown}");
    assert!(moment("creationTime") <= server.house.state.now());
    for member in ["id", "uri", "status"] {
        assert!(shown[member].is_string(), "{member} in {shown}");
    }
}

#[tokio::test]
async fn need_25_subscriptions_of_sockets_have_their_expiry_fields_too() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    let made = client.subscribe(&[ACCOUNT]).await;

    check_life(&made[1], &server, 86_399);
    assert_eq!(made[1]["status"], "Active");
}

#[tokio::test]
async fn checklist_24_receivers_get_the_validation_token_once_and_the_verification_token_always() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    for name in ["verificationToken", "validationToken"] {
        let before = receiver.count();
        let delivery =
            json!({ "transportType": "WebHook", "address": receiver.address, (name): "mine" });
        let body = json!({ "eventFilters": [ACCOUNT], "deliveryMode": delivery }).to_string();
        let made = server.call(&token, "POST", PATH, &body).await.expect(200).json();
        let handshake = receiver.after(before).await;
        assert!(handshake.head.starts_with("POST /hook "), "{}", handshake.head);
        assert!(handshake.header("validation-token").is_some_and(|it| it.len() >= 16));
        assert!(handshake.body.is_empty());
        assert!(made["deliveryMode"].get(name).is_none(), "write-only");

        for (at, status) in ["Busy", "Available"].into_iter().enumerate() {
            say(&server, &token, ANNA, status).await;
            let told = receiver.after(before + 1 + at).await;
            assert_eq!(told.header("verification-token"), Some("mine"));
            assert_eq!(told.header("validation-token"), None, "samples would swallow the event");
            assert_eq!(told.json()["subscriptionId"], made["id"]);
            assert!(told.header("content-type").unwrap().starts_with("application/json"));
        }
        let one = format!("{PATH}/{}", text(&made, "id"));
        server.call(&token, "DELETE", &one, "").await.expect(204);
    }
}

#[tokio::test]
async fn need_26_pubnub_and_other_dead_transports_are_refused() {
    let server = Server::new().await;
    let token = server.house.log_in(BEN).await;
    for transport in ["PubNub", "RC/APNS", "RC/GCM", "WebSocket"] {
        let mode = json!({ "transportType": transport, "encryption": true });
        let body = json!({ "eventFilters": [ACCOUNT], "deliveryMode": mode }).to_string();
        let refused = server.call(&token, "POST", PATH, &body).await.expect(400).json();
        assert_eq!(refused["errorCode"], "CMN-101", "{transport}");
        assert_eq!(refused["parameterName"], "deliveryMode.transportType", "{transport}");
    }
    assert!(server.house.state.registry.subscriptions().is_empty());
}
