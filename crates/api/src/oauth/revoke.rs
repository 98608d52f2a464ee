//! `POST /restapi/oauth/revoke`: logs out.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use lampfield_contract::OauthError;
use lampfield_core::SessionId;
use lampfield_core::directory::App;

use crate::auth::hash_secret;
use crate::edge::{Payload, Query};
use crate::oauth::client::{Claimed, read_form};
use crate::oauth::refusal::OauthRefusal;
use crate::oauth::session::end_sessions;
use crate::state::ApiState;

/// Ends the session of an access or refresh token. A token that is not known is as good as revoked.
pub(super) async fn revoke(
    State(state): State<ApiState>,
    query: Query,
    headers: HeaderMap,
    Payload(body): Payload,
) -> Result<Response, OauthRefusal> {
    let form = if body.is_empty() { Vec::new() } else { read_form(&headers, &body)? };
    let form = Query(form);
    let text = |name: &str| form.get(name).or_else(|| query.get(name)).filter(|it| !it.is_empty());
    let client = Claimed::of(&headers, text("client_id"), form.get("client_secret"))?;
    let app = client.check(&state)?;
    let token = text("token").ok_or_else(|| OauthError::missing_parameter("token"))?;
    if let Some(session) = session_of(&state, &app, token) {
        end_sessions(&state, &[session]).await?;
    }
    Ok(StatusCode::OK.into_response())
}

fn session_of(state: &ApiState, app: &App, token: &str) -> Option<SessionId> {
    let hash = hash_secret(token);
    let registry = &state.registry;
    let session =
        registry.session_by_access(&hash).or_else(|| registry.session_by_refresh(&hash))?;
    (session.app == app.id).then_some(session.id)
}
