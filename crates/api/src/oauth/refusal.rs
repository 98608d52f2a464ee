//! Errors of the token endpoints as answers.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use lampfield_contract::OauthError;
use lampfield_journal::StoreError;

use crate::auth::{NoChance, PasswordError};
use crate::edge::{Refusal, json};

/// An error of a token endpoint as an answer (contract 4.5).
#[derive(Debug)]
pub(super) struct OauthRefusal(pub(super) Box<OauthError>);

impl From<OauthError> for OauthRefusal {
    fn from(error: OauthError) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for OauthRefusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = json(status, &self.0.body());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"lampfield\""));
        }
        response
    }
}

impl From<StoreError> for OauthRefusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a log-in could not be stored");
        match error {
            StoreError::Full(_) => OauthError::overloaded(30).into(),
            StoreError::Damaged { .. } | StoreError::Unusable(_) => OauthError::internal().into(),
        }
    }
}

impl From<NoChance> for OauthRefusal {
    fn from(error: NoChance) -> Self {
        tracing::error!(%error, "no token could be made");
        OauthError::internal().into()
    }
}

impl From<PasswordError> for OauthRefusal {
    fn from(error: PasswordError) -> Self {
        tracing::error!(%error, "a password could not be checked");
        OauthError::internal().into()
    }
}

/// A body that could not be read keeps its status and its words.
impl From<Refusal> for OauthRefusal {
    fn from(refusal: Refusal) -> Self {
        let error = *refusal.0;
        OauthError::new(error.status, "invalid_request", error.code, error.message).into()
    }
}
