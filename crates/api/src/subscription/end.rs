//! `DELETE /restapi/v1.0/subscription/{id}`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use lampfield_delivery::SocketEffect;
use lampfield_journal::DirectoryChange;

use crate::auth::Caller;
use crate::edge::Answer;
use crate::over_socket::{Effect, SocketContext};
use crate::state::ApiState;
use crate::subscription::find::find;

/// Ends a subscription: nothing of it is sent any more.
pub(super) async fn end(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    context: Option<Extension<SocketContext>>,
) -> Answer {
    let found = find(&state, &caller, &id, context.as_deref())?;
    state.registry.apply(vec![DirectoryChange::RemoveSubscription(found.id)]).await?;
    state.delivery.subscription_changed(found.id);
    let mut response = StatusCode::NO_CONTENT.into_response();
    if context.is_some() && found.is_socket() {
        response.extensions_mut().insert(Effect(SocketEffect::Unsubscribed(found.id)));
    }
    Ok(response)
}
