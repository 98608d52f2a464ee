//! What stands before metered paths: the demand of a token, and the limit of a group (contract 5).

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use lampfield_contract::ApiError;

use crate::auth::Caller;
use crate::edge::Refusal;
use crate::rate::Group;
use crate::state::ApiState;

/// Puts a group's limit and the demand of a token before some methods of a path.
pub(crate) fn metered(
    state: &ApiState,
    group: Group,
    methods: MethodRouter<ApiState>,
) -> MethodRouter<ApiState> {
    methods.route_layer(from_fn_with_state((state.clone(), group), meter))
}

async fn meter(
    State((state, group)): State<(ApiState, Group)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match Caller::of(&state, &parts).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    let who = state.rates.caller((caller.key(), &caller.session.app));
    let verdict = state.rates.enter(who, group, state.now());
    let mut response = if let Some(seconds) = verdict.retry_after {
        Refusal::from(ApiError::rate_exceeded(seconds)).into_response()
    } else {
        parts.extensions.insert(caller);
        next.run(Request::from_parts(parts, body)).await
    };
    verdict.write(response.headers_mut());
    response
}
