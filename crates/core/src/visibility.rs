//! What a watcher may see. One function decides, for events and REST alike.

use crate::calls::ListedCalls;
use crate::changes::Changes;
use crate::document::Document;
use crate::event::PresenceEvent;
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

/// What of the settings decides who may see a presentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// `allowSeeMyPresence`.
    pub allow_see_my_presence: bool,
    /// `callerIdVisibility`.
    pub caller_id_visibility: CallerIdVisibility,
    /// The permission list, sorted.
    pub permitted: Box<[ExtensionId]>,
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
    view_under(
        viewer,
        subject,
        settings.allow_see_my_presence,
        settings.caller_id_visibility,
        &settings.permitted,
    )
}

fn view_under(
    viewer: Viewer,
    subject: ExtensionId,
    allowed: bool,
    visibility: CallerIdVisibility,
    permitted: &[ExtensionId],
) -> View {
    let watcher = match viewer {
        Viewer::Operator | Viewer::Administrator => return View::Full,
        Viewer::Extension(watcher) => watcher,
    };
    if watcher == subject {
        return View::Full;
    }
    if !allowed {
        return View::Hidden;
    }
    let sees_callers = match visibility {
        CallerIdVisibility::All => true,
        CallerIdVisibility::None => false,
        CallerIdVisibility::PermittedUsers => permitted.binary_search(&watcher).is_ok(),
    };
    if sees_callers { View::Full } else { View::WithoutCallers }
}

impl Audience {
    /// Takes it out of settings.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            allow_see_my_presence: settings.allow_see_my_presence,
            caller_id_visibility: settings.caller_id_visibility,
            permitted: settings.permitted.clone(),
        }
    }

    /// Decides what `viewer` saw of the extension `subject`, as [`see`] does.
    #[must_use]
    pub fn view(&self, viewer: Viewer, subject: ExtensionId) -> View {
        view_under(
            viewer,
            subject,
            self.allow_see_my_presence,
            self.caller_id_visibility,
            &self.permitted,
        )
    }
}

/// Decides whether `viewer` is told of `event` in a body of `detail`, and what it sees then.
///
/// It is told when the body that it sees differs (sequence aside) from the one that it would have
/// seen before; calls that ended with the event are part of the body after it. Something hidden is
/// told of only in the moment in which it becomes hidden: later changes would give away activity.
/// Of more calls than are listed, a change of one that is not listed is told too.
#[must_use]
pub fn told(event: &PresenceEvent, viewer: Viewer, detail: Detail) -> Option<View> {
    let subject = event.key.extension;
    let view = see(viewer, subject, &event.document.settings);
    let before = match &event.before {
        Some(before) if event.changes.touches(Changes::AUDIENCE) => {
            before.audience.view(viewer, subject)
        }
        Some(_) | None => view,
    };
    differs(event, before, view, detail).then_some(view)
}

fn differs(event: &PresenceEvent, before: View, after: View, detail: Detail) -> bool {
    use View::{Full, Hidden, WithoutCallers};

    let changes = event.changes;
    let seen = if detail == Detail::Plain { Changes::PLAIN } else { Changes::DETAILED };
    match (before, after) {
        (Hidden, Hidden) => return false,
        (Hidden, _) | (_, Hidden) => return true,
        (Full | WithoutCallers, Full | WithoutCallers) => {}
    }
    if changes.touches(seen) {
        return true;
    }
    if detail == Detail::Plain {
        return false;
    }
    let mut of_callers = Changes::CALLER_DETAILS;
    if detail == Detail::Sip {
        of_callers |= Changes::SIP;
    }
    match (before, after) {
        (Full, Full) => changes.touches(of_callers),
        // The calls are the same but for their callers: what appears or vanishes is what they have.
        (Full, WithoutCallers) | (WithoutCallers, Full) => {
            changes.touches(of_callers) || lists_callers(&event.document, detail)
        }
        (WithoutCallers | Hidden, _) | (_, Hidden) => false,
    }
}

/// Tells whether a body of `detail` shows more of a call to whoever sees callers.
fn lists_callers(document: &Document, detail: Detail) -> bool {
    ListedCalls::of(&document.claims, &[]).live.iter().any(|(_, call)| {
        call.names_anybody() || detail == Detail::Sip && call.known_sip().is_some()
    })
}
