//! Event filters.

use std::time::Duration;

use smol_str::SmolStr;

use crate::directory::{Permissions, Scopes};
use crate::ids::ExtensionId;
use crate::time::Timestamp;
use crate::visibility::Detail;

/// One event filter of a subscription, resolved: `~` stands for nothing any more.
///
/// The grammar is the contract's (section 3.2) and lives in the contract crate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventFilter {
    /// `/restapi/v1.0/account/{accountId}/presence`: every extension of the account (F1, F2).
    Account(Detail),
    /// `/restapi/v1.0/account/{accountId}/extension/{extensionId}/presence` (F3-F5).
    Extension(ExtensionId, Detail),
    /// `…/extension/{extensionId}/presence/line/presence`: every extension that it monitors (F6).
    Lines(ExtensionId, Detail),
    /// `…/extension/{extensionId}/favorite/presence`: every favorite of it (F7).
    Favorites(ExtensionId, Detail),
    /// `…/extension/{extensionId}/presence/line`: its list of lines (F8).
    LineList(ExtensionId),
    /// `…/extension/{extensionId}/presence/dnd` (F9).
    Dnd(ExtensionId),
    /// `…/call-queues/{groupId}/presence`: what the members of a queue take (F10).
    Queue(ExtensionId),
    /// `…/extension/{extensionId}/favorite`: its list of favorites (F11).
    FavoriteList(ExtensionId),
    /// `…/extension/{extensionId}`: what the directory says of it (F12).
    Profile(ExtensionId),
    /// `…/extension`: what the directory says of all (F12).
    Directory,
    /// `/restapi/v1.0/subscription/~`: reminders to renew the subscription (F13).
    Reminder(Reminder),
    /// A filter for something that this server has not: accepted, listed, never fires (3.7).
    Foreign(SmolStr),
}

/// When to remind of a renewal (contract 7.7).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reminder {
    /// From when on: so long before the end.
    pub threshold: Duration,
    /// How often from then on.
    pub interval: Duration,
    /// The filter as it was asked for.
    pub text: SmolStr,
}

impl Reminder {
    /// Returns when to remind next after `last` of a subscription that ends at `expires_at`; `None`
    /// when it ends before.
    #[must_use]
    pub fn next_due(&self, expires_at: Timestamp, last: Timestamp) -> Option<Timestamp> {
        let threshold = i64::try_from(self.threshold.as_millis()).unwrap_or(i64::MAX);
        let interval = i64::try_from(self.interval.as_millis()).unwrap_or(i64::MAX).max(1);
        let first = expires_at.0.saturating_sub(threshold);
        let due = if last.0 < first {
            first
        } else {
            let passed = last.0.saturating_sub(first) / interval;
            first.saturating_add(interval.saturating_mul(passed.saturating_add(1)))
        };
        (due < expires_at.0).then_some(Timestamp(due))
    }
}

impl EventFilter {
    /// Returns what application and user must have to be told so (contract 3.3); none for filters
    /// that need nothing.
    #[must_use]
    pub const fn needs(&self) -> Option<(Scopes, Permissions)> {
        Some(match self {
            Self::Account(_) | Self::Dnd(_) => (Scopes::READ_ACCOUNTS, Permissions::READ_ACCOUNTS),
            Self::Extension(..) | Self::Lines(..) | Self::Favorites(..) | Self::Queue(_) => {
                (Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS)
            }
            Self::LineList(_) => (Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_SETTINGS),
            Self::FavoriteList(_) => (Scopes::READ_CONTACTS, Permissions::READ_PERSONAL_CONTACTS),
            Self::Profile(_) | Self::Directory => {
                (Scopes::READ_ACCOUNTS, Permissions::READ_EXTENSIONS)
            }
            Self::Reminder(_) | Self::Foreign(_) => return None,
        })
    }

    /// Returns whose own affair it tells of: only they and administrators may ask for it.
    #[must_use]
    pub const fn is_private_to(&self) -> Option<ExtensionId> {
        match self {
            Self::LineList(owner) | Self::FavoriteList(owner) => Some(*owner),
            Self::Account(_)
            | Self::Extension(..)
            | Self::Lines(..)
            | Self::Favorites(..)
            | Self::Dnd(_)
            | Self::Queue(_)
            | Self::Profile(_)
            | Self::Directory
            | Self::Reminder(_)
            | Self::Foreign(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_begin_at_the_threshold_and_end_with_the_subscription() {
        let reminder = Reminder {
            threshold: Duration::from_secs(60),
            interval: Duration::from_secs(25),
            text: "".into(),
        };
        let end = Timestamp(100_000);
        let due = |last| reminder.next_due(end, Timestamp(last)).map(|due| due.0);

        assert_eq!(due(0), Some(40_000));
        assert_eq!(due(39_999), Some(40_000));
        assert_eq!(due(40_000), Some(65_000));
        assert_eq!(due(64_999), Some(65_000));
        assert_eq!(due(65_000), Some(90_000));
        assert_eq!(due(90_000), None);
        assert_eq!(due(-1_000_000), Some(40_000));
    }
}
