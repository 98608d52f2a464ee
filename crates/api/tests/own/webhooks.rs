//! Subscriptions with the state of their receivers, and signing secrets.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use lampfield_contract::SigningSecret;
use parking_lot::Mutex;
use ring::hmac;
use serde_json::{Value, json};

use crate::house::{ANNA, BEN, House, STRANGER};
use crate::{ADMIN, BOUND, INGEST, READ, open, path, ring as ring_up};

const PATH: &str = "/lampfield/v1/subscriptions";

/// A receiver that takes everything until it is told to answer otherwise.
struct Receiver {
    address: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    status: StatusCode,
    got: Vec<Got>,
}

/// Headers and body of a notification.
type Got = (HeaderMap, String);

impl Receiver {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner { status: StatusCode::OK, got: Vec::new() }));
        let kept = Arc::clone(&inner);
        let answer = axum::Router::new().fallback(async move |request: Request<Body>| {
            let (parts, body) = request.into_parts();
            let mut headers = HeaderMap::new();
            if let Some(token) = parts.headers.get("validation-token") {
                headers.insert("validation-token", token.clone());
                return (StatusCode::OK, headers);
            }
            let body = body.collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let mut kept = kept.lock();
            kept.got.push((parts.headers, body));
            (kept.status, headers)
        });
        tokio::spawn(async move { axum::serve(listener, answer).await.unwrap() });
        Self { address, inner }
    }

    fn answer(&self, status: u16) {
        self.inner.lock().status = StatusCode::from_u16(status).unwrap();
    }

    /// Waits for the notification of this number, counted from 0.
    async fn got(&self, number: usize) -> Got {
        let mut got = None;
        poll("a notification", async || {
            got = self.inner.lock().got.get(number).cloned();
            got.is_some()
        })
        .await;
        got.unwrap()
    }
}

/// Waits until it is so, at most ten seconds.
async fn poll(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Subscribes to the whole account; `more` are further members of the delivery mode.
async fn subscribe(house: &House, token: &str, address: &str, more: Value) -> Value {
    let mut delivery = json!({ "transportType": "WebHook", "address": address });
    for (name, value) in more.as_object().unwrap() {
        delivery[name] = value.clone();
    }
    let filters = json!(["/restapi/v1.0/account/~/presence"]);
    let body = json!({ "eventFilters": filters, "deliveryMode": delivery });
    let body = body.to_string();
    house.call(token, "POST", "/restapi/v1.0/subscription", &body).await.expect(200).json()
}

/// Tells by which of the secrets a notification is signed.
fn signers((headers, body): &Got, secrets: &[&str]) -> Vec<bool> {
    let header = |name| headers.get(name).map_or("", |value| value.to_str().unwrap());
    let content = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
    let signatures: Vec<_> = header("webhook-signature").split(' ').collect();
    let by = |secret: &&str| {
        let secret = SigningSecret::parse(secret).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, content.as_bytes());
        signatures.contains(&format!("v1,{}", STANDARD.encode(tag)).as_str())
    };
    secrets.iter().map(by).collect()
}

fn signing_path(subscription: &Value) -> String {
    format!("{PATH}/{}/signing-secret", subscription["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_secret_given_at_creation_signs_and_is_never_shown() {
    let (house, receiver) = (open().await, Receiver::open().await);
    let anna = house.log_in(ANNA).await;
    let secret = SigningSecret::from_bytes([5; 24]).unwrap().to_text();
    let more = json!({ "signingSecret": secret });
    let made = subscribe(&house, &anna, &receiver.address, more).await;
    assert_eq!(made["deliveryMode"]["signed"], true);
    assert!(!made.to_string().contains(&secret));

    ring_up(&house, "pbx", BEN, "1", "Ringing").await;

    let got = receiver.got(0).await;
    assert_eq!(signers(&got, &[&secret]), [true]);
    let uuid: Value = serde_json::from_str(&got.1).unwrap();
    assert_eq!(got.0["webhook-id"].to_str().ok(), uuid["uuid"].as_str());
    for path in ["/restapi/v1.0/subscription".to_owned(), PATH.to_owned()] {
        let shown = house.get(&anna, &path).await.expect(200);
        assert!(!String::from_utf8_lossy(&shown.bytes).contains("whsec_"), "{path}");
    }
}

#[tokio::test]
async fn a_rotation_shows_the_new_secret_once_and_the_old_one_signs_on_for_a_day() {
    let (house, receiver) = (open().await, Receiver::open().await);
    let anna = house.log_in(ANNA).await;
    let made = subscribe(&house, &anna, &receiver.address, json!({})).await;
    let path = signing_path(&made);

    let first = house.call(&anna, "POST", &path, "").await.expect(200);
    assert_eq!(first.headers["cache-control"], "no-store");
    let first = first.json();
    assert_eq!(first["inForce"], json!([{ "until": null }]));
    let old = first["signingSecret"].as_str().unwrap();
    let second = house.call(ADMIN, "POST", &path, "{}").await.expect(200).json();
    let new = second["signingSecret"].as_str().unwrap();
    assert_ne!(old, new);
    assert_eq!(second["inForce"].as_array().unwrap().len(), 2);
    ring_up(&house, "pbx", BEN, "1", "Ringing").await;
    assert_eq!(signers(&receiver.got(0).await, &[old, new]), [true, true]);

    house.wait(86_400);
    ring_up(&house, "pbx", BEN, "1", "CallConnected").await;
    assert_eq!(signers(&receiver.got(1).await, &[old, new]), [false, true]);

    // One that leaked ends at once; one may bring one's own.
    let own = SigningSecret::from_bytes([9; 32]).unwrap().to_text();
    let body = json!({ "secret": own, "overlapSeconds": 0 }).to_string();
    let third = house.call(BOUND, "POST", &path, &body).await.expect(200).json();
    assert_eq!(third, json!({ "signingSecret": own, "inForce": [{ "until": null }] }));
    ring_up(&house, "pbx", BEN, "1", "OnHold").await;
    assert_eq!(signers(&receiver.got(2).await, &[old, new, &own]), [false, false, true]);

    assert!(house.call(ADMIN, "DELETE", &path, "").await.expect(204).bytes.is_empty());
    ring_up(&house, "pbx", BEN, "1", "CallConnected").await;
    assert!(!receiver.got(3).await.0.contains_key("webhook-signature"));
}

#[tokio::test]
async fn a_signing_secret_is_for_its_maker_and_administrators_and_is_checked() {
    let (house, receiver) = (open().await, Receiver::open().await);
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    let stranger = house.log_in(STRANGER).await;
    let made = subscribe(&house, &anna, &receiver.address, json!({})).await;
    let path = signing_path(&made);

    for method in ["POST", "DELETE"] {
        for key in [READ, INGEST] {
            assert_eq!(house.call(key, method, &path, "").await.status, 403, "{key}");
        }
        for token in [&ben, &stranger] {
            assert_eq!(house.call(token, method, &path, "").await.status, 404);
        }
        assert_eq!(house.call("nobody", method, &path, "").await.status, 401);
        let unknown = format!("{PATH}/00000000-0000-0000-0000-000000000000/signing-secret");
        assert_eq!(house.call(ADMIN, method, &unknown, "").await.status, 404);
    }
    for (body, member) in [
        (r#"{"secret":"hush"}"#, "secret"),
        (r#"{"secret":7}"#, "secret"),
        (r#"{"overlapSeconds":-1}"#, "overlapSeconds"),
        (r#"{"overlapSeconds":2592001}"#, "overlapSeconds"),
    ] {
        let refused = house.call(ADMIN, "POST", &path, body).await.expect(400).json();
        assert_eq!(
            refused["parameterName"].as_str().or(refused["errors"][0]["parameterName"].as_str()),
            Some(member),
            "{refused}"
        );
    }
    for _ in 0..4 {
        house.call(ADMIN, "POST", &path, "").await.expect(200);
    }
    let full = house.call(ADMIN, "POST", &path, "").await.expect(409).json();
    assert!(full["message"].as_str().unwrap().contains("without overlap"), "{full}");
    house.call(ADMIN, "POST", &path, r#"{"overlapSeconds":0}"#).await.expect(200);
}

#[tokio::test]
async fn a_secret_signs_after_a_restart_and_its_change_stands_in_the_trail_without_it() {
    let (house, receiver) = (open().await, Receiver::open().await);
    let anna = house.log_in(ANNA).await;
    let made = subscribe(&house, &anna, &receiver.address, json!({})).await;
    let rotated = house.call(ADMIN, "POST", &signing_path(&made), "").await.expect(200).json();
    let secret = rotated["signingSecret"].as_str().unwrap();
    let trail = house.get(ADMIN, &path("/audit")).await.expect(200);
    let newest = &trail.json()["records"][0];
    assert_eq!((&newest["act"], &newest["object"]), (&json!("subscription.update"), &made["id"]));
    assert!(!String::from_utf8_lossy(&trail.bytes).contains(secret));

    let house = house.again().await;
    ring_up(&house, "pbx", BEN, "1", "Ringing").await;

    assert_eq!(signers(&receiver.got(0).await, &[secret]), [true]);
}

#[tokio::test]
async fn a_webhook_that_asked_for_cloud_events_gets_them() {
    let (house, receiver) = (open().await, Receiver::open().await);
    let anna = house.log_in(ANNA).await;
    let more = json!({ "format": "CloudEvents" });
    let made = subscribe(&house, &anna, &receiver.address, more).await;
    assert_eq!(made["deliveryMode"]["format"], "CloudEvents");

    ring_up(&house, "pbx", BEN, "1", "Ringing").await;

    let (headers, body) = receiver.got(0).await;
    assert_eq!(headers["content-type"], "application/cloudevents+json; charset=UTF-8");
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["source"], "/restapi/v1.0/account/1000");
    assert_eq!(event["data"]["extensionId"], "1002");
    let refused = json!({
        "eventFilters": ["/restapi/v1.0/account/~/presence"],
        "deliveryMode": { "transportType": "WebHook", "address": receiver.address, "format": "XML" },
    });
    let refused =
        house.call(&anna, "POST", "/restapi/v1.0/subscription", &refused.to_string()).await;
    assert_eq!(refused.verdict(), (400, "CMN-101".to_owned()));
}

#[tokio::test]
async fn subscriptions_are_listed_with_the_state_of_their_receivers() {
    let (house, well, gone) = (open().await, Receiver::open().await, Receiver::open().await);
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);
    let secret_path = format!("{}/hook?token=hush", well.address);
    let first = subscribe(&house, &anna, &secret_path, json!({})).await;
    house.wait(1);
    let second = subscribe(&house, &ben, &gone.address, json!({})).await;
    gone.answer(410);
    ring_up(&house, "pbx", BEN, "1", "Ringing").await;
    let listed = async |token: &str, query: &str| {
        let answer = house.get(token, &format!("{PATH}{query}")).await.expect(200).json();
        answer["records"].as_array().unwrap().clone()
    };
    let ids = async |token: &str, query: &str| -> Vec<Value> {
        listed(token, query).await.iter().map(|one| one["id"].clone()).collect()
    };
    poll("one delivered, one suspended", async || {
        let all = listed(ADMIN, "").await;
        all[0]["delivered"] == 1 && all[1]["state"] == "suspended"
    })
    .await;

    let all = listed(BOUND, "").await;
    assert_eq!((&all[0]["id"], &all[1]["id"]), (&first["id"], &second["id"]), "oldest first");
    let one = &all[0];
    assert_eq!(one["receiver"], well.address.as_str());
    assert!(!one.to_string().contains("hush"), "paths of receivers often hold secrets");
    assert_eq!((&one["state"], &one["status"]), (&json!("well"), &json!("Active")));
    assert_eq!((&one["owner"], &one["transport"]), (&json!("1001"), &json!("WebHook")));
    assert_eq!((&one["signed"], &one["format"]), (&json!(false), &json!("RingCentral")));
    assert_eq!((&one["lag"], &one["failuresInARow"]), (&json!(0), &json!(0)));
    assert_eq!(one["eventFilters"], json!(["/restapi/v1.0/account/1000/presence"]));
    assert_eq!(all[1]["status"], "Blacklisted");
    assert_eq!(
        all[1]["blacklisted"]["reason"],
        "Webhook responses with code: [410], reason: [Gone]"
    );
    assert_eq!(ids(ADMIN, "?state=suspended").await, [second["id"].clone()]);
    assert_eq!(ids(ADMIN, "?state=well&transport=webhook").await, [first["id"].clone()]);
    assert!(ids(ADMIN, "?transport=WebSocket").await.is_empty());
    assert!(ids(ADMIN, "?account=2000").await.is_empty());
    assert_eq!(ids(ADMIN, "?perPage=1&page=2").await, [second["id"].clone()]);
    assert_eq!(ids(&anna, "").await, [first["id"].clone()], "people see their own");
    for key in [READ, INGEST] {
        assert_eq!(house.get(key, PATH).await.status, 403);
    }
    let wrong = house.get(ADMIN, &format!("{PATH}?state=odd")).await;
    assert_eq!(wrong.verdict(), (400, "CMN-101".to_owned()));
}
