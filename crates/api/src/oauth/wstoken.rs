//! `POST /restapi/oauth/wstoken`: a token that opens WebSockets.

use axum::extract::State;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, request};
use lampfield_contract::wstoken_response;
use lampfield_core::directory::Scopes;

use crate::auth::Caller;
use crate::edge::{Refusal, ok, socket_uri};
use crate::state::ApiState;

/// Issues a token of the caller's session. It is good for several connections and longer than
/// announced: clients that believe theirs is over ask again, which tells them whether the server is
/// there.
pub(super) async fn issue(
    State(state): State<ApiState>,
    caller: Caller,
    parts: request::Parts,
) -> Result<Response, Refusal> {
    caller.need_scope(Scopes::WEBSOCKET)?;
    let lives = &state.config.tokens;
    let end = state.now().after(lives.socket_accepted);
    let token = state.secrets.socket_token(caller.session.id, end);
    let uri = socket_uri(&state.config, &parts);
    let mut response = ok(&wstoken_response(&uri, &token, lives.socket_announced.as_secs()));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
