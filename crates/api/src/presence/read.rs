//! `GET` of presence: of an account, of an extension, of several.

use axum::extract::{Path, State};
use http::HeaderMap;
use lampfield_contract::{Page, PageRequest, ResourceFlags, account_presence};
use lampfield_core::directory::{Permissions, Scopes};

use crate::auth::Caller;
use crate::edge::{Answer, Base, Query, bulk, ok};
use crate::presence::resource_of;
use crate::state::ApiState;

/// `GET /account/{accountId}/presence`: a page of all extensions, by id.
pub(super) async fn account(
    State(state): State<ApiState>,
    caller: Caller,
    Path(account): Path<String>,
    Base(base): Base,
    Query(query): Query,
) -> Answer {
    let account = caller.resolve_account(&account)?;
    caller.need(Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS)?;
    let request = PageRequest::from_query(&query)?;
    let flags = ResourceFlags::from_query(&query);
    let skip = (request.page - 1).saturating_mul(request.per_page);
    let (extensions, total) = state.registry.extensions(account, skip, request.per_page);
    let viewer = caller.viewer(&state);
    let records = extensions
        .iter()
        .map(|extension| resource_of(&state, &base, viewer, extension, flags))
        .collect();
    Ok(ok(&account_presence(&base, account, records, &Page { request, total }, flags)))
}

/// `GET /account/{accountId}/extension/{extensionId}/presence`; several ids parted by commas give
/// a multipart answer.
pub(super) async fn extension_or_several(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    Query(query): Query,
    headers: HeaderMap,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need(Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS)?;
    let flags = ResourceFlags::from_query(&query);
    let viewer = caller.viewer(&state);
    let one = |id: &str| {
        let extension = caller.resolve_extension(&state, id)?;
        Ok(resource_of(&state, &base, viewer, &extension, flags))
    };
    if !extension.contains(',') {
        return Ok(ok(&one(&extension)?));
    }
    let ids = bulk::split(&extension, "Extension Presence Info")?;
    let items = ids.iter().map(|id| bulk::Item::of(id, "/presence", &base, &caller, one(id)));
    bulk::answer(&state, &headers, items.collect())
}
