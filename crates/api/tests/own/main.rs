//! Lampfield's own paths through the router, with a real engine: nothing is mocked but the clock.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod audit;
mod directory;
#[path = "../rest/document.rs"]
mod document;
#[path = "../rest/house.rs"]
#[expect(dead_code, reason = "the tests of RingCentral's paths use the rest")]
mod house;
mod ingest;
mod keys;
mod listener;
mod lists;
mod logins;
mod pictures;
mod roster;
mod streams;
mod webhooks;
mod why;

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::house::{A, House, Reply};
use crate::keys::{ADMIN, BOUND, INGEST, READ, give_keys};

/// A house with keys.
async fn open() -> House {
    let house = House::new().await;
    give_keys(&house).await;
    house
}

fn path(rest: &str) -> String {
    format!("/lampfield/v1/accounts/{A}{rest}")
}

/// Sends a body of another type than JSON.
async fn send(house: &House, key: &str, method: &str, path: &str, kind: &str, body: &str) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", kind)
        .body(Body::from(body.to_owned()))
        .unwrap();
    house.send(request).await
}

/// Reports a call of an extension.
async fn ring(house: &House, source: &str, extension: u64, id: &str, status: &str) -> Value {
    let path = path(&format!("/sources/{source}/extensions/{extension}/calls/{id}"));
    let body = format!(
        r#"{{"telephonyStatus":"{status}","direction":"Inbound","from":"+16505550199","fromName":"Grace"}}"#
    );
    house.call(INGEST, "PUT", &path, &body).await.expect(200).json()
}
