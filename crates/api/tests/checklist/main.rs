//! The contract's compatibility checklist (section 10) and the needs that were measured of real
//! clients (`clients.md`, section 1), each by a test that bears its number, over a real listener.
//!
//! Needs that are about the delivering half alone have their tests beside it; `complete.rs` sees to it
//! that no number is without one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod complete;
#[path = "../rest/document.rs"]
mod document;
mod events;
mod frames;
#[path = "../rest/house.rs"]
#[expect(dead_code, reason = "the tests of single paths use the rest")]
mod house;
mod http;
mod lasting;
mod login;
#[path = "../rest/receiver.rs"]
mod receiver;
mod resources;
#[path = "../rest/server.rs"]
mod server;
mod subscribing;

use serde_json::Value;

use crate::house::presence_of;
use crate::server::Server;

/// Every extension of the account.
const ACCOUNT: &str = "/restapi/v1.0/account/~/presence";
/// Oneself, with everything, in the order in which no client gets it back.
const ONESELF_SIP: &str =
    "/restapi/v1.0/account/~/extension/~/presence?sipData=true&detailedTelephonyState=true";

/// Has a user say that they are busy, or available again.
async fn say(server: &Server, token: &str, user: u64, status: &str) -> Value {
    let body = format!(r#"{{"userStatus":"{status}"}}"#);
    server.call(token, "PUT", &presence_of(user), &body).await.expect(200).json()
}
