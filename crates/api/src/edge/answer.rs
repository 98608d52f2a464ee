//! How answers look: JSON always, errors in the contract's shape.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use lampfield_contract::ApiError;
use lampfield_engine::SubmitError;
use lampfield_journal::{ReadError, StoreError};
use serde_json::Value;

use crate::auth::{NoChance, PasswordError};

/// An error as an answer (contract 2.2).
#[derive(Debug)]
pub struct Refusal(pub Box<ApiError>);

/// What a handler gives back.
pub type Answer = Result<Response, Refusal>;

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = json(status, &self.0.body());
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"lampfield\""));
        }
        response
    }
}

/// Returns a JSON answer.
pub fn json(status: StatusCode, body: &Value) -> Response {
    json_bytes(status, body.to_string().into_bytes())
}

/// Returns a JSON answer of text that is JSON already.
pub fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, content_type)], body).into_response()
}

/// Returns a JSON answer with status 200.
pub fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body)
}

/// Tells what a refused order means to whoever gave it.
impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Self {
        use lampfield_core::Refusal as Rule;
        match error {
            SubmitError::UnknownExtension(_) => ApiError::not_found("extensionId").into(),
            SubmitError::Refused(Rule::NoPresence(_)) => ApiError::wrong_type().into(),
            SubmitError::Refused(rule @ Rule::TooManyClaims(_)) => {
                ApiError::new(409, "CMN-101", rule.to_string()).with_parameter("claims").into()
            }
            SubmitError::Refused(rule @ Rule::ListTooLong { .. }) => {
                ApiError::new(400, "CMN-101", rule.to_string()).with_parameter("records").into()
            }
            SubmitError::Overloaded(wait) | SubmitError::Unavailable { wait, .. } => {
                let seconds = wait.as_millis().div_ceil(1000).max(1);
                ApiError::overloaded(u32::try_from(seconds).unwrap_or(u32::MAX)).into()
            }
            SubmitError::Stopped => ApiError::overloaded(5).into(),
        }
    }
}

/// The directory could not be written.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the directory could not be written");
        match error {
            StoreError::Full(_) => ApiError::overloaded(30).into(),
            StoreError::Damaged { .. } | StoreError::Unusable(_) => ApiError::internal().into(),
        }
    }
}

/// The journal could not be read.
impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "the journal could not be read");
        ApiError::internal().into()
    }
}

impl From<NoChance> for Refusal {
    fn from(error: NoChance) -> Self {
        tracing::error!(%error, "no id or secret could be made");
        ApiError::internal().into()
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooLong | PasswordError::Empty => {
                ApiError::invalid_parameter("password").with_message(error.to_string()).into()
            }
            PasswordError::Failed(_) => {
                tracing::error!(%error, "a password could not be hashed");
                ApiError::internal().into()
            }
        }
    }
}
