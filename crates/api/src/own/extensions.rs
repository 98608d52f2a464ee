//! Extensions: list, make, show, change, remove.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::StatusCode;
use lampfield_contract::{ApiError, Page, PageRequest, list_resource, parse_object};
use lampfield_core::directory::{Account, Extension, Permissions, Role};
use lampfield_core::{
    AccountId, ExtensionId, ExtensionKey, ExtensionStatus, ExtensionType, Standing,
};
use lampfield_engine::{StandingChange, SubmitError};
use lampfield_journal::DirectoryChange;
use serde_json::{Value, json};
use smol_str::SmolStr;

use crate::audit::Trail;
use crate::edge::{Answer, Base, Payload, Query, encode, json as answer, ok};
use crate::own::altered::noted;
use crate::own::bounds::{EXTENSIONS_FROM, ID_ASKED_MAX, QUEUES_MAX};
use crate::own::fields::Fields;
use crate::own::visitor::find_extension;
use crate::own::{Visitor, conflict, profile};
use crate::presence::with_document;
use crate::state::ApiState;

/// Where the greatest extension id is kept that was ever given up: ids are not used twice.
const GREATEST_REMOVED: &str = "extension-id-removed";

/// `GET /accounts/{account}/extensions`: a page by id; `q` narrows it to those whose number begins
/// so or whose name, mail address or group contains it.
pub(super) async fn list(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path(account): Path<String>,
    Base(base): Base,
    query: Query,
) -> Answer {
    visitor.need(Role::Read)?;
    let account = visitor.account(&state, &account)?.id;
    let request = PageRequest::from_query(&query.0)?;
    let wanted = query.get("q").map(str::trim).unwrap_or_default().to_lowercase();
    let (extensions, total) = if wanted.is_empty() {
        let skip = (request.page - 1).saturating_mul(request.per_page);
        state.registry.extensions(account, skip, request.per_page)
    } else {
        let (mut all, _) = state.registry.extensions(account, 0, usize::MAX);
        all.retain(|extension| matches(extension, &wanted));
        let page = Page { request, total: all.len() };
        (all.get(page.range()).unwrap_or_default().to_vec(), all.len())
    };
    let records = extensions.iter().map(|extension| record(extension)).collect();
    let query = if wanted.is_empty() { String::new() } else { format!("?q={}", encode(&wanted)) };
    let uri = format!("{base}/lampfield/v1/accounts/{account}/extensions{query}");
    Ok(ok(&list_resource(&uri, records, &Page { request, total })))
}

/// `POST /accounts/{account}/extensions`.
pub(super) async fn create(
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
    let _checking = state.registry.checking().await;
    let id = new_id(&state, &fields)?;
    let blank = Extension {
        key: ExtensionKey { account: account.id, extension: id },
        number: fields.needed_text("number", 64)?.into(),
        name: fields.needed_text("name", 1024)?.into(),
        email: "".into(),
        standing: Standing { kind: ExtensionType::User, status: ExtensionStatus::Enabled },
        groups: Box::default(),
        queues: Box::default(),
        editable_member_status: true,
        permissions: Permissions::ordinary(),
    };
    let extension = patched(&state, &account, &blank, &fields)?;
    let shown = record(&extension);
    let mut changes: Vec<_> = noted(&state, &trail, None, Some(&extension)).into_iter().collect();
    changes.push(DirectoryChange::PutExtension(extension));
    state.registry.apply(changes).await?;
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `GET /accounts/{account}/extensions/{extension}`.
pub(super) async fn read(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, extension)): Path<(String, String)>,
) -> Answer {
    visitor.need(Role::Read)?;
    Ok(ok(&record(&*visitor.extension(&state, &account, &extension)?)))
}

/// `PUT /accounts/{account}/extensions/{extension}`: what is not named keeps its value.
pub(super) async fn update(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path((account, extension)): Path<(String, String)>,
    Payload(body): Payload,
) -> Answer {
    visitor.need(Role::Admin)?;
    let account = visitor.account(&state, &account)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    let checking = state.registry.checking().await;
    let before = find_extension(&state, account.id, &extension)
        .ok_or_else(|| ApiError::not_found("extensionId"))?;
    let after = patched(&state, &account, &before, &fields)?;
    let change = standing_change(&before, &after).or_else(|| overdue(&state, &after));
    let shown = record(&after);
    if after != *before {
        let entry = noted(&state, &trail, Some(&before), Some(&after));
        let mut changes: Vec<_> = entry.into_iter().collect();
        changes.push(DirectoryChange::PutExtension(after));
        state.registry.apply(changes).await?;
    }
    drop(checking);
    if let Some(change) = change {
        state.intake.stand(change).await?;
    }
    Ok(ok(&shown))
}

/// `DELETE /accounts/{account}/extensions/{extension}`: watchers see it go offline first; its
/// log-ins and subscriptions end.
pub(super) async fn remove(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path((account, extension)): Path<(String, String)>,
) -> Answer {
    visitor.need(Role::Admin)?;
    let extension = visitor.extension(&state, &account, &extension)?;
    let after = Standing { kind: ExtensionType::Unknown, status: ExtensionStatus::Disabled };
    let change = StandingChange { key: extension.key, before: extension.standing, after };
    match state.intake.stand(change).await {
        Ok(_) | Err(SubmitError::UnknownExtension(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let _checking = state.registry.checking().await;
    let leftovers = Leftovers::of(&state, extension.key);
    let mut changes = leftovers.changes(&state, extension.key);
    changes.extend(noted(&state, &trail, Some(&extension), None));
    state.registry.apply(changes).await?;
    leftovers.tell(&state);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Returns the id of a new extension: the one that was asked for, or the next one.
fn new_id(state: &ApiState, fields: &Fields<'_>) -> Result<ExtensionId, ApiError> {
    let Some(text) = fields.id("id")? else { return next_id(state) };
    let id: ExtensionId =
        text.parse().map_err(|error| fields.wrong("id", &format!("an id ({error})")))?;
    if id.get() > ID_ASKED_MAX {
        return Err(fields.wrong("id", &format!("at most {ID_ASKED_MAX}")));
    }
    match state.registry.account_of(id) {
        Some(_) => Err(conflict("id", "the id is in use")),
        None => Ok(id),
    }
}

/// Returns the next id that no extension has or had.
pub(super) fn next_id(state: &ApiState) -> Result<ExtensionId, ApiError> {
    let present = state.registry.greatest_extension().map_or(0, ExtensionId::get);
    let next = EXTENSIONS_FROM.max(present.max(greatest_removed(state)) + 1);
    ExtensionId::new(next).map_err(|_| ApiError::internal())
}

fn greatest_removed(state: &ApiState) -> u64 {
    let bytes = state.registry.house(GREATEST_REMOVED);
    bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// Returns the extension with the members that `fields` name, each checked.
fn patched(
    state: &ApiState,
    account: &Account,
    before: &Extension,
    fields: &Fields<'_>,
) -> Result<Extension, ApiError> {
    let mut after = before.clone();
    let number = fields.text("number", 64)?.unwrap_or(&before.number);
    after.number = checked(fields, "number", profile::number(number))?;
    let holder = state.registry.extension_by_number(account.id, &after.number);
    if holder.is_some_and(|holder| holder.key != before.key) {
        return Err(conflict("number", "another extension has this number"));
    }
    let name = fields.text("name", 1024)?.unwrap_or(&before.name);
    after.name = checked(fields, "name", profile::name(name))?;
    if let Some(email) = fields.text("email", 1024)? {
        after.email = checked(fields, "email", profile::email(email))?;
    }
    if let Some(kind) = fields.text("type", 64)? {
        after.standing.kind = checked(fields, "type", profile::kind(kind))?;
    }
    if let Some(status) = fields.text("status", 64)? {
        after.standing.status = checked(fields, "status", profile::status(status))?;
    }
    if let Some(groups) = fields.texts("groups")? {
        let groups = profile::groups(groups.iter().map(String::as_str));
        after.groups = checked(fields, "groups", groups)?;
    }
    if let Some(queues) = fields.texts("queues")? {
        after.queues = queues_of(state, account.id, &queues)
            .ok_or_else(|| fields.wrong("queues", "a list of call queues, by id or as n:700"))?;
    }
    if let Some(words) = fields.texts("permissions")? {
        let kept = before.permissions.shared_with(Permissions::ADMIN);
        let words = profile::permission_words(words.iter().map(String::as_str));
        after.permissions = kept.with(checked(fields, "permissions", words)?);
    }
    if let Some(is_admin) = fields.flag("admin")? {
        after.permissions = profile::permissions(after.permissions, is_admin);
    }
    let is_queue = after.standing.kind == ExtensionType::Department;
    let editable = fields.flag("editableMemberStatus")?;
    if editable == Some(false) && !is_queue {
        return Err(fields.wrong("editableMemberStatus", "true but of a call queue"));
    }
    after.editable_member_status = !is_queue || editable.unwrap_or(before.editable_member_status);
    Ok(after)
}

fn checked<T>(fields: &Fields<'_>, name: &str, value: profile::Checked<T>) -> Result<T, ApiError> {
    value.map_err(|expected| fields.wrong(name, &expected))
}

fn queues_of(state: &ApiState, account: AccountId, texts: &[String]) -> Option<Box<[ExtensionId]>> {
    if texts.len() > QUEUES_MAX {
        return None;
    }
    let mut queues = Vec::with_capacity(texts.len());
    for text in texts {
        let queue = find_extension(state, account, text)
            .filter(|queue| queue.standing.kind == ExtensionType::Department)?;
        queues.push(queue.key.extension);
    }
    queues.sort_unstable();
    queues.dedup();
    Some(queues.into())
}

/// Returns what presence must know of a directory change, if anything.
pub(super) fn standing_change(before: &Extension, after: &Extension) -> Option<StandingChange> {
    (before.standing != after.standing).then_some(StandingChange {
        key: after.key,
        before: before.standing,
        after: after.standing,
    })
}

/// Returns what presence has not followed yet of the directory: the journal was full when it was to.
fn overdue(state: &ApiState, extension: &Extension) -> Option<StandingChange> {
    let (key, after) = (extension.key, extension.standing);
    let before = with_document(state, extension, |document| document.standing);
    (before != after).then_some(StandingChange { key, before, after })
}

/// What refers to an extension that is removed.
struct Leftovers {
    sessions: Vec<lampfield_core::SessionId>,
    subscriptions: Vec<lampfield_core::SubscriptionId>,
    members: Vec<Arc<Extension>>,
}

impl Leftovers {
    fn of(state: &ApiState, key: ExtensionKey) -> Self {
        let registry = &state.registry;
        let sessions = registry.sessions_of_user(key);
        let sessions = sessions.iter().map(|session| session.id).collect();
        let subscriptions = registry
            .subscriptions()
            .iter()
            .filter(|it| it.account == key.account && it.owner == key.extension)
            .map(|subscription| subscription.id)
            .collect();
        let (mut members, _) = registry.extensions(key.account, 0, usize::MAX);
        members.retain(|member| member.queues.contains(&key.extension));
        Self { sessions, subscriptions, members }
    }

    fn changes(&self, state: &ApiState, key: ExtensionKey) -> Vec<DirectoryChange> {
        let mut changes = vec![DirectoryChange::RemoveExtension(key)];
        changes.extend(self.sessions.iter().map(|id| DirectoryChange::RemoveSession(*id)));
        changes
            .extend(self.subscriptions.iter().map(|id| DirectoryChange::RemoveSubscription(*id)));
        for member in &self.members {
            let mut member = Extension::clone(member);
            member.queues =
                member.queues.iter().copied().filter(|queue| *queue != key.extension).collect();
            changes.push(DirectoryChange::PutExtension(member));
        }
        if key.extension.get() > greatest_removed(state) {
            let bytes = key.extension.get().to_be_bytes().to_vec();
            changes.push(DirectoryChange::PutHouse(GREATEST_REMOVED, bytes));
        }
        changes
    }

    fn tell(&self, state: &ApiState) {
        self.subscriptions.iter().for_each(|id| state.delivery.subscription_changed(*id));
        self.sessions.iter().for_each(|id| state.delivery.session_revoked(*id));
    }
}

fn matches(extension: &Extension, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    extension.number.starts_with(wanted)
        || has(&extension.name)
        || has(&extension.email)
        || extension.groups.iter().any(|group| has(group))
}

/// Returns an extension as the own API shows it.
pub(super) fn record(extension: &Extension) -> Value {
    json!({
        "id": extension.key.extension.to_string(),
        "account": extension.key.account.to_string(),
        "number": extension.number.as_str(),
        "name": extension.name,
        "email": extension.email,
        "type": extension.standing.kind.as_str(),
        "status": extension.standing.status.as_str(),
        "groups": extension.groups.iter().map(SmolStr::as_str).collect::<Vec<_>>(),
        "queues": extension.queues.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "admin": extension.permissions.contains(Permissions::ADMIN),
        "permissions": profile::ordinary_words(extension.permissions),
        "editableMemberStatus": extension.editable_member_status,
    })
}
