//! `PUT` of presence: what a person decides about themselves.

use std::sync::Arc;

use axum::extract::{Path, State};
use http::HeaderMap;
use lampfield_contract::{ApiError, ResourceFlags, parse_presence_update};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::{DndStatus, SettingsPatch};
use serde_json::Value;

use crate::audit::Trail;
use crate::auth::Caller;
use crate::edge::{Answer, Base, PresencePayload, Query, Refusal, bulk, ok};
use crate::presence::{configure, resource_of};
use crate::state::ApiState;

/// `PUT /account/{accountId}/extension/{extensionId}/presence`: a partial update; several ids parted by
/// commas, or `*` with ids in the body, take one body each.
pub(super) async fn extension_or_several(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    Query(query): Query,
    headers: HeaderMap,
    PresencePayload(body): PresencePayload,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::EDIT_PRESENCE)?;
    let look =
        Look { state: &state, caller: &caller, base, flags: ResourceFlags::from_query(&query) };
    let changes = bulk::changes(&extension, "Extension Presence Info", &headers, &body)?;
    let Some(changes) = changes else {
        return Ok(ok(&look.update(&extension, &body).await?));
    };
    let mut items = Vec::with_capacity(changes.len());
    for (id, body) in changes {
        let outcome = look.update(&id, &body).await.map_err(|refusal| *refusal.0);
        items.push(bulk::Item::of(&id, "/presence", &look.base, &caller, outcome));
    }
    bulk::answer(&state, &headers, items)
}

/// Everything but the extension and the body.
struct Look<'a> {
    state: &'a ApiState,
    caller: &'a Caller,
    base: String,
    flags: ResourceFlags,
}

impl Look<'_> {
    async fn update(&self, id: &str, body: &[u8]) -> Result<Value, Refusal> {
        let extension = writable(self.state, self.caller, id)?;
        let patch = parse_presence_update(body)?;
        check_queues(&extension, &patch)?;
        submit(self.state, self.caller, &extension, patch).await?;
        let viewer = self.caller.viewer(self.state);
        Ok(resource_of(self.state, &self.base, viewer, &extension, self.flags))
    }
}

/// Returns the extension if this caller may change its settings: oneself, or anybody for an
/// administrator.
pub(crate) fn editable(
    state: &ApiState,
    caller: &Caller,
    id: &str,
    permission: Permissions,
) -> Result<Arc<Extension>, ApiError> {
    let extension = caller.resolve_extension(state, id)?;
    if extension.key != caller.key() {
        if !caller.is_admin() {
            return Err(ApiError::other_extension());
        }
    } else if !caller.is_admin() {
        caller.need_permission(permission)?;
    }
    Ok(extension)
}

pub(super) fn writable(
    state: &ApiState,
    caller: &Caller,
    id: &str,
) -> Result<Arc<Extension>, ApiError> {
    let extension = editable(state, caller, id, Permissions::EDIT_PRESENCE_STATUS)?;
    if extension.standing.kind.is_writable() { Ok(extension) } else { Err(ApiError::wrong_type()) }
}

/// Only members of a queue can refuse the queue's calls (contract 1.5).
pub(crate) fn check_queues(extension: &Extension, patch: &SettingsPatch) -> Result<(), ApiError> {
    let refuses = patch.dnd_status == Some(DndStatus::DoNotAcceptDepartmentCalls);
    if refuses && extension.queues.is_empty() {
        return Err(ApiError::invalid_parameter("dndStatus"));
    }
    Ok(())
}

/// Has the engine carry out a patch; returns when it is durable.
pub(crate) async fn submit(
    state: &ApiState,
    caller: &Caller,
    extension: &Extension,
    patch: SettingsPatch,
) -> Result<(), Refusal> {
    if patch == SettingsPatch::default() {
        return Ok(());
    }
    configure(state, &Trail::of(caller), extension.key, patch).await.map(|_| ())
}
