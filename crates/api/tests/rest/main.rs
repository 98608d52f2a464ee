//! The REST half through its router: nothing is mocked but the clock.
#![expect(missing_docs, reason = "tests")]

mod access;
mod directory;
mod edges;
mod house;
mod oauth;
mod presence;
mod sockets;
mod subscriptions;
