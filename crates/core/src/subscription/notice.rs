//! What a change is told as beside presence itself: lists, do-not-disturb, queues, the directory.

use crate::changes::Changes;
use crate::event::PresenceEvent;
use crate::ids::ExtensionId;
use crate::settings::Lists;
use crate::values::DndStatus;
use crate::visibility::{View, Viewer, see};

/// What one notification says of a change, where it is not presence (contract 3.3, F8-F12). One
/// change can be told to one subscription as presence and as any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Notice {
    /// The list of monitored lines is another (F8).
    Lines,
    /// `dndStatus` is another (F9).
    Dnd,
    /// The member takes calls of this queue, or no longer (F10).
    Queue(ExtensionId),
    /// The list of favorites is another (F11).
    Favorites,
    /// The directory says something else of the extension (F12, `/extension/{e}`).
    Profile,
    /// The directory says something else of some extension (F12, `/extension`).
    Directory,
}

/// What a member of a queue takes of its calls, as a viewer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueAcceptance {
    /// Calls of any queue (`acceptQueueCalls`): do-not-disturb stands against them or not.
    pub any_queue: bool,
    /// Calls of this queue (`acceptCurrentQueueCalls`).
    pub this_queue: bool,
}

impl QueueAcceptance {
    /// Returns what is seen of someone with this do-not-disturb and these lists. Who hides looks as
    /// if they had chosen nothing.
    #[must_use]
    pub fn seen(view: View, dnd: DndStatus, lists: &Lists, queue: ExtensionId) -> Self {
        if view == View::Hidden {
            return Self { any_queue: true, this_queue: true };
        }
        Self {
            any_queue: dnd == DndStatus::TakeAllCalls,
            this_queue: lists.declined_queues.binary_search(&queue).is_err(),
        }
    }
}

impl Notice {
    /// Returns the parts whose change may be told so.
    #[must_use]
    pub fn parts(self) -> Changes {
        match self {
            Self::Lines => Changes::LINES,
            Self::Favorites => Changes::FAVORITES,
            Self::Dnd => Changes::DND | Changes::AUDIENCE,
            Self::Queue(_) => Changes::DND | Changes::QUEUES | Changes::AUDIENCE,
            Self::Profile | Self::Directory => Changes::STANDING,
        }
    }

    /// Returns a number that tells the notices of one change apart, for their uuid. Zero is presence.
    #[must_use]
    pub const fn kind(self) -> u64 {
        match self {
            Self::Lines => 1,
            Self::Dnd => 2,
            Self::Favorites => 3,
            Self::Profile => 4,
            Self::Directory => 5,
            // Ids are stored as SQLite integers: none has the highest bit.
            Self::Queue(queue) => queue.get() | 1 << 63,
        }
    }

    /// Decides whether `viewer` is told of `event` so, and what it sees then: when what it sees of it
    /// differs from what it saw before.
    #[must_use]
    pub fn told(self, event: &PresenceEvent, viewer: Viewer) -> Option<View> {
        let view = self.view(event, viewer);
        let differs = match (self, &event.before) {
            (Self::Dnd, Some(before)) => {
                let was = before.audience.view(viewer, event.key.extension);
                dnd_seen(was, before.dnd) != dnd_seen(view, event.document.dnd)
            }
            (Self::Queue(queue), Some(before)) => {
                let was = before.audience.view(viewer, event.key.extension);
                let lists = event.document.settings.lists();
                QueueAcceptance::seen(was, before.dnd, &before.lists, queue)
                    != QueueAcceptance::seen(view, event.document.dnd, lists, queue)
            }
            (Self::Dnd | Self::Queue(_), None) => false,
            (Self::Lines | Self::Favorites | Self::Profile | Self::Directory, _) => {
                event.changes.touches(self.parts())
            }
        };
        differs.then_some(view)
    }

    /// Returns what `viewer` sees of it, told or not. Lists and the directory are no presence: who may
    /// ask for them at all sees them whole.
    #[must_use]
    pub fn view(self, event: &PresenceEvent, viewer: Viewer) -> View {
        match self {
            Self::Dnd | Self::Queue(_) => {
                see(viewer, event.key.extension, &event.document.settings)
            }
            Self::Lines | Self::Favorites | Self::Profile | Self::Directory => View::Full,
        }
    }
}

/// Returns `dndStatus` as a view shows it.
#[must_use]
pub fn dnd_seen(view: View, dnd: DndStatus) -> DndStatus {
    if view == View::Hidden { DndStatus::TakeAllCalls } else { dnd }
}
