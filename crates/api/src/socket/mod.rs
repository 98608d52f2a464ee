//! WebSockets: the upgrade, and the REST half behind a socket.

use lampfield_core::{SessionId, SubscriptionId};

/// Where WebSockets are opened.
pub const PATH: &str = "/ws";

/// Marks a request that came over a socket.
#[derive(Debug, Clone)]
pub struct SocketContext {
    /// The log-in that the socket belongs to.
    pub session: SessionId,
    /// The subscription that lives on the socket, if any.
    pub subscription: Option<SubscriptionId>,
}
