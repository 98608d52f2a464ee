//! All paths in one place.

use axum::Router;
use axum::middleware::from_fn_with_state;
use lampfield_contract::ApiError;

use crate::edge::{Refusal, front};
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
