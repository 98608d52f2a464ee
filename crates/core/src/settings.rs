//! Hard state: what people decided and what holds until they decide otherwise.

use crate::ids::ExtensionId;
use crate::time::Timestamp;
use crate::values::{CallerIdVisibility, DndStatus, UserStatus};

/// The longest status message (contract 1.2), in characters.
pub const MESSAGE_MAX: usize = 75;

/// The settings of one presentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `userStatus`.
    pub user_status: UserStatus,
    /// `dndStatus`.
    pub dnd_status: DndStatus,
    /// `message`.
    pub message: Option<Box<str>>,
    /// `allowSeeMyPresence`.
    pub allow_see_my_presence: bool,
    /// `ringOnMonitoredCall`.
    pub ring_on_monitored_call: bool,
    /// `pickUpCallsOnHold`.
    pub pick_up_calls_on_hold: bool,
    /// `callerIdVisibility`.
    pub caller_id_visibility: CallerIdVisibility,
    /// Who may answer this one's calls, and to whom `PermittedUsers` refers; sorted, no repeats.
    pub permitted: Box<[ExtensionId]>,
}

impl Default for Settings {
    /// A new extension is available, takes all calls and may be seen.
    fn default() -> Self {
        Self {
            user_status: UserStatus::Available,
            dnd_status: DndStatus::TakeAllCalls,
            message: None,
            allow_see_my_presence: true,
            ring_on_monitored_call: false,
            pick_up_calls_on_hold: false,
            caller_id_visibility: CallerIdVisibility::All,
            permitted: Box::default(),
        }
    }
}

/// A partial update: `None` keeps what is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettingsPatch {
    /// New `userStatus`.
    pub user_status: Option<UserStatus>,
    /// New `dndStatus`.
    pub dnd_status: Option<DndStatus>,
    /// New message; an empty one removes it.
    pub message: Option<Box<str>>,
    /// New `allowSeeMyPresence`.
    pub allow_see_my_presence: Option<bool>,
    /// New `ringOnMonitoredCall`.
    pub ring_on_monitored_call: Option<bool>,
    /// New `pickUpCallsOnHold`.
    pub pick_up_calls_on_hold: Option<bool>,
    /// New `callerIdVisibility`.
    pub caller_id_visibility: Option<CallerIdVisibility>,
    /// New permission list.
    pub permitted: Option<Vec<ExtensionId>>,
    /// Until when userStatus and dndStatus of this patch hold. With an end they do not replace the
    /// settings but lie over them, so that the end restores nothing that could be wrong by then.
    pub until: Option<Timestamp>,
}

impl Settings {
    /// Returns the settings after `patch`, without its timed part.
    #[must_use]
    pub fn patched(&self, patch: &SettingsPatch) -> Self {
        let mut next = self.clone();
        if patch.until.is_none() {
            next.user_status = patch.user_status.unwrap_or(next.user_status);
            next.dnd_status = patch.dnd_status.unwrap_or(next.dnd_status);
        }
        if let Some(message) = &patch.message {
            next.message = (!message.is_empty()).then(|| message.clone());
        }
        if let Some(allowed) = patch.allow_see_my_presence {
            next.allow_see_my_presence = allowed;
        }
        if let Some(ring) = patch.ring_on_monitored_call {
            next.ring_on_monitored_call = ring;
        }
        if let Some(pick_up) = patch.pick_up_calls_on_hold {
            next.pick_up_calls_on_hold = pick_up;
        }
        if let Some(visibility) = patch.caller_id_visibility {
            next.caller_id_visibility = visibility;
        }
        if let Some(permitted) = &patch.permitted {
            let mut list = permitted.clone();
            list.sort_unstable();
            list.dedup();
            next.permitted = list.into_boxed_slice();
        }
        next
    }
}
