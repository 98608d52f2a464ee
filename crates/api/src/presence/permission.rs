//! `presence/permission`: who may answer an extension's calls, and to whom `PermittedUsers` refers.

use std::sync::Arc;

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, Page, PageRequest, extension_uri, list_resource, parse_object};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::{ExtensionId, ExtensionKey, SettingsPatch};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::edge::{Answer, Base, PresencePayload, Query, ok};
use crate::presence::with_document;
use crate::presence::write::{editable, submit};
use crate::state::ApiState;

/// `GET …/presence/permission`.
pub(super) async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    Query(query): Query,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::READ_PRESENCE)?;
    let extension = editable(&state, &caller, &extension, Permissions::READ_PRESENCE_SETTINGS)?;
    Ok(ok(&list(&state, &base, &extension, PageRequest::from_query(&query)?)))
}

/// `PUT …/presence/permission`: replaces the list.
pub(super) async fn write(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    PresencePayload(body): PresencePayload,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::EDIT_PRESENCE)?;
    let extension = editable(&state, &caller, &extension, Permissions::EDIT_PRESENCE_SETTINGS)?;
    if !extension.standing.kind.is_writable() {
        return Err(ApiError::wrong_type().into());
    }
    let permitted = Some(permitted(&state, &extension, &body)?);
    let patch = SettingsPatch { permitted, ..SettingsPatch::default() };
    submit(&state, &caller, &extension, patch).await?;
    Ok(ok(&list(&state, &base, &extension, PageRequest::default())))
}

fn permitted(
    state: &ApiState,
    extension: &Extension,
    body: &[u8],
) -> Result<Vec<ExtensionId>, ApiError> {
    let invalid = || ApiError::invalid_parameter("extensions");
    let members = parse_object(body)?;
    let list = members.get("extensions").and_then(Value::as_array).ok_or_else(invalid)?;
    let account = extension.key.account;
    let one = |item: &Value| {
        let id = match item.get("id")? {
            Value::String(text) => text.parse().ok()?,
            Value::Number(number) => ExtensionId::new(number.as_u64()?).ok()?,
            _ => return None,
        };
        state.registry.extension(ExtensionKey { account, extension: id }).map(|_| id)
    };
    list.iter().map(|item| one(item).ok_or_else(invalid)).collect()
}

fn list(state: &ApiState, base: &str, extension: &Extension, request: PageRequest) -> Value {
    let account = extension.key.account;
    let ids = with_document(state, extension, |document| document.settings.permitted.clone());
    let known =
        |id: &ExtensionId| state.registry.extension(ExtensionKey { account, extension: *id });
    let permitted: Vec<Arc<Extension>> = ids.iter().filter_map(known).collect();
    let page = Page { request, total: permitted.len() };
    let records = permitted.get(page.range()).unwrap_or_default().iter().map(|one| {
        json!({
            "uri": extension_uri(base, one.key),
            "id": one.key.extension.to_string(),
            "extensionNumber": &*one.number,
        })
    });
    let uri = format!("{}/presence/permission", extension_uri(base, extension.key));
    list_resource(&uri, records.collect(), &page)
}
