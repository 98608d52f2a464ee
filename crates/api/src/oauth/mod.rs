//! The token endpoints (contract section 4): log-in, refresh, revocation, tokens for WebSockets.

mod client;
mod grant;
mod refusal;
mod revoke;
mod session;
mod token;
mod wstoken;

use axum::Router;
use axum::routing::post;

use crate::rate::Group;
use crate::router::metered;
use crate::state::ApiState;

pub use session::end_sessions;

/// Returns the token endpoints.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    Router::new()
        .route("/restapi/oauth/token", post(token::issue))
        .route("/restapi/oauth/revoke", post(revoke::revoke))
        // Not in the group Auth, as the contract has it: five a minute are too few for clients whose
        // network flaps, and some of them die of a refusal here (`clients.md`, 5 and 6).
        .route("/restapi/oauth/wstoken", metered(state, Group::Light, post(wstoken::issue)))
}
