//! One request to a receiver: bounded in time and in bytes, never redirected, never proxied.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::config::WebhookConfig;
use crate::webhook::connector::{Connector, DialError, Resolve, SystemResolver};
use crate::webhook::guard::Guard;

/// A kept connection is not used again after this: shorter than what common servers grant (5 s), so
/// that no request meets a connection that the receiver is closing.
const KEPT_FOR: Duration = Duration::from_secs(4);
/// The most bytes of an answer's head that are ever read; more is an error.
const HEAD_MAX: usize = 8192;

type Inner = legacy::Client<HttpsConnector<Connector>, Full<Bytes>>;

/// Talks to receivers.
#[derive(Clone)]
pub(super) struct Client {
    kept: Inner,
    fresh: Inner,
    timeout: Duration,
    answer_max: usize,
    user_agent: http::HeaderValue,
}

/// Which connection a request goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// One that is kept from earlier, if there is one.
    Kept,
    /// A new one: the name is resolved and the address vetted now.
    Fresh,
}

/// What a receiver answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) end: AnswerEnd,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerEnd {
    /// It was read to its end, within the bound.
    Complete,
    /// It is longer than the bound; the rest was not read.
    Overlong,
    /// It broke off, or its end did not come in time.
    Cut,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum PostError {
    /// It did not come in time.
    Timeout(Duration),
    /// No connection.
    Dial(String),
    /// Only https is allowed.
    HttpsRequired(String),
    /// The certificate is not good.
    Certificate(String),
    /// The connection was lost, or what came is not HTTP.
    Broken(String),
    /// It was not made: it must be signed, and the signing secret cannot be opened.
    Sealed,
}

impl Client {
    /// Makes the client of a configuration, which trusts the public certificate authorities.
    pub(super) fn new(config: &WebhookConfig) -> io::Result<Self> {
        let resolver = Arc::new(SystemResolver::new(config.lookups_max));
        Self::with(config, resolver, public_trust()?)
    }

    /// Makes a client with a resolver and a trust of its own.
    pub(super) fn with(
        config: &WebhookConfig,
        resolver: Arc<dyn Resolve>,
        trust: ClientConfig,
    ) -> io::Result<Self> {
        let connector = Connector::new(Guard::new(config), resolver);
        let https = HttpsConnector::from((connector, Arc::new(trust)));
        let user_agent = http::HeaderValue::from_str(&config.user_agent).map_err(|_| {
            let message = format!("webhook.user_agent {:?} is no header value", config.user_agent);
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        Ok(Self {
            kept: inner(https.clone(), config.per_host_max),
            fresh: inner(https, 0),
            timeout: config.timeout,
            answer_max: config.answer_max,
            user_agent,
        })
    }

    /// Posts `body` and reads the answer, all within the timeout.
    pub(super) async fn post(
        &self,
        uri: &Uri,
        mut headers: HeaderMap,
        body: Bytes,
        route: Route,
    ) -> Result<Answer, PostError> {
        let deadline = Instant::now() + self.timeout;
        headers.insert(http::header::USER_AGENT, self.user_agent.clone());
        headers.insert(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, http::HeaderValue::from(body.len()));
        headers.remove(HOST);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        let inner = match route {
            Route::Kept => &self.kept,
            Route::Fresh => &self.fresh,
        };
        let answer = tokio::time::timeout_at(deadline, inner.request(request));
        let response = match answer.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(PostError::of(&error)),
            Err(_) => return Err(PostError::Timeout(self.timeout)),
        };
        let (head, body) = response.into_parts();
        let room = self.answer_max.saturating_sub(head_bytes(&head));
        let end = tokio::time::timeout_at(deadline, read(body, room));
        let end = end.await.unwrap_or(AnswerEnd::Cut);
        let is_overlong = head_bytes(&head) > self.answer_max;
        let end = if is_overlong { AnswerEnd::Overlong } else { end };
        Ok(Answer { status: head.status, headers: head.headers, end })
    }
}

fn inner(https: HttpsConnector<Connector>, idle_max: usize) -> Inner {
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEPT_FOR)
        .pool_max_idle_per_host(idle_max)
        .http1_max_buf_size(HEAD_MAX)
        .build(https)
}

/// Trust in the public certificate authorities, TLS 1.2 and 1.3, without a process-wide default.
pub(super) fn public_trust() -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(versions.with_webpki_roots().with_no_client_auth())
}

/// Returns about how many bytes the head took on the wire.
fn head_bytes(head: &http::response::Parts) -> usize {
    const STATUS_LINE: usize = "HTTP/1.1 200 OK\r\n".len();
    let lines = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    STATUS_LINE + lines.sum::<usize>() + 2
}

/// Reads a body to its end, so that its connection can be kept, but no more than `room` bytes.
async fn read(mut body: Incoming, room: usize) -> AnswerEnd {
    let mut seen = 0_usize;
    loop {
        match body.frame().await {
            None => return AnswerEnd::Complete,
            Some(Err(_)) => return AnswerEnd::Cut,
            Some(Ok(frame)) => seen += frame.data_ref().map_or(0, Bytes::len),
        }
        if seen > room {
            return AnswerEnd::Overlong;
        }
    }
}

impl PostError {
    fn of(error: &legacy::Error) -> Self {
        if let Some(dial) = find::<DialError>(error) {
            return match dial {
                DialError::HttpsRequired(_)
                | DialError::Refused(crate::webhook::guard::Refused::HttpsRequired(_)) => {
                    Self::HttpsRequired(dial.to_string())
                }
                DialError::NoHost(_)
                | DialError::Unresolved { .. }
                | DialError::Refused(_)
                | DialError::Unreachable { .. } => Self::Dial(dial.to_string()),
            };
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return match tls {
                rustls::Error::InvalidCertificate(_)
                | rustls::Error::NoCertificatesPresented
                | rustls::Error::UnsupportedNameType => Self::Certificate(tls.to_string()),
                _ => Self::Dial(format!("TLS failed: {tls}")),
            };
        }
        if error.is_connect() { Self::Dial(chain(error)) } else { Self::Broken(chain(error)) }
    }

    /// What whoever made the subscription may read. Everything that concerns the connection reads
    /// the same, or it would tell what there is in the operator's network.
    pub(super) fn outside(&self) -> String {
        let details = match self {
            Self::Sealed => return "The signing secret cannot be used; set a new one".to_owned(),
            Self::Timeout(_) => "Read timed out",
            Self::Dial(_) => "WebHook is not reachable",
            Self::HttpsRequired(_) => "HTTPS is required",
            Self::Certificate(_) => "HTTPS certificate is not valid",
            Self::Broken(_) => "Connection closed before the response was complete",
        };
        format!("I/O operation is failed. Details: [{details}]")
    }
}

/// What the operator reads.
impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(limit) => write!(f, "no answer within {} ms", limit.as_millis()),
            Self::Dial(why) | Self::HttpsRequired(why) => f.write_str(why),
            Self::Certificate(why) => write!(f, "the certificate is not good: {why}"),
            Self::Broken(why) => write!(f, "the exchange broke off: {why}"),
            Self::Sealed => f.write_str(
                "not sent: its signing secret was sealed with another server key; set a new one",
            ),
        }
    }
}

impl Error for PostError {}

/// Finds a cause of a type. An `io::Error` hides what it was made of from `source`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inside {
            Some(inside) => Some(inside as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
