//! A person's choices, with an end if one is asked for.

use std::time::Duration;

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, parse_object, parse_presence_update};
use lampfield_core::directory::{Extension, Permissions, Role, Scopes};
use lampfield_core::{ExtensionId, SettingsPatch, Timestamp};

use crate::audit::Trail;
use crate::edge::{Answer, Base, PresencePayload, ok};
use crate::own::Visitor;
use crate::own::bounds::TIMED_MAX;
use crate::own::fields::Fields;
use crate::own::ingest::told;
use crate::own::visitor::find_extension;
use crate::presence::{check_queues, configure};
use crate::state::ApiState;

/// `PUT /accounts/{account}/extensions/{extension}/presence`: the contract's members, and
/// `forSeconds` or `until` for those of userStatus and dndStatus that it names, and `permitted`.
pub(super) async fn put(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path((account, extension)): Path<(String, String)>,
    Base(base): Base,
    PresencePayload(body): PresencePayload,
) -> Answer {
    let extension = visitor.extension(&state, &account, &extension)?;
    may_change(&visitor, &extension)?;
    let mut patch = parse_presence_update(&body)?;
    let members = parse_object(&body)?;
    let fields = Fields::of(&members);
    patch.until = end_of(&fields, &patch, state.now())?;
    patch.permitted = permitted(&state, &extension, &fields)?;
    if let (Visitor::Person(caller), Some(_)) = (&visitor, &patch.permitted)
        && !caller.is_admin()
    {
        caller.need_permission(Permissions::EDIT_PRESENCE_SETTINGS)?;
    }
    check_queues(&extension, &patch)?;
    let receipt = configure(&state, &trail, extension.key, patch).await?;
    Ok(ok(&told(&state, &base, visitor.viewer(&state), &extension, &receipt)))
}

/// Keys of role admin may change anybody; people themselves, administrators others too.
fn may_change(visitor: &Visitor, extension: &Extension) -> Result<(), ApiError> {
    let Visitor::Person(caller) = visitor else { return visitor.need(Role::Admin) };
    caller.need_scope(Scopes::EDIT_PRESENCE)?;
    if caller.is_admin() {
        return Ok(());
    }
    if caller.key() != extension.key {
        return Err(ApiError::other_extension());
    }
    caller.need_permission(Permissions::EDIT_PRESENCE_STATUS).map(|_| ())
}

fn end_of(
    fields: &Fields<'_>,
    patch: &SettingsPatch,
    now: Timestamp,
) -> Result<Option<Timestamp>, ApiError> {
    let seconds = fields.number("forSeconds", 1, TIMED_MAX.as_secs())?;
    let until = fields.moment("until")?;
    let (name, end) = match (seconds, until) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return Err(fields.wrong("until", "absent beside forSeconds")),
        (Some(seconds), None) => ("forSeconds", now.after(Duration::from_secs(seconds))),
        (None, Some(until)) => ("until", until),
    };
    if end <= now || end > now.after(TIMED_MAX) {
        let days = TIMED_MAX.as_secs() / 86_400;
        return Err(fields.wrong(name, &format!("a moment in the next {days} days")));
    }
    if patch.user_status.is_none() && patch.dnd_status.is_none() {
        return Err(fields.wrong(name, "beside userStatus or dndStatus, whose end it is"));
    }
    Ok(Some(end))
}

fn permitted(
    state: &ApiState,
    extension: &Extension,
    fields: &Fields<'_>,
) -> Result<Option<Vec<ExtensionId>>, ApiError> {
    let Some(texts) = fields.texts("permitted")? else { return Ok(None) };
    let account = extension.key.account;
    let ids = texts.iter().map(|text| Some(find_extension(state, account, text)?.key.extension));
    ids.collect::<Option<Vec<_>>>()
        .map(Some)
        .ok_or_else(|| fields.wrong("permitted", "a list of extensions, by id or as n:101"))
}
