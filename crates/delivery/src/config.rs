//! Every bound of the delivering half, by name.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lampfield_contract::WireOptions;

use crate::vault::{NoVault, Vault};

/// How deliveries behave.
#[derive(Debug, Clone)]
pub struct DeliveryConfig {
    /// Spelling choices of the wire.
    pub wire: WireOptions,
    /// Whether users with the Admin permission see what is hidden from others.
    pub administrators_see_all: bool,
    /// Recent events kept in memory per watched account.
    pub ring_max: usize,
    /// Events between which a lagging reader still gets each one; further behind it gets the newest of each extension.
    pub coalesce_after: usize,
    /// WebSockets.
    pub websocket: WebsocketConfig,
    /// Webhooks.
    pub webhook: WebhookConfig,
    /// Silence on a stream after which a comment is sent.
    pub stream_heartbeat: Duration,
    /// Streams open at a time.
    pub streams_max: usize,
    /// Opens the signing secrets of webhooks.
    pub vault: Arc<dyn Vault>,
}

/// Bounds of WebSockets (contract section 8).
#[derive(Debug, Clone)]
pub struct WebsocketConfig {
    /// Readiness loops; 0 for one a core.
    pub shards: usize,
    /// Sockets open at a time.
    pub sockets_max: usize,
    /// Sockets of one OAuth session (`maxConnectionsPerSession`).
    pub sockets_per_session_max: usize,
    /// Requests of one socket under way (`maxActiveRequests`).
    pub requests_max: usize,
    /// Largest message from a client, in bytes.
    pub message_max: usize,
    /// Bytes that may wait for a socket that is full, beside its cursor.
    pub answer_backlog_max: usize,
    /// `recoveryTimeout`.
    pub recovery_timeout: Duration,
    /// `recoveryBufferSize` as announced; recovery itself reads the journal and has no such limit.
    pub recovery_buffer: u32,
    /// `idleTimeout`.
    pub idle_timeout: Duration,
    /// `absoluteTimeout`.
    pub absolute_timeout: Duration,
    /// Between pings.
    pub ping_every: Duration,
    /// Within which a ping must be answered.
    pub pong_within: Duration,
    /// Without a pong, held notifications are sent after this (clients.md 1).
    pub hold_max: Duration,
}

/// Bounds of webhooks (contract section 7).
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Connect, TLS, request and answer together.
    pub timeout: Duration,
    /// Largest answer that is read, headers and body.
    pub answer_max: usize,
    /// Look-ups of receivers' names under way.
    pub lookups_max: usize,
    /// Deliveries under way to one host and port; receivers that fail share half of them.
    pub per_host_max: usize,
    /// Deliveries under way for one subscription; never two of one extension.
    pub window_max: usize,
    /// Plain http is allowed.
    pub allow_http: bool,
    /// Addresses that are allowed although they are loopback, private or otherwise local.
    pub allow_private: Vec<(IpAddr, u8)>,
    /// `user-agent` of notifications.
    pub user_agent: String,
    /// Whether a blacklisted receiver is asked again by itself.
    pub probe: bool,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            wire: WireOptions::default(),
            administrators_see_all: false,
            ring_max: 4096,
            coalesce_after: 1024,
            websocket: WebsocketConfig::default(),
            webhook: WebhookConfig::default(),
            stream_heartbeat: Duration::from_secs(15),
            streams_max: 2000,
            vault: Arc::new(NoVault),
        }
    }
}

impl Default for WebsocketConfig {
    fn default() -> Self {
        Self {
            shards: 0,
            sockets_max: 100_000,
            sockets_per_session_max: 50,
            requests_max: 10,
            message_max: 1 << 20,
            answer_backlog_max: 4 << 20,
            recovery_timeout: Duration::from_secs(180),
            recovery_buffer: 100,
            idle_timeout: Duration::from_secs(1800),
            absolute_timeout: Duration::from_secs(86_400),
            ping_every: Duration::from_secs(30),
            pong_within: Duration::from_secs(10),
            hold_max: Duration::from_millis(1500),
        }
    }
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(3),
            answer_max: 1024,
            lookups_max: 32,
            per_host_max: 32,
            window_max: 8,
            allow_http: false,
            allow_private: Vec::new(),
            user_agent: concat!(
                "RingCentral-Webhook/8.3 (compatible; Lampfield/",
                env!("CARGO_PKG_VERSION"),
                ")"
            )
            .to_owned(),
            probe: true,
        }
    }
}
