//! What holds for every request: ids, CORS, spellings, limits, unknown paths.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use lampfield_api::{ApiConfig, RateConfig, ServerLimits};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::house::{ANNA, BEN, House, presence_of};
use crate::server::{PATIENCE, Server};

#[tokio::test]
async fn unknown_paths_methods_and_missing_parts_of_the_contract_are_told_apart() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    for (method, path, status, code) in [
        ("GET", "/restapi/v1.0/nothing", 404, "CMN-120"),
        ("GET", "/", 404, "CMN-120"),
        ("PATCH", "/restapi/v1.0/account/~/presence", 405, "CMN-202"),
        ("GET", "/restapi/oauth/token", 405, "CMN-202"),
        ("PATCH", "/restapi/v1.0/account/~/extension/~/presence/line", 405, "CMN-202"),
        ("GET", "/restapi/v1.0/account/~/extension/~/active-calls", 501, "CMN-202"),
        ("GET", "/restapi/v1.0/account/~/directory/entries", 501, "CMN-202"),
        ("GET", "/restapi/v1.0/account/~/extension/1%2F2/presence", 404, "CMN-102"),
        ("GET", "/restapi/v1.0/account/..%2F2000/presence", 404, "CMN-102"),
    ] {
        let refused = house.call(&token, method, path, "").await;
        assert_eq!(refused.verdict(), (status, code.to_owned()), "{method} {path}");
        assert_eq!(refused.headers["content-type"], "application/json", "{method} {path}");
    }
}

#[tokio::test]
async fn every_answer_bears_a_request_id_and_no_two_the_same() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let mut ids = Vec::new();
    for path in ["/restapi", "/nothing", &presence_of(ANNA)] {
        let answer = house.get(&token, path).await;
        ids.push(answer.headers["rcrequestid"].to_str().unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn browsers_may_call_from_anywhere_with_credentials_and_read_the_limits() {
    let house = House::new().await;
    let preflight = Request::builder()
        .method("OPTIONS")
        .uri(presence_of(ANNA))
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "authorization,client-id,x-user-agent");
    let allowed = house.send(preflight.body(Body::empty()).unwrap()).await.expect(204);
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(allowed.headers["access-control-allow-credentials"], "true");
    let headers = allowed.headers["access-control-allow-headers"].to_str().unwrap().to_lowercase();
    for name in ["authorization", "client-id", "x-user-agent", "content-type", "discovery-tag"] {
        assert!(headers.contains(name), "{name}");
    }

    let real = Request::get(presence_of(ANNA)).header("origin", "https://app.example");
    let refused = house.send(real.body(Body::empty()).unwrap()).await.expect(401);
    assert_eq!(refused.headers["access-control-allow-origin"], "https://app.example");
    let exposed = refused.headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("Retry-After") && exposed.contains("RCRequestId"));
}

#[tokio::test]
async fn a_put_may_be_tunnelled_through_a_post_with_a_slash_at_the_end() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    let request = Request::post(format!("{}/", presence_of(ANNA)))
        .header("authorization", format!("bearer {token}"))
        .header("x-http-method-override", "PUT");
    let body = Body::from(r#"{"userStatus":"Busy"}"#);
    let changed = house.send(request.body(body).unwrap()).await.expect(200).json();
    assert_eq!(changed["userStatus"], "Busy");
}

#[tokio::test]
async fn limits_hold_for_each_user_and_are_told_in_the_contracts_words() {
    let rates = RateConfig { light: 2, ..RateConfig::off() };
    let house = House::with(ApiConfig { rates, ..ApiConfig::default() }).await;
    let (anna, ben) = (house.log_in(ANNA).await, house.log_in(BEN).await);

    let first = house.get(&anna, &presence_of(ANNA)).await.expect(200);
    assert_eq!(first.headers["x-rate-limit-group"], "light");
    assert_eq!(first.headers["x-rate-limit-limit"], "2");
    assert_eq!(first.headers["x-rate-limit-remaining"], "1");
    assert_eq!(first.headers["x-rate-limit-window"], "60");
    house.get(&anna, &presence_of(ANNA)).await.expect(200);
    let refused = house.get(&anna, &presence_of(ANNA)).await.expect(429);
    assert_eq!(refused.json()["errorCode"], "CMN-301");
    assert_eq!(refused.json()["message"], "Request rate exceeded");
    assert_eq!(refused.headers["retry-after"], "60");
    assert_eq!(refused.headers["x-rate-limit-remaining"], "0");
    house.get(&ben, &presence_of(ANNA)).await.expect(200);
    house.get(&anna, "/restapi/v1.0/account/~/presence").await.expect(200);
    house.wait(61);
    house.get(&anna, &presence_of(ANNA)).await.expect(200);
}

#[tokio::test]
async fn a_path_that_is_no_text_is_answered_like_any_that_is_not_there() {
    let house = House::new().await;
    let token = house.log_in(ANNA).await;
    for path in ["/restapi/v1.0/account/%ff/presence", "/lampfield/v1/accounts/%C3%28/snapshot"] {
        let reply = house.get(&token, path).await;
        assert_eq!(reply.verdict(), (404, "CMN-120".to_owned()), "{path}");
    }
    let fine = house.get(&token, "/restapi/v1.0/account/%7E/extension/%7e/presence").await;
    assert_eq!(fine.status, 200);
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let limits =
        ServerLimits { write_stall: Duration::from_millis(300), ..ServerLimits::default() };
    let server = Server::with(limits).await;
    let mut client = TcpStream::connect(&server.address).await.unwrap();
    let asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    let greedy = async {
        // As long as the server reads on, more is asked for; nothing is ever read.
        while client.write_all(&asked).await.is_ok() {}
    };

    timeout(PATIENCE, greedy).await.expect("it is cut off");
}
