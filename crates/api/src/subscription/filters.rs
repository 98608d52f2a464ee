//! Which of the filters that are asked for can be active (contract 3.3, 6.4).

use lampfield_contract::{ApiError, FilterError, parse_filter, write_filter};
use lampfield_core::directory::{Permissions, Scopes};
use lampfield_core::subscription::{DisabledFilter, EventFilter};
use lampfield_core::values::Capability;
use lampfield_core::{ExtensionId, ExtensionKey, View, see};

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
/// 400 SUB-508 when any means nothing; the first one's own error when none can be active.
pub(super) fn judge(
    state: &ApiState,
    caller: &Caller,
    texts: &[String],
) -> Result<Judged, ApiError> {
    if texts.len() > state.config.filters_max {
        return Err(ApiError::invalid_parameter("eventFilters"));
    }
    let parsed: Vec<_> = texts
        .iter()
        .map(|text| (text, parse_filter(text, caller.account(), caller.key().extension)))
        .collect();
    refuse_garbage(&parsed)?;
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

fn check(state: &ApiState, caller: &Caller, filter: &EventFilter) -> Result<(), ApiError> {
    match filter {
        EventFilter::Account(_) => {
            caller.need(Scopes::READ_ACCOUNTS, Permissions::READ_ACCOUNTS)?;
            Ok(())
        }
        EventFilter::Extension(extension, _) => {
            caller.need(Scopes::READ_PRESENCE, Permissions::READ_PRESENCE_STATUS)?;
            check_subject(state, caller, *extension)
        }
        EventFilter::Foreign(_) => Ok(()),
    }
}

fn check_subject(
    state: &ApiState,
    caller: &Caller,
    extension: ExtensionId,
) -> Result<(), ApiError> {
    let key = ExtensionKey { account: caller.account(), extension };
    let subject = state.registry.extension(key).ok_or_else(ApiError::unknown_user)?;
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
