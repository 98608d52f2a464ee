//! The choice of a member whether it takes the calls of one queue: reading it, changing it.

use std::collections::BTreeMap;
use std::sync::Arc;

use lampfield_contract::{Acceptance, ApiError};
use lampfield_core::directory::{Extension, Permissions};
use lampfield_core::{Command, ExtensionId, ExtensionKey, SettingsPatch, Viewer, see};
use lampfield_engine::Order;

use crate::audit::Trail;
use crate::auth::Caller;
use crate::edge::Refusal;
use crate::presence::{note, with_document};
use crate::state::ApiState;

/// That a member shall, or shall not, take the calls of a queue.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// The member.
    pub(super) member: Arc<Extension>,
    /// A queue that it is a member of.
    pub(super) queue: Arc<Extension>,
    /// Whether it takes the queue's calls.
    pub(super) accepts: bool,
}

/// Returns what `viewer` sees of what a member takes of a queue.
pub(super) fn acceptance(
    state: &ApiState,
    viewer: Viewer,
    member: &Extension,
    queue: ExtensionId,
) -> Acceptance {
    with_document(state, member, |document| {
        let view = see(viewer, member.key.extension, &document.settings);
        Acceptance::of(document, queue, view)
    })
}

/// Carries out all wishes or none: each is checked before the first takes effect. Of several for
/// the same member and queue the last one counts; what a caller sees already as it is wished needs no right.
///
/// # Errors
/// 403 for a member that the caller may not change, or that may not choose for itself.
pub(super) async fn carry_out(
    state: &ApiState,
    caller: &Caller,
    wishes: Vec<Wish>,
) -> Result<(), Refusal> {
    // Lists are replaced whole: two changes of one member must not pass between reading and writing.
    let _checking = state.registry.checking().await;
    let mut lists: BTreeMap<ExtensionKey, Vec<ExtensionId>> = BTreeMap::new();
    let last: BTreeMap<_, _> = wishes
        .into_iter()
        .map(|wish| ((wish.member.key, wish.queue.key.extension), wish))
        .collect();
    for wish in last.into_values() {
        if is_seen_so(state, caller, &wish) {
            continue;
        }
        admit(caller, &wish)?;
        let declined =
            lists.entry(wish.member.key).or_insert_with(|| declined(state, &wish.member));
        declined.retain(|queue| *queue != wish.queue.key.extension);
        if !wish.accepts {
            declined.push(wish.queue.key.extension);
        }
    }
    let patch =
        |declined| SettingsPatch { declined_queues: Some(declined), ..SettingsPatch::default() };
    let patches: Vec<_> = lists.into_iter().map(|(key, list)| (key, patch(list))).collect();
    note(state, &Trail::of(caller), patches.iter().map(|(key, patch)| (*key, patch))).await?;
    let observed_at = state.now();
    let order = |(key, patch)| Order { key, command: Command::Configure(patch), observed_at };
    let receipts = state.intake.submit_all(patches.into_iter().map(order).collect()).await;
    receipts.into_iter().try_for_each(|receipt| receipt.map(|_| ())).map_err(Refusal::from)
}

/// Clients send whole lists back in which they changed one record; the others are no wishes. An
/// administrator may mean what they cannot see.
fn is_seen_so(state: &ApiState, caller: &Caller, wish: &Wish) -> bool {
    let viewer = if caller.is_admin() { Viewer::Operator } else { caller.viewer(state) };
    let seen = acceptance(state, viewer, &wish.member, wish.queue.key.extension);
    seen.this_queue == wish.accepts
}

fn admit(caller: &Caller, wish: &Wish) -> Result<(), ApiError> {
    if !caller.is_admin() {
        if wish.member.key != caller.key() {
            return Err(ApiError::other_extension());
        }
        caller.need_permission(Permissions::EDIT_PRESENCE_STATUS)?;
        if !wish.queue.editable_member_status {
            return Err(ApiError::missing_permission("EditCallQueuePresence"));
        }
    }
    if wish.member.standing.kind.is_writable() { Ok(()) } else { Err(ApiError::wrong_type()) }
}

/// Returns the queues whose calls a member declines, of those that it is a member of.
fn declined(state: &ApiState, member: &Extension) -> Vec<ExtensionId> {
    with_document(state, member, |document| {
        let declined = document.settings.lists().declined_queues.iter().copied();
        declined.filter(|queue| member.queues.contains(queue)).collect()
    })
}
