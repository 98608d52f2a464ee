//! Hard state: what people decided and what holds until they decide otherwise.

use crate::ids::ExtensionId;
use crate::time::Timestamp;
use crate::values::{CallerIdVisibility, DndStatus, UserStatus};

/// The longest status message (contract 1.2), in characters.
pub const MESSAGE_MAX: usize = 75;
/// The most extensions that one may monitor, own lines not counted (contract 1.10).
pub const LINES_MAX: usize = 100;
/// The most favorites of an extension.
pub const FAVORITES_MAX: usize = 100;
/// The most queues whose calls an extension can decline.
pub const DECLINED_QUEUES_MAX: usize = 1000;

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
    /// What only few extensions have, none rather than empty ones: read [`Settings::lists()`], write
    /// [`Settings::with_lists`].
    pub lists: Option<Box<Lists>>,
}

/// What an extension keeps lists of. Ids may be of extensions that are gone since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lists {
    /// Extensions that it monitors, in order, beyond its own two lines (contract 1.10); no repeats.
    pub lines: Box<[ExtensionId]>,
    /// Its favorites, in order; no repeats.
    pub favorites: Box<[ExtensionId]>,
    /// Queues whose calls it does not take now (`acceptCurrentQueueCalls` false); sorted, no repeats.
    pub declined_queues: Box<[ExtensionId]>,
}

static NO_LISTS: std::sync::LazyLock<Lists> = std::sync::LazyLock::new(Lists::default);

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
            lists: None,
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
    /// New list of monitored extensions, without the own lines; repeats count once.
    pub lines: Option<Vec<ExtensionId>>,
    /// New list of favorites; repeats count once.
    pub favorites: Option<Vec<ExtensionId>>,
    /// New list of queues whose calls are declined.
    pub declined_queues: Option<Vec<ExtensionId>>,
    /// Until when userStatus and dndStatus of this patch hold. With an end they do not replace the
    /// settings but lie over them, so that the end restores nothing that could be wrong by then.
    pub until: Option<Timestamp>,
}

impl Settings {
    /// Returns what is kept lists of; all empty for most.
    #[must_use]
    pub fn lists(&self) -> &Lists {
        self.lists.as_deref().unwrap_or(&NO_LISTS)
    }

    /// Replaces all lists.
    #[must_use]
    pub fn with_lists(mut self, lists: Lists) -> Self {
        self.lists = (lists != Lists::default()).then(|| Box::new(lists));
        self
    }

    /// Tells whether calls of `queue` are taken at this moment, as far as that is a choice of its own
    /// (`acceptCurrentQueueCalls`).
    #[must_use]
    pub fn takes_calls_of(&self, queue: ExtensionId) -> bool {
        self.lists().declined_queues.binary_search(&queue).is_err()
    }

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
            next.permitted = sorted(permitted);
        }
        match patch.lists_over(next.lists()) {
            Some(lists) => next.with_lists(lists),
            None => next,
        }
    }
}

impl SettingsPatch {
    /// Returns the lists after the patch, if it changes any.
    fn lists_over(&self, before: &Lists) -> Option<Lists> {
        if self.lines.is_none() && self.favorites.is_none() && self.declined_queues.is_none() {
            return None;
        }
        let mut lists = before.clone();
        if let Some(lines) = &self.lines {
            lists.lines = without_repeats(lines);
        }
        if let Some(favorites) = &self.favorites {
            lists.favorites = without_repeats(favorites);
        }
        if let Some(queues) = &self.declined_queues {
            lists.declined_queues = sorted(queues);
        }
        Some(lists)
    }
}

fn sorted(list: &[ExtensionId]) -> Box<[ExtensionId]> {
    let mut list = list.to_vec();
    list.sort_unstable();
    list.dedup();
    list.into_boxed_slice()
}

/// Keeps the order, and of repeats the first.
fn without_repeats(list: &[ExtensionId]) -> Box<[ExtensionId]> {
    let mut seen = std::collections::BTreeSet::new();
    list.iter().copied().filter(|extension| seen.insert(*extension)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(numbers: &[u64]) -> Vec<ExtensionId> {
        numbers.iter().map(|number| ExtensionId::new(*number).expect("positive")).collect()
    }

    #[test]
    fn lists_are_replaced_one_by_one_and_repeats_count_once() {
        let patch = SettingsPatch {
            lines: Some(ids(&[9, 3, 9, 5])),
            declined_queues: Some(ids(&[8, 2, 8])),
            ..SettingsPatch::default()
        };
        let settings = Settings::default().patched(&patch);
        let favorites = SettingsPatch { favorites: Some(ids(&[4])), ..SettingsPatch::default() };
        let settings = settings.patched(&favorites);

        assert_eq!(settings.lists().lines[..], ids(&[9, 3, 5])[..]);
        assert_eq!(settings.lists().favorites[..], ids(&[4])[..]);
        assert_eq!(settings.lists().declined_queues[..], ids(&[2, 8])[..]);
        assert!(!settings.takes_calls_of(ids(&[8])[0]));
        assert!(settings.takes_calls_of(ids(&[3])[0]));
    }

    #[test]
    fn emptied_lists_leave_nothing_behind() {
        let lines = |list| SettingsPatch { lines: Some(list), ..SettingsPatch::default() };
        let settings = Settings::default().patched(&lines(ids(&[7])));
        assert_ne!(settings, Settings::default());
        assert_eq!(settings.patched(&lines(Vec::new())), Settings::default());
    }
}
