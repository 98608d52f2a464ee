//! `GET …/features`: what a client may offer its user.

use axum::extract::{Path, State};
use lampfield_contract::ApiError;
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::settings::LINES_MAX;
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::edge::{Answer, Query, ok};
use crate::state::ApiState;

/// Features of the contract that have to do with presence, and the permission behind each.
const FEATURES: [(&str, Permissions); 10] = [
    ("ReadPresenceStatus", Permissions::READ_PRESENCE_STATUS),
    ("EditPresenceStatus", Permissions::EDIT_PRESENCE_STATUS),
    ("ReadPresenceSettings", Permissions::READ_PRESENCE_SETTINGS),
    ("EditPresenceSettings", Permissions::EDIT_PRESENCE_SETTINGS),
    ("ReadExtensions", Permissions::READ_EXTENSIONS),
    ("ReadPersonalContacts", Permissions::READ_PERSONAL_CONTACTS),
    ("EditPersonalContacts", Permissions::EDIT_PERSONAL_CONTACTS),
    (HUD, Permissions::READ_PRESENCE_SETTINGS),
    ("CallQueuePresence", Permissions::READ_PRESENCE_STATUS),
    ("EditCallQueuePresence", Permissions::EDIT_PRESENCE_STATUS),
];
/// Monitored lines; tells how many there may be.
const HUD: &str = "HUD";

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

fn feature(id: &str, wanted: Permissions, extension: &Extension) -> Value {
    let reason = if !extension.standing.kind.is_writable() {
        Some(("ExtensionTypeLimitation", "Extensions of this type do not have it", None))
    } else if extension.permissions.contains(wanted) {
        None
    } else {
        Some(("InsufficientPermissions", "The user lacks a permission", wanted.words().next()))
    };
    let mut record = Map::new();
    record.insert("id".to_owned(), json!(id));
    record.insert("available".to_owned(), json!(reason.is_none()));
    if id == HUD && reason.is_none() {
        let limit = json!({ "name": "limitMax", "value": LINES_MAX.to_string() });
        record.insert("params".to_owned(), json!([limit]));
    }
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
