//! WebSockets: the upgrade, and the REST half behind a socket (contract section 8).
//!
//! The sockets themselves live in the delivering half; here they are let in, and their requests are
//! answered by the same router as everybody's.

mod gateway;
mod upgrade;

use axum::Router;
use axum::routing::get;
use http::HeaderName;
use lampfield_core::{SessionId, SubscriptionId};
use lampfield_delivery::SocketEffect;

use crate::state::ApiState;

pub use gateway::RestGateway;
pub(crate) use upgrade::HandOver;

/// Where WebSockets are opened.
pub const PATH: &str = "/ws";
/// Tells clients which subscription lives on their socket (`WSG-SubscriptionId`).
pub(crate) const SUBSCRIPTION_HEADER: HeaderName = HeaderName::from_static("wsg-subscriptionid");

/// Marks a request that came over a socket.
#[derive(Debug, Clone)]
pub struct SocketContext {
    /// The log-in that the socket belongs to.
    pub session: SessionId,
    /// The subscription that lives on the socket, if any.
    pub subscription: Option<SubscriptionId>,
}

/// What an answer does to the socket that it is for; travels with the answer.
#[derive(Debug, Clone)]
pub(crate) struct Effect(pub(crate) SocketEffect);

/// Returns the path where WebSockets are opened.
pub(crate) fn routes() -> Router<ApiState> {
    Router::new().route(PATH, get(upgrade::open))
}
