//! A committed change.

use crate::changes::Changes;
use crate::claim::Call;
use crate::document::Document;
use crate::ids::{ClaimId, ExtensionKey, Sequence, SourceId};
use crate::settings::Lists;
use crate::time::Timestamp;
use crate::values::DndStatus;
use crate::visibility::Audience;

/// A change of one presentity: the whole document after it, what differs, and why.
///
/// It is the state, the event and the outbox at once; committed as one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceEvent {
    /// Whose presence it is.
    pub key: ExtensionKey,
    /// The account's order number.
    pub sequence: Sequence,
    /// When it was decided; never before the presentity's previous event.
    pub at: Timestamp,
    /// When the source saw what caused it.
    pub observed_at: Timestamp,
    /// Everything that holds after it.
    pub document: Document,
    /// What differs from the document before.
    pub changes: Changes,
    /// What held before of that by which it is decided who is told of what; none if none of it
    /// differs.
    pub before: Option<Box<Before>>,
    /// Calls that ended with it.
    pub ended: Box<[EndedCall]>,
    /// What brought it about.
    pub cause: Cause,
}

/// What held before a change, of that by which it is decided who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Who might see it.
    pub audience: Audience,
    /// `dndStatus` in force.
    pub dnd: DndStatus,
    /// Lines, favorites, declined queues.
    pub lists: Lists,
}

impl Before {
    /// Keeps of the document `before` a change what is needed to tell of `changes`.
    #[must_use]
    pub fn of(before: &Document, changes: Changes) -> Option<Box<Self>> {
        let kept = Changes::AUDIENCE | Changes::LISTS | Changes::DND;
        changes.touches(kept).then(|| {
            Box::new(Self {
                audience: Audience::of(&before.settings),
                dnd: before.dnd,
                lists: before.settings.lists().clone(),
            })
        })
    }
}

/// A call that ended with a change; told once, as `NoCall` with `terminationType: final`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedCall {
    /// Source of the ended claim.
    pub source: SourceId,
    /// The ended claim.
    pub claim: ClaimId,
    /// When the claim was first made.
    pub since: Timestamp,
    /// The call as it last was.
    pub call: Call,
}

/// What brought a change about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What was done.
    pub act: Act,
    /// Who did it.
    pub source: SourceId,
    /// The claim, where it was about one.
    pub claim: Option<ClaimId>,
}

/// What was done to a presentity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// A claim was made or changed.
    Published,
    /// A claim was taken back.
    Withdrawn,
    /// A source showed its full picture.
    Pictured,
    /// A lease ran out.
    Expired,
    /// A source was lost, its claims are stale.
    Lost,
    /// A person changed settings.
    Configured,
    /// The directory changed the extension's type or status.
    Directory,
}

impl Act {
    /// Every act.
    pub const ALL: &'static [Self] = &[
        Self::Published,
        Self::Withdrawn,
        Self::Pictured,
        Self::Expired,
        Self::Lost,
        Self::Configured,
        Self::Directory,
    ];

    /// Returns the act's stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
            Self::Pictured => "pictured",
            Self::Expired => "expired",
            Self::Lost => "lost",
            Self::Configured => "configured",
            Self::Directory => "directory",
        }
    }

    /// Returns the act of a stable name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.as_str() == name)
    }
}
