//! `listen`: a webhook receiver on this machine, to see what arrives.

use std::convert::Infallible;
use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::sync::mpsc;

use super::directory::cell;
use crate::cli::ListenArgs;
use crate::exit::{Code, Failure};
use crate::screen::Screen;
use crate::serve::listen_on;

/// The largest delivery that is taken, in bytes.
const BODY_MAX: usize = 1 << 20;
/// Connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// Deliveries that wait to be printed.
const BACKLOG: usize = 256;

const VALIDATION: &str = "validation-token";
const VERIFICATION: &str = "verification-token";

/// Receives until it is interrupted.
pub(super) async fn listen(args: ListenArgs, screen: &mut Screen) -> anyhow::Result<()> {
    let listener = listen_on(args.listen).await?;
    let address = listener.local_addr()?;
    screen.notice(&format!(
        "receiving webhooks at http://{address}/ ({})",
        if args.verification_token.is_some() { "with verification token" } else { "from anybody" }
    ));
    let (print, mut printed) = mpsc::channel::<Arrival>(BACKLOG);
    let wanted: Option<Arc<str>> = args.verification_token.map(Into::into);
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    tokio::spawn(async move {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else { continue };
            let (print, wanted) = (print.clone(), wanted.clone());
            tokio::spawn(async move {
                let answer = service_fn(|request| receive(request, wanted.as_deref(), &print));
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), answer);
                // A sender that goes away is no failure of the receiver.
                let _ = connection.await;
                drop(place);
            });
        }
    });
    while let Some(arrival) = printed.recv().await {
        arrival.show(screen)?;
    }
    Err(Failure::new(Code::Failed, "the receiver has ended").into())
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
enum Arrival {
    /// The handshake of a new or renewed subscription.
    Handshake,
    /// An event.
    Event(Bytes),
    /// A delivery without the token that was agreed.
    Unverified,
}

impl Arrival {
    fn show(self, screen: &mut Screen) -> anyhow::Result<()> {
        match self {
            Self::Handshake => screen.notice("handshake answered"),
            Self::Unverified => {
                screen.notice("a delivery without the right Verification-Token was refused");
            }
            Self::Event(body) if screen.json => {
                screen.raw(&body)?;
                screen.say("")?;
            }
            Self::Event(body) => screen.say(&in_a_line(&body))?,
        }
        Ok(())
    }
}

async fn receive(
    request: Request<Incoming>,
    wanted: Option<&str>,
    print: &mpsc::Sender<Arrival>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body =
        Limited::new(body, BODY_MAX).collect().await.map(http_body_util::Collected::to_bytes);
    let Ok(body) = body else {
        return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let (response, arrival) = judge(&parts.method, &parts.headers, body, wanted);
    if let Some(arrival) = arrival {
        // Printing may be slow: then the sender waits, as it would for any receiver.
        let _ = print.send(arrival).await;
    }
    Ok(response)
}

/// Decides how a request is answered and what is printed of it.
fn judge(
    method: &Method,
    headers: &HeaderMap,
    body: Bytes,
    wanted: Option<&str>,
) -> (Response<Full<Bytes>>, Option<Arrival>) {
    if method != Method::POST {
        return (plain(StatusCode::METHOD_NOT_ALLOWED), None);
    }
    if let Some(token) = headers.get(VALIDATION) {
        let mut response = plain(StatusCode::OK);
        response.headers_mut().insert(VALIDATION, token.clone());
        return (response, Some(Arrival::Handshake));
    }
    let brought = headers.get(VERIFICATION).and_then(|value| value.to_str().ok());
    if wanted.is_some() && brought != wanted {
        return (plain(StatusCode::UNAUTHORIZED), Some(Arrival::Unverified));
    }
    (plain(StatusCode::OK), Some(Arrival::Event(body)))
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}

fn in_a_line(body: &[u8]) -> String {
    let Ok(event) = serde_json::from_slice::<Value>(body) else {
        return format!("not JSON: {}", String::from_utf8_lossy(body));
    };
    // A CloudEvent has other names for the same.
    let either = |name: &str, other: &str| event.get(name).unwrap_or(&event[other]);
    let told = either("body", "data");
    format!(
        "{} extension {} sequence {}: {}, {}, user {}, meeting {}, {}",
        cell(either("timestamp", "time")),
        cell(&told["extensionId"]),
        cell(&told["sequence"]),
        cell(&told["presenceStatus"]),
        cell(&told["telephonyStatus"]),
        cell(&told["userStatus"]),
        cell(&told["meetingStatus"]),
        cell(&told["dndStatus"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(
        headers: &[(&'static str, &str)],
        wanted: Option<&str>,
    ) -> (StatusCode, Option<Arrival>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let (response, arrival) = judge(&Method::POST, &map, Bytes::from_static(b"{}"), wanted);
        if response.status() == StatusCode::OK {
            assert_eq!(response.headers().get(VALIDATION), map.get(VALIDATION));
        }
        (response.status(), arrival)
    }

    #[test]
    fn the_handshake_is_echoed_and_events_are_verified() {
        let event = || Some(Arrival::Event(Bytes::from_static(b"{}")));
        assert_eq!(
            judged(&[(VALIDATION, "v")], Some("t")),
            (StatusCode::OK, Some(Arrival::Handshake))
        );
        assert_eq!(judged(&[], None), (StatusCode::OK, event()));
        assert_eq!(judged(&[(VERIFICATION, "t")], Some("t")), (StatusCode::OK, event()));
        let refused = (StatusCode::UNAUTHORIZED, Some(Arrival::Unverified));
        assert_eq!(judged(&[(VERIFICATION, "x")], Some("t")), refused);
        assert_eq!(judged(&[], Some("t")), refused);
        let (response, arrival) = judge(&Method::GET, &HeaderMap::new(), Bytes::new(), None);
        assert_eq!((response.status(), arrival), (StatusCode::METHOD_NOT_ALLOWED, None));
    }
}
