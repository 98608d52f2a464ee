//! `GET …/features`: what a client may offer its user.

use axum::extract::{Path, State};
use lampfield_contract::ApiError;
use lampfield_core::directory::{Extension, Permissions, Scopes};
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::edge::{Answer, Query, ok};
use crate::state::ApiState;

/// Features of the contract that have to do with presence, and the permission behind each; none for
/// what this version does not have.
const FEATURES: [(&str, Option<Permissions>); 7] = [
    ("ReadPresenceStatus", Some(Permissions::READ_PRESENCE_STATUS)),
    ("EditPresenceStatus", Some(Permissions::EDIT_PRESENCE_STATUS)),
    ("ReadPresenceSettings", Some(Permissions::READ_PRESENCE_SETTINGS)),
    ("EditPresenceSettings", Some(Permissions::EDIT_PRESENCE_SETTINGS)),
    ("ReadExtensions", Some(Permissions::READ_EXTENSIONS)),
    ("HUD", None),
    ("CallQueuePresence", None),
];

/// Answers with the features of an extension of the caller's account.
pub(super) async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    query: Query,
) -> Answer {
    caller.resolve_account(&account)?;
    let extension = caller.resolve_extension(&state, &extension)?;
    caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS)?;
    if extension.key != caller.key() && !caller.is_admin() {
        return Err(ApiError::other_extension().into());
    }
    let wanted: Vec<_> = query.all("featureId").collect();
    let only_available = query.is_set("availableOnly");
    let records: Vec<_> = FEATURES
        .into_iter()
        .filter(|(id, _)| wanted.is_empty() || wanted.contains(id))
        .map(|(id, permission)| feature(id, permission, &extension))
        .filter(|feature| !only_available || feature["available"] == json!(true))
        .collect();
    Ok(ok(&json!({ "records": records })))
}

fn feature(id: &str, permission: Option<Permissions>, extension: &Extension) -> Value {
    let reason = match permission {
        None => Some(("ServicePlanLimitation", "This server does not have the feature", None)),
        Some(_) if !extension.standing.kind.is_writable() => {
            Some(("ExtensionTypeLimitation", "Extensions of this type do not have it", None))
        }
        Some(wanted) if !extension.permissions.contains(wanted) => {
            let name = wanted.words().next();
            Some(("InsufficientPermissions", "The user lacks a permission", name))
        }
        Some(_) => None,
    };
    let mut record = Map::new();
    record.insert("id".to_owned(), json!(id));
    record.insert("available".to_owned(), json!(reason.is_none()));
    if let Some((code, message, permission)) = reason {
        let mut why = Map::new();
        why.insert("code".to_owned(), json!(code));
        why.insert("message".to_owned(), json!(message));
        if let Some(permission) = permission {
            why.insert("permission".to_owned(), json!(permission));
        }
        record.insert("reason".to_owned(), Value::Object(why));
    }
    Value::Object(record)
}
