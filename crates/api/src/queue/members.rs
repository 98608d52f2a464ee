//! `call-queues/{groupId}/presence`: what the members of a queue take.

use std::sync::Arc;

use axum::extract::{Path, State};
use lampfield_contract::{ApiError, parse_member_choices, queue_member};
use lampfield_core::ExtensionKey;
use lampfield_core::directory::{Extension, Permissions, Scopes};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::edge::{Answer, PresencePayload, ok};
use crate::queue::choice::{Wish, acceptance, carry_out};
use crate::queue::list::resolve;
use crate::state::ApiState;

/// Answers with every member of a queue, by id.
pub(super) async fn read(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, queue)): Path<(String, String)>,
) -> Answer {
    let account = caller.resolve_account(&account)?;
    caller.need(Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS)?;
    let queue = resolve(&state, account, &queue)?;
    Ok(ok(&presence(&state, &caller, &queue)))
}

/// Changes what some members take of this queue's calls; the others stay as they are.
pub(super) async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Path((account, queue)): Path<(String, String)>,
    PresencePayload(body): PresencePayload,
) -> Answer {
    let account = caller.resolve_account(&account)?;
    caller.need_scope(Scopes::EDIT_PRESENCE)?;
    let queue = resolve(&state, account, &queue)?;
    let mut wishes = Vec::new();
    for choice in parse_member_choices(&body)? {
        let key = ExtensionKey { account, extension: choice.id };
        let member = state.registry.extension(key).filter(|member| is_member(member, &queue));
        let member = member.ok_or_else(|| ApiError::invalid_parameter("member.id"))?;
        let queue = Arc::clone(&queue);
        wishes.extend(choice.accepts.map(|accepts| Wish { member, queue, accepts }));
    }
    if !caller.is_admin() {
        caller.need_permission(Permissions::EDIT_PRESENCE_STATUS)?;
    }
    carry_out(&state, &caller, wishes).await?;
    Ok(ok(&presence(&state, &caller, &queue)))
}

fn is_member(extension: &Extension, queue: &Extension) -> bool {
    extension.queues.contains(&queue.key.extension)
}

fn presence(state: &ApiState, caller: &Caller, queue: &Extension) -> Value {
    let (extensions, _) = state.registry.extensions(queue.key.account, 0, usize::MAX);
    let viewer = caller.viewer(state);
    let members = extensions.iter().filter(|extension| is_member(extension, queue));
    let records: Vec<_> = members
        .map(|member| queue_member(member, acceptance(state, viewer, member, queue.key.extension)))
        .collect();
    json!({ "records": records })
}
