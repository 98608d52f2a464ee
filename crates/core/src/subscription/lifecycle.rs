//! A subscription's life: active, blacklisted, ended.

use std::time::Duration;

use smol_str::SmolStr;

use crate::ids::{AccountId, AppId, ExtensionId, Position, SessionId, SubscriptionId};
use crate::subscription::{EventFilter, SigningKeys};
use crate::time::Timestamp;

/// How long a webhook lives when nothing else is asked: 7 days (contract 6.2).
pub const WEBHOOK_LIFETIME: Duration = Duration::from_secs(604_800);
/// The longest life of a webhook, to which longer wishes are cut: 10 years (contract 6.2).
pub const WEBHOOK_LIFETIME_MAX: Duration = Duration::from_secs(315_360_000);
/// What a WebSocket subscription shows as its life; it really lives as long as its session.
pub const WEBSOCKET_LIFETIME: Duration = Duration::from_secs(86_400);

/// Who wants to be told what, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The account whose events it wants; always that of its owner.
    pub account: AccountId,
    /// The extension that made it (`ownerId`).
    pub owner: ExtensionId,
    /// The application that made it.
    pub app: AppId,
    /// The log-in it belongs to.
    pub session: SessionId,
    /// What it wants.
    pub filters: Vec<EventFilter>,
    /// Filters that were asked for and cannot be active, with the reason.
    pub disabled: Vec<DisabledFilter>,
    /// How it is told.
    pub transport: Transport,
    /// When it was made.
    pub created_at: Timestamp,
    /// The life that was granted; a renewal grants it again.
    pub lifetime: Duration,
    /// When it ends unless renewed.
    pub expires_at: Timestamp,
    /// Whether it is served.
    pub status: SubscriptionStatus,
    /// From where it is told: records after this place, unless a later cursor was saved.
    pub from: Position,
}

/// How notifications travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// One HTTP request per event (contract section 7).
    WebHook {
        /// Where to.
        address: String,
        /// Sent back as `Verification-Token`.
        verification_token: Option<String>,
        /// How the content is written.
        format: WebhookFormat,
        /// With what it is signed; empty when it is not.
        signing: SigningKeys,
    },
    /// Frames on the socket over which it was made (contract section 8).
    WebSocket,
}

/// How the content of webhooks is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WebhookFormat {
    /// As the contract has it (section 7.2).
    #[default]
    Contract,
    /// As a CloudEvent, structured mode (CloudEvents 1.0).
    CloudEvents,
}

impl WebhookFormat {
    /// Returns its name in requests and answers; the contract's has none.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Contract => None,
            Self::CloudEvents => Some("CloudEvents"),
        }
    }
}

/// Whether a subscription is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// It is.
    Active,
    /// Its receiver failed for too long (contract 7.5).
    Blacklisted(BlacklistEntry),
}

/// Why and since when a receiver is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlacklistEntry {
    /// Since when.
    pub at: Timestamp,
    /// Why, for people.
    pub reason: String,
}

/// A filter that could not be activated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisabledFilter {
    /// The filter, as asked for.
    pub filter: SmolStr,
    /// A code such as `SUB-403`.
    pub reason: SmolStr,
    /// A sentence.
    pub message: String,
}

impl Transport {
    /// A webhook as the contract knows it: contents as it has them, nothing signed.
    #[must_use]
    pub fn webhook(address: impl Into<String>, verification_token: Option<String>) -> Self {
        Self::WebHook {
            address: address.into(),
            verification_token,
            format: WebhookFormat::default(),
            signing: SigningKeys::default(),
        }
    }
}

impl Subscription {
    /// Tells whether it is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Grants its life anew from `now`.
    pub fn renew(&mut self, now: Timestamp) {
        self.expires_at = now.after(self.lifetime);
    }

    /// Tells whether it is told over a socket.
    #[must_use]
    pub const fn is_socket(&self) -> bool {
        matches!(self.transport, Transport::WebSocket)
    }
}
