//! `/.well-known/entry-points/…`: where everything is, for SDKs that ask before they log in. All of it
//! is this server.

use axum::response::Response;
use lampfield_contract::ApiError;
use serde_json::{Value, json};

use crate::edge::{Answer, Base, Query, ok};
use crate::oauth::AUTHORIZE_PATH;

/// How long the answer may be kept, in seconds.
const KEEP: u32 = 3600;
/// How often and after how many seconds an SDK shall try again.
const RETRIES: (u32, u32) = (3, 3);

/// `GET …/initial?clientId=`: what is needed to log in.
pub(super) async fn initial(Base(base): Base, query: Query) -> Answer {
    if query.get("clientId").is_none_or(str::is_empty) {
        return Err(ApiError::invalid_parameter("clientId").into());
    }
    let mut answer = common(&base);
    answer["discoveryApi"] = json!({ "defaultExternalUri": external_uri(&base) });
    answer["authApi"] = json!({
        "authorizationUri": format!("{base}{AUTHORIZE_PATH}"),
        "defaultTokenUri": token_uri(&base),
        "baseUri": base,
    });
    Ok(ok(&answer))
}

/// `GET …/external`: what is needed afterwards.
pub(super) async fn external(Base(base): Base) -> Response {
    let mut answer = common(&base);
    answer["expiresIn"] = json!(KEEP);
    answer["retryCycleDelay"] = json!(60);
    answer["discoveryApi"] = json!({
        "externalUri": external_uri(&base),
        "initialUri": format!("{base}/.well-known/entry-points/initial"),
    });
    answer["authApi"] = json!({
        "authorizationUri": format!("{base}{AUTHORIZE_PATH}"),
        "tokenUri": token_uri(&base),
        "baseUri": base,
    });
    ok(&answer)
}

fn common(base: &str) -> Value {
    json!({
        "version": "1.0.0",
        "retryCount": RETRIES.0,
        "retryInterval": RETRIES.1,
        "coreApi": { "baseUri": base },
    })
}

fn external_uri(base: &str) -> String {
    format!("{base}/.well-known/entry-points/external")
}

fn token_uri(base: &str) -> String {
    format!("{base}/restapi/oauth/token")
}
