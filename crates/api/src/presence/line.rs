//! `presence/line`: whom a user monitors (contract 1.10, 2.4).

use std::sync::Arc;

use axum::extract::{Path, State};
use lampfield_contract::{
    ApiError, OWN_LINES, PER_PAGE_MAX, Page, PageRequest, line_resource, lines_uri, list_resource,
    parse_lines,
};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use lampfield_core::settings::LINES_MAX;
use lampfield_core::values::Capability;
use lampfield_core::{ExtensionKey, ExtensionType, SettingsPatch};
use serde_json::Value;

use crate::auth::Caller;
use crate::edge::{Answer, Base, PresencePayload, Query, ok};
use crate::presence::with_document;
use crate::presence::write::{editable, submit};
use crate::state::ApiState;

/// `GET …/presence/line`: a page of the lines, by number.
pub(super) async fn list(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    Query(query): Query,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::READ_PRESENCE)?;
    let owner = editable(&state, &caller, &extension, Permissions::READ_PRESENCE_SETTINGS)?;
    Ok(ok(&page_of(&state, &base, &owner, PageRequest::from_query(&query)?)))
}

/// `GET …/presence/line/{lineId}`.
pub(super) async fn one(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension, line)): Path<(String, String, String)>,
    Base(base): Base,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::READ_PRESENCE)?;
    let owner = editable(&state, &caller, &extension, Permissions::READ_PRESENCE_SETTINGS)?;
    let lines = lines_of(&state, &owner);
    let number: Option<usize> = line.parse().ok().filter(|_| !line.starts_with(['+', '0']));
    let shown = number.and_then(|number| Some((number, lines.get(number.checked_sub(1)?)?)));
    let (number, extension) = shown.ok_or_else(|| ApiError::not_found("lineId"))?;
    Ok(ok(&line_resource(&base, owner.key, number, extension)))
}

/// `PUT …/presence/line`: replaces the list; the first two lines stay. Answers with the whole list.
pub(super) async fn replace(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    PresencePayload(body): PresencePayload,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::EDIT_PRESENCE)?;
    let owner = editable(&state, &caller, &extension, Permissions::EDIT_PRESENCE_SETTINGS)?;
    if !owner.standing.kind.is_writable() {
        return Err(ApiError::wrong_type().into());
    }
    let lines = parse_lines(&body, owner.key.extension)?;
    if lines.len() > LINES_MAX {
        let message = format!("An extension can monitor at most {LINES_MAX} others");
        return Err(ApiError::invalid_parameter("records").with_message(message).into());
    }
    let account = owner.key.account;
    let is_known = |extension| {
        let found = state.registry.extension(ExtensionKey { account, extension });
        found.is_some_and(|found| is_monitorable(found.standing.kind))
    };
    if !lines.iter().copied().all(is_known) {
        return Err(ApiError::invalid_parameter("extension.id").into());
    }
    submit(
        &state,
        &caller,
        &owner,
        SettingsPatch { lines: Some(lines), ..SettingsPatch::default() },
    )
    .await?;
    let whole = PageRequest { page: 1, per_page: PER_PAGE_MAX };
    Ok(ok(&page_of(&state, &base, &owner, whole)))
}

/// Tells whether extensions of a type can be on somebody's lines.
pub(crate) fn is_monitorable(kind: ExtensionType) -> bool {
    let is_listed = matches!(
        kind,
        ExtensionType::FaxUser | ExtensionType::Department | ExtensionType::ApplicationExtension
    );
    is_listed || kind.capability() != Capability::Nothing
}

fn page_of(state: &ApiState, base: &str, owner: &Arc<Extension>, request: PageRequest) -> Value {
    let lines = lines_of(state, owner);
    let page = Page { request, total: lines.len() };
    let numbered: Vec<_> = (1..).zip(&lines).collect();
    let records = numbered.get(page.range()).unwrap_or_default().iter();
    let records = records.map(|(number, one)| line_resource(base, owner.key, *number, one));
    list_resource(&lines_uri(base, owner.key), records.collect(), &page)
}

/// Returns all lines, the own ones first. Lines to extensions that are gone are not shown.
fn lines_of(state: &ApiState, owner: &Arc<Extension>) -> Vec<Arc<Extension>> {
    let account = owner.key.account;
    let lines = with_document(state, owner, |document| document.settings.lists().lines.clone());
    let monitored = lines.iter().filter_map(|extension| {
        state.registry.extension(ExtensionKey { account, extension: *extension })
    });
    std::iter::repeat_n(Arc::clone(owner), OWN_LINES).chain(monitored).collect()
}
