//! `GET /account/{accountId}/call-queues` and one of them.

use std::sync::Arc;

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, Page, PageRequest, call_queue, list_resource};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::{AccountId, ExtensionId, ExtensionKey, ExtensionType};

use crate::auth::Caller;
use crate::edge::{Answer, Base, Query, encode, ok};
use crate::state::ApiState;

/// Answers with a page of the call queues of the caller's account, by id; `memberExtensionId` narrows
/// them to those of one member.
pub(super) async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Path(account): Path<String>,
    Base(base): Base,
    query: Query,
) -> Answer {
    let account = caller.resolve_account(&account)?;
    caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS)?;
    let request = PageRequest::from_query(&query.0)?;
    let (mut queues, _) = state.registry.extensions(account, 0, usize::MAX);
    queues.retain(|queue| queue.standing.kind == ExtensionType::Department);
    let member = query.get("memberExtensionId").filter(|member| !member.is_empty());
    if let Some(text) = member {
        let member = caller
            .resolve_extension(&state, text)
            .map_err(|_| ApiError::invalid_parameter("memberExtensionId"))?;
        queues.retain(|queue| member.queues.contains(&queue.key.extension));
    }
    let page = Page { request, total: queues.len() };
    let records = queues.get(page.range()).unwrap_or_default();
    let records = records.iter().map(|queue| call_queue(&base, queue)).collect();
    let query =
        member.map_or_else(String::new, |text| format!("?memberExtensionId={}", encode(text)));
    let uri = format!("{base}/restapi/v1.0/account/{account}/call-queues{query}");
    Ok(ok(&list_resource(&uri, records, &page)))
}

/// Answers with one call queue of the caller's account.
pub(super) async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, queue)): Path<(String, String)>,
    Base(base): Base,
) -> Answer {
    let account = caller.resolve_account(&account)?;
    let queue = resolve(&state, account, &queue);
    caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS)?;
    Ok(ok(&call_queue(&base, &*queue?)))
}

/// Resolves a call queue of a path.
///
/// # Errors
/// 404 CMN-102 `groupId`.
pub(super) fn resolve(
    state: &ApiState,
    account: AccountId,
    text: &str,
) -> Result<Arc<Extension>, ApiError> {
    let queue = text.parse().ok().and_then(|id| find(state, account, id));
    queue.ok_or_else(|| ApiError::not_found("groupId"))
}

/// Finds a call queue of an account.
pub(super) fn find(
    state: &ApiState,
    account: AccountId,
    extension: ExtensionId,
) -> Option<Arc<Extension>> {
    let found = state.registry.extension(ExtensionKey { account, extension })?;
    (found.standing.kind == ExtensionType::Department).then_some(found)
}
