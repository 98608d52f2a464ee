//! The edge of the REST half: how requests come in and answers go out, whatever they are about.

mod address;
mod answer;
pub(crate) mod bulk;
mod front;
mod payload;
mod query;

pub use address::{Base, Peer, base_uri, client_address, socket_uri};
pub use answer::{Answer, Refusal, json, json_bytes, ok};
pub use front::RequestId;
pub(crate) use front::front;
pub use payload::{Payload, PresencePayload, check_depth, read};
pub use query::{Query, encode};
