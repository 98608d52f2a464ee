//! API keys: list, make, remove. A key is shown once, when it is made.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use lampfield_contract::{ApiError, format_timestamp, parse_object};
use lampfield_core::AccountId;
use lampfield_core::audit::{Alteration, AuditAct};
use lampfield_core::directory::{ApiKey, Role};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Trail;
use crate::edge::{Answer, Payload, json as answer, ok};
use crate::own::bounds::NAME_MAX;
use crate::own::fields::Fields;
use crate::own::{Visitor, conflict};
use crate::state::ApiState;

/// `GET /keys`: a bound key sees those of its account only.
pub(super) async fn list(State(state): State<ApiState>, visitor: Visitor) -> Answer {
    visitor.need(Role::Admin)?;
    let keys = state.registry.keys();
    let records: Vec<_> = keys
        .iter()
        .filter(|key| is_reached(&visitor, key.account))
        .map(|key| record(key))
        .collect();
    Ok(ok(&json!({ "records": records })))
}

/// `POST /keys`.
pub(super) async fn create(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Payload(body): Payload,
) -> Answer {
    visitor.need(Role::Admin)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let name = fields.needed_text("name", NAME_MAX)?;
    let role = fields
        .word("role", Role::parse, "read, ingest, admin")?
        .ok_or_else(|| fields.wrong("role", "one of read, ingest, admin"))?;
    let account = account_of(&state, &visitor, &fields)?;
    let (secret, hash) = state.secrets.random_secret()?;
    let key = ApiKey {
        id: state.secrets.random_id()?,
        name: name.trim().into(),
        hash,
        account,
        role,
        created_at: state.now(),
    };
    let mut shown = record(&key);
    shown["key"] = json!(secret);
    let object = key.id.to_string();
    let entry = trail.entry(&state, account, AuditAct::KeyCreate, &object, told(&key));
    state.registry.apply(vec![DirectoryChange::PutKey(key), entry]).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `DELETE /keys/{key}`.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path(id): Path<String>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let _checking = state.registry.checking().await;
    let keys = state.registry.keys();
    let id = Uuid::try_parse(&id).ok();
    let key = keys
        .iter()
        .find(|key| Some(key.id) == id && is_reached(&visitor, key.account))
        .ok_or_else(|| ApiError::not_found("keyId"))?;
    let rules = |key: &ApiKey| key.role == Role::Admin && key.account.is_none();
    if rules(key) && keys.iter().filter(|key| rules(key)).count() == 1 {
        return Err(conflict("keyId", "it is the last admin key of the house").into());
    }
    let object = key.id.to_string();
    let entry = trail.entry(&state, key.account, AuditAct::KeyRemove, &object, told(key));
    state.registry.apply(vec![DirectoryChange::RemoveKey(key.id), entry]).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Reads the account that something new is bound to: a bound visitor can bind to its own only, and
/// does so without saying.
pub(super) fn account_of(
    state: &ApiState,
    visitor: &Visitor,
    fields: &Fields<'_>,
) -> Result<Option<AccountId>, ApiError> {
    let Some(text) = fields.id("account")? else { return Ok(visitor.bound()) };
    let id = text.parse().ok().filter(|id| visitor.reaches(*id));
    match id.and_then(|id| state.registry.account(id)) {
        Some(account) => Ok(Some(account.id)),
        None => Err(fields.wrong("account", "the id of an account")),
    }
}

/// What is for all accounts is out of a bound visitor's reach.
pub(super) fn is_reached(visitor: &Visitor, account: Option<AccountId>) -> bool {
    visitor.bound().is_none_or(|only| account == Some(only))
}

/// What the audit trail tells of a key.
fn told(key: &ApiKey) -> Vec<Alteration> {
    let told = [("name", &*key.name), ("role", key.role.as_str())];
    told.into_iter().filter_map(|(member, text)| Alteration::between(member, "", text)).collect()
}

fn record(key: &ApiKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "name": key.name,
        "role": key.role.as_str(),
        "account": key.account.map(|account| account.to_string()),
        "createdAt": format_timestamp(key.created_at),
    })
}
