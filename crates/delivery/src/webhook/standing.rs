//! Changes of a subscription that the serving of it brings about: given up, taken up again, over.
//!
//! Each is decided anew under the directory's check lock, so that it never undoes a renewal, an
//! update or a deletion that came first.

use lampfield_core::subscription::{BlacklistEntry, Subscription, SubscriptionStatus};
use lampfield_core::{SubscriptionId, Timestamp};
use lampfield_journal::{DirectoryChange, RegistryError};

use crate::alerts::{Alert, AlertState};
use crate::house::House;
use crate::webhook::health::FailureWords;

/// Stops serving a subscription whose receiver failed for too long.
pub(super) async fn blacklist(
    house: &House,
    id: SubscriptionId,
    words: FailureWords,
) -> Result<(), RegistryError> {
    let entry = BlacklistEntry { at: house.now(), reason: words.outside };
    let changed = change(house, id, |subscription| {
        let is_active = subscription.status == SubscriptionStatus::Active;
        is_active.then_some(SubscriptionStatus::Blacklisted(entry))
    });
    if let Some(subscription) = changed.await? {
        let reason = Some(words.inside);
        tell(house, &subscription, AlertState::Suspended, house.now(), reason);
    }
    Ok(())
}

/// Serves a blacklisted subscription again.
pub(super) async fn activate(house: &House, id: SubscriptionId) -> Result<(), RegistryError> {
    let changed = change(house, id, |subscription| {
        let is_active = subscription.status == SubscriptionStatus::Active;
        (!is_active).then_some(SubscriptionStatus::Active)
    });
    if let Some(subscription) = changed.await? {
        tell(house, &subscription, AlertState::Reactivated, house.now(), None);
    }
    Ok(())
}

/// Tells operators how the receiver of a subscription is doing since `at`.
pub(super) fn tell(
    house: &House,
    subscription: &Subscription,
    state: AlertState,
    at: Timestamp,
    reason: Option<String>,
) {
    house.alert(Alert { reason, ..alert_of(subscription, state, at) });
}

/// Tells operators when a receiver that fails will be given up.
pub(super) fn threaten(
    house: &House,
    subscription: &Subscription,
    reason: String,
    suspended_at: Timestamp,
) {
    let alert = alert_of(subscription, AlertState::Failing, house.now());
    house.alert(Alert { reason: Some(reason), suspended_at: Some(suspended_at), ..alert });
}

fn alert_of(subscription: &Subscription, state: AlertState, at: Timestamp) -> Alert {
    Alert {
        subscription: subscription.id,
        account: subscription.account,
        owner: subscription.owner,
        app: subscription.app.clone(),
        state,
        at,
        reason: None,
        suspended_at: None,
    }
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
) -> Result<Option<Subscription>, RegistryError> {
    let _checking = house.registry.checking().await;
    let Some(found) = house.registry.subscription(id) else { return Ok(None) };
    let Some(status) = decide(&found) else { return Ok(None) };
    let subscription = Subscription { status, ..Subscription::clone(&found) };
    let put = DirectoryChange::PutSubscription(subscription.clone());
    house.registry.apply(vec![put]).await?;
    Ok(Some(subscription))
}
