//! What a request that came over a socket knows of it, and what its answer does to it.

use http::HeaderName;
use lampfield_core::{SessionId, SubscriptionId};
use lampfield_delivery::SocketEffect;

/// Tells clients which subscription lives on their socket (`WSG-SubscriptionId`).
pub(crate) const SUBSCRIPTION_HEADER: HeaderName = HeaderName::from_static("wsg-subscriptionid");

/// Marks a request that came over a socket.
#[derive(Debug, Clone)]
pub(crate) struct SocketContext {
    /// The log-in that the socket belongs to.
    pub(crate) session: SessionId,
    /// The subscription that lives on the socket, if any.
    pub(crate) subscription: Option<SubscriptionId>,
}

/// What an answer does to the socket that it is for; travels with the answer.
#[derive(Debug, Clone)]
pub(crate) struct Effect(pub(crate) SocketEffect);
