//! Bodies of requests: bounded in size, in time and in depth.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body as _;
use lampfield_contract::{ApiError, is_too_deep};

use crate::edge::Refusal;
use crate::state::ApiState;

/// The body of a request, at most [`body_max`](crate::ApiConfig::body_max) long.
#[derive(Debug)]
pub struct Payload(pub Bytes);

/// The body of a request about presence, at most
/// [`presence_body_max`](crate::ApiConfig::presence_body_max) long.
#[derive(Debug)]
pub struct PresencePayload(pub Bytes);

impl FromRequest<ApiState> for Payload {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Refusal> {
        read(request, state.config.body_max, state.config.body_timeout).await.map(Self)
    }
}

impl FromRequest<ApiState> for PresencePayload {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Refusal> {
        read(request, state.config.presence_body_max, state.config.body_timeout).await.map(Self)
    }
}

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// 413 for a longer one, 408 for one that does not arrive, 400 for a broken one.
pub async fn read(request: Request, max: usize, within: Duration) -> Result<Bytes, Refusal> {
    // What is announced to be too long is refused before it arrives.
    if request.body().size_hint().lower() > u64::try_from(max).unwrap_or(u64::MAX) {
        return Err(ApiError::body_too_large(max).into());
    }
    let body = Limited::new(request.into_body(), max);
    match tokio::time::timeout(within, body.collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(ApiError::body_too_large(max).into())
        }
        Ok(Err(_)) => Err(ApiError::cannot_parse().into()),
        Err(_) => {
            Err(ApiError::new(408, "CMN-104", "The request's body did not arrive in time").into())
        }
    }
}

/// Refuses JSON that is nested deeper than [`JSON_DEPTH_MAX`](lampfield_contract::JSON_DEPTH_MAX), before any parser sees it.
///
/// # Errors
/// 400 CMN-103.
pub fn check_depth(text: &[u8]) -> Result<(), Refusal> {
    if is_too_deep(text) { Err(ApiError::bad_json().into()) } else { Ok(()) }
}
