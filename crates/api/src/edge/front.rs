//! What happens to every request before it is routed, and to every answer before it leaves: a request
//! id, CORS for browsers, and the contract's lenient spellings of paths and methods.

use std::str::FromStr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use lampfield_contract::{ApiError, parse_query};
use tracing::Instrument;

use crate::edge::Refusal;
use crate::oauth::AUTHORIZE_PATH;
use crate::state::ApiState;

const REQUEST_ID: HeaderName = HeaderName::from_static("rcrequestid");
const OVERRIDE: &str = "x-http-method-override";
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, Accept, Last-Event-ID, If-None-Match, X-User-Agent, \
     Client-Id, Discovery-Tag, RCRequestId, X-HTTP-Method-Override";
const ALLOWED_METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const EXPOSED_HEADERS: &str = "Retry-After, ETag, X-Rate-Limit-Group, X-Rate-Limit-Limit, \
     X-Rate-Limit-Remaining, X-Rate-Limit-Window, RCRequestId, WWW-Authenticate";

/// The id of a request, as told in `RCRequestId`.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Stands in front of the router.
pub(crate) async fn front(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = match request.extensions().get::<RequestId>() {
        Some(RequestId(given)) => given.clone(),
        None => state.secrets.random_id().map(|id| id.to_string()).unwrap_or_default(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let origin = request.headers().get(ORIGIN).filter(|_| is_shared(&request)).cloned();
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        http.method = %request.method(),
        url.path = %request.uri().path(),
    );
    let mut response = if is_preflight(&request) {
        preflight()
    } else {
        match normalise(&mut request) {
            Ok(()) => next.run(request).instrument(span.clone()).await,
            Err(refusal) => refusal.into_response(),
        }
    };
    span.in_scope(|| note(response.status()));
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(origin) = origin {
        allow(headers, origin);
    }
    response
}

/// Writes a line for an answered request, inside the request's span: a mistake of ours is seen by
/// default, the rest (a full disk included, which the store tells of once) at level debug.
fn note(status: StatusCode) {
    let status_code = status.as_u16();
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::warn!(http.status_code = status_code, "request failed");
    } else {
        tracing::debug!(http.status_code = status_code, "request answered");
    }
}

/// The log-in page is for people who look at it, not for scripts of other origins.
fn is_shared(request: &Request) -> bool {
    let path = request.uri().path();
    plain_path(path).as_deref().unwrap_or(path) != AUTHORIZE_PATH
}

fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOWED_METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The browser SDK sends `credentials: include`, which forbids `*`. The only cookie of ours is that of
/// the log-in page, which is not opened to other origins, so naming the origin gives nothing away.
fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

/// Undoes tunnelled methods, slashes at the end and doubled slashes (contract 2.1).
fn normalise(request: &mut Request) -> Result<(), Refusal> {
    if !is_text(request.uri().path()) {
        return Err(ApiError::no_route().into());
    }
    if let Some(method) = tunnelled(request)? {
        *request.method_mut() = method;
    }
    if let Some(path) = plain_path(request.uri().path()) {
        let rewritten = with_path(request.uri(), &path).ok_or_else(ApiError::no_route)?;
        *request.uri_mut() = rewritten;
    }
    Ok(())
}

fn tunnelled(request: &Request) -> Result<Option<Method>, Refusal> {
    if request.method() != Method::POST {
        return Ok(None);
    }
    let header = request.headers().get(OVERRIDE).and_then(|value| value.to_str().ok());
    let query = request.uri().query().unwrap_or("");
    let query = parse_query(query).into_iter().find(|(name, _)| name == "_method");
    let query = query.as_ref().map(|(_, value)| value.as_str());
    let wanted = match (header, query) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => {
            return Err(ApiError::invalid_parameter("_method").into());
        }
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => return Ok(None),
    };
    match Method::from_str(&wanted.to_ascii_uppercase()) {
        Ok(
            method @ (Method::PUT | Method::PATCH | Method::DELETE | Method::GET | Method::POST),
        ) => Ok(Some(method)),
        _ => Err(ApiError::invalid_parameter("_method").into()),
    }
}

/// Tells whether a path is UTF-8 when it is decoded. Nothing else names anything here.
fn is_text(path: &str) -> bool {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, behind @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        let (byte, left) = match (escaped, behind) {
            (Some((high, low)), [_, _, behind @ ..]) => (high << 4 | low, behind),
            _ => (*first, behind),
        };
        decoded.push(byte);
        rest = left;
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// Returns the path without doubled slashes and without one at its end, if that changes anything.
fn plain_path(path: &str) -> Option<String> {
    if path == "/" || !(path.ends_with('/') || path.contains("//")) {
        return None;
    }
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    Some(format!("/{}", parts.join("/")))
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(method: &str, uri: &str, header: Option<&str>) -> Request {
        let mut builder = http::Request::builder().method(method).uri(uri);
        if let Some(header) = header {
            builder = builder.header(OVERRIDE, header);
        }
        builder.body(Body::empty()).unwrap()
    }

    #[test]
    fn slashes_at_the_end_and_doubled_ones_do_not_matter() {
        for (from, to) in [
            ("/restapi/v1.0/subscription/", "/restapi/v1.0/subscription"),
            ("//restapi/v1.0/status?a=b/", "/restapi/v1.0/status?a=b/"),
            ("/restapi", "/restapi"),
            ("/", "/"),
            ("//", "/"),
        ] {
            let mut one = request("GET", from, None);
            normalise(&mut one).unwrap();
            assert_eq!(one.uri().to_string(), to);
        }
    }

    #[test]
    fn a_post_may_carry_another_method() {
        let method = |method, uri, header| {
            let mut one = request(method, uri, header);
            normalise(&mut one).ok().map(|()| one.method().to_string())
        };

        assert_eq!(method("POST", "/a", Some("put")), Some("PUT".to_owned()));
        assert_eq!(method("POST", "/a?_method=DELETE", None), Some("DELETE".to_owned()));
        assert_eq!(method("POST", "/a?_method=PUT", Some("PUT")), Some("PUT".to_owned()));
        assert_eq!(method("POST", "/a?_method=PUT", Some("DELETE")), None);
        assert_eq!(method("POST", "/a", Some("CONNECT")), None);
        assert_eq!(method("GET", "/a", Some("DELETE")), Some("GET".to_owned()));
    }
}
