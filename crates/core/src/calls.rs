//! Several calls of one extension, folded into one telephony state and one list.

use crate::claim::{Call, Claim};
use crate::event::EndedCall;
use crate::values::TelephonyStatus;

/// The contract lists the latest seven calls; `totalActiveCalls` tells the true number.
pub const LISTED_CALLS_MAX: usize = 7;

/// Folds the call legs of an extension into its `telephonyStatus`.
///
/// CallConnected > OnHold > ParkedCall > Ringing > NoCall (contract 1.3: held and ringing is
/// OnHold, connected and ended is CallConnected). The order of the legs does not matter.
#[must_use]
pub fn fold_telephony<'a>(calls: impl IntoIterator<Item = &'a Call>) -> TelephonyStatus {
    calls
        .into_iter()
        .map(|call| call.telephony_status)
        .max_by_key(|status| precedence(*status))
        .unwrap_or(TelephonyStatus::NoCall)
}

const fn precedence(status: TelephonyStatus) -> u8 {
    match status {
        TelephonyStatus::NoCall => 0,
        TelephonyStatus::Ringing => 1,
        TelephonyStatus::ParkedCall => 2,
        TelephonyStatus::OnHold => 3,
        TelephonyStatus::CallConnected => 4,
    }
}

/// The calls of one event or snapshot as the contract lists them: live ones by age, then those
/// that ended with this very change.
#[derive(Debug)]
pub struct ListedCalls<'a> {
    /// Live calls with their claims, oldest first.
    pub live: Vec<(&'a Claim, &'a Call)>,
    /// Calls that this change ended (`NoCall`, `terminationType: final`).
    pub ended: &'a [EndedCall],
    /// The true number (`totalActiveCalls`), ended ones included.
    pub total: usize,
}

impl<'a> ListedCalls<'a> {
    /// Lists at most the latest [`LISTED_CALLS_MAX`] calls of `claims` and `ended`.
    ///
    /// Ended calls stay in the list before live ones do: this event is the only one to tell them.
    #[must_use]
    pub fn of(claims: &'a [Claim], ended: &'a [EndedCall]) -> Self {
        let mut live: Vec<_> =
            claims.iter().filter_map(|claim| claim.call().map(|call| (claim, call))).collect();
        live.sort_by_key(|(claim, call)| {
            (call.start_time.unwrap_or(claim.since), &claim.source, &claim.id)
        });
        let total = live.len() + ended.len();
        let ended = &ended[ended.len().saturating_sub(LISTED_CALLS_MAX)..];
        let room = LISTED_CALLS_MAX - ended.len();
        live.drain(..live.len().saturating_sub(room));
        Self { live, ended, total }
    }
}
