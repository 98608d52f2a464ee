//! Who may do what, and who sees what: every request and every filter for every kind of caller, every
//! way of looking for every kind of viewer. The tables that come out are kept, for people to read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../rest/document.rs"]
mod document;
mod filters;
mod flipping;
#[path = "../rest/house.rs"]
#[expect(dead_code, reason = "the tests of single paths use the rest")]
mod house;
#[path = "../own/keys.rs"]
mod keys;
#[path = "../own/listener.rs"]
#[expect(dead_code, reason = "the tests of single paths use the rest")]
mod listener;
mod owned;
#[path = "../rest/receiver.rs"]
#[expect(dead_code, reason = "the tests of single paths use the rest")]
mod receiver;
mod requests;
#[path = "../rest/server.rs"]
#[expect(dead_code, reason = "the tests of single paths use the rest")]
mod server;
mod sight;
mod table;
mod tokens;
mod watcher;
