//! The OAuth endpoints (contract section 4): the log-in page, tokens, refresh, revocation, tokens for
//! WebSockets.

mod authorize;
mod client;
mod code;
mod discovery;
mod form;
mod grant;
mod page;
mod pkce;
mod redirect;
mod refusal;
mod revoke;
mod session;
mod spent;
mod token;
mod wstoken;

use axum::Router;
use axum::routing::{get, post};

use crate::metering::metered;
use crate::rate::Group;
use crate::state::ApiState;

pub(crate) use authorize::PATH as AUTHORIZE_PATH;
pub(crate) use redirect::check_redirect_uri;
pub use session::end_sessions;
pub(crate) use session::end_sessions_with;
pub(crate) use spent::Spent;

/// Returns the token endpoints.
pub(crate) fn routes(state: &ApiState) -> Router<ApiState> {
    Router::new()
        .route(authorize::PATH, get(authorize::show).post(authorize::submit))
        .route("/.well-known/entry-points/initial", get(discovery::initial))
        .route("/.well-known/entry-points/external", get(discovery::external))
        .route("/restapi/oauth/token", post(token::issue))
        .route("/restapi/oauth/revoke", post(revoke::revoke))
        // Not in the group Auth, as the contract has it: five a minute are too few for clients whose
        // network flaps, and some of them die of a refusal here (`clients.md`, 5 and 6).
        .route("/restapi/oauth/wstoken", metered(state, Group::Light, post(wstoken::issue)))
}
