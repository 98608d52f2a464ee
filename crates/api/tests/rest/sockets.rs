//! REST over WebSocket, over a real listener (contract section 8, `clients.md` section 1).

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use lampfield_api::ServerLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::house::{ANNA, BEN, presence_of, text};
use crate::server::{PATIENCE, SUBSCRIPTION, Server, raw};

#[tokio::test]
async fn any_rest_call_works_over_a_socket_with_query_and_headers() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    let query = json!({ "detailedTelephonyState": true, "perPage": 1 });
    let answer = client.call("GET", "/restapi/v1.0/account/~/presence", query, json!("")).await;

    assert_eq!(answer[0]["type"], "ClientRequest");
    assert_eq!(answer[0]["status"], 200);
    assert_eq!(answer[0]["headers"]["X-Rate-Limit-Group"], "heavy");
    assert!(answer[0]["headers"]["RCRequestId"].is_string());
    assert_eq!(answer[1]["records"].as_array().unwrap().len(), 1);
    assert_eq!(answer[1]["records"][0]["activeCalls"], json!([]));

    let busy = json!({ "userStatus": "Busy" });
    let answer = client.call("PUT", &presence_of(ANNA), Value::Null, busy.clone()).await;
    assert_eq!((&answer[0]["status"], &answer[1]["userStatus"]), (&json!(200), &json!("Busy")));
    let answer = client.call("PUT", &presence_of(BEN), Value::Null, busy).await;
    assert_eq!((&answer[0]["status"], &answer[1]["errorCode"]), (&json!(403), &json!("CMN-404")));
}

#[tokio::test]
async fn the_token_endpoints_and_the_own_api_are_not_behind_the_socket() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    for (path, status) in [
        ("/restapi/oauth/token", 501),
        ("//restapi//oauth/wstoken", 501),
        ("/lampfield/v1/accounts", 404),
        ("/ws", 404),
        ("/restapi/%6Fauth/token", 404),
    ] {
        let answer = client.call("POST", path, Value::Null, Value::Null).await;
        assert_eq!(answer[0]["status"], status, "{path}");
        assert!(answer[1]["errorCode"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn a_subscription_lives_on_its_socket_is_replaced_and_ends() {
    let server = Server::new().await;
    let mut client = server.open_as(ANNA).await;
    let made = client.subscribe(&["/restapi/v1.0/account/~/presence"]).await;
    assert_eq!(made[0]["status"], 200, "{made}");
    let id = text(&made[1], "id");
    assert_eq!(made[0]["headers"]["WSG-SubscriptionId"], id);
    assert_eq!(made[1]["uri"], format!("/restapi/v1.0/subscription/{id}"));
    assert_eq!(made[1]["expiresIn"], 86_399);
    assert_eq!(made[1]["deliveryMode"], json!({"transportType":"WebSocket","encryption":false}));

    let token = server.house.log_in(ANNA).await;
    let busy = r#"{"userStatus":"Busy"}"#;
    server.house.call(&token, "PUT", &presence_of(ANNA), busy).await.expect(200);
    let told = client.next().await.unwrap();
    assert_eq!(told[0]["type"], "ServerNotification");
    assert_eq!(told[1]["subscriptionId"], id);
    assert_eq!(told[1]["body"]["userStatus"], "Busy");

    let one = format!("{SUBSCRIPTION}{id}");
    let body = json!({ "eventFilters": ["/restapi/v1.0/account/~/extension/~/presence"] });
    let changed = client.call("PUT", &one, Value::Null, body).await;
    assert_eq!(changed[0]["headers"]["WSG-SubscriptionId"], id);
    let second = client.subscribe(&["/restapi/v1.0/account/~/presence"]).await;
    let second_id = text(&second[1], "id");
    assert_ne!(second_id, id);
    let gone = client.call("PUT", &one, Value::Null, json!({})).await;
    assert_eq!((&gone[0]["status"], &gone[1]["errorCode"]), (&json!(404), &json!("CMN-102")));

    let path = format!("{SUBSCRIPTION}{second_id}");
    let ended = client.call("DELETE", &path, Value::Null, Value::Null).await;
    assert_eq!(ended[0]["status"], 204);
    assert!(ended.get(1).is_none(), "{ended}");
    assert!(server.house.state.registry.subscriptions().is_empty());
}

#[tokio::test]
async fn the_first_ids_of_several_come_as_parts_in_a_frame_of_their_own_form() {
    let server = Server::new().await;
    let token = server.socket_token(ANNA).await;
    let mut client = server.open(&format!("?access_token={token}")).await;
    client.next().await.unwrap();
    let path = format!("/restapi/v1.0/account/~/extension/{ANNA},{BEN}/presence");
    let meta = json!({ "type": "ClientRequest", "messageId": "m", "method": "GET", "path": path });
    client.socket.send(Message::text(json!([meta]).to_string())).await.unwrap();
    let text = loop {
        let frame = timeout(PATIENCE, client.socket.next()).await.unwrap().unwrap();
        if let Message::Text(text) = frame.unwrap() {
            break text.to_string();
        }
    };

    let (meta, parts) = text.split_once(",--Boundary_").expect("parts behind the meta");
    let meta: Value = serde_json::from_str(&format!("{meta}]")).unwrap();
    assert_eq!(meta[0]["status"], 207);
    assert!(meta[0]["headers"]["Content-Type"].as_str().unwrap().starts_with("multipart/mixed"));
    assert_eq!(parts.matches("Content-Type: application/json").count(), 3);
}

#[tokio::test]
async fn a_subscription_of_another_socket_is_none_here_but_shows_over_http() {
    let server = Server::new().await;
    let (mut first, mut second) = (server.open_as(ANNA).await, server.open_as(ANNA).await);
    let made = first.subscribe(&["/restapi/v1.0/account/~/presence"]).await;
    let one = format!("{SUBSCRIPTION}{}", text(&made[1], "id"));
    for method in ["GET", "PUT", "DELETE"] {
        let refused = second.call(method, &one, Value::Null, json!({})).await;
        assert_eq!(refused[0]["status"], 404, "{method}");
    }

    let token = server.house.log_in(ANNA).await;
    server.house.get(&token, &one).await.expect(200);
    server.house.call(&token, "PUT", &one, "").await.expect(200);
    let filters = r#"{"eventFilters":["/restapi/v1.0/account/~/presence"]}"#;
    let refused = server.house.call(&token, "PUT", &one, filters).await.expect(400).json();
    assert_eq!(refused["parameterName"], "subscriptionId");
    server.house.call(&token, "DELETE", &one, "").await.expect(204);
    let gone = first.call("GET", &one, Value::Null, Value::Null).await;
    assert_eq!(gone[0]["status"], 404);
}

#[tokio::test]
async fn a_bad_token_is_upgraded_told_and_closed() {
    let server = Server::new().await;
    for query in ["", "?access_token=nonsense", "?access_token="] {
        let mut client = server.open(query).await;
        let error = client.next().await.expect("an error frame");
        assert_eq!(error[0]["type"], "Error", "{query}");
        assert_eq!(error[0]["status"], 401);
        assert_eq!(error[1]["errorCode"], "WSG-401");
        assert!(client.next().await.is_none(), "and then it is closed");
    }
}

#[tokio::test]
async fn a_socket_token_is_good_for_several_connections_and_survives_a_refresh() {
    let server = Server::new().await;
    let login = server.house.log_in_with(ANNA, "app").await;
    let access = text(&login, "access_token");
    let answer = server.house.call(&access, "POST", "/restapi/oauth/wstoken", "").await;
    let token = text(&answer.expect(200).json(), "ws_access_token");
    let query = format!("?access_token={token}");
    server.open(&query).await.next().await.unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={}", text(&login, "refresh_token"));
    server.house.token("app", &form).await.expect(200);

    let hello = server.open(&query).await.next().await.unwrap();
    assert_eq!(hello[0]["type"], "ConnectionDetails");
    server.house.wait(61);
    let late = server.open(&query).await.next().await.unwrap();
    assert_eq!(late[1]["errorCode"], "WSG-401");
}

#[tokio::test]
async fn a_revoked_session_loses_its_sockets_and_what_lived_on_them() {
    let server = Server::new().await;
    let login = server.house.log_in_with(ANNA, "app").await;
    let access = text(&login, "access_token");
    let answer = server.house.call(&access, "POST", "/restapi/oauth/wstoken", "").await;
    let token = text(&answer.json(), "ws_access_token");
    let mut client = server.open(&format!("?access_token={token}")).await;
    client.next().await.unwrap();
    client.subscribe(&["/restapi/v1.0/account/~/presence"]).await;
    server.house.form("/restapi/oauth/revoke", "app", &format!("token={access}")).await.expect(200);

    assert!(client.next().await.is_none(), "closed");
    assert!(server.house.state.registry.subscriptions().is_empty());
    let again = server.open(&format!("?access_token={token}")).await.next().await.unwrap();
    assert_eq!(again[1]["errorCode"], "WSG-401");
}

#[tokio::test]
async fn a_get_without_upgrade_is_told_how_to_ask() {
    let server = Server::new().await;
    let answer = raw(&server.address, b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
}

#[tokio::test]
async fn a_connection_that_asks_nothing_and_one_that_never_ends_its_head_are_dropped() {
    let limits = ServerLimits {
        first_request: Duration::from_millis(200),
        keep_alive: Duration::from_millis(200),
        ..ServerLimits::default()
    };
    let server = Server::with(limits).await;

    assert_eq!(raw(&server.address, b"", "").await, "");
    raw(&server.address, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "").await;
    let then_idle = raw(&server.address, b"GET /restapi HTTP/1.1\r\nHost: x\r\n\r\n", "").await;
    assert!(then_idle.starts_with("HTTP/1.1 200"), "{then_idle}");
}

#[tokio::test]
async fn odd_targets_are_answered_and_kill_nothing() {
    let server = Server::new().await;
    for line in [
        "CONNECT example.org:80 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET http://other.example/restapi/v1.0/nothing/ HTTP/1.1",
        "GET /restapi/v1.0/account/%zz/presence HTTP/1.1",
        "GET /%ff%fe HTTP/1.1",
        "BREW /restapi HTTP/1.1",
    ] {
        let request = format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = raw(&server.address, request.as_bytes(), "\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{line}: {answer}");
    }
    let fine = b"GET http://x/restapi/ HTTP/1.1\r\nHost: x\r\n\r\n";
    assert!(raw(&server.address, fine, "\r\n\r\n").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let server = Server::new().await;
    let many = "X: y\r\n".repeat(200);
    for head in [many, format!("X: {}\r\n", "y".repeat(100_000))] {
        let request = format!("GET /restapi HTTP/1.1\r\nHost: x\r\n{head}\r\n");
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        let _cut_off = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _reset = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("in time");
        assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn shutdown_lets_a_request_under_way_end_and_takes_no_more() {
    let mut server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let mut stream = TcpStream::connect(&server.address).await.unwrap();
    let body = r#"{"userStatus":"Busy"}"#;
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nAuthorization: bearer {token}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        presence_of(ANNA),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The handler asks for the body: from here on the request is under way.
    let mut asked = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut asked)).await.unwrap().unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop.take().unwrap().send(()).unwrap();
    while TcpStream::connect(&server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }

    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("connection: close"), "{answer}");
    timeout(PATIENCE, server.task).await.unwrap().unwrap().unwrap();
}
