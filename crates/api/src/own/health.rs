//! How the receiver of a subscription is doing.

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, format_timestamp};
use lampfield_core::SubscriptionId;
use lampfield_core::directory::Role;
use lampfield_core::subscription::{Subscription, SubscriptionStatus, Transport};
use lampfield_delivery::WebhookHealth;
use serde_json::{Value, json};

use crate::edge::{Answer, ok};
use crate::own::Visitor;
use crate::state::ApiState;

/// `GET /subscriptions/{subscription}/health`: for admin keys, and for whoever made it.
pub(super) async fn read(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(subscription): Path<String>,
) -> Answer {
    if let Visitor::Key(_) = visitor {
        visitor.need(Role::Admin)?;
    }
    let subscription = subscription
        .parse::<SubscriptionId>()
        .ok()
        .and_then(|id| state.registry.subscription(id))
        .filter(|subscription| is_theirs(&visitor, subscription))
        .ok_or_else(ApiError::subscription_not_found)?;
    let mut shown = record(&subscription);
    let lag = state.delivery.lags().into_iter().find(|(id, _)| *id == subscription.id);
    shown["lag"] = json!(lag.map_or(0, |(_, lag)| lag));
    if let Some(health) = state.delivery.webhooks().health(subscription.id) {
        add(&mut shown, &health, &visitor);
    }
    Ok(ok(&shown))
}

fn is_theirs(visitor: &Visitor, subscription: &Subscription) -> bool {
    match visitor {
        Visitor::Key(_) => visitor.reaches(subscription.account),
        Visitor::Person(caller) => {
            caller.account() == subscription.account
                && caller.key().extension == subscription.owner
                && caller.session.app == subscription.app
        }
    }
}

fn record(subscription: &Subscription) -> Value {
    let transport = match &subscription.transport {
        Transport::WebHook { .. } => "WebHook",
        Transport::WebSocket => "WebSocket",
    };
    let (status, blacklisted) = match &subscription.status {
        SubscriptionStatus::Active => ("Active", Value::Null),
        SubscriptionStatus::Blacklisted(entry) => {
            let at = format_timestamp(entry.at);
            ("Blacklisted", json!({ "at": at, "reason": entry.reason }))
        }
    };
    json!({
        "id": subscription.id.to_string(),
        "account": subscription.account.to_string(),
        "owner": subscription.owner.to_string(),
        "transport": transport,
        "status": status,
        "blacklisted": blacklisted,
        "expiresAt": format_timestamp(subscription.expires_at),
    })
}

fn add(shown: &mut Value, health: &WebhookHealth, visitor: &Visitor) {
    // What is in the network is for the operator's eyes only.
    let error = match visitor {
        Visitor::Key(_) => health.last_error_inside.as_ref().or(health.last_error.as_ref()),
        Visitor::Person(_) => health.last_error.as_ref(),
    };
    let recent: Vec<_> = health
        .recent
        .iter()
        .map(|attempt| {
            json!({
                "at": format_timestamp(attempt.at),
                "tookMs": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
                "uuid": attempt.uuid.to_string(),
                "sequence": attempt.sequence.0,
                "status": attempt.status,
                "error": attempt.error,
            })
        })
        .collect();
    shown["lag"] = json!(health.lag);
    shown["cursor"] = json!(health.cursor.to_string());
    shown["delivered"] = json!(health.delivered);
    shown["attempts"] = json!(health.attempts);
    shown["failuresInARow"] = json!(health.failures_in_a_row);
    shown["lastSuccess"] = json!(health.last_success.map(format_timestamp));
    shown["lastFailure"] = json!(health.last_failure.map(format_timestamp));
    shown["lastError"] = json!(error);
    shown["nextAttempt"] = json!(health.next_attempt.map(format_timestamp));
    shown["recent"] = json!(recent);
}
