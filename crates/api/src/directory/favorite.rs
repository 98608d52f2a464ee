//! `…/favorite`: the extensions that a user keeps at hand (contract 2.6).

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, favorite_list, parse_favorites};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::settings::FAVORITES_MAX;
use lampfield_core::{ExtensionId, ExtensionKey, SettingsPatch};
use serde_json::Value;

use crate::auth::Caller;
use crate::edge::{Answer, Base, PresencePayload, ok};
use crate::presence::{editable, submit, with_document};
use crate::state::ApiState;

/// `GET …/favorite`.
pub(super) async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::READ_CONTACTS)?;
    let owner = editable(&state, &caller, &extension, Permissions::READ_PERSONAL_CONTACTS)?;
    Ok(ok(&list(&state, &base, &owner)))
}

/// `PUT …/favorite`: replaces the list.
pub(super) async fn replace(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    PresencePayload(body): PresencePayload,
) -> Answer {
    let account = caller.resolve_account(&account)?;
    caller.need_scope(Scopes::CONTACTS)?;
    let owner = editable(&state, &caller, &extension, Permissions::EDIT_PERSONAL_CONTACTS)?;
    if !owner.standing.kind.is_writable() {
        return Err(ApiError::wrong_type().into());
    }
    let favorites = parse_favorites(&body, account)?;
    if favorites.len() > FAVORITES_MAX {
        let message = format!("An extension can have at most {FAVORITES_MAX} favorites");
        return Err(ApiError::invalid_parameter("records").with_message(message).into());
    }
    if !favorites.iter().all(|favorite| is_known(&state, &owner, *favorite)) {
        return Err(ApiError::invalid_parameter("extensionId").into());
    }
    let patch = SettingsPatch { favorites: Some(favorites), ..SettingsPatch::default() };
    submit(&state, &caller, &owner, patch).await?;
    Ok(ok(&list(&state, &base, &owner)))
}

/// Favorites that are gone are not shown.
fn list(state: &ApiState, base: &str, owner: &Extension) -> Value {
    let favorites =
        with_document(state, owner, |document| document.settings.lists().favorites.clone());
    let known: Vec<_> =
        favorites.iter().copied().filter(|one| is_known(state, owner, *one)).collect();
    favorite_list(base, owner.key, &known)
}

fn is_known(state: &ApiState, owner: &Extension, extension: ExtensionId) -> bool {
    let key = ExtensionKey { account: owner.key.account, extension };
    state.registry.extension(key).is_some()
}
