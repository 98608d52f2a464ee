//! The delivering loop: read the journal, match, see only what may be seen, address, hand over.
//!
//! [`Delivery`] watches the journal and serves every subscription: WebSockets by readiness loops
//! that write shared bytes straight to the sockets, webhooks by a cursor each, streams (SSE) by a
//! cursor each. A slow receiver delays nothing but its own cursor.

mod alerts;
mod config;
mod feed;
mod gateway;
mod house;
mod hub;
mod metrics;
mod outgoing;
mod snapshot;
pub mod sse;
#[cfg(test)]
mod stage;
mod vault;
mod watching;
pub mod webhook;
pub mod websocket;

pub use alerts::{Alert, AlertState};
pub use config::{DeliveryConfig, WebhookConfig, WebsocketConfig};
pub use feed::{Caught, Feed, Lane, LaneWatcher, SHARDS_MAX, Slice, catch_up};
pub use gateway::{
    Gateway, Hello, HelloRefusal, SocketAnswer, SocketEffect, SocketRequest, Welcome,
};
pub use house::House;
pub use hub::Delivery;
pub use outgoing::Outgoing;
pub use snapshot::{AccountSnapshot, Sight};
pub use sse::{StreamPermission, StreamRequest, Streams};
pub use vault::{NoVault, Vault};
pub use watching::{filters_of, sight_now, viewer_of};
pub use webhook::{HandshakeError, ReactivateError, WebhookHealth, Webhooks};
