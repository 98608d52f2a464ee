//! Sessions that ended before the code with which they may have begun: such a code must not begin
//! them again, not even after a restart.

use lampfield_core::{SessionId, Timestamp};
use lampfield_journal::DirectoryChange;
use uuid::Uuid;

use crate::oauth::code::CODE_LIFE;
use crate::state::ApiState;

/// Where they are kept.
const KEPT_AS: &str = "oauth-sessions-spent";
/// How many are remembered; each for less than a minute.
const SPENT_MAX: usize = 4096;
/// Length of one: session, end.
const ENTRY: usize = 16 + 8;

/// Sessions, and until when codes may name them.
#[derive(Debug, Default)]
pub(crate) struct Spent(Option<Vec<(SessionId, Timestamp)>>);

impl Spent {
    /// What an earlier run of the program kept counts too.
    fn entries(&mut self, state: &ApiState) -> &mut Vec<(SessionId, Timestamp)> {
        self.0.get_or_insert_with(|| read(&state.registry.house(KEPT_AS).unwrap_or_default()))
    }
}

/// Tells whether a session was there and ended a moment ago.
pub(super) fn contains(state: &ApiState, id: SessionId) -> bool {
    state.spent.lock().entries(state).iter().any(|(one, _)| *one == id)
}

/// Remembers those of `sessions` that are so young that a code may still name them; returns the change
/// that makes it durable, if any is.
pub(super) fn remember(state: &ApiState, sessions: &[SessionId]) -> Option<DirectoryChange> {
    let now = state.now();
    let young: Vec<_> = sessions
        .iter()
        .filter_map(|id| state.registry.session(*id))
        .map(|session| (session.id, session.created_at.after(CODE_LIFE)))
        .filter(|(_, until)| now < *until)
        .collect();
    if young.is_empty() {
        return None;
    }
    let mut spent = state.spent.lock();
    let entries = spent.entries(state);
    entries.retain(|(_, until)| now < *until);
    entries.extend(young);
    let surplus = entries.len().saturating_sub(SPENT_MAX);
    entries.drain(..surplus);
    Some(DirectoryChange::PutHouse(KEPT_AS, write(entries)))
}

fn write(entries: &[(SessionId, Timestamp)]) -> Vec<u8> {
    let bytes = |(id, until): &(SessionId, Timestamp)| {
        [&id.0.as_bytes()[..], &until.0.to_be_bytes()[..]].concat()
    };
    entries.iter().flat_map(bytes).collect()
}

fn read(bytes: &[u8]) -> Vec<(SessionId, Timestamp)> {
    let one = |entry: &[u8]| {
        let (id, until) = entry.split_at(16);
        let until = i64::from_be_bytes(until.try_into().ok()?);
        Some((SessionId(Uuid::from_slice(id).ok()?), Timestamp(until)))
    };
    bytes.chunks_exact(ENTRY).filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let entries = vec![
            (SessionId(Uuid::from_u128(7)), Timestamp(1_800_000_000_000)),
            (SessionId(Uuid::from_u128(u128::MAX)), Timestamp(-1)),
        ];
        assert_eq!(read(&write(&entries)), entries);
        assert_eq!(read(&[]), []);
    }
}
