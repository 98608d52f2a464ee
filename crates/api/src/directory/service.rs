//! The service itself: versions, status, who the client is.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::USER_AGENT;
use lampfield_contract::ApiError;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::edge::{Answer, Base, Refusal, ok};
use crate::state::ApiState;

/// The version of the contract that the paths follow.
const CONTRACT: &str = "1.0.58";
const RELEASED: &str = "2024-05-01T00:00:00.000Z";

fn version_of(base: &str) -> Value {
    json!({
        "uri": format!("{base}/restapi/v1.0"),
        "versionString": CONTRACT,
        "releaseDate": RELEASED,
        "uriString": "v1.0",
    })
}

/// `GET /restapi`; needs no token.
pub(super) async fn versions(Base(base): Base) -> Response {
    ok(&json!({
        "uri": format!("{base}/restapi"),
        "apiVersions": [version_of(&base)],
        "serverVersion": env!("CARGO_PKG_VERSION"),
        "serverRevision": "lampfield",
    }))
}

/// `GET /restapi/v1.0`; needs no token.
pub(super) async fn version(Base(base): Base) -> Response {
    ok(&version_of(&base))
}

/// `GET /restapi/v1.0/status`; answers 200 whatever the token is.
pub(super) async fn status(Base(base): Base) -> Response {
    ok(&json!({ "uri": format!("{base}/restapi/v1.0/status"), "status": "OK" }))
}

/// `GET /restapi/v1.0/client-info`; any token.
pub(super) async fn client_info(
    State(state): State<ApiState>,
    caller: Caller,
    Base(base): Base,
    headers: HeaderMap,
) -> Answer {
    let agent = headers.get("x-user-agent").or_else(|| headers.get(USER_AGENT));
    let agent = agent.and_then(|value| value.to_str().ok()).unwrap_or("");
    let app = &caller.session.app;
    let name = state.registry.app(app).map(|app| app.name.clone()).unwrap_or_default();
    Ok(ok(&json!({
        "uri": format!("{base}/restapi/v1.0/client-info"),
        "client": {
            "detected": !agent.is_empty(),
            "userAgent": agent,
            "appId": app.as_str(),
            "appName": name,
            "appVersion": "",
        },
        "provisioning": {},
    })))
}

/// A path that the contract has and this version has not.
pub(super) async fn missing() -> Refusal {
    ApiError::unsupported().into()
}
