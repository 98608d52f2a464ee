//! Webhooks: one HTTP request per event, a cursor per subscription.

mod client;
mod connector;
mod guard;
mod handshake;

pub use guard::{Guard, Range, Refused, Scheme, range_of};
pub use handshake::{HandshakeError, parse_address};
