//! Which of the filters that are asked for can be active (contract 3.3, 6.4).

use std::sync::Arc;
use std::time::Duration;

use lampfield_contract::{ApiError, FilterError, parse_filter, write_filter};
use lampfield_core::directory::Extension;
use lampfield_core::subscription::{DisabledFilter, EventFilter};
use lampfield_core::values::Capability;
use lampfield_core::{ExtensionId, ExtensionKey, ExtensionType, View, see};

use crate::auth::Caller;
use crate::presence::with_document;
use crate::state::ApiState;

/// Filters by what became of them.
#[derive(Debug)]
pub(super) struct Judged {
    /// Active.
    pub(super) active: Vec<EventFilter>,
    /// Not active, with the reason.
    pub(super) disabled: Vec<DisabledFilter>,
}

/// Judges filters, each for itself. Repeats collapse.
///
/// # Errors
/// 400 SUB-508 when any means nothing, SUB-516 for a reminder that cannot be; the first one's own error when none can be active.
pub(super) fn judge(
    state: &ApiState,
    caller: &Caller,
    texts: &[String],
    lifetime: Duration,
) -> Result<Judged, ApiError> {
    if texts.len() > state.config.filters_max {
        return Err(ApiError::invalid_parameter("eventFilters"));
    }
    let parsed: Vec<_> = texts
        .iter()
        .map(|text| (text, parse_filter(text, caller.account(), caller.key().extension)))
        .collect();
    refuse_garbage(&parsed)?;
    refuse_late_reminders(&parsed, lifetime)?;
    let mut judged = Judged { active: Vec::new(), disabled: Vec::new() };
    let mut first_error = None;
    for (text, filter) in parsed {
        let outcome = match filter {
            Ok(filter) => check(state, caller, &filter).map(|()| filter),
            Err(_) => Err(ApiError::other_account()),
        };
        match outcome {
            Ok(filter) if judged.active.contains(&filter) => {}
            Ok(filter) => judged.active.push(filter),
            Err(error) => {
                judged.disabled.push(disabled(caller, text, &error));
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if judged.active.is_empty() => Err(error),
        _ => Ok(judged),
    }
}

type Parsed<'a> = (&'a String, Result<EventFilter, FilterError>);

fn refuse_garbage(parsed: &[Parsed<'_>]) -> Result<(), ApiError> {
    let garbage: Vec<_> = parsed
        .iter()
        .filter(|(_, filter)| matches!(filter, Err(FilterError::Invalid(_))))
        .map(|(text, _)| clip(text))
        .collect();
    if !garbage.is_empty() {
        return Err(ApiError::invalid_filters(garbage.iter().map(String::as_str)));
    }
    let is_bad = |(_, filter): &Parsed<'_>| matches!(filter, Err(FilterError::BadReminder(_)));
    if parsed.iter().any(is_bad) { Err(ApiError::bad_reminder()) } else { Ok(()) }
}

/// Whoever is to be reminded from a moment before the subscription began made a mistake (7.7).
fn refuse_late_reminders(parsed: &[Parsed<'_>], lifetime: Duration) -> Result<(), ApiError> {
    let is_late = |(_, filter): &Parsed<'_>| matches!(filter, Ok(EventFilter::Reminder(reminder)) if reminder.threshold >= lifetime);
    if parsed.iter().any(is_late) { Err(ApiError::bad_reminder()) } else { Ok(()) }
}

fn check(state: &ApiState, caller: &Caller, filter: &EventFilter) -> Result<(), ApiError> {
    if let Some((scope, permission)) = filter.needs() {
        caller.need_scope(scope)?;
        caller.need_permission(permission).map_err(|error| match filter {
            // The contract's example names the feature that shows lines, not the permission.
            EventFilter::LineList(_) => ApiError::extension_permission("HUD"),
            _ => error,
        })?;
    }
    let own = caller.key().extension;
    if filter.is_private_to().is_some_and(|owner| owner != own) && !caller.is_admin() {
        return Err(ApiError::other_extension());
    }
    match filter {
        EventFilter::Extension(extension, _) | EventFilter::Dnd(extension) => {
            check_subject(state, caller, *extension)
        }
        EventFilter::Lines(owner, _)
        | EventFilter::Favorites(owner, _)
        | EventFilter::LineList(owner)
        | EventFilter::FavoriteList(owner) => {
            let owner = subject(state, caller, *owner)?;
            let has_lists = owner.standing.kind.is_writable();
            if has_lists { Ok(()) } else { Err(ApiError::presence_unavailable()) }
        }
        EventFilter::Queue(queue) => {
            let queue = subject(state, caller, *queue)?;
            let is_queue = queue.standing.kind == ExtensionType::Department;
            if is_queue { Ok(()) } else { Err(ApiError::unknown_user()) }
        }
        EventFilter::Profile(extension) => subject(state, caller, *extension).map(|_| ()),
        EventFilter::Account(_)
        | EventFilter::Directory
        | EventFilter::Reminder(_)
        | EventFilter::Foreign(_) => Ok(()),
    }
}

/// Returns an extension of the caller's account.
fn subject(
    state: &ApiState,
    caller: &Caller,
    extension: ExtensionId,
) -> Result<Arc<Extension>, ApiError> {
    let key = ExtensionKey { account: caller.account(), extension };
    state.registry.extension(key).ok_or_else(ApiError::unknown_user)
}

fn check_subject(
    state: &ApiState,
    caller: &Caller,
    extension: ExtensionId,
) -> Result<(), ApiError> {
    let subject = subject(state, caller, extension)?;
    if subject.standing.kind.capability() == Capability::Nothing {
        return Err(ApiError::presence_unavailable());
    }
    let viewer = caller.viewer(state);
    let view = with_document(state, &subject, |it| see(viewer, extension, &it.settings));
    if view == View::Hidden { Err(ApiError::monitoring_disallowed()) } else { Ok(()) }
}

fn disabled(caller: &Caller, text: &str, error: &ApiError) -> DisabledFilter {
    let canonical = parse_filter(text, caller.account(), caller.key().extension)
        .map_or_else(|_| clip(text), |filter| write_filter(&filter, caller.account()));
    DisabledFilter {
        filter: canonical.into(),
        reason: error.code.into(),
        message: error.message.clone(),
    }
}

/// Shortens hostile input before it stands in an answer.
fn clip(text: &str) -> String {
    text.chars().take(256).collect()
}
