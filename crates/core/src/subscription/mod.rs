//! Who asked for which events, how long, and when a delivery is tried again.

mod filter;
mod filter_set;
mod lifecycle;
mod notice;
mod schedule;
mod signing;

pub use filter::{EventFilter, Reminder};
pub use filter_set::FilterSet;
pub use lifecycle::{
    BlacklistEntry, DisabledFilter, Subscription, SubscriptionStatus, Transport, WEBHOOK_LIFETIME,
    WEBHOOK_LIFETIME_MAX, WEBSOCKET_LIFETIME, WebhookFormat,
};
pub use notice::{Notice, QueueAcceptance, dnd_seen};
pub use schedule::{Failure, Health, Schedule, Verdict};
pub use signing::{SIGNING_KEYS_MAX, SealedSecret, SigningKey, SigningKeys, TooManySigningKeys};
