//! Who looks through a subscription, what it may still ask for, and what is seen at this moment.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use lampfield_contract::{notice_uuid, notification_uuid};
use lampfield_core::directory::Permissions;
use lampfield_core::subscription::{EventFilter, FilterSet, Notice, Subscription};
use lampfield_core::visibility::Detail;
use lampfield_core::{Changes, ExtensionId, ExtensionKey, View, Viewer, see};
use lampfield_journal::{Newest, Registry};
use uuid::Uuid;

use crate::outgoing::Outgoing;

/// Returns through whose eyes the events of a subscription are seen: its owner's.
///
/// With `administrators_see_all`, owners with the Admin permission see what is hidden from others.
#[must_use]
pub fn viewer_of(
    registry: &Registry,
    subscription: &Subscription,
    administrators_see_all: bool,
) -> Viewer {
    if administrators_see_all {
        let owner = registry.extension(owner_of(subscription));
        if owner.is_some_and(|owner| owner.permissions.contains(Permissions::ADMIN)) {
            return Viewer::Administrator;
        }
    }
    Viewer::Extension(subscription.owner)
}

/// Returns what a subscription may be told of now: its filters, less those whose permission its
/// owner or its application has lost since (contract 3.3), with the lists that they follow as
/// `newest` has them.
///
/// Nothing at all when the owner or the application is gone.
#[must_use]
pub fn filters_of(registry: &Registry, newest: &Newest, subscription: &Subscription) -> FilterSet {
    let owner = registry.extension(owner_of(subscription));
    let app = registry.app(&subscription.app);
    let (Some(owner), Some(app)) = (owner, app) else { return FilterSet::default() };
    if !owner.standing.status.is_live() {
        return FilterSet::default();
    }
    let scopes = app.scopes.with_included();
    let is_admin = owner.permissions.contains(Permissions::ADMIN);
    let may = |filter: &&EventFilter| {
        let Some((scope, permission)) = filter.needs() else { return false };
        let is_theirs = filter.is_private_to().is_none_or(|it| it == subscription.owner);
        scopes.contains(scope) && owner.permissions.contains(permission) && (is_theirs || is_admin)
    };
    let mut filters = FilterSet::of(subscription.filters.iter().filter(may));
    for extension in filters.followed() {
        let key = ExtensionKey { account: subscription.account, extension };
        if let Some(record) = newest.get(key) {
            filters.follow(extension, record.event.document.settings.lists());
        }
    }
    filters
}

/// One notification of an event to one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Presence, in this detail.
    Presence(Detail),
    /// Something beside it.
    Notice(Notice),
}

impl Telling {
    /// Returns a number that tells the notifications of one event to one subscription apart.
    #[must_use]
    pub(crate) const fn kind(self) -> u64 {
        match self {
            Self::Presence(_) => 0,
            Self::Notice(notice) => notice.kind(),
        }
    }

    /// Returns the uuid of this notification: the same whenever it is made.
    #[must_use]
    pub(crate) fn uuid(self, subscription: &Subscription, event: &Outgoing) -> Uuid {
        let (id, account) = (subscription.id, subscription.account);
        let sequence = event.record().event.sequence;
        match self {
            Self::Presence(_) => notification_uuid(id, account, sequence),
            Self::Notice(notice) => notice_uuid(id, account, sequence, notice),
        }
    }
}

/// Returns what a subscription with these filters is to be told of an event, sight aside.
#[must_use]
pub(crate) fn tellings(registry: &Registry, wants: &FilterSet, event: &Outgoing) -> Vec<Telling> {
    let key = event.record().event.key;
    let presence = wants.detail_for(key.extension).map(Telling::Presence);
    if wants.is_simple() {
        return presence.into_iter().collect();
    }
    let member = OnceCell::new();
    let is_member_of = |queue: ExtensionId| {
        let member = member.get_or_init(|| registry.extension(key));
        member.as_ref().is_some_and(|member| member.queues.contains(&queue))
    };
    let notices = wants.notices(key.extension, event.changes(), is_member_of);
    presence.into_iter().chain(notices.into_iter().map(Telling::Notice)).collect()
}

/// Sets followed lists to what they were before `events`, as far as these change them. Whatever is
/// told next is matched by the lists as they were then.
pub(crate) fn rewind_lists<'e>(
    wants: &mut FilterSet,
    events: impl IntoIterator<Item = &'e Arc<Outgoing>>,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut is_changed = false;
    for event in events {
        let event = &event.record().event;
        let owner = event.key.extension;
        if event.changes.touches(FOLLOWED)
            && wants.follows(owner)
            && seen.insert(owner)
            && let Some(before) = &event.before
        {
            is_changed |= wants.follow(owner, &before.lists);
        }
    }
    is_changed
}

/// Takes note of the lists that an event changes; tells whether that changes what is wanted.
pub(crate) fn follow_lists(wants: &mut FilterSet, event: &Outgoing) -> bool {
    let owner = event.record().event.key.extension;
    event.changes().touches(FOLLOWED)
        && wants.follows(owner)
        && wants.follow(owner, event.record().event.document.settings.lists())
}

/// What changes lists that are followed.
pub(crate) const FOLLOWED: Changes =
    Changes::from_bits(Changes::LINES.bits() | Changes::FAVORITES.bits());

/// Decides what `viewer` sees of one notification that is sent now; `None` when it is not told.
#[must_use]
pub(crate) fn telling_now(
    event: &Outgoing,
    newest: &Newest,
    viewer: Viewer,
    telling: Telling,
) -> Option<View> {
    match telling {
        Telling::Presence(detail) => sight_now(event, newest, viewer, detail),
        Telling::Notice(notice) => {
            let recorded = event.notice_sight(viewer, notice)?;
            match notice {
                Notice::Dnd | Notice::Queue(_) => narrowed(recorded, event, newest, viewer),
                Notice::Lines | Notice::Favorites | Notice::Profile | Notice::Directory => {
                    Some(recorded)
                }
            }
        }
    }
}

/// Decides what `viewer` sees of an event that is sent now; `None` when it is not told of it.
///
/// What was recorded as visible and has been hidden since is seen as it may be seen now, so that
/// nothing that waited leaks later. What was hidden when it was recorded stays hidden.
#[must_use]
pub fn sight_now(
    event: &Outgoing,
    newest: &Newest,
    viewer: Viewer,
    detail: Detail,
) -> Option<View> {
    narrowed(event.sight(viewer, detail)?, event, newest, viewer)
}

/// Narrows what is seen of an event by what its extension has hidden since.
pub(crate) fn narrowed(
    recorded: View,
    event: &Outgoing,
    newest: &Newest,
    viewer: Viewer,
) -> Option<View> {
    let key = event.record().event.key;
    let Some(latest) = newest.get(key) else { return Some(recorded) };
    if latest.offset <= event.offset() {
        return Some(recorded);
    }
    let present = see(viewer, key.extension, &latest.event.document.settings);
    match (recorded, present) {
        (View::Hidden, _) => Some(View::Hidden),
        // The event that hid it is behind this one and tells the viewer so.
        (View::Full | View::WithoutCallers, View::Hidden) => None,
        (View::Full, View::Full) => Some(View::Full),
        (View::Full, View::WithoutCallers)
        | (View::WithoutCallers, View::Full | View::WithoutCallers) => Some(View::WithoutCallers),
    }
}

const fn owner_of(subscription: &Subscription) -> ExtensionKey {
    ExtensionKey { account: subscription.account, extension: subscription.owner }
}
