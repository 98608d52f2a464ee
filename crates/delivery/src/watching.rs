//! Who looks through a subscription, what it may still ask for, and what is seen at this moment.

use lampfield_core::directory::{Permissions, Scopes};
use lampfield_core::subscription::{EventFilter, FilterSet, Subscription};
use lampfield_core::visibility::Detail;
use lampfield_core::{ExtensionKey, View, Viewer, see};
use lampfield_journal::{Newest, Registry};

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
/// owner or its application has lost since (contract 3.3).
///
/// Nothing at all when the owner or the application is gone.
#[must_use]
pub fn filters_of(registry: &Registry, subscription: &Subscription) -> FilterSet {
    let owner = registry.extension(owner_of(subscription));
    let app = registry.app(&subscription.app);
    let (Some(owner), Some(app)) = (owner, app) else { return FilterSet::default() };
    if !owner.standing.status.is_live() {
        return FilterSet::default();
    }
    let scopes = app.scopes.with_included();
    let may = |filter: &&EventFilter| match filter {
        EventFilter::Account(_) => {
            scopes.contains(Scopes::READ_ACCOUNTS)
                && owner.permissions.contains(Permissions::READ_ACCOUNTS)
        }
        EventFilter::Extension(..) => {
            scopes.contains(Scopes::READ_PRESENCE)
                && owner.permissions.contains(Permissions::READ_PRESENCE_STATUS)
        }
        EventFilter::Foreign(_) => false,
    };
    FilterSet::of(subscription.filters.iter().filter(may))
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
