//! Which subscriptions a caller has, and how they are shown.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderValue;
use lampfield_contract::{ApiError, subscription_info, subscription_list};
use lampfield_core::subscription::Subscription;
use lampfield_delivery::SocketEffect;
use serde_json::Value;

use crate::auth::Caller;
use crate::edge::{Answer, Base, ok};
use crate::over_socket::{Effect, SUBSCRIPTION_HEADER, SocketContext};
use crate::state::ApiState;

/// How an answer is shown: with an address over HTTP, without one over a socket.
pub(super) struct Show {
    base: Option<String>,
}

impl Show {
    pub(super) fn new(base: Base, context: Option<&SocketContext>) -> Self {
        Self { base: context.is_none().then_some(base.0) }
    }

    pub(super) fn value(&self, state: &ApiState, subscription: &Subscription) -> Value {
        subscription_info(self.base.as_deref(), subscription, state.now())
    }

    pub(super) fn answer(&self, state: &ApiState, subscription: &Subscription) -> Response {
        ok(&self.value(state, subscription))
    }

    /// Answers a creation or an update; over a socket, of a subscription that now lives there.
    pub(super) fn changed(&self, state: &ApiState, subscription: Arc<Subscription>) -> Response {
        let mut response = self.answer(state, &subscription);
        if self.base.is_none() && subscription.is_socket() {
            if let Ok(id) = HeaderValue::from_str(&subscription.id.to_string()) {
                response.headers_mut().insert(SUBSCRIPTION_HEADER, id);
            }
            response.extensions_mut().insert(Effect(SocketEffect::Subscribed(subscription)));
        }
        response
    }
}

/// `GET /restapi/v1.0/subscription`.
pub(super) async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    base: Base,
    context: Option<axum::Extension<SocketContext>>,
) -> Answer {
    let show = Show::new(base, context.as_deref());
    let now = state.now();
    let records = of_caller(&state, &caller)
        .iter()
        .filter(|one| one.is_socket() || !one.is_expired(now))
        .map(|one| show.value(&state, one))
        .collect();
    Ok(ok(&subscription_list(show.base.as_deref(), records)))
}

/// `GET /restapi/v1.0/subscription/{subscriptionId}`.
pub(super) async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    base: Base,
    context: Option<axum::Extension<SocketContext>>,
) -> Answer {
    let subscription = find(&state, &caller, &id, context.as_deref())?;
    Ok(Show::new(base, context.as_deref()).answer(&state, &subscription))
}

/// Returns the subscriptions of the caller's user and application.
pub(super) fn of_caller(state: &ApiState, caller: &Caller) -> Vec<Arc<Subscription>> {
    state.registry.subscriptions_of(caller.key(), &caller.session.app)
}

/// Finds a subscription of the caller. Over a socket, one that lives on another socket is none.
///
/// # Errors
/// 404 CMN-102 `subscriptionId`, whoever else may have it.
pub(super) fn find(
    state: &ApiState,
    caller: &Caller,
    id: &str,
    context: Option<&SocketContext>,
) -> Result<Arc<Subscription>, ApiError> {
    let found = id.parse().ok().and_then(|id| state.registry.subscription(id));
    let found = found.ok_or_else(ApiError::subscription_not_found)?;
    let is_callers = found.account == caller.account()
        && found.owner == caller.key().extension
        && found.app == caller.session.app;
    let is_here = match (found.is_socket(), context) {
        (true, Some(context)) => context.subscription == Some(found.id),
        (true, None) => true,
        (false, _) => !found.is_expired(state.now()),
    };
    if is_callers && is_here { Ok(found) } else { Err(ApiError::subscription_not_found()) }
}
