//! Log-ins of an account's people: JWTs and passwords. With a log-in end the sessions that it began;
//! with a changed password all sessions of its user (contract 4.4).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use lampfield_contract::{ApiError, format_timestamp, parse_object};
use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::directory::{Account, Credential, Extension, Proof, Role};
use lampfield_core::{AppId, SessionId, Timestamp};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Trail;
use crate::auth::issue_jwt;
use crate::edge::{Answer, Payload, Refusal, json as answer, ok};
use crate::oauth::end_sessions_with;
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
    trail: Trail,
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
    let entry = noted(&state, &trail, AuditAct::CredentialCreate, &credential);
    state.registry.apply(vec![DirectoryChange::PutCredential(credential), entry]).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `POST /accounts/{account}/credentials/password`: replaces the one before; whoever was logged in has
/// to log in again.
pub(super) async fn create_password(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
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
    changes.push(noted(&state, &trail, AuditAct::CredentialCreate, &credential));
    changes.push(DirectoryChange::PutCredential(credential));
    // A first password ends nothing: nobody can have known another one.
    let ended = if before.is_some() { sessions_of(&state, &extension) } else { Vec::new() };
    end_sessions_with(&state, &ended, changes).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `DELETE /accounts/{account}/credentials/{credential}`: the sessions that it began end.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path((account, credential)): Path<(String, String)>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?;
    let _checking = state.registry.checking().await;
    let credential = Uuid::try_parse(&credential)
        .ok()
        .and_then(|id| state.registry.credential(id))
        .filter(|credential| credential.key.account == account.id)
        .ok_or_else(|| ApiError::not_found("credentialId"))?;
    let sessions = state.registry.sessions_of_user(credential.key).into_iter();
    let begun = sessions.filter(|session| session.credential == credential.id);
    let begun: Vec<_> = begun.map(|session| session.id).collect();
    let entry = noted(&state, &trail, AuditAct::CredentialRemove, &credential);
    let changes = vec![DirectoryChange::RemoveCredential(credential.id), entry];
    end_sessions_with(&state, &begun, changes).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn sessions_of(state: &ApiState, extension: &Extension) -> Vec<SessionId> {
    let sessions = state.registry.sessions_of_user(extension.key);
    sessions.iter().map(|session| session.id).collect()
}

fn new_credential(
    state: &ApiState,
    extension: &Extension,
    proof: Proof,
    created_at: Timestamp,
) -> Result<Credential, Refusal> {
    Ok(Credential { id: state.secrets.random_id()?, key: extension.key, proof, created_at })
}

/// Returns the entry of the audit trail about a log-in.
fn noted(state: &ApiState, trail: &Trail, act: AuditAct, one: &Credential) -> DirectoryChange {
    let (kind, app, expires_at) = parts(one);
    let expires_at = expires_at.map(format_timestamp).unwrap_or_default();
    let told = [
        Alteration::between("kind", "", kind),
        Alteration::between("extension", "", &one.key.extension.to_string()),
        Alteration::between("app", "", app.unwrap_or_default()),
        Alteration::between("expiresAt", "", &expires_at),
    ];
    let told = told.into_iter().flatten().collect();
    trail.entry(state, Some(one.key.account), act, &one.id.to_string(), told)
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

/// Returns kind, application and end of a log-in.
fn parts(credential: &Credential) -> (&'static str, Option<&str>, Option<Timestamp>) {
    match &credential.proof {
        Proof::Password(_) => ("password", None, None),
        Proof::Jwt { app, expires_at } => ("jwt", app.as_ref().map(AppId::as_str), *expires_at),
    }
}

fn record(state: &ApiState, credential: &Credential) -> Value {
    let extension = state.registry.extension(credential.key);
    let (kind, app, expires_at) = parts(credential);
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
