//! Odd requests that real clients send, and what browsers need.

use axum::body::Body;
use http::Request;
use lampfield_api::{ApiConfig, RateConfig, ServerLimits};
use serde_json::{Value, json};

use crate::ACCOUNT;
use crate::house::{ANNA, House, presence_of, text};
use crate::receiver::Receiver;
use crate::server::{Server, raw};

const JSON: &str = "Content-Type: application/json\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const PARTS: &str = "Content-Type: multipart/mixed; boundary=x\r\n";
const WSTOKEN: &str = "/restapi/oauth/wstoken";

/// Sends a request byte by byte as given, and returns the answer's status and text.
async fn bare(
    server: &Server,
    token: &str,
    line: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{headers}\r\n{body}",
        server.address
    );
    let answer = raw(&server.address, request.as_bytes(), "").await;
    (answer[9..12].parse().unwrap(), answer)
}

#[tokio::test]
async fn checklist_01_wstoken_takes_an_empty_body_of_any_type() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    for (headers, body) in [
        ("Content-Type: application/json\r\nContent-Length: 0\r\n", ""),
        ("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n", ""),
        ("Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"),
        ("Content-Type: application/json\r\nContent-Length: 4\r\n", "null"),
        ("Content-Length: 0\r\n", ""),
        ("", ""),
    ] {
        let line = format!("POST {WSTOKEN}");
        let (status, answer) = bare(&server, &token, &line, headers, body).await;
        assert_eq!(status, 200, "{headers}{answer}");
        let json: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let members: Vec<_> = json.as_object().unwrap().keys().collect();
        assert_eq!(members, ["uri", "ws_access_token", "expires_in"]);
    }
}

#[tokio::test]
async fn need_16_bodies_that_are_not_needed_harm_nothing() {
    let server = Server::new().await;
    let token = server.house.log_in(ANNA).await;
    let receiver = Receiver::new().await;
    let asked = receiver.body(&[ACCOUNT]);
    let made = server.call(&token, "POST", "/restapi/v1.0/subscription", &asked).await;
    let one = format!("/restapi/v1.0/subscription/{}", text(&made.expect(200).json(), "id"));
    for (line, headers, body, status) in [
        (format!("POST {one}/renew"), format!("{JSON}Content-Length: 0\r\n"), "", 200),
        (format!("POST {one}/renew"), format!("{FORM}Content-Length: 0\r\n"), "", 200),
        (format!("POST {one}/renew"), format!("{JSON}Content-Length: 2\r\n"), "{}", 200),
        (format!("POST {one}/renew"), "Content-Length: 0\r\n".to_owned(), "", 200),
        (format!("GET {ACCOUNT}"), JSON.to_owned(), "", 200),
        (format!("GET {ACCOUNT}"), PARTS.to_owned(), "", 200),
        (format!("GET {one}"), JSON.to_owned(), "", 200),
        (format!("DELETE {one}"), format!("{JSON}Content-Length: 2\r\n"), "{}", 204),
    ] {
        let (got, answer) = bare(&server, &token, &line, &headers, body).await;
        assert_eq!(got, status, "{line} {headers}: {answer}");
    }
}

#[tokio::test]
async fn checklist_16_a_rate_that_is_exceeded_is_told_in_the_words_that_clients_compare() {
    let rates = RateConfig { light: 2, ..RateConfig::off() };
    let config = ApiConfig { rates, login_failures_max: 0, ..ApiConfig::default() };
    let server = Server::of(House::with(config).await, ServerLimits::default()).await;
    let token = server.house.log_in(ANNA).await;
    // Its token for sockets is the first of the two.
    let socket = text(&server.wstoken(&token).await, "ws_access_token");
    let (mut client, _) = server.open_greeted(&format!("?access_token={socket}")).await;
    server.get(&token, &presence_of(ANNA)).await.expect(200);

    let refused = server.get(&token, &presence_of(ANNA)).await.expect(429);
    assert_eq!(refused.json()["message"], "Request rate exceeded");
    assert_eq!(refused.json()["errorCode"], "CMN-301");
    assert_eq!(refused.headers["retry-after"], "60");
    let over = client.call("GET", &presence_of(ANNA), Value::Null, Value::Null).await;
    assert_eq!(
        (&over[0]["status"], &over[1]["message"]),
        (&json!(429), &refused.json()["message"])
    );
    assert_eq!(over[0]["headers"]["Retry-After"], "60", "counted together, told the same");
}

#[tokio::test]
async fn checklist_22_browsers_may_call_with_credentials_and_read_what_they_need() {
    let server = Server::new().await;
    let origin = "https://app.example";
    for path in [presence_of(ANNA), "/restapi/oauth/token".to_owned(), WSTOKEN.to_owned()] {
        let preflight = Request::options(&path)
            .header("host", &server.address)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,client-id,content-type,discovery-tag,x-user-agent",
            );
        let allowed = server.send(preflight.body(Body::empty()).unwrap()).await;
        assert!((200..300).contains(&allowed.status), "{path}");
        assert_eq!(allowed.headers["access-control-allow-origin"], origin, "never a star");
        assert_eq!(allowed.headers["access-control-allow-credentials"], "true");
        let list = |name: &str| allowed.headers[name].to_str().unwrap().to_lowercase();
        for name in ["authorization", "client-id", "x-user-agent", "content-type", "discovery-tag"]
        {
            assert!(list("access-control-allow-headers").contains(name), "{path}: {name}");
        }
        for method in ["get", "post", "put", "patch", "delete", "options"] {
            assert!(list("access-control-allow-methods").contains(method), "{path}: {method}");
        }
        // The answer itself, refused or not.
        let request = Request::post(&path).header("host", &server.address).header("origin", origin);
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert!(answer.status >= 400);
        assert_eq!(answer.headers["access-control-allow-origin"], origin);
        assert_eq!(answer.headers["access-control-allow-credentials"], "true");
        let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
        for name in [
            "Retry-After",
            "X-Rate-Limit-Group",
            "X-Rate-Limit-Limit",
            "X-Rate-Limit-Remaining",
            "X-Rate-Limit-Window",
            "RCRequestId",
        ] {
            assert!(exposed.contains(name), "{path}: {name} in {exposed}");
        }
    }
}
