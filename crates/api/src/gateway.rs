//! REST over WebSocket: a `ClientRequest` becomes a request to the router, its answer a frame.

use std::fmt;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Limited};
use lampfield_contract::ApiError;
use lampfield_core::SessionId;
use lampfield_delivery::{Gateway, SocketAnswer, SocketEffect, SocketRequest};
use lampfield_journal::BoxFuture;
use tower::ServiceExt;

use crate::auth::Caller;
use crate::edge::{Refusal, RequestId, encode};
use crate::over_socket::{Effect, SocketContext};
use crate::router::router;
use crate::state::ApiState;

/// The largest answer that is put into a frame, in bytes.
const ANSWER_MAX: usize = 16 << 20;
/// Headers of an answer that stand in its frame, as clients spell them.
const SHOWN: [&str; 9] = [
    "RCRequestId",
    "Content-Type",
    "X-Rate-Limit-Group",
    "X-Rate-Limit-Limit",
    "X-Rate-Limit-Remaining",
    "X-Rate-Limit-Window",
    "Retry-After",
    "ETag",
    "WSG-SubscriptionId",
];
/// Headers of a frame that reach the router; none of them says who one is or where one comes from.
const HEARD: [&str; 5] =
    ["accept", "content-type", "x-user-agent", "if-none-match", "x-http-method-override"];

/// Answers requests that come over sockets.
#[derive(Clone)]
pub struct RestGateway {
    state: ApiState,
    router: Router,
}

impl RestGateway {
    /// Makes the gateway to the same paths as [`router`](crate::router()).
    #[must_use]
    pub fn new(state: ApiState) -> Self {
        Self { router: router(state.clone()), state }
    }

    async fn answer(self, request: SocketRequest) -> SocketAnswer {
        let id = request.request_id.clone();
        let response = match to_http(request) {
            Ok(request) => match self.router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Err(error) => {
                let mut response = Refusal::from(error).into_response();
                if let Ok(id) = HeaderValue::from_str(&id) {
                    response.headers_mut().insert("rcrequestid", id);
                }
                response
            }
        };
        to_answer(response).await
    }
}

impl Gateway for RestGateway {
    fn call(&self, request: SocketRequest) -> BoxFuture<'static, SocketAnswer> {
        Box::pin(self.clone().answer(request))
    }

    fn is_alive(&self, session: SessionId) -> bool {
        let now = self.state.now();
        self.state.registry.session(session).is_some_and(|session| {
            let lasts = now < session.refresh.expires_at || now < session.access.expires_at;
            lasts && Caller::in_session(&self.state, session).is_ok()
        })
    }
}

impl fmt::Debug for RestGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestGateway").finish_non_exhaustive()
    }
}

fn to_http(request: SocketRequest) -> Result<Request, ApiError> {
    check_path(&request.path)?;
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| ApiError::method_not_allowed())?;
    let query: Vec<_> = request
        .query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    let uri = if query.is_empty() {
        request.path
    } else {
        format!("{}?{}", request.path, query.join("&"))
    };
    let mut built = http::Request::builder()
        .method(method)
        .uri(uri)
        .body(Body::from(request.body))
        .map_err(|_| ApiError::no_route())?;
    for (name, value) in request.headers {
        let name = name.to_ascii_lowercase();
        if HEARD.contains(&name.as_str())
            && let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::from_str(&value))
        {
            built.headers_mut().insert(name, value);
        }
    }
    let context = SocketContext { session: request.session.id, subscription: request.subscription };
    built.extensions_mut().insert(context);
    built.extensions_mut().insert(RequestId(request.request_id));
    Ok(built)
}

/// Only the contract's paths, and of these not the token endpoints, which ask for other proofs than
/// a session.
fn check_path(path: &str) -> Result<(), ApiError> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next()) {
        (Some("restapi"), Some("oauth")) => Err(ApiError::unsupported()),
        (Some("restapi"), _) => Ok(()),
        _ => Err(ApiError::no_route()),
    }
}

async fn to_answer(response: Response) -> SocketAnswer {
    let (parts, body) = response.into_parts();
    let effect = parts.extensions.get::<Effect>().map(|effect| effect.0.clone());
    match Limited::new(body, ANSWER_MAX).collect().await {
        Ok(body) => SocketAnswer {
            status: parts.status.as_u16(),
            headers: shown(&parts.headers),
            body: body.to_bytes(),
            effect: effect.unwrap_or(SocketEffect::None),
        },
        Err(error) => {
            tracing::error!(%error, "an answer could not be put into a frame");
            let error = ApiError::internal();
            SocketAnswer {
                status: error.status,
                headers: shown(&parts.headers),
                body: Bytes::from(error.body().to_string()),
                effect: effect.unwrap_or(SocketEffect::None),
            }
        }
    }
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    SHOWN.into_iter().filter_map(|name| Some((name.to_owned(), text(name)?))).collect()
}
