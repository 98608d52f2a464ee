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
mod lists;
mod logins;
mod pictures;
mod roster;
mod streams;
mod webhooks;
mod why;

use axum::body::Body;
use http::Request;
use lampfield_api::auth::hash_secret;
use lampfield_core::AccountId;
use lampfield_core::directory::{ApiKey, Role};
use lampfield_journal::DirectoryChange;
use serde_json::Value;
use uuid::Uuid;

use crate::house::{A, House, Reply};

/// Keys that are bound to no account, by role.
const ADMIN: &str = "key-admin";
const INGEST: &str = "key-ingest";
const READ: &str = "key-read";
/// An admin key of account A only.
const BOUND: &str = "key-bound";

/// A house with keys.
async fn open() -> House {
    let house = House::new().await;
    give_keys(&house).await;
    house
}

async fn give_keys(house: &House) {
    let account = AccountId::new(A).ok();
    let keys = [
        (ADMIN, Role::Admin, None),
        (INGEST, Role::Ingest, None),
        (READ, Role::Read, None),
        (BOUND, Role::Admin, account),
    ];
    for (number, (text, role, account)) in keys.into_iter().enumerate() {
        let key = ApiKey {
            id: Uuid::from_u128(900 + number as u128),
            name: text.into(),
            hash: hash_secret(text),
            account,
            role,
            created_at: house.state.now(),
        };
        house.apply(DirectoryChange::PutKey(key)).await;
    }
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
