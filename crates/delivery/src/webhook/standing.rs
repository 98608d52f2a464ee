//! Changes of a subscription that the serving of it brings about: given up, taken up again, over.
//!
//! Each is decided anew under the directory's check lock, so that it never undoes a renewal, an
//! update or a deletion that came first.

use lampfield_core::SubscriptionId;
use lampfield_core::subscription::{BlacklistEntry, Subscription, SubscriptionStatus};
use lampfield_journal::{DirectoryChange, RegistryError};

use crate::house::House;

/// Stops serving a subscription whose receiver failed for too long.
pub(super) async fn blacklist(
    house: &House,
    id: SubscriptionId,
    reason: String,
) -> Result<(), RegistryError> {
    let entry = BlacklistEntry { at: house.now(), reason };
    change(house, id, |subscription| {
        let is_active = subscription.status == SubscriptionStatus::Active;
        is_active.then_some(SubscriptionStatus::Blacklisted(entry))
    })
    .await
}

/// Serves a blacklisted subscription again.
pub(super) async fn activate(house: &House, id: SubscriptionId) -> Result<(), RegistryError> {
    change(house, id, |subscription| {
        let is_active = subscription.status == SubscriptionStatus::Active;
        (!is_active).then_some(SubscriptionStatus::Active)
    })
    .await
}

/// Removes a subscription if it is over now.
pub(super) async fn expire(house: &House, id: SubscriptionId) -> Result<(), RegistryError> {
    let _checking = house.registry.checking().await;
    let is_over =
        house.registry.subscription(id).is_some_and(|found| found.is_expired(house.now()));
    if !is_over {
        return Ok(());
    }
    tracing::info!(subscription.id = %id, "webhook subscription is over");
    house.registry.apply(vec![DirectoryChange::RemoveSubscription(id)]).await
}

async fn change(
    house: &House,
    id: SubscriptionId,
    decide: impl FnOnce(&Subscription) -> Option<SubscriptionStatus>,
) -> Result<(), RegistryError> {
    let _checking = house.registry.checking().await;
    let Some(found) = house.registry.subscription(id) else { return Ok(()) };
    let Some(status) = decide(&found) else { return Ok(()) };
    let subscription = Subscription { status, ..Subscription::clone(&found) };
    house.registry.apply(vec![DirectoryChange::PutSubscription(subscription)]).await
}
