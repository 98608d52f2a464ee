//! Signing secrets of webhooks: set one, put a new one in its place, sign no more.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use lampfield_contract::{ApiError, SigningSecret, format_timestamp, parse_object};
use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::subscription::{SigningKeys, Subscription, Transport};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};

use crate::audit::Trail;
use crate::edge::{Answer, Payload, Refusal, ok};
use crate::own::Visitor;
use crate::own::fields::Fields;
use crate::own::subscriptions::find;
use crate::state::ApiState;

/// The longest time for which an old secret may sign beside a new one, in seconds: 30 days.
const OVERLAP_MAX: u64 = 30 * 86_400;

/// `POST /subscriptions/{subscription}/signing-secret`: a new secret, which is shown this once. The one
/// before it still signs for `overlapSeconds`; 0 ends all older ones now.
pub(super) async fn rotate(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path(subscription): Path<String>,
    Payload(body): Payload,
) -> Answer {
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let secret = match fields.get("secret") {
        None => state.secrets.random_signing_secret()?,
        Some(value) => value
            .as_str()
            .and_then(SigningSecret::parse)
            .ok_or_else(|| fields.wrong("secret", "whsec_ and base64 of 24 to 64 bytes"))?,
    };
    let overlap = fields.number("overlapSeconds", 0, OVERLAP_MAX)?;
    let overlap = overlap.map_or(state.config.signing_overlap, Duration::from_secs);
    let changed = change(&state, &visitor, &trail, &subscription, |one, signing| {
        let sealed = state.secrets.seal(one.id, &secret)?;
        signing
            .rotate(sealed, state.now(), overlap)
            .map_err(|error| super::conflict("subscriptionId", &error.to_string()).into())
    });
    let signing = changed.await?;
    let keys = signing.in_force(state.now());
    let keys: Vec<Value> =
        keys.map(|key| json!({ "until": key.until.map(format_timestamp) })).collect();
    let shown = json!({ "signingSecret": secret.to_text(), "inForce": keys });
    Ok(([(CACHE_CONTROL, "no-store")], ok(&shown)).into_response())
}

/// `DELETE /subscriptions/{subscription}/signing-secret`: notifications are signed no more.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path(subscription): Path<String>,
) -> Answer {
    let changed = change(&state, &visitor, &trail, &subscription, |_, signing| {
        *signing = SigningKeys::default();
        Ok(())
    });
    changed.await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Changes the keys of a webhook; returns them as they are then.
async fn change(
    state: &ApiState,
    visitor: &Visitor,
    trail: &Trail,
    id: &str,
    edit: impl FnOnce(&Subscription, &mut SigningKeys) -> Result<(), Refusal>,
) -> Result<SigningKeys, Refusal> {
    let _checking = state.registry.checking().await;
    let present = find(state, visitor, id)?;
    let mut changed = Subscription::clone(&present);
    let Transport::WebHook { signing, .. } = &mut changed.transport else {
        let message = "Only webhooks are signed; this subscription is told over a socket";
        return Err(ApiError::invalid_parameter("subscriptionId").with_message(message).into());
    };
    edit(&present, signing)?;
    let keys = signing.clone();
    store(state, trail, &present, changed).await?;
    Ok(keys)
}

async fn store(
    state: &ApiState,
    trail: &Trail,
    present: &Arc<Subscription>,
    changed: Subscription,
) -> Result<(), Refusal> {
    let altered = vec![Alteration::untold("signingSecret")];
    let act = AuditAct::SubscriptionUpdate;
    let entry = trail.entry(state, Some(present.account), act, &present.id.to_string(), altered);
    state.registry.apply(vec![DirectoryChange::PutSubscription(changed), entry]).await?;
    state.delivery.subscription_changed(present.id);
    Ok(())
}
