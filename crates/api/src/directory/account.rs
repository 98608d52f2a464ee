//! `GET /account/{accountId}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, extension_uri};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::settings::LINES_MAX;
use lampfield_core::{AccountId, ExtensionType};
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::edge::{Answer, Base, ok};
use crate::state::ApiState;

/// Answers with the account of the caller.
pub(super) async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path(account): Path<String>,
    Base(base): Base,
) -> Answer {
    let id = caller.resolve_account(&account)?;
    caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_COMPANY_INFO)?;
    let account = state.registry.account(id).ok_or_else(|| ApiError::not_found("accountId"))?;
    let uri = format!("{base}/restapi/v1.0/account/{id}");
    let mut body = Map::new();
    let mut member = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    member("id", json!(id.get()));
    member("uri", json!(uri));
    member("name", json!(account.name));
    member("mainNumber", json!(&*account.main_number));
    if let Some(operator) = operator(&state, id) {
        member("operator", reference(&base, &operator));
    }
    let service = json!({
        "uri": format!("{uri}/service-info"),
        "brand": { "id": "1", "name": "Lampfield" },
        "servicePlan": { "id": "1", "name": "Lampfield" },
    });
    member("serviceInfo", service);
    member("setupWizardState", json!("Completed"));
    member("status", json!("Confirmed"));
    member("regionalSettings", regional());
    member("limits", json!({ "maxMonitoredExtensionsPerUser": LINES_MAX }));
    Ok(ok(&Value::Object(body)))
}

/// Languages and time zones are not kept; these are the contract's defaults.
pub(super) fn regional() -> Value {
    json!({
        "timezone": { "id": "58", "name": "UTC" },
        "language": { "id": "1033", "name": "English (United States)", "localeCode": "en-US" },
        "timeFormat": "24h",
    })
}

/// Returns the first administrator of an account, else its first user.
pub(crate) fn operator(state: &ApiState, account: AccountId) -> Option<Arc<Extension>> {
    let (extensions, _) = state.registry.extensions(account, 0, usize::MAX);
    let is_admin = |one: &&Arc<Extension>| one.permissions.contains(Permissions::ADMIN);
    let is_user = |one: &&Arc<Extension>| one.standing.kind == ExtensionType::User;
    let found = extensions.iter().find(is_admin).or_else(|| extensions.iter().find(is_user));
    found.cloned()
}

fn reference(base: &str, extension: &Extension) -> Value {
    json!({
        "uri": extension_uri(base, extension.key),
        "id": extension.key.extension.get(),
        "extensionNumber": &*extension.number,
    })
}
