//! Subscriptions and how their receivers are doing.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use http::Uri;
use lampfield_contract::{
    ApiError, Page, PageRequest, format_timestamp, list_resource, write_filter,
};
use lampfield_core::SubscriptionId;
use lampfield_core::directory::Role;
use lampfield_core::subscription::{Subscription, SubscriptionStatus, Transport};
use lampfield_delivery::{AlertState, WebhookHealth};
use serde_json::{Map, Value, json};

use crate::edge::{Answer, Base, Query, encode, ok};
use crate::own::Visitor;
use crate::state::ApiState;

/// `GET /subscriptions`: for admin keys all that they reach, for people their own; oldest first.
/// `account`, `transport` and `state` (well, failing, suspended) narrow it.
pub(super) async fn list(
    State(state): State<ApiState>,
    visitor: Visitor,
    Base(base): Base,
    query: Query,
) -> Answer {
    let request = PageRequest::from_query(&query.0)?;
    let wanted = Wanted::of(&visitor, &query)?;
    let mut found = match &visitor {
        Visitor::Key(_) => {
            visitor.need(Role::Admin)?;
            state.registry.subscriptions()
        }
        Visitor::Person(caller) => {
            state.registry.subscriptions_of(caller.key(), &caller.session.app)
        }
    };
    let now = state.now();
    found.retain(|one| {
        let is_over = !one.is_socket() && one.is_expired(now);
        !is_over && visitor.reaches(one.account) && wanted.takes(&state, one)
    });
    let page = Page { request, total: found.len() };
    let lags: BTreeMap<_, _> = state.delivery.lags().into_iter().collect();
    let shown = found.get(page.range()).unwrap_or_default();
    let records = shown.iter().map(|one| {
        let lag = lags.get(&one.id).copied().unwrap_or(0);
        Value::Object(record(&state, one, lag, &visitor))
    });
    let uri = format!("{base}/lampfield/v1/subscriptions{}", wanted.query);
    Ok(ok(&list_resource(&uri, records.collect(), &page)))
}

/// `GET /subscriptions/{subscription}/health`: for admin keys, and for whoever made it.
pub(super) async fn health(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(subscription): Path<String>,
) -> Answer {
    let subscription = find(&state, &visitor, &subscription)?;
    let lag = state.delivery.lags().into_iter().find(|(id, _)| *id == subscription.id);
    let mut shown = record(&state, &subscription, lag.map_or(0, |(_, lag)| lag), &visitor);
    if let Some(health) = state.delivery.webhooks().health(subscription.id) {
        shown.insert("recent".to_owned(), recent(&health));
    }
    Ok(ok(&Value::Object(shown)))
}

/// Finds a subscription for an admin key or whoever made it.
///
/// # Errors
/// 403 for lesser keys; 404 for what the visitor cannot reach.
pub(super) fn find(
    state: &ApiState,
    visitor: &Visitor,
    id: &str,
) -> Result<std::sync::Arc<Subscription>, ApiError> {
    if let Visitor::Key(_) = visitor {
        visitor.need(Role::Admin)?;
    }
    id.parse::<SubscriptionId>()
        .ok()
        .and_then(|id| state.registry.subscription(id))
        .filter(|subscription| is_theirs(visitor, subscription))
        .ok_or_else(ApiError::subscription_not_found)
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

/// What a list is narrowed to.
struct Wanted {
    account: Option<String>,
    transport: Option<&'static str>,
    state: Option<&'static str>,
    /// The same, as a query.
    query: String,
}

impl Wanted {
    fn of(visitor: &Visitor, query: &Query) -> Result<Self, ApiError> {
        let word = |name: &str, words: &[&'static str]| {
            let Some(text) = query.get(name).filter(|text| !text.is_empty()) else {
                return Ok(None);
            };
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
            word.copied().map(Some).ok_or_else(|| {
                ApiError::invalid_parameter(name).with_message(format!(
                    "Parameter [{name}] value is invalid: it must be one of {}",
                    words.join(", ")
                ))
            })
        };
        let mut wanted = Self {
            account: query.get("account").filter(|text| !text.is_empty()).map(str::to_owned),
            transport: word("transport", &["WebHook", "WebSocket"])?,
            state: word("state", &["well", "failing", "suspended"])?,
            query: String::new(),
        };
        if wanted.account.as_deref() == Some("~") {
            wanted.account = visitor.bound().map(|account| account.to_string());
        }
        let pairs = [
            ("account", wanted.account.as_deref()),
            ("transport", wanted.transport),
            ("state", wanted.state),
        ];
        for (name, value) in pairs {
            let Some(value) = value else { continue };
            let mark = if wanted.query.is_empty() { '?' } else { '&' };
            wanted.query.extend([mark.to_string(), name.to_owned(), "=".to_owned(), encode(value)]);
        }
        Ok(wanted)
    }

    fn takes(&self, state: &ApiState, one: &Subscription) -> bool {
        self.account.as_ref().is_none_or(|account| one.account.to_string() == *account)
            && self.transport.is_none_or(|transport| transport_of(one) == transport)
            && self.state.is_none_or(|wanted| state_of(state, one).0 == wanted)
    }
}

const fn transport_of(subscription: &Subscription) -> &'static str {
    match subscription.transport {
        Transport::WebHook { .. } => "WebHook",
        Transport::WebSocket => "WebSocket",
    }
}

/// Returns how a receiver is doing, and when it will be suspended if that is near.
fn state_of(state: &ApiState, subscription: &Subscription) -> (&'static str, Value) {
    if subscription.status != SubscriptionStatus::Active {
        return ("suspended", Value::Null);
    }
    match state.delivery.webhooks().alert(subscription.id) {
        Some(alert) if alert.state == AlertState::Failing => {
            ("failing", json!(alert.suspended_at.map(format_timestamp)))
        }
        _ => ("well", Value::Null),
    }
}

fn record(
    state: &ApiState,
    subscription: &Subscription,
    lag: u64,
    visitor: &Visitor,
) -> Map<String, Value> {
    let (status, blacklisted) = match &subscription.status {
        SubscriptionStatus::Active => ("Active", Value::Null),
        SubscriptionStatus::Blacklisted(entry) => {
            let at = format_timestamp(entry.at);
            ("Blacklisted", json!({ "at": at, "reason": entry.reason }))
        }
    };
    let filters = subscription.filters.iter();
    let filters: Vec<_> =
        filters.map(|filter| write_filter(filter, subscription.account)).collect();
    let (doing, suspended_at) = state_of(state, subscription);
    let mut shown = Map::new();
    let mut member = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    member("id", json!(subscription.id.to_string()));
    member("account", json!(subscription.account.to_string()));
    member("owner", json!(subscription.owner.to_string()));
    member("app", json!(subscription.app.as_str()));
    member("transport", json!(transport_of(subscription)));
    if let Transport::WebHook { address, format, signing, .. } = &subscription.transport {
        member("receiver", json!(receiver(address)));
        member("format", json!(format.name().unwrap_or("RingCentral")));
        member("signed", json!(!signing.is_empty()));
    }
    member("eventFilters", json!(filters));
    member("status", json!(status));
    member("state", json!(doing));
    member("suspendedAt", suspended_at);
    member("blacklisted", blacklisted);
    member("createdAt", json!(format_timestamp(subscription.created_at)));
    member("expiresAt", json!(format_timestamp(subscription.expires_at)));
    member("lag", json!(lag));
    if let Some(health) = state.delivery.webhooks().health(subscription.id) {
        add(&mut shown, &health, visitor);
    }
    shown
}

/// Scheme, host and port only: paths and queries of receivers often hold secrets.
fn receiver(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

fn add(shown: &mut Map<String, Value>, health: &WebhookHealth, visitor: &Visitor) {
    // What is in the network is for the operator's eyes only.
    let error = match visitor {
        Visitor::Key(_) => health.last_error_inside.as_ref().or(health.last_error.as_ref()),
        Visitor::Person(_) => health.last_error.as_ref(),
    };
    let mut member = |name: &str, value: Value| {
        shown.insert(name.to_owned(), value);
    };
    member("lag", json!(health.lag));
    member("cursor", json!(health.cursor.to_string()));
    member("delivered", json!(health.delivered));
    member("attempts", json!(health.attempts));
    member("failuresInARow", json!(health.failures_in_a_row));
    member("lastSuccess", json!(health.last_success.map(format_timestamp)));
    member("lastFailure", json!(health.last_failure.map(format_timestamp)));
    member("lastError", json!(error));
    member("nextAttempt", json!(health.next_attempt.map(format_timestamp)));
}

fn recent(health: &WebhookHealth) -> Value {
    let attempts = health.recent.iter().map(|attempt| {
        json!({
            "at": format_timestamp(attempt.at),
            "tookMs": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
            "uuid": attempt.uuid.to_string(),
            "sequence": attempt.sequence.0,
            "status": attempt.status,
            "error": attempt.error,
        })
    });
    attempts.collect()
}
