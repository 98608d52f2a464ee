//! Reading the audit trail: who changed what, newest first.

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, Page, PageRequest, format_timestamp, list_resource};
use lampfield_core::AccountId;
use lampfield_core::audit::{Actor, Alteration};
use lampfield_core::directory::Role;
use lampfield_journal::AuditRecord;
use serde_json::{Map, Value, json};

use crate::edge::{Answer, Base, Query, ok};
use crate::own::Visitor;
use crate::state::ApiState;

/// `GET /accounts/{account}/audit`.
pub(super) async fn of_account(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
    Base(base): Base,
    query: Query,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?.id;
    let uri = format!("{base}/lampfield/v1/accounts/{account}/audit");
    page(&state, Some(account), &uri, &query).await
}

/// `GET /audit`: what belongs to no single account, such as keys for the whole house.
pub(super) async fn of_house(
    State(state): State<ApiState>,
    visitor: Visitor,
    Base(base): Base,
    query: Query,
) -> Answer {
    visitor.need_whole_house()?;
    page(&state, None, &format!("{base}/lampfield/v1/audit"), &query).await
}

async fn page(state: &ApiState, account: Option<AccountId>, uri: &str, query: &Query) -> Answer {
    let request = PageRequest::from_query(&query.0)?;
    let skip = (request.page - 1).saturating_mul(request.per_page);
    let skip = u64::try_from(skip).unwrap_or(u64::MAX);
    let found = state.registry.audit(account, skip, request.per_page).await?;
    let total = usize::try_from(found.total).map_err(|_| ApiError::internal())?;
    let records = found.records.iter().map(record).collect();
    Ok(ok(&list_resource(uri, records, &Page { request, total })))
}

fn record(AuditRecord { number, entry }: &AuditRecord) -> Value {
    let mut shown = json!({
        "id": number.to_string(),
        "at": format_timestamp(entry.at),
        "act": entry.act.as_str(),
        "object": entry.object.as_str(),
        "actor": actor(&entry.actor),
        "changes": entry.alterations.iter().map(change).collect::<Vec<_>>(),
    });
    if let Some(request) = &entry.request {
        shown["requestId"] = json!(request.as_str());
    }
    if let Some(address) = entry.address {
        shown["address"] = json!(address.to_string());
    }
    shown
}

fn actor(actor: &Actor) -> Value {
    match actor {
        Actor::Key { id, name } => json!({ "kind": "key", "id": id.to_string(), "name": name }),
        Actor::Person { extension, app } => {
            json!({ "kind": "extension", "id": extension.to_string(), "app": app.as_str() })
        }
    }
}

/// A value that is not told has no member.
fn change(one: &Alteration) -> Value {
    let mut shown = Map::new();
    shown.insert("member".to_owned(), json!(one.member.as_str()));
    if let Some(before) = &one.before {
        shown.insert("before".to_owned(), json!(before));
    }
    if let Some(after) = &one.after {
        shown.insert("after".to_owned(), json!(after));
    }
    Value::Object(shown)
}
