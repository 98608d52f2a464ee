//! `unified-presence`: the same presence in four words (contract 2.4).

use axum::extract::{Path, State};
use http::HeaderMap;
use lampfield_contract::{ApiError, Beholder, parse_unified_update, unified_presence};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::see;
use serde_json::Value;

use crate::auth::Caller;
use crate::edge::{Answer, Base, PresencePayload, Refusal, bulk, ok};
use crate::presence::with_document;
use crate::presence::write::{check_queues, submit, writable};
use crate::state::ApiState;

/// What is asked of each of several, in the words of the refusal.
const WHAT: &str = "Unified Presence";
/// What stands behind the extension in the path.
const TAIL: &str = "/unified-presence";

/// `GET …/unified-presence`; several ids parted by commas give an array.
pub(super) async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need(Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS)?;
    let one = |id: &str| {
        let extension = caller.resolve_extension(&state, id)?;
        Ok(resource(&state, &caller, &extension))
    };
    if !extension.contains(',') {
        return Ok(ok(&one(&extension)?));
    }
    let ids = bulk::split(&extension, WHAT)?;
    let items = ids.iter().map(|id| bulk::Item::of(id, TAIL, &base, &caller, one(id)));
    Ok(bulk::array(items.collect()))
}

/// `PATCH …/unified-presence`: a partial update; several ids parted by commas, or `*` with ids in the
/// body, take one body each.
pub(super) async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    headers: HeaderMap,
    PresencePayload(body): PresencePayload,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::EDIT_PRESENCE)?;
    let Some(changes) = bulk::changes(&extension, WHAT, &headers, &body)? else {
        return Ok(ok(&update(&state, &caller, &extension, &body).await?));
    };
    let mut items = Vec::with_capacity(changes.len());
    for (id, body) in changes {
        let outcome = update(&state, &caller, &id, &body).await.map_err(|refusal| *refusal.0);
        items.push(bulk::Item::of(&id, TAIL, &base, &caller, outcome));
    }
    Ok(bulk::array(items))
}

async fn update(
    state: &ApiState,
    caller: &Caller,
    id: &str,
    body: &[u8],
) -> Result<Value, Refusal> {
    let extension = writable(state, caller, id)?;
    let update = parse_unified_update(body)?;
    let patch = update.patch(with_document(state, &extension, |document| document.user));
    check_queues(&extension, &patch)
        .map_err(|_| ApiError::invalid_parameter("telephony.availability"))?;
    submit(state, caller, &extension, patch).await?;
    Ok(resource(state, caller, &extension))
}

fn resource(state: &ApiState, caller: &Caller, extension: &Extension) -> Value {
    let is_oneself = extension.key == caller.key();
    let beholder = if is_oneself { Beholder::Oneself } else { Beholder::Another };
    with_document(state, extension, |document| {
        let view = see(caller.viewer(state), extension.key.extension, &document.settings);
        unified_presence(document, view, beholder)
    })
}
