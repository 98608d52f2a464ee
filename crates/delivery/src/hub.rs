//! The delivering half of the house, assembled.

use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;
use lampfield_core::{Clock, SessionId, SubscriptionId};
use lampfield_journal::{Journal, Registry};

use crate::config::DeliveryConfig;
use crate::gateway::{Gateway, Hello};

/// The delivering half. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Delivery;

impl Delivery {
    /// Starts it on the present tokio runtime: watches the journal, takes up the webhook
    /// subscriptions where their cursors stand, opens the recovery window of sockets' subscriptions.
    ///
    /// # Errors
    /// When the readiness loops cannot be made.
    pub fn start(
        _config: DeliveryConfig,
        _journal: Arc<dyn Journal>,
        _registry: Arc<Registry>,
        _clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        todo!()
    }

    /// Names who answers requests over sockets. Called once, before the first socket.
    pub fn set_gateway(&self, _gateway: Arc<dyn Gateway>) {
        todo!()
    }

    /// Takes over an upgraded socket. `read_ahead` is what the client sent right behind its handshake.
    pub fn open_socket(&self, _stream: TcpStream, _read_ahead: Bytes, _hello: Hello) {
        todo!()
    }

    /// Takes note that a webhook subscription was made, changed, renewed or removed in the registry.
    pub fn subscription_changed(&self, _id: SubscriptionId) {
        todo!()
    }

    /// Closes the sockets of a revoked session and ends its webhooks' service.
    pub fn session_revoked(&self, _id: SessionId) {
        todo!()
    }

    /// Stops: no new work, cursors saved, sockets closed with 1001 and their subscriptions kept for recovery.
    pub async fn stop(&self) {
        todo!()
    }
}
