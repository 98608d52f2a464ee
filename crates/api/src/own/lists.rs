//! What an extension keeps lists of: monitored lines, favorites, queues whose calls it declines, and
//! who is permitted to answer its calls. For administrators; people have RingCentral's paths.

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, parse_object};
use lampfield_core::directory::{Extension, Role, Scopes};
use lampfield_core::settings::{FAVORITES_MAX, LINES_MAX};
use lampfield_core::{ExtensionId, SettingsPatch};
use serde_json::{Value, json};

use crate::audit::Trail;
use crate::edge::{Answer, PresencePayload, ok};
use crate::own::Visitor;
use crate::own::fields::Fields;
use crate::own::visitor::find_extension;
use crate::presence::{configure, is_monitorable, with_document};
use crate::state::ApiState;

/// `GET /accounts/{account}/extensions/{extension}/lists`: keys; people for themselves, administrators
/// for others.
pub(super) async fn read(
    State(state): State<ApiState>,
    visitor: Visitor,
    Path((account, extension)): Path<(String, String)>,
) -> Answer {
    visitor.need(Role::Read)?;
    let extension = visitor.extension(&state, &account, &extension)?;
    if let Visitor::Person(caller) = &visitor
        && caller.key() != extension.key
        && !caller.is_admin()
    {
        return Err(ApiError::other_extension().into());
    }
    Ok(ok(&shown(&state, &extension)))
}

/// `PUT /accounts/{account}/extensions/{extension}/lists`: each list that is named replaces the one
/// before.
pub(super) async fn put(
    State(state): State<ApiState>,
    visitor: Visitor,
    trail: Trail,
    Path((account, extension)): Path<(String, String)>,
    PresencePayload(body): PresencePayload,
) -> Answer {
    let extension = visitor.extension(&state, &account, &extension)?;
    may_change(&visitor)?;
    let members = parse_object(&body)?;
    let patch = patch_of(&state, &extension, &Fields::of(&members))?;
    if patch != SettingsPatch::default() {
        configure(&state, &trail, extension.key, patch).await?;
    }
    Ok(ok(&shown(&state, &extension)))
}

fn may_change(visitor: &Visitor) -> Result<(), ApiError> {
    match visitor {
        Visitor::Person(caller) if caller.is_admin() => {
            caller.need_scope(Scopes::EDIT_PRESENCE).map(|_| ())
        }
        Visitor::Person(_) | Visitor::Key(_) => visitor.need(Role::Admin),
    }
}

fn patch_of(
    state: &ApiState,
    extension: &Extension,
    fields: &Fields<'_>,
) -> Result<SettingsPatch, ApiError> {
    let any = |_: &Extension| true;
    let other = |one: &Extension| one.key != extension.key && is_monitorable(one.standing.kind);
    let own_queue = |one: &Extension| extension.queues.contains(&one.key.extension);
    let read = |name: &str, what: &str, max: usize, fits: &dyn Fn(&Extension) -> bool| {
        let Some(texts) = fields.texts(name)? else { return Ok(None) };
        if texts.len() > max {
            return Err(fields.wrong(name, &format!("a list of at most {max}")));
        }
        let find = |text: &String| -> Option<ExtensionId> {
            let found = find_extension(state, extension.key.account, text)?;
            fits(&found).then_some(found.key.extension)
        };
        let ids: Option<Vec<_>> = texts.iter().map(find).collect();
        ids.map(Some).ok_or_else(|| fields.wrong(name, &format!("{what}, by id or as n:101")))
    };
    let queues_max = extension.queues.len();
    Ok(SettingsPatch {
        lines: read(
            "lines",
            "a list of other extensions that can be monitored",
            LINES_MAX,
            &other,
        )?,
        favorites: read("favorites", "a list of extensions", FAVORITES_MAX, &any)?,
        declined_queues: read(
            "declinedQueues",
            "a list of queues that it is a member of",
            queues_max,
            &own_queue,
        )?,
        permitted: read("permitted", "a list of extensions", usize::MAX, &any)?,
        ..SettingsPatch::default()
    })
}

/// Extensions that are gone and queues that were left are not shown.
fn shown(state: &ApiState, extension: &Extension) -> Value {
    let account = extension.key.account;
    let texts = |list: &[ExtensionId]| -> Vec<String> {
        let texts = list.iter().map(ToString::to_string);
        texts.filter(|text| find_extension(state, account, text).is_some()).collect()
    };
    with_document(state, extension, |document| {
        let lists = document.settings.lists();
        let mut declined = lists.declined_queues.to_vec();
        declined.retain(|queue| extension.queues.contains(queue));
        json!({
            "lines": texts(&lists.lines),
            "favorites": texts(&lists.favorites),
            "declinedQueues": texts(&declined),
            "permitted": texts(&document.settings.permitted),
        })
    })
}
