//! `PUT /restapi/v1.0/subscription/{id}` and `POST …/renew`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use lampfield_contract::{ApiError, SubscriptionUpdate};
use lampfield_core::SubscriptionId;
use lampfield_core::subscription::{Subscription, SubscriptionStatus};
use lampfield_delivery::webhook::ReactivateError;
use lampfield_journal::DirectoryChange;

use crate::auth::Caller;
use crate::edge::{Answer, Base, Payload, Refusal};
use crate::over_socket::SocketContext;
use crate::state::ApiState;
use crate::subscription::create::refused;
use crate::subscription::filters::judge;
use crate::subscription::find::{Show, find};

/// Replaces the filters, if there are any in the body, and renews.
pub(super) async fn update(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    base: Base,
    context: Option<Extension<SocketContext>>,
    Payload(body): Payload,
) -> Answer {
    let context = context.as_deref();
    let show = Show::new(base, context);
    let found = find(&state, &caller, &id, context)?;
    let asked = SubscriptionUpdate::parse(&body)?;
    if found.is_socket() && context.is_none() {
        // What lives on a socket is changed there; renewing it does nothing.
        return match asked.event_filters {
            Some(_) => Err(ApiError::invalid_parameter("subscriptionId").into()),
            None => Ok(show.answer(&state, &found)),
        };
    }
    let lifetime = asked.lifetime(&found.transport);
    let judge = |texts: &Vec<String>| judge(&state, &caller, texts, lifetime);
    let judged = asked.event_filters.as_ref().map(judge);
    let judged = judged.transpose()?;
    revive(&state, &found).await?;
    let changed = change(&state, found.id, |subscription| {
        if let Some(judged) = judged {
            subscription.filters = judged.active;
            subscription.disabled = judged.disabled;
        }
        subscription.lifetime = lifetime;
        subscription.renew(state.now());
    });
    Ok(show.changed(&state, changed.await?))
}

/// Grants the life that was chosen at first once more.
pub(super) async fn renew(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    base: Base,
    context: Option<Extension<SocketContext>>,
    Payload(_body): Payload,
) -> Answer {
    let context = context.as_deref();
    let show = Show::new(base, context);
    let found = find(&state, &caller, &id, context)?;
    if found.is_socket() {
        return Ok(show.answer(&state, &found));
    }
    revive(&state, &found).await?;
    let now = state.now();
    let renewed = change(&state, found.id, |subscription| subscription.renew(now)).await?;
    Ok(show.answer(&state, &renewed))
}

/// A receiver that was given up is asked again (contract 7.5).
async fn revive(state: &ApiState, subscription: &Subscription) -> Result<(), Refusal> {
    if subscription.is_socket() || subscription.status == SubscriptionStatus::Active {
        return Ok(());
    }
    let revived = state.delivery.webhooks().reactivate(subscription.id).await;
    revived.map_err(|error| match error {
        ReactivateError::Unknown(_) => ApiError::subscription_not_found().into(),
        ReactivateError::Handshake(error) => refused(&error).into(),
        ReactivateError::Store(error) => Refusal::from(error),
    })
}

async fn change(
    state: &ApiState,
    id: SubscriptionId,
    edit: impl FnOnce(&mut Subscription),
) -> Result<Arc<Subscription>, Refusal> {
    let _checking = state.registry.checking().await;
    // It may have ended since it was found.
    let present = state.registry.subscription(id).ok_or_else(ApiError::subscription_not_found)?;
    let mut changed = (*present).clone();
    edit(&mut changed);
    state.registry.apply(vec![DirectoryChange::PutSubscription(changed.clone())]).await?;
    state.delivery.subscription_changed(id);
    Ok(Arc::new(changed))
}
