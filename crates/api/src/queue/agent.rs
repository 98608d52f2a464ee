//! `extension/{extensionId}/call-queue-presence`: what one member takes of each of its queues.

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, agent_queue, parse_queue_choices};
use lampfield_core::directory::{Extension, Permissions, Scopes};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::edge::{Answer, PresencePayload, Query, ok};
use crate::presence::editable;
use crate::queue::choice::{Wish, acceptance, carry_out};
use crate::queue::list::find;
use crate::state::ApiState;

/// Answers with every queue of an extension, by id; `editableMemberStatus` narrows them.
pub(super) async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    query: Query,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need(Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS)?;
    let extension = caller.resolve_extension(&state, &extension)?;
    let editable = match query.get("editableMemberStatus").map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("" | "true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        Some(_) => return Err(ApiError::invalid_parameter("editableMemberStatus").into()),
    };
    Ok(ok(&presence(&state, &caller, &extension, editable)))
}

/// Changes what an extension takes of some of its queues; answers with all of them, as clients take
/// the answer for the whole list.
pub(super) async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, extension)): Path<(String, String)>,
    PresencePayload(body): PresencePayload,
) -> Answer {
    caller.resolve_account(&account)?;
    caller.need_scope(Scopes::EDIT_PRESENCE)?;
    let member = editable(&state, &caller, &extension, Permissions::EDIT_PRESENCE_STATUS)?;
    let mut wishes = Vec::new();
    for choice in parse_queue_choices(&body)? {
        let queue = find(&state, member.key.account, choice.id)
            .filter(|queue| member.queues.contains(&queue.key.extension))
            .ok_or_else(|| ApiError::invalid_parameter("callQueue.id"))?;
        let member = member.clone();
        wishes.extend(choice.accepts.map(|accepts| Wish { member, queue, accepts }));
    }
    carry_out(&state, &caller, wishes).await?;
    Ok(ok(&presence(&state, &caller, &member, None)))
}

fn presence(
    state: &ApiState,
    caller: &Caller,
    member: &Extension,
    editable: Option<bool>,
) -> Value {
    let viewer = caller.viewer(state);
    let queues = member.queues.iter().filter_map(|id| find(state, member.key.account, *id));
    let records: Vec<_> = queues
        .filter(|queue| editable.is_none_or(|wanted| wanted == queue.editable_member_status))
        .map(|queue| {
            let acceptance = acceptance(state, viewer, member, queue.key.extension);
            agent_queue(&queue, acceptance)
        })
        .collect();
    json!({ "records": records })
}
