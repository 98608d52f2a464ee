//! How a socket opens, and the form of everything that comes over it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::house::{ANNA, BEN, text};
use crate::server::{Client, SUBSCRIPTION, Server, over_socket};
use crate::{ACCOUNT, say};

/// A request that a socket takes at any time.
const STATUS: &str = r#"[{"type":"ClientRequest","messageId":"early","method":"GET","path":"/restapi/v1.0/status"},""]"#;

#[tokio::test]
async fn checklist_02_the_address_has_no_query_and_the_token_is_taken_from_query_or_header() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let answer = server.wstoken(&token).await;
    let (uri, token) = (text(&answer, "uri"), text(&answer, "ws_access_token"));

    assert_eq!(uri, format!("ws://{}/ws", server.address), "followed as it is, nothing behind it");
    server.open_greeted(&format!("?access_token={token}")).await;
    let mut request = uri.into_client_request().unwrap();
    let header = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert("authorization", header);
    let hello = server.open_with(request).await.next().await.unwrap();
    assert_eq!(hello[0]["type"], "ConnectionDetails");
}

#[tokio::test]
async fn checklist_03_the_first_frame_is_connection_details_with_the_documented_figures() {
    let server = Server::new().await;
    let token = server.socket_token(ANNA).await;
    let mut client = server.open(&format!("?access_token={token}")).await;
    let hello = client.next().await.unwrap();

    let meta = &hello[0];
    assert_eq!((&meta["type"], &meta["status"]), (&json!("ConnectionDetails"), &json!(200)));
    assert_eq!(meta["headers"]["RCRequestId"], meta["messageId"]);
    assert!(meta["wsc"]["token"].is_string() && meta["wsc"]["sequence"].is_u64(), "{meta}");
    let mut details = hello[1].as_object().unwrap().clone();
    let created = details.remove("creationTime").unwrap();
    assert!(created.as_str().unwrap().ends_with("+0000"), "{created}");
    assert_eq!(
        Value::Object(details),
        json!({
            "maxConnectionsPerSession": 50, "recoveryBufferSize": 100, "recoveryTimeout": 180,
            "idleTimeout": 1800, "absoluteTimeout": 86_400, "maxActiveRequests": 10
        }),
        "and no recoveryState where nothing was to be recovered"
    );
}

#[tokio::test]
async fn checklist_04_requests_that_come_before_connection_details_wait_for_it() {
    let server = Server::new().await;
    let token = server.socket_token(ANNA).await;
    let mut client = server.open_and_send(&format!("?access_token={token}"), STATUS).await;

    assert_eq!(client.next().await.unwrap()[0]["type"], "ConnectionDetails");
    let answer = client.next().await.unwrap();
    assert_eq!((&answer[0]["messageId"], &answer[0]["status"]), (&json!("early"), &json!(200)));
}

/// Makes a socket say everything that it can say; returns its frames.
async fn everything(server: &Server) -> Vec<String> {
    let token = server.house.log_in(ANNA).await;
    let mut client = server.open_as(ANNA).await;
    let made = client.subscribe(&[ACCOUNT, crate::ONESELF_SIP]).await;
    let one = format!("{SUBSCRIPTION}{}", text(&made[1], "id"));
    server.house.call_comes_in(ANNA, "+12025550199").await;
    say(server, &token, ANNA, "Busy").await;
    for _ in 0..2 {
        client.told().await;
    }
    client.call("GET", ACCOUNT, json!({ "perPage": 2 }), Value::Null).await;
    client.call("GET", "/restapi/v1.0/nothing", Value::Null, Value::Null).await;
    client.say(r#"[{"type":"Heartbeat","messageId":"beat"}]"#).await;
    client.answer("beat").await;
    for broken in ["{", r#"[{"type":"ClientNotification","messageId":"odd"}]"#] {
        client.say(broken).await;
        assert_eq!(client.next().await.unwrap()[0]["type"], "Error");
    }
    let ended = client.call("DELETE", &one, Value::Null, Value::Null).await;
    assert_eq!(ended[0]["status"], 204);
    client.heard
}

#[tokio::test]
async fn checklist_05_all_json_is_compact() {
    for frame in everything(&Server::new().await).await {
        let read: Value = serde_json::from_str(&frame).unwrap();
        assert_eq!(frame, read.to_string(), "no space, no line break");
    }
}

#[tokio::test]
async fn checklist_06_there_are_five_types_of_frames_and_no_other() {
    let frames = everything(&Server::new().await).await;
    let types: BTreeSet<String> = frames
        .iter()
        .map(|frame| serde_json::from_str::<Value>(frame).unwrap()[0]["type"].clone())
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();

    let known = ["ClientRequest", "ConnectionDetails", "Error", "Heartbeat", "ServerNotification"];
    assert_eq!(types.iter().map(String::as_str).collect::<Vec<_>>(), known);
}

#[tokio::test]
async fn checklist_07_headers_are_always_there_and_all_of_them_are_texts() {
    for frame in everything(&Server::new().await).await {
        let meta = &serde_json::from_str::<Value>(&frame).unwrap()[0];
        if meta["type"] == "Heartbeat" {
            continue;
        }
        let headers = meta["headers"].as_object().unwrap_or_else(|| panic!("{meta}"));
        assert!(headers.values().all(Value::is_string), "{meta}");
    }
}

#[tokio::test]
async fn checklist_08_and_need_13_the_subscription_is_named_in_a_header_of_two_answers_only() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    let made = client.subscribe(&[ACCOUNT]).await;
    let id = made[1]["id"].clone();
    let one = format!("{SUBSCRIPTION}{}", text(&made[1], "id"));
    let header = |answer: &Value| answer[0]["headers"].get("WSG-SubscriptionId").cloned();
    assert_eq!(header(&made), Some(id.clone()));
    let changed = client.call("PUT", &one, Value::Null, over_socket(&[ACCOUNT])).await;
    assert_eq!(header(&changed), Some(id));

    for (method, path) in
        [("GET", one.as_str()), ("GET", SUBSCRIPTION), ("GET", ACCOUNT), ("DELETE", &one)]
    {
        let answer = client.call(method, path, Value::Null, Value::Null).await;
        assert_eq!(header(&answer), None, "{method} {path}");
    }
    let refused = client.subscribe(&["garbage"]).await;
    assert_eq!((&refused[0]["status"], header(&refused)), (&json!(400), None));
}

#[tokio::test]
async fn checklist_09_an_empty_text_null_and_nothing_are_no_body() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    let made = client.subscribe(&[ACCOUNT]).await;
    let one = format!("{SUBSCRIPTION}{}", text(&made[1], "id"));
    for body in [r#","""#, ",null", ""] {
        for (method, path) in [("PUT", one.as_str()), ("GET", ACCOUNT)] {
            client.say(request(method, path, "plain", body)).await;
            let answer = client.answer("plain").await;
            assert_eq!(answer[0]["status"], 200, "{method} {body}: {answer}");
        }
    }
}

fn request(method: &str, path: &str, id: &str, body: &str) -> String {
    format!(
        r#"[{{"type":"ClientRequest","messageId":"{id}","method":"{method}","path":"{path}"}}{body}]"#
    )
}

#[tokio::test]
async fn need_15_paths_may_end_with_a_slash_over_the_socket() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    let mut statuses = Vec::new();
    for path in ["/restapi/v1.0/subscription", "/restapi/v1.0/subscription/"] {
        let made = client.call("POST", path, Value::Null, over_socket(&[ACCOUNT])).await;
        statuses.push(made[0]["status"].clone());
        let one = format!("/restapi/v1.0/subscription/{}/", text(&made[1], "id"));
        let shown = client.call("GET", &one, Value::Null, Value::Null).await;
        statuses.push(shown[0]["status"].clone());
    }
    assert_eq!(statuses, [json!(200), json!(200), json!(200), json!(200)]);
}

#[tokio::test]
async fn need_17_booleans_are_read_as_python_and_json_write_them() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let path = format!("/restapi/v1.0/account/~/extension/{ANNA}/presence");
    for flag in ["True", "true", "TRUE"] {
        let query = format!("{path}?detailedTelephonyState={flag}");
        let shown = server.get(&token, &query).await.expect(200).json();
        assert_eq!(shown["activeCalls"], json!([]), "{flag}");
    }
    let shown = server.get(&token, &format!("{path}?detailedTelephonyState=False")).await;
    assert!(shown.expect(200).json().get("activeCalls").is_none());

    let mut client = server.open_as(ANNA).await;
    for (flag, has_calls) in [(json!(true), true), (json!("True"), true), (json!(false), false)] {
        let query = json!({ "detailedTelephonyState": flag, "perPage": 1 });
        let answer = client.call("GET", ACCOUNT, query, Value::Null).await;
        let records = answer[1]["records"].as_array().unwrap();
        assert_eq!(records.len(), 1, "numbers are read too");
        assert_eq!(records[0].get("activeCalls").is_some(), has_calls, "{flag}");
    }
    let plain = client.call("GET", ACCOUNT, Value::Null, Value::Null).await;
    assert!(plain[1]["records"].as_array().unwrap().len() > 1, "a query may be missing");
}

#[tokio::test]
async fn need_22_tokens_for_the_address_need_no_escaping() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let is_plain =
        |text: &str| text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._~".contains(&it));
    for _ in 0..20 {
        let token = text(&server.wstoken(&token).await, "ws_access_token");
        assert!(is_plain(&token), "{token}");
    }
    let mut client = server.open_as(ANNA).await;
    let made = client.subscribe(&[ACCOUNT]).await;
    let mut tokens = vec![text(&made[0]["wsc"], "token")];
    for status in ["Busy", "Available"] {
        say(&server, &token, ANNA, status).await;
        tokens.push(text(&client.told().await[0]["wsc"], "token"));
    }
    assert!(tokens.iter().all(|token| is_plain(token)), "{tokens:?}");
}

#[tokio::test]
async fn need_20_every_json_answer_says_that_it_is_json() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    for (method, path, status) in [
        ("GET", "/restapi", 200),
        ("GET", ACCOUNT, 200),
        ("POST", "/restapi/oauth/wstoken", 200),
        ("GET", "/restapi/v1.0/nothing", 404),
        ("PATCH", ACCOUNT, 405),
        ("POST", "/restapi/oauth/token", 415),
    ] {
        let answer = server.call(&token, method, path, "").await.expect(status);
        let kind = answer.headers["content-type"].to_str().unwrap();
        assert!(kind.starts_with("application/json"), "{method} {path}: {kind}");
        answer.json();
    }
    let nobody = server.get("nonsense", ACCOUNT).await.expect(401);
    assert_eq!(nobody.headers["content-type"], "application/json");
    let login = server.house.token("app", "grant_type=refresh_token&refresh_token=x").await;
    assert_eq!(login.expect(400).headers["content-type"], "application/json");
    let mut client: Client = server.open_as(BEN).await;
    let answer = client.call("GET", ACCOUNT, Value::Null, Value::Null).await;
    assert_eq!(answer[0]["headers"]["Content-Type"], "application/json");
}
