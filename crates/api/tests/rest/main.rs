//! The REST half through its router: nothing is mocked but the clock.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod authorize;
mod directory;
mod document;
mod edges;
mod filters;
mod grants;
#[expect(dead_code, reason = "the checklist and the matrices use the rest")]
mod house;
mod lists;
mod oauth;
mod presence;
mod queues;
#[expect(dead_code, reason = "the checklist and the matrices use the rest")]
mod receiver;
#[expect(dead_code, reason = "the checklist and the matrices use the rest")]
mod server;
mod sockets;
mod subscriptions;
mod unified;
