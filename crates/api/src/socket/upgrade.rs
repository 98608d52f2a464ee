//! `GET /ws`: the handshake of RFC 6455, and the hand-over of the socket to the delivering half.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use lampfield_contract::{ApiError, parse_query};
use lampfield_delivery::{Delivery, Hello, HelloRefusal, Welcome};
use parking_lot::Mutex;
use ring::digest;
use tokio::net::TcpStream;

use crate::auth::{Caller, bearer};
use crate::edge::{Answer, Refusal};
use crate::patient::Patient;
use crate::state::ApiState;

/// What RFC 6455 appends to a client's key.
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The longest recovery token that is looked at, in bytes.
const WSC_MAX: usize = 1024;

/// A socket on its way to the delivering half: the handler puts it into the answer, the accept loop
/// carries it out when the answer is written.
#[derive(Clone)]
pub(crate) struct HandOver(Arc<Mutex<Option<Pending>>>);

struct Pending {
    upgrade: OnUpgrade,
    hello: Hello,
    delivery: Delivery,
}

/// Opens a WebSocket. Whatever is wrong with the token is told inside the socket: a refused upgrade
/// kills clients (`clients.md`, 3).
pub(super) async fn open(State(state): State<ApiState>, mut request: Request) -> Answer {
    let Some(accept) = accept_key(request.headers()) else {
        return Ok(not_a_handshake());
    };
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(ApiError::unsupported().into());
    };
    let (parts, _) = request.into_parts();
    let hello = hello(&state, &parts);
    if let Err(refusal) = &hello {
        tracing::info!(reason = refusal.code, "a socket is refused");
    }
    let pending = Pending { upgrade, hello, delivery: state.delivery.clone() };
    let headers = [
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
    response.extensions_mut().insert(HandOver(Arc::new(Mutex::new(Some(pending)))));
    Ok(response)
}

impl HandOver {
    /// Carries it out, once the connection has written its last HTTP byte.
    pub(crate) async fn carry_out(self) {
        let Some(Pending { upgrade, hello, delivery }) = self.0.lock().take() else { return };
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%error, "a socket was gone before it opened"),
        };
        let Ok(parts) = upgraded.downcast::<TokioIo<Patient<TcpStream>>>() else {
            return tracing::error!("a socket is none of the accept loop's");
        };
        // Copied: even empty, the read-ahead would keep the connection's whole buffer alive.
        let read_ahead = Bytes::copy_from_slice(&parts.read_buf);
        match parts.io.into_inner().into_inner().into_std() {
            Ok(stream) => delivery.open_socket(stream, read_ahead, hello),
            Err(error) => tracing::warn!(%error, "a socket could not be handed over"),
        }
    }
}

/// Returns the answer to the client's key, if it asks for a WebSocket at all.
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name: HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
    };
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    let is_key = STANDARD.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == 16);
    let is_asked = has(UPGRADE, "websocket")
        && has(CONNECTION, "upgrade")
        && headers.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    if !is_key || !is_asked {
        return None;
    }
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(key.as_bytes());
    context.update(MAGIC);
    HeaderValue::from_str(&STANDARD.encode(context.finish())).ok()
}

fn not_a_handshake() -> Response {
    let message = "Open a WebSocket here: the handshake of RFC 6455, version 13";
    let mut response = Refusal::from(ApiError::new(426, "CMN-110", message)).into_response();
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

fn hello(state: &ApiState, parts: &Parts) -> Hello {
    let refuse =
        |message: &str| HelloRefusal { status: 401, code: "WSG-401", message: message.to_owned() };
    let token = bearer(parts).map_err(|_| refuse("WebSocket access token is missing"))?;
    let session = state
        .secrets
        .session_of_socket_token(&token, state.now())
        .and_then(|id| state.registry.session(id))
        .ok_or_else(|| refuse("WebSocket access token is invalid or expired"))?;
    let caller = Caller::in_session(state, session)
        .map_err(|error| HelloRefusal { message: error.message, ..refuse("") })?;
    let query = parse_query(parts.uri.query().unwrap_or(""));
    let wsc = query.into_iter().find(|(name, _)| name == "wsc").map(|(_, wsc)| wsc);
    if wsc.as_ref().is_some_and(|wsc| wsc.len() > WSC_MAX) {
        let message = "Malformed WebSocket session context token".to_owned();
        return Err(HelloRefusal { status: 400, code: "WSG-400", message });
    }
    Ok(Welcome { session: caller.session, wsc: wsc.filter(|wsc| !wsc.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_key_is_answered_as_the_standard_shows_it() {
        let asked = headers(&[
            (UPGRADE, "WebSocket"),
            (CONNECTION, "keep-alive, Upgrade"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ]);
        assert_eq!(accept_key(&asked).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_no_handshake_gets_no_key() {
        let right = [
            (UPGRADE, "websocket"),
            (CONNECTION, "Upgrade"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, wrong) in [
            (UPGRADE, "h2c"),
            (CONNECTION, "close"),
            (SEC_WEBSOCKET_VERSION, "8"),
            (SEC_WEBSOCKET_KEY, "c2hvcnQ="),
        ] {
            let mut asked = headers(&right);
            asked.insert(&name, HeaderValue::from_static(wrong));
            assert!(accept_key(&asked).is_none(), "{name}: {wrong}");
        }
    }
}
