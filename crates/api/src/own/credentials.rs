//! Log-ins of an account's people: JWTs and passwords.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use lampfield_contract::{ApiError, format_timestamp, parse_object};
use lampfield_core::directory::{Account, Credential, Extension, Proof, Role};
use lampfield_core::{AppId, Timestamp};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::auth::issue_jwt;
use crate::edge::{Answer, Payload, json as answer, ok};
use crate::own::Visitor;
use crate::own::bounds::JWT_DAYS_MAX;
use crate::own::fields::Fields;
use crate::own::visitor::find_extension;
use crate::state::ApiState;

/// `GET /accounts/{account}/credentials`.
pub(super) async fn list(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?;
    let credentials = state.registry.credentials(account.id);
    let records: Vec<_> = credentials.iter().map(|it| record(&state, it)).collect();
    Ok(ok(&json!({ "records": records })))
}

/// `POST /accounts/{account}/credentials/jwt`: the JWT is shown once.
pub(super) async fn create_jwt(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
    Payload(body): Payload,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let extension = extension_of(&state, &account, &fields)?;
    let app = app_of(&state, &account, &fields)?;
    let expires_at = fields
        .number("expiresInDays", 1, JWT_DAYS_MAX)?
        .map(|days| state.now().after(Duration::from_secs(days * 86_400)));
    let proof = Proof::Jwt { app, expires_at };
    let credential = new_credential(&state, &extension, proof, state.now())?;
    let jwt = issue_jwt(&state.secrets, &credential).ok_or_else(ApiError::internal)?;
    let mut shown = record(&state, &credential);
    shown["jwt"] = json!(jwt);
    state.registry.apply(vec![DirectoryChange::PutCredential(credential)]).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `POST /accounts/{account}/credentials/password`: replaces the one before.
pub(super) async fn create_password(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
    Payload(body): Payload,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let extension = extension_of(&state, &account, &fields)?;
    let password = fields.get("password").and_then(Value::as_str);
    let password = password.ok_or_else(|| fields.wrong("password", "given"))?;
    let hash = state.hash_password(password).await?;
    let credential = new_credential(&state, &extension, Proof::Password(hash), state.now())?;
    let shown = record(&state, &credential);
    let _checking = state.registry.checking().await;
    let before = state.registry.password(extension.key);
    let mut changes: Vec<_> =
        before.iter().map(|it| DirectoryChange::RemoveCredential(it.id)).collect();
    changes.push(DirectoryChange::PutCredential(credential));
    state.registry.apply(changes).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `DELETE /accounts/{account}/credentials/{credential}`.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, credential)): Path<(String, String)>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?;
    let credential = Uuid::try_parse(&credential)
        .ok()
        .and_then(|id| state.registry.credential(id))
        .filter(|credential| credential.key.account == account.id)
        .ok_or_else(|| ApiError::not_found("credentialId"))?;
    state.registry.apply(vec![DirectoryChange::RemoveCredential(credential.id)]).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn new_credential(
    state: &ApiState,
    extension: &Extension,
    proof: Proof,
    created_at: Timestamp,
) -> Result<Credential, crate::edge::Refusal> {
    Ok(Credential { id: state.secrets.random_id()?, key: extension.key, proof, created_at })
}

fn extension_of(
    state: &ApiState,
    account: &Account,
    fields: &Fields<'_>,
) -> Result<Arc<Extension>, ApiError> {
    let text = fields.id("extension")?.unwrap_or_default();
    find_extension(state, account.id, &text)
        .ok_or_else(|| fields.wrong("extension", "the id of an extension of the account, or n:101"))
}

fn app_of(
    state: &ApiState,
    account: &Account,
    fields: &Fields<'_>,
) -> Result<Option<AppId>, ApiError> {
    let Some(text) = fields.id("app")? else { return Ok(None) };
    AppId::new(&text)
        .ok()
        .and_then(|id| state.registry.app(&id))
        .filter(|app| app.account.is_none_or(|only| only == account.id))
        .map(|app| Some(app.id.clone()))
        .ok_or_else(|| fields.wrong("app", "the id of an application that the account may use"))
}

fn record(state: &ApiState, credential: &Credential) -> Value {
    let extension = state.registry.extension(credential.key);
    let (kind, app, expires_at) = match &credential.proof {
        Proof::Password(_) => ("password", None, None),
        Proof::Jwt { app, expires_at } => ("jwt", app.as_ref().map(AppId::as_str), *expires_at),
    };
    json!({
        "id": credential.id.to_string(),
        "kind": kind,
        "extension": credential.key.extension.to_string(),
        "number": extension.map(|extension| extension.number.to_string()),
        "app": app,
        "expiresAt": expires_at.map(format_timestamp),
        "createdAt": format_timestamp(credential.created_at),
    })
}
