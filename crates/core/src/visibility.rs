//! What a watcher may see. One function decides, for events and REST alike.

use crate::changes::Changes;
use crate::ids::ExtensionId;
use crate::settings::Settings;
use crate::values::CallerIdVisibility;

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Whoever runs the house: an API key with the right to see everything of the account.
    Operator,
    /// A person, through the extension they are logged in to.
    Extension(ExtensionId),
    /// An administrator of a site that lets administrators see what is hidden from others.
    Administrator,
}

/// What a viewer sees of a presentity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum View {
    /// Everything.
    Full,
    /// Everything but with whom calls are: no numbers, names, SIP dialogs.
    WithoutCallers,
    /// Nothing: the presentity looks offline and idle.
    Hidden,
}

/// How much an event or a resource shows of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detail {
    /// The founding document's ten fields.
    Plain,
    /// With `activeCalls` (`detailedTelephonyState=true`).
    Detailed,
    /// With SIP dialogs too (`sipData=true`).
    Sip,
}

impl View {
    /// Every view.
    pub const ALL: &'static [Self] = &[Self::Full, Self::WithoutCallers, Self::Hidden];
}

impl Detail {
    /// Every detail, from least to most.
    pub const ALL: &'static [Self] = &[Self::Plain, Self::Detailed, Self::Sip];
}

/// Decides what `viewer` sees of the extension `subject` with `settings` (contract 1.9).
///
/// One always sees oneself. `allowSeeMyPresence` false hides everything from others;
/// `callerIdVisibility` hides callers from all (`None`) or from all who are not on the permission
/// list (`PermittedUsers`).
#[must_use]
pub fn see(viewer: Viewer, subject: ExtensionId, settings: &Settings) -> View {
    let watcher = match viewer {
        Viewer::Operator | Viewer::Administrator => return View::Full,
        Viewer::Extension(watcher) => watcher,
    };
    if watcher == subject {
        return View::Full;
    }
    if !settings.allow_see_my_presence {
        return View::Hidden;
    }
    let sees_callers = match settings.caller_id_visibility {
        CallerIdVisibility::All => true,
        CallerIdVisibility::None => false,
        CallerIdVisibility::PermittedUsers => settings.permitted.binary_search(&watcher).is_ok(),
    };
    if sees_callers { View::Full } else { View::WithoutCallers }
}

/// Tells whether a body of `detail` under `view` differs after `changes`, so that it is told.
///
/// Something hidden is told of only in the moment in which it becomes hidden: later changes would
/// give away activity. `has_calls` is whether the event lists any call: a change of who may see
/// callers shows only there.
#[must_use]
pub fn is_told(view: View, detail: Detail, changes: Changes, has_calls: bool) -> bool {
    if view == View::Hidden {
        return changes.touches(Changes::ALLOW_SEE);
    }
    let mut seen = Changes::PLAIN;
    if detail >= Detail::Detailed {
        seen |= Changes::CALLS;
        if view == View::Full {
            seen |= Changes::CALLER_DETAILS;
        }
        if has_calls {
            seen |= Changes::CALLER_ID_VISIBILITY;
        }
    }
    if detail == Detail::Sip && view == View::Full {
        seen |= Changes::SIP;
    }
    changes.touches(seen)
}
