//! The picture of an account at one place of its log, and the stream of what follows.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lampfield_contract::ApiError;
use lampfield_core::Position;
use lampfield_core::directory::Role;
use lampfield_core::visibility::Detail;
use lampfield_delivery::{AccountSnapshot, Sight, StreamPermission, StreamRequest};

use crate::auth::Caller;
use crate::edge::{Answer, Query, json_bytes};
use crate::own::Visitor;
use crate::state::ApiState;

const LAST_EVENT_ID: &str = "last-event-id";
/// Proxies that buffer would hold a stream back.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `GET /accounts/{account}/snapshot`: every extension, stamped with the place at which it holds.
pub(super) async fn snapshot(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    visitor.need(Role::Read)?;
    let account = visitor.account(&state, &account)?.id;
    let detail = detail_of(&query)?;
    let viewer = visitor.viewer(&state);
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let head = state.journal.head(account).position;
    if known.is_some_and(|known| names(known, head)) {
        return Ok(stamped(StatusCode::NOT_MODIFIED.into_response(), head));
    }
    let wire = state.delivery.house().config.wire;
    let taken = tokio::task::spawn_blocking(move || {
        let picture = AccountSnapshot::take(state.journal.as_ref(), &state.registry, account);
        let mut body = Vec::with_capacity(128 + 512 * picture.len());
        picture.write(&mut body, &Sight { viewer, detail, wire });
        (body, picture.head().position)
    });
    let (body, position) = taken.await.map_err(|_| ApiError::internal())?;
    Ok(stamped(json_bytes(StatusCode::OK, body), position))
}

/// `GET /accounts/{account}/stream`: server-sent events, picture first, resumable.
pub(super) async fn stream(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    visitor.need(Role::Read)?;
    let account = visitor.account(&state, &account)?.id;
    let request = StreamRequest {
        account,
        viewer: visitor.viewer(&state),
        detail: detail_of(&query)?,
        after: after_of(&query, &headers)?,
        snapshot: query.get("snapshot").is_none() || query.is_set("snapshot"),
    };
    let pieces = state
        .delivery
        .streams()
        .open(request, permission(&state, &visitor))
        .ok_or_else(|| ApiError::overloaded(5))?;
    let body = Body::from_stream(pieces.map(Ok::<_, std::convert::Infallible>));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (NO_BUFFERING, HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

/// Tells, as long as the stream lives, whether its visitor still may read.
fn permission(state: &ApiState, visitor: &Visitor) -> StreamPermission {
    let state = state.clone();
    match visitor {
        Visitor::Key(key) => {
            let key = Arc::clone(key);
            Arc::new(move || state.registry.key(&key.hash).is_some_and(|now| now == key))
        }
        Visitor::Person(caller) => {
            let id = caller.session.id;
            Arc::new(move || {
                let living = state.registry.session(id).filter(|session| {
                    let now = state.now();
                    session.access.expires_at > now || session.refresh.expires_at > now
                });
                let caller = living.and_then(|it| Caller::in_session(&state, it).ok());
                caller.is_some_and(|caller| Visitor::Person(caller).need(Role::Read).is_ok())
            })
        }
    }
}

fn after_of(query: &Query, headers: &HeaderMap) -> Result<Option<Position>, ApiError> {
    // A browser that comes back keeps the query of its first request; the header is newer.
    if let Some(value) = headers.get(LAST_EVENT_ID) {
        let text = value.to_str().map_or("", str::trim);
        if !text.is_empty() {
            let place = text.parse().map_err(|_| ApiError::invalid_parameter("Last-Event-ID"))?;
            return Ok(Some(place));
        }
    }
    let after = query.get("after").filter(|text| !text.is_empty());
    after.map(|text| text.parse().map_err(|_| ApiError::invalid_parameter("after"))).transpose()
}

fn detail_of(query: &Query) -> Result<Detail, ApiError> {
    match query.get("detail") {
        None | Some("" | "plain") => Ok(Detail::Plain),
        Some("detailed") => Ok(Detail::Detailed),
        Some("sip") => Ok(Detail::Sip),
        Some(_) => Err(ApiError::invalid_parameter("detail").with_message(
            "Parameter [detail] value is invalid: it must be plain, detailed or sip",
        )),
    }
}

fn names(known: &str, position: Position) -> bool {
    let position = position.to_string();
    known.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == position
    })
}

fn stamped(mut response: Response, position: Position) -> Response {
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{position}\"")) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.append(VARY, HeaderValue::from_static("Authorization"));
    response
}
