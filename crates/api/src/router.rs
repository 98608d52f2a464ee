//! All paths in one place.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use lampfield_contract::ApiError;

use crate::auth::Caller;
use crate::edge::{Refusal, front};
use crate::rate::Group;
use crate::state::ApiState;

/// Puts every path together, behind request ids, CORS and lenient spellings.
///
/// More routes may be added to the result; they do not pass what stands in front of these.
pub fn router(state: ApiState) -> Router {
    let routes = routes(state.clone());
    Router::new().fallback_service(routes).layer(from_fn_with_state(state, front))
}

/// Returns the routes themselves, without what stands in front of them in [`router`]; the document of
/// requests is compared with them.
pub fn routes(state: ApiState) -> Router {
    Router::new()
        .merge(crate::directory::routes(&state))
        .merge(crate::oauth::routes(&state))
        .merge(crate::presence::routes(&state))
        .merge(crate::queue::routes(&state))
        .merge(crate::own::routes(&state))
        .merge(crate::subscription::routes(&state))
        .merge(crate::socket::routes())
        .merge(crate::openapi::routes())
        .fallback(no_route)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(state)
}

async fn no_route() -> Refusal {
    ApiError::no_route().into()
}

async fn method_not_allowed() -> Refusal {
    ApiError::method_not_allowed().into()
}

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
