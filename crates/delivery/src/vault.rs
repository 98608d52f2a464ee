//! The way to signing secrets: they are kept sealed, and whoever has the server's key opens them.

use std::fmt::Debug;

use lampfield_contract::SigningSecret;
use lampfield_core::SubscriptionId;
use lampfield_core::subscription::SealedSecret;

/// Opens sealed signing secrets.
pub trait Vault: Debug + Send + Sync {
    /// Returns the secret that was sealed for a subscription; none if it was sealed for another one,
    /// with another key, or is damaged.
    fn open(&self, subscription: SubscriptionId, sealed: &SealedSecret) -> Option<SigningSecret>;
}

/// A vault without a key: nothing can be opened, so that what must be signed is not sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoVault;

impl Vault for NoVault {
    fn open(&self, _: SubscriptionId, _: &SealedSecret) -> Option<SigningSecret> {
        None
    }
}
